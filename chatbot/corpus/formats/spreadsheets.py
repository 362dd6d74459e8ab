"""Excel workbooks (.xlsx) and Parquet files as tables, read row by row.

Knows nothing of conversations. Both libraries are imported where they are needed.
"""

from __future__ import annotations

import datetime
import itertools
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chatbot.corpus.formats import columns
from chatbot.corpus.formats.json_records import Record
from chatbot.corpus.formats.tables import Row, Table
from chatbot.corpus.textfile import printable
from chatbot.errors import CorpusError

WORKBOOK_PART = "xl/workbook.xml"
_MAX_UNPACKED = 512 * 1024**2  # bytes of a workbook; its texts lie in memory
_MAX_RATIO = 200  # of unpacked to packed; a sheet reaches 10 to 30, a bomb 1000
_RATIO_MATTERS_FROM = 64 * 1024**2  # bytes
_ROWS_AT_ONCE = 1000
_TITLE_ROWS = 50  # at most, above the table


def excel_table(path: Path, name: str) -> Table:
    """Returns the first sheet of a workbook that holds a table; hidden sheets are passed over.

    Raises:
        CorpusError: it unpacks to too much.
    """
    _refuse_bomb(path, name)
    return Table(name, lambda: _sheet_rows(path, name))


def parquet_table(path: Path, name: str) -> Table:
    """Returns a Parquet file as a table, read by groups of rows.

    Raises:
        CorpusError: it is damaged.
    """
    with _telling_damage(name, "Parquet file"):
        names = _parquet(path).schema_arrow.names
    return Table(name, lambda: itertools.chain([(0, names)], _parquet_rows(path, name)), True)


def holds_conversations(path: Path, name: str) -> bool:
    """Tells a Parquet file in which one row is a whole conversation, such as OpenAI's messages.

    Raises:
        CorpusError: it is damaged.
    """
    from pyarrow import types

    with _telling_damage(name, "Parquet file"):
        fields = list(_parquet(path).schema_arrow)
    lists = [f.name for f in fields if types.is_list(f.type) or types.is_large_list(f.type)]
    names = [f.name for f in fields]
    replies = columns.pair_names(names) or columns.first_of(columns.REPLIES, names)
    return any(turns in lists for turns in columns.TURN_LISTS) or (
        "history" in lists and replies is not None
    )


def parquet_records(path: Path, name: str) -> Iterator[Record]:
    """Yields each row as a record, as if it were a line of JSONL.

    Raises:
        CorpusError: it is damaged.
    """
    for number, row in enumerate(_parquet_values(path, name), start=1):
        yield Record(row, f"{name}:{number}", f"{name} row {number}")


def _refuse_bomb(path: Path, name: str) -> None:
    with _telling_damage(name, "Excel workbook"), zipfile.ZipFile(path) as archive:
        unpacked = sum(part.file_size for part in archive.infolist())
    suspicious = unpacked > _RATIO_MATTERS_FROM and unpacked > _MAX_RATIO * path.stat().st_size
    if suspicious or unpacked > _MAX_UNPACKED:
        raise CorpusError(
            f"{name} unpacks to {unpacked >> 20} MB, too much for a workbook of conversations. "
            "Save the sheet with the conversations as CSV, or split it."
        )


def _sheet_rows(path: Path, name: str) -> Iterator[Row]:
    import openpyxl

    with _telling_damage(name, "Excel workbook"), path.open("rb") as file:
        with warnings.catch_warnings():  # of styles and features that no text needs
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        try:
            visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
            tables = map(_from_first_row, visible or book.worksheets)
            yield from next(filter(None, tables), iter(()))
        finally:
            book.close()


def _from_first_row(sheet: Any) -> Iterator[Row] | None:
    """Returns the rows of a sheet without what stands above the table; None: it is empty."""
    sheet.reset_dimensions()  # what a file claims of its size may be anything
    rows = enumerate(_in_blocks(sheet.iter_rows(values_only=True)), start=1)
    texts = ((number, [_cell(value) for value in row]) for number, row in rows)
    head = list(itertools.islice(texts, _TITLE_ROWS))
    filled = [sum(map(bool, cells)) for _, cells in head]
    start = next((i for i, count in enumerate(filled) if count > 1), None)
    if start is None:
        return itertools.chain(head, texts) if any(filled) else None
    return itertools.chain(head[start:], texts)


def _in_blocks(rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Yields rows, reading many at a time without the warnings that openpyxl gives on the way."""
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            block = list(itertools.islice(rows, _ROWS_AT_ONCE))
        if not block:
            return
        yield from block


def _parquet(path: Path) -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetFile(path)


def _parquet_rows(path: Path, name: str) -> Iterator[Row]:
    rows = enumerate(_parquet_values(path, name), start=1)
    return ((number, [_cell(value) for value in row.values()]) for number, row in rows)


def _parquet_values(path: Path, name: str) -> Iterator[Mapping[str, Any]]:
    with _telling_damage(name, "Parquet file"):
        file = _parquet(path)
        _refuse_large_groups(file.metadata, path, name)
        for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE):
            yield from map(_decoded, batch.to_pylist())


def _decoded(value: Any) -> Any:
    """Returns a value with its text as text: some programs write it as plain bytes."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if isinstance(value, dict):
        return {name: _decoded(item) for name, item in value.items()}
    return value


def _refuse_large_groups(metadata: Any, path: Path, name: str) -> None:
    groups = (metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    largest = max(groups, default=0)
    if largest > _MAX_UNPACKED and largest > _MAX_RATIO * path.stat().st_size:
        raise CorpusError(
            f"{name} unpacks to more than {largest >> 20} MB at once, too much for a corpus. "
            "Check that it is the right file, or save its columns of text alone."
        )


def _cell(value: Any) -> str:
    """Returns a cell as text: whole numbers without a point, days without a time."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return str(value)


@contextmanager
def _telling_damage(name: str, kind: str) -> Iterator[None]:
    try:
        yield
    except (CorpusError, GeneratorExit):
        raise
    except Exception as error:  # a damaged file leads the libraries to errors of every kind
        reason = printable(" ".join(str(error).split())[:100]).rstrip(".") or type(error).__name__
        raise CorpusError(
            f"{name} is a damaged {kind}: {reason}. "
            "Open it in the program that made it and save it again, or save it as CSV."
        ) from None
