"""What every answer of the server carries, and whom it answers: headers and host names.

Plain ASGI, since a wrapping middleware would hold back the stream of a growing reply. Knows
neither Gradio nor the page.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_SPACES = "https://huggingface.co https://*.hf.space"
# 'unsafe-inline' and 'unsafe-eval' are what Gradio's own scripts need; nothing outside is loaded.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; media-src 'self' data: blob:; worker-src 'self' blob:; "
    "object-src 'none'; form-action 'self'; base-uri 'self'; frame-ancestors 'self'"
)


class Guard:
    """Adds security headers to every answer and refuses foreign host names.

    A page on the visitor's own machine must not be read by another site that points its name to
    127.0.0.1 (DNS rebinding), so a page served there answers to its own names only.
    """

    def __init__(
        self, app: Application, *, hosts: set[str] | None = None, framed_by_spaces: bool = False
    ) -> None:
        """Wraps an ASGI application.

        Args:
            app: what answers.
            hosts: the host names that are served, without port; None serves any. The set is
                shared, so that the name of a public link can join later.
            framed_by_spaces: Hugging Face may show the page in a frame.
        """
        policy = f"{_POLICY} {_SPACES}" if framed_by_spaces else _POLICY
        self._app, self._hosts = app, hosts
        self._headers = [
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif self._hosts is not None and host_name(headers_of(scope)["host"]) not in self._hosts:
            await _refuse(send)
        else:
            await self._app(scope, receive, with_headers(send, self._headers))


class OtherPaths:
    """Hands what is asked below some paths to another application."""

    def __init__(
        self,
        app: Application,
        *,
        paths: tuple[str, ...],
        other: Application,
        refused: Callable[[str], bool],
    ) -> None:
        """Wraps an ASGI application.

        Args:
            app: what answers.
            paths: what the addresses of the `other` begin with.
            other: what answers there.
            refused: tells by the host whether it does not, such as by a public link.
        """
        self._app, self._paths, self._other, self._refused = app, paths, other, refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http" or not scope["path"].startswith(self._paths):
            await self._app(scope, receive, send)
        elif self._refused(headers_of(scope)["host"]):
            await _refuse_programs(send)
        else:
            await self._other(scope, receive, send)


class FirstScript:
    """Puts a script first into the head of every HTML page, before Gradio's own run.

    Gradio's `head` option is carried out by those scripts, which is too late for some purposes.
    """

    def __init__(self, app: Application, *, script: str) -> None:
        """Wraps an ASGI application; `script` is a whole script element."""
        self._app, self._script = app, script.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        start: Event | None = None  # held back, since it names the length of the body

        async def sending(event: Event) -> None:
            nonlocal start
            if event["type"] == "http.response.start" and _is_html(event):
                start = event
                return
            if start is not None:
                held, start = start, None
                held, event = self._with_script(held, event)
                await send(held)
            await send(event)

        await self._app(scope, receive, sending if scope["type"] == "http" else send)

    def _with_script(self, start: Event, body: Event) -> tuple[Event, Event]:
        page = body.get("body", b"")
        if body.get("more_body") or b"<head>" not in page:
            return start, body
        longer = page.replace(b"<head>", b"<head>" + self._script, 1)
        headers = {**dict(start["headers"]), b"content-length": str(len(longer)).encode()}
        return {**start, "headers": list(headers.items())}, {**body, "body": longer}


def host_name(address: str) -> str:
    """Returns the host of `host:port` in lower case.

    >>> host_name("Localhost:7860"), host_name("[::1]:7860"), host_name("example.org")
    ('localhost', '[::1]', 'example.org')
    """
    name, colon, port = address.rpartition(":")
    return (name if colon and port.isdigit() else address).lower()


def headers_of(scope: Scope) -> dict[str, str]:
    """Returns the headers of a request by name in small letters.

    The host is empty unless there is exactly one; several cookie headers become one.
    """
    found: dict[str, list[str]] = {"host": []}
    for key, value in scope["headers"]:
        found.setdefault(key.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    host = found["host"] if len(found["host"]) == 1 else [""]
    return {name: "; ".join(values) for name, values in {**found, "host": host}.items()}


def cookie_of(header: str, name: str) -> str:
    """Returns the value of one cookie from a Cookie header, empty where it is not there.

    >>> cookie_of("a=1; b=2.x", "b"), cookie_of("ab=1", "b")
    ('2.x', '')
    """
    pairs = (part.partition("=") for part in header.split(";"))
    return next((value.strip() for key, _, value in pairs if key.strip() == name), "")


def set_cookie(name: str, value: str, seconds: int, attributes: str) -> tuple[bytes, bytes]:
    """Returns the header that sets a cookie no script can read; 0 seconds delete it."""
    line = f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; {attributes}"
    return b"set-cookie", line.encode("latin-1")


def with_headers(send: Send, headers: Iterable[tuple[bytes, bytes]]) -> Send:
    """Returns a `send` whose answer carries these headers as well."""
    more = list(headers)

    async def sending(event: Event) -> None:
        if event["type"] == "http.response.start":
            event["headers"] = [*event.get("headers", ()), *more]
        await send(event)

    return sending


async def answer_with(
    send: Send, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Sends a whole answer."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


def _is_html(start: Event) -> bool:
    headers = dict(start.get("headers", ()))
    return bool(headers.get(b"content-type", b"").startswith(b"text/html"))


async def _refuse_programs(send: Send) -> None:
    told = {
        "message": "No API key is set, so a public link leads to the page alone.",
        "type": "permission_error",
        "param": None,
        "code": "no_api_key",
    }
    body = json.dumps({"error": told}).encode()
    await answer_with(send, 403, body, [(b"content-type", b"application/json")])


async def _refuse(send: Send) -> None:
    body = b"This page is not served under this host name.\n"
    await answer_with(send, 421, body, [(b"content-type", b"text/plain")])
