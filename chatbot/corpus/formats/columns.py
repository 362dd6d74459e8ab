"""The names by which tables and JSON records call a message, a reply, a turn and a speaker.

Knows no file. Names are compared by `plain`: lower case, without spaces, dots and underscores.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from chatbot.errors import CorpusError

# Matched as a pair first, in this order: "source" beside "question" is no message.
PAIRS = (
    ("question", "answer"),
    ("questions", "answers"),
    ("prompt", "response"),
    ("prompt", "completion"),
    ("instruction", "output"),
    ("instruction", "response"),
    ("input", "output"),
    ("input", "response"),
    ("source", "target"),
    ("src", "tgt"),
    ("message", "reply"),
    ("context", "response"),
    ("context", "reply"),
    ("query", "response"),
    ("query", "reply"),
    ("query", "answer"),
    ("post", "response"),
    ("text1", "text2"),
    ("user", "bot"),
    ("user", "assistant"),
    ("human", "bot"),
    ("human", "assistant"),
    ("human", "gpt"),
    ("q", "a"),
    ("问题", "回答"),
    ("问题", "答案"),
    ("问", "答"),
)
TURN_LISTS = (
    "turns",
    "messages",
    "conversations",
    "conversation",
    "dialog",
    "dialogue",
    "utterances",
    "content",
)
REPLIES = ("reply", "response", "answer", "target")  # beside a history
TEXTS = ("text", "content", "value", "message", "utterance", "sentence", "body", "turn")
SPEAKERS = ("speaker", "role", "from", "agent", "author", "sender", "user", "name")
CONVERSATION_IDS = (
    "conversationid",
    "dialogid",
    "dialogueid",
    "convid",
    "threadid",
    "sessionid",
    "conversation",
    "dialog",
    "dialogue",
    "thread",
    "session",
)
BOT_SPEAKERS = ("assistant", "gpt", "chatgpt", "bot", "model", "chatbot")
NOT_SPEAKING = frozenset({"system", "developer", "tool", "function"})
_MOST_LISTED = 30
_SEPARATORS = re.compile(r"[\s._-]+")


class Chosen(NamedTuple):
    """The columns that a person chose, by name or number; None where the format decides."""

    message: str | None = None
    reply: str | None = None


GUESSED = Chosen()


class UnknownColumnError(CorpusError):
    """A table has no column of the name that was chosen."""


def chosen_of(chosen: Chosen, names: Sequence[str], table: str) -> tuple[int | None, int | None]:
    """Returns the places of the chosen columns among the names of a table.

    Raises:
        UnknownColumnError: there is no such column.
        CorpusError: both are the same.
    """
    message, reply = (None if n is None else _place(n, names, table) for n in chosen)
    if message is not None and message == reply:
        raise CorpusError(
            f"{table}: the column {names[message]!r} is to hold both message and reply. "
            "Choose two different columns."
        )
    return message, reply


def _place(name: str, names: Sequence[str], table: str) -> int:
    if name in names:
        return names.index(name)
    alike = [i for i, other in enumerate(names) if plain(other) == plain(name)]
    if alike:
        return alike[0]
    if name.isascii() and name.isdigit() and 1 <= int(name[:9]) <= len(names):
        return int(name) - 1
    listed = ", ".join(map(_short, names[:_MOST_LISTED]))
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    raise UnknownColumnError(
        f"{table} has no column {_short(name)!r}. Its columns are: {listed}{more}. "
        "Choose two of them as corpus.message_column and corpus.reply_column."
    )


def _short(name: str) -> str:
    return " ".join(name.split())[:40]


def plain(name: str) -> str:
    """Returns a column name as the lists above spell it.

    >>> plain("Conversation_ID ")
    'conversationid'
    """
    return _SEPARATORS.sub("", name).lower()


def pair_names(names: Iterable[str]) -> tuple[str, str] | None:
    """Returns which of `names` hold message and reply, as they are spelled, or None.

    >>> pair_names(["Question", "Answer", "Source", "Metadata"])
    ('Question', 'Answer')
    """
    spelled = {plain(name): name for name in names}
    for message, reply in PAIRS:
        if message in spelled and reply in spelled:
            return spelled[message], spelled[reply]
    return None


def input_beside(pair: tuple[str, str], names: Iterable[str]) -> str | None:
    """Returns which of `names` holds what an instruction applies to, as Alpaca has it, or None.

    >>> input_beside(("Instruction", "Output"), ["Instruction", "Input", "Output"])
    'Input'
    """
    if tuple(map(plain, pair)) != ("instruction", "output"):
        return None
    return first_of(("input",), names)


def with_input(message: Any, extra: Any) -> Any:
    """Returns an instruction with what it applies to, where there is any.

    >>> with_input("Translate:", "chat")
    'Translate: chat'
    """
    return f"{message} {extra}" if isinstance(extra, str) and extra.strip() else message


def first_of(known: Iterable[str], names: Iterable[str]) -> str | None:
    """Returns the name among `names` that stands first in `known`, or None."""
    spelled: Mapping[str, str] = {plain(name): name for name in names}
    return next((spelled[name] for name in known if name in spelled), None)


def bot_among(speakers: Iterable[str]) -> str | None:
    """Returns the speaker that is plainly the bot, or None."""
    found = set(speakers)
    return next((s for s in found if s.lower() in BOT_SPEAKERS), None) if len(found) > 1 else None
