"""The database behind the records: which one, how it is opened, its tables, its errors in one line.

SQLite in write-ahead mode or PostgreSQL, both through SQLAlchemy Core; several processes may use
one at the same time. Imports SQLAlchemy, so import this module only where it is needed. Knows
tables and no record.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, Engine, make_url

from chatbot.errors import ConfigError, StoreError

VERSION = 1  # of the tables; a database with a greater one is left alone
WAIT_SECONDS = 30  # for another writer, or for a connection
_CONNECT_SECONDS = 5
_SETUP_LOCK = 0x43484154  # any number, as long as no other program on that server takes it

_KNOWN = "Known are sqlite:///FILE and postgresql://USER:PASSWORD@HOST/DATABASE."

metadata = sql.MetaData()
_version = sql.Table(
    "chatbot_version",
    metadata,
    sql.Column("version", sql.Integer, primary_key=True, autoincrement=False),
)


def _records(name: str, *columns: sql.Column[Any]) -> sql.Table:
    number = sql.Column("id", sql.Integer, primary_key=True)
    created = sql.Column("created", sql.Double, nullable=False)  # seconds since 1970
    return sql.Table(name, metadata, number, *columns, created)


def _text(name: str, **options: Any) -> sql.Column[str]:
    return sql.Column(name, sql.Text, nullable=False, **options)


ratings = _records(
    "chatbot_ratings",
    _text("model"),
    _text("history"),  # turns as JSON, oldest first
    _text("reply"),
    sql.Column("good", sql.Boolean, nullable=False),
)
corrections = _records(
    "chatbot_corrections",
    _text("model"),
    _text("history"),
    _text("reply"),
    _text("better"),
    _text("status", index=True),
    _text("used_by"),
)
votes = _records(
    "chatbot_votes",
    _text("first"),
    _text("second"),
    _text("history"),
    _text("first_reply"),
    _text("second_reply"),
    _text("verdict"),
)
visits = sql.Table(
    "chatbot_visits",
    metadata,
    sql.Column("session", sql.Text, primary_key=True),
    sql.Column("seen", sql.Double, nullable=False, index=True),
)


def read_url(text: str) -> URL:
    """Returns the URL of a database, with the driver that this program uses.

    Raises:
        ConfigError: it is no URL of a kind that this program knows.
    """
    try:
        url = make_url(text)
    except (exc.ArgumentError, ValueError):
        raise ConfigError(f"The URL of the records cannot be read. {_KNOWN}") from None
    if url.drivername == "sqlite" and _is_plain_file(url):
        return url.set(drivername="sqlite+pysqlite")
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    raise ConfigError(f"Records cannot be kept in {url.drivername[:40]!r} like that. {_KNOWN}")


def _is_plain_file(url: URL) -> bool:
    name = url.database or ":memory:"
    return not url.query and not name.startswith((":memory:", "file:"))


def sqlite_url(path: Path) -> URL:
    """Returns the URL of a file."""
    return URL.create("sqlite+pysqlite", database=str(path))


class Database:
    """Opens connections; the first one makes the tables."""

    def __init__(self, url: URL) -> None:
        """Takes what `read_url` or `sqlite_url` gave. Connects to nothing yet.

        Raises:
            ConfigError: the driver is not installed.
        """
        self._url, self._ready, self._setup = url, False, threading.Lock()
        self._is_file = url.get_backend_name() == "sqlite"
        self._engine = _file_engine(url) if self._is_file else _server_engine(url)

    @contextlib.contextmanager
    def begin(self) -> Iterator[Connection]:
        """Gives a transaction, kept at the end of the block and undone on an error.

        Raises:
            StoreError: what hinders it, in one line.
        """
        try:
            self._make_ready()
            with self._engine.begin() as connection:
                yield connection
        except (exc.DBAPIError, exc.TimeoutError, OSError) as error:
            raise StoreError(self._told(error)) from None

    def upsert(self, table: sql.Table, key: str, values: Mapping[str, Any]) -> sql.Executable:
        """Returns the statement that adds a row, or changes the one with the same key."""
        insert = sqlite.insert if self._is_file else postgresql.insert
        added: Any = insert(table).values(**values)
        return added.on_conflict_do_update(index_elements=[key], set_=dict(values))  # type: ignore[no-any-return]

    def close(self) -> None:
        """Closes all connections; the next use opens new ones."""
        self._engine.dispose()

    # --- the tables ------------------------------------------------------------------------

    def _make_ready(self) -> None:
        with self._setup:
            if not self._ready:
                if self._is_file:
                    _make_private_file(Path(self._url.database or ""))
                _patiently(self._make_tables)
                self._ready = True

    def _make_tables(self) -> None:
        with self._engine.begin() as connection:
            if not self._is_file:  # two that create a table at once would trip over each other
                connection.execute(sql.select(sql.func.pg_advisory_xact_lock(_SETUP_LOCK)))
            connection.execute(sql.schema.CreateTable(_version, if_not_exists=True))
            found = connection.scalar(sql.select(sql.func.max(_version.c.version)))
            if found is not None and found > VERSION:
                raise StoreError(
                    f"The records in {self._name()} were made by a newer version of this program. "
                    "Update the program, or name another place with --store."
                )
            for statement in _statements():
                connection.execute(statement)
            if found is None:
                connection.execute(self.upsert(_version, "version", {"version": VERSION}))

    # --- what goes wrong -------------------------------------------------------------------

    def _name(self) -> str:
        if self._is_file:
            return self._url.database or ""
        return f"{self._url.host or 'localhost'}/{self._url.database or ''}"

    def _told(self, error: Exception) -> str:
        if isinstance(error, exc.TimeoutError):
            return "Too many are writing records at once. Try again in a moment."
        cause = error.orig if isinstance(error, exc.DBAPIError) else error
        reason = _file_reason(cause) if self._is_file else self._server_reason(cause)
        return f"The records in {self._name()} cannot be used: {reason}"

    def _server_reason(self, cause: object) -> str:
        said = " ".join(str(cause).split())[:300].rstrip(".")
        for password in (self._url.password, self._url.query.get("password")):
            said = said.replace(str(password), "***") if password else said
        return f"{said}. Check that PostgreSQL runs there, and the URL given to --store."


# --- engines ------------------------------------------------------------------------------------


def _file_engine(url: URL) -> Engine:
    """Returns an engine whose writers take the lock at once, so that none gives up half-way."""
    options = {"timeout": WAIT_SECONDS, "isolation_level": "IMMEDIATE"}
    engine = sql.create_engine(url, connect_args=options, **_pool(16))
    sql.event.listen(engine, "connect", _set_up_file)
    return engine


def _server_engine(url: URL) -> Engine:
    options = {"connect_timeout": _CONNECT_SECONDS}
    try:
        return sql.create_engine(url, connect_args=options, pool_pre_ping=True, **_pool(5))
    except ImportError:
        raise ConfigError(
            "Records in PostgreSQL need a driver that is not installed. "
            'Install it: pip install "psycopg[binary]".'
        ) from None


def _pool(size: int) -> dict[str, Any]:
    return {"pool_size": size, "max_overflow": 0, "pool_timeout": WAIT_SECONDS}


def _set_up_file(connection: sqlite3.Connection, _: object) -> None:
    """Readers and a writer do not wait for each other; what was kept survives a power cut."""
    connection.execute("PRAGMA journal_mode=WAL").close()
    connection.execute("PRAGMA synchronous=FULL").close()


def _make_private_file(path: Path) -> None:
    """Makes an empty file that nobody else on the machine can read, as visitors speak in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _patiently(work: Callable[[], None]) -> None:
    """Repeats `work` while another process sets the same file up, where SQLite does not wait."""
    end = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return work()
        except exc.OperationalError as error:
            if not _is_busy(error.orig) or time.monotonic() > end:
                raise
            time.sleep(0.05)


def _statements() -> Sequence[sql.schema.ExecutableDDLElement]:
    tables = [table for table in metadata.sorted_tables if table is not _version]
    indexes = [index for table in tables for index in sorted(table.indexes, key=_index_name)]
    return [
        *(sql.schema.CreateTable(table, if_not_exists=True) for table in tables),
        *(sql.schema.CreateIndex(index, if_not_exists=True) for index in indexes),
    ]


def _index_name(index: sql.Index) -> str:
    return str(index.name)


# --- what SQLite says ---------------------------------------------------------------------------

_FILE_REASONS = {
    "SQLITE_FULL": "the disk is full. Free some space and try again.",
    "SQLITE_READONLY": "they may not be written. Allow writing to the file and its folder.",
    "SQLITE_CANTOPEN": "the file cannot be opened. Allow writing to it and to its folder.",
    "SQLITE_PERM": "the file cannot be opened. Allow writing to it and to its folder.",
    "SQLITE_NOTADB": "the file holds something else. Move it away, or name another with --store.",
    "SQLITE_CORRUPT": "the file is damaged. Move it away, or put a copy of it in its place.",
    "SQLITE_BUSY": "another program keeps them locked. Close it, or try again in a moment.",
    "SQLITE_IOERR": "the disk fails or is full. Free some space, or name another with --store.",
}


def _file_reason(cause: object) -> str:
    if isinstance(cause, OSError):
        return f"{cause.strerror or cause}. Allow writing there, or name another file with --store."
    name = _error_name(cause)
    for beginning, reason in _FILE_REASONS.items():
        if name.startswith(beginning):
            return reason
    return f"{' '.join(str(cause).split())[:200]}. Name another file with --store."


def _is_busy(cause: object) -> bool:
    return _error_name(cause).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _error_name(cause: object) -> str:
    return str(getattr(cause, "sqlite_errorname", ""))
