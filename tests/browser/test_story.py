"""The whole way, by `make story`: real dialogue, a training, a reply read in the browser.

It also takes the pictures of the README, with the shipped bot.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.serving import ROOT, Server
from tests.browser.test_chat_page import fits_sideways, replies

SHARED = ROOT.parent / "shared" / "corpora"
IMAGES = ROOT / "docs" / "images"
pytestmark = [pytest.mark.browser, pytest.mark.story, pytest.mark.timeout(1200)]
LOADING = re.compile("The bot is loading|正在加载")
TALK = ("Hello!", "I had a terrible day at work.", "I love pizza.")
CHINESE = ("chinese", ["你好！", "我今天很难过。", "我喜欢吃火锅。"], "发送")


def talk(page, messages, send="Send"):
    """Says one message after the other, each when the reply before it is whole."""
    for number, message in enumerate(messages, start=1):
        box = page.locator("#message textarea")
        box.fill(message)
        box.press("Enter")
        expect(replies(page)).to_have_count(number, timeout=60_000)
        expect(replies(page).last).not_to_contain_text(LOADING, timeout=60_000)
        expect(page.get_by_role("button", name=send)).to_be_visible(timeout=60_000)
        assert replies(page).last.inner_text().strip()


@pytest.mark.parametrize("corpus", ["corpora/small-talk.en.yml", "dailydialog/raw"])
def test_a_bot_trained_for_two_minutes_is_talked_to(open_page, tmp_path, monkeypatch, corpus):
    path = ROOT / corpus if (ROOT / corpus).exists() else SHARED / corpus
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    monkeypatch.setenv("CHATBOT_HOME", str(tmp_path))
    command = [sys.executable, "-m", "chatbot", "train", path, "--name", "story", "--minutes", "2"]
    trained = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert trained.returncode == 0, trained.stderr
    perplexities = [float(p) for p in re.findall(r"perplexity ([\d.]+)", trained.stdout)]
    assert perplexities[-1] < 0.5 * perplexities[0]
    with Server("--model", "story", program=ROOT / "app.py") as server:
        page = open_page(server.url)
        talk(page, TALK)
        page.close()


@pytest.mark.parametrize(
    ("picture", "size", "options"),
    [
        ("chat-desktop", "desktop", {}),
        ("chat-dark", "desktop", {"color_scheme": "dark"}),
        ("chat-phone", "phone", {}),
        ("chat-chinese", "phone", {"locale": "zh-CN"}),
    ],
)
def test_the_shipped_bot_has_its_picture_taken(open_page, picture, size, options):
    model, said, send = CHINESE if options.get("locale") else ("english", TALK, "Send")
    with Server("--model", model, program=ROOT / "app.py") as server:
        page = open_page(server.url, size, **options)
        talk(page, said, send=send)
        page.mouse.move(0, 0)
        assert fits_sideways(page)
        folder = Path(os.environ.get("PICTURES", IMAGES))
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{picture}.png")
        page.close()
