"""ChatterBot's YAML, and ours, which adds situations: any of these messages, any of these replies.

Every scalar is read as text: `yes` and `42` are turns. Knows nothing of folders.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from chatbot.corpus.records import Conversation
from chatbot.corpus.textfile import TextFile
from chatbot.errors import CorpusError

# libyaml's reader is ten times as fast; the base loader makes nothing but texts, lists, mappings.
_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_SHAPE = (
    "Write `conversations:` as a list of lists of turns, or `situations:` as a list of "
    "`says:` and `replies:`; corpora/README.md shows both."
)


def read_yaml(file: TextFile) -> Iterator[Conversation]:
    """Yields the conversations, then the situations of a YAML corpus.

    A situation gives one conversation for each wording and reply; those of one wording share
    their id, "file.yml:<situation>.<wording>", counted from 1.

    Raises:
        CorpusError: the file is no YAML, or holds neither list.
    """
    document = _document(file)
    if not isinstance(document, dict) or not {"conversations", "situations"} & document.keys():
        raise CorpusError(f"{file.name} holds neither conversations nor situations. {_SHAPE}")
    yield from _conversations(document.get("conversations"), file.name)
    yield from _situations(document.get("situations"), file.name)


def _document(file: TextFile) -> Any:
    try:
        with file.open() as text:
            return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f" line {error.problem_mark.line + 1}"
        raise CorpusError(
            f"{file.name}{line} is no valid YAML: {error.problem}. "
            "Put the text into quotation marks, or mend the indentation."
        ) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise CorpusError(f"{file.name} is no valid YAML ({_short(error)}). {_SHAPE}") from None


def _conversations(items: Any, name: str) -> Iterator[Conversation]:
    for number, item in enumerate(_listed(items, f"{name}: conversations"), start=1):
        turns = _texts(item, f"{name} conversation {number}")
        yield Conversation(f"{name}:{number}", turns)


def _situations(items: Any, name: str) -> Iterator[Conversation]:
    for number, item in enumerate(_listed(items, f"{name}: situations"), start=1):
        where = f"{name} situation {number}"
        if not isinstance(item, Mapping) or not {"says", "replies"} <= item.keys():
            raise CorpusError(f"{where} lacks `says` or `replies`. {_SHAPE}")
        replies = _texts(item["replies"], where)
        for index, wording in enumerate(_texts(item["says"], where), start=1):
            for reply in replies:
                yield Conversation(f"{name}:{number}.{index}", (wording, reply))


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
