"""Where things lie, what may name them, and files that appear whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from pathlib import Path
from typing import BinaryIO

from chatbot.errors import ConfigError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
# No files on Windows, and a file beside the models here.
_TAKEN = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|default)\Z", re.IGNORECASE)


def home() -> Path:
    """The folder of `saved_models/`, `runs/` and `uploads/`: CHATBOT_HOME, else this checkout."""
    return Path(os.environ.get("CHATBOT_HOME") or Path(__file__).resolve().parent.parent)


def models_folder() -> Path:
    """The folder of all saved models."""
    return home() / "saved_models"


def runs_folder() -> Path:
    """The folder of all trainings."""
    return home() / "runs"


def uploads_folder() -> Path:
    """The folder of the corpora that the owner uploaded."""
    return home() / "uploads"


def fetched_folder() -> Path:
    """The folder of the public corpora that were fetched."""
    return home() / "corpora-fetched"


def checked_name(name: str) -> str:
    """Returns `name` if it can name a model and its folder.

    Raises:
        ConfigError: it holds anything but letters, digits, - and _, or is too long.
    """
    if not _NAME.match(name) or _TAKEN.match(name):
        raise ConfigError(
            f"{name[:80]!r} cannot name a model: a name starts with a letter or digit and holds "
            "only letters, digits, - and _, 64 at most. Choose another name."
        )
    return name


def write_whole(path: Path, data: bytes) -> None:
    """Writes beside and renames, so that a crash leaves the old file or the new one."""
    beside = path.with_name(path.name + ".part")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def try_lock(file: BinaryIO) -> bool:
    """Locks an open file for this process; False when another process holds it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 sum of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
