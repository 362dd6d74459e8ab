"""Folders that change in one step: made beside their place, then moved there.

Whoever changes something in a folder of folders does it `alone`, one program at a time. What a
crash cut in the middle is put right before the next change. Knows not what the folders hold.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chatbot.errors import BundleError
from chatbot.files import try_lock

_LOCK = ".lock"
_RETIRED = re.compile(r"\.(?P<name>.+)-[a-z0-9_]{8}-old\Z")  # moved away for a fresh one
_REMOVED = re.compile(r"\..+-removed\Z")
_STAGED = re.compile(r"\..+-[a-z0-9_]{8}\Z")
_DAY = 24 * 60 * 60


@contextmanager
def alone(root: Path, seconds: float = 20) -> Iterator[None]:
    """Lets one program at a time change what lies in `root`, in whatever process it runs.

    Raises:
        BundleError: another one does not come to an end.
    """
    root.mkdir(parents=True, exist_ok=True)
    with (root / _LOCK).open("ab") as file:
        end = time.monotonic() + seconds
        while not try_lock(file):
            if time.monotonic() > end:
                raise BundleError(
                    f"Nothing was changed: another program is changing {root}. Try again later."
                )
            time.sleep(0.02)
        _heal(root)
        yield


def heal_if_idle(root: Path) -> None:
    """Brings back what a crash left moved away, unless somebody is just changing something."""
    if not root.is_dir() or not any(map(_RETIRED.match, os.listdir(root))):
        return
    try:
        with (root / _LOCK).open("ab") as file:
            if try_lock(file):
                _heal(root)
    except OSError:  # may only be read: then nobody else changes anything there either
        return


def staged_folder(root: Path, name: str) -> Path:
    """Returns an empty folder beside the place of `name`, which no listing shows."""
    root.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=root))
    folder.chmod(0o755)
    return folder


def fill_from(source: Path, folder: Path) -> None:
    """Puts the files of `source` into `folder` too, as links where the disk can.

    A file must be replaced in there, never written to: its bytes belong to both.
    """
    for path in source.iterdir():
        if path.is_file():
            try:
                os.link(path, folder / path.name)
            except OSError:
                shutil.copyfile(path, folder / path.name)


def swap(fresh: Path, target: Path) -> None:
    """Moves a folder to its place; what stood there is deleted only afterwards."""
    retired = fresh.with_name(fresh.name + "-old")
    if target.exists():
        target.rename(retired)
    try:
        fresh.rename(target)
    except BaseException:
        if retired.exists():
            retired.rename(target)
        raise
    shutil.rmtree(retired, ignore_errors=True)


def remove(path: Path) -> None:
    """Deletes a folder: first out of sight, so that a half-deleted one is never listed."""
    doomed = path.with_name(f".{path.name}-removed")
    shutil.rmtree(doomed, ignore_errors=True)  # an earlier removal may have been cut
    path.rename(doomed)
    shutil.rmtree(doomed)


def _heal(root: Path) -> None:
    for path in root.glob(".*"):
        retired = _RETIRED.match(path.name)
        if retired and not (root / retired["name"]).exists():
            path.rename(root / retired["name"])
        elif retired or _REMOVED.match(path.name) or _is_forgotten(path):
            shutil.rmtree(path, ignore_errors=True)


def _is_forgotten(path: Path) -> bool:
    """Tells whether a staged folder was left by a program that is long gone."""
    return bool(_STAGED.match(path.name)) and time.time() - path.stat().st_mtime > _DAY
