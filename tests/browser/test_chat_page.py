"""A visitor's walk through the chat page, in a real browser."""

import re

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from playwright.sync_api import expect

from chatbot.ui.history import display
from tests.browser.conftest import settled
from tests.browser.serving import Server

pytestmark = pytest.mark.browser


def say(page, text):
    box = page.get_by_role("textbox", name="Message")
    box.fill(text)
    box.press("Enter")


def replies(page):
    return page.get_by_test_id("bot")


def said(page):
    return page.get_by_test_id("user")


def expect_reply(page, text):
    """Waits until the last reply holds `text` and the page is ready for the next message."""
    expect(replies(page).last).to_contain_text(display(text), timeout=15_000)
    expect(page.get_by_role("button", name="Send")).to_be_visible()


def fits_sideways(page):
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def expect_unnamed(page, count=0):
    """Every control that can be reached has a name that a screen reader can say."""
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("button, input, textarea, select, [role=slider]")]
            .filter(e => e.checkVisibility() && !(e.innerText?.trim() || e.ariaLabel || e.title
                || e.labels?.length || e.getAttribute("aria-labelledby")))
            .map(e => e.outerHTML.slice(0, 200))"""
    )
    assert len(unnamed) == count, unnamed


@pytest.mark.parametrize("size", [pytest.param("desktop", marks=pytest.mark.story), "phone"])
def test_a_visitor_gets_a_reply_and_the_window_is_filled(open_page, server, size):
    page = open_page(server.url, size)
    expect(page.get_by_role("heading", name="echo")).to_be_visible()
    expect_unnamed(page)
    say(page, "hello there")
    expect_reply(page, "You said: hello there (1)")
    say(page, "a" * 200 + " and more")
    expect_reply(page, "and more (3)")
    assert fits_sideways(page)
    box = page.get_by_role("textbox", name="Message").bounding_box()
    height = page.viewport_size["height"]
    assert height - 150 < box["y"] < height - box["height"]
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")


def test_a_reply_grows_can_be_stopped_and_keeps_the_next_message_waiting(page):
    # From the keyboard alone.
    expect(page.get_by_role("textbox", name="Message")).to_be_focused()
    page.keyboard.type("typed")
    page.keyboard.press("Enter")
    expect_reply(page, "You said: typed (1)")
    page.keyboard.type("and again")  # the box has kept the focus
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect_reply(page, "and again (3)")
    page.evaluate(
        """() => { window.seen = new Set(); new MutationObserver(() => {
            const all = document.querySelectorAll("[data-testid=bot] .md");
            if (all.length) window.seen.add(all[all.length - 1].innerText);
        }).observe(document.body, {subtree: true, childList: true, characterData: true}) }"""
    )
    say(page, "one two three four five six seven eight nine ten")
    expect_reply(page, "ten (5)")
    seen = page.evaluate("[...window.seen]")
    assert len([text for text in seen if "one two" in text and "(5)" not in text]) >= 2
    # A second message waits and is kept in the box.
    say(page, "long")
    expect(replies(page).last).to_contain_text("long long")
    say(page, "too early")
    expect(page.get_by_test_id("toast-body")).to_contain_text("Wait for the reply")
    expect(page.get_by_role("textbox", name="Message")).to_have_value("too early")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    assert "(7)" not in replies(page).last.inner_text()
    # The conversation goes on.
    page.get_by_role("button", name="Send").click()
    expect_reply(page, "too early (9)")


def test_a_conversation_outlives_a_reload_and_a_new_chat_forgets_it(page, expected_errors):
    expected_errors += ["signal is aborted", "errored out"]  # the stream that is left
    say(page, "remember <b>me</b>")
    expect_reply(page, "remember <b>me</b> (1)")
    # The page is left before the reply: the message is not lost.
    say(page, "long")
    expect(replies(page).last).to_contain_text("long long")
    page.reload()
    expect(said(page).first).to_contain_text(display("remember <b>me</b>"))
    expect(said(page).last).to_contain_text("long")
    expect(replies(page).last).to_contain_text("Stopped before an answer")
    say(page, "still there")
    expect_reply(page, "still there (3)")
    page.get_by_role("button", name="New chat").click()
    expect(replies(page)).to_have_count(0)
    page.reload()
    expect(page.get_by_text("Tell me a joke.")).to_be_visible()
    expect(replies(page)).to_have_count(0)
    # An example is said with one click.
    page.get_by_role("button", name="Tell me a joke.").click()
    expect_reply(page, "Tell me a joke. (1)")


def test_a_message_is_edited_answered_again_and_taken_back(page):
    say(page, "frist")
    expect_reply(page, "frist (1)")
    said(page).last.hover()
    page.get_by_role("button", name="Edit").click()
    page.locator("#bot textarea").fill("first")
    page.get_by_role("button", name="Submit").click()
    expect_reply(page, "first (1)")
    expect(said(page)).to_have_count(1)
    # Without chance, the page says why another try changes nothing.
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_test_id("toast-body")).to_contain_text("always get the same reply")
    settled(page)  # the reply is the one that stood there
    expect_reply(page, "first (1)")
    say(page, "second & <i>")
    expect_reply(page, "(3)")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("textbox", name="Message")).to_have_value("second & <i>")
    expect(replies(page)).to_have_count(1)


def test_whatever_is_said_the_box_stays_usable_and_the_page_safe(page):
    page.evaluate("document.querySelector('#message textarea').removeAttribute('maxlength')")
    # What cannot be sent is told and kept.
    for text, complaint in (("   ", "Write something"), ("x" * 2001, "At most 2,000 characters")):
        say(page, text)
        expect(page.locator("div.validation-error")).to_contain_text(complaint)
        expect(page.get_by_role("textbox", name="Message")).to_have_value(text)
        expect(said(page)).to_have_count(0)
    # A bot that fails apologises, and tells no secrets.
    say(page, "boom")
    expect_reply(page, "something went wrong here (reference ")
    expect(replies(page).last).not_to_contain_text("secret")
    say(page, "nothing")
    expect_reply(page, "no words")
    say(page, "again")
    expect_reply(page, "You said: again (1)")
    # HTML is shown as it was written.
    say(page, "html")
    expect_reply(page, "<img src=x onerror=alert(1)> <b>bold</b> &lt;")
    assert page.locator("#bot .message-content :is(img, b)").count() == 0


def test_a_bot_that_loads_answers_then_and_one_that_cannot_be_loaded_is_a_line(page):
    choose(page, "slow")
    expect(page.locator("#status")).to_contain_text("The bot is loading")
    say(page, "early bird")
    expect(replies(page).last).to_contain_text("answers as soon as it is ready")
    expect_reply(page, "You said: early bird (1)")
    expect(page.locator("#status")).not_to_contain_text("loading")
    choose(page, "broken")
    expect(page.locator("#status")).to_contain_text(
        "could not be loaded. Cannot use broken: a file"
    )
    say(page, "hello")
    expect_reply(page, "Cannot use broken: a file is missing")
    choose(page, "echo")
    expect(page.locator("#status p.failed")).to_have_count(0)
    say(page, "hello")
    expect_reply(page, "You said: hello (3)")


def choose(page, name):
    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name=name).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def unfold_settings(page):
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("button", name="More").click()
    expect(page.get_by_role("slider", name="max_length")).to_be_visible()


@pytest.mark.parametrize("size", ["desktop", pytest.param("phone", marks=pytest.mark.story)])
def test_the_settings_reach_the_bot(open_page, server, size):
    page = open_page(server.url, size)
    unfold_settings(page)
    page.get_by_role("slider", name="Shorter — longer").fill("1.5")
    page.get_by_role("slider", name="Safer — livelier").fill("0.5")
    expect(page.get_by_role("radio", name="sampling")).to_be_checked()
    expect(page.get_by_role("slider", name="temperature")).to_have_value("0.9")
    expect_unnamed(page)
    assert fits_sideways(page)
    say(page, "settings")
    expect_reply(page, "length_bonus=1.5")
    expect(replies(page).last).to_contain_text("strategy=sampling")
    expect(replies(page).last).to_contain_text("temperature=0.9")


def test_settings_that_do_not_fit_are_told_and_another_try_has_a_fresh_seed(page):
    unfold_settings(page)
    page.get_by_role("slider", name="min_length").fill("45")
    expect(page.get_by_role("alert").get_by_text("min_length 45 leaves no room")).to_be_visible()
    say(page, "hello")
    expect_reply(page, "min_length 45 leaves no room")
    page.get_by_role("slider", name="min_length").fill("1")
    expect(page.locator("#problem p")).to_have_count(0)
    say(page, "hello")
    expect_reply(page, "You said: hello (1)")
    page.get_by_role("radio", name="sampling").check()
    page.get_by_role("textbox", name="seed").fill("7")
    say(page, "seed")
    expect_reply(page, "seed=7")
    before = said(page).count()
    page.get_by_role("button", name="Retry").last.click()
    expect(replies(page).last).to_contain_text(re.compile(r"seed=(?!7\b)\d+"))
    expect(said(page)).to_have_count(before)


@pytest.mark.parametrize("locale", ["zh-CN", pytest.param("zh-HK", marks=pytest.mark.story)])
def test_a_chinese_browser_gets_a_chinese_page(open_page, server, locale):
    page = open_page(server.url, "phone", locale=locale)
    expect(page.get_by_text("一个从对话里学会聊天的小程序")).to_be_visible()
    box = page.get_by_role("textbox", name="消息")
    box.fill("boom")
    page.get_by_role("button", name="发送").click()
    expect(replies(page).last).to_contain_text("抱歉")
    expect(page.get_by_role("button", name="新对话")).to_be_visible()
    expect(page.get_by_role("button", name="设置")).to_be_visible()


@pytest.mark.story  # test_share.py sees the same of two strangers
def test_two_visitors_do_not_see_each_other(open_page, server):
    first, second = open_page(server.url), open_page(server.url)
    say(first, "mine")
    expect_reply(first, "mine (1)")
    say(second, "yours")
    expect_reply(second, "yours (1)")
    expect(second.get_by_text("mine")).to_have_count(0)


@pytest.fixture(scope="module")
def client(server):
    return Client(server.url, verbose=False)


class TestForPrograms:
    """The endpoint /chat."""

    def test_it_streams_as_the_page_does(self, client):
        job = client.submit("one two three", api_name="/chat")
        assert job.result(15) == "You said: one two three (1)"
        texts = job.outputs()
        assert len(texts) > 1
        assert all(texts[-1].startswith(text) for text in texts)

    def test_it_takes_history_settings_and_model(self, client):
        reply = client.predict(
            "seed", ["a", "b"], {"strategy": "sampling", "seed": 9}, "slow", api_name="/chat"
        )
        assert reply == "seed=9"
        assert client.predict("c", ["a", "b"], api_name="/chat") == "You said: c (3)"

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            ([" "], "The message is empty"),
            (["x" * 2001], "more than 2,000 characters"),
            (["x", "no list"], "must be a list"),
            (["x", [1]], "must be a text"),
            ([None], "must be a text"),
            (["x", [], {"blocked_phrases": []}], "Unknown setting"),
            (["x", [], {"temperature": 99}], "temperature"),
            (["x", [], {}, "none"], "no model 'none'"),
            (["boom"], "reference"),
        ],
    )
    def test_it_says_what_is_wrong(self, client, arguments, reason):
        with pytest.raises(AppError, match=reason):
            client.predict(*arguments, api_name="/chat")

    def test_no_internal_function_is_shown(self, client):
        shown = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
        assert list(shown) == ["/chat"]


def test_with_a_visitor_password_there_is_no_page_without_it(browser):
    with Server("--visitor-password", "open sesame", "--language", "zh") as guarded:
        with pytest.raises(ValueError, match="Please login"):
            Client(guarded.url, verbose=False)
        client = Client(guarded.url, auth=("me", "open sesame"), verbose=False)
        assert client.predict("hello", api_name="/chat") == "You said: hello (1)"
        page = browser.new_page()
        page.goto(guarded.url)
        page.locator("input[type=password]").fill("open sesame")
        page.locator("input:not([type=password])").first.fill("me")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="新对话")).to_be_visible()
        page.close()
