"""A file or folder in any known format -> conversations. Tells the formats apart.

The formats themselves live in formats/, one module for each family. What a file holds decides,
then its ending. Knows nothing of pairs.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chatbot.corpus.formats import (
    columns,
    cornell,
    discord,
    json_records,
    messenger,
    parallel,
    plain_text,
    qq,
    spreadsheets,
    telegram,
    whatsapp,
)
from chatbot.corpus.formats.columns import GUESSED, Chosen
from chatbot.corpus.formats.json_records import Record
from chatbot.corpus.formats.tables import Table, csv_table, read_table
from chatbot.corpus.formats.yaml_corpora import read_yaml
from chatbot.corpus.records import Conversation, ReadingLog
from chatbot.corpus.textfile import TextFile, examine, first_bytes, is_folder, printable
from chatbot.errors import CorpusError

# What a format is called on the terminal and the page.
FORMATS = {
    "whatsapp": "WhatsApp chat",
    "telegram": "Telegram chat",
    "discord": "Discord channel",
    "messenger": "Messenger chat",
    "qq": "QQ chat",
    "csv": "table of text (CSV or TSV)",
    "excel": "Excel workbook",
    "parquet": "Parquet table",
    "jsonl": "JSON, one record a line",
    "json": "JSON",
    "yaml": "YAML corpus",
    "parallel": "two parallel files",
    "cornell": "Cornell movie dialogues",
    "dailydialog": "DailyDialog",
    "personachat": "Persona-Chat",
    "conv": "xiaohuangji conversations",
    "text": "plain text, one turn a line",
    "folder": "folder",
}
_TABLES = (".csv", ".tsv", ".tab")
_JSON = (".json", ".jsonl", ".ndjson")
_YAML = (".yml", ".yaml")
_SHEETS = (".xlsx", ".xlsm", ".parquet")
_ENDINGS = (*_TABLES, *_JSON, *_YAML, *_SHEETS, ".txt", ".text", ".conv")
_NO_CORPUS = re.compile(
    r"_*(readme|licen[cs]e|notice|changelog|contributing|authors|about|references|requirements)",
    re.IGNORECASE,
)
_LINES_FILE, _CONVERSATIONS_FILE = "movie_lines", "movie_conversations"
_BEGINNING = 1 << 16  # characters in which a JSON export shows whose it is

Examine = Callable[[Path, str], TextFile]


@dataclass(frozen=True)
class Recognised:
    """A file of a known format.

    Attributes:
        format: a key of `FORMATS`.
        read: reads its conversations, from the beginning.
        table: its rows, where it is a table in which columns can be chosen.
        records: its records, where it is JSON in which fields can be chosen.
    """

    format: str
    read: Callable[[ReadingLog], Iterator[Conversation]]
    table: Table | None = None
    records: Callable[[], Iterator[Record]] | None = None


def read_conversations(
    path: Path, log: ReadingLog | None = None, chosen: Chosen = GUESSED
) -> Iterator[Conversation]:
    """Yields the conversations of a file, plain or gzip, or of all files in a folder.

    Args:
        path: the format is told by content and name; naming one of two files that belong
            together (messages and replies, Cornell's lines and conversations) reads both.
        log: receives what was skipped or guessed on the way.
        chosen: which columns of tables, or fields of JSON records, hold message and reply.
    Raises:
        CorpusError: naming the file, and the line where there is one; also when a file or a
            whole folder holds no conversation.
    """
    kept = log if log is not None else ReadingLog()
    found = False
    for file in recognised_files(path, kept, chosen):
        for conversation in file.read(kept):
            found = True
            yield conversation
    if not found:
        raise CorpusError(
            f"{printable(path)} holds no conversation that can be read{_skipped(kept)}. "
            "Check that this is the right place; README.md lists the formats."
        )


def recognised_files(
    path: Path, log: ReadingLog, chosen: Chosen = GUESSED, examine: Examine = examine
) -> Iterator[Recognised]:
    """Yields the file, or each one of a folder, with its format; partners come together.

    Args:
        path: a file or folder.
        log: receives the files of a folder that are no corpus.
        chosen: as for `read_conversations`.
        examine: how far files are read to know them, `textfile.examine` or `peek`.
    Raises:
        CorpusError: a file cannot be read, or is of no known format.
    """
    if not is_folder(path):
        yield recognise(path, path.name, chosen, examine)
        return
    done = set[Path]()
    for file in _files_in(path):
        if file in done or (file.name.startswith(_LINES_FILE) and _cornell_partner(file)):
            continue
        if not _may_be_corpus(file):
            log.skipped_files.append(printable(file.relative_to(path).as_posix()))
            continue
        done.update(_partners(file) or ())
        yield recognise(file, file.relative_to(path).as_posix(), chosen, examine)


def recognise(path: Path, name: str, chosen: Chosen, examine: Examine) -> Recognised:
    """Returns a file with its format, told by its bytes, then by its lines, then by its ending.

    Raises:
        CorpusError: it cannot be read, or is of no known format.
    """
    partners = _partners(path)
    if partners is not None:
        source, target = (examine(part, _beside(name, part)) for part in partners)
        return Recognised("parallel", lambda _: parallel.read_parallel(source, target))
    sheet = _spreadsheet(path, printable(name), chosen)
    if sheet is not None:
        return sheet
    file = examine(path, name)
    ending = _ending(path)
    head = [stripped for line in file.head() if (stripped := line.strip())]
    _refuse_web_page(file, head)
    chat = _chat(file, head)
    if chat is not None:
        return chat
    if ending in _TABLES:
        return _table("csv", csv_table(file), chosen)
    if ending in _YAML:
        return Recognised("yaml", lambda log: read_yaml(file, log))
    if head and (ending in _JSON or _starts_like_json(head[0])):
        return _json(file, head, chosen)
    return _lines(file, head, chosen, examine)


def _ending(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).suffix.lower()


def _spreadsheet(path: Path, name: str, chosen: Chosen) -> Recognised | None:
    """Tells workbooks and Parquet files by their first bytes; None: it is something else."""
    start = first_bytes(path, 8)
    if start.startswith(b"PAR1"):
        if spreadsheets.holds_conversations(path, name) and not any(chosen):
            rows = spreadsheets.parquet_records
            return Recognised(
                "parquet", lambda log: json_records.read_records(rows(path, name), log)
            )
        return _table("parquet", spreadsheets.parquet_table(path, name), chosen)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise CorpusError(
            f"{name} is an old Office document (.xls), or one with a password. Open it in Excel or "
            "LibreOffice and save it as .xlsx without a password, or as CSV."
        )
    if start.startswith(b"PK\x03\x04") and _is_workbook(path):
        return _table("excel", spreadsheets.excel_table(path, name), chosen)
    return None


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return spreadsheets.WORKBOOK_PART in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return _ending(path) in (".xlsx", ".xlsm")  # and damaged


def _table(format_: str, table: Table, chosen: Chosen) -> Recognised:
    return Recognised(format_, lambda log: read_table(table, log, chosen), table=table)


def _refuse_web_page(file: TextFile, head: Sequence[str]) -> None:
    """Raises CorpusError for what messengers export beside the form that is read here."""
    first = head[0].lstrip("\ufeff").lower() if head else ""
    if first.startswith(("<!doctype html", "<html", "<?xml", "from: <save by", "mime-version:")):
        raise CorpusError(
            f"{file.name} is a web page, not text. Export the chat again: from Telegram, Discord "
            "and Messenger as JSON, from QQ and WhatsApp as text."
        )


def _chat(file: TextFile, head: Sequence[str]) -> Recognised | None:
    """Tells the exports of messengers, whatever they are called."""
    if qq.is_qq(head):
        return Recognised("qq", lambda log: qq.read_qq(file, log))
    if whatsapp.is_whatsapp(head):
        return Recognised("whatsapp", lambda log: whatsapp.read_whatsapp(file, log))
    if not head or not head[0].startswith("{"):
        return None
    beginning = file.beginning(_BEGINNING)
    if discord.is_discord(beginning):
        return Recognised("discord", lambda log: discord.read_discord(file, log))
    if telegram.is_telegram(beginning):
        return Recognised("telegram", lambda log: telegram.read_telegram(file, log))
    if messenger.is_messenger(beginning):
        return Recognised("messenger", lambda log: messenger.read_messenger(file, log))
    return None


def _skipped(log: ReadingLog) -> str:
    names = ", ".join(log.skipped_files[:5])
    return f" (skipped: {names})" if names else ""


def _files_in(folder: Path) -> Iterator[Path]:
    """Yields files in order of their names, without hidden ones; links to folders are left."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(names) if not name.startswith("."))


def _may_be_corpus(path: Path) -> bool:
    if _NO_CORPUS.match(path.name):
        return False
    return path.name.removesuffix(".gz").lower().endswith(_ENDINGS) or _partners(path) is not None


def _partners(path: Path) -> tuple[Path, Path] | None:
    """Returns the files of messages and of replies that `path` is one of, if both exist."""
    replies, messages = parallel.partner_names(path.name)
    for name in replies:
        if path.with_name(name).is_file():
            return path, path.with_name(name)
    for name in messages:
        if path.with_name(name).is_file():
            return path.with_name(name), path
    return None


def _beside(name: str, path: Path) -> str:
    return Path(name).with_name(path.name).as_posix()


def _starts_like_json(first: str) -> bool:
    return first in ("[", "{") or first.startswith(("[[", "[{", '["', '{"'))


def _json(file: TextFile, head: Sequence[str], chosen: Chosen) -> Recognised:
    """Reads line by line where the ending says so or the first line of several is a record."""
    named_so = file.path.name.removesuffix(".gz").lower().endswith((".jsonl", ".ndjson"))
    by_lines = (named_so and head[0] not in ("[", "{")) or (
        len(head) > 1 and json_records.looks_like_jsonl(head[0])
    )
    records = json_records.jsonl_records if by_lines else json_records.json_records
    return Recognised(
        "jsonl" if by_lines else "json",
        lambda log: json_records.read_records(records(file), log, chosen),
        records=lambda: records(file),
    )


def _lines(file: TextFile, head: list[str], chosen: Chosen, examine: Examine) -> Recognised:
    if any(cornell.MARK in line for line in head):
        return Recognised("cornell", lambda log: _read_cornell(file, log, examine))
    if plain_text.is_dailydialog(head):
        return Recognised("dailydialog", lambda _: plain_text.read_dailydialog(file))
    if plain_text.is_personachat(head):
        return Recognised("personachat", lambda _: plain_text.read_personachat(file))
    if plain_text.is_conv(head):
        return Recognised("conv", lambda _: plain_text.read_conv(file))
    if head and (all("\t" in line for line in head) or _names_a_pair(head[0])):
        return _table("csv", csv_table(file), chosen)
    return Recognised("text", lambda _: plain_text.read_turns(file))


def _names_a_pair(first: str) -> bool:
    """Tells a table that is called .txt by the names of its columns."""
    cells = [[cell.strip(' "') for cell in first.split(mark)] for mark in ",;|"]
    return any(columns.pair_names(names) is not None for names in cells)


def _read_cornell(file: TextFile, log: ReadingLog, examine: Examine) -> Iterator[Conversation]:
    other = _cornell_partner(file.path)
    if other is None:
        of_lines = file.path.name.startswith(_LINES_FILE)
        lacking = _CONVERSATIONS_FILE if of_lines else _LINES_FILE
        raise CorpusError(
            f"{file.name} is one half of the Cornell movie dialogues: {lacking}.txt is missing "
            f"in {printable(file.path.parent)}. Put both files into one folder."
        )
    partner = examine(other, _beside(file.name, other))
    if file.path.name.startswith(_LINES_FILE):
        return cornell.read_cornell(partner, file, log)
    return cornell.read_cornell(file, partner, log)


def _cornell_partner(path: Path) -> Path | None:
    """Returns the file of conversations beside one of lines, or the other way, if it is there."""
    of_lines = path.name.startswith(_LINES_FILE)
    wanted = _CONVERSATIONS_FILE if of_lines else _LINES_FILE
    found = [p for p in path.parent.glob(f"{wanted}*") if p.is_file()]
    return min(found, key=lambda p: (len(p.name), p.name), default=None)
