"""What the owner chose to train on, checked against the files: settings, first pairs, report.

Knows files and settings, no component.
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chatbot.config import Config, with_settings
from chatbot.corpus.prepare import CorpusSource, prepare_corpus
from chatbot.corpus.records import DialoguePair
from chatbot.corpus.report import CorpusReport
from chatbot.corpus.survey import SpeakerCount, Survey, survey
from chatbot.errors import CorpusError
from chatbot.ui.uploads import corpora, forget_upload, name_of

REPORTED_PAIRS = 50_000  # of each file; some seconds of reading
_PREVIEWED_PAIRS = 10


@dataclass(frozen=True)
class CorpusChoice:
    """What to train on: files, and settings as `section.key=value`."""

    paths: tuple[str, ...]
    settings: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """What stands in the panel.

    Attributes:
        keys: the corpora chosen, see `uploads.corpora`.
        message: the column of messages; "" leaves it to each file, as with all that follow.
        reply: the column of replies.
        speaker: whose replies are learned.
        join: one speaker's messages in a row become one.
        mask: private details are masked.
    """

    keys: tuple[str, ...] = ()
    message: str = ""
    reply: str = ""
    speaker: str = ""
    join: bool = True
    mask: bool = True

    @classmethod
    def read(cls, stored: object) -> Asked:
        """Returns what a browser kept, as far as it makes sense."""
        kept = stored if isinstance(stored, Mapping) else {}
        keys = kept.get("keys")
        listed = [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []
        message, reply, speaker = (
            str(kept.get(key, "")) for key in ("message", "reply", "speaker")
        )
        join, mask = (kept.get(key) is not False for key in ("join", "mask"))
        return cls(tuple(listed), message, reply, speaker, join, mask)

    def stored(self) -> dict[str, Any]:
        """Returns what the browser is to keep."""
        return {**vars(self), "keys": list(self.keys)}


@dataclass(frozen=True)
class Seen:
    """What was found in the files chosen.

    Attributes:
        asked: what was asked for, as far as the files have it.
        surveys: what each file is, by its key.
        columns: of all tables among them.
        guess: the columns of messages and of replies as the tables are read without being told;
            "" where there is none or they differ.
        speakers: of all chats among them.
        replier: whose replies are learned without being told; "" where it is everyone's.
        pairs: the first ones to be learned, some of each file.
        choice: what to train on.
    """

    asked: Asked
    surveys: dict[str, Survey]
    columns: tuple[str, ...]
    guess: tuple[str, str]
    speakers: tuple[SpeakerCount, ...]
    replier: str
    pairs: tuple[DialoguePair, ...]
    choice: CorpusChoice


def readable_uploads(keys: Sequence[str]) -> tuple[list[str], list[str]]:
    """Parts uploads into those that can be read, and why not of the rest, which are deleted."""
    readable, problems = list[str](), list[str]()
    for key in keys:
        try:
            survey(_path_of(key))
        except CorpusError as error:
            problems.append(str(error))
            forget_upload(key)
        else:
            readable.append(key)
    return readable, problems


def look(asked: Asked) -> Seen:
    """Looks at the files chosen and reads their first pairs.

    Raises:
        CorpusError: a file is gone or cannot be read, or one column is to be both.
    """
    paths = [_path_of(key) for key in asked.keys]
    surveys = {key: survey(path) for key, path in zip(asked.keys, paths, strict=True)}
    columns = tuple(dict.fromkeys(c.name for one in surveys.values() for c in one.columns))
    speakers = _speakers(surveys.values())
    guess = _guess(surveys.values())
    asked = _as_there(asked, columns, guess, [speaker.name for speaker in speakers])
    if asked.message and asked.message == asked.reply:
        raise CorpusError(
            f"The column {asked.message!r} cannot hold both messages and replies. "
            "Choose two different columns."
        )
    choice = CorpusChoice(tuple(map(str, paths)), settings_of(asked))
    return Seen(
        asked,
        surveys,
        columns,
        guess,
        speakers,
        _plain_replier(surveys.values()),
        _first_pairs(choice),
        choice,
    )


def settings_of(asked: Asked) -> tuple[str, ...]:
    """Returns the settings that differ from the defaults, as the command line takes them.

    >>> settings_of(Asked(message="Q: 1", join=False))
    ('corpus.message_column="Q: 1"', 'corpus.join_turns=false', 'corpus.mask_private=true')
    """
    wanted = {
        "message_column": asked.message or None,
        "reply_column": asked.reply or None,
        "reply_speaker": asked.speaker or None,
        "join_turns": None if asked.join else False,
        "mask_private": asked.mask or None,
    }
    # As JSON, which YAML reads as it stands: a column may be called "yes" or "1: a".
    return tuple(
        f"corpus.{key}={json.dumps(value, ensure_ascii=False)}"
        for key, value in wanted.items()
        if value is not None
    )


def report_on(choice: CorpusChoice) -> CorpusReport:
    """Returns the report on the first `REPORTED_PAIRS` of each file.

    Raises:
        CorpusError: a file cannot be read, or there is nothing to learn in it.
    """
    stamps = tuple(_stamp(Path(path)) for path in choice.paths)
    return _report(choice, stamps)


@functools.lru_cache(maxsize=8)  # the panel is filled anew with each look at its tab
def _report(choice: CorpusChoice, stamps: tuple[object, ...]) -> CorpusReport:
    config = with_settings(Config(), choice.settings).corpus
    sources = [CorpusSource(Path(path)) for path in choice.paths]
    return prepare_corpus(sources, config, at_most=REPORTED_PAIRS).report


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _path_of(key: str) -> Path:
    path = corpora().get(key)
    if path is None:
        raise CorpusError(f"{name_of(key)} is no longer there. Upload it again.")
    return path


def _guess(surveys: Iterable[Survey]) -> tuple[str, str]:
    guesses = {(s.message_column or "", s.reply_column or "") for s in surveys if s.columns}
    return guesses.pop() if len(guesses) == 1 else ("", "")


def _as_there(
    asked: Asked, columns: Sequence[str], guess: tuple[str, str], speakers: Sequence[str]
) -> Asked:
    """Leaves out what the files do not have, and columns that they are read by anyway."""
    message, reply = _among(asked.message, columns), _among(asked.reply, columns)
    told = message or guess[0], reply or guess[1]
    if told == guess:
        told = "", ""
    speaker = _among(asked.speaker, speakers)
    return replace(asked, message=told[0], reply=told[1], speaker=speaker)


def _speakers(surveys: Iterable[Survey]) -> tuple[SpeakerCount, ...]:
    turns = Counter[str]()
    for one in surveys:
        turns.update({speaker.name: speaker.turns for speaker in one.speakers})
    return tuple(SpeakerCount(name, count) for name, count in turns.most_common())


def _plain_replier(surveys: Iterable[Survey]) -> str:
    repliers = {one.reply_speaker or "" for one in surveys if one.speakers}
    return repliers.pop() if len(repliers) == 1 else ""


def _first_pairs(choice: CorpusChoice) -> tuple[DialoguePair, ...]:
    config = with_settings(Config(), choice.settings).corpus
    of_each = -(-_PREVIEWED_PAIRS // len(choice.paths))
    firsts = (survey(Path(path), config, pairs=of_each).pairs for path in choice.paths)
    return tuple(pair for pairs in firsts for pair in pairs)[:_PREVIEWED_PAIRS]


def _among(wanted: str, there: Sequence[str]) -> str:
    return wanted if wanted in there else ""
