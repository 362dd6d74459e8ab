"""CSV and TSV: a column of messages and one of replies, or one turn a row.

Column names are recognised where there are any; else the first two columns of text are taken,
and the log says so. Knows nothing of pairs to train on.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from chatbot.corpus.formats import columns
from chatbot.corpus.records import Conversation, ReadingLog
from chatbot.corpus.textfile import TextFile
from chatbot.errors import CorpusError

_SAMPLE_ROWS = 100
_DELIMITERS = ",\t;|"
_TURN_COLUMNS = ("turn", "text", "message", "utterance", "sentence", "content", "line")
_NUMBERED = re.compile(r"(?:answer|input)?(?:turn|text|sentence|utterance|message|line)s?(\d+)")
_IDENTIFIER = re.compile(r"[^\W\d](?:[\w.\- ]{0,24}\w)?")
_NUMBER = re.compile(r"[\d\s.,:/+%-]*")

Row = tuple[int, list[str]]  # the line it starts on, and its cells


@dataclass(frozen=True)
class Layout:
    """Which columns of a table hold what; None where there is none."""

    has_header: bool
    turns: tuple[int, ...] = ()  # the columns of a row that are turns of one conversation
    text: int | None = None  # or the one column that holds a turn in each row
    speaker: int | None = None
    conversation: int | None = None


def read_table(file: TextFile, log: ReadingLog) -> Iterator[Conversation]:
    """Yields the conversations of a table, in file order.

    Raises:
        CorpusError: quotation marks do not match up, or there is no second column.
    """
    rows = itertools.dropwhile(lambda row: not any(row[1]), _rows(file))
    sample = list(itertools.islice(rows, _SAMPLE_ROWS))
    layout = find_layout([cells for _, cells in sample if cells], file.name)
    _tell(layout, sample, file, log)
    body = itertools.islice(itertools.chain(sample, rows), int(layout.has_header), None)
    if layout.text is None:
        yield from _conversation_a_row(body, layout, file, log)
    else:
        yield from _turn_a_row(body, layout, file)


def find_layout(sample: Sequence[Sequence[str]], name: str) -> Layout:
    """Tells from the first rows of a table which columns to read.

    Raises:
        CorpusError: there is one column, and nothing says that it holds turns.
    """
    header = list(sample[0]) if sample else []
    named = _named_layout(header)
    if named is not None:
        return named
    texts = _text_columns(sample[1:] if _is_header(sample) else sample)
    has_header = _is_header(sample) and len(header) > max(texts, default=0)
    if len(texts) < 2:
        raise CorpusError(
            f"{name} has no second column of text, so nothing says what is a reply to what. "
            "Give it two columns, message and reply, or name its one column `turn`."
        )
    return Layout(has_header, turns=(texts[0], texts[1]))


def _named_layout(header: list[str]) -> Layout | None:
    numbered = {
        int(match[1]): i
        for i, name in enumerate(header)
        if (match := _NUMBERED.fullmatch(columns.plain(name)))
    }
    if len(numbered) > 1:
        return Layout(True, turns=tuple(numbered[n] for n in sorted(numbered)))
    pair = columns.pair_names(header)
    if pair is not None:
        return Layout(True, turns=(header.index(pair[0]), header.index(pair[1])))
    text = columns.first_of(_TURN_COLUMNS, header)
    speaker = columns.first_of(columns.SPEAKERS, header)
    conversation = columns.first_of(columns.CONVERSATION_IDS, header)
    if text is None or not (speaker or conversation or len(header) == 1):
        return None
    return Layout(
        True,
        text=header.index(text),
        speaker=None if speaker is None else header.index(speaker),
        conversation=None if conversation is None else header.index(conversation),
    )


def _is_header(sample: Sequence[Sequence[str]]) -> bool:
    """Tells names of columns from data: the other rows are seldom made of such short names."""
    if len(sample) < 2 or len(sample[0]) < 2 or not _like_names(sample[0]):
        return False
    alike = sum(_like_names(row) for row in sample[1:])
    return alike * 5 < len(sample) - 1 and len(set(sample[0])) == len(sample[0])


def _like_names(row: Sequence[str]) -> bool:
    return all(_IDENTIFIER.fullmatch(cell.strip()) and cell.count(" ") < 2 for cell in row)


def _text_columns(sample: Sequence[Sequence[str]]) -> list[int]:
    """Returns the columns that mostly hold something other than numbers."""
    filled = Counter(
        i for row in sample for i, cell in enumerate(row) if not _NUMBER.fullmatch(cell)
    )
    return sorted(i for i, count in filled.items() if count * 2 > len(sample))


def _tell(layout: Layout, sample: Sequence[Row], file: TextFile, log: ReadingLog) -> None:
    header = next((cells for _, cells in sample if cells), [])
    if layout.has_header and layout.turns and _named_layout(header) is None:
        names = " and ".join(repr(header[i]) for i in layout.turns)
        log.notes[f"{file.name}: the first row was taken as the names of columns {names}"] += 1
    if not layout.has_header and len(header) > 2:
        first, second = (i + 1 for i in layout.turns[:2])
        log.notes[f"{file.name}: of {len(header)} columns, {first} and {second} were read"] += 1


def _conversation_a_row(
    rows: Iterator[Row], layout: Layout, file: TextFile, log: ReadingLog
) -> Iterator[Conversation]:
    last = layout.turns[1]
    for number, cells in rows:
        if len(cells) > last:
            texts = [cells[i] for i in layout.turns if i < len(cells)]
            while len(texts) > 2 and not texts[-1].strip():
                texts.pop()
            yield Conversation(f"{file.name}:{number}", tuple(texts))
        elif any(cells):
            log.notes[f"{file.name}: rows without a reply column, skipped"] += 1


def _turn_a_row(rows: Iterator[Row], layout: Layout, file: TextFile) -> Iterator[Conversation]:
    """Rows of one conversation stand together; a blank row ends one where no column names it."""
    groups = itertools.groupby(_keyed(rows, layout), key=lambda keyed: keyed[0])
    for key, group in groups:
        turns = [(number, cells) for _, number, cells in group if cells]
        if not turns:
            continue
        id_ = key if layout.conversation is not None else str(turns[0][0])
        texts = tuple(_cell(cells, layout.text) for _, cells in turns)
        if layout.speaker is None:
            yield Conversation(f"{file.name}:{id_}", texts)
        else:
            speakers = tuple(_cell(cells, layout.speaker) for _, cells in turns)
            bot = columns.bot_among(speakers)
            yield Conversation(f"{file.name}:{id_}", texts, speakers, bot)


def _keyed(rows: Iterator[Row], layout: Layout) -> Iterator[tuple[str, int, list[str]]]:
    blanks = 0
    for number, cells in rows:
        blank = not any(cell.strip() for cell in cells)
        blanks += blank
        if not blank:
            key = str(blanks) if layout.conversation is None else _cell(cells, layout.conversation)
            yield key, number, cells


def _cell(cells: Sequence[str], column: int | None) -> str:
    return cells[column] if column is not None and column < len(cells) else ""


def _rows(file: TextFile) -> Iterator[Row]:
    file.check_lines()
    delimiter = _delimiter(file)
    quoting = _quoting(file, delimiter)
    with file.open() as text:
        reader = csv.reader(text, delimiter=delimiter, quoting=quoting, strict=True)
        start = 1
        try:
            for cells in reader:
                yield start, cells
                start = reader.line_num + 1
        except csv.Error as error:
            raise CorpusError(
                f"{file.name} line {start} cannot be cut into columns: {error}. "
                'Put text that holds quotation marks into quotation marks, and write each as "".'
            ) from None


def _delimiter(file: TextFile) -> str:
    if file.path.name.removesuffix(".gz").endswith((".tsv", ".tab")):
        return "\t"
    head = [line[:10_000] for line in file.head() if line.strip()]  # csv refuses long cells
    if sum("\t" in line for line in head) == len(head):
        return "\t"
    counts = {d: _columns_by(head, d) for d in _DELIMITERS}
    return max(counts, key=lambda d: (counts[d], d == ","))


def _columns_by(head: Sequence[str], delimiter: str) -> int:
    """Returns how many rows a delimiter cuts into the same number of columns, two or more."""
    lengths = [len(next(csv.reader([line], delimiter=delimiter), [])) for line in head]
    usual = Counter(n for n in lengths if n > 1).most_common(1)
    return usual[0][1] if usual else 0


def _quoting(file: TextFile, delimiter: str) -> Literal[0, 3]:
    """Tab-separated files seldom quote: where that reading fails, marks are part of the text."""
    if delimiter != "\t":
        return csv.QUOTE_MINIMAL
    try:
        with file.open() as text:
            for _ in csv.reader(text, delimiter=delimiter, strict=True):
                pass
    except csv.Error:
        return csv.QUOTE_NONE
    return csv.QUOTE_MINIMAL
