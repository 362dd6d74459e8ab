"""A visitor's saved conversations as plain data: kept, named, searched, deleted, exported.

The list lives in the visitor's browser and only passes through here, so every function is pure
and nothing is shared between visitors. What a browser sends may be old or forged: only what can
be read is kept. Knows no component.
"""

from __future__ import annotations

import csv
import io
import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypedDict

from chatbot.ui.history import Message, restored, safe_text, text_of, turns_of

Format = Literal["jsonl", "csv", "txt"]

MAX_SAVED = 100
MAX_BYTES = 3_000_000  # a browser keeps about 5 million characters for a page
MAX_NAME = 60


class Saved(TypedDict):
    """One conversation; `id` is unique in the list."""

    id: str
    name: str
    when: str  # UTC, ISO 8601
    messages: list[Message]


class FullError(Exception):
    """There is no room for another conversation."""


def read_saved(stored: object, note: str) -> list[Saved]:
    """Returns the conversations that a browser kept, newest first, without anything else."""
    listed = stored[:MAX_SAVED] if isinstance(stored, list) else []
    found = {saved["id"]: saved for item in listed if (saved := _read(item, note))}
    return list(found.values())


def kept(
    saved: Sequence[Saved], name: str, messages: Sequence[Message], now: datetime
) -> list[Saved]:
    """Returns the list with this conversation first.

    It takes the place of a saved one only where it goes on with all of that, so that no change and
    no other tab's copy of it loses anything.

    Raises:
        FullError: there are as many as a browser can keep; nothing is dropped silently.
    """
    before = _begun(saved, messages)
    others = [one for one in saved if before is None or one["id"] != before["id"]]
    named = clean_name(name) or (before["name"] if before else first_words(messages))
    when = now.astimezone(UTC).isoformat(timespec="seconds")
    id_ = before["id"] if before else secrets.token_hex(8)
    new = Saved(id=id_, name=named, when=when, messages=list(messages))
    if len(others) >= MAX_SAVED or _size([new, *others]) > MAX_BYTES:
        raise FullError
    return [new, *others]


def holds(saved: Sequence[Saved], messages: Sequence[Message]) -> bool:
    """Tells whether a saved conversation begins with all that was said here."""
    said = _said(messages)
    return any(_said(one["messages"])[: len(said)] == said for one in saved)


def renamed(saved: Sequence[Saved], id_: str, name: str) -> list[Saved]:
    """Returns the list with one conversation under another name; an empty name changes nothing."""
    new = clean_name(name)
    return [Saved(**{**one, "name": new}) if new and one["id"] == id_ else one for one in saved]


def without(saved: Sequence[Saved], id_: str) -> list[Saved]:
    """Returns the list without one conversation."""
    return [one for one in saved if one["id"] != id_]


def found(saved: Sequence[Saved], query: object) -> list[Saved]:
    """Returns the conversations in which every word of the query occurs, in name or turns."""
    words = query.casefold().split() if isinstance(query, str) else []
    return [one for one in saved if all(word in _searched(one) for word in words)]


def clean_name(name: object) -> str:
    r"""Returns a name in one line, at most `MAX_NAME` characters.

    >>> clean_name("  My\n trip ")
    'My trip'
    """
    return " ".join(safe_text(name).split())[:MAX_NAME] if isinstance(name, str) else ""


def first_words(messages: Sequence[Message]) -> str:
    """Returns the name of a conversation that got none: how it began."""
    return clean_name(next((text_of(one) for one in messages if one["role"] == "user"), ""))


def exported(saved: Sequence[Saved], format_: Format) -> str:
    """Returns conversations as a file's text: records, a table, or lines to read.

    The JSON lines and the table can be trained on as they are.
    """
    writers = {"jsonl": _as_jsonl, "csv": _as_csv, "txt": _as_text}
    return writers[format_](saved)


def _read(item: object, note: str) -> Saved | None:
    if not isinstance(item, dict) or not isinstance(item.get("id"), str):
        return None
    messages = restored(item.get("messages"), note)
    name = clean_name(item.get("name")) or first_words(messages)
    when = item.get("when")
    told = when if isinstance(when, str) and len(when) < 40 else ""
    return Saved(id=item["id"][:64], name=name, when=told, messages=messages) if messages else None


def _begun(saved: Sequence[Saved], messages: Sequence[Message]) -> Saved | None:
    """Returns the longest saved conversation that these messages go on with."""
    said = _said(messages)
    begun = [one for one in saved if said[: len(one["messages"])] == _said(one["messages"])]
    return max(begun, key=lambda one: len(one["messages"]), default=None)


def _said(messages: Sequence[Message]) -> list[tuple[object, str]]:
    return [(shown["role"], text_of(shown)) for shown in messages]


def _size(saved: Sequence[Saved]) -> int:
    return len(json.dumps(saved, ensure_ascii=False).encode())


def _searched(saved: Saved) -> str:
    return "\n".join([saved["name"], *turns_of(saved["messages"])]).casefold()


def _speakers(turns: Sequence[str], first: str, second: str) -> list[tuple[str, str]]:
    return [((first, second)[place % 2], turn) for place, turn in enumerate(turns)]


def _as_jsonl(saved: Sequence[Saved]) -> str:
    lines = [json.dumps(_record(one), ensure_ascii=False) for one in saved]
    return "".join(f"{line}\n" for line in lines)


def _record(saved: Saved) -> dict[str, Any]:
    turns = _speakers(turns_of(saved["messages"]), "user", "assistant")
    messages = [{"role": role, "content": turn} for role, turn in turns]
    return {"name": saved["name"], "when": saved["when"], "messages": messages}


def _as_csv(saved: Sequence[Saved]) -> str:
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    table.writerow(["conversation_id", "name", "when", "speaker", "text"])
    for number, one in enumerate(saved, start=1):
        for speaker, turn in _speakers(turns_of(one["messages"]), "user", "bot"):
            table.writerow([number, one["name"], one["when"], speaker, turn])
    return file.getvalue()


def _as_text(saved: Sequence[Saved]) -> str:
    parts = []
    for one in saved:
        said = _speakers(turns_of(one["messages"]), "You", "Bot")
        lines = "\n".join(f"{speaker}: {turn}" for speaker, turn in said)
        parts.append(f"# {one['name']} ({one['when']})\n{lines}\n")
    return "\n".join(parts)
