"""Where things lie, and files that appear whole or not at all. Knows nothing else."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from chatbot.errors import ConfigError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")


def home() -> Path:
    """The folder that holds `saved_models/` and `runs/`: CHATBOT_HOME, else this checkout."""
    return Path(os.environ.get("CHATBOT_HOME") or Path(__file__).resolve().parent.parent)


def models_folder() -> Path:
    """The folder of all saved models."""
    return home() / "saved_models"


def runs_folder() -> Path:
    """The folder of all trainings."""
    return home() / "runs"


def checked_name(name: str) -> str:
    """Returns `name` if it can name a model and its folder.

    Raises:
        ConfigError: it holds anything but letters, digits, - and _, or is too long.
    """
    if not _NAME.match(name):
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


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 sum of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
