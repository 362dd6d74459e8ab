"""Formats that are plain lines: bare turns, DailyDialog, Persona-Chat, and xiaohuangji's E/M.

Each function reads one of them. Knows nothing of tables, JSON or folders.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from chatbot.corpus.formats.spacing import detokenised, joined_chinese
from chatbot.corpus.records import Conversation
from chatbot.corpus.textfile import TextFile

_MOST_TURNS = 10_000  # held at once; even, so that each part begins with the same speaker
_END_OF_UTTERANCE = "__eou__"
_PERSONA = re.compile(r"\d+ (?:your|partner's) persona:")
_EXCHANGE = re.compile(r"(\d+) (.*)")


def is_dailydialog(head: list[str]) -> bool:
    """Tells DailyDialog by its mark between turns."""
    return any(_END_OF_UTTERANCE in line for line in head)


def is_personachat(head: list[str]) -> bool:
    """Tells Persona-Chat by its numbered lines: a persona, or a first exchange with a tab."""
    first = next((line for line in head if line), "")
    return bool(_PERSONA.match(first)) or (first.startswith("1 ") and "\t" in first)


def is_conv(head: list[str]) -> bool:
    """Tells xiaohuangji's form: a line `E`, then lines that start with `M`."""
    filled = [line for line in head if line.strip()]
    return len(filled) > 1 and filled[0].strip() == "E" and filled[1][:1] == "M"


def read_turns(file: TextFile) -> Iterator[Conversation]:
    """Yields conversations of one turn a line; a blank line ends each.

    A text without any blank line is one conversation, its lines said by turns; a very long one
    comes in parts that share its id.
    """
    start, turns, goes_on = 1, list[str](), False
    for number, line in file.numbered_lines():
        if line.strip():
            start = start if turns or goes_on else number
            turns.append(line)
        ends = not line.strip()
        if turns and (ends or len(turns) == _MOST_TURNS):
            yield Conversation(f"{file.name}:{start}", tuple(turns))
            turns = []
        goes_on = not ends
    if turns:
        yield Conversation(f"{file.name}:{start}", tuple(turns))


def read_dailydialog(file: TextFile) -> Iterator[Conversation]:
    """Yields a conversation for each line, cut at `__eou__`, its spacing mended."""
    for number, line in file.numbered_lines():
        turns = [turn.strip() for turn in line.split(_END_OF_UTTERANCE)]
        if turns and not turns[-1]:
            turns.pop()  # after the last mark
        if turns:
            yield Conversation(f"{file.name}:{number}", tuple(map(detokenised, turns)))


def read_personachat(file: TextFile) -> Iterator[Conversation]:
    """Yields the conversations of ParlAI's Persona-Chat files; personas are left out.

    A line is `number message<tab>reply`, perhaps with more fields; number 1 starts anew.
    """
    start, turns = 1, list[str]()
    for number, line in file.numbered_lines():
        match = _EXCHANGE.match(line)
        if match is None:
            continue
        if match[1] == "1":
            if turns:
                yield Conversation(f"{file.name}:{start}", tuple(turns))
            start, turns = number, []
        if not _PERSONA.match(line):
            turns += map(detokenised, match[2].split("\t")[:2])
    if turns:
        yield Conversation(f"{file.name}:{start}", tuple(turns))


def read_conv(file: TextFile) -> Iterator[Conversation]:
    """Yields xiaohuangji's blocks: `E` opens one, each `M text` is a turn."""
    blocks = itertools.groupby(_numbered_blocks(file), key=lambda entry: entry[0])
    for start, entries in blocks:
        turns = tuple(joined_chinese(text) for _, text in entries if text is not None)
        if turns:
            yield Conversation(f"{file.name}:{start}", turns)


def _numbered_blocks(file: TextFile) -> Iterator[tuple[int, str | None]]:
    """Yields each turn with the line that its block starts on; None for the opening line."""
    block = 1
    for number, line in file.numbered_lines():
        if line.strip() == "E":
            block = number
            yield block, None
        elif line.startswith("M"):
            yield block, line[1:].strip()
