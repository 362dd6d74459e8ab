"""Telegram Desktop's "Export chat history" and "Export Telegram data": result.json.

One chat, or all chats of an account. Notices, media and forwarded messages are not learned.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from chatbot.corpus.formats import chats
from chatbot.corpus.formats.json_stream import JsonStream, open_json
from chatbot.corpus.records import Conversation, ReadingLog
from chatbot.corpus.textfile import TextFile

_CHAT_TYPE = re.compile(
    r'"type"\s*:\s*"(?:personal_chat|bot_chat|saved_messages|(?:public|private)_'
    r'(?:group|supergroup|channel))"'
)
_WHOLE_ACCOUNT = ("chats", "left_chats")


def is_telegram(beginning: str) -> bool:
    """Tells an export by the kind of its chat, or by the account that it begins with."""
    return bool(_CHAT_TYPE.search(beginning)) or (
        '"personal_information"' in beginning and '"about"' in beginning
    )


def read_telegram(file: TextFile, log: ReadingLog) -> Iterator[Conversation]:
    """Yields the conversations of each chat, cut at silences.

    Raises:
        CorpusError: the file is torn or no JSON.
    """
    with open_json(file) as stream:
        yield from _chats(stream, itertools.count(1), file.name, log)
        stream.end()


def _chats(
    stream: JsonStream, numbers: Iterator[int], name: str, log: ReadingLog
) -> Iterator[Conversation]:
    """Walks an object: it is a chat with messages, or holds a list of chats somewhere below."""
    for key in stream.fields():
        following = stream.peek()
        if key == "messages" and following == "[":
            yield from chats.conversations(_messages(stream, numbers, name, log), name, log)
        elif key in _WHOLE_ACCOUNT and following == "{":
            yield from _chats(stream, numbers, name, log)
        elif key == "list" and following == "[":
            for _ in stream.items():
                yield from _chats(stream, numbers, name, log)
        else:
            stream.skip()


def _messages(
    stream: JsonStream, numbers: Iterator[int], name: str, log: ReadingLog
) -> Iterator[chats.Message]:
    for _ in stream.items():
        number, sent = next(numbers), stream.value()
        if not isinstance(sent, dict) or sent.get("type") != "message":
            log.notes[f"{name}: notices such as who joined, left out"] += 1
            continue
        time = chats.seconds(sent.get("date"))
        yield chats.Message(number, _speaker(sent), _said(sent), time)


def _speaker(sent: Mapping[str, Any]) -> str:
    """Returns the sender's name; of a deleted account only its number is left."""
    return str(sent.get("from") or sent.get("from_id") or "Deleted Account")


def _said(sent: Mapping[str, Any]) -> str:
    if sent.get("forwarded_from") or sent.get("forwarded_from_id"):
        return ""  # somebody else's words
    return _flat(sent.get("text")).strip()


def _flat(text: Any) -> str:
    """Returns a text that is a string, or a list of strings and of entities such as links."""
    if isinstance(text, list):
        return "".join(map(_flat, text))
    if isinstance(text, dict):
        return _flat(text.get("text"))
    return text if isinstance(text, str) else ""
