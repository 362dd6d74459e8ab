"""The owner reviews corrections, teaches with them, and compares two models, in a browser."""

import json
import re

import pytest
from playwright.sync_api import expect

from chatbot.store import Store, VoteCount
from tests.browser.serving import ROOT, Server
from tests.browser.test_chat_page import expect_unnamed, fits_sideways

pytestmark = pytest.mark.browser
SERVER = ROOT / "tests" / "browser" / "records_server.py"
HOSTILE = "<img src=x onerror=alert(1)> & <b>bold</b>"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("records")


@pytest.fixture(scope="module")
def server(home):
    with Server("--home", str(home), program=SERVER) as running:
        yield running


@pytest.fixture
def records(home):
    """The very database that the page uses, emptied, and opened from another process."""
    store = Store.open(f"sqlite:///{home / 'records.db'}")
    with store._begin() as connection:
        for name in ("corrections", "ratings", "votes"):
            connection.exec_driver_sql(f"DELETE FROM chatbot_{name}")
    yield store
    store.close()


@pytest.fixture
def page(server, open_page):
    return open_page(server.url)


def go_to(page, name):
    page.get_by_role("tab", name=name).click()


def click(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def listed(page):
    return page.locator("#corrections-list label")


def add(records, *pairs):
    for question, better in pairs:
        records.add_correction("echo", [question], "a bad reply", better)


def test_the_owner_reviews_teaches_and_exports(page, records, home, tmp_path):
    records.add_correction("echo", ["Hello", "Go away.", "Why?"], "Because.", "Sorry, come in!")
    add(records, ("Who?", "me"), ("Spam", "buy this"))
    records.add_rating("echo", ["Hi"], "Ho", True)
    go_to(page, "Corrections")
    expect(listed(page)).to_have_count(3)
    expect(page.locator("#corrections-talk")).to_contain_text("Go away.")
    click(page, "Accept")
    expect(listed(page)).to_have_count(2)
    better = page.get_by_label("What it should have said")
    expect(better).to_have_value("me")
    better.fill("I am a bot.")
    click(page, "Accept")
    expect(listed(page)).to_have_count(1)
    expect(better).to_have_value("buy this")
    click(page, "Reject")
    expect(page.locator("#corrections-none")).to_contain_text("Nothing waits")
    expect(page.locator("#corrections-ratings")).to_contain_text("100%")
    assert records.correction_counts() == {"waiting": 0, "accepted": 2, "rejected": 1, "used": 0}
    with page.expect_download() as download:
        click(page, "Export")
    assert download.value.suggested_filename == "corrections.jsonl"
    download.value.save_as(tmp_path / "mine.jsonl")
    lines = (tmp_path / "mine.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[1])["messages"][-1]["content"] == "I am a bot."
    click(page, "Retrain with 2 accepted corrections")
    expect(page.locator("#corrections-told")).to_contain_text("echo-2 has begun")
    expect(page.get_by_text("Taught (2)")).to_be_visible()
    assert {c.used_by for c in records.corrections("used")} == {"echo-2"}
    click(page, "Watch it")
    expect(page.get_by_text("The trainings stand here.")).to_be_visible()


@pytest.mark.story  # ui/test_corrections.py decides in two tabs
def test_two_tabs_of_the_owner_do_not_decide_twice(page, open_page, server, records):
    add(records, ("One?", "1"), ("Two?", "2"), ("Three?", "3"))
    other = open_page(server.url)
    for one in (page, other):
        go_to(one, "Corrections")
        expect(listed(one)).to_have_count(3)
    click(page, "Reject")
    expect(listed(page)).to_have_count(2)
    click(other, "Accept")
    expect(other.locator("#corrections-note")).to_contain_text("meanwhile")
    assert records.correction_counts()["rejected"] == 1
    assert records.correction_counts()["accepted"] == 0
    # By keyboard, one goes to another correction and accepts it.
    page.locator("#corrections-list input").first.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    better = page.get_by_label("What it should have said")
    expect(better).to_have_value("3")
    better.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(listed(page)).to_have_count(1)
    assert [c.better for c in records.corrections("accepted")] == ["3"]


def test_what_strangers_wrote_is_text_and_fits_a_phone(server, open_page, records):
    records.add_correction("echo", [HOSTILE, "a" * 300], HOSTILE, "x" * 300)
    records.add_rating("echo", ["Hi"], "Ho", False)
    page = open_page(server.url, "phone")
    go_to(page, "Corrections")
    expect(page.locator("#corrections-talk li").first).to_contain_text(HOSTILE)
    assert page.locator("#corrections img").count() == 0
    expect_unnamed(page)
    assert fits_sideways(page)
    compare_hostile(page)


@pytest.mark.story
def test_it_speaks_chinese(server, open_page, records):
    add(records, ("Who?", "me"))
    page = open_page(server.url, locale="zh-CN")
    go_to(page, "纠正")
    expect(page.get_by_text("待审（1）")).to_be_visible()
    click(page, "采纳")
    expect(page.get_by_role("button", name="用 1 条已采纳的纠正重新训练")).to_be_enabled()
    compare_hostile(page)


# --- comparing -----------------------------------------------------------------------------


def open_compare(page):
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
    open_compare(page)
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
    # Without two replies there is nothing to vote on.
    page.get_by_label("The other model").click()
    page.get_by_role("option", name="broken").click()
    page.get_by_label("Message to both").fill("hello")
    click(page, "Ask both")
    expect(page.locator("#compare-note")).to_contain_text("no vote", timeout=15_000)
    expect(page.locator("#compare-replies .note")).to_contain_text("a file is missing")
    expect(page.get_by_role("button", name="= Equal")).to_be_disabled()


def test_votes_by_key_from_the_empty_message_box(page, records):
    open_compare(page)
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


def compare_hostile(page):
    """Asks both something hostile, in the tab of any language."""
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
