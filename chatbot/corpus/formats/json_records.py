"""JSON and JSONL: our neutral form, pairs, OpenAI messages, ShareGPT, lists of lists (LCCC).

A record is one conversation, whatever shape it has. Knows nothing of pairs to train on.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from chatbot.corpus.formats import columns
from chatbot.corpus.formats.columns import GUESSED, Chosen
from chatbot.corpus.formats.json_stream import open_json
from chatbot.corpus.formats.spacing import joined_chinese
from chatbot.corpus.records import Conversation, ReadingLog
from chatbot.corpus.textfile import TextFile
from chatbot.errors import CorpusError

_MOST_HELD = 256 * 1024**2  # characters of a document that is no list, and so is held as a whole
_FIRST_RECORDS = 100
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


class Record(NamedTuple):
    """What one conversation is read from.

    Attributes:
        value: as JSON holds it.
        id: the file's name and the number of the line or record.
        where: the same in words.
    """

    value: Any
    id: str
    where: str


def read_records(
    records: Iterator[Record], log: ReadingLog, chosen: Chosen = GUESSED
) -> Iterator[Conversation]:
    """Yields the conversation of each record.

    A record of a known shape that lacks the chosen fields is read by its shape.

    Raises:
        CorpusError: a record is of no known shape, and lacks a chosen field.
    """
    for record in records:
        pair = _chosen_pair(record, chosen, log) if any(chosen) else None
        if pair is None:
            yield _conversation(record.value, record.id, record.where)
        else:
            yield Conversation(record.id, tuple(_text(item, record.where) for item in pair))


def jsonl_records(file: TextFile) -> Iterator[Record]:
    """Yields the record on each line; blank lines are passed over.

    Raises:
        CorpusError: a line is no JSON.
    """
    for number, line in file.numbered_lines():
        if line and not line.isspace():
            where = f"{file.name} line {number}"
            yield Record(_parsed(line, where), f"{file.name}:{number}", where)


def json_records(file: TextFile) -> Iterator[Record]:
    """Yields the records of one JSON document: a list of records, or an object of them.

    Raises:
        CorpusError: it is no JSON.
    """
    with open_json(file) as stream:
        is_list = stream.peek() == "["
    values = _listed(file) if is_list else iter(_values(_document(file), file.name))
    for number, value in enumerate(values, start=1):
        yield Record(value, f"{file.name}:{number}", f"{file.name} record {number}")


def field_examples(records: Iterator[Record], count: int) -> dict[str, list[str]] | None:
    """Returns the fields of the first records with a few values, or None where they are no pairs.

    A person can choose among them as among the columns of a table.
    """
    values = [record.value for record in itertools.islice(records, _FIRST_RECORDS)]
    if not values or not all(isinstance(v, dict) and _turns_of(v) is None for v in values):
        return None
    fields: dict[str, list[str]] = {}
    for name, value in (item for record in values for item in record.items()):
        held = fields.setdefault(name, [])
        if isinstance(value, (str, int, float)) and len(held) < count:
            held.append(str(value))
    return {name: held for name, held in fields.items() if held}


def _listed(file: TextFile) -> Iterator[Any]:
    """Yields the items of a list, or the list itself where it is one conversation."""
    with open_json(file) as stream:
        values = (stream.value() for _ in stream.items())
        for first in values:
            if not (isinstance(first, str) or (isinstance(first, dict) and _is_turn(first))):
                yield first
                yield from values
                break
            held = [first]
            for value in values:
                held.append(value)
                _refuse_large(stream.characters, file.name)
            yield from [held] if _is_turn_list(held) else held
        stream.end()


def _document(file: TextFile) -> Any:
    with file.open() as opened:
        text = opened.read(_MOST_HELD + 1)
    _refuse_large(len(text), file.name)
    return _parsed(text, file.name)


def _refuse_large(characters: int, name: str) -> None:
    if characters > _MOST_HELD:
        raise CorpusError(
            f"{name} is a single record of more than {_MOST_HELD >> 20} MB, too large to hold in "
            "memory. Save it as JSONL, one conversation a line."
        )


def _values(document: Any, name: str) -> list[Any]:
    held = _held_records(document)
    if held is not None:
        return held
    if _is_record(document):
        return [document]
    if not isinstance(document, dict):
        raise CorpusError(f"{name} holds a single {_kind(document)}, no list. {_KNOWN}")
    values = (value if _are_records(value) else [value] for value in document.values())
    return list(itertools.chain.from_iterable(values))


def _held_records(document: Any) -> list[Any] | None:
    """Returns the records that an object holds, perhaps beside a version and such; or None."""
    if not isinstance(document, dict):
        return None
    values = (document.get(name) for name in (*columns.TURN_LISTS, "data"))
    return next(filter(_are_records, values), None)


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


def _are_records(value: Any) -> bool:
    """Tells a list of records from one of turns; both may be lists of objects that hold lists."""
    if not isinstance(value, list) or not value:
        return False
    return all(
        isinstance(item, list)
        or (isinstance(item, dict) and not _may_be_turn(item) and _is_record(item))
        for item in value
    )


def _may_be_turn(item: Mapping[str, Any]) -> bool:
    return "content" in item or _is_spoken(item)  # content may be a list of parts


def _is_turn_list(value: Any) -> bool:
    """Tells a list of turns from a list of records; both may be lists of objects."""
    if not isinstance(value, list) or not value:
        return False
    if all(isinstance(item, str) for item in value):
        return True
    return all(isinstance(item, dict) and _is_turn(item) for item in value)


def _is_turn(item: Mapping[str, Any]) -> bool:
    return columns.pair_names(item) is None and _is_spoken(item)


def _is_spoken(item: Mapping[str, Any]) -> bool:
    """Tells whether an object has both a text and a speaker."""
    known = (columns.TEXTS, columns.SPEAKERS)
    return all(columns.first_of(names, item) is not None for names in known)


def _conversation(record: Any, fallback_id: str, where: str) -> Conversation:
    if isinstance(record, list):
        return _from_turns(record, {}, fallback_id, where)
    if not isinstance(record, dict):
        raise CorpusError(f"{where} is a single {_kind(record)}, no conversation. {_KNOWN}")
    own_id = record.get("id")
    id_ = f"{fallback_id.rpartition(':')[0]}:{own_id}" if _is_id(own_id) else fallback_id
    pair = _pair_of(record)
    if pair is not None:
        return Conversation(id_, tuple(_text(item, where) for item in pair))
    turns = _turns_of(record)
    if turns is None:
        keys = ", ".join(list(record)[:8]) or "nothing"
        raise CorpusError(f"{where} is in no known form: it holds {keys}. {_KNOWN}")
    return _from_turns(turns, record, id_, where)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _turns_of(record: Mapping[str, Any]) -> list[Any] | None:
    for name in columns.TURN_LISTS:
        if isinstance(record.get(name), list):
            return list(record[name])
    return None


def _chosen_pair(record: Record, chosen: Chosen, log: ReadingLog) -> list[Any] | None:
    """Returns the chosen fields of a record; None where it lacks them but is of a known shape."""
    if not isinstance(record.value, dict):
        return None
    names = list(record.value)
    guessed = columns.pair_names(record.value) or ()
    try:
        places = columns.chosen_of(chosen, names, record.where)
    except columns.UnknownColumnError as unknown:
        if _turns_of(record.value) is None and not guessed:
            raise
        if not log.unknown_columns:
            log.unknown_columns.append(str(unknown))
        return None
    rest = next((name for name in guessed if names.index(name) not in places), None)
    pair = [rest if place is None else names[place] for place in places]
    if None in pair:
        raise CorpusError(
            f"{record.where} does not tell which field goes with {''.join(filter(None, chosen))!r}."
            " Choose both, as corpus.message_column and corpus.reply_column."
        )
    log.has_columns = True
    return [record.value[name] for name in pair if name is not None]


def _pair_of(record: Mapping[str, Any]) -> list[Any] | None:
    """Returns the message and the reply of a record after their history, if it has one."""
    history = record["history"] if isinstance(record.get("history"), list) else None
    names = columns.pair_names(record)
    if names is None:
        reply = columns.first_of(columns.REPLIES, record)
        return None if history is None or reply is None else [*history, record[reply]]
    extra = columns.input_beside(names, record)
    message = columns.with_input(record[names[0]], None if extra is None else record[extra])
    return [*_flat(history or []), message, record[names[1]]]


def _flat(history: list[Any]) -> Iterator[Any]:
    """Yields the turns of a history, each of whose items may be an exchange (ChatGLM)."""
    for item in history:
        yield from item if isinstance(item, list) else [item]


def _from_turns(turns: list[Any], record: Mapping[str, Any], id_: str, where: str) -> Conversation:
    if all(isinstance(turn, str) for turn in turns):
        texts = tuple(map(joined_chinese, turns))
        speakers = record.get("speakers")
        if not isinstance(speakers, list) or len(speakers) != len(turns):
            return Conversation(id_, texts)
        return _spoken(id_, texts, tuple(map(str, speakers)), record.get("reply_speaker"))
    kept = [turn for turn in turns if _speaker(turn) not in columns.NOT_SPEAKING]
    names, texts = tuple(map(_speaker, kept)), tuple(_text(turn, where) for turn in kept)
    context = frozenset(place for place, turn in enumerate(kept) if _weighs_nothing(turn))
    if not all(names):
        return Conversation(id_, texts, context_only=context)
    spoken = _spoken(id_, texts, names, record.get("reply_speaker"))
    return dataclasses.replace(spoken, context_only=context)


def _spoken(
    id_: str, texts: tuple[str, ...], speakers: tuple[str, ...], reply_speaker: Any
) -> Conversation:
    bot = reply_speaker if isinstance(reply_speaker, str) else columns.bot_among(speakers)
    return Conversation(id_, texts, speakers, bot)


def _weighs_nothing(turn: Any) -> bool:
    """Tells whether a message says, as OpenAI's do, that it is not to be learned."""
    return isinstance(turn, dict) and turn.get("weight") in (0, "0")


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
