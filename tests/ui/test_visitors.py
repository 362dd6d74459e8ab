"""Visitors have a session each, are counted, and are answered so many messages a minute."""

import asyncio
import threading

import httpx
import pytest

from chatbot.config import DecodingConfig
from chatbot.shelf import BotCard, BotShelf
from chatbot.ui.owner import OwnerGate
from chatbot.ui.talk import answer
from chatbot.ui.visitors import ALL_TOGETHER, PUBLIC_LIMIT, VisitorCookies, Visitors
from tests.ui.owners import owner_request, visitor_request


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def somebody(visitors):
    """A request of a new visitor."""
    return visitor_request(cookie=f"{visitors.cookie_name}={visitors.new_session()[1]}")


def allows(visitors, request):
    """Sends one message and tells whether it is answered."""
    return not visitors.refusal(request, "en")


# --- the limit -----------------------------------------------------------------------------


def test_each_visitor_has_so_many_messages_a_minute(clock):
    visitors = Visitors(limit=2, clock=clock)
    one, two = somebody(visitors), somebody(visitors)
    assert [allows(visitors, one) for _ in range(3)] == [True, True, False]
    assert allows(visitors, two)
    clock.now += 59
    assert not allows(visitors, one)
    clock.now += 2
    assert [allows(visitors, one) for _ in range(3)] == [True, True, False]


def test_the_visitor_reads_why_in_one_line_of_their_language(clock):
    visitors = Visitors(limit=1, clock=clock)
    one = somebody(visitors)
    assert visitors.refusal(one, "en") == ""
    assert "1 messages a minute" in visitors.refusal(one, "en")
    assert "每分钟最多发 1 条" in visitors.refusal(one, "zh")


def test_all_together_have_a_limit_too_however_many_sessions_somebody_makes(clock):
    visitors = Visitors(limit=2, clock=clock)
    allowed = sum(allows(visitors, somebody(visitors)) for _ in range(2 * ALL_TOGETHER + 50))
    assert allowed == 2 * ALL_TOGETHER
    assert "at once" in visitors.refusal(somebody(visitors), "en")
    clock.now += 61
    assert allows(visitors, somebody(visitors))


@pytest.mark.parametrize("cookie", ["", "{name}=forged.00", "{name}="])
def test_whoever_sends_no_session_shares_one(clock, cookie):
    visitors = Visitors(limit=1, clock=clock)
    assert allows(visitors, visitor_request())
    assert not allows(visitors, visitor_request(cookie=cookie.format(name=visitors.cookie_name)))


def test_the_owner_is_not_counted():
    gate = OwnerGate()
    visitors = Visitors(limit=1, is_owner=gate.is_owner)
    assert all(allows(visitors, owner_request(gate)) for _ in range(5))


def test_there_is_a_limit_by_default_only_where_strangers_can_come():
    public = [False]
    visitors = Visitors(is_public=lambda: public[0])
    assert (visitors.limit, visitors.public_limit) == (0, PUBLIC_LIMIT)
    one = somebody(visitors)
    assert all(allows(visitors, one) for _ in range(100))
    public[0] = True
    assert visitors.limit == PUBLIC_LIMIT
    visitors.limit = 0
    assert visitors.limit == visitors.public_limit == 0
    visitors.limit = 5
    public[0] = False
    assert visitors.limit == 5


def test_the_limit_holds_for_messages_sent_at_the_same_moment():
    visitors = Visitors(limit=10)
    one, allowed = somebody(visitors), []
    threads = [
        threading.Thread(target=lambda: allowed.append(allows(visitors, one))) for _ in range(40)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(allowed) == 10


# --- who is there --------------------------------------------------------------------------


def test_visitors_are_present_for_some_minutes_after_their_last_sign(clock):
    visitors = Visitors(clock=clock)
    assert visitors.saw("a")
    clock.now += 4 * 60
    assert visitors.saw("b")
    assert not visitors.saw("b")
    assert visitors.present() == 2
    clock.now += 2 * 60
    assert visitors.present() == 1
    assert visitors.present(minutes=60) == 2
    clock.now += 60 * 60
    assert visitors.saw("a")  # another visit


def test_visits_that_cannot_be_kept_are_said_once_and_hinder_nobody(caplog):
    def failing(session):
        raise OSError("disk full")

    visitors = Visitors(record=failing)
    visitors.record("a")
    visitors.record("b")
    assert [record.getMessage() for record in caplog.records] == [
        "Visits are not counted: disk full"
    ]


async def inner(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["chatbot.visitor"].encode()})


def ask(app, method="GET", cookie=""):
    async def asked():
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://localhost"
        ) as client:
            answer = await client.request(method, "/", headers={"cookie": cookie})
        await asyncio.get_running_loop().shutdown_default_executor()
        return answer

    return asyncio.run(asked())


def test_a_browser_gets_a_session_once_and_its_visit_is_kept():
    kept, gate = [], OwnerGate()
    visitors = Visitors(record=kept.append)
    app = VisitorCookies(inner, visitors=visitors, gate=gate)
    first = ask(app)
    line = first.headers["set-cookie"]
    assert "HttpOnly" in line
    assert "SameSite=Lax" in line
    cookie = line.split(";")[0]
    assert kept == []  # whoever keeps no cookie is no visitor
    second = ask(app, "POST", cookie)
    assert second.text == first.text
    assert "set-cookie" not in second.headers
    ask(app, "POST", cookie)
    assert kept == [first.text]
    assert visitors.present() == 1


def test_the_owner_is_no_visitor():
    gate = OwnerGate()
    visitors = Visitors()
    app = VisitorCookies(inner, visitors=visitors, gate=gate)
    cookie = ask(app).headers["set-cookie"].split(";")[0]
    ask(app, "POST", f"{cookie}; {gate.cookie_name}={gate.cookie()}")
    assert visitors.present() == 0


def test_within_the_frame_of_a_space_the_session_is_kept_too():
    app = VisitorCookies(inner, visitors=Visitors(), gate=OwnerGate(), framed=True)
    assert "SameSite=None; Secure; Partitioned" in ask(app).headers["set-cookie"]


# --- what strangers read -------------------------------------------------------------------


class Bot:
    name, language = "bot", "en"
    decoding = DecodingConfig(blocked_phrases=("own",))

    def stream(self, history, decoding=None):
        yield " ".join(decoding.blocked_phrases)


def test_a_reply_is_free_of_what_the_page_blocks_and_of_what_the_bot_blocks():
    shelf = BotShelf([BotCard("bot")], lambda card: Bot())
    assert list(answer(shelf, "bot", ["Hi"], {}))[-1].text == "own"
    shelf.blocked = {"en": ("bad", "own"), "zh": ("坏",)}.__getitem__
    assert list(answer(shelf, "bot", ["Hi"], {}))[-1].text == "own bad"
