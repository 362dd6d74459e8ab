"""A visitor keeps conversations in the browser: saves, finds, opens, deletes, exports them."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import settled
from tests.browser.serving import Server
from tests.browser.test_chat_page import (
    expect_reply,
    expect_unnamed,
    fits_sideways,
    replies,
    said,
    say,
)

pytestmark = pytest.mark.browser


def unfold(page):
    page.get_by_role("button", name="Conversations").click()
    expect(page.get_by_role("button", name="Save this one")).to_be_visible()
    settled(page)


def listed(page):
    return page.locator("#saved-list label")


def note(page):
    return page.locator("#saved-note")


def click(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def say_and_leave(page, topic):
    """Says one thing, and begins a new chat once it is answered."""
    say(page, f"about {topic}")
    expect_reply(page, f"about {topic} (1)")
    click(page, "New chat")
    expect(replies(page)).to_have_count(0)


def test_a_conversation_is_named_searched_opened_after_a_reload_and_deleted(page):
    say(page, "about <i>tea</i>")
    expect_reply(page, "about <i>tea</i> (1)")
    unfold(page)
    page.get_by_label("Name").fill("Tea & <b>cake</b>")
    click(page, "Save this one")
    expect(note(page)).to_contain_text("Saved as “Tea & <b>cake</b>”")
    click(page, "New chat")
    expect(replies(page)).to_have_count(0)
    say_and_leave(page, "trains")
    expect(listed(page)).to_have_count(2)
    page.reload()
    unfold(page)
    expect(listed(page)).to_have_count(2)
    click(page, "Delete")
    expect(note(page)).to_contain_text("Choose a conversation")
    # It is searched, opened and continued.
    page.get_by_label("Search").fill("tea")
    expect(listed(page)).to_have_count(1)
    expect(listed(page)).to_contain_text("Tea & <b>cake</b>")
    listed(page).click()
    click(page, "Open")
    expect(said(page).last).to_contain_text("tea")
    say(page, "go on")
    expect_reply(page, "go on (3)")
    # Deleting asks first and takes only the chosen one.
    page.get_by_label("Search").fill("")
    expect(listed(page)).to_have_count(2)
    listed(page).filter(has_text="about trains").click()
    click(page, "Delete")
    click(page, "No")
    expect(page.get_by_role("button", name="Yes, delete it")).to_be_hidden()
    expect(listed(page)).to_have_count(2)
    click(page, "Delete")
    click(page, "Yes, delete it")
    expect(listed(page)).to_have_count(1)
    page.reload()
    unfold(page)
    expect(listed(page)).to_contain_text("Tea & <b>cake</b>")


def test_a_new_chat_keeps_the_one_before_and_opening_one_keeps_what_is_on_the_screen(page):
    for topic in ("rain", "snow"):
        say_and_leave(page, topic)
    unfold(page)
    expect(listed(page)).to_have_count(2)
    # Nothing is opened while a reply grows.
    say(page, "long")
    expect(replies(page).last).to_contain_text("long long")
    listed(page).filter(has_text="about rain").click()
    click(page, "Open")
    expect(note(page)).to_contain_text("Wait for the reply")
    click(page, "Stop")
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    click(page, "Open")
    expect(said(page).last).to_contain_text("about rain")
    expect(listed(page)).to_have_count(3)


@pytest.mark.story  # the tests around it keep two on a large screen
def test_on_a_phone_a_new_chat_does_not_take_the_place_of_a_saved_one(open_page, server):
    page = open_page(server.url, "phone")
    say(page, "hello " * 60)
    expect_reply(page, "(1)")
    unfold(page)
    click(page, "Save this one")
    expect(note(page)).to_contain_text("Saved")
    expect(listed(page)).to_have_count(1)
    expect_unnamed(page)
    assert fits_sideways(page)
    click(page, "New chat")
    expect(replies(page)).to_have_count(0)
    say(page, "about snow")
    expect_reply(page, "about snow (1)")
    page.reload()
    expect_reply(page, "about snow (1)")
    unfold(page)
    click(page, "Save this one")
    expect(listed(page)).to_have_count(2)


@pytest.mark.story  # a server of its own; test_saved.py sees the same without a browser
def test_a_new_chat_without_room_for_the_one_before_leaves_it_there(open_page):
    with Server(program=Path(__file__).parent / "full_server.py") as running:
        page = open_page(running.url)
        say_and_leave(page, "rain")
        say(page, "about snow")
        expect_reply(page, "about snow (1)")
        click(page, "New chat")
        expect(note(page)).to_contain_text("no room")
        expect(said(page).last).to_contain_text("about snow")
        page.reload()
        expect(said(page).last).to_contain_text("about snow")
        page.close()


def test_two_tabs_go_on_with_what_was_said_last_and_lose_nothing_of_each_other(
    page, open_page, server
):
    say(page, "about rain")
    expect_reply(page, "about rain (1)")
    unfold(page)
    click(page, "Save this one")
    expect(listed(page)).to_have_count(1)
    other = open_page(server.url, beside=page)
    # The new tab's copy takes no place.
    for tab, topic in ((page, "hail"), (other, "snow")):
        say(tab, topic)
        expect_reply(tab, f"{topic} (3)")
        click(tab, "New chat")
        expect(replies(tab)).to_have_count(0)
    for tab, topic in ((page, "fog"), (other, "ice")):
        say(tab, f"about {topic}")
        expect_reply(tab, f"about {topic} (1)")
        tab.reload()
        expect_reply(tab, f"about {topic} (1)")  # its own, not what the other said last
        settled(tab)
        click(tab, "New chat")
        expect(replies(tab)).to_have_count(0)
    for tab in (page, other):
        unfold(tab)
        expect(listed(tab)).to_have_count(4)


def test_an_export_is_a_file_of_this_visitor_alone(page, open_page, server, tmp_path):
    say_and_leave(page, "my secret")
    other = open_page(server.url)
    unfold(other)
    expect(other.locator("#saved-list")).to_contain_text("No conversation here yet")
    unfold(page)
    expect(listed(page)).to_have_count(1)
    with page.expect_download() as download:
        click(page, "Export")
    assert download.value.suggested_filename == "conversations.jsonl"
    download.value.save_as(tmp_path / "mine.jsonl")
    record = json.loads((tmp_path / "mine.jsonl").read_text(encoding="utf-8"))
    assert [turn["content"] for turn in record["messages"]] == [
        "about my secret",
        "You said: about my secret (1)",
    ]


def test_a_browser_that_keeps_nothing_says_so_and_the_page_works(open_page, server):
    """As where the owner of a browser lets no page keep anything."""
    page = open_page(server.url)
    page.evaluate(
        """() => { for (const name of ["getItem", "setItem"])
            Storage.prototype[name] = () => { throw new Error("not allowed"); } }"""
    )
    told = []
    page.on("dialog", lambda dialog: (told.append(dialog.message), dialog.dismiss()))
    say(page, "about rain")
    expect_reply(page, "about rain (1)")
    unfold(page)
    click(page, "Save this one")
    expect(listed(page)).to_have_count(1)
    settled(page)
    assert len(told) == 1
    assert "no room" in told[0]
