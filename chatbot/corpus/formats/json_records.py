"""JSON and JSONL: our neutral form, pairs, OpenAI messages, ShareGPT, lists of lists (LCCC).

A record is one conversation, whatever shape it has. Knows nothing of pairs to train on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from chatbot.corpus.formats import columns
from chatbot.corpus.formats.spacing import joined_chinese
from chatbot.corpus.records import Conversation
from chatbot.corpus.textfile import TextFile
from chatbot.errors import CorpusError

_KNOWN = (
    'Known are {"turns": [...]}, {"messages": [...]}, {"conversations": [...]}, a pair such as '
    '{"question": ..., "answer": ...}, and a list of texts.'
)


def looks_like_jsonl(first_line: str) -> bool:
    """Tells whether a file whose first line that has text is `first_line` holds a record a line."""
    if not first_line.startswith(("{", "[")):
        return False
    try:
        record = json.loads(first_line)
    except ValueError:
        return False
    return isinstance(record, dict) or _is_turn_list(record)


def read_jsonl(file: TextFile) -> Iterator[Conversation]:
    """Yields the conversation on each line; blank lines are passed over.

    Raises:
        CorpusError: a line is no JSON, or a record of no known shape.
    """
    for number, line in file.numbered_lines():
        if line and not line.isspace():
            where = f"{file.name} line {number}"
            yield _conversation(_parsed(line, where), f"{file.name}:{number}", where)


def read_json(file: TextFile) -> Iterator[Conversation]:
    """Yields the conversations of one JSON document: a list of records, or an object of them.

    Raises:
        CorpusError: it is no JSON, or a record has no known shape.
    """
    with file.open() as text:
        document = _parsed(text.read(), file.name)
    if _is_record(document):
        document = [document]
    records = document.values() if isinstance(document, dict) else document
    if not isinstance(records, (list, type({}.values()))):
        raise CorpusError(f"{file.name} holds a single {_kind(document)}, no list. {_KNOWN}")
    for number, record in enumerate(records, start=1):
        yield _conversation(record, f"{file.name}:{number}", f"{file.name} record {number}")


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"{where} line {error.lineno}" if "\n" in text.strip() else where
        raise CorpusError(
            f"{place} is no valid JSON: {error.msg} at column {error.colno}. "
            "The file may be cut off; mend that line or copy the file again."
        ) from None
    except (RecursionError, ValueError):
        raise CorpusError(
            f"{where} is JSON that cannot be read: nested too deep or a number too long. {_KNOWN}"
        ) from None


def _is_record(document: Any) -> bool:
    """Tells one record from an object or a list of records."""
    if isinstance(document, dict):
        return _turns_of(document) is not None or columns.pair_names(document) is not None
    return _is_turn_list(document)


def _is_turn_list(value: Any) -> bool:
    """Tells a list of turns from a list of records; both may be lists of objects."""
    if not isinstance(value, list) or not value:
        return False
    if all(isinstance(item, str) for item in value):
        return True
    return all(isinstance(item, dict) and _is_turn(item) for item in value)


def _is_turn(item: Mapping[str, Any]) -> bool:
    return (
        columns.pair_names(item) is None
        and columns.first_of(columns.TEXTS, item) is not None
        and columns.first_of(columns.SPEAKERS, item) is not None
    )


def _conversation(record: Any, fallback_id: str, where: str) -> Conversation:
    if isinstance(record, list):
        return _from_turns(record, {}, fallback_id, where)
    if not isinstance(record, dict):
        raise CorpusError(f"{where} is a single {_kind(record)}, no conversation. {_KNOWN}")
    own_id = record.get("id")
    id_ = f"{fallback_id.rpartition(':')[0]}:{own_id}" if _names(own_id) else fallback_id
    pair = _pair_of(record)
    if pair is not None:
        return Conversation(id_, tuple(_text(item, where) for item in pair))
    turns = _turns_of(record)
    if turns is None:
        keys = ", ".join(list(record)[:8]) or "nothing"
        raise CorpusError(f"{where} is in no known form: it holds {keys}. {_KNOWN}")
    return _from_turns(turns, record, id_, where)


def _names(own_id: Any) -> bool:
    return isinstance(own_id, str) and bool(own_id.strip())


def _turns_of(record: Mapping[str, Any]) -> list[Any] | None:
    for name in columns.TURN_LISTS:
        if isinstance(record.get(name), list):
            return list(record[name])
    return None


def _pair_of(record: Mapping[str, Any]) -> list[Any] | None:
    reply = columns.first_of(("reply", "response", "answer", "target"), record)
    if isinstance(record.get("history"), list) and reply is not None:
        return [*record["history"], record[reply]]
    names = columns.pair_names(record)
    if names is None:
        return None
    message, reply = record[names[0]], record[names[1]]
    extra = record.get("input")
    if names == ("instruction", "output") and isinstance(extra, str) and extra.strip():
        message = f"{message} {extra}"  # Alpaca: what the instruction applies to
    return [message, reply]


def _from_turns(turns: list[Any], record: Mapping[str, Any], id_: str, where: str) -> Conversation:
    if all(isinstance(turn, str) for turn in turns):
        texts = tuple(map(joined_chinese, turns))
        speakers = record.get("speakers")
        if not isinstance(speakers, list) or len(speakers) != len(turns):
            return Conversation(id_, texts)
        return _spoken(id_, texts, tuple(map(str, speakers)), record.get("reply_speaker"))
    spoken = [(_speaker(turn), _text(turn, where)) for turn in turns]
    kept = [(speaker, text) for speaker, text in spoken if speaker not in columns.NOT_SPEAKING]
    names = tuple(speaker for speaker, _ in kept)
    texts = tuple(text for _, text in kept)
    if not all(names):
        return Conversation(id_, texts)
    return _spoken(id_, texts, names, record.get("reply_speaker"))


def _spoken(
    id_: str, texts: tuple[str, ...], speakers: tuple[str, ...], reply_speaker: Any
) -> Conversation:
    bot = reply_speaker if isinstance(reply_speaker, str) else columns.bot_among(speakers)
    return Conversation(id_, texts, speakers, bot)


def _speaker(turn: Any) -> str:
    name = columns.first_of(columns.SPEAKERS, turn) if isinstance(turn, dict) else None
    return str(turn[name]) if name is not None else ""


def _text(value: Any, where: str) -> str:
    """Returns the text of a turn: a string, an object with text, or a list of such parts."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, list):
        return " ".join(filter(None, (_text(part, where) for part in value)))
    name = columns.first_of(columns.TEXTS, value)
    if name is None:
        return _text_of_part(value, where)
    return _text(value[name], where)


def _text_of_part(part: Mapping[str, Any], where: str) -> str:
    if "type" in part:  # an image or a file among the parts of an OpenAI message
        return ""
    raise CorpusError(
        f"{where} holds a turn without text: its keys are {', '.join(list(part)[:8])}. {_KNOWN}"
    )


def _kind(value: Any) -> str:
    names = {str: "text", bool: "truth value", int: "number", float: "number", dict: "object"}
    return names.get(type(value), "value")
