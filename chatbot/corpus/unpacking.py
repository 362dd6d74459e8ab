"""The files of an archive from the web that are a corpus, and nothing else of it.

A path that leads out of the folder, a link, or more than anybody needs is refused in one line.
Knows no network. Read next: fetching.py.
"""

from __future__ import annotations

import fnmatch
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from chatbot.corpus.textfile import printable
from chatbot.errors import CorpusError

MAX_FILES = 200_000
MAX_BYTES = 8 * 1024**3  # unpacked
_CHUNK = 1024**2
_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,  # encrypted
    ValueError,
)


class _Member(NamedTuple):
    """An entry of an archive."""

    name: str
    is_file: bool
    open: Callable[[], IO[bytes] | None]


def unpack(archive: Path, folder: Path, take: Sequence[str]) -> None:
    """Writes the members that match one of the patterns into `folder`, by their own paths.

    Raises:
        CorpusError: it is no whole zip or tar file, holds none of them, or is not harmless.
        OSError: `folder` cannot be written to.
    """
    try:
        taken = _unpack(archive, folder, take)
    except _DAMAGED:
        raise _refused(archive, "it is no whole zip or tar file") from None
    if not taken:
        raise _refused(archive, f"it holds nothing called {' or '.join(take)}")


def _unpack(archive: Path, folder: Path, take: Sequence[str]) -> int:
    room, taken = MAX_BYTES, 0
    for number, member in enumerate(_members(archive)):
        if number >= MAX_FILES:
            raise _refused(archive, f"it holds more than {MAX_FILES:,} files")
        path = _checked(archive, member)
        if not any(fnmatch.fnmatchcase(path.as_posix(), pattern) for pattern in take):
            continue
        opened = member.open() if member.is_file else None
        if opened is None:
            raise _refused(archive, f"{printable(member.name)} is no plain file")
        with opened:
            room -= _copy(archive, opened, folder / path, room)
        taken += 1
    return taken


def _members(archive: Path) -> Iterator[_Member]:
    """Yields all entries but folders."""
    if zipfile.is_zipfile(archive):
        yield from _zip_members(archive)
    else:
        yield from _tar_members(archive)


def _zip_members(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as opened:
        for entry in opened.infolist():
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if not entry.is_dir():
                # As it stands there, before zipfile mends it.
                yield _Member(
                    entry.orig_filename,
                    kind in (0, stat.S_IFREG),
                    lambda entry=entry: opened.open(entry),  # type: ignore[misc]
                )


def _tar_members(archive: Path) -> Iterator[_Member]:
    with tarfile.open(archive) as opened:
        for entry in opened:
            if not entry.isdir():
                yield _Member(
                    entry.name,
                    entry.isreg(),
                    lambda entry=entry: opened.extractfile(entry),  # type: ignore[misc]
                )


def _checked(archive: Path, member: _Member) -> PurePosixPath:
    """Returns the path of a member, once it is known to stay inside."""
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or any(c in member.name for c in "\\:\0"):
        raise _refused(archive, f"{printable(member.name)} would be written outside its folder")
    return path


def _copy(archive: Path, source: IO[bytes], target: Path, room: int) -> int:
    """Returns the number of bytes copied, `room` at most."""
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with target.open("wb") as file:
        while chunk := source.read(_CHUNK):
            size += len(chunk)
            if size > room:
                raise _refused(archive, f"it unpacks to more than {MAX_BYTES >> 30} GB")
            file.write(chunk)
    return size


def _refused(archive: Path, why: str) -> CorpusError:
    return CorpusError(f"Cannot unpack {archive.name}: {why}.")
