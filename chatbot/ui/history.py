"""The conversation as Gradio keeps it, and as a bot reads it.

A message is Gradio's dictionary with a role and a content. Notes of the page (an apology, "it is
loading") stand in the same list, marked in their metadata, and never reach a bot. All functions
are pure; knows no component and no bot.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from chatbot.config import MAX_MESSAGE_CHARACTERS

Message = dict[str, Any]
Mark = Literal["note", "growing", "waiting"]  # waiting: a note that the reply will replace

MAX_MESSAGES = 200  # what is kept across a reload; the bots read far fewer

# An invisible word joiner after "<" or "&" keeps the browser from reading a tag or an entity
# there, and unlike "&lt;" it looks right in the edit box and on the clipboard.
_JOINER = "\u2060"
_MARKUP = re.compile(r"<(?=[A-Za-z/!?])|&(?=[A-Za-z0-9#])")
# Controls except tab and line end, lone surrogates, marks that reorder or hide what follows.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff]")


def safe_text(text: str) -> str:
    r"""Returns `text` without NUL and other controls, lone surrogates and bidi overrides.

    >>> safe_text("a\x00b\u202ec\ud800")
    'abc'
    """
    return _UNSAFE.sub("", text).replace(_JOINER, "")


def display(text: str) -> str:
    """Returns `text` such that a browser shows every character and reads no HTML in it.

    >>> display("<b>1 < 2</b>").replace("\u2060", "|")
    '<|b>1 < 2<|/b>'
    """
    return _MARKUP.sub(lambda found: found.group() + _JOINER, safe_text(text))


def message(role: Literal["user", "assistant"], text: str, mark: Mark | None = None) -> Message:
    """Makes a message for display; `mark` says that it is a note or still growing."""
    metadata = {"id": mark} if mark else {}
    return {"role": role, "content": display(text), "metadata": metadata}


def text_of(shown: Mapping[str, Any]) -> str:
    """Returns the text of a message as it was written.

    Gradio gives the content as a string (API) or as a list of parts (browser).
    """
    content = shown.get("content")
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return safe_text("".join(text for text in texts if isinstance(text, str)))


def mark_of(shown: Mapping[str, Any]) -> object:
    """Returns the mark of a message, None where it has none."""
    metadata = shown.get("metadata")
    return metadata.get("id") if isinstance(metadata, Mapping) else None


def turns_of(history: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns the turns that a bot reads, oldest first, speakers alternating.

    A message that got a note instead of a reply is left out with its note.
    """
    said: list[tuple[object, str]] = []
    for shown in history:
        if mark_of(shown) in ("note", "waiting"):
            said = said[:-1] if said and said[-1][0] == "user" else said
        elif said and said[-1][0] == shown.get("role"):
            said[-1] = (shown.get("role"), text_of(shown))
        elif said or shown.get("role") == "user":
            said.append((shown.get("role"), text_of(shown)))
    return [text for _, text in said]


def exchange_at(history: Sequence[Mapping[str, Any]], place: int) -> tuple[list[str], str] | None:
    """Returns the turns that the reply at `place` answers, and the reply.

    None where no finished reply stands there: a note of the page, one that still grows, nothing.
    """
    shown = history[place] if 0 <= place < len(history) else {}
    turns = turns_of(history[:place]) if shown.get("role") == "assistant" else []
    return (turns, text_of(shown)) if turns and mark_of(shown) is None else None


def is_waiting(history: Sequence[Mapping[str, Any]]) -> bool:
    """Tells whether the last message still waits for its reply or for the rest of it."""
    last = history[-1] if history else {}
    return last.get("role") == "user" or mark_of(last) in ("growing", "waiting")


def settled(history: Sequence[Message], note: str) -> list[Message]:
    """Returns the conversation as it stands once nothing is under way any more.

    A reply that was stopped keeps what it said; a message without any reply gets `note`.
    """
    kept = list(history)
    if kept and mark_of(kept[-1]) in ("growing", "waiting"):
        last = kept.pop()
        if mark_of(last) == "growing" and text_of(last):
            return [*kept, message("assistant", text_of(last))]
    if kept and kept[-1].get("role") == "user":
        kept.append(message("assistant", note, "note"))
    return kept


def up_to_last_user(history: Sequence[Message]) -> list[Message]:
    """Returns the conversation up to the visitor's last message, which is to be answered anew."""
    return list(history[: _last_user(history) + 1])


def without_last_exchange(history: Sequence[Message]) -> tuple[list[Message], str]:
    """Returns the conversation before the visitor's last message, and that message's text."""
    place = _last_user(history)
    return (list(history[:place]), text_of(history[place])) if place >= 0 else ([], "")


def edited(history: Sequence[Message], place: int, text: str) -> list[Message]:
    """Returns the conversation up to `place`, where the visitor now says `text`."""
    return [*history[:place], message("user", text.strip()[:MAX_MESSAGE_CHARACTERS])]


def restored(stored: object, note: str) -> list[Message]:
    """Returns the conversation that a browser kept, without anything that is not one.

    What a browser sends may be of an older version or forged: only roles, texts and marks of the
    last messages are read.
    """
    listed = stored[-MAX_MESSAGES:] if isinstance(stored, list) else []
    found = [shown for shown in listed if isinstance(shown, Mapping)]
    kept = [_copied(shown) for shown in found if shown.get("role") in ("user", "assistant")]
    return settled(kept, note)


def _copied(shown: Mapping[str, Any]) -> Message:
    mark = next((known for known in get_args(Mark) if known == mark_of(shown)), None)
    return message(shown["role"], text_of(shown), mark)


def _last_user(history: Sequence[Mapping[str, Any]]) -> int:
    places = [place for place, shown in enumerate(history) if shown.get("role") == "user"]
    return places[-1] if places else -1
