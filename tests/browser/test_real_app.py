"""`python app.py` as it is shipped, with the English bot, in a real browser."""

import pytest
from playwright.sync_api import expect

from tests.browser.serving import ROOT, Server

pytestmark = pytest.mark.browser


def test_the_shipped_bot_answers_a_message_sent_while_it_loads(open_page):
    with Server("--model", "english", program=ROOT / "app.py") as app:
        page = open_page(app.url)
        expect(page.get_by_role("heading", name="english")).to_be_visible()
        box = page.get_by_role("textbox", name="Message")
        box.fill("Hello! How are you?")
        box.press("Enter")
        reply = page.get_by_test_id("bot").last
        expect(reply).to_be_visible()
        expect(reply).not_to_contain_text("The bot is loading", timeout=90_000)
        expect(page.get_by_role("button", name="Send")).to_be_visible(timeout=30_000)
        assert reply.inner_text().strip()
        assert "went wrong" not in reply.inner_text()
        app.line("The bot english is ready")
        page.close()  # before the server, whose end it would hear of as an error
