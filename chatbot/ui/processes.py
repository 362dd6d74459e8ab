"""The process of a training and the lock that lets one run at a time.

The lock is an open file that the training inherits, so it holds for as long as the training lives,
whatever becomes of the page. Windows cannot hand such a lock on: there the page holds it while it
lives, and the training's own lock tells after that.

Knows no page and nothing that a training writes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, BinaryIO

from chatbot.files import home, try_lock
from chatbot.ui.threads import as_asked_for

ROOT = Path(__file__).resolve().parents[2]  # where `python -m chatbot` is found
_PATIENCE = 0.5  # seconds: somebody who only looks holds a lock for an instant


class TakenError(Exception):
    """Another process holds the lock."""


@contextlib.contextmanager
def sole_place(path: Path) -> Iterator[BinaryIO]:
    """Holds the lock at `path`; a process that inherits the open file holds it on.

    Raises:
        TakenError: another process holds it.
        OSError: the file cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        lock = stack.enter_context(path.open("a+b"))
        end = time.monotonic() + _PATIENCE
        while not try_lock(lock):
            if time.monotonic() > end:
                raise TakenError
            time.sleep(0.02)
        yield lock
        if sys.platform == "win32":
            stack.pop_all()  # kept open; see `launch`


def is_held(path: Path) -> bool:
    """Tells whether a process holds the lock at `path`."""
    try:
        with path.open("r+b") as lock:
            return not try_lock(lock)
    except FileNotFoundError:
        return False
    except OSError:  # no right to look: rather wait than start a second training
        return True


def launch(command: Sequence[str], log: Path, lock: BinaryIO) -> subprocess.Popen[bytes]:
    """Starts a process that outlives this one, writes into `log`, and holds `lock`.

    Raises:
        OSError: there is no room or no such program.
    """
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL,
            stdout=out, stderr=subprocess.STDOUT, **_apart(lock),
        )  # fmt: skip
    threading.Thread(target=_see_off, args=(process, lock), daemon=True).start()
    return process


def environment() -> dict[str, str]:
    """Returns the environment of a training: ours, with all threads, and the same folders."""
    own = {"CHATBOT_HOME": str(home().resolve()), "PYTHONUNBUFFERED": "1"}
    return {**as_asked_for(os.environ), **own}


def terminate(pid: int) -> None:
    """Asks a process that `launch` started, and what it started itself, to end."""
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            os.kill(pid, signal.SIGTERM)
        else:
            os.killpg(pid, signal.SIGTERM)


def _apart(lock: IO[bytes]) -> dict[str, Any]:
    """Options that keep Ctrl-C and the end of the page away from the process."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True, "pass_fds": (lock.fileno(),)}


def _see_off(process: subprocess.Popen[bytes], lock: IO[bytes]) -> None:
    process.wait()
    lock.close()
