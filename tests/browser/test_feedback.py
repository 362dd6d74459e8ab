"""Thumbs under each reply and the box for a better answer, in a real browser."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.serving import Server
from tests.browser.test_chat_page import expect_reply, expect_unnamed, fits_sideways, say

pytestmark = pytest.mark.browser
PROGRAM = Path(__file__).parent / "judged_server.py"


@pytest.fixture(scope="module")
def server():
    """The chat tab alone, instead of the whole page."""
    with Server(program=PROGRAM) as running:
        yield running


def kept(server, kind):
    """What the server printed that it kept."""
    return json.loads(server.line(f"kept {kind} ").removeprefix(f"kept {kind} "))


def thumb(page, name):
    return page.get_by_role("button", name=name, exact=True).last


def toast(page):
    return page.get_by_test_id("toast-body").last


def box(page):
    return page.get_by_role("textbox", name="What should it have said?")


def test_a_thumb_up_is_kept_with_what_was_said_before(open_page, server):
    page = open_page(server.url)
    say(page, "first")
    expect_reply(page, "first (1)")
    say(page, "second")
    expect_reply(page, "second (3)")
    thumb(page, "Like").click()
    expect(toast(page)).to_contain_text("Thank you.")
    expect(box(page)).to_be_hidden()
    turns = ["first", "You said: first (1)", "second"]
    assert kept(server, "rating") == ["echo", turns, "You said: second (3)", True]


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_a_thumb_down_asks_what_it_should_have_said(open_page, server, size):
    page = open_page(server.url, size)
    say(page, "hello")
    expect_reply(page, "hello (1)")
    thumb(page, "Dislike").click()
    expect(box(page)).to_be_visible()
    expect(page.locator("#better")).to_contain_text("Instead of “You said: hello (1)”")
    expect_unnamed(page)
    assert fits_sideways(page)
    assert kept(server, "rating") == ["echo", ["hello"], "You said: hello (1)", False]
    box(page).fill("Good day! <b>")
    page.get_by_role("button", name="Suggest this answer").click()
    expect(toast(page)).to_contain_text("The owner will read your answer")
    expect(box(page)).to_be_hidden()
    correction = ["echo", ["hello"], "You said: hello (1)", "Good day! <b>"]
    assert kept(server, "correction") == correction


def test_an_empty_answer_is_asked_for_and_the_box_can_be_put_away(open_page, server):
    page = open_page(server.url)
    say(page, "hello")
    expect_reply(page, "hello (1)")
    thumb(page, "Dislike").click()
    expect(box(page)).to_be_visible()
    page.get_by_role("button", name="Suggest this answer").click()
    expect(toast(page)).to_contain_text("Write the better answer first")
    page.get_by_role("button", name="Not now").click()
    expect(box(page)).to_be_hidden()


def test_records_that_cannot_be_written_are_one_line_and_the_answer_stays(open_page, server):
    page = open_page(server.url)
    say(page, "unwritable")
    expect_reply(page, "unwritable (1)")
    thumb(page, "Dislike").click()
    expect(toast(page)).to_contain_text("could not be kept")
    box(page).fill("Good day!")
    expect(page.get_by_test_id("toast-body")).to_have_count(0)
    box(page).press("Enter")
    expect(toast(page)).to_contain_text("could not be kept")
    expect(box(page)).to_have_value("Good day!")
    say(page, "next")
    expect_reply(page, "next (3)")


def test_thumbs_and_why_do_not_disturb_each_other(open_page, server):
    page = open_page(server.url)
    say(page, "hello")
    expect_reply(page, "hello (1)")
    page.get_by_role("button", name="Why?").click()
    expect(page.locator("#inspector")).to_contain_text("as echo sees it")
    thumb(page, "Dislike").click()
    expect(box(page)).to_be_visible()
    expect(page.locator("#inspector")).to_contain_text("as echo sees it")
    page.get_by_role("button", name="Undo").click()
    expect(box(page)).to_be_hidden()
    expect(page.locator("#inspector")).to_be_hidden()
