"""ChatterBot's YAML, and ours, which adds situations: any of these messages, any of these replies.

Ours may also name a file of things that fill its slots (see slots.py). Every scalar is read as
text: `yes` and `42` are turns. Knows nothing of folders.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from chatbot.corpus.records import Conversation, ReadingLog, SlotLists
from chatbot.corpus.slots import open_slots
from chatbot.corpus.textfile import TextFile, examine
from chatbot.errors import CorpusError

# libyaml's reader is ten times as fast; the base loader makes nothing but texts, lists, mappings.
_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_Gists = Mapping[str, tuple[str, ...]]
_MAX_DEPTH = 20
_MOST_CHARACTERS = 64 * 1024**2  # the document lies in memory as a whole
_SHAPE = (
    "Write `conversations:` as a list of lists of turns, `situations:` as a list of `says:` and "
    "`replies:`, or `messages:` by their gist; corpora/README.md shows them."
)
_TALK = {"conversations", "situations", "messages"}


def read_yaml(file: TextFile, log: ReadingLog) -> Iterator[Conversation]:
    """Yields the conversations, then the situations, then the single messages of a YAML corpus.

    A situation gives one conversation for each wording and reply; those of one wording share
    their id, "file.yml:<situation>.<wording>", counted from 1. A situation may name its `gist`, and
    `gists` what may be said to all of that gist: each wording gets each of these replies as well,
    so that a bot has something fitting to say where it has grasped no more than that. So
    may a turn of a conversation, written with `says` and `gist`: it ends one more conversation for
    each, under the same id, of which the general reply alone is learned. `messages` lists single
    ones under their gist, which get nothing but such replies: "file.yml:<gist>.<message>"; one
    that is understood from what was said before is a list of turns.
    `speakers`, where given, take turns in each conversation, and `reply_speaker` is the one whose
    turns are learned. `slots` and `gists` may name files beside this one; where `slots` is given,
    `{food}` is a slot, else it is just text.

    Raises:
        CorpusError: the file is no YAML, or holds none of the three; or a slot cannot be filled.
    """
    document = _document(file)
    if isinstance(document, dict) and (listed := _lists_for_others(document)):
        log.notes[f"{file.name}: {listed} of other corpora"] += 1
        return
    if not isinstance(document, dict) or not _TALK & document.keys():
        raise CorpusError(f"{file.name} holds no conversations, situations or messages. {_SHAPE}")
    slots, gists = _slots(document.get("slots"), file), _gists(document.get("gists"), file)
    for conversation in itertools.chain(
        _conversations(document, file.name, log, gists),
        _situations(document, file.name, gists),
        _messages(document.get("messages"), file.name, gists),
    ):
        yield _with_slots(conversation, slots) if slots else conversation


def _lists_for_others(document: Mapping[str, Any]) -> str:
    """Returns what a file without talk lists for other corpora; "" for a corpus."""
    if _TALK & document.keys():
        return ""
    if isinstance(document.get("slots"), dict):
        return "things for the slots"
    return "replies for the gists" if isinstance(document.get("gists"), dict) else ""


def _slots(name: Any, file: TextFile) -> SlotLists | None:
    """Reads the file of things that a corpus names; it lies in the same folder."""
    if name is None:
        return None
    kinds = _beside(name, "slots", file)
    return SlotLists(name, {kind: _things(items, kind, name) for kind, items in kinds.items()})


def _beside(name: Any, key: str, file: TextFile) -> dict[str, Any]:
    """Reads what stands under `key` in the file of that name, which lies in the same folder."""
    if not isinstance(name, str) or Path(name).name != name:
        raise CorpusError(
            f"{file.name}: `{key}` must be the name of a file in the same folder, such as "
            f"`{key}: {key}.en.yml`, not {name!r}."
        )
    document = _document(examine(file.path.with_name(name), name))
    kinds = document.get(key) if isinstance(document, dict) else None
    if not isinstance(kinds, dict):
        raise CorpusError(f"{name} lists no {key}. Write `{key}:` with a list for each kind.")
    return kinds


def _things(items: Any, kind: str, name: str) -> tuple[str, ...]:
    things = _texts(items, f"{name}: {kind}")
    if not things:
        raise CorpusError(f"{name}: {kind} holds nothing. List what may stand in {{{kind}}}.")
    return things


def _with_slots(conversation: Conversation, slots: SlotLists) -> Conversation:
    """Tells a conversation with slots what fills them.

    Raises:
        CorpusError: nothing does.
    """
    kinds = {kind for turn in conversation.turns for kind in open_slots(turn).values()}
    unknown = sorted(kinds - slots.things.keys())
    if unknown:
        raise CorpusError(
            f"{conversation.id}: nothing fills the slot {{{unknown[0]}}}. List things for it in "
            f"{slots.name}, or write {', '.join(slots.things)}."
        )
    return dataclasses.replace(conversation, slots=slots) if kinds else conversation


def _document(file: TextFile) -> Any:
    try:
        with file.open() as opened:
            text = opened.read(_MOST_CHARACTERS + 1)
        if len(text) > _MOST_CHARACTERS:
            raise CorpusError(
                f"{file.name} is YAML of more than {_MOST_CHARACTERS >> 20} MB, too large to hold "
                "in memory. Save it as JSONL, one conversation a line."
            )
        _refuse_deep(text, file.name)
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f" line {error.problem_mark.line + 1}"
        raise CorpusError(
            f"{file.name}{line} is no valid YAML: {error.problem}. "
            "Put the text into quotation marks, or mend the indentation."
        ) from None
    except yaml.YAMLError as error:
        raise CorpusError(f"{file.name} is no valid YAML ({_short(error)}). {_SHAPE}") from None


def _refuse_deep(text: str, name: str) -> None:
    """Raises CorpusError for nesting that no corpus has; libyaml's loader crashes on very deep."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise CorpusError(f"{name} nests its lists too deep. {_SHAPE}")


def _conversations(
    document: Mapping[str, Any], name: str, log: ReadingLog, gists: _Gists
) -> Iterator[Conversation]:
    speakers = _texts(document.get("speakers"), f"{name}: speakers")
    learned = _reply_speaker(document, speakers, name)
    items = _listed(document.get("conversations"), f"{name}: conversations")
    for number, item in enumerate(items, start=1):
        if not isinstance(item, list):  # ChatterBot's own trivia.yml has one
            log.notes[f"{name}: conversations that are no list of turns, skipped"] += 1
            continue
        where = f"{name} conversation {number}"
        turns = _texts([_said(turn) for turn in item], where)
        whole = Conversation(f"{name}:{number}", turns, _in_turn(speakers, len(turns)), learned)
        yield whole
        for place, turn in enumerate(item, start=1):
            for reply in _general(turn, gists, where) if _said(turn) is not turn else ():
                ended = (*turns[:place], reply)
                yield _only_the_last_learned(whole, ended, _in_turn(speakers, len(ended)))


def _said(item: Any) -> Any:
    """Returns what a turn with a gist says; any other turn as it is."""
    return item["says"] if isinstance(item, Mapping) and item.keys() == {"says", "gist"} else item


def _in_turn(speakers: tuple[str, ...], turns: int) -> tuple[str, ...]:
    return tuple(itertools.islice(itertools.cycle(speakers), turns))


def _only_the_last_learned(
    whole: Conversation, turns: tuple[str, ...], speakers: tuple[str, ...]
) -> Conversation:
    said = frozenset(range(len(turns) - 1))
    return dataclasses.replace(whole, turns=turns, speakers=speakers, context_only=said)


def _reply_speaker(document: Mapping[str, Any], speakers: tuple[str, ...], name: str) -> str | None:
    learned = document.get("reply_speaker")
    if learned is not None and learned not in speakers:
        raise CorpusError(
            f"{name}: the reply_speaker {learned!r} is not among the speakers. "
            "List both, such as `speakers: [person, bot]` and `reply_speaker: bot`."
        )
    return learned


def _situations(document: Mapping[str, Any], name: str, gists: _Gists) -> Iterator[Conversation]:
    items = _listed(document.get("situations"), f"{name}: situations")
    for number, item in enumerate(items, start=1):
        where = f"{name} situation {number}"
        if not isinstance(item, Mapping) or not {"says", "replies"} <= item.keys():
            raise CorpusError(f"{where} lacks `says` or `replies`. {_SHAPE}")
        replies, general = _texts(item["replies"], where), _general(item, gists, where)
        for index, wording in enumerate(_texts(item["says"], where), start=1):
            for reply in (*replies, *general):
                yield Conversation(f"{name}:{number}.{index}", (wording, reply))


def _messages(by_gist: Any, name: str, gists: _Gists) -> Iterator[Conversation]:
    if not isinstance(by_gist or {}, Mapping):
        raise CorpusError(f"{name}: messages is no mapping from gists to lists. {_SHAPE}")
    for gist, items in (by_gist or {}).items():
        where = f"{name} messages {gist!r}"
        general = _general({"gist": gist}, gists, where)
        for index, item in enumerate(_listed(items, where), start=1):
            said = _texts(item, where) if isinstance(item, list) else (_turn(item, where),)
            earlier = frozenset(range(len(said)))
            for reply in general:
                yield Conversation(f"{name}:{gist}.{index}", (*said, reply), context_only=earlier)


def _gists(items: Any, file: TextFile) -> _Gists:
    """Reads what may be said to every message of a gist, by its name, here or in another file."""
    if items is None:
        return {}
    where, listed = file.name, items
    if not isinstance(items, Mapping):
        where, listed = items, _beside(items, "gists", file)
    return {gist: _texts(replies, f"{where}: {gist}") for gist, replies in listed.items()}


def _general(item: Mapping[str, Any], gists: _Gists, where: str) -> tuple[str, ...]:
    """Returns what may be said to every message of a situation's gist; nothing without one."""
    gist = item.get("gist")
    if gist is None:
        return ()
    if not isinstance(gist, str) or not gists.get(gist):
        raise CorpusError(
            f"{where}: no replies stand under `gists` for the gist {gist!r}. Add some."
        )
    return gists[gist]


def _listed(items: Any, where: str) -> list[Any]:
    if items is None or items == "":
        return []
    if not isinstance(items, list):
        raise CorpusError(f"{where} is no list. {_SHAPE}")
    return items


def _texts(items: Any, where: str) -> tuple[str, ...]:
    return tuple(_turn(item, where) for item in _listed(items, where))


def _turn(item: Any, where: str) -> str:
    if isinstance(item, str):
        return item
    if isinstance(item, dict) and len(item) == 1:  # an unquoted colon made it a mapping
        key, value = next(iter(item.items()))
        if isinstance(key, str) and isinstance(value, str):
            return f"{key}: {value}"
    raise CorpusError(f"{where} holds something that is no text. {_SHAPE}")


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:100] or type(error).__name__
