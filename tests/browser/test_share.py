"""The owner shares the page; a second browser chats through the link, and only chats.

The link goes through a real TCP relay that stands where the tunnel program stands.
"""

import os
import re

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.serving import Server
from tests.browser.test_chat_page import (
    expect_reply,
    expect_unnamed,
    fits_sideways,
    replies,
    said,
    say,
)
from tests.browser.test_owner import open_tab, owner_tabs
from tests.ui.relay import install_frpc

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(os.name == "nt", reason="the fake frpc is a script"),
]


@pytest.fixture(scope="module")
def tunnel(tmp_path_factory):
    """The environment of a page that shares through the relay."""
    _, environment = install_frpc(tmp_path_factory.mktemp("tunnel"))
    return environment


@pytest.fixture(scope="module")
def server(tunnel):
    """A page of this file's own, which is asked to be shared from the start."""
    with Server("--share", environment=tunnel) as running:
        yield running


@pytest.fixture(scope="module")
def printed(server):
    """The link that the page was given at its start."""
    return server.line("Public link").split()[2]


@pytest.fixture
def open_share(open_page, server):
    """Opens the tab in a browser of the owner."""

    def opened(size="desktop"):
        owner = open_page(server.owner_url, size)
        open_tab(owner, "Share")
        expect(limit_of(owner)).to_have_value("30")  # the tab is filled
        return owner

    return opened


def limit_of(owner):
    return owner.get_by_label("Messages per visitor and minute")


def status(page):
    return page.locator("#share-status")


def link_of(owner):
    box = owner.get_by_label("Public link", exact=True)
    expect(box).to_have_value(re.compile("^http://127"), timeout=25_000)
    return box.input_value()


def ask(owner):
    """Asks for a link unless there is one."""
    button = owner.get_by_role("button", name="Ask for a public link")
    if button.is_visible():
        expect(status(owner)).to_contain_text("not shared")
        button.click()
    return link_of(owner)


def test_the_link_of_the_option_gives_the_chat_alone_until_it_is_closed(
    server, printed, open_share, open_page
):
    owner = open_share("phone")
    link = link_of(owner)
    assert link == printed
    expect(status(owner)).to_contain_text("The page is shared")
    expect(owner.get_by_role("img", name="QR code of the public link")).to_be_visible()
    expect_unnamed(owner)
    assert fits_sideways(owner)
    owner.reload()
    open_tab(owner, "Share")
    assert link_of(owner) == link
    owner.context.grant_permissions(["clipboard-read", "clipboard-write"])
    owner.get_by_role("button", name="Copy the link").click()
    expect(status(owner)).to_contain_text("The link is copied")
    assert owner.evaluate("navigator.clipboard.readText()") == link
    one, two = open_page(link), open_page(link, "phone")
    say(one, "my secret")
    say(two, "something else")
    expect_reply(one, "my secret (1)")
    expect_reply(two, "something else (1)")
    assert [said(page).count() for page in (one, two)] == [1, 1]
    say(one, "more")
    expect_reply(one, "more (3)")
    expect(replies(two)).to_have_count(1)
    expect(owner.locator("#share-present")).to_contain_text("last 5 minutes: 2")
    for visitor in (one, two):
        expect(owner_tabs(visitor)).to_have_count(0)
        visitor.close()
    owner.get_by_role("button", name="Close the link").click()
    expect(status(owner)).to_contain_text("The link is closed")
    with pytest.raises(httpx.TransportError):
        httpx.get(link)
    assert httpx.get(server.url).status_code == 200


@pytest.mark.story  # ui/test_owner.py sees the same by plain HTTP
def test_even_the_owner_is_a_visitor_through_the_link(
    server, open_share, open_page, expected_errors
):
    owner = open_share()
    link = ask(owner)
    # On this machine the link has the page's own host name, so the browser sends the cookie.
    page = open_page(f"{link}/", beside=owner)
    say(page, "hello")
    expect_reply(page, "hello (1)")
    expect(owner_tabs(page)).to_have_count(0)
    expected_errors.append("status of 403")
    page.goto(f"{link}/owner")
    expect(page.get_by_role("status")).to_contain_text("The public link gives the chat alone")
    page.close()
    close_by_http = {"data": [], "fn_index": number_of(server, "share-close")}
    cookies = server.owner_cookies()
    refused = httpx.post(f"{link}/gradio_api/run/predict", json=close_by_http, cookies=cookies)
    assert "Only the owner may do this" in refused.text
    assert httpx.get(link).status_code == 200
    done = httpx.post(f"{server.url}gradio_api/run/predict", json=close_by_http, cookies=cookies)
    assert done.status_code == 200
    with pytest.raises(httpx.TransportError):
        httpx.get(link)


def number_of(server, element):
    """Returns the number of the function behind a button's click."""
    config = httpx.get(f"{server.url}config").json()
    (button,) = [c["id"] for c in config["components"] if c["props"].get("elem_id") == element]
    (found,) = [d["id"] for d in config["dependencies"] if [button, "click"] in d["targets"]]
    return found


def test_strangers_are_limited_and_read_no_blocked_words_unlike_the_owner(open_share, open_page):
    owner = open_share()
    visitor = open_page(ask(owner))
    block = owner.get_by_label("Block hateful and obscene words")
    # What is blocked for strangers.
    say(visitor, "settings")
    expect(replies(visitor).last).to_contain_text("'bullshit'")
    block.uncheck()
    owner.reload()
    open_tab(owner, "Share")
    expect(block).not_to_be_checked()
    say(visitor, "settings")
    expect_reply(visitor, "blocked_phrases=()")
    block.check()
    # How much they may say.
    for wrong in ("-1", "1.5", "", "99999"):
        limit(owner, wrong, "a whole number from 0 to 10000")
        limit(owner, "30", "At most 30 messages")
    limit(owner, "3", "At most 3 messages")
    say(visitor, "three")
    expect_reply(visitor, "three (5)")
    say(visitor, "four")
    expect_reply(visitor, "You can send 3 messages a minute here.")
    visitor.close()
    open_tab(owner, "Chat")
    for number, word in enumerate(("one", "two", "three", "four")):
        say(owner, word)
        expect_reply(owner, f"{word} ({2 * number + 1})")


def limit(owner, number, told):
    """Sets how many messages a visitor may send in a minute."""
    limit_of(owner).fill(number)
    owner.get_by_role("button", name="Set").click()
    expect(owner.locator("#share-note")).to_contain_text(told)


@pytest.mark.story  # a server of its own; ui/test_share.py sees all ways to fail
def test_a_link_that_fails_is_told_with_the_other_ways(tunnel, open_page):
    with Server(environment={**tunnel, "FAKE_FRPC": "refuse"}) as server:
        owner = open_page(server.owner_url, "phone", locale="zh-CN")
        open_tab(owner, "分享")
        owner.get_by_role("button", name="申请公开链接").click()
        expect(status(owner)).to_contain_text("隧道服务拒绝了连接")
        expect(status(owner)).to_contain_text("--host 0.0.0.0")
        expect(owner.get_by_role("button", name="申请公开链接")).to_be_visible()
        expect_unnamed(owner)
        assert fits_sideways(owner)
        owner.close()
