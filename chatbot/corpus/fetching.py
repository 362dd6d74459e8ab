"""A public set from the web to a folder that the readers read: download, check, unpack, count.

The folder appears whole or not at all, with a note of what it was made from. What was downloaded
is kept until then, so that fetching again goes on. Knows no terminal. Read next: download.py.
"""

from __future__ import annotations

import datetime
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from chatbot.corpus.catalogue import RECORD, Part, PublicSet
from chatbot.corpus.download import Progress, download
from chatbot.corpus.readers import read_conversations
from chatbot.corpus.reshaping import reshape
from chatbot.corpus.unpacking import unpack
from chatbot.errors import CorpusError
from chatbot.files import fetched_folder, sha256_of, try_lock


@dataclass(frozen=True)
class FetchedFile:
    """A file as it came.

    Attributes:
        url: from where.
        bytes: its size.
        sha256: the sum it has.
        checked: whether that was known before, and so is the one it should have.
    """

    url: str
    bytes: int
    sha256: str
    checked: bool


@dataclass(frozen=True)
class Fetched:
    """What became of a set: where it lies, what it holds, and what it was made from."""

    path: Path
    conversations: int
    turns: int
    files: tuple[FetchedFile, ...]


def fetch(wanted: PublicSet, progress: Progress = lambda *_: None) -> Fetched:
    """Brings a set here; one that is here already is replaced once the new one is whole.

    Args:
        wanted: its entry of the catalogue.
        progress: is told the name of a file, its bytes so far, and in all if known.
    Raises:
        CorpusError: a file cannot be had, is another than it should be, or cannot be read.
        OSError: there is no room, or no right to write.
    """
    if not wanted.parts:
        raise CorpusError(
            f"No public address of {wanted.id} is known. See {wanted.page}, download it by hand, "
            "and train on the file."
        )
    with _downloads(wanted) as folder:
        files = [_downloaded(part, folder, progress) for part in wanted.parts]
        staged = fetched_folder() / f".{wanted.id}.new"
        shutil.rmtree(staged, ignore_errors=True)
        try:
            conversations, turns = _filled(staged, wanted, folder)
            fetched = Fetched(wanted.folder, conversations, turns, tuple(files))
            _note(staged, fetched)
            shutil.rmtree(wanted.folder, ignore_errors=True)
            staged.rename(wanted.folder)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
    return fetched


@contextmanager
def _downloads(wanted: PublicSet) -> Iterator[Path]:
    """Yields the folder of what arrived so far, to one process at a time."""
    folder = fetched_folder() / ".downloads" / wanted.id
    folder.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{wanted.id}.lock").open("wb") as lock:
        if not try_lock(lock):
            raise CorpusError(
                f"{wanted.id} is being fetched already. Wait for that to end, or stop it."
            )
        yield folder


def _downloaded(part: Part, folder: Path, progress: Progress) -> FetchedFile:
    """Returns a file that is whole and has the sum it should have; an earlier one is used."""
    path = folder / part.name
    if not path.exists():
        download(part.url, path, progress)
    found = sha256_of(path)
    if part.sha256 not in (None, found):
        aside = _put_aside(path)
        raise CorpusError(
            f"{part.url} is not the file it should be: its SHA-256 is {found}, not {part.sha256}. "
            f"It was put aside as {aside} and is not used. Fetch again; if that does not help, "
            "its publisher changed it."
        )
    return FetchedFile(part.url, path.stat().st_size, found, part.sha256 is not None)


def _put_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.refused")
    path.replace(aside)
    return aside


def _filled(staged: Path, wanted: PublicSet, folder: Path) -> tuple[int, int]:
    """Lays the set out in `staged` and returns its conversations and turns, counted by reading.

    Raises:
        CorpusError: a file is not what it should be; those without a known sum are put aside, so
            that fetching again asks for them anew.
    """
    staged.mkdir(parents=True)
    try:
        for part in wanted.parts:
            _lay_out(part, folder / part.name, staged)
        return _counted(staged)
    except CorpusError as error:
        for part in wanted.parts:
            if part.sha256 is None:
                _put_aside(folder / part.name)
        raise CorpusError(
            f"{wanted.id} was downloaded but cannot be used: {error} What came is kept in "
            f"{folder}; see {wanted.page}."
        ) from None


def _lay_out(part: Part, source: Path, staged: Path) -> None:
    if part.take and part.shape:
        with tempfile.TemporaryDirectory(dir=source.parent) as name:
            unpack(source, Path(name), part.take)
            for path in sorted(p for p in Path(name).rglob("*") if p.is_file()):
                reshape(path, part.shape, staged / _neutral_name(path))
    elif part.take:
        unpack(source, staged, part.take)
    elif part.shape:
        reshape(source, part.shape, staged / _neutral_name(source))
    else:
        shutil.copyfile(source, staged / part.name)


def _neutral_name(path: Path) -> str:
    """Returns what the rewritten file is called, `train.jsonl` for `train.json.gz`."""
    return f"{path.name.split('.')[0]}.jsonl"


def _counted(folder: Path) -> tuple[int, int]:
    conversations = turns = 0
    for conversation in read_conversations(folder):
        conversations += 1
        turns += len(conversation.turns)
    return conversations, turns


def _note(staged: Path, fetched: Fetched) -> None:
    note = {
        "date": datetime.date.today().isoformat(),
        "conversations": fetched.conversations,
        "turns": fetched.turns,
        "files": [asdict(file) for file in fetched.files],
    }
    (staged / RECORD).write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")
