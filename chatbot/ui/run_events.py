"""What a training tells in `events.jsonl`, read on from where the last look ended.

A page looks once a second for hours, so a look costs what is new and not what is there, and long
stretches of progress are thinned. Knows no process and no page.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

MAX_OF_A_KIND = 600  # progress or validation events kept; every second one goes when there are more
_UNSEEN = frozenset({"checkpoint"})  # many, and nobody looks at them


class Told(NamedTuple):
    """One event and the byte of the file at which its line begins."""

    place: int
    event: Mapping[str, Any]


class EventLog:
    """Reads one file that grows; a torn last line is left for the next look."""

    def __init__(self, path: Path) -> None:
        """Takes the file, which need not exist yet."""
        self._path = path
        self._inode, self._read_to = -1, 0
        self._told: list[Told] = []

    def read(self) -> list[Told]:
        """Returns all that was told so far, the oldest first; nothing where there is no file."""
        try:
            with self._path.open("rb") as file:
                inode, size = _identity(file.fileno())
                if inode != self._inode or size < self._read_to:
                    self._forget()  # another file took its place
                    self._inode = inode
                file.seek(self._read_to)
                self._take(file.read(size - self._read_to))
        except OSError:
            self._forget()
        return list(self._told)

    def _forget(self) -> None:
        self._inode, self._read_to, self._told = -1, 0, []

    def _take(self, data: bytes) -> None:
        place = self._read_to
        for line in data[: data.rfind(b"\n") + 1].splitlines(keepends=True):
            event = _event_of(line)
            if event is not None and event["event"] not in _UNSEEN:
                self._told.append(Told(place, event))
            place += len(line)
        self._read_to = place
        for kind in ("progress", "validation"):
            self._told = _thinned(self._told, kind)


def _identity(file: int) -> tuple[int, int]:
    status = os.fstat(file)
    return status.st_ino, status.st_size


def _event_of(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:  # a crash tore it
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None


def _thinned(told: list[Told], kind: str) -> list[Told]:
    """Drops every second event of a kind, but not its last two, until few enough are left."""
    places = [number for number, one in enumerate(told) if one.event["event"] == kind]
    if len(places) <= MAX_OF_A_KIND:
        return told
    doomed = set(places[1:-2:2])
    return _thinned([one for number, one in enumerate(told) if number not in doomed], kind)
