"""A Chromium and pages in it, each watched: console errors and outside requests fail the test."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.browser.serving import Server

SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
_SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
_SWITCHES += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]


def chromium_path():
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="package")  # its event loop must not outlive these tests
def browser():
    if chromium_path() is None:
        no_browser = pytest.fail if os.environ.get("CI") else pytest.skip
        no_browser("Chromium is missing: install it, or name it in the variable CHROMIUM")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=15_000)  # a page takes its time on a machine that is busy
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=_SWITCHES)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def server():
    with Server() as running:
        yield running


@pytest.fixture
def expected_errors():
    """Parts of console errors that are no fault; a test may add its own."""
    return ["status of 422"]  # how Gradio answers a message that its validator refuses


def _of_an_upload(line):
    """Gradio asks how far an upload is; one that is through by then it does not know (404)."""
    return "upload_progress" in line.location["url"] or line.text == "Response"


def settled(page):
    """Waits until no answer is on its way that draws a part of the page anew, or wipes a line.

    A person does not act so fast that it would undo the next step; a test on a busy machine does.
    """
    quiet = 0
    while quiet < 3:
        page.wait_for_timeout(100)
        quiet = 0 if page.loading else quiet + 1


@pytest.fixture(scope="package")
def browsers(browser):
    """Visitors' browsers, kept for the tests to come: what they hold of a page loads faster."""
    return []


def forget(page, url):
    """Makes a browser forget who visited the page, but not how it looks."""
    page.context.clear_cookies()
    page.context.clear_permissions()
    origin, kinds = url.partition("/?")[0], "local_storage,indexeddb,cache_storage"
    devtools = page.context.new_cdp_session(page)
    devtools.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": kinds})
    devtools.detach()


@pytest.fixture
def open_page(browser, browsers, expected_errors):
    """Opens pages as visitors with their own browser; checks in the end what went wrong there.

    With `beside`, the page is another tab in the browser of that one.
    """
    wrong, contexts, pages = [], [], []

    def visitor(url, options):
        """Returns a page in a browser that no other visitor has, and that knows none."""
        if options:  # a browser that is like no other
            contexts.append(browser.new_context(**options))
            return contexts[-1].new_page()
        taken = {page.context for page in pages}
        free = next((one for one in browsers if one not in taken), None)
        if free is None:
            browsers.append(free := browser.new_context())
        page = free.new_page()
        forget(page, url)
        return page

    def opened(url, size="desktop", beside=None, **options):
        width, height = SIZES[size]
        page = beside.context.new_page() if beside else visitor(url, options)
        pages.append(page)
        page.set_viewport_size({"width": width, "height": height})
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: wrong.append(f"error {error}"))
        page.on("console", heard)
        page.on("request", lambda request: outside(request.url, url.partition("?")[0]))
        page.loading = loading = set()
        page.on("request", lambda request: "/run/predict" in request.url and loading.add(request))
        page.on("requestfinished", lambda request: loading.discard(request))
        page.on("requestfailed", lambda request: loading.discard(request))  # a page that was left
        page.goto(url)
        page.locator("#message textarea").wait_for()
        settled(page)
        return page

    def heard(line):
        expected = any(part in line.text for part in expected_errors) or _of_an_upload(line)
        if line.type == "error" and not expected:
            wrong.append(f"console {line.text}")

    def outside(address, url):
        if not address.startswith((url, "data:", "blob:")):
            wrong.append(f"outside request {address}")

    yield opened
    for one in [*pages, *contexts]:
        one.close()
    assert wrong == []


@pytest.fixture
def page(open_page, server):
    """The fake server's page at desktop size."""
    return open_page(server.url)
