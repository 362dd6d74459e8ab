"""The folder of one training: everything it needs to go on, and everything that it told.

`runs/<name>/` holds `config.json` and `run.json` (what to do), `tokenizer.model` and
`corpus.parquet` (on what), `checkpoint.npz` (how far), `best.npz` (the best weights so far) and
`events.jsonl` (what happened). Files appear whole or not at all. Knows no model.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.config import Config, validated
from chatbot.corpus.pair_table import read_pairs, write_pairs
from chatbot.corpus.records import DialoguePair
from chatbot.errors import TrainingError
from chatbot.files import write_whole
from chatbot.text.tokenizer import Tokenizer

Arrays = Sequence[NDArray[Any]]


class RunFolder:
    """Reads and writes `runs/<name>/`."""

    def __init__(self, path: Path) -> None:
        """Takes the folder; nothing is read or created yet."""
        self.path = path

    @property
    def name(self) -> str:
        """The name of the run and of the bundle that it makes."""
        return self.path.name

    def exists(self) -> bool:
        """Says whether a training was set up here, so that it can be resumed."""
        return (self.path / "run.json").is_file()

    # What to train, and on what; written once.

    def set_up(
        self,
        config: Config,
        tokenizer: Tokenizer,
        sides: Mapping[str, Sequence[DialoguePair]],
        about: Mapping[str, Any],
    ) -> None:
        """Stores all that a resumed run needs, so that it does not depend on the corpus files."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_whole(self.path / "config.json", config.model_dump_json(indent=2).encode())
        write_whole(self.path / "tokenizer.model", tokenizer.serialized)
        write_pairs(self.corpus, sides)
        write_whole(self.path / "run.json", json.dumps(about, indent=2).encode())

    def config(self) -> Config:
        """Returns the configuration that the run was set up with."""
        return validated(Config, self._json("config.json"))

    def about(self) -> dict[str, Any]:
        """Returns what else was noted at the start: corpora, command, base model, report."""
        return self._json("run.json")

    def tokenizer(self) -> Tokenizer:
        """Returns the run's tokenizer."""
        return Tokenizer((self.path / "tokenizer.model").read_bytes())

    def pairs(self, side: str) -> list[DialoguePair]:
        """Returns the pairs of the `train` or the `validation` side."""
        return read_pairs(self.corpus, side)

    @property
    def corpus(self) -> Path:
        """The pairs of both sides, as one Parquet table."""
        return self.path / "corpus.parquet"

    # How far it came.

    def save_arrays(self, name: str, arrays: Arrays, facts: Mapping[str, Any]) -> None:
        """Writes `<name>.npz` whole: the arrays in order, and plain facts beside them."""
        beside = self.path / f"{name}.npz.part"
        text = np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8)
        with beside.open("wb") as file:
            named = {f"array_{i}": array for i, array in enumerate(arrays)}
            np.savez(file, allow_pickle=False, facts=text, **named)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path / f"{name}.npz")

    def load_arrays(self, name: str) -> tuple[list[NDArray[Any]], dict[str, Any]] | None:
        """Returns what `save_arrays` wrote, or None when it never did."""
        path = self.path / f"{name}.npz"
        if not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as archive:
                facts = json.loads(archive["facts"].tobytes())
                return [archive[f"array_{i}"] for i in range(len(archive.files) - 1)], facts
        except (OSError, ValueError, KeyError) as error:
            raise TrainingError(
                f"Cannot resume from {path}: the file is damaged ({error}). "
                "Delete it to start this run over, or copy it again from a backup."
            ) from None

    # What happened.

    def log(self, event: str, **facts: Any) -> None:
        """Appends one line to `events.jsonl`."""
        line = json.dumps({"event": event, "time": round(time.time(), 3), **facts})
        with (self.path / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def _json(self, name: str) -> dict[str, Any]:
        try:
            values = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise TrainingError(
                f"Cannot read {self.path / name}: it is missing or damaged. "
                "Start the training again under another --name."
            ) from None
        return dict(values)
