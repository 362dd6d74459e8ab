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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any

from chatbot.errors import ConfigError
from chatbot.ui.bots import BotShelf, shelf_of_bundles
from chatbot.ui.guard import LOOPBACK_NAMES, FirstScript, Guard
from chatbot.ui.words import Language

if TYPE_CHECKING:
    from chatbot.ui.page import Page
    from chatbot.ui.share import ShareOutcome

_FIRST_PORT, _PORTS_TRIED = 7860, 100
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServeOptions:
    """What `python app.py` was asked for; None leaves it to the environment or the default."""

    model: str | None = None
    host: str | None = None
    port: int | None = None
    share: bool = False
    visitor_password: str | None = None
    language: Language | None = None
    browser: bool = True


def serve(options: ServeOptions, shelf: BotShelf | None = None) -> int:
    """Serves the page until it is stopped; returns the exit status.

    Raises:
        ChatbotError: there is no such model, or the host and port cannot be had.
    """
    _prepare()
    shelf = shelf or shelf_of_bundles(options.model)
    host = chosen_host(options.host, os.environ)
    port = chosen_port(host, options.port, os.environ)
    hosts = _served_names(host, options)
    _launch(_page(shelf, options.language), host, port, hosts, options)
    shelf.start(shelf.names[0])
    _announce(host, port, options)
    close = share_page(port, hosts) if options.share else lambda: None
    return _until_stopped(close)


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


def share_page(
    port: int, hosts: set[str] | None, told: Callable[[], None] = lambda: None
) -> Callable[[], None]:
    """Asks for a public link in the background and prints what came of it.

    Args:
        port: where the page is served.
        hosts: the names that the page answers to, which the link's name joins.
        told: called once the line is printed.

    Returns:
        What ends the tunnel.
    """
    from chatbot.ui.share import share_in_background

    def done(outcome: ShareOutcome) -> None:
        if hosts is not None and outcome.host:
            hosts.add(outcome.host)
        print(outcome.line(port), flush=True)
        told()

    return share_in_background(port, done)


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


def _page(shelf: BotShelf, language: Language | None) -> Page:
    from chatbot.store import Store
    from chatbot.ui.desk import Desk  # imports Gradio, so only now
    from chatbot.ui.jobs import Jobs
    from chatbot.ui.owner import OwnerGate
    from chatbot.ui.page import build_page, page_words

    return build_page(Desk(shelf, page_words(language), OwnerGate(), Store(), Jobs(), language))


def _served_names(host: str, options: ServeOptions) -> set[str] | None:
    """Returns the host names to answer to, None for any (see `Guard`)."""
    guarded = host in _LOOPBACK and not options.visitor_password
    return set(LOOPBACK_NAMES) if guarded else None


def _launch(
    page: Page, host: str, port: int, hosts: set[str] | None, options: ServeOptions
) -> None:
    from starlette.middleware import Middleware

    guard = Middleware(Guard, hosts=hosts, framed_by_spaces=bool(os.environ.get("SPACE_ID")))
    script = Middleware(FirstScript, script=page.first_script)
    password = options.visitor_password
    safe: dict[str, Any] = {
        "share": False,  # see share.py
        "show_error": False,
        "ssr_mode": False,
        "max_file_size": "10mb",
        "run_history": False,  # else the browser keeps every message a second time
        "enable_monitoring": False,
        "app_kwargs": {"middleware": [guard, script]},
        "auth": password_check(password) if password else None,
    }
    page.blocks.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        **safe,
        **page.launch_options,
    )


def _announce(host: str, port: int, options: ServeOptions) -> None:
    address = f"http://localhost:{port}" if host not in _LOOPBACK else f"http://{host}:{port}"
    print(f"The page is at {address} (Ctrl-C stops it).", flush=True)
    if host not in _LOOPBACK:
        print(f"On your network: http://{socket.gethostname()}:{port}", flush=True)
    if opens_browser(options, os.environ, terminal=sys.stdout.isatty()):
        webbrowser.open(address)


def _until_stopped(close: Callable[[], None]) -> int:
    """Waits for Ctrl-C (returns 130) or SIGTERM (returns 0), then ends what was started."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(0)  # so that `finally` and atexit run, which a plain SIGTERM skips

    signal.signal(signal.SIGTERM, end)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return 130
    finally:
        close()
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
