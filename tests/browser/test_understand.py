""" "Why?" under a reply, in a real browser."""

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


@pytest.mark.parametrize("size", ["desktop", "phone"])
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


def test_each_reply_has_its_own_explanation(page):
    for place, word in enumerate(["first", "second"]):
        say(page, word)
        expect_reply(page, f"{word} ({2 * place + 1})")
    why(page).click()
    expect(inspector(page)).to_contain_text("You said: second")
    said(page).first.hover()
    why(page, 0).click(force=True)
    expect(inspector(page)).to_contain_text("You said: first")
    expect(inspector(page)).not_to_contain_text("second")


def test_the_panel_is_closed_as_it_was_opened_and_opened_again(page):
    say(page, "hello")
    expect_reply(page, "hello (1)")
    for close in (why(page), page.get_by_role("button", name="Close")):
        why(page).click()
        expect(inspector(page)).to_contain_text("as echo sees it")
        close.click()
        expect(inspector(page)).to_be_hidden()
        expect(why(page)).to_have_css("font-weight", "400")
    why(page).click()
    expect(inspector(page)).to_contain_text("as echo sees it")
    page.get_by_role("button", name="New chat").click()
    expect(inspector(page)).to_be_hidden()


def test_another_conversation_on_the_screen_closes_the_panel(page):
    say(page, "hello")
    expect_reply(page, "hello (1)")
    page.get_by_role("button", name="Conversations").click()
    page.get_by_role("button", name="Save this one").click()
    expect(page.locator("#saved-note")).to_contain_text("Saved")
    page.get_by_role("button", name="New chat").click()
    expect(said(page)).to_have_count(0)
    say(page, "another")
    expect_reply(page, "another (1)")
    why(page).click()
    expect(inspector(page)).to_contain_text("You said: another")
    page.locator("#saved-list label").last.click()
    page.get_by_role("button", name="Open", exact=True).click()
    expect_reply(page, "hello (1)")
    expect(inspector(page)).to_be_hidden()


def test_why_is_reached_and_pressed_by_keyboard(page):
    say(page, "hello")
    expect_reply(page, "hello (1)")
    why(page).focus()
    page.keyboard.press("Enter")
    expect(inspector(page)).to_contain_text("as echo sees it")
    page.get_by_role("button", name="Close").focus()
    page.keyboard.press("Enter")
    expect(inspector(page)).to_be_hidden()


def test_a_wide_heat_map_scrolls_inside_itself(open_page, server):
    page = open_page(server.url, "phone")
    say(page, "a fairly long message of very many words which no telephone shows in a row")
    expect_reply(page, "(1)")
    why(page).click()
    sideways = page.get_by_role("region", name="Where it looked")
    expect(sideways).to_be_visible()
    assert sideways.evaluate("e => e.scrollWidth > e.clientWidth")
    assert fits_sideways(page)


def test_nothing_that_is_said_runs_as_a_script_or_a_template(page):
    hostile = "<img src=x onerror=window.hit=1> ${window.hit=1} {{value}} @children `x`"
    say(page, hostile)
    expect_reply(page, "{{value}} @children `x` (1)")
    why(page).click()
    expect(inspector(page)).to_contain_text(f"“You said: {hostile} (1)”")
    assert page.locator("#inspector img").count() == 0
    assert page.evaluate("window.hit") is None


def test_a_model_without_attention_says_so(page):
    say(page, "blind")
    expect_reply(page, "blind (1)")
    why(page).click()
    expect(inspector(page)).to_contain_text("This model has no attention")
    expect(page.locator("#inspector .heat")).to_have_count(0)


def test_a_note_of_the_page_is_no_reply(page):
    say(page, "nothing")
    expect_reply(page, "no words")
    why(page).click()
    expect(inspector(page)).to_contain_text("a note of the page and no reply")


def test_a_chinese_browser_reads_it_in_chinese(open_page, server):
    page = open_page(server.url, "phone", locale="zh-CN")
    page.get_by_role("textbox", name="消息").fill("hello")
    page.get_by_role("button", name="发送").click()
    page.get_by_role("button", name="为什么？").click()
    expect(inspector(page)).to_contain_text("在猜：平均每个词片 42%。")
    expect(page.get_by_role("heading", name="为什么这样回答？")).to_be_visible()
    page.get_by_role("button", name="关闭").click()
    expect(inspector(page)).to_be_hidden()


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
