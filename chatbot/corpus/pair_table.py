"""Clean pairs as one Parquet table: columns side, history, reply, origin. Knows no format else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from chatbot.corpus.records import DialoguePair


def write_pairs(path: Path, sides: Mapping[str, Sequence[DialoguePair]]) -> None:
    """Writes the pairs of each side ("train", "validation"); the file appears whole."""
    rows = [(side, pair) for side, pairs in sides.items() for pair in pairs]
    table = pa.table(
        {
            "side": pa.array([side for side, _ in rows], pa.string()),
            "history": pa.array([list(p.history) for _, p in rows], pa.list_(pa.string())),
            "reply": pa.array([p.reply for _, p in rows], pa.string()),
            "origin": pa.array([p.origin for _, p in rows], pa.string()),
        }
    )
    beside = path.with_name(path.name + ".part")
    pq.write_table(table, beside, compression="zstd")
    beside.replace(path)


def read_pairs(path: Path, side: str) -> list[DialoguePair]:
    """Reads the pairs of one side, in the order they were written."""
    table = pq.read_table(
        path, columns=["history", "reply", "origin"], filters=[("side", "=", side)]
    )
    columns = table.to_pydict()
    rows = zip(columns["history"], columns["reply"], columns["origin"], strict=True)
    return [DialoguePair(tuple(history), reply, origin) for history, reply, origin in rows]
