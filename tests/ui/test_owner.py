"""Who is let in as the owner, by which door, and that nothing of the owner's answers to others."""

import asyncio
import inspect
import os
import re
import time
from html import unescape
from urllib.parse import urlencode

import gradio as gr
import httpx
import pytest
from gradio.helpers import special_args

from chatbot.shelf import BotCard, BotShelf
from chatbot.store import Store
from chatbot.ui.desk import Desk
from chatbot.ui.door import OwnerDoor, SlowLock
from chatbot.ui.jobs import Jobs
from chatbot.ui.owner import OwnerGate
from chatbot.ui.page import build_page, page_words
from chatbot.ui.signing import Signer, kept_key
from chatbot.ui.visitors import VisitorCookies, Visitors
from tests.browser.serving import Server
from tests.ui.owners import owner_request, visitor_request

PUBLIC = "abc.gradio.live"
EVENT = gr.EventData(None, {"index": 0, "value": 0})


@pytest.fixture
def gate():
    return OwnerGate()


# --- the cookie ----------------------------------------------------------------------------


def test_only_the_signed_cookie_makes_an_owner(gate):
    assert gate.is_owner(owner_request(gate))
    assert not gate.is_owner(visitor_request())
    assert not gate.is_owner(None)
    assert not gate.is_owner(visitor_request(x_forwarded_for="127.0.0.1", x_real_ip="127.0.0.1"))


@pytest.mark.parametrize(
    "change", [lambda v: v[:-1], lambda v: "9" + v, lambda v: "", lambda v: "é"]
)
def test_a_changed_cookie_is_worth_nothing(gate, change):
    cookie = f"{gate.cookie_name}={change(gate.cookie())}"
    assert not gate.is_owner(visitor_request(cookie=cookie))


def test_a_cookie_of_another_page_or_purpose_is_worth_nothing(gate):
    other = OwnerGate(b"another key")
    forged = gate.forms.sign(f"{int(time.time())}-1")
    for value in (other.cookie(), forged):
        assert not gate.is_owner(visitor_request(cookie=f"{gate.cookie_name}={value}"))


def test_a_cookie_outlives_a_restart_but_neither_another_password_nor_a_month(monkeypatch):
    before, key = OwnerGate(b"key", "one"), b"key"
    request = owner_request(before)
    assert OwnerGate(key, "one").is_owner(request)
    assert not OwnerGate(key, "two").is_owner(request)
    now = time.time()
    monkeypatch.setattr("chatbot.ui.owner.time.time", lambda: now + 31 * 24 * 3600)
    assert not OwnerGate(key, "one").is_owner(request)


@pytest.mark.skipif(os.name == "nt", reason="no such rights there")
def test_the_key_is_kept_where_only_its_owner_reads_it(tmp_path, monkeypatch):
    monkeypatch.setenv("CHATBOT_HOME", str(tmp_path))
    key = kept_key()
    assert kept_key() == key
    assert len(key) == 32
    file = tmp_path / "owner.key"
    assert [path.name for path in tmp_path.iterdir()] == ["owner.key"]
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    kept_key()
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("damaged")
    assert kept_key() != key


def test_a_home_that_cannot_be_written_costs_the_restart_only(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CHATBOT_HOME", str(tmp_path / "file" / "below"))
    assert len(kept_key()) == 32
    assert "forgotten at the next start" in caplog.text


def test_what_is_signed_for_one_purpose_is_refused_for_another():
    signed = Signer(b"key", "a").sign("x.y")
    assert Signer(b"key", "a").read(signed) == "x.y"
    assert Signer(b"key", "b").read(signed) is None
    assert Signer(b"key", "a").read("\ud800.1") is None


# --- by which name -------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:8080", "[::1]:7860", "LOCALHOST"])
def test_at_this_machine_the_owner_needs_no_password(gate, host):
    assert gate.is_owner(owner_request(gate, host=host))


@pytest.mark.parametrize("host", ["192.168.1.7:7860", "me-bot.hf.space", "box.local", ""])
def test_from_elsewhere_the_owner_needs_a_password(host):
    without, with_one = OwnerGate(), OwnerGate(password="p")
    assert not without.is_owner(owner_request(without, host=host))
    assert with_one.is_owner(owner_request(with_one, host=host)) is bool(host)


@pytest.mark.parametrize("host", [PUBLIC, "ABC.gradio.live", f"{PUBLIC}:443", f"{PUBLIC}."])
def test_through_a_public_link_nobody_is_the_owner(host):
    gate = OwnerGate(password="p")
    gate.public.add(PUBLIC)
    assert not gate.is_owner(owner_request(gate, host=host))


def test_a_public_link_on_this_machine_is_told_by_its_port(gate):
    gate.public.add("127.0.0.1:4000")
    assert not gate.is_owner(owner_request(gate, host="127.0.0.1:4000"))
    assert gate.is_owner(owner_request(gate, host="127.0.0.1:7860"))


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_page_in_the_owners_browser_is_not_the_owner(gate, site):
    assert not gate.is_owner(owner_request(gate, sec_fetch_site=site))
    assert gate.is_owner(owner_request(gate, sec_fetch_site="same-origin"))


# --- handlers ------------------------------------------------------------------------------


class Tab:
    def __init__(self):
        self.ran = 0

    def plain(self, request: gr.Request, name: str, event: gr.SelectData) -> str:
        self.ran += 1
        return name

    def steps(self, request: gr.Request, count: int):
        self.ran += 1
        yield from range(count)

    async def waits(self, request: gr.Request):
        pass

    def nobody(self, name: str):
        pass


def test_a_guarded_handler_looks_to_gradio_like_itself(gate):
    tab = Tab()
    for handler in (tab.plain, tab.steps):
        guarded = gate.only(handler)
        assert guarded.__owner_only__ is True
        assert inspect.isgeneratorfunction(guarded) == inspect.isgeneratorfunction(handler)
        assert inspect.signature(guarded) == inspect.signature(handler)
    request = owner_request(gate)
    inputs, _, event_at, _ = special_args(gate.only(tab.plain), ["me"], request, EVENT)
    assert (inputs[0], inputs[1], event_at) == (request, "me", 2)


def test_the_owner_gets_through_and_nothing_runs_for_others(gate):
    tab = Tab()
    assert gate.only(tab.plain)(owner_request(gate), "me", None) == "me"
    assert list(gate.only(tab.steps)(owner_request(gate), 3)) == [0, 1, 2]
    assert tab.ran == 2
    with pytest.raises(gr.Error, match="Only the owner"):
        gate.only(tab.plain)(visitor_request(), "me", None)
    with pytest.raises(gr.Error, match="只有主人"):
        next(gate.only(tab.steps)(visitor_request(accept_language="zh-CN"), 3))
    with pytest.raises(gr.Error):
        gate.only(tab.plain)(None, "me", None)
    assert tab.ran == 2


@pytest.mark.parametrize("name", ["waits", "nobody"])
def test_a_handler_that_cannot_be_guarded_is_refused_while_the_page_is_built(gate, name):
    with pytest.raises(TypeError, match=r"request|async"):
        gate.only(getattr(Tab(), name))


# --- the door ------------------------------------------------------------------------------


async def inner(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"the page"})


class Browser:
    """A browser without scripts, talking to the door as an ASGI application."""

    def __init__(self, gate, lock=None, host="127.0.0.1:7860", renew=lambda: None):
        visitors = Visitors()
        door = OwnerDoor(inner, gate=gate, lock=lock, renew=renew)
        self.app = VisitorCookies(door, visitors=visitors, gate=gate)
        self.cookies, self.host, self.headers = {}, host, {}

    def get(self, path):
        return asyncio.run(self.ask("GET", path))

    def post(self, path="/owner", **fields):
        return asyncio.run(self.ask("POST", path, urlencode(fields).encode()))

    def proof(self):
        return unescape(re.search('name="proof" value="([^"]+)"', self.get("/owner").text)[1])

    def log_in(self, password):
        return self.post(proof=self.proof(), password=password)

    async def ask(self, method, path, body=b""):
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            headers = {"host": self.host, "cookie": cookies, **self.headers}
            answer = await client.request(method, path, content=body, headers=headers)
        for line in answer.headers.get_list("set-cookie"):
            name, value = re.match("([^=]+)=([^;]*)", line).groups()
            self.cookies[name] = value
        return answer


async def at_once(seconds):
    pass


def is_owner(browser, gate):
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    return gate.admits({"host": browser.host, "cookie": cookies})


def test_the_one_time_link_works_once_and_leaves_no_token_in_the_address(gate):
    first, second, renewed = Browser(gate), Browser(gate, renew=lambda: renewed.append(1)), []
    link = f"/?owner={gate.link()}"
    answer = first.get(link)
    assert (answer.status_code, answer.headers["location"]) == (303, "./")
    (cookie,) = [c for c in answer.headers.get_list("set-cookie") if gate.cookie_name in c]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict", "Path=/;"))
    assert is_owner(first, gate)
    again = second.get(link)
    assert again.status_code == 403
    assert "used already" in again.text
    assert renewed == [1]
    assert not is_owner(second, gate)
    assert second.get(f"/?owner={gate.link()}").status_code == 303
    assert first.get(link).status_code == 303  # who is the owner already just goes in


def test_wrong_tokens_leave_the_right_one_valid(gate):
    token = gate.link()
    for wrong in ("", "x", token[:-1], token + "x"):
        assert Browser(gate).get(f"/?owner={wrong}").status_code in (200, 403)
    assert gate.link() == token
    assert gate.spend(token)
    assert not gate.spend(token)
    assert not gate.spend("")


@pytest.mark.parametrize("host", ["192.168.1.7:7860", PUBLIC])
def test_the_one_time_link_works_only_at_this_machine(host):
    gate = OwnerGate(password="p")
    gate.public.add(PUBLIC)
    answer = Browser(gate, host=host).get(f"/?owner={gate.link()}")
    assert answer.status_code == 403
    assert "--owner-password" in answer.text
    assert gate.spend(gate.link())


def test_the_password_opens_the_door_without_scripts_and_in_two_languages():
    gate = OwnerGate(password="käse & brot")
    browser = Browser(gate, host="192.168.1.7")
    browser.headers["accept-language"] = "zh-CN"
    assert "主人密码" in browser.get("/owner").text
    assert browser.log_in("käse & brot").status_code == 303
    assert is_owner(browser, gate)
    assert "退出" in browser.get("/owner").text


def test_logging_out_ends_the_cookie_even_for_whoever_copied_it(gate):
    browser = Browser(gate)
    browser.get(f"/?owner={gate.link()}")
    copied = dict(browser.cookies)
    assert browser.post(proof=browser.proof(), leave="1").status_code == 303
    assert not is_owner(browser, gate)
    browser.cookies = copied
    assert not is_owner(browser, gate)


def test_a_form_of_another_page_neither_logs_in_nor_out():
    gate = OwnerGate(password="p")
    browser, other = Browser(gate), Browser(gate)
    foreign = other.proof()
    browser.get("/owner")
    assert browser.post(proof=foreign, password="p").status_code == 403
    assert browser.post(password="p").status_code == 403
    browser.headers["sec-fetch-site"] = "cross-site"
    assert browser.log_in("p").status_code == 403
    assert not is_owner(browser, gate)
    assert browser.post(proof="x" * 9000, password="p").status_code == 403


def test_through_a_public_link_the_door_is_shut():
    gate = OwnerGate(password="p")
    gate.public.add(PUBLIC)
    browser = Browser(gate, host=PUBLIC)
    for answer in (browser.get("/owner"), browser.post(password="p")):
        assert answer.status_code == 403
        assert "chat alone" in answer.text
        assert "<form" not in answer.text


def test_without_a_password_the_page_says_how_to_come_in(gate):
    assert "--owner-password" in Browser(gate).get("/owner").text
    browser = Browser(gate, host="192.168.1.7")
    browser.get("/owner")
    session = next(iter(browser.cookies.values())).split(".")[0]
    answer = browser.post(proof=gate.forms.sign(session), password="")
    assert answer.status_code == 403
    assert not is_owner(browser, gate)


def test_only_the_owner_uploads(gate):
    browser = Browser(gate)
    assert browser.post("/gradio_api/upload").status_code == 403
    browser.get(f"/?owner={gate.link()}")
    assert browser.post("/gradio_api/upload").text == "the page"
    assert Browser(gate).post("/gradio_api/queue/join").text == "the page"


# --- the slow lock -------------------------------------------------------------------------


def tried(lock, *right):
    return [asyncio.run(lock.try_(lambda one=one: one)) for one in right]


def test_each_wrong_password_makes_the_next_try_slower_up_to_a_point():
    pauses, now = [], [0.0]

    async def sleep(seconds):
        pauses.append(seconds)

    lock = SlowLock(sleep, lambda: now[0])
    tried(lock, *[False] * 8)
    assert pauses == [0, 1, 2, 4, 8, 16, 30, 30]
    assert tried(lock, True) == ["right"]
    assert pauses[-1] == 30  # a right one waits too, else nobody who guesses would
    assert tried(lock, False, False) == ["wrong", "wrong"]
    assert pauses[-2:] == [0, 1]
    now[0] += 3600
    assert lock.pause == 0


def test_few_tries_wait_at_a_time_and_others_are_served_meanwhile():
    async def scene():
        opened = asyncio.Event()

        async def sleep(seconds):
            await (opened.wait() if seconds else asyncio.sleep(0))

        lock = SlowLock(sleep)
        assert await lock.try_(lambda: False) == "wrong"
        waiting = [asyncio.create_task(lock.try_(lambda: False)) for _ in range(3)]
        await asyncio.sleep(0)
        assert await lock.try_(lambda: True) == "crowded"
        opened.set()
        assert await asyncio.gather(*waiting) == ["wrong"] * 3

    asyncio.run(scene())


def test_the_page_says_how_slow_it_has_become():
    gate = OwnerGate(password="p")
    lock = SlowLock(at_once)
    browser = Browser(gate, lock)
    answers = [browser.log_in("wrong") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [403] * 3
    assert "now by 4 s" in answers[-1].text
    assert browser.log_in("p").status_code == 303


# --- the page as it is built ---------------------------------------------------------------


def built():
    shelf = BotShelf([BotCard("bot")], lambda card: None)
    return build_page(Desk(shelf, page_words(None), OwnerGate(), Store(), Jobs())).blocks


def owned_functions(blocks):
    """Returns the functions of all events that touch something inside an owner's tab."""
    tabs = [
        block
        for block in blocks.blocks.values()
        if (block.elem_id or "").startswith("tab-") and block.elem_id != "tab-chat"
    ]
    inside = {block._id for tab in tabs for block in below(tab)}
    touching = {}
    for number, function in blocks.fns.items():
        targets = {target for target, _ in function.targets}
        ends = {block._id for block in (*function.inputs, *function.outputs)}
        if targets & (inside | {tab._id for tab in tabs}) or ends & inside:
            touching[number] = function
    return touching


def below(block):
    for child in getattr(block, "children", ()):
        yield child
        yield from below(child)


def test_every_event_of_an_owners_tab_asks_for_the_owner():
    functions = owned_functions(built())
    assert len(functions) > 3
    unguarded = [
        function.name
        for function in functions.values()
        if function.fn is not None and not getattr(function.fn, "__owner_only__", False)
    ]
    assert unguarded == []


@pytest.fixture(scope="module")
def server():
    with Server() as running:
        yield running


def calling(**cookies):
    """A browser without scripts; one for many calls, as making it costs more than a call."""
    return httpx.Client(cookies=cookies, timeout=30)


def called(client, server, number, function):
    """Calls a function of the page by plain HTTP, past the page; returns what it ends with."""
    # What stands in the components, as Gradio refuses None for some before any function is asked.
    data = [getattr(block, "value", None) for block in function.inputs]
    body = {"data": data, "fn_index": number, "session_hash": f"s{number}"}
    url = f"{server.url}gradio_api/"
    if not function.queue:
        return client.post(f"{url}run/predict", json=body).text
    client.post(f"{url}queue/join", json=body).raise_for_status()
    with client.stream("GET", f"{url}queue/data?session_hash=s{number}") as stream:
        return next(line for line in stream.iter_lines() if "process_completed" in line)


def test_no_owners_function_answers_a_visitor_by_plain_http(server):
    functions = owned_functions(built())
    with calling(chatbot_owner="1") as forger, calling() as visitor:
        for number, function in functions.items():
            if function.fn is not None:
                answer = called(forger, server, number, function)
                assert "Only the owner may do this" in answer, function.name
                name = f"{server.url}gradio_api/call/{function.api_name}"
                told = visitor.post(name, json={"data": [None] * len(function.inputs)})
                if told.status_code == 200:
                    told = visitor.get(f"{name}/{told.json()['event_id']}")
                assert "complete" not in told.text, function.name


def test_the_same_function_answers_the_owner(server):
    functions = owned_functions(built())
    number, look = next(
        (number, function) for number, function in functions.items() if function.name == "_look"
    )
    with calling(**server.owner_cookies()) as owner:
        assert "is_generating" in called(owner, server, number, look)
