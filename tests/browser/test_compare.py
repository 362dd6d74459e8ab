"""The owner compares two models in a browser, by mouse and by key."""

import re

import pytest
from playwright.sync_api import expect

from chatbot.store import VoteCount
from tests.browser.test_chat_page import expect_unnamed, fits_sideways
from tests.browser.test_corrections import HOSTILE, click, go_to, home, page, records, server

__all__ = ["home", "page", "records", "server"]  # fixtures: the same page
pytestmark = pytest.mark.browser


def open_tab(page):
    go_to(page, "Compare")
    expect(page.get_by_label("One model")).to_have_value("echo")
    expect(page.get_by_label("The other model")).to_have_value("parrot")


def ask(page, message):
    box = page.get_by_label("Message to both")
    box.fill(message)
    box.press("Enter")
    expect(page.get_by_role("button", name="= Equal")).to_be_enabled(timeout=15_000)
    return box


def reply(page, side):
    return page.locator(f"#compare-{side}-reply")


def test_hidden_names_are_told_after_the_vote_and_the_talk_goes_on(page, records):
    open_tab(page)
    ask(page, "hello there")
    expect(reply(page, "left").locator("h3")).to_have_text("Left")
    expect(reply(page, "right")).to_contain_text("hello there (1)")
    click(page, "← Left is better")
    expect(reply(page, "left").locator("h3")).to_have_text(re.compile("(echo|parrot): better"))
    (count,) = records.votes()
    assert count.first_better + count.second_better == 1
    expect(page.locator("#compare-votes")).to_contain_text("parrot")
    ask(page, "and now")
    expect(reply(page, "left")).to_contain_text("and now (3)")
    expect(reply(page, "right")).to_contain_text("and now (3)")
    expect(page.locator("#compare-talk li")).to_have_count(3)
    click(page, "New talk")
    expect(page.locator("#compare-talk li")).to_have_count(0)
    expect(page.get_by_role("button", name="= Equal")).to_be_disabled()


def test_votes_by_key_from_the_empty_message_box(page, records):
    open_tab(page)
    page.get_by_label("Hide which is which").uncheck()
    for key, there in (("ArrowRight", (0, 0, 1)), ("=", (0, 1, 1)), ("ArrowLeft", (1, 1, 1))):
        box = ask(page, f"press {key}")
        expect(reply(page, "right").locator("h3")).to_have_text("parrot")
        box.press(key)
        expect(page.locator("#compare-note")).to_contain_text("Counted")
        assert records.votes() == [VoteCount("echo", "parrot", *there)]
    expect(box).to_be_focused()
    box.fill("a = b")
    box.press("=")
    expect(box).to_have_value("a = b=")


def test_a_message_without_two_replies_or_two_models_is_told(page, records):
    open_tab(page)
    page.get_by_label("The other model").click()
    page.get_by_role("option", name="broken").click()
    page.get_by_label("Message to both").fill("hello")
    click(page, "Ask both")
    expect(page.locator("#compare-note")).to_contain_text("no vote", timeout=15_000)
    expect(page.locator("#compare-replies .note")).to_contain_text("a file is missing")
    expect(page.get_by_role("button", name="= Equal")).to_be_disabled()


@pytest.mark.parametrize(("size", "locale"), [("phone", "en-US"), ("desktop", "zh-CN")])
def test_hostile_text_is_text_and_it_fits(server, open_page, size, locale):
    page = open_page(server.url, size, locale=locale)
    page.locator("#tabs [role=tab]").nth(3).click()
    box = page.locator("#compare-message textarea")
    expect(page.locator("#compare-first input")).to_have_value("echo")
    box.fill(HOSTILE + "a" * 200)
    box.press("Enter")
    expect(page.locator("#compare-equal")).to_be_enabled(timeout=15_000)
    expect(page.locator("#compare-talk li")).to_contain_text(HOSTILE)
    assert page.locator("#compare img").count() == 0
    expect_unnamed(page)
    assert fits_sideways(page)
