"""The owner comes in, stays, and leaves; a visitor sees the chat alone."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SIZES
from tests.browser.serving import Server
from tests.browser.test_chat_page import expect_reply, expect_unnamed, fits_sideways, say

pytestmark = pytest.mark.browser


def owner_tabs(page):
    return page.get_by_role("tab").filter(has_not_text=re.compile("^(Chat|聊天)$"))


def open_tab(page, name):
    """Opens a tab, which on a narrow screen may stand in the menu of those without room."""
    menu = page.locator(".overflow-menu")
    listed = menu.locator(".overflow-dropdown").get_by_text(name, exact=True).filter(visible=True)
    more = menu.locator("> button").filter(visible=True)
    tab = page.get_by_role("tab", name=name, exact=True)
    # While the page is laid out, tabs come and go: each click takes what is there then.
    tab.or_(more).first.click()
    tab.or_(listed).first.click()
    expect(tab).to_have_attribute("aria-selected", "true")


def test_a_visitor_sees_the_chat_alone_and_the_owner_more_until_logging_out(
    open_page, server, expected_errors
):
    expected_errors.append("status of 403")
    link = server.owner_url
    owner, visitor = open_page(link), open_page(server.url)
    expect(owner.get_by_role("tab", name="Share")).to_be_visible()
    assert owner.url == server.url  # the token is gone from the address
    # The link works once, and says so.
    visitor.goto(link)
    expect(visitor.get_by_role("status")).to_contain_text("The terminal where the program runs")
    visitor.get_by_role("link", name="To the chat").click()
    say(visitor, "hello")
    expect_reply(visitor, "hello (1)")
    expect(owner_tabs(visitor)).to_have_count(0)
    # The owner stays it after a reload, and leaves.
    owner.reload()
    open_tab(owner, "Share")
    owner.get_by_role("link", name="Log out").click()
    expect(owner.get_by_role("status")).to_have_text("You are the owner in this browser.")
    owner.get_by_role("button", name="Log out").click()
    owner.locator("#message textarea").wait_for()
    say(owner, "hello")
    expect_reply(owner, "hello (1)")
    expect(owner_tabs(owner)).to_have_count(0)


@pytest.fixture(scope="module")
def locked():
    """A page whose owner has a password."""
    with Server(environment={"CHATBOT_OWNER_PASSWORD": "open sesame"}) as running:
        yield running


@pytest.mark.parametrize(
    ("size", "locale", "label", "enter", "wrong"),
    [
        ("desktop", "en-GB", "Owner's password", "Come in", "Wrong password."),
        pytest.param(
            *("phone", "zh-CN", "主人密码", "进入", "密码不对。"), marks=pytest.mark.story
        ),
    ],
)
def test_the_password_lets_in_without_scripts(browser, locked, size, locale, label, enter, wrong):
    width, height = SIZES[size]
    context = browser.new_context(
        java_script_enabled=False, locale=locale, viewport={"width": width, "height": height}
    )
    page = context.new_page()
    page.goto(f"{locked.url}owner")
    for password in ("wrong", "open sesame"):
        page.get_by_label(label).fill(password)
        if password == "wrong":
            page.keyboard.press("Enter")
            expect(page.get_by_role("status")).to_contain_text(wrong)
        else:
            page.get_by_role("button", name=enter).click()
    page.wait_for_url(locked.url)
    names = [cookie["name"].rpartition("_")[0] for cookie in context.cookies()]
    assert sorted(names) == ["chatbot_owner", "chatbot_visitor"]
    context.close()


def test_the_password_page_is_readable_by_everybody(open_page, locked):
    page = open_page(locked.url, "phone")
    page.goto(f"{locked.url}owner")
    expect_unnamed(page)
    assert fits_sideways(page)
    page.get_by_label("Owner's password").fill("open sesame")
    page.keyboard.press("Enter")
    open_tab(page, "Share")
