"""A first look at a corpus, for the page and `corpus inspect`: quick however large the file is.

What format it is in, the columns of a table, the speakers of a chat, and the first pairs as they
would be learned. Reads no further than it needs. Knows no token and no model.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from chatbot.config import CorpusConfig
from chatbot.corpus.formats import columns, json_records, tables
from chatbot.corpus.formats.columns import Chosen
from chatbot.corpus.formats.json_records import Record
from chatbot.corpus.formats.tables import Table
from chatbot.corpus.pairs import clean_conversation, extract_pairs, filter_pairs
from chatbot.corpus.private import PrivateLog
from chatbot.corpus.readers import FORMATS, Recognised, recognised_files
from chatbot.corpus.records import Conversation, DialoguePair, ReadingLog
from chatbot.corpus.speakers import ReplySpeaker, unknown_speaker
from chatbot.corpus.textfile import is_folder, peek, printable, telling_torn
from chatbot.errors import CorpusError

FIRST_PAIRS = 10
_MOST_TURNS = 20_000  # read to count speakers
_ENOUGH_PAIRS = 500  # of which the first good ones are shown
_MOST_SPEAKERS = 20  # shown on a terminal
_EXAMPLES, _EXAMPLE_CHARACTERS = 3, 80  # of a column's cells


@dataclass(frozen=True)
class Column:
    """A column of a table: its name (its number from 1 on, where nothing names it), a few cells."""

    name: str
    examples: tuple[str, ...]


@dataclass(frozen=True)
class SpeakerCount:
    """Somebody who speaks in a corpus, and in how many turns of those read."""

    name: str
    turns: int


@dataclass(frozen=True)
class Survey:
    """What a first look at a file or folder tells.

    Attributes:
        name: what the file or folder is called.
        format: the format in English words, such as "WhatsApp chat".
        format_key: the same as one word, such as "whatsapp"; see `readers.FORMATS`.
        columns: of a table; empty otherwise.
        message_column: the column that messages are read from, as guessed or chosen; None when
            the table has none, or when its rows are turns.
        reply_column: the same for replies.
        speakers: those who speak, the one with the most turns first; empty when nobody is named.
        reply_speaker: whose replies are learned, as chosen or plain (an "assistant"); None: all.
        pairs: the first pairs as they would be learned, clean.
        is_whole: whether everything was read; else counts are of the beginning.
        notes: what was passed over or guessed, in words.
    """

    name: str
    format: str
    format_key: str
    columns: tuple[Column, ...] = ()
    message_column: str | None = None
    reply_column: str | None = None
    speakers: tuple[SpeakerCount, ...] = ()
    reply_speaker: str | None = None
    pairs: tuple[DialoguePair, ...] = ()
    is_whole: bool = True
    notes: tuple[str, ...] = ()


def survey(path: Path, config: CorpusConfig | None = None, *, pairs: int = FIRST_PAIRS) -> Survey:
    """Looks at a corpus as `config` would read it (columns, speaker, joined turns).

    Raises:
        CorpusError: the file cannot be read. A chosen column or speaker that is not in it is
            no error, as another file may have it; the notes tell.
    """
    config = config or CorpusConfig()
    log, chosen = ReadingLog(), Chosen(config.message_column, config.reply_column)
    look = _Look(config)
    with telling_torn(printable(path.name)):
        files = recognised_files(path, log, chosen, peek)
        first = next(files, None)
        if first is None:
            raise CorpusError(
                f"{printable(path)} holds no file of a known format. "
                "Check that this is the right place; README.md lists the formats."
            )
        table = _table_of(first, chosen)
        try:
            look.read(turns for file in itertools.chain([first], files) for turns in file.read(log))
        except CorpusError as error:
            if len(table.columns) < 2:
                raise
            log.notes[str(error)] += 1  # two of the columns may still be chosen
    unknown = look.unknown()
    return Survey(
        name=printable(path.name),
        format=f"folder ({FORMATS[first.format]})" if is_folder(path) else FORMATS[first.format],
        format_key="folder" if is_folder(path) else first.format,
        columns=table.columns,
        message_column=table.message,
        reply_column=table.reply,
        speakers=tuple(itertools.starmap(SpeakerCount, look.speaker.turns.most_common())),
        reply_speaker=look.learned,
        pairs=tuple(look.kept()[:pairs]),
        is_whole=look.is_whole,
        notes=(*log.notes, *log.unknown_columns, *([str(unknown)] if unknown else [])),
    )


def render(survey: Survey) -> RenderableType:
    """Returns a survey for a terminal: what the file is, its columns, who speaks."""
    parts: list[RenderableType] = [Text(f"{survey.name}: {survey.format}", style="bold")]
    if survey.columns:
        parts.append(_columns_table(survey))
    if survey.speakers:
        parts.append(_speakers_table(survey))
    return Group(*parts)


def _columns_table(survey: Survey) -> RichTable:
    table = RichTable("column", "read as", "for example", title="Columns")
    read_as = {survey.message_column: "message", survey.reply_column: "reply"}
    for column in survey.columns:
        examples = " | ".join(column.examples)
        table.add_row(Text(column.name), read_as.get(column.name, ""), Text(printable(examples)))
    return table


def _speakers_table(survey: Survey) -> RichTable:
    counted = "turns" if survey.is_whole else "turns, at the beginning"
    table = RichTable("speaker", counted, "learned", title="Who speaks")
    for speaker in survey.speakers[:_MOST_SPEAKERS]:
        learned = "yes" if survey.reply_speaker in (None, speaker.name) else ""
        table.add_row(Text(printable(speaker.name)), f"{speaker.turns:,}", learned)
    return table


class _Look:
    """Reads conversations until there is enough to show."""

    def __init__(self, config: CorpusConfig) -> None:
        self.speaker = ReplySpeaker(config.reply_speaker)
        self.is_whole = True
        self.learned: str | None = None
        self._config = config
        self._pairs = list[DialoguePair]()
        self._turns = 0

    def read(self, conversations: Iterable[Conversation]) -> None:
        for conversation in self.speaker.applied(conversations):
            self._turns += len(conversation.turns)
            self.learned = self.learned or conversation.reply_speaker
            if len(self._pairs) < _ENOUGH_PAIRS:
                self._pairs += self._pairs_of(conversation)
            if self._has_enough():
                self.is_whole = False
                return

    def unknown(self) -> CorpusError | None:
        return unknown_speaker([self.speaker]) if self.is_whole else None

    def kept(self) -> list[DialoguePair]:
        return filter_pairs(self._pairs, self._config)[0]

    def _has_enough(self) -> bool:
        if self._turns > _MOST_TURNS:
            return True
        return len(self._pairs) >= _ENOUGH_PAIRS and not self.speaker.turns

    def _pairs_of(self, conversation: Conversation) -> Iterator[DialoguePair]:
        config, private = self._config, PrivateLog()
        cleaned, _ = clean_conversation(conversation)
        turns = (private.passed(turn, masked=config.mask_private) for turn in cleaned.turns)
        shown = dataclasses.replace(cleaned, turns=tuple(turns))
        return extract_pairs(
            [shown], history_turns=config.history_turns, join_turns=config.join_turns
        )


class _Columns(NamedTuple):
    """The columns of a table, and which are read; nothing where there is no table."""

    columns: tuple[Column, ...] = ()
    message: str | None = None
    reply: str | None = None


def _table_of(file: Recognised, chosen: Chosen) -> _Columns:
    if file.table is not None:
        return _columns_of(file.table, chosen)
    if file.records is not None:
        return _fields_of(file.records, chosen)
    return _Columns()


def _columns_of(table: Table, chosen: Chosen) -> _Columns:
    sample = tables.first_rows(table)
    names = tables.column_names(sample, table)
    try:
        layout = tables.layout_of(sample, table, ReadingLog(), chosen)
    except CorpusError:
        return _Columns(_with_examples(names, sample))
    pair = [names[i] for i in layout.turns] if len(layout.turns) == 2 else [None, None]
    return _Columns(_with_examples(names, sample[layout.has_header :]), *pair)


def _with_examples(names: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[Column, ...]:
    held = ([row[i] for row in rows if i < len(row) and row[i].strip()] for i in range(len(names)))
    return tuple(itertools.starmap(_column, zip(names, held, strict=True)))


def _column(name: str, values: Sequence[str]) -> Column:
    short = (" ".join(value.split())[:_EXAMPLE_CHARACTERS] for value in values[:_EXAMPLES])
    return Column(name, tuple(short))


def _fields_of(records: Callable[[], Iterator[Record]], chosen: Chosen) -> _Columns:
    """Returns the fields of JSON records that are pairs; those of conversations are no columns."""
    try:
        fields = json_records.field_examples(records(), _EXAMPLES)
    except CorpusError:
        return _Columns()  # reading will tell
    if not fields:
        return _Columns()
    message, reply = columns.pair_names(fields) or (None, None)
    if all(name is None or name in fields for name in chosen):
        message, reply = chosen.message or message, chosen.reply or reply
    return _Columns(tuple(itertools.starmap(_column, fields.items())), message, reply)
