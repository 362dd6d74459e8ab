"""What stands under each reply, in a real browser: thumbs, the box for a better one, and "Why?"."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.serving import Server
from tests.browser.test_chat_page import expect_reply, expect_unnamed, fits_sideways, said, say

pytestmark = pytest.mark.browser
PROGRAM = Path(__file__).parent / "judged_server.py"


@pytest.fixture(scope="module")
def server():
    """The chat tab alone, instead of the whole page."""
    with Server(program=PROGRAM) as running:
        yield running


def why(page, place=-1):
    return page.get_by_role("button", name="Why?").nth(place)


def inspector(page):
    return page.locator("#inspector")


def kept(server, kind):
    """What the server printed that it kept."""
    return json.loads(server.line(f"kept {kind} ").removeprefix(f"kept {kind} "))


def thumb(page, name):
    return page.get_by_role("button", name=name, exact=True).last


def toast(page):
    return page.get_by_test_id("toast-body").last


def box(page):
    return page.get_by_role("textbox", name="What should it have said?")


def test_a_thumb_is_kept_with_what_was_said_before(page, server):
    say(page, "first")
    expect_reply(page, "first (1)")
    say(page, "second")
    expect_reply(page, "second (3)")
    thumb(page, "Like").click()
    expect(toast(page)).to_contain_text("Thank you.")
    expect(box(page)).to_be_hidden()
    turns = ["first", "You said: first (1)", "second"]
    assert kept(server, "rating") == ["echo", turns, "You said: second (3)", True]
    # Records that cannot be written are one line, and the answer stays.
    say(page, "unwritable")
    expect_reply(page, "unwritable (5)")
    expect(page.get_by_test_id("toast-body")).to_have_count(0)
    thumb(page, "Dislike").click()
    expect(toast(page)).to_contain_text("could not be kept")
    box(page).fill("Good day!")
    expect(page.get_by_test_id("toast-body")).to_have_count(0)
    box(page).press("Enter")
    expect(toast(page)).to_contain_text("could not be kept")
    expect(box(page)).to_have_value("Good day!")
    say(page, "next")
    expect_reply(page, "next (7)")
    # Thumbs and "Why?" do not disturb each other.
    why(page).click()
    expect(inspector(page)).to_contain_text("as echo sees it")
    thumb(page, "Dislike").click()
    expect(box(page)).to_be_visible()
    expect(inspector(page)).to_contain_text("as echo sees it")
    assert kept(server, "rating")[3] is False
    page.get_by_role("button", name="Undo").click()
    expect(box(page)).to_be_hidden()
    expect(inspector(page)).to_be_hidden()


@pytest.mark.parametrize("size", [pytest.param("desktop", marks=pytest.mark.story), "phone"])
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
    page.get_by_role("button", name="Suggest this answer").click()
    expect(toast(page)).to_contain_text("Write the better answer first")
    box(page).fill("Good day! <b>")
    page.get_by_role("button", name="Suggest this answer").click()
    expect(toast(page)).to_contain_text("The owner will read your answer")
    expect(box(page)).to_be_hidden()
    correction = ["echo", ["hello"], "You said: hello (1)", "Good day! <b>"]
    assert kept(server, "correction") == correction
    # The box can be put away.
    say(page, "again")
    expect_reply(page, "again (3)")
    thumb(page, "Dislike").click()
    expect(box(page)).to_be_visible()
    page.get_by_role("button", name="Not now").click()
    expect(box(page)).to_be_hidden()
    assert kept(server, "rating")[2] == "You said: again (3)"


@pytest.mark.parametrize("size", [pytest.param("desktop", marks=pytest.mark.story), "phone"])
def test_why_explains_the_reply_it_stands_under(open_page, server, size):
    page = open_page(server.url, size)
    say(page, "hello there")
    expect_reply(page, "hello there (1)")
    expect(inspector(page)).to_be_hidden()
    why(page).click()
    expect(inspector(page)).to_contain_text("“You said: hello there (1)”, as echo sees it")
    expect(page.get_by_role("heading", name="Why this reply?")).to_be_visible()
    expect(inspector(page)).to_contain_text("Guessing: 42% for each piece on average.")
    rows = page.locator("#inspector .heat tbody tr")
    expect(rows).to_have_count(6)
    assert rows.nth(1).locator("td").first.get_attribute("title") == "“said:” looked at “you”: 33%"
    expect(inspector(page)).to_contain_text("You said <b>nothing</b>.")
    expect_unnamed(page)
    assert fits_sideways(page)
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    # A heat map that is too wide scrolls inside itself.
    say(page, "a fairly long message of very many words which no window at all shows in a row" * 3)
    expect_reply(page, "(3)")
    why(page).click()
    expect(inspector(page)).to_contain_text("fairly long")
    sideways = page.get_by_role("region", name="Where it looked")
    expect(sideways).to_be_visible()
    assert sideways.evaluate("e => e.scrollWidth > e.clientWidth")
    assert fits_sideways(page)


def test_each_reply_has_its_own_explanation_until_it_is_closed(page):
    for place, word in enumerate(["first", "second"]):
        say(page, word)
        expect_reply(page, f"{word} ({2 * place + 1})")
    why(page).click()
    expect(inspector(page)).to_contain_text("You said: second")
    said(page).first.hover()
    why(page, 0).click(force=True)
    expect(inspector(page)).to_contain_text("You said: first")
    expect(inspector(page)).not_to_contain_text("second")
    page.get_by_role("button", name="Close").click()
    expect(inspector(page)).to_be_hidden()
    # It is closed as it was opened, and by keyboard too.
    close = page.get_by_role("button", name="Close")
    for button in (why(page), close):
        why(page).focus()
        page.keyboard.press("Enter")
        expect(inspector(page)).to_contain_text("as echo sees it")
        button.focus()
        page.keyboard.press("Enter")
        expect(inspector(page)).to_be_hidden()
        expect(why(page)).to_have_css("font-weight", "400")
    why(page).click()
    expect(inspector(page)).to_contain_text("as echo sees it")
    why(page).click()
    expect(inspector(page)).to_be_hidden()
    why(page).click()
    expect(inspector(page)).to_contain_text("as echo sees it")
    # Another conversation on the screen closes it.
    page.get_by_role("button", name="New chat").click()
    expect(inspector(page)).to_be_hidden()
    expect(said(page)).to_have_count(0)
    say(page, "another")
    expect_reply(page, "another (1)")
    why(page).click()
    expect(inspector(page)).to_contain_text("You said: another")
    page.get_by_role("button", name="Conversations").click()
    page.locator("#saved-list label").filter(has_text="first").click()
    page.get_by_role("button", name="Open", exact=True).click()
    expect_reply(page, "second (3)")
    expect(inspector(page)).to_be_hidden()


def test_nothing_that_is_said_runs_as_a_script_or_a_template(page):
    hostile = "<img src=x onerror=window.hit=1> ${window.hit=1} {{value}} @children `x`"
    say(page, hostile)
    expect_reply(page, "{{value}} @children `x` (1)")
    why(page).click()
    expect(inspector(page)).to_contain_text(f"“You said: {hostile} (1)”")
    assert page.locator("#inspector img").count() == 0
    assert page.evaluate("window.hit") is None
    # A model without attention says so.
    say(page, "blind")
    expect_reply(page, "blind (3)")
    why(page).click()
    expect(inspector(page)).to_contain_text("This model has no attention")
    expect(page.locator("#inspector .heat")).to_have_count(0)
    # A note of the page is no reply.
    say(page, "nothing")
    expect_reply(page, "no words")
    why(page).click()
    expect(inspector(page)).to_contain_text("a note of the page and no reply")


@pytest.mark.story
def test_a_chinese_browser_reads_it_in_chinese(open_page, server):
    page = open_page(server.url, "phone", locale="zh-CN")
    page.get_by_role("textbox", name="消息").fill("hello")
    page.get_by_role("button", name="发送").click()
    page.get_by_role("button", name="为什么？").click()
    expect(inspector(page)).to_contain_text("在猜：平均每个词片 42%。")
    expect(page.get_by_role("heading", name="为什么这样回答？")).to_be_visible()
    page.get_by_role("button", name="关闭").click()
    expect(inspector(page)).to_be_hidden()


@pytest.mark.story  # ui/test_understand.py sees both without a browser
def test_the_owner_alone_sees_the_line_that_taught_it(open_page, server):
    visitor, owner = open_page(server.url), open_page(server.url)
    owner.context.add_cookies([{"name": "owner", "value": "yes", "url": server.url}])
    for page in (visitor, owner):
        say(page, "hello there")
        expect_reply(page, "hello there (1)")
        why(page).click()
        expect(inspector(page)).to_contain_text("as echo sees it")
    expect(inspector(owner)).to_contain_text("talk.csv:7")
    expect(inspector(owner)).to_contain_text("You said: hello <b>there</b>")
    expect(inspector(owner)).to_contain_text(re.compile(r"talk.csv:7 · \d\d%"))
    assert fits_sideways(owner)
    expect(inspector(visitor)).not_to_contain_text("talk.csv")
    expect(inspector(visitor)).not_to_contain_text("corpus")
