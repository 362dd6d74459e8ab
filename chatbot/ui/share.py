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
from typing import IO
from urllib.parse import urlsplit

import httpx
from gradio import networking, tunneling
from gradio.exceptions import ChecksumMismatchError

_ASK_SECONDS = 5.0
_OTHER_WAYS = (
    "Other ways in: for the same network start with --host 0.0.0.0; from anywhere "
    "`ssh -R 8080:localhost:{port} you@your-server` with --visitor-password, or a "
    "Hugging Face Space."
)


@dataclass(frozen=True)
class ShareOutcome:
    """What came of asking for a link: its address, or why there is none."""

    url: str | None
    reason: str = ""

    @property
    def host(self) -> str | None:
        """The host name under which visitors will come."""
        return urlsplit(self.url).hostname if self.url else None

    def line(self, port: int) -> str:
        """Says it to the owner in one line."""
        if self.url:
            return f"Public link: {self.url} (works while this program runs)"
        return f"No public link: {self.reason}. {_OTHER_WAYS.format(port=port)}"


class ShareError(Exception):
    """Why there is no link, as part of a sentence."""


class Tunnel:
    """One run of frpc, from its start to its end."""

    def __init__(self, port: int, token: str) -> None:
        """Takes the local port to publish and a random name for the tunnel."""
        self._port, self._token = port, token
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
                    threading.Thread(target=output.read, daemon=True).start()  # keeps it drained
                    return line.partition("start proxy success: ")[2].strip()
                if "login to server failed" in line:
                    raise ShareError("the tunnel service refused the connection")
        raise ShareError("the tunnel program ended at once")

    def close(self) -> None:
        """Ends frpc, now or as soon as it would start."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._process.kill()
                self._process.wait()

    def _start(self, command: list[str]) -> IO[str]:
        with self._lock:
            if self._closed:
                raise ShareError("it was given up")
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
            if self._process.stdout is None:
                raise ShareError("the tunnel program has no output")
            return self._process.stdout


def share_in_background(
    port: int, on_done: Callable[[ShareOutcome], None], seconds: float = 20.0
) -> Callable[[], None]:
    """Asks for a public link and returns at once; `on_done` gets the outcome within `seconds`.

    The tunnel is closed when the program ends, or by calling what is returned.
    """
    tunnel = Tunnel(port, secrets.token_urlsafe(32))
    atexit.register(tunnel.close)
    worker = threading.Thread(target=_share, args=(tunnel, on_done, seconds), daemon=True)
    worker.start()
    return tunnel.close


def _share(tunnel: Tunnel, on_done: Callable[[ShareOutcome], None], seconds: float) -> None:
    outcomes: queue.SimpleQueue[ShareOutcome] = queue.SimpleQueue()
    threading.Thread(target=lambda: outcomes.put(_outcome(tunnel)), daemon=True).start()
    try:
        outcome = outcomes.get(timeout=seconds)
    except queue.Empty:
        outcome = ShareOutcome(None, f"the tunnel service did not answer in {seconds:.0f} seconds")
    if outcome.url is None:
        tunnel.close()
    on_done(outcome)


def _outcome(tunnel: Tunnel) -> ShareOutcome:
    try:
        return ShareOutcome(tunnel.open())
    except ShareError as error:
        return ShareOutcome(None, str(error))
    except OSError as error:
        return ShareOutcome(None, f"the tunnel program does not start ({error.strerror or error})")


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
        raise ShareError("the tunnel service cannot be reached from here") from None
    except (httpx.HTTPError, ValueError, KeyError, IndexError, TypeError):
        raise ShareError("the tunnel service gave no usable answer") from None


def _frpc() -> str:
    """Returns the path of Gradio's tunnel program, downloaded on its first use."""
    try:
        tunneling.Tunnel.download_binary()
    except ChecksumMismatchError:
        Path(tunneling.BINARY_PATH).unlink()  # Gradio would run it the next time
        raise ShareError("the tunnel program was changed on its way here") from None
    except (httpx.HTTPError, OSError):
        raise ShareError("the tunnel program cannot be downloaded") from None
    return str(tunneling.BINARY_PATH)
