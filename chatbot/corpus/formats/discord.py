"""A channel exported by DiscordChatExporter as JSON.

Joins, pins and calls are notices and left out. Knows no other messenger.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chatbot.corpus.formats import chats
from chatbot.corpus.formats.json_stream import JsonStream, open_json
from chatbot.corpus.records import Conversation, ReadingLog
from chatbot.corpus.textfile import TextFile

_MARKS = re.compile(r'"(?:guild|channel)"\s*:\s*\{')
_SPOKEN = frozenset({"Default", "Reply", "0", "19"})


def is_discord(beginning: str) -> bool:
    """Tells an export by the server and the channel that it begins with."""
    return len(set(_MARKS.findall(beginning))) > 1


def read_discord(file: TextFile, log: ReadingLog) -> Iterator[Conversation]:
    """Yields the conversations of a channel, cut at silences.

    Raises:
        CorpusError: the file is torn or no JSON.
    """
    with open_json(file) as stream:
        for key in stream.fields():
            if key == "messages" and stream.peek() == "[":
                messages = _messages(stream, file.name, log)
                yield from chats.conversations(messages, file.name, log)
            else:
                stream.skip()
        stream.end()


def _messages(stream: JsonStream, name: str, log: ReadingLog) -> Iterator[chats.Message]:
    names = chats.Names()
    for number, _ in enumerate(stream.items(), start=1):
        sent = stream.value()
        author = sent.get("author") if isinstance(sent, dict) else None
        if not isinstance(author, dict) or str(sent.get("type")) not in _SPOKEN:
            log.notes[f"{name}: notices such as who joined, left out"] += 1
            continue
        time = chats.seconds(sent.get("timestamp"))
        yield chats.Message(number, _speaker(author, names), _said(sent.get("content")), time)


def _speaker(author: dict[str, Any], names: chats.Names) -> str:
    name = str(author.get("nickname") or author.get("name") or "")
    return names.of(str(author.get("id") or name), name)


def _said(content: Any) -> str:
    return content.strip() if isinstance(content, str) else ""
