"""Published files of forms that no reader knows, rewritten as neutral JSONL.

One function for each form, told by its name in catalogue.yml. Knows no network and no training.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from chatbot.corpus.formats.spacing import detokenised, joined_words
from chatbot.errors import CorpusError

_SPEAKER = re.compile(r"\s*(?P<who>User\s*\d+)\s*:\s*(?P<text>.*)", re.IGNORECASE)
_CHANGED = (
    ValueError,
    KeyError,
    TypeError,
    csv.Error,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
)
_SILENCE = "__SILENCE__"  # Persona-Chat's mark for a talk that the other side begins


def reshape(path: Path, shape: str, out: Path) -> None:
    """Writes the conversations of `path` to `out`, one a line.

    Raises:
        CorpusError: the file does not have that shape.
    """
    try:
        with out.open("w", encoding="utf-8") as file:
            for number, turns in enumerate(_SHAPES[shape](path), start=1):
                record = {"id": f"{path.stem}:{number}", "turns": turns}
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
    except _CHANGED as error:
        raise CorpusError(
            f"{path.name} is not in the form it used to have ({error}); its publisher may have "
            "changed it."
        ) from None


def _speaker_lines(path: Path) -> Iterator[list[str]]:
    """Yields what stands in the column of conversations, a line a turn, as `User 1: text`.

    Lines of the same speaker are joined; lines without one are stage directions.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            turns, last = list[str](), ""
            for match in map(_SPEAKER.match, row["Best Generated Conversation"].splitlines()):
                if match is None or not match["text"].strip():
                    continue
                who, text = match["who"].lower(), match["text"].strip()
                turns[-1:] = [f"{turns[-1]} {text}"] if who == last else [*turns[-1:], text]
                last = who
            yield turns


def _exchanges(path: Path) -> Iterator[list[str]]:
    """Yields conversations that are lists of a message and its reply, under `dialogue`."""
    for record in json.loads(path.read_text(encoding="utf-8")):
        turns = [_text(turn) for exchange in record["dialogue"] for turn in exchange]
        yield turns[1:] if turns[:1] == [_SILENCE] else turns


def _spaced_dialogue(path: Path) -> Iterator[list[str]]:
    """Yields ParlAI's DailyDialog: a conversation a line, with spaces before marks."""
    with path.open(encoding="utf-8") as file:
        for line in filter(str.strip, file):
            yield [detokenised(_text(turn["text"])) for turn in json.loads(line)["dialogue"]]


def _spaced_words(path: Path) -> Iterator[list[str]]:
    """Yields LCCC: a conversation a line, its Chinese cut into words."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in filter(str.strip, file):
            yield [joined_words(_text(turn)) for turn in json.loads(line)["dialog"]]


def _text(turn: object) -> str:
    if not isinstance(turn, str):
        raise TypeError(f"a turn is {type(turn).__name__}, not text")
    return turn


_SHAPES: Mapping[str, Callable[[Path], Iterator[list[str]]]] = {
    "speaker-lines": _speaker_lines,
    "exchanges": _exchanges,
    "spaced-dialogue": _spaced_dialogue,
    "spaced-words": _spaced_words,
}
