"""What the exports of all messengers have in common: messages with speaker and time.

Cuts a chat, which never ends, into conversations at its silences. Knows no single messenger.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

from chatbot.corpus.records import Conversation, ReadingLog

SILENCE = 6 * 3600.0  # seconds without a message after which a new conversation starts
_MOST_MESSAGES = 500  # of one conversation; a busy group is never silent
_MOST_CHARACTERS = 100_000  # of one message, far above what is learned

Opening = TypeVar("Opening")


class Message(NamedTuple):
    """One message of a chat.

    Attributes:
        number: the line it starts on, or its place in the file, from 1 on.
        speaker: who sent it.
        text: what was said; "" for a photo, a call or a deleted message, so that what answers
            it is not taken for an answer to the message before.
        time: in seconds from any fixed moment; None where it is not known.
    """

    number: int
    speaker: str
    text: str
    time: float | None


class Names:
    """Makes one name for each account: people rename themselves, and two may share a name."""

    def __init__(self) -> None:
        """Starts without any name."""
        self._by_account: dict[str, str] = {}
        self._taken: set[str] = set()

    def of(self, account: str, name: str) -> str:
        """Returns the name an account was first seen by, with the account where it is taken."""
        known = self._by_account.get(account)
        if known is not None:
            return known
        chosen = f"{name} ({account})" if name in self._taken else name or account
        self._taken.add(chosen)
        self._by_account[account] = chosen
        return chosen


def conversations(
    messages: Iterable[Message], file_name: str, log: ReadingLog
) -> Iterator[Conversation]:
    """Yields the messages in order, cut at silences; ids hold the number of the first message."""
    run = list[Message]()
    last: float | None = None
    for message in messages:
        if run and (_is_silence(last, message.time) or len(run) == _MOST_MESSAGES):
            yield _conversation(run, file_name)
            run = []
        if not message.text:
            log.notes[f"{file_name}: photos, calls and deleted messages, left out"] += 1
        run.append(message)
        last = message.time if message.time is not None else last
    if run:
        yield _conversation(run, file_name)


def blocks(
    lines: Iterable[tuple[int, str]], opening_of: Callable[[str], Opening | None]
) -> Iterator[tuple[int, Opening, list[str]]]:
    """Yields what opens a message, the number of that line, and the lines that follow it.

    Lines before the first message belong to none; a message without end is cut off.
    """
    current: tuple[int, Opening, list[str]] | None = None
    length = 0
    for number, line in lines:
        opening = opening_of(line)
        if opening is None:
            length += len(line) + 1
            if current is not None and length < _MOST_CHARACTERS:
                current[2].append(line)
            continue
        if current is not None:
            yield current
        current, length = (number, opening, []), 0
    if current is not None:
        yield current


def seconds(moment: Any) -> float | None:
    """Reads a time as ISO 8601 writes it; None where it is none.

    >>> seconds("2023-01-02T00:00:10+00:00") - seconds("2023-01-02T00:00:00Z")
    10.0
    """
    try:
        return datetime.datetime.fromisoformat(moment).timestamp()
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _is_silence(before: float | None, after: float | None) -> bool:
    return before is not None and after is not None and abs(after - before) > SILENCE


def _conversation(run: list[Message], file_name: str) -> Conversation:
    return Conversation(
        f"{file_name}:{run[0].number}",
        tuple(message.text for message in run),
        tuple(message.speaker for message in run),
    )
