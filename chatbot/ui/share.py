"""A public link to a page that is already served, asked for in the background.

Speaks to Gradio's tunnel service through its own program, frpc. `launch(share=True)` is not used:
it can block for ever, burns a processor while it waits, and makes even the local page load its
scripts from elsewhere. Knows no component; whatever fails, the local page stays up.
"""

from __future__ import annotations

import atexit
import os
import queue
import secrets
import subprocess
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal
from urllib.parse import urlsplit

import httpx
from gradio import networking, tunneling
from gradio.exceptions import ChecksumMismatchError

from chatbot.ui.guard import LOOPBACK_NAMES
from chatbot.ui.words import Language, text

_ASK_SECONDS = 5.0


class ShareError(Exception):
    """Why there is no link: the key of a text of the page, and what it is filled in with."""

    def __init__(self, key: str, **values: object) -> None:
        """Takes the key without its beginning, which is "share_"."""
        super().__init__(key)
        self.key, self.values = f"share_{key}", values


@dataclass(frozen=True)
class ShareOutcome:
    """What came of asking for a link: its address, or why there is none."""

    url: str | None
    error: ShareError | None = None

    def reason(self, language: Language = "en") -> str:
        """Returns why there is no link, as part of a sentence."""
        return text(language, self.error.key, **self.error.values) if self.error else ""

    @property
    def host(self) -> str | None:
        """The host name under which visitors will come."""
        return urlsplit(self.url).hostname if self.url else None

    @property
    def addresses(self) -> set[str]:
        """What the Host header of a request through the link may be.

        The name alone, unless it is this machine's own: then it is the port that tells.
        """
        parts = urlsplit(self.url or "")
        if parts.hostname is None:
            return set()
        if parts.hostname in LOOPBACK_NAMES:
            return {f"{name}:{parts.port or 80}" for name in LOOPBACK_NAMES}
        return {parts.hostname}

    def line(self, port: int) -> str:
        """Says it to the owner in one line."""
        if self.url:
            return f"Public link: {self.url} (works while this program runs)"
        return f"No public link: {self.reason()}. {text('en', 'share_other_ways', port=port)}"


class Tunnel:
    """One run of frpc, from its start to its end."""

    def __init__(self, port: int, token: str, on_end: Callable[[], None] = lambda: None) -> None:
        """Takes the local port to publish, a random name, and whom to tell that a link ended."""
        self._port, self._token, self._on_end = port, token, on_end
        self._process: subprocess.Popen[str] | None = None
        self._closed = False
        self._lock = threading.Lock()

    def open(self) -> str:
        """Returns the public address; blocks until there is one.

        Raises:
            ShareError: there is none.
        """
        with tempfile.TemporaryDirectory() as folder:
            output = self._start(_command(self._port, self._token, Path(folder)))
            for line in output:
                if "start proxy success: " in line:
                    threading.Thread(target=self._watch, args=(output,), daemon=True).start()
                    return line.partition("start proxy success: ")[2].strip()
                if "login to server failed" in line:
                    raise ShareError("refused")
        raise ShareError("ended_at_once")

    def close(self) -> None:
        """Ends frpc, now or as soon as it would start."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._process.kill()
                self._process.wait()

    def _watch(self, output: IO[str]) -> None:
        """Keeps the output drained, and tells when the program ended by itself."""
        with output:
            for _ in output:
                pass
        if not self._closed:
            self.close()
            self._on_end()

    def _start(self, command: list[str]) -> IO[str]:
        with self._lock:
            if self._closed:
                raise ShareError("given_up")
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
            if self._process.stdout is None:
                raise ShareError("ended_at_once")
            return self._process.stdout


@dataclass(frozen=True)
class ShareState:
    """How far sharing is, and what came of it where it is open or failed."""

    stage: Literal["off", "asking", "open", "failed"] = "off"
    outcome: ShareOutcome = ShareOutcome(None)

    @property
    def url(self) -> str:
        """The address of the link, empty where there is none."""
        return self.outcome.url or ""


class Sharing:
    """The public link of a page, asked for by the command line or by the owner's button."""

    def __init__(
        self,
        port: int = 0,
        *,
        hosts: set[str] | None = None,
        public: set[str] | None = None,
        reachable: bool = False,
        seconds: float = 20.0,
    ) -> None:
        """Begins without a link.

        Args:
            port: where the page is served.
            hosts: the names that the page answers to, which the link's name joins; None: any.
            public: the addresses of links, where the owner has no rights (see `OwnerGate`).
            reachable: strangers can reach the page without a link too.
            seconds: how long to wait for a link.
        """
        self.port, self.reachable, self.seconds = port, reachable, seconds
        self.block_list = True  # while strangers can reach the page
        self._hosts, self._public = hosts, public
        self._state, self._close = ShareState(), _nothing
        self._attempt = 0  # what an earlier one comes to is of no interest any more
        self._changed = threading.Condition()

    @property
    def state(self) -> ShareState:
        """How far it is."""
        return self._state

    @property
    def is_public(self) -> bool:
        """Tells whether strangers can reach the page now."""
        return self.reachable or self._state.stage == "open"

    def start(self, told: Callable[[ShareOutcome], None] = lambda outcome: None) -> None:
        """Asks for a link and returns at once; nothing new where there is one or it is asked for.

        Args:
            told: gets what came of it.
        """
        with self._changed:
            if self._state.stage in ("asking", "open"):
                return
            self._attempt += 1
            number = self._attempt
            self._set(ShareState("asking"))
            self._close = share_in_background(
                self.port,
                lambda outcome: self._settle(number, outcome, told),
                self.seconds,
                lambda: self._ended(number),
            )

    def stop(self) -> None:
        """Ends the link, whatever it has come to; afterwards nobody comes in by it."""
        with self._changed:
            self._attempt += 1
            close, self._close = self._close, _nothing
            self._forget_name()
            self._set(ShareState())
        close()

    def wait(self, seconds: float) -> ShareState:
        """Waits until nothing is being asked for any more, at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: self._state.stage != "asking", seconds)
            return self._state

    def blocked(self, language: str) -> tuple[str, ...]:
        """Returns the phrases that no reply may hold, since strangers read it."""
        if not (self.is_public and self.block_list):
            return ()
        from chatbot.text.blocked import default_blocked

        return default_blocked(language)

    def _settle(
        self, number: int, outcome: ShareOutcome, told: Callable[[ShareOutcome], None]
    ) -> None:
        with self._changed:
            if number != self._attempt:
                return
            if outcome.url:
                self._know_name(outcome)
            self._set(ShareState("open" if outcome.url else "failed", outcome))
        told(outcome)

    def _ended(self, number: int) -> None:
        with self._changed:
            if number == self._attempt:
                self._forget_name()
                self._set(ShareState("failed", ShareOutcome(None, ShareError("ended"))))

    def _know_name(self, outcome: ShareOutcome) -> None:
        if self._public is not None:  # first of all: from now on visitors come by this name
            self._public.update(outcome.addresses)
        if self._hosts is not None and outcome.host:
            self._hosts.add(outcome.host)

    def _forget_name(self) -> None:
        host = urlsplit(self._state.url).hostname or ""
        if self._hosts is not None and host not in LOOPBACK_NAMES:
            self._hosts.discard(host)

    def _set(self, state: ShareState) -> None:
        self._state = state
        self._changed.notify_all()


def share_in_background(
    port: int,
    on_done: Callable[[ShareOutcome], None],
    seconds: float = 20.0,
    on_end: Callable[[], None] = lambda: None,
) -> Callable[[], None]:
    """Asks for a public link and returns at once; `on_done` gets the outcome within `seconds`.

    `on_end` is called where a link ends by itself. The tunnel is closed when the program ends, or
    by calling what is returned.
    """
    tunnel = Tunnel(port, secrets.token_urlsafe(32), on_end)
    atexit.register(tunnel.close)
    worker = threading.Thread(target=_share, args=(tunnel, on_done, seconds), daemon=True)
    worker.start()
    return tunnel.close


def _nothing() -> None:
    pass


def _share(tunnel: Tunnel, on_done: Callable[[ShareOutcome], None], seconds: float) -> None:
    outcomes: queue.SimpleQueue[ShareOutcome] = queue.SimpleQueue()
    threading.Thread(target=lambda: outcomes.put(_outcome(tunnel)), daemon=True).start()
    try:
        outcome = outcomes.get(timeout=seconds)
    except queue.Empty:
        outcome = ShareOutcome(None, ShareError("too_late", seconds=round(seconds)))
    if outcome.url is None:
        tunnel.close()
    on_done(outcome)


def _outcome(tunnel: Tunnel) -> ShareOutcome:
    try:
        return ShareOutcome(tunnel.open())
    except ShareError as error:
        return ShareOutcome(None, error)
    except OSError as error:
        fault = ShareError("no_start", fault=error.strerror or error)
        return ShareOutcome(None, fault)


def _command(port: int, token: str, folder: Path) -> list[str]:
    """Returns the call of frpc, as Gradio 6.31 makes it in `Tunnel._start_tunnel`."""
    address, certificate = _relay()
    command = [_frpc(), "http", "-n", token, "-l", str(port), "-i", "127.0.0.1", "--uc"]
    command += ["--sd", "random", "--ue", "--server_addr", address, "--disable_log_color"]
    if certificate:
        file = folder / "relay.pem"
        file.write_text(certificate)
        command += ["--tls_enable", "--tls_trusted_ca_file", str(file)]
    return command


def _relay() -> tuple[str, str]:
    """Returns the far end of the tunnel as host:port, and the certificate to trust there.

    GRADIO_SHARE_SERVER_ADDRESS names one's own; else Gradio's service is asked.
    """
    if own := os.environ.get("GRADIO_SHARE_SERVER_ADDRESS"):
        return own, ""
    try:
        answer = httpx.get(networking.GRADIO_API_SERVER, timeout=_ASK_SECONDS)
        first = answer.raise_for_status().json()[0]
        return f"{first['host']}:{int(first['port'])}", str(first["root_ca"])
    except httpx.TransportError:
        raise ShareError("unreachable") from None
    except (httpx.HTTPError, ValueError, KeyError, IndexError, TypeError):
        raise ShareError("no_use") from None


def _frpc() -> str:
    """Returns the path of Gradio's tunnel program, downloaded on its first use."""
    try:
        tunneling.Tunnel.download_binary()
    except ChecksumMismatchError:
        Path(tunneling.BINARY_PATH).unlink()  # Gradio would run it the next time
        raise ShareError("altered") from None
    except (httpx.HTTPError, OSError):
        raise ShareError("no_program") from None
    return str(tunneling.BINARY_PATH)
