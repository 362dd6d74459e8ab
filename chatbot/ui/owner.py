"""Tells the owner of a page from its visitors, by a signed cookie alone (never by address).

Behind a tunnel everybody comes from 127.0.0.1, and a forged X-Forwarded-For is believed. Knows
how the cookie is made and whom it lets in; `door` hands it out.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import inspect
import secrets
import threading
import time
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import gradio as gr

from chatbot.ui.guard import LOOPBACK_NAMES, cookie_of, host_name
from chatbot.ui.signing import Signer
from chatbot.ui.words import Language, language_of, text

DAYS_KEPT = 30
_DAY = 24 * 60 * 60
_OWN_SITE = ("same-origin", "none")  # of Sec-Fetch-Site, which no script can forge


class OwnerGate:
    """Decides who is the owner; every event of an owner's tab passes through `only`."""

    def __init__(
        self, key: bytes | None = None, password: str = "", fixed: Language | None = None
    ) -> None:
        """Takes what cookies are signed with and the ways in.

        Args:
            key: of the page; one that ends with this process by default.
            password: of the owner. Without one, the owner can only be at this machine. Another
                password makes all earlier cookies worthless.
            fixed: the language of the page where the visitor's browser does not decide it.
        """
        self.password, self.fixed = password, fixed
        self.public: set[str] = set()  # addresses of public links; see `opens_to`
        key = key or secrets.token_bytes(32)
        self._signer = Signer(key, f"owner {password}")
        self.forms = Signer(key, "form")
        self._link, self._links = "", threading.Lock()
        self._left: set[str] = set()  # cookies that were given back

    @property
    def cookie_name(self) -> str:
        """Differs from page to page, since browsers share cookies between ports."""
        return f"chatbot_owner_{self._signer.mark}"

    # --- who is let in ---------------------------------------------------------------------

    def is_owner(self, request: gr.Request | None) -> bool:
        """Tells whether this request comes from the owner's browser."""
        return request is not None and self.admits(request.headers)

    def admits(self, headers: Mapping[str, str]) -> bool:
        """Tells whether a request with these headers, named in small letters, is the owner's."""
        at_home = headers.get("sec-fetch-site", "none") in _OWN_SITE
        return at_home and self.opens_to(headers.get("host", "")) and self._holds_cookie(headers)

    def opens_to(self, host: str) -> bool:
        """Tells whether the owner may come in under this address (host, or host:port) at all.

        Never by a public link; with a password by every other name; else only at this machine.
        """
        name = host_name(host).rstrip(".")
        if not name or self.is_public(host):
            return False
        return name in LOOPBACK_NAMES or bool(self.password)

    def is_public(self, host: str) -> bool:
        """Tells whether this is the address of a public link, open now or earlier."""
        return bool({host.lower(), host_name(host).rstrip(".")} & self.public)

    def _holds_cookie(self, headers: Mapping[str, str]) -> bool:
        value = cookie_of(headers.get("cookie", ""), self.cookie_name)
        issued, _, name = (self._signer.read(value) or "").partition("-")
        if not issued.isdigit() or name in self._left:
            return False
        return 0 <= time.time() - int(issued) < DAYS_KEPT * _DAY

    # --- cookies and links -----------------------------------------------------------------

    def cookie(self) -> str:
        """Returns the value of a new cookie that makes its holder the owner."""
        return self._signer.sign(f"{int(time.time())}-{secrets.token_hex(8)}")

    def forget(self, headers: Mapping[str, str]) -> None:
        """Makes the cookie of this request worthless, until the page is started anew."""
        value = cookie_of(headers.get("cookie", ""), self.cookie_name)
        self._left.add((self._signer.read(value) or "").partition("-")[2])

    def link(self) -> str:
        """Returns the token of the one-time link; a new one once the last was spent."""
        with self._links:
            self._link = self._link or secrets.token_urlsafe(24)
            return self._link

    def spend(self, token: str) -> bool:
        """Tells whether this token opens the door, which it does once."""
        with self._links:
            right = bool(self._link) and _same(token, self._link)
            self._link = "" if right else self._link
            return right

    def knows(self, password: str) -> bool:
        """Tells whether this is the owner's password."""
        return bool(self.password) and _same(password, self.password)

    # --- what only the owner does ----------------------------------------------------------

    def only(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Wraps a handler whose first parameter is `request: gr.Request`.

        The wrapped handler raises a `gr.Error` of one line for everybody but the owner. It has
        the same signature, and a generator stays one, as Gradio goes by both.

        Raises:
            TypeError: the handler does not begin with the request, or is `async`.
        """
        _refuse_unguardable(handler)

        @functools.wraps(handler)
        def guarded(request: gr.Request, *values: Any, **named: Any) -> Any:
            self._require(request)
            return handler(request, *values, **named)

        @functools.wraps(handler)
        def guarded_steps(request: gr.Request, *values: Any, **named: Any) -> Iterator[Any]:
            self._require(request)
            yield from handler(request, *values, **named)

        wrapped: Any = guarded_steps if inspect.isgeneratorfunction(handler) else guarded
        wrapped.__owner_only__ = True
        return typing.cast("Callable[..., Any]", wrapped)

    def _require(self, request: gr.Request | None) -> None:
        if not self.is_owner(request):
            accepted = request.headers.get("accept-language") if request else None
            line = text(language_of(accepted, self.fixed), "owner_only")
            raise gr.Error(line, title="", print_exception=False)


def _same(given: str, expected: str) -> bool:
    """Compares in a time that tells nothing, not even a length."""
    ours, theirs = (hashlib.sha256(side.encode(errors="replace")) for side in (expected, given))
    return hmac.compare_digest(ours.digest(), theirs.digest())


def _refuse_unguardable(handler: Callable[..., Any]) -> None:
    names = list(inspect.signature(handler).parameters)
    first = typing.get_type_hints(handler).get(names[0]) if names else None
    if first is not gr.Request:
        raise TypeError(f"{handler} needs `request: gr.Request` as its first parameter")
    if inspect.iscoroutinefunction(handler) or inspect.isasyncgenfunction(handler):
        raise TypeError(f"{handler} is async, which no owner's handler needs to be")
