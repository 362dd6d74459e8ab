"""Serves the page, at once: the bot loads while the page is already there.

Chooses host and port, guards what is served, shares it, and ends cleanly. Knows the page as a
whole and none of its parts.
"""

from __future__ import annotations

import errno
import hmac
import logging
import os
import signal
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any

from chatbot.errors import ConfigError
from chatbot.shelf import BotShelf, shelf_of_bundles
from chatbot.ui.guard import LOOPBACK_NAMES, Application, FirstScript, Guard, OtherPaths
from chatbot.ui.words import Language

if TYPE_CHECKING:
    from chatbot.ui.desk import Desk
    from chatbot.ui.page import Page

_FIRST_PORT, _PORTS_TRIED = 7860, 100
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_EVERYWHERE = ("0.0.0.0", "::")
_NO_PASSWORD = (
    "Without an owner's password you are the owner on this computer alone. To be it from "
    "elsewhere, start with --owner-password, or set CHATBOT_OWNER_PASSWORD."
)
_SAME_LINK_SECONDS = 10.0  # between two lines that show the same link


@dataclass(frozen=True)
class ServeOptions:
    """What `python app.py` was asked for; None leaves it to the environment or the default."""

    model: str | None = None
    host: str | None = None
    port: int | None = None
    share: bool = False
    owner_password: str | None = None
    visitor_password: str | None = None
    limit: int | None = None
    store: str | None = None
    language: Language | None = None
    browser: bool = True


@dataclass(frozen=True)
class Beside:
    """Another application at the page's address, such as an API for programs.

    Attributes:
        app: answers what is asked below `paths`; no cookie of the page is set there.
        paths: how its addresses begin.
        line: says where it is, from the page's address.
        stop: ends it once what is under way is answered.
        asks_key: whoever has none is refused, so a public link may lead there too.
    """

    app: Application
    paths: tuple[str, ...]
    line: Callable[[str], str]
    stop: Callable[[], None]
    asks_key: bool


def serve(
    options: ServeOptions,
    shelf: BotShelf | None = None,
    beside: Callable[[BotShelf], Beside] | None = None,
) -> int:
    """Serves the page until it is stopped; returns the exit status.

    Args:
        options: what was asked for.
        shelf: the bots; by default those in saved_models/.
        beside: what else is served at this address, for the same bots.

    Raises:
        ChatbotError: there is no such model, or the host and port cannot be had.
    """
    _prepare()
    password = chosen_owner_password(options.owner_password, os.environ)
    shelf = shelf or shelf_of_bundles(options.model)
    host = chosen_host(options.host, os.environ)
    port = chosen_port(host, options.port, os.environ)
    place = _Place(host, port, _served_names(host, options))
    desk = _desk(shelf, options, password, place)
    links = OwnerLinks(place.address, desk.owner.link)
    other = beside(shelf) if beside else None
    _launch(_page(desk), desk, links, place, options, other)

    def begin() -> None:
        shelf.start(shelf.names[0])
        _announce(place, options, links, password)
        if other:
            _tell(other.line(place.address))
        if options.share:
            desk.sharing.start(lambda outcome: _tell(outcome.line(port)))

    close = [desk.sharing.stop, desk.store.close]
    return _until_stopped(begin, *([other.stop] if other else []), *close)


def chosen_host(given: str | None, environment: Mapping[str, str]) -> str:
    """Returns the address to serve on: as given, by GRADIO_SERVER_NAME, or the fitting default.

    A Hugging Face Space (SPACE_ID) has to be reachable from outside; else only this machine is.
    """
    default = "0.0.0.0" if environment.get("SPACE_ID") else "127.0.0.1"
    return given or environment.get("GRADIO_SERVER_NAME") or default


def chosen_port(host: str, given: int | None, environment: Mapping[str, str]) -> int:
    """Returns a port that is free: the one asked for, else the first from 7860 on.

    Raises:
        ConfigError: the port asked for is none or taken, or the host is not this machine's.
    """
    wanted = given if given is not None else _port_of(environment.get("GRADIO_SERVER_PORT"))
    if wanted is not None:
        _refuse_unless_free(host, wanted)
        return wanted
    for port in range(_FIRST_PORT, _FIRST_PORT + _PORTS_TRIED):
        if _is_free(host, port):
            if port != _FIRST_PORT:
                print(f"Port {_FIRST_PORT} is taken by another program, so {port} is used.")
            return port
    raise ConfigError(f"All ports from {_FIRST_PORT} to {port} are taken. Give one with --port.")


def opens_browser(options: ServeOptions, environment: Mapping[str, str], *, terminal: bool) -> bool:
    """Tells whether somebody sits at this screen who wants the page opened."""
    away = any(environment.get(name) for name in ("CI", "SSH_CONNECTION", "SPACE_ID"))
    screen = sys.platform in ("darwin", "win32") or any(
        environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    return options.browser and terminal and screen and not away


def chosen_owner_password(given: str | None, environment: MutableMapping[str, str]) -> str:
    """Returns the owner's password, empty where there is none.

    It is taken out of the environment, which the trainings inherit.

    Raises:
        ConfigError: an empty one was given.
    """
    kept = environment.pop("CHATBOT_OWNER_PASSWORD", "")
    if given is not None and not given.strip():
        raise ConfigError("The owner's password is empty. Give one, or leave the option out.")
    return given or kept


class OwnerLinks:
    """Shows the one-time link in the terminal, where the owner alone reads."""

    def __init__(
        self,
        page: str,
        token: Callable[[], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Takes the page's address on this machine and what gives the token that works now."""
        self._page, self._token, self._clock = page, token, clock
        self._shown, self._shown_at = "", 0.0

    @property
    def address(self) -> str:
        """The link that works now."""
        return f"{self._page}/?owner={self._token()}"

    def show(self) -> None:
        """Prints it, unless the same one was printed just now."""
        address = self.address
        if address == self._shown and self._clock() - self._shown_at < _SAME_LINK_SECONDS:
            return
        self._shown, self._shown_at = address, self._clock()
        _tell(f"Owner's link (works once): {address}")


def password_check(password: str, pause: float = 0.5) -> Callable[[str, str], bool]:
    """Returns the test of a login: any name with this password; a wrong one costs `pause` s."""

    def check(name: str, given: str) -> bool:
        right = hmac.compare_digest(given.encode(errors="replace"), password.encode())
        if not right:
            time.sleep(pause)  # Gradio itself limits nothing
        return right

    return check


def _prepare() -> None:
    """Before Gradio is imported: no look-ups elsewhere, and notes on the terminal as lines."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("chatbot").setLevel(logging.INFO)


@dataclass(frozen=True)
class _Place:
    """Where the page is served, and under which names (None: any)."""

    host: str
    port: int
    hosts: set[str] | None

    @property
    def in_space(self) -> bool:
        return bool(os.environ.get("SPACE_ID"))

    @property
    def is_local(self) -> bool:
        """Only this machine reaches it (a tunnel aside)."""
        return self.host in _LOOPBACK and not self.in_space

    @property
    def has_local(self) -> bool:
        """This machine reaches it under a name of its own."""
        return self.host in (*_LOOPBACK, *_EVERYWHERE) and not self.in_space

    @property
    def address(self) -> str:
        """What to type into a browser on this machine."""
        name = "127.0.0.1" if self.host in _EVERYWHERE else self.host
        return f"http://[{name}]:{self.port}" if ":" in name else f"http://{name}:{self.port}"


def fetch_nothing() -> None:
    """Keeps Gradio from downloading addresses that a visitor sends in place of a file.

    Gradio 6.31 does so for any input of any event, before our code sees it, and without a limit.
    """
    from gradio import processing_utils

    async def refused(url: str, cache_dir: str) -> str:
        raise ValueError("nothing is fetched from elsewhere")

    processing_utils.async_ssrf_protected_download = refused


def _desk(shelf: BotShelf, options: ServeOptions, password: str, place: _Place) -> Desk:
    from chatbot.store import Store
    from chatbot.ui.desk import Desk  # imports Gradio, so only now
    from chatbot.ui.jobs import Jobs
    from chatbot.ui.owner import OwnerGate
    from chatbot.ui.page import page_words
    from chatbot.ui.share import Sharing
    from chatbot.ui.signing import kept_key
    from chatbot.ui.visitors import Visitors

    fetch_nothing()
    key = kept_key()
    owner = OwnerGate(key, password, options.language)
    store = Store.open(options.store)
    if options.store:  # better told now than to the first visitor
        store.check()
    # A password for visitors means that some come, such as by a tunnel of the owner's own.
    strangers = not place.is_local or bool(options.visitor_password)
    sharing = Sharing(place.port, hosts=place.hosts, public=owner.public, reachable=strangers)
    visitors = Visitors(
        key,
        options.limit,
        is_owner=owner.is_owner,
        is_public=lambda: sharing.is_public,
        record=store.add_visit,
    )
    shelf.blocked = sharing.blocked
    words = page_words(options.language)
    return Desk(shelf, words, owner, store, Jobs(), options.language, visitors, sharing)


def _page(desk: Desk) -> Page:
    from chatbot.ui.page import build_page

    return build_page(desk)


def _served_names(host: str, options: ServeOptions) -> set[str] | None:
    """Returns the host names to answer to, None for any (see `Guard`)."""
    guarded = host in _LOOPBACK and not options.visitor_password
    return set(LOOPBACK_NAMES) if guarded else None


def _launch(
    page: Page,
    desk: Desk,
    links: OwnerLinks,
    place: _Place,
    options: ServeOptions,
    other: Beside | None,
) -> None:
    password = options.visitor_password
    safe: dict[str, Any] = {
        "share": False,  # see share.py
        "show_error": False,
        "ssr_mode": False,
        "max_file_size": "200mb",  # the owner alone uploads; see door.py
        "run_history": False,  # else the browser keeps every message a second time
        "enable_monitoring": False,
        "app_kwargs": {"middleware": _middleware(page, desk, links, place, other)},
        "auth": password_check(password) if password else None,
    }
    page.blocks.launch(
        server_name=place.host,
        server_port=place.port,
        prevent_thread_lock=True,
        quiet=True,
        **safe,
        **page.launch_options,
    )


def _middleware(
    page: Page, desk: Desk, links: OwnerLinks, place: _Place, other: Beside | None
) -> list[Any]:
    """Returns what stands before the page, the outermost first."""
    from starlette.middleware import Middleware

    from chatbot.ui.door import OwnerDoor
    from chatbot.ui.visitors import VisitorCookies

    gate, space = desk.owner, place.in_space
    return [
        Middleware(Guard, hosts=place.hosts, framed_by_spaces=space),
        *([_beside(other, gate.is_public)] if other else []),
        Middleware(VisitorCookies, visitors=desk.visitors, gate=gate, framed=space),
        Middleware(OwnerDoor, gate=gate, renew=links.show, secure=space),
        Middleware(FirstScript, script=page.first_script),
    ]


def _beside(other: Beside, is_public: Callable[[str], bool]) -> Any:
    """Returns what leads to the other application: from a public link, only if it asks a key."""
    from starlette.middleware import Middleware

    refused = (lambda host: False) if other.asks_key else is_public
    return Middleware(OtherPaths, paths=other.paths, other=other.app, refused=refused)


def _announce(place: _Place, options: ServeOptions, links: OwnerLinks, password: str) -> None:
    from chatbot.ui.door import PATH

    _tell(f"The page is at {place.address} (Ctrl-C stops it).")
    if place.host not in _LOOPBACK:
        _tell(f"On your network: http://{socket.gethostname()}:{place.port}")
    if password:
        _tell(f"The owner's password is asked for at {place.address}{PATH}")
    elif not place.is_local:
        _tell(_NO_PASSWORD)
    if place.has_local:
        links.show()
    if opens_browser(options, os.environ, terminal=sys.stdout.isatty()):
        webbrowser.open(links.address if place.has_local else place.address)


def _tell(line: str) -> None:
    """Prints a line in one piece: the log of another thread must not stand within it."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _until_stopped(begin: Callable[[], None], *close: Callable[[], None]) -> int:
    """Begins, waits for Ctrl-C (returns 130) or SIGTERM (returns 0), ends what was started.

    Whoever reads that the page is there may stop it at once, so the signals are awaited before.
    """

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(0)  # so that `finally` and atexit run, which a plain SIGTERM skips

    signal.signal(signal.SIGTERM, end)
    try:
        begin()
        threading.Event().wait()
    except KeyboardInterrupt:
        return 130
    finally:
        for end_one in close:
            end_one()
    return 0


def _port_of(text: str | None) -> int | None:
    if not text:
        return None
    if not text.isdigit():
        raise ConfigError(f"GRADIO_SERVER_PORT is {text!r}, which is no port. Give a number.")
    return int(text)


def _refuse_unless_free(host: str, port: int) -> None:
    if not 1 <= port <= 65535:
        raise ConfigError(f"There is no port {port}. Give one from 1 to 65535.")
    try:
        _try_port(host, port)
    except OSError as error:
        raise _cannot_serve(host, port, error) from None


def _is_free(host: str, port: int) -> bool:
    try:
        _try_port(host, port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise _cannot_serve(host, port, error) from None
        return False
    return True


def _try_port(host: str, port: int) -> None:
    """Raises OSError unless a server could listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        if os.name != "nt":  # there it would let two programs share a port
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trial.bind((host, port))


def _cannot_serve(host: str, port: int, error: OSError) -> ConfigError:
    if error.errno == errno.EADDRINUSE:
        return ConfigError(
            f"Cannot serve at {host}:{port}: another program uses this port. "
            "Give another one with --port, or stop that program."
        )
    return ConfigError(
        f"Cannot serve at {host}:{port}: {error.strerror or error}. "
        "Give an address of this machine with --host, and a port above 1023 with --port."
    )
