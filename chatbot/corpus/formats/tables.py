"""Tables: a column of messages and one of replies, or one turn a row. CSV and TSV are read here.

Column names are recognised where there are any; else the first two columns of text are taken,
and the log says so; a person may choose others. Knows nothing of pairs to train on.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from chatbot.corpus.formats import columns
from chatbot.corpus.formats.columns import GUESSED, Chosen
from chatbot.corpus.records import Conversation, ReadingLog
from chatbot.corpus.textfile import TextFile
from chatbot.errors import CorpusError

_SAMPLE_ROWS = 100
_DELIMITERS = ",\t;|"
_TURN_COLUMNS = ("text", "message", "utterance", "sentence", "content", "turn", "line")
_NUMBERED = re.compile(r"(?:answer|input)?(?:turn|text|sentence|utterance|message|line)s?(\d+)")
_IDENTIFIER = re.compile(r"[^\W\d](?:[\w.\- ]{0,24}\w)?")
_NUMBER = re.compile(r"[\d\s.,:/+%-]*")

Row = tuple[int, list[str]]  # the line it starts on, and its cells


@dataclass(frozen=True)
class Table:
    """Rows of text, from whatever kind of file.

    Attributes:
        name: what ids and messages call it.
        rows: reads it from the beginning.
        has_header: whether the first row names the columns; None: nobody knows.
    """

    name: str
    rows: Callable[[], Iterator[Row]]
    has_header: bool | None = None


@dataclass(frozen=True)
class Layout:
    """Which columns of a table hold what; None where there is none."""

    has_header: bool
    turns: tuple[int, ...] = ()  # the columns of a row that are turns of one conversation
    extra: int | None = None  # what the first turn applies to, joined with it
    text: int | None = None  # or the one column that holds a turn in each row
    speaker: int | None = None
    conversation: int | None = None


def csv_table(file: TextFile) -> Table:
    """Returns a file of CSV or TSV as a table; nothing of it is read yet."""
    return Table(file.name, lambda: _csv_rows(file))


def read_table(table: Table, log: ReadingLog, chosen: Chosen = GUESSED) -> Iterator[Conversation]:
    """Yields the conversations of a table, in file order.

    A table without the chosen columns is read as if none were chosen, and the log holds what to
    tell if no other table has them.

    Raises:
        CorpusError: quotation marks do not match up, or there is no second column.
    """
    rows = _filled(table)
    sample = list(itertools.islice(rows, _SAMPLE_ROWS))
    layout = layout_of([cells for _, cells in sample if cells], table, log, chosen)
    _tell(layout, sample, table, chosen, log)
    body = itertools.islice(itertools.chain(sample, rows), int(layout.has_header), None)
    if layout.text is None:
        yield from _conversation_a_row(body, layout, table, log)
    else:
        yield from _turn_a_row(body, layout, table)


def first_rows(table: Table) -> list[list[str]]:
    """Returns the cells of the first rows that hold any."""
    return [cells for _, cells in itertools.islice(_filled(table), _SAMPLE_ROWS) if cells]


def layout_of(
    sample: Sequence[Sequence[str]], table: Table, log: ReadingLog, chosen: Chosen = GUESSED
) -> Layout:
    """Does as `find_layout`; a table without the chosen columns is read as if none were chosen.

    The log tells which tables those are, and whether any has the columns.
    """
    try:
        layout = find_layout(sample, table, chosen)
    except columns.UnknownColumnError as unknown:
        try:
            layout = find_layout(sample, table)
        except CorpusError:
            raise unknown from None
        log.unknown_columns.append(str(unknown))
        return layout
    log.has_columns |= any(chosen)
    return layout


def find_layout(sample: Sequence[Sequence[str]], table: Table, chosen: Chosen = GUESSED) -> Layout:
    """Tells from the first rows of a table which columns to read.

    Raises:
        CorpusError: there is one column, and nothing says that it holds turns; or there is none
            of a chosen name.
    """
    if any(chosen):
        return _chosen_layout(sample, table, chosen)
    header = list(sample[0]) if sample else []
    named = _named_layout(header)
    if named is not None and table.has_header is not False:
        return named
    has_header = _has_header(sample, table)
    texts = _text_columns(sample[1:] if has_header else sample)
    if len(texts) < 2:
        raise CorpusError(
            f"{table.name} has no second column of text, so nothing says what is a reply to what. "
            "Give it two columns, message and reply, or name its one column `turn`."
        )
    return Layout(has_header and len(header) > texts[-1], turns=(texts[0], texts[1]))


def column_names(sample: Sequence[Sequence[str]], table: Table) -> list[str]:
    """Returns a name for each column: what the header says, else its number from 1 on."""
    width = max(map(len, sample), default=0)
    header = sample[0] if sample and _has_header(sample, table) else []
    spelled = [" ".join(cell.split()) for cell in header]
    names = [*spelled, *[""] * (width - len(spelled))]
    return [n if n and names.index(n) == i else str(i + 1) for i, n in enumerate(names)]


def _chosen_layout(sample: Sequence[Sequence[str]], table: Table, chosen: Chosen) -> Layout:
    names = column_names(sample, table)
    has_header = _has_header(sample, table)
    cells = [" ".join(cell.split()) for cell in sample[0]] if sample else []
    if not has_header and any(name in cells for name in chosen if name):
        names, has_header = cells, True  # its look did not tell, but the person did
    message, reply = columns.chosen_of(chosen, names, table.name)
    if message is None or reply is None:
        other = message if reply is None else reply
        guessed = find_layout(sample, table).turns or tuple(range(len(names)))
        rest = next((place for place in guessed if place != other), None)
        message, reply = (rest if message is None else message, rest if reply is None else reply)
    if message is None or reply is None:
        raise CorpusError(f"{table.name} has no other column. Give it one more, of replies.")
    return Layout(has_header, turns=(message, reply))


def _has_header(sample: Sequence[Sequence[str]], table: Table) -> bool:
    if table.has_header is not None or not sample:
        return bool(table.has_header)
    return _named_layout(list(sample[0])) is not None or _looks_like_header(sample)


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
        extra = columns.input_beside(pair, header)
        return Layout(
            True,
            turns=(header.index(pair[0]), header.index(pair[1])),
            extra=None if extra is None else header.index(extra),
        )
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


def _looks_like_header(sample: Sequence[Sequence[str]]) -> bool:
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


def _tell(
    layout: Layout, sample: Sequence[Row], table: Table, chosen: Chosen, log: ReadingLog
) -> None:
    header = next((cells for _, cells in sample if cells), [])
    if any(chosen) or not layout.turns:
        return
    if layout.has_header and _named_layout(header) is None:
        names = " and ".join(repr(header[i]) for i in layout.turns)
        log.notes[f"{table.name}: the first row was taken as the names of columns {names}"] += 1
    if not layout.has_header and len(header) > 2:
        first, second = (i + 1 for i in layout.turns[:2])
        log.notes[f"{table.name}: of {len(header)} columns, {first} and {second} were read"] += 1


def _conversation_a_row(
    rows: Iterator[Row], layout: Layout, table: Table, log: ReadingLog
) -> Iterator[Conversation]:
    needed = max(layout.turns[:2])
    for number, cells in rows:
        if len(cells) > needed:
            texts = [cells[i] for i in layout.turns if i < len(cells)]
            texts[0] = columns.with_input(texts[0], _cell(cells, layout.extra))
            while len(texts) > 2 and not texts[-1].strip():
                texts.pop()
            yield Conversation(f"{table.name}:{number}", tuple(texts))
        elif any(cells):
            log.notes[f"{table.name}: rows without a reply column, skipped"] += 1


def _turn_a_row(rows: Iterator[Row], layout: Layout, table: Table) -> Iterator[Conversation]:
    """Rows of one conversation stand together; a blank row ends one where no column names it."""
    groups = itertools.groupby(_keyed(rows, layout), key=lambda keyed: keyed[0])
    for key, group in groups:
        turns = [(number, cells) for _, number, cells in group if cells]
        if not turns:
            continue
        id_ = key if layout.conversation is not None else str(turns[0][0])
        texts = tuple(_cell(cells, layout.text) for _, cells in turns)
        if layout.speaker is None:
            yield Conversation(f"{table.name}:{id_}", texts)
        else:
            speakers = tuple(_cell(cells, layout.speaker) for _, cells in turns)
            bot = columns.bot_among(speakers)
            yield Conversation(f"{table.name}:{id_}", texts, speakers, bot)


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


def _filled(table: Table) -> Iterator[Row]:
    """Yields the rows from the first on that holds anything."""
    return itertools.dropwhile(lambda row: not any(row[1]), table.rows())


def _csv_rows(file: TextFile) -> Iterator[Row]:
    file.check_lines()
    delimiter = _delimiter(file)
    quoting = _quoting(file, delimiter)
    with file.open() as text:
        reader = csv.reader(file.checked(text), delimiter=delimiter, quoting=quoting, strict=True)
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
            lines = itertools.islice(file.checked(text), file.lines + 1)
            for _ in csv.reader(lines, delimiter=delimiter, strict=True):
                pass
    except csv.Error as error:
        cut_inside = not file.is_whole and "unexpected end" in str(error)
        return csv.QUOTE_MINIMAL if cut_inside else csv.QUOTE_NONE
    return csv.QUOTE_MINIMAL
