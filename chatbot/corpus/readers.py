"""A file or folder in any known format -> conversations. Tells the formats apart.

The formats themselves live in formats/, one module for each family. Knows nothing of pairs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from chatbot.corpus.formats import cornell, json_records, parallel, plain_text
from chatbot.corpus.formats.tables import read_table
from chatbot.corpus.formats.yaml_corpora import read_yaml
from chatbot.corpus.records import Conversation, ReadingLog
from chatbot.corpus.textfile import TextFile, examine
from chatbot.errors import CorpusError

_TABLES = (".csv", ".tsv", ".tab")
_JSON = (".json", ".jsonl", ".ndjson")
_YAML = (".yml", ".yaml")
_ENDINGS = (*_TABLES, *_JSON, *_YAML, ".txt", ".text", ".conv")
_NO_CORPUS = re.compile(
    r"_*(readme|licen[cs]e|notice|changelog|contributing|authors|about|references|requirements)",
    re.IGNORECASE,
)
_LINES_FILE, _CONVERSATIONS_FILE = "movie_lines", "movie_conversations"


def read_conversations(path: Path, log: ReadingLog | None = None) -> Iterator[Conversation]:
    """Yields the conversations of a file, plain or gzip, or of all files in a folder.

    Args:
        path: the format is told by name and content; naming one of two files that belong
            together (messages and replies, Cornell's lines and conversations) reads both.
        log: receives what was skipped or guessed on the way.
    Raises:
        CorpusError: naming the file, and the line where there is one; also when a file or a
            whole folder holds no conversation.
    """
    kept = log if log is not None else ReadingLog()
    conversations = _read_folder(path, kept) if path.is_dir() else _read_file(path, path.name, kept)
    found = False
    for conversation in conversations:
        found = True
        yield conversation
    if not found:
        raise CorpusError(
            f"{path} holds no conversation that can be read{_skipped(kept)}. "
            "Check that this is the right place; README.md lists the formats."
        )


def read_parallel(source: Path, target: Path) -> Iterator[Conversation]:
    """Yields pairs from two files: line n of `target` is the reply to line n of `source`.

    Raises:
        CorpusError: a file cannot be read, or one has more lines than the other.
    """
    return parallel.read_parallel(examine(source), examine(target))


def _skipped(log: ReadingLog) -> str:
    names = ", ".join(log.skipped_files[:5])
    return f" (skipped: {names})" if names else ""


def _read_folder(folder: Path, log: ReadingLog) -> Iterator[Conversation]:
    done = set[Path]()
    for path in _files_in(folder):
        if path in done or (path.name.startswith(_LINES_FILE) and _cornell_partner(path)):
            continue
        if not _may_be_corpus(path):
            log.skipped_files.append(path.relative_to(folder).as_posix())
            continue
        done.update(_partners(path) or ())
        yield from _read_file(path, path.relative_to(folder).as_posix(), log)


def _files_in(folder: Path) -> Iterator[Path]:
    """Yields files in order of their names, without hidden ones; links to folders are left."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(names) if not name.startswith("."))


def _may_be_corpus(path: Path) -> bool:
    if _NO_CORPUS.match(path.name):
        return False
    return path.name.removesuffix(".gz").lower().endswith(_ENDINGS) or _partners(path) is not None


def _partners(path: Path) -> tuple[Path, Path] | None:
    """Returns the files of messages and of replies that `path` is one of, if both exist."""
    replies, messages = parallel.partner_names(path.name)
    for name in replies:
        if path.with_name(name).is_file():
            return path, path.with_name(name)
    for name in messages:
        if path.with_name(name).is_file():
            return path.with_name(name), path
    return None


def _read_file(path: Path, name: str, log: ReadingLog) -> Iterator[Conversation]:
    partners = _partners(path)
    if partners is not None:
        source, target = (examine(part, _beside(name, part)) for part in partners)
        return parallel.read_parallel(source, target)
    file = examine(path, name)
    ending = Path(path.name.removesuffix(".gz")).suffix.lower()
    if ending in _TABLES:
        return read_table(file, log)
    if ending in _YAML:
        return read_yaml(file, log)
    head = [stripped for line in file.head() if (stripped := line.strip())]
    if head and (ending in _JSON or _starts_like_json(head[0])):
        return _read_json(file, head)
    return _read_lines(file, head, log)


def _beside(name: str, path: Path) -> str:
    return Path(name).with_name(path.name).as_posix()


def _starts_like_json(first: str) -> bool:
    return first in ("[", "{") or first.startswith(("[[", "[{", '["', '{"'))


def _read_json(file: TextFile, head: Sequence[str]) -> Iterator[Conversation]:
    """Reads line by line where the ending says so or the first line of several is a record."""
    named_so = file.path.name.removesuffix(".gz").lower().endswith((".jsonl", ".ndjson"))
    if named_so and head[0] not in ("[", "{"):
        return json_records.read_jsonl(file)
    if len(head) > 1 and json_records.looks_like_jsonl(head[0]):
        return json_records.read_jsonl(file)
    return json_records.read_json(file)


def _read_lines(file: TextFile, head: list[str], log: ReadingLog) -> Iterator[Conversation]:
    if any(cornell.MARK in line for line in head):
        return _read_cornell(file, log)
    if plain_text.is_dailydialog(head):
        return plain_text.read_dailydialog(file)
    if plain_text.is_personachat(head):
        return plain_text.read_personachat(file)
    if plain_text.is_conv(head):
        return plain_text.read_conv(file)
    if head and all("\t" in line for line in head):
        return read_table(file, log)
    return plain_text.read_turns(file)


def _read_cornell(file: TextFile, log: ReadingLog) -> Iterator[Conversation]:
    other = _cornell_partner(file.path)
    if other is None:
        of_lines = file.path.name.startswith(_LINES_FILE)
        lacking = _CONVERSATIONS_FILE if of_lines else _LINES_FILE
        raise CorpusError(
            f"{file.name} is one half of the Cornell movie dialogues: {lacking}.txt is missing "
            f"in {file.path.parent}. Put both files into one folder."
        )
    partner = examine(other, _beside(file.name, other))
    if file.path.name.startswith(_LINES_FILE):
        return cornell.read_cornell(partner, file, log)
    return cornell.read_cornell(file, partner, log)


def _cornell_partner(path: Path) -> Path | None:
    """Returns the file of conversations beside one of lines, or the other way, if it is there."""
    of_lines = path.name.startswith(_LINES_FILE)
    wanted = _CONVERSATIONS_FILE if of_lines else _LINES_FILE
    found = [p for p in path.parent.glob(f"{wanted}*") if p.is_file()]
    return min(found, key=lambda p: (len(p.name), p.name), default=None)
