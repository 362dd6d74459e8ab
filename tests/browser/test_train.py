"""An owner trains a bot in the browser; the trainer is a stand-in that learns nothing."""

import json
import os
import signal
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import settled
from tests.browser.serving import Server
from tests.browser.test_chat_page import expect_unnamed, fits_sideways
from tests.ui.fake_trainer import hollow_bundle

pytestmark = pytest.mark.browser
PROGRAM = Path(__file__).with_name("train_server.py")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    lines = [f"Hi number {number}?,Hello <b>number {number}</b>!\n" for number in range(60)]
    (folder / "talk.csv").write_text("message,reply\n" + "".join(lines))
    hollow_bundle(folder / "saved_models" / "base")
    return folder


@pytest.fixture(scope="module")
def trainer(home):
    with Server(program=PROGRAM, home=home) as running:
        yield running


@pytest.fixture(autouse=True)
def _ended(home):
    """No training is left to the next test."""
    yield
    for note in home.glob("runs/*/sitting.json"):
        try:
            os.killpg(json.loads(note.read_text())["pid"], signal.SIGKILL)
        except ProcessLookupError:
            continue


@pytest.fixture
def fake(home):
    """Tells the trainer what to do."""

    def told(words):
        (home / "fake.txt").write_text(words)

    return told


@pytest.fixture
def open_train(open_page, trainer):
    """Opens the tab in the browser of an owner."""

    def opened(size="desktop", **options):
        page = open_page(trainer.owner_url, size, **options)
        page.get_by_role("tab", name="训练" if options.get("locale") else "Train").click()
        return page

    return opened


def shows(place, text):
    """Waits until a place on the page holds a text; a training takes its time."""
    expect(place).to_contain_text(text, timeout=20_000)


def upload(page, home):
    page.locator("#corpus-upload input[type=file]").set_input_files(home / "talk.csv")
    shows(page.locator("#train-estimate"), "1.5 GB")


def start(page, name):
    """Starts a training on the corpus that was uploaded."""
    page.get_by_label("Name of the new bot").fill(name)
    shows(page.locator("#train-name-note"), "is free")
    click(page, "Start training")


def click(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def line(page):
    return page.locator("#train-progress .line")


def test_an_owner_uploads_trains_watches_and_finds_the_bot(open_train, home, fake):
    fake("steps=30 seconds=0.1")
    page = open_train()
    shows(page.locator("#train-estimate"), "Drop a file")
    upload(page, home)
    expect(page.get_by_label("Name of the new bot")).to_have_attribute("placeholder", "talk")
    shows(page.locator("#train-estimate"), "are few to learn a language from")
    expect_unnamed(page)
    # A name is judged at once, and refused in a line.
    bad = {"base": "already", "../x": "A name starts with", "<b>x</b>": "A name starts with"}
    for name, said in bad.items():
        page.get_by_label("Name of the new bot").fill(name)
        shows(page.locator("#train-name-note"), said)
        click(page, "Start training")
        shows(page.locator("#train-told .wrong"), repr(name))
        expect(page.get_by_role("button", name="Start training")).to_be_visible()
    page.get_by_label("Name of the new bot").fill("")
    settled(page)
    click(page, "Start training")
    shows(line(page), "Learning: step")
    expect(page.get_by_role("img", name="How the loss changed")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.get_by_role("button", name="Start training")).to_be_hidden()
    shows(page.locator("#train-learned"), "What is <b>your</b> name?")
    shows(line(page), "Done: talk is ready.")
    expect(page.get_by_role("button", name="Chat with it")).to_be_visible()
    expect(page.get_by_role("button", name="Start training")).to_be_visible()
    assert (home / "saved_models" / "talk").is_dir()
    click(page, "Chat with it")
    expect(page.get_by_role("heading", name="talk")).to_be_visible()


@pytest.mark.story  # ui/test_jobs.py stops and continues
def test_a_reload_and_a_telephone_show_the_same_training_stop_it_and_continue(
    open_train, home, fake, expected_errors
):
    expected_errors += ["signal is aborted", "errored out"]  # the stream that is left
    fake("steps=900 seconds=0.1")
    page = open_train()
    upload(page, home)
    start(page, "long")
    shows(line(page), "Learning: step")
    page.reload()
    page.get_by_role("tab", name="Train").click()
    shows(line(page), "Learning: step")
    phone = open_train("phone")
    shows(line(phone), "Learning: step")
    expect_unnamed(phone)
    assert fits_sideways(phone)
    click(phone, "Stop and keep the best")
    shows(line(phone), "Stopped by you")
    shows(line(page), "Stopped by you")
    # It is chosen from a list, and goes on.
    page.get_by_label("Go on with a training").check()
    shows(page.locator("#train-estimate"), "It goes on at step")
    expect(page.get_by_label("Name of the new bot")).to_be_hidden()
    click(page, "Start training")
    shows(line(page), "Learning: step")


@pytest.mark.story  # ui/test_jobs.py kills a training
def test_a_crash_of_the_trainer_is_a_line_and_it_goes_on(open_train, home, fake):
    fake("steps=20 seconds=0.05 crash=1")
    page = open_train()
    upload(page, home)
    start(page, "crashed")
    shows(line(page), "It was ended from outside")
    shows(line(page), "(step 7)")
    click(page, "Continue")
    shows(line(page), "Done: crashed is ready.")


@pytest.mark.story  # ui/test_jobs.py sees the same of eight pages
def test_two_pages_cannot_start_two_trainings(open_train, home, fake):
    fake("steps=900 seconds=0.1")
    first, second = open_train(), open_train()
    upload(first, home)
    upload(second, home)
    start(first, "one")
    shows(line(first), "Learning: step")
    start(second, "two")
    shows(second.locator("#train-told"), "The training 'one' is running")
    expect(second.locator("#train-progress h3")).to_have_text("one")
    shows(line(second), "Learning: step")


@pytest.mark.story  # two servers of its own; ui/test_jobs.py sees the same without a browser
def test_a_crash_of_the_page_does_not_end_a_training(open_page, home, fake):
    fake("steps=900 seconds=0.1")
    with Server(program=PROGRAM, home=home) as running:
        page = open_page(running.owner_url)
        page.get_by_role("tab", name="Train").click()
        upload(page, home)
        start(page, "survivor")
        shows(line(page), "Learning: step")
        page.close()
        running.process.kill()
    with Server(program=PROGRAM, home=home) as running:
        page = open_page(running.owner_url)
        page.get_by_role("tab", name="Train").click()
        shows(line(page), "Learning: step")
        click(page, "Stop and keep the best")
        shows(line(page), "Stopped by you")
        page.close()


def test_a_bot_is_fine_tuned_compared_made_the_default_and_thrown_away(open_train, home, fake):
    fake("steps=10 seconds=0.01")
    page = open_train()
    page.get_by_label("From a model").check()
    expect(page.get_by_label("Model to start from")).to_be_visible()
    expect(page.get_by_label("Small")).to_be_hidden()
    upload(page, home)
    start(page, "tuned")
    shows(line(page), "Done: tuned is ready.")
    scores = page.get_by_role("table", name="Scores")
    shows(scores.get_by_role("row", name="Loss on held-out talk"), "2.000")
    shows(scores.get_by_role("row", name="Loss on held-out talk"), "1.500")
    shows(page.get_by_role("table", name="Replies side by side"), "of the base")
    click(page, "Make it the default")
    shows(page.locator("#train-told"), "tuned is now the bot")
    click(page, "Throw it away")
    click(page, "No")
    assert (home / "saved_models" / "tuned").is_dir()
    click(page, "Throw it away")
    click(page, "Yes, throw it away")
    shows(page.locator("#train-told"), "Make another model the default first")
    (home / "saved_models" / "default").write_text("base")
    click(page, "Throw it away")
    click(page, "Yes, throw it away")
    shows(page.locator("#train-told"), "tuned is thrown away")
    assert not (home / "saved_models" / "tuned").exists()
    assert not (home / "runs" / "tuned").exists()


@pytest.mark.story
@pytest.mark.parametrize(
    ("picture", "size", "options"),
    [
        ("train-desktop", "desktop", {}),
        ("train-dark", "desktop", {"color_scheme": "dark"}),
        ("train-phone", "phone", {}),
        ("train-chinese", "phone", {"locale": "zh-CN"}),
    ],
)
def test_it_fits_and_has_its_picture_taken(
    open_train, home, fake, picture, size, options, tmp_path
):
    fake("steps=900 seconds=0.02")
    folder = Path(os.environ.get("PICTURES", tmp_path))
    page = open_train(size, **options)
    upload(page, home)
    expect_unnamed(page)
    assert fits_sideways(page)
    page.screenshot(path=folder / f"{picture}-setup.png", full_page=True)
    page.locator("#train-start").click()
    expect(page.locator("#train-progress .running")).to_be_visible(timeout=20_000)
    shows(page.locator("#train-learned"), "after 5")
    expect_unnamed(page)
    assert fits_sideways(page)
    page.screenshot(path=folder / f"{picture}.png", full_page=True)
