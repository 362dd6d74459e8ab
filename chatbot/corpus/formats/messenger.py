"""Facebook Messenger's and Instagram's message_1.json, and Messenger's encrypted chats.

The newest message stands first, and each byte of UTF-8 is written as a character of its own
("cafÃ©"); both are put right here. Knows no other messenger.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from chatbot.corpus.formats import chats
from chatbot.corpus.formats.json_stream import JsonStream, open_json
from chatbot.corpus.records import Conversation, ReadingLog
from chatbot.corpus.textfile import TextFile

_OPEN = re.compile(r'"sender_name"\s*:|"timestamp_ms"\s*:')
_ENCRYPTED = re.compile(r'"threadName"\s*:|"senderName"\s*:|"isUnsent"\s*:')
_NOTICES = frozenset({"Call", "Subscribe", "Unsubscribe"})
_NOT_SAID = re.compile(
    r"(?:Reacted .{1,20} to your message|(?:You|.{1,60}) (?:sent an? (?:attachment|photo|video|GIF"
    r"|sticker|voice message|link|location)|missed (?:your|a|an) .{0,10}call.{0,30}"
    r"|unsent a message|called .{1,30}|liked a message)"
    r"|The (?:video|audio) (?:call|chat) (?:ended|has started)|You are now connected on Messenger)"
    r"\s*\.?",
    re.IGNORECASE,
)


def is_messenger(beginning: str) -> bool:
    """Tells an export by the names of its fields."""
    marks = (_OPEN, _ENCRYPTED)
    return '"participants"' in beginning and any(mark.search(beginning) for mark in marks)


def read_messenger(file: TextFile, log: ReadingLog) -> Iterator[Conversation]:
    """Yields the conversations of a chat, oldest first, cut at silences.

    Raises:
        CorpusError: the file is torn or no JSON.
    """
    messages = list[chats.Message]()
    with open_json(file) as stream:
        for key in stream.fields():
            if key == "messages" and stream.peek() == "[":
                messages += _messages(stream, file.name, log)
            else:
                stream.skip()
        stream.end()
    messages.reverse()
    messages.sort(key=lambda message: message.time or 0.0)
    yield from chats.conversations(messages, file.name, log)


def _messages(stream: JsonStream, name: str, log: ReadingLog) -> Iterator[chats.Message]:
    for number, _ in enumerate(stream.items(), start=1):
        sent = stream.value()
        if not isinstance(sent, dict) or sent.get("type") in _NOTICES or "call_duration" in sent:
            log.notes[f"{name}: notices such as who joined, left out"] += 1
            continue
        milliseconds = sent.get("timestamp_ms", sent.get("timestamp"))
        time = milliseconds / 1000 if isinstance(milliseconds, (int, float)) else None
        speaker = _repaired(str(sent.get("sender_name") or sent.get("senderName") or "?"))
        yield chats.Message(number, speaker, _said(sent), time)


def _said(sent: Mapping[str, Any]) -> str:
    content = sent.get("content", sent.get("text"))
    if not isinstance(content, str) or sent.get("is_unsent") or sent.get("isUnsent"):
        return ""
    text = _repaired(content).strip()
    return "" if _NOT_SAID.fullmatch(text) else text


def _repaired(text: str) -> str:
    """Reads characters that are bytes of UTF-8 as what they mean; other text stays as it is.

    >>> _repaired("cafÃ©"), _repaired("café"), _repaired("你好")
    ('café', 'café', '你好')
    """
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text
