"""Starts a page in a process of its own and reads what it prints."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[2]
FAKE = Path(__file__).parent / "fake_server.py"


class Server:
    """A served page; use it in a `with`. `seconds` is how long the page took to answer.

    The fake page lives in a home of its own, an empty folder, unless one is given or stands in
    CHATBOT_HOME; any other program in the usual one.
    """

    def __init__(
        self,
        *options: str,
        program: Path = FAKE,
        home: Path | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}/"
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._lines: list[str] = []  # printed and not yet asked for
        self._spent = ""  # the owner's link that was given away last
        self._printed = threading.Condition()
        started = time.monotonic()
        self.process = subprocess.Popen(
            [*_started(program), "--port", str(port), "--no-browser", *options],
            cwd=ROOT,
            env={
                **os.environ,
                **self._home(program, home),
                **(environment or {}),
                "PYTHONUNBUFFERED": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.line("The page is at")
        except AssertionError:
            self.__exit__()
            raise
        self.seconds = time.monotonic() - started

    def line(self, beginning: str, seconds: float = 60) -> str:
        """Waits for a line that begins so; fails with all other lines instead."""
        found: list[str] = []

        def there() -> bool:
            found[:] = [line for line in self._lines if line.startswith(beginning)]
            return bool(found) or not self._reader.is_alive()

        with self._printed:
            self._printed.wait_for(there, seconds)
            if not found:
                raise AssertionError(f"no line {beginning!r} but: {''.join(self._lines)}")
            self._lines.remove(found[0])
        return found[0]

    @property
    def owner_url(self) -> str:
        """A link that makes its first visitor the owner; another one each time."""
        if self._spent:  # whoever tries a spent one makes the program print the next
            _visit(self._spent)
        line = self.line("Owner's link")
        self._spent = line.split()[-1]
        return self._spent

    def owner_cookies(self) -> dict[str, str]:
        """The cookies of an owner's browser, for programs."""
        cookies = _visit(self.owner_url)
        return dict(re.match("([^=]+)=([^;]*)", cookie).groups() for cookie in cookies)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        finally:
            self.process.kill()
            self._reader.join(5)
            if self.process.stdout:
                self.process.stdout.close()
            self._folder.cleanup()

    def _home(self, program: Path, home: Path | None) -> dict[str, str]:
        own = Path(self._folder.name) if program == FAKE else None
        given = os.environ.get("CHATBOT_HOME")
        chosen = home or given or own
        return {"CHATBOT_HOME": str(chosen)} if chosen else {}

    def _read(self) -> None:
        for line in self.process.stdout or ():
            with self._printed:
                self._lines.append(line)
                self._printed.notify_all()
        with self._printed:
            self._printed.notify_all()


def _started(program: Path) -> list[str]:
    """How a program begins: the real one as it is, those of the tests without a second to lose."""
    quick = [] if program == ROOT / "app.py" else ["-m", "tests.quick_gradio"]
    return [sys.executable, *quick, str(program)]


def _visit(link: str) -> list[str]:
    """Opens a link as a browser would, goes no further, and returns the cookies it set."""
    address, _, path = link.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        connection.request("GET", f"/{path}")
        return connection.getresponse().headers.get_all("set-cookie") or []
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
