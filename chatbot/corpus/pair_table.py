"""Clean pairs as one Parquet table: columns side, history, reply, origin, slots.

`slots` numbers the lists that fill a pair's open slots; they stand in the table's metadata.
Knows no format else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from chatbot.corpus.records import DialoguePair, SlotLists
from chatbot.corpus.slots import filled

_LISTS = b"slots"  # the key in the metadata: a JSON list of names with kind -> things


def write_pairs(path: Path, sides: Mapping[str, Sequence[DialoguePair]]) -> None:
    """Writes the pairs of each side (such as "train"); the file appears whole."""
    rows = [(side, pair) for side, pairs in sides.items() for pair in pairs]
    lists = list(dict.fromkeys(pair.slots for _, pair in rows if pair.slots))
    table = pa.table(
        {
            "side": pa.array([side for side, _ in rows], pa.string()),
            "history": pa.array([list(p.history) for _, p in rows], pa.list_(pa.string())),
            "reply": pa.array([p.reply for _, p in rows], pa.string()),
            "origin": pa.array([p.origin for _, p in rows], pa.string()),
            "slots": pa.array([p.slots and lists.index(p.slots) for _, p in rows], pa.int32()),
        }
    )
    stored = json.dumps([[one.name, dict(one.things)] for one in lists])
    table = table.replace_schema_metadata({_LISTS: stored.encode()})
    beside = path.with_name(path.name + ".part")
    pq.write_table(table, beside, compression="zstd")
    beside.replace(path)


def read_pairs(path: Path, side: str, *, fill: bool = True) -> list[DialoguePair]:
    """Reads the pairs of one side, in the order they were written.

    Args:
        path: the table.
        side: such as "train".
        fill: put things into the slots, the same ones each time; else they stay open.
    """
    table = pq.read_table(path, filters=[("side", "=", side)])
    lists = _lists(table)
    pairs = [
        DialoguePair(
            tuple(row["history"]), row["reply"], row["origin"], lists.get(row.get("slots"))
        )
        for row in table.to_pylist()
    ]
    return filled(pairs, seed=0) if fill else pairs


def _lists(table: pa.Table) -> dict[int | None, SlotLists]:
    """Returns the lists by their numbers; tables of earlier versions have none."""
    stored = json.loads((table.schema.metadata or {}).get(_LISTS, b"[]"))
    return {
        number: SlotLists(name, {kind: tuple(things) for kind, things in kinds.items()})
        for number, (name, kinds) in enumerate(stored)
    }
