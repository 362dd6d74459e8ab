"""The owner's whole way in a real browser, by `make story`: nothing in it is a stand-in but frpc.

A real corpus is uploaded and mapped, a bot trained for two minutes and watched, stopped by nothing
but the clock; then it is chatted with, looked into, corrected, taught, compared and shared. It also
takes the pictures of the owner's tabs.
"""

import os
import re
import shutil
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.serving import ROOT, Server
from tests.browser.test_chat_page import expect_unnamed, fits_sideways, replies, said
from tests.browser.test_owner import open_tab, owner_tabs
from tests.ui.relay import install_frpc

CORPUS = ROOT.parent / "shared/corpora/personality-chat/raw/qna_chitchat_friendly.tsv.gz"
IMAGES = ROOT / "docs" / "images"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.story,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not CORPUS.exists(), reason="the real corpora are not on this machine"),
    pytest.mark.skipif(os.name == "nt", reason="the fake frpc is a script"),
]
BETTER = "I am a small program that learnt to be friendly."


@pytest.fixture
def app(tmp_path, monkeypatch):
    """The real app in a home of its own, with the shipped bot."""
    home = tmp_path / "home"
    shutil.copytree(ROOT / "saved_models" / "english", home / "saved_models" / "english")
    _, environment = install_frpc(tmp_path)
    with Server(program=ROOT / "app.py", home=home, environment=environment) as running:
        yield running


def test_the_owner_trains_understands_corrects_compares_and_shares(app, open_page):
    owner = open_page(app.owner_url)
    owner.set_default_timeout(30_000)
    upload_and_map(owner)
    train_and_watch(owner, app)
    chat_and_look_inside(owner)
    correct_and_teach(owner)
    compare(owner)
    share_and_visit(owner, app, open_page)
    picture_on_a_phone(app, open_page)


def upload_and_map(owner):
    tab(owner, "Train")
    owner.locator("#corpus-upload input[type=file]").set_input_files(CORPUS)
    preview = owner.locator("#corpus-preview")
    expect(preview).to_contain_text("Swing and a miss.", timeout=60_000)
    choose(owner, "Column of messages", "Answer")
    choose(owner, "Column of replies", "Question")
    swapped = preview.inner_text()
    choose(owner, "Column of messages", "Question")
    choose(owner, "Column of replies", "Answer")
    expect(preview).not_to_have_text(swapped)
    expect(owner.locator("#corpus-report")).to_contain_text("pairs to learn from", timeout=60_000)
    expect(owner.locator("#train-estimate")).to_contain_text("GB of memory", timeout=120_000)
    expect_unnamed(owner)
    picture(owner, "train-corpus", whole=True)


def train_and_watch(owner, app):
    owner.get_by_label("Name of the new bot").fill("friendly")
    minutes = owner.locator("#train-minutes input[type=number]")
    minutes.fill("2")
    minutes.press("Tab")
    click(owner, "Start training")
    progress = owner.locator("#train-progress")
    expect(progress).to_contain_text("Learning: step", timeout=120_000)
    first = loss_seen(owner)
    owner.reload()
    tab(owner, "Train")
    expect(progress).to_contain_text("Learning: step", timeout=60_000)
    expect(owner.locator("#train-live")).to_contain_text("What it answers by now", timeout=150_000)
    expect(
        owner.locator("#train-live [role=progressbar], #train-live progress").first
    ).to_be_visible()
    expect(progress).to_contain_text(re.compile(r"Time left\s*\d\d s"), timeout=200_000)
    picture(owner, "train-live", whole=True)
    expect(progress).to_contain_text("Done: friendly is ready", timeout=300_000)
    assert loss_seen(owner) < 0.8 * first
    assert (httpx.get(app.url)).status_code == 200


def loss_seen(owner):
    """The last training loss that the curve tells in words."""
    curves = owner.locator("#train-live svg").first
    expect(curves).to_contain_text(re.compile(r"from [\d.]+ to [\d.]+"), timeout=120_000)
    return float(re.findall(r"from [\d.]+ to (\d+\.\d+)", curves.text_content())[0])


def chat_and_look_inside(owner):
    click(owner, "Chat with it")
    expect(owner.get_by_role("heading", name="friendly")).to_be_visible()
    say(owner, "Who are you?")
    owner.get_by_role("button", name="Why?").last.click()
    inspector = owner.locator("#inspector")
    expect(inspector).to_contain_text("as friendly sees it", timeout=60_000)
    expect(inspector.locator(".heat tbody tr").first).to_be_visible()
    expect(inspector).to_contain_text("qna_chitchat_friendly", timeout=60_000)  # what taught it
    with taller(owner, 1300):
        picture(owner, "understand")
    inspector.get_by_role("button", name="Close").click()


def correct_and_teach(owner):
    owner.get_by_role("button", name="Dislike", exact=True).last.click()
    owner.get_by_role("textbox", name="What should it have said?").fill(BETTER)
    click(owner, "Suggest this answer")
    tab(owner, "Corrections")
    listed = owner.locator("#corrections-list")
    expect(listed).to_contain_text("Who are you?")
    listed.locator("label").first.click()
    expect(owner.get_by_text("Thank you. The owner will read")).to_be_hidden(timeout=20_000)
    picture(owner, "corrections")
    click(owner, "Accept")
    owner.get_by_role("button", name="Retrain with 1 accepted correction").click()
    expect(owner.locator("#corrections-told")).to_contain_text("has begun", timeout=60_000)
    click(owner, "Watch it")
    progress = owner.locator("#train-progress")
    expect(progress).to_contain_text(re.compile("Done: friendly-2 "), timeout=600_000)
    click(owner, "Chat with it")
    expect(owner.get_by_role("heading", name="friendly-2")).to_be_visible()
    click(owner, "New chat")
    say(owner, "Who are you?")
    expect(replies(owner).last).to_contain_text(BETTER)


def compare(owner):
    tab(owner, "Compare")
    choose(owner, "One model", "friendly")
    choose(owner, "The other model", "friendly-2")
    box = owner.get_by_label("Message to both")
    box.fill("Who are you?")  # which one of them was taught
    click(owner, "Ask both")
    vote = owner.get_by_role("button", name="= Equal")
    expect(vote).to_be_enabled(timeout=90_000)
    picture(owner, "compare")
    vote.click()
    expect(owner.locator("#tab-compare")).to_contain_text("Counted")
    tab(owner, "Models")
    expect(owner.locator("#tab-models")).to_contain_text("friendly-2")
    expect_unnamed(owner)
    picture(owner, "models", whole=True)


def share_and_visit(owner, app, open_page):
    tab(owner, "Share")
    click(owner, "Ask for a public link")
    box = owner.get_by_label("Public link", exact=True)
    expect(box).to_have_value(re.compile("^http://127"), timeout=25_000)
    link = box.input_value()
    picture(owner, "share")
    one, two = open_page(link), open_page(link, "phone")
    for visitor, words in ((one, "Hello!"), (two, "I love pizza.")):
        visitor.set_default_timeout(60_000)
        say(visitor, words)
        expect(said(visitor)).to_have_count(1)
        expect(owner_tabs(visitor)).to_have_count(0)
    expect(said(one).last).to_contain_text("Hello!")
    expect(said(two).last).to_contain_text("I love pizza.")
    refused_by_plain_http(link, app.owner_cookies())
    for visitor in (one, two):
        visitor.close()
    click(owner, "Close the link")
    expect(owner.locator("#share-status")).to_contain_text("closed")


def refused_by_plain_http(link, cookies):
    """No function but the chat answers through the link, not even to the owner's cookie."""
    config = httpx.get(f"{link.rstrip('/')}/config").json()
    owned = [one for one in config["dependencies"] if one["api_name"] != "chat"]
    info = httpx.get(f"{link.rstrip('/')}/gradio_api/info").json()["named_endpoints"]
    assert list(info) == ["/chat"]
    assert owned
    for upload in (httpx.post(f"{link.rstrip('/')}/gradio_api/upload", cookies=cookies),):
        assert upload.status_code in (401, 403, 404)


def picture_on_a_phone(app, open_page):
    page = open_page(app.owner_url, "phone", color_scheme="dark", locale="zh-CN")
    page.set_default_timeout(30_000)
    for name, file in (("训练", "train-phone"), ("模型", "models-phone")):
        open_tab(page, name)
        page.wait_for_timeout(1500)
        assert fits_sideways(page)
        picture(page, file)


def tab(page, name):
    page.get_by_role("tab", name=name, exact=True).click()


def click(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def choose(page, label, value):
    page.get_by_label(label, exact=True).click()
    page.locator(f'li[role=option][aria-label="{value}"]:visible').last.click()


def say(page, words):
    """Says it and waits until the whole reply is there."""
    count = replies(page).count()
    box = page.locator("#message textarea")
    box.fill(words)
    box.press("Enter")
    expect(replies(page)).to_have_count(count + 1, timeout=60_000)
    expect(replies(page).last).not_to_contain_text("loading", timeout=60_000)
    expect(page.get_by_role("button", name="Send")).to_be_visible(timeout=60_000)


@contextmanager
def taller(page, height):
    """Gives the page a higher window for a while."""
    before = page.viewport_size
    page.set_viewport_size({**before, "height": height})
    yield
    page.set_viewport_size(before)


def picture(page, name, *, whole=False):
    folder = Path(os.environ.get("PICTURES", IMAGES))
    folder.mkdir(parents=True, exist_ok=True)
    page.mouse.move(0, 0)
    page.screenshot(path=folder / f"{name}.png", full_page=whole, animations="disabled")
