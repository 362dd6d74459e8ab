"""Who visits, and how much each may ask: sessions in signed cookies, and a limit of messages.

A session is a random name that the browser keeps; it says nothing about a person. Whoever sends
no cookie shares one session with all others who do not. Knows no component and no reply.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from chatbot.ui.guard import (
    Application,
    Receive,
    Scope,
    Send,
    cookie_of,
    headers_of,
    set_cookie,
    with_headers,
)
from chatbot.ui.signing import Signer
from chatbot.ui.words import Language, text

if TYPE_CHECKING:
    import gradio as gr

    from chatbot.ui.owner import OwnerGate

_LOG = logging.getLogger(__name__)
PUBLIC_LIMIT = 30  # messages per visitor and minute, where the page is public and nothing is said
MOST_MESSAGES = 10_000  # the highest limit that can be set
ALL_TOGETHER = 20  # times the limit of one visitor
MINUTES_PRESENT = 5  # so long after the last sign a visitor counts as being there
_MINUTE = 60.0
_VISIT_SECONDS = 30 * _MINUTE  # a visitor who comes back later has made another visit
_MOST_KEPT = 10_000  # visitors remembered; cookies cost nothing, memory does
_YEAR = 365 * 24 * 60 * 60


class Visitors:
    """The visitors of a page: who is there, and whose messages are answered."""

    def __init__(
        self,
        key: bytes | None = None,
        limit: int | None = None,
        *,
        is_owner: Callable[[gr.Request], bool] = lambda request: False,
        is_public: Callable[[], bool] = lambda: False,
        record: Callable[[str], object] = lambda session: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begins with nobody.

        Args:
            key: of the page; one that ends with this process by default.
            limit: messages per visitor and minute; 0 is no limit. None: PUBLIC_LIMIT
                while the page is public, else no limit.
            is_owner: tells whose messages are not counted.
            is_public: tells whether strangers can reach the page now.
            record: keeps a visit, once for each visit; may fail.
            clock: the time in seconds.
        """
        self._signer = Signer(key or secrets.token_bytes(32), "visitor")
        self._chosen, self._is_owner, self._is_public = limit, is_owner, is_public
        self._record, self._record_failed, self._clock = record, False, clock
        self._sent: dict[str, deque[float]] = {}  # when each visitor's messages came
        self._all: deque[float] = deque()
        self._seen: OrderedDict[str, float] = OrderedDict()  # in the order of the last sign
        self._lock = threading.Lock()

    @property
    def cookie_name(self) -> str:
        """Differs from page to page, since browsers share cookies between ports."""
        return f"chatbot_visitor_{self._signer.mark}"

    # --- how much each may ask -------------------------------------------------------------

    @property
    def limit(self) -> int:
        """Messages per visitor and minute; 0 is no limit."""
        return self.public_limit if self._chosen is not None or self._is_public() else 0

    @limit.setter
    def limit(self, limit: int) -> None:
        self._chosen = max(0, limit)

    @property
    def public_limit(self) -> int:
        """What the limit is wherever strangers can reach the page."""
        return PUBLIC_LIMIT if self._chosen is None else self._chosen

    def refusal(self, request: gr.Request, language: Language) -> str:
        """Says in one line why a message is not answered; empty, and counted, where it is."""
        reason = self._reason(request)
        return text(language, reason, limit=self.limit) if reason else ""

    def _reason(self, request: gr.Request) -> str | None:
        limit = self.limit
        if not limit or self._is_owner(request):
            return None
        with self._lock:
            return self._counted(self.session_of(request.headers), limit)

    def _counted(self, session: str, limit: int) -> str | None:
        now = self._clock()
        _drop_before(self._all, now - _MINUTE)
        for name in [name for name, sent in self._sent.items() if sent[-1] <= now - _MINUTE]:
            del self._sent[name]
        sent = self._sent.get(session, deque())
        _drop_before(sent, now - _MINUTE)
        if len(sent) >= limit:
            return "visitor_limit"
        if len(self._all) >= limit * ALL_TOGETHER:
            return "visitors_limit"
        sent.append(now)
        self._sent[session] = sent
        self._all.append(now)
        return None

    # --- who is there ----------------------------------------------------------------------

    def session_of(self, headers: Mapping[str, str]) -> str:
        """Returns the session that these headers name; empty where they name none of ours."""
        return self._signer.read(cookie_of(headers.get("cookie", ""), self.cookie_name)) or ""

    def new_session(self) -> tuple[str, str]:
        """Returns a new session and the value of its cookie."""
        session = secrets.token_hex(12)
        return session, self._signer.sign(session)

    def present(self, minutes: float = MINUTES_PRESENT) -> int:
        """Returns how many visitors gave a sign within the last minutes."""
        since = self._clock() - minutes * _MINUTE
        with self._lock:
            return sum(seen > since for seen in self._seen.values())

    def saw(self, session: str) -> bool:
        """Notes a sign of a visitor; tells whether this begins a visit."""
        now = self._clock()
        with self._lock:
            before = self._seen.pop(session, None)
            self._seen[session] = now
            if len(self._seen) > _MOST_KEPT:
                self._seen.popitem(last=False)
        return before is None or now - before > _VISIT_SECONDS

    def record(self, session: str) -> None:
        """Keeps a visit; where that fails, the page goes on and the terminal says so once."""
        try:
            self._record(session)
        except Exception as error:
            if not self._record_failed:
                _LOG.warning("Visits are not counted: %s", error)
            self._record_failed = True


class VisitorCookies:
    """Gives every browser a session of its own and notes that it is there.

    Plain ASGI, as in `guard`. The session stands in the scope as "chatbot.visitor".
    """

    def __init__(
        self, app: Application, *, visitors: Visitors, gate: OwnerGate, framed: bool = False
    ) -> None:
        """Wraps an ASGI application.

        Args:
            app: what answers.
            visitors: who is there.
            gate: tells the owner, who is no visitor.
            framed: the page is shown within a frame of another site, over HTTPS.
        """
        self._app, self._visitors, self._gate = app, visitors, gate
        self._attributes = "SameSite=None; Secure; Partitioned" if framed else "SameSite=Lax"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] == "http":
            headers = headers_of(scope)
            session = self._visitors.session_of(headers)
            if not session:
                session, value = self._visitors.new_session()
                name = self._visitors.cookie_name
                cookie = set_cookie(name, value, _YEAR, self._attributes)
                send = with_headers(send, [cookie])
            elif scope["method"] == "POST" and not self._gate.admits(headers):
                self._note(session)
            scope["chatbot.visitor"] = session
        await self._app(scope, receive, send)

    def _note(self, session: str) -> None:
        if self._visitors.saw(session):  # a database may be slow: not in the loop that serves
            loop = asyncio.get_running_loop()
            loop.run_in_executor(None, self._visitors.record, session)


def _drop_before(times: deque[float], moment: float) -> None:
    while times and times[0] <= moment:
        times.popleft()
