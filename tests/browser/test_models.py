"""The owner's models in a real browser: list, rename, copy, add, delete, facts, blocked words."""

import shutil
import zipfile
from itertools import product

import pytest
from playwright.sync_api import expect

from chatbot.bundle import (
    bundle_path,
    default_model,
    edit_bundle,
    list_bundles,
    read_bundle_config,
    read_facts,
    set_default_model,
)
from chatbot.text.facts import Fact
from tests.browser.conftest import SIZES, settled
from tests.browser.serving import Server
from tests.browser.test_chat_page import expect_reply, expect_unnamed, fits_sideways, say

pytestmark = pytest.mark.browser
HOSTILE = "<img src=x onerror=alert(1)> ${1+1} {{value}}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The home of the one page that all these tests look at."""
    return tmp_path_factory.mktemp("models-home")


@pytest.fixture(scope="module")
def server(folder):
    with Server(home=folder) as running:
        yield running


@pytest.fixture
def home(folder, tiny_bundle, monkeypatch):
    """Three bundles, made anew; one says hostile things of itself, and "tiny" comes first."""
    monkeypatch.setenv("CHATBOT_HOME", str(folder))
    models = folder / "saved_models"
    shutil.rmtree(models, ignore_errors=True)
    for name in ("tiny", "alpha", "zeta"):
        shutil.copytree(tiny_bundle, models / name)
    edit_bundle("zeta", facts=[Fact((f"Say {HOSTILE}",), HOSTILE)], blocked_phrases=[HOSTILE])
    set_default_model("tiny")
    return folder


@pytest.fixture
def page(home, server, open_page):
    page = open_page(server.owner_url)
    opened(page)
    return page


def opened(page, name="Models"):
    page.get_by_role("tab", name=name).click()
    expect(rows(page).first).to_be_visible()


def rows(page):
    return page.locator("#models-list tbody tr")


def note(page):
    return page.locator("#models-note")


def choose(page, name, among="chosen"):
    """Chooses a model, or a fact, and waits for what the page then shows of it."""
    page.locator(f"#models-{among} input").click()
    page.get_by_role("option", name=name, exact=among == "chosen").click()
    settled(page)


def unfold(page, *titles):
    for title in titles:
        page.locator("#models .label-wrap").filter(has_text=title).click()
    settled(page)


def click(page, name):
    settled(page)
    page.locator("#models").get_by_role("button", name=name, exact=True).last.click()


def upload(page, path):
    with page.expect_file_chooser() as chooser:
        click(page, "Choose a file…")
    chooser.value.set_files(path)


def test_a_model_is_renamed_made_the_default_and_deleted_without_losing_a_conversation(
    page, open_page, server
):
    visitor = open_page(server.url)
    expect(visitor.locator("#title")).to_contain_text("tiny")
    say(visitor, "hello")
    expect_reply(visitor, "hello (1)")
    expect(rows(page)).to_have_count(3)
    choose(page, "alpha")
    unfold(page, "Rename")
    page.get_by_label("New name").fill("tiny")
    click(page, "Rename")
    expect(note(page)).to_contain_text("There is a model tiny already")
    page.get_by_label("New name").fill("Pip")
    click(page, "Rename")
    expect(note(page)).to_contain_text("alpha is now called Pip")
    click(page, "Make it the default")
    expect(rows(page).filter(has_text="default")).to_contain_text("Pip")
    choose(page, "tiny")
    click(page, "Delete")
    expect(page.get_by_text("Delete tiny for good")).to_be_visible()
    click(page, "No, keep it")
    expect(page.get_by_text("Delete tiny for good")).to_be_hidden()
    click(page, "Delete")
    click(page, "Yes, delete it")
    expect(note(page)).to_contain_text("tiny was deleted")
    expect(rows(page)).to_have_count(2)
    page.reload()
    opened(page)
    expect(rows(page)).to_have_count(2)
    assert default_model() == "Pip"
    # The visitor's conversation outlives the model it was held with.
    say(visitor, "still there?")
    expect(visitor.get_by_test_id("bot").last).to_contain_text("This page has no model 'tiny'")
    visitor.reload()
    expect(visitor.locator("#title")).to_contain_text("Pip")
    expect(visitor.get_by_test_id("bot").first).to_contain_text("hello (1)")
    say(visitor, "and now?")
    expect_reply(visitor, "and now? (3)")


@pytest.mark.story  # ui/test_models.py sees the same without a browser
def test_a_model_is_downloaded_and_taken_in_again(page, tmp_path):
    choose(page, "alpha")
    with page.expect_download() as download:
        click(page, "Download")
    assert download.value.suggested_filename == "alpha.chatbot.zip"
    packed = tmp_path / "alpha.chatbot.zip"
    download.value.save_as(packed)
    assert zipfile.is_zipfile(packed)
    expect(note(page)).to_contain_text("without its training pairs")
    unfold(page, "Add a model from a file")
    upload(page, packed)
    expect(note(page)).to_contain_text("There is a model 'alpha' already")
    page.locator("#models-add-name textarea").fill("copied")
    upload(page, packed)
    expect(note(page)).to_contain_text("copied is here now", timeout=60_000)
    expect(rows(page)).to_have_count(4)
    expect(page.locator("#models-chosen input")).to_have_value("copied")
    hostile = tmp_path / "bad.zip"
    with zipfile.ZipFile(hostile, "w") as archive:
        archive.writestr("../../evil", "x")
    upload(page, hostile)
    expect(note(page)).to_contain_text("does not belong in it")
    assert [info.name for info in list_bundles()] == ["alpha", "copied", "tiny", "zeta"]


def test_facts_and_blocked_words_are_edited(page):
    unfold(page, "Fixed facts", "Blocked words")
    page.get_by_label("When somebody says").fill("What is your name?\nWho are you?")
    page.locator("#models-words textarea").fill("half written")
    click(page, "Save this fact")
    expect(note(page)).to_contain_text("Write what somebody says")
    page.get_by_label("The bot answers").fill("I'm Pip.")
    click(page, "Save this fact")
    expect(note(page)).to_contain_text("tiny now answers “I'm Pip.”")
    expect(page.locator("#models-known tbody tr")).to_have_count(1)
    expect(page.locator("#models-words textarea")).to_have_value("half written")
    choose(page, "What is your name?", among="fact")
    expect(page.get_by_label("The bot answers")).to_have_value("I'm Pip.")
    page.get_by_label("The bot answers").fill("I'm Pip!")
    click(page, "Save this fact")
    expect(page.locator("#models-known")).to_contain_text("I'm Pip!")
    page.locator("#models-words textarea").fill("bad\n坏")
    click(page, "Save blocked words")
    expect(note(page)).to_contain_text("none of 2 words")
    assert read_facts(bundle_path("tiny"))[0].reply == "I'm Pip!"
    assert read_bundle_config(bundle_path("tiny")).decoding.blocked_phrases == ("bad", "坏")


def test_on_a_phone_hostile_facts_are_text_and_every_control_has_a_name(home, server, open_page):
    page = open_page(server.owner_url, "phone")
    opened(page)
    unfold_all(page)
    expect_unnamed(page)
    choose(page, "zeta")
    expect(page.locator("#models-known tbody td").last).to_have_text(HOSTILE)
    expect(page.locator("#models-words textarea")).to_have_value(HOSTILE)
    expect(page.locator("#models-card h3")).to_have_text("tiny")
    expect_unnamed(page)
    assert fits_sideways(page)
    choose(page, "Say <img", among="fact")
    click(page, "Delete this fact")
    expect(note(page)).to_contain_text(f"“Say {HOSTILE}” by itself again")


@pytest.mark.story
def test_it_fits_and_every_control_has_a_name(home, server, open_page):
    for size, (locale, tab) in product(SIZES, (("en-US", "Models"), ("zh-CN", "模型"))):
        page = open_page(server.owner_url, size, locale=locale)
        opened(page, tab)
        unfold_all(page)
        expect_unnamed(page)
        assert fits_sideways(page)


def unfold_all(page):
    for fold in page.locator("#models .label-wrap").all():
        fold.click()
    expect(page.locator("#models-add-name textarea")).to_be_visible()
