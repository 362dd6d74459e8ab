"""Starts a page in a process of its own and reads what it prints."""

from __future__ import annotations

import os
import queue
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[2]
FAKE = Path(__file__).parent / "fake_server.py"


class Server:
    """A served page; use it in a `with`. `seconds` is how long the page took to answer."""

    def __init__(self, *options: str, program: Path = FAKE) -> None:
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}/"
        self._lines: queue.Queue[str] = queue.Queue()
        started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, str(program), "--port", str(port), "--no-browser", *options],
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.line("The page is at")
        self.seconds = time.monotonic() - started

    def line(self, beginning: str, seconds: float = 60) -> str:
        """Waits for a line that begins so; fails with all that was printed instead."""
        seen, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                line = self._lines.get(timeout=0.2)
            except queue.Empty:
                if self.process.poll() is not None:
                    break
                continue
            if line.startswith(beginning):
                return line
            seen.append(line)
        raise AssertionError(f"no line {beginning!r} but: {''.join(seen)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(15)
        finally:
            self.process.kill()
            self._reader.join(5)
            if self.process.stdout:
                self.process.stdout.close()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self._lines.put(line)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
