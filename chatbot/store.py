"""The owner's records: corrections, ratings, votes, visits.

They last, and several processes may write at once. Importing this is cheap, since the database
behind it is opened at the first use. Knows no page and no training.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from chatbot.errors import StoreError
from chatbot.files import home

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Connection

    from chatbot.database import Database

Status = Literal["waiting", "accepted", "rejected", "used"]
Verdict = Literal["first", "equal", "second"]
Kind = Literal["corrections", "votes", "ratings"]

MAX_TURNS = 32  # of a history; the last ones are kept
MAX_CHARACTERS = 4000  # of a text
MAX_WAITING = 10_000  # corrections; more than anybody reviews, and some 10 MB
_NAME_CHARACTERS = 100
_CHUNK = 500  # rows in one statement
_VISITS_KEPT = 90 * 24 * 60 * 60.0  # seconds


@dataclass(frozen=True)
class Correction:
    """A reply that somebody found wrong, and what it should have been.

    Attributes:
        id: its number.
        model: which bot replied.
        history: the turns before the reply, oldest first; the last is the message replied to.
        reply: what the bot said.
        better: what it should have said.
        status: waiting for the owner's review, accepted, rejected, or used in a training.
        created: when, in UTC.
        used_by: the model that learned it; empty before that.
    """

    id: int
    model: str
    history: tuple[str, ...]
    reply: str
    better: str
    status: Status
    created: datetime
    used_by: str = ""


@dataclass(frozen=True)
class VoteCount:
    """How often each of two models gave the better reply; `first` comes first in the alphabet."""

    first: str
    second: str
    first_better: int
    equal: int
    second_better: int


@dataclass(frozen=True)
class RatingCount:
    """How many replies of a model got a thumb up, and how many a thumb down."""

    model: str
    good: int
    bad: int


class Store:
    """The records. All methods may be called from any thread and raise StoreError in one line."""

    def __init__(self, url: URL | None = None) -> None:
        """Takes a database; see `open`."""
        self._url, self._opening = url, threading.Lock()
        self._database: Database | None = None

    @classmethod
    def open(cls, url: str | None = None) -> Store:
        """Returns the records at `url`, by default those in `records.db` at `home()`.

        Nothing is connected before the first use; see `check`.

        Raises:
            ConfigError: the URL cannot be read, or its driver is not installed.
        """
        if url is None:
            return cls()
        from chatbot.database import read_url

        store = cls(read_url(url))
        store._opened()
        return store

    def check(self) -> None:
        """Connects, and makes the tables where there are none.

        Raises:
            StoreError: what hinders it, in one line.
        """
        with self._begin():
            pass

    def close(self) -> None:
        """Closes all connections; the next use opens new ones."""
        if self._database is not None:
            self._database.close()

    # --- ratings ---------------------------------------------------------------------------

    def add_rating(self, model: str, history: Sequence[str], reply: str, good: bool) -> int:
        """Keeps a thumb; returns its number."""
        return self._add("ratings", **_exchange(model, history, reply), good=good)

    def ratings(self) -> list[RatingCount]:
        """Returns how each model was rated, in the order of the alphabet."""
        import sqlalchemy as sql

        from chatbot.database import ratings

        counted = sql.select(ratings.c.model, ratings.c.good, sql.func.count())
        counts: dict[str, dict[bool, int]] = {}
        for model, good, count in self._rows(counted.group_by(ratings.c.model, ratings.c.good)):
            counts.setdefault(model, {})[bool(good)] = count
        return [
            RatingCount(model, got.get(True, 0), got.get(False, 0))
            for model, got in sorted(counts.items())
        ]

    # --- corrections -----------------------------------------------------------------------

    def add_correction(self, model: str, history: Sequence[str], reply: str, better: str) -> int:
        """Keeps a better reply, which then waits for review; returns its number.

        Raises:
            StoreError: too many wait already.
        """
        if self.correction_counts()["waiting"] >= MAX_WAITING:
            raise StoreError(
                f"{MAX_WAITING:,} corrections wait for review already, so no more are kept. "
                "Review some, or reject them, under Corrections."
            )
        texts = {**_exchange(model, history, reply), "better": _clean(better)}
        return self._add("corrections", **texts, status="waiting", used_by="")

    def corrections(
        self, status: Status | None = None, limit: int | None = None
    ) -> list[Correction]:
        """Returns corrections, the oldest first; all of them by default."""
        import sqlalchemy as sql

        from chatbot.database import corrections

        query = sql.select(corrections).order_by(corrections.c.id).limit(limit)
        if status is not None:
            query = query.where(corrections.c.status == status)
        return [_correction(row._mapping) for row in self._rows(query)]

    def correction(self, id: int) -> Correction:
        """Returns one correction.

        Raises:
            StoreError: there is none with this number.
        """
        import sqlalchemy as sql

        from chatbot.database import corrections

        for row in self._rows(sql.select(corrections).where(corrections.c.id == int(id))):
            return _correction(row._mapping)
        raise _no_correction(id)

    def correction_counts(self) -> dict[Status, int]:
        """Returns how many corrections there are of each status."""
        import sqlalchemy as sql

        from chatbot.database import corrections

        query = sql.select(corrections.c.status, sql.func.count()).group_by(corrections.c.status)
        found = dict(map(tuple, self._rows(query)))
        return {status: found.get(status, 0) for status in get_args(Status)}

    def review(self, id: int, status: Status, better: str | None = None) -> None:
        """Accepts or rejects a correction, or lets it wait again; `better` replaces its text.

        One that was used may be accepted again, for another training.

        Raises:
            StoreError: there is none with this number.
        """
        if status not in ("waiting", "accepted", "rejected"):
            raise ValueError(f"a review ends in no status {status!r}")
        changes = {"status": status, "used_by": ""}
        if better is not None:
            changes["better"] = _clean(better)
        if not self._change_corrections([id], changes):
            raise _no_correction(id)

    def mark_used(self, ids: Sequence[int], model: str) -> int:
        """Notes which model learns these corrections; returns how many of them there are."""
        return self._change_corrections(ids, {"status": "used", "used_by": _name(model)})

    def take_back(self, model: str) -> int:
        """Accepts the corrections again that a training of this name used; returns how many."""
        used = [c.id for c in self.corrections("used") if c.used_by == _name(model)]
        return self._change_corrections(used, {"status": "accepted", "used_by": ""})

    def _change_corrections(self, ids: Sequence[int], changes: Mapping[str, str]) -> int:
        import sqlalchemy as sql

        from chatbot.database import corrections

        changed = 0
        with self._begin() as connection:
            for chunk in _chunks(sorted(map(int, ids))):
                these = sql.update(corrections).where(corrections.c.id.in_(chunk))
                changed += connection.execute(these.values(**changes)).rowcount
        return changed

    # --- votes -----------------------------------------------------------------------------

    def add_vote(
        self,
        first: str,
        second: str,
        history: Sequence[str],
        first_reply: str,
        second_reply: str,
        verdict: Verdict,
    ) -> int:
        """Keeps which of two models replied better; returns the vote's number."""
        if verdict not in get_args(Verdict):
            raise ValueError(f"no verdict: {verdict!r}")
        return self._add(
            "votes",
            first=_name(first),
            second=_name(second),
            history=_turns(history),
            first_reply=_clean(first_reply),
            second_reply=_clean(second_reply),
            verdict=verdict,
        )

    def votes(self) -> list[VoteCount]:
        """Returns the votes by pair of models, whichever of them stood on the left."""
        import sqlalchemy as sql

        from chatbot.database import votes

        columns = votes.c.first, votes.c.second, votes.c.verdict
        counted = sql.select(*columns, sql.func.count()).group_by(*columns)
        counts: dict[tuple[str, str], dict[str, int]] = {}
        for first, second, verdict, count in self._rows(counted):
            if first > second:
                first, second, verdict = second, first, _TURNED_ROUND[verdict]
            pair = counts.setdefault((first, second), dict.fromkeys(get_args(Verdict), 0))
            pair[verdict] += count
        return [
            VoteCount(*pair, got["first"], got["equal"], got["second"])
            for pair, got in sorted(counts.items())
        ]

    # --- visits ----------------------------------------------------------------------------

    def add_visit(self, session: str) -> None:
        """Notes that a visitor is here now; of the session's name only a digest is kept."""
        import sqlalchemy as sql

        from chatbot.database import visits

        now = time.time()
        digest = hashlib.sha256(session.encode(errors="replace")).hexdigest()[:32]
        with self._begin() as connection:
            values = {"session": digest, "seen": now}
            connection.execute(self._opened().upsert(visits, "session", values))
            connection.execute(sql.delete(visits).where(visits.c.seen < now - _VISITS_KEPT))

    def visitors(self, since_seconds: float) -> int:
        """Returns how many visitors were here in the last so many seconds (90 days at most)."""
        import sqlalchemy as sql

        from chatbot.database import visits

        recent = visits.c.seen >= time.time() - since_seconds
        query = sql.select(sql.func.count()).select_from(visits).where(recent)
        return int(self._rows(query)[0][0])

    # --- export ----------------------------------------------------------------------------

    def export(self, kind: Kind, path: Path | str) -> int:
        """Writes records as JSONL; returns how many.

        Corrections are a corpus to train on, of those that the owner accepted (used ones too).
        Votes and ratings are none on purpose, as they hold replies that nobody approved.

        Raises:
            StoreError: the records cannot be read or the file cannot be written.
        """
        return _write_lines(Path(path), self._exported(kind))

    def _exported(self, kind: Kind) -> Iterator[Mapping[str, Any]]:
        import sqlalchemy as sql

        from chatbot import database

        if kind == "corrections":
            reviewed = (c for c in self.corrections() if c.status in ("accepted", "used"))
            yield from map(training_record, reviewed)
            return
        table = {"votes": database.votes, "ratings": database.ratings}[kind]
        for row in self._rows(sql.select(table).order_by(table.c.id)):
            yield _record(row._mapping)

    # --- what they have in common ----------------------------------------------------------

    def _opened(self) -> Database:
        with self._opening:
            if self._database is None:
                from chatbot.database import Database, sqlite_url

                self._database = Database(self._url or sqlite_url(home() / "records.db"))
            return self._database

    def _begin(self) -> AbstractContextManager[Connection]:
        return self._opened().begin()

    def _rows(self, query: Any) -> Sequence[Any]:
        with self._begin() as connection:
            return connection.execute(query).all()

    def _add(self, table: str, **values: Any) -> int:
        import sqlalchemy as sql

        from chatbot.database import metadata

        there = metadata.tables[f"chatbot_{table}"]
        adding = sql.insert(there).values(**values, created=time.time()).returning(there.c.id)
        with self._begin() as connection:
            return int(connection.execute(adding).scalar_one())


_TURNED_ROUND = {"first": "second", "equal": "equal", "second": "first"}


def training_record(correction: Correction) -> dict[str, Any]:
    """Returns a correction as a conversation that the corpus readers read.

    What the bot said before weighs nothing: only the better reply is to be learned.

    >>> made = datetime(2026, 1, 2, tzinfo=UTC)
    >>> training_record(Correction(7, "en", ("Hi", "Oh", "Bye"), "Eh", "See you!", "used", made))
    ... # doctest: +NORMALIZE_WHITESPACE
    {'id': 'correction-7', 'messages': [{'role': 'user', 'content': 'Hi'},
     {'role': 'assistant', 'content': 'Oh', 'weight': 0}, {'role': 'user', 'content': 'Bye'},
     {'role': 'assistant', 'content': 'See you!'}], 'model': 'en', 'status': 'used',
     'created': '2026-01-02T00:00:00+00:00'}
    """
    count = len(correction.history)  # the last of them is the user's
    said = [_message(turn, (count - n) % 2) for n, turn in enumerate(correction.history, start=1)]
    return {
        "id": f"correction-{correction.id}",
        "messages": [*said, {"role": "assistant", "content": correction.better}],
        "model": correction.model,
        "status": correction.status,
        "created": correction.created.isoformat(timespec="seconds"),
    }


def _message(turn: str, by_the_bot: int) -> dict[str, Any]:
    if by_the_bot:
        return {"role": "assistant", "content": turn, "weight": 0}
    return {"role": "user", "content": turn}


def write_corrections(path: Path, corrections: Iterable[Correction]) -> int:
    """Writes corrections as a corpus to train on; returns how many.

    Raises:
        StoreError: the file cannot be written.
    """
    return _write_lines(path, map(training_record, corrections))


# --- texts, bounded and such as any database takes ------------------------------------------------


def _clean(text: str, characters: int = MAX_CHARACTERS) -> str:
    """PostgreSQL refuses NUL, and nothing can be written in UTF-8 with half a character in it."""
    bounded = str(text)[:characters].replace("\0", "")
    return bounded.encode("utf-8", "replace").decode()


_name = functools.partial(_clean, characters=_NAME_CHARACTERS)


def _turns(history: Sequence[str]) -> str:
    return json.dumps([_clean(turn) for turn in history[-MAX_TURNS:]], ensure_ascii=False)


def _exchange(model: str, history: Sequence[str], reply: str) -> dict[str, str]:
    return {"model": _name(model), "history": _turns(history), "reply": _clean(reply)}


# --- rows -----------------------------------------------------------------------------------------


def _correction(row: Mapping[str, Any]) -> Correction:
    values = dict(row)
    history = tuple(json.loads(values.pop("history")))
    return Correction(**{**values, "history": history, "created": _when(values["created"])})


def _record(row: Mapping[str, Any]) -> dict[str, Any]:
    when = _when(row["created"]).isoformat(timespec="seconds")
    return {**row, "history": json.loads(row["history"]), "created": when}


def _when(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _no_correction(id: int) -> StoreError:
    return StoreError(f"There is no correction {id} in the records. Open the list again.")


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))


def _write_lines(path: Path, records: Iterator[Mapping[str, Any]]) -> int:
    """Writes beside and renames, so that a full disk leaves the old file."""
    beside, count = path.with_name(path.name + ".part"), 0
    try:
        with beside.open("w", encoding="utf-8") as file:
            for record in records:
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
                count += 1
        beside.replace(path)
    except OSError as error:
        reason = error.strerror or error
        with contextlib.suppress(OSError):
            beside.unlink()
        raise StoreError(f"Cannot write {path}: {reason}. Choose another place.") from None
    return count
