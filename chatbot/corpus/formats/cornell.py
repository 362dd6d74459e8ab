"""The Cornell movie dialogues: lines in one file, conversations as lists of their ids in another.

Fields are parted by ` +++$+++ `; see Danescu-Niculescu-Mizil and Lee 2011. Knows nothing else.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from chatbot.corpus.records import Conversation, ReadingLog
from chatbot.corpus.textfile import TextFile
from chatbot.errors import CorpusError

MARK = "+++$+++"
_LINE_ID = re.compile(r"'(L\d+)'")
_TAG = re.compile(r"</?[a-z]+>", re.IGNORECASE)


class Spoken(NamedTuple):
    """A line of a film."""

    speaker: str
    text: str


def read_cornell(
    conversations: TextFile, lines: TextFile, log: ReadingLog
) -> Iterator[Conversation]:
    """Yields the conversations whose lines are there; formatting tags are left out.

    Lines that are missing end a conversation; the rest of it goes on under the same id.
    """
    spoken = _read_lines(lines)
    for number, line in conversations.numbered_lines():
        if not line.strip():
            continue
        ids = _LINE_ID.findall(line.rpartition(MARK)[2])
        missing = sum(id_ not in spoken for id_ in ids)
        if missing:
            log.notes[f"{conversations.name}: line ids missing from {lines.name}"] += missing
        for run in _runs(ids, spoken):
            speakers, texts = zip(*run, strict=True)
            yield Conversation(f"{conversations.name}:{number}", texts, speakers)


def _read_lines(file: TextFile) -> dict[str, Spoken]:
    spoken = {}
    for number, line in file.numbered_lines():
        fields = [field.strip() for field in line.split(MARK)]
        if len(fields) == 5:
            spoken[fields[0]] = Spoken(fields[1], html.unescape(_TAG.sub("", fields[4])))
        elif line.strip():
            raise CorpusError(
                f"{file.name} line {number} has {len(fields)} fields instead of 5. "
                "Copy the original movie_lines.txt again."
            )
    return spoken


def _runs(ids: list[str], spoken: Mapping[str, Spoken]) -> Iterator[list[Spoken]]:
    """Yields the longest stretches of two lines or more without a missing one."""
    run = list[Spoken]()
    for id_ in ids:
        if id_ in spoken:
            run.append(spoken[id_])
            continue
        if len(run) > 1:
            yield run
        run = []
    if len(run) > 1:
        yield run
