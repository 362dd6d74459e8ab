"""How the owner comes in and leaves: the one-time link, the password's page, and its slow lock.

Plain ASGI and plain HTML, so it works without scripts and before the page is loaded. Knows
nothing of the page behind it; `owner` says what the cookie is worth.
"""

from __future__ import annotations

import asyncio
import html
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs

from chatbot.ui.guard import (
    LOOPBACK_NAMES,
    Application,
    Receive,
    Scope,
    Send,
    answer_with,
    headers_of,
    host_name,
    set_cookie,
)
from chatbot.ui.owner import DAYS_KEPT, OwnerGate
from chatbot.ui.words import Language, language_of, text

PATH = "/owner"
# Wherever Gradio takes in a file.
_UPLOADS = tuple(
    f"{prefix}/{name}"
    for prefix in ("", "/gradio_api")
    for name in ("upload", "process_recording", "component_server")
)
_MOST_BYTES = 8192  # of a form
_MOST_WAITING = 3  # tries at a time
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0  # seconds
_FORGET_AFTER = 15 * 60.0  # seconds without a try
_LEAVING = '<input type="hidden" name="leave" value="1">'

Headers = list[tuple[bytes, bytes]]
Verdict = Literal["right", "wrong", "crowded"]


class SlowLock:
    """Lets passwords be tried, each wrong one making the next try slower, whoever makes it."""

    def __init__(
        self,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Takes how to wait and what time it is, in seconds."""
        self._sleep, self._clock = sleep, clock
        self._wrong, self._waiting, self._last = 0, 0, 0.0

    @property
    def pause(self) -> float:
        """How many seconds the next try will wait."""
        if not self._wrong or self._clock() - self._last > _FORGET_AFTER:
            return 0.0
        return float(min(_FIRST_PAUSE * 2 ** min(self._wrong - 1, 10), _LONGEST_PAUSE))

    async def try_(self, is_right: Callable[[], bool]) -> Verdict:
        """Waits, then looks; few may wait at a time, and other requests go on meanwhile.

        A right password waits like a wrong one: else whoever guesses need not wait for the answer.
        """
        if self._waiting >= _MOST_WAITING:
            return "crowded"
        pause = self.pause
        self._wrong = self._wrong + 1 if pause else 1
        self._last = self._clock()
        self._waiting += 1
        try:
            await self._sleep(pause)
        finally:
            self._waiting -= 1
        if is_right():
            self._wrong = 0
            return "right"
        return "wrong"


@dataclass(frozen=True)
class _Call:
    """One request at the door."""

    headers: dict[str, str]
    language: Language
    session: str

    @property
    def host(self) -> str:
        return self.headers["host"]


class OwnerDoor:
    """Answers the one-time link and `/owner`; all else goes on to the page."""

    def __init__(
        self,
        app: Application,
        *,
        gate: OwnerGate,
        renew: Callable[[], None] = lambda: None,
        secure: bool = False,
        lock: SlowLock | None = None,
    ) -> None:
        """Wraps an ASGI application.

        Args:
            app: what answers everything else.
            gate: what the cookie is worth.
            renew: tells the owner, in the terminal, the link that works now.
            secure: the page is served over HTTPS alone.
            lock: slows down wrong passwords.
        """
        self._app, self._gate, self._renew = app, gate, renew
        self._attributes = "SameSite=Strict; Secure" if secure else "SameSite=Strict"
        self._lock = lock or SlowLock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = headers_of(scope)
        language = language_of(headers.get("accept-language"), self._gate.fixed)
        call = _Call(headers, language, scope.get("chatbot.visitor", ""))
        path, method = scope["path"].rstrip("/"), scope["method"]
        asked = parse_qs(scope["query_string"].decode("latin-1")) if path == "" else {}
        if "owner" in asked and method == "GET":
            await self._by_link(call, asked["owner"][0], send)
        elif path == PATH:
            await self._at_door(call, method, receive, send)
        elif path in _UPLOADS and method == "POST" and not self._gate.admits(headers):
            await _say(send, call, 403, "owner_only")
        else:
            await self._app(scope, receive, send)

    async def _by_link(self, call: _Call, token: str, send: Send) -> None:
        if self._gate.admits(call.headers):
            await _go_in(send)
        elif not self._gate.opens_to(call.host) or host_name(call.host) not in LOOPBACK_NAMES:
            await _say(send, call, 403, "owner_link_elsewhere")
        elif self._gate.spend(token):
            await _go_in(send, [self._cookie(self._gate.cookie())])
        else:
            self._renew()
            await _say(send, call, 403, "owner_link_spent")

    async def _at_door(self, call: _Call, method: str, receive: Receive, send: Send) -> None:
        if self._gate.is_public(call.host):
            await _say(send, call, 403, "owner_not_by_link")
        elif method == "POST":
            await self._receive(call, receive, send)
        elif self._gate.admits(call.headers):
            await self._form(send, call, 200, "owner_leave", "owner_are")
        elif not self._gate.password:
            await _say(send, call, 200, "owner_no_password")
        else:
            await self._form(send, call, 200, "owner_enter")

    async def _receive(self, call: _Call, receive: Receive, send: Send) -> None:
        """Takes what a form sent: the password, or the wish to leave."""
        form = await _form_of(receive)
        if not self._is_ours(call, form.get("proof", "")):
            await self._form(send, call, 403, "owner_enter", "owner_again")
        elif "leave" in form:
            self._gate.forget(call.headers)
            await _go_in(send, [self._cookie("", 0)])
        elif not self._gate.opens_to(call.host):
            await _say(send, call, 403, "owner_no_password")
        else:
            await self._try(call, form.get("password", ""), send)

    async def _try(self, call: _Call, password: str, send: Send) -> None:
        verdict = await self._lock.try_(lambda: self._gate.knows(password))
        if verdict == "right":
            await _go_in(send, [self._cookie(self._gate.cookie())])
        else:
            status = {"wrong": 403, "crowded": 429}[verdict]
            await self._form(send, call, status, "owner_enter", f"owner_{verdict}")

    def _is_ours(self, call: _Call, proof: str) -> bool:
        """Tells whether a form came from our page in this very browser."""
        from_here = call.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
        return from_here and bool(call.session) and self._gate.forms.read(proof) == call.session

    def _cookie(self, value: str, seconds: int = DAYS_KEPT * 24 * 60 * 60) -> tuple[bytes, bytes]:
        return set_cookie(self._gate.cookie_name, value, seconds, self._attributes)

    async def _form(
        self, send: Send, call: _Call, status: int, action: str, line: str = ""
    ) -> None:
        """Shows the form to enter or to leave, under a line that says how things stand."""
        proof = self._gate.forms.sign(call.session)
        hidden = f'<input type="hidden" name="proof" value="{html.escape(proof)}">'
        fields = _LEAVING if action == "owner_leave" else _password_field(call)
        said = _paragraph(call, line, seconds=round(self._lock.pause)) if line else ""
        form = f'<form method="post">{hidden}{fields}<button>{text(call.language, action)}</button>'
        await _page(send, call, status, f"{said}{form}</form>")


def _password_field(call: _Call) -> str:
    label = text(call.language, "owner_password")
    return (
        f'<label for="password">{label}</label><input id="password" name="password" '
        'type="password" autocomplete="current-password" required autofocus>'
    )


def _paragraph(call: _Call, key: str, **values: object) -> str:
    return f'<p role="status">{html.escape(text(call.language, key, **values))}</p>'


async def _form_of(receive: Receive) -> dict[str, str]:
    """Reads a form; one that is too long counts as empty."""
    body, more = b"", True
    while more and len(body) <= _MOST_BYTES:
        event = await receive()
        body += event.get("body", b"")
        more = event["type"] == "http.request" and event.get("more_body", False)
    given = parse_qs(body.decode("latin-1")) if len(body) <= _MOST_BYTES else {}
    return {name: values[0] for name, values in given.items()}


async def _go_in(send: Send, cookies: Iterable[tuple[bytes, bytes]] = ()) -> None:
    kept: Headers = [(b"location", b"./"), (b"cache-control", b"no-store"), *cookies]
    await answer_with(send, 303, b"", kept)


async def _say(send: Send, call: _Call, status: int, key: str) -> None:
    await _page(send, call, status, _paragraph(call, key))


async def _page(send: Send, call: _Call, status: int, body: str) -> None:
    title, back = text(call.language, "owner_title"), text(call.language, "owner_back")
    code = {"en": "en", "zh": "zh-CN"}[call.language]
    whole = (
        f'<!doctype html><html lang="{code}"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><main><h1>{title}</h1>{body}"
        f'<p><a href="./">{back}</a></p></main></body></html>'
    )
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-store")]
    await answer_with(send, status, whole.encode(), headers)


_STYLE = (
    ":root{color-scheme:light dark;--accent:light-dark(#0f766e,#2dd4bf)}"
    "body{margin:0;padding:12vh 1rem;font:1rem/1.5 system-ui,sans-serif}"
    "main{max-width:26rem;margin:auto}h1{font-size:1.25rem}"
    "form{display:grid;gap:.5rem;margin:1.5rem 0}"
    "input,button{font:inherit;padding:.6rem .75rem;border-radius:.6rem;border:1px solid #8888}"
    "button{border:0;background:#0f766e;color:#fff;cursor:pointer}a{color:var(--accent)}"
)
