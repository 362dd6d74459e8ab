"""The folder of one training: everything it needs to go on, and everything that it told.

`runs/<name>/` holds `config.json` and `run.json` (what to do), `tokenizer.model` and
`corpus.parquet` (on what), `checkpoint.npz` (how far), `best.npz` (the best weights so far) and
`events.jsonl` (what happened). Files appear whole or not at all. A file named `stop`, written by
anyone, asks the training to end early and to keep its best weights as a bundle. Knows no model.

Each line of `events.jsonl` is an object with `event`, `time` (seconds since 1970) and facts:

    vectors     how many pieces begin with vectors of `model.embedding_file`: whole, composed
    setup       what was asked for: pairs, parameters, base, and the estimate of estimate.py
    estimate    the same from steps that were timed: steps, epochs, seconds, memory_bytes, device
    started     (or `resumed`) step, steps, and what else stands in a checkpoint
    progress    about once a second: step, steps, nats (training), tokens_per_second, seconds_left
    validation  step, train_nats, nats, perplexity, best, replies; `previous` holds what the base
                model answered to the same messages, where there is a base
    checkpoint  step
    done        the loop ended; `reason` is "all steps" or "stopped early" (by the file `stop`) or
                "learned" (every correction); `early`: it ended since validation gained no more
    stopped     it was interrupted, or stopped before its first step: no bundle, to be resumed
    saving      the best weights become a bundle; `saved`: it is there, checked: path, metrics
    failed      `reason` in one line; the last checkpoint is kept
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from chatbot.config import Config, kept_config
from chatbot.corpus.pair_table import read_pairs, write_pairs
from chatbot.corpus.records import DialoguePair
from chatbot.errors import ChatbotError, TrainingError
from chatbot.files import try_lock, write_whole
from chatbot.text.tokenizer import Tokenizer, with_control

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
        initial_weights: Path | None = None,
    ) -> None:
        """Stores all that a resumed run needs, so that it depends on no file elsewhere.

        Args:
            config: the effective configuration.
            tokenizer: the one to train with.
            sides: the pairs of "train" and "validation"; corrections add "corrections",
                "rehearsal" and "held", the first of which later fine-tunings keep.
            about: what else to remember; written last, so a run that was cut before is none.
            initial_weights: of the bundle to fine-tune, copied.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        write_whole(self.path / "config.json", config.model_dump_json(indent=2).encode())
        write_whole(self.path / "tokenizer.model", tokenizer.serialized)
        write_pairs(self.corpus, sides)
        if initial_weights is not None:
            shutil.copyfile(initial_weights, self.initial_weights)
        write_whole(self.path / "run.json", json.dumps(about, indent=2).encode())

    def config(self) -> Config:
        """Returns the configuration that the run was set up with."""
        return kept_config(self._json("config.json"))

    def about(self) -> dict[str, Any]:
        """Returns what else was noted at the start: corpora, command, base model, report."""
        return self._json("run.json")

    def shortlist(self) -> NDArray[np.int32] | None:
        """Returns the ids of the tokens that the bot will be able to say; None: all."""
        ids = self.about().get("shortlist")
        return None if ids is None else with_control(ids)

    def tokenizer(self) -> Tokenizer:
        """Returns the run's tokenizer."""
        return Tokenizer((self.path / "tokenizer.model").read_bytes())

    def pairs(self, side: str, *, fill: bool = True) -> list[DialoguePair]:
        """Returns the pairs of a side, none where there is no such side; see `read_pairs`."""
        return read_pairs(self.corpus, side, fill=fill)

    @property
    def initial_weights(self) -> Path:
        """The weights to start from; there are none unless the run fine-tunes."""
        return self.path / "initial.weights.h5"

    @property
    def corpus(self) -> Path:
        """The pairs of all sides, as one Parquet table."""
        return self.path / "corpus.parquet"

    # How far it came.

    def save_arrays(self, name: str, arrays: Arrays, facts: Mapping[str, Any]) -> None:
        """Writes `<name>.npz` whole: the arrays in order, and plain facts beside them."""
        beside = self.path / f"{name}.npz.part"
        text = np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8)
        named = {f"array_{i}": array for i, array in enumerate(arrays)}
        try:
            with beside.open("wb") as file:
                np.savez(file, allow_pickle=False, facts=text, **named)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path / f"{name}.npz")
        finally:
            beside.unlink(missing_ok=True)  # half a file on a full disk would be in the way

    def load_arrays(self, name: str) -> tuple[list[NDArray[Any]], dict[str, Any]] | None:
        """Returns what `save_arrays` wrote, or None when it never did."""
        path = self.path / f"{name}.npz"
        if not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as archive:
                facts = json.loads(archive["facts"].tobytes())
                return [archive[f"array_{i}"] for i in range(len(archive.files) - 1)], facts
        except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error) as error:
            raise TrainingError(
                f"Cannot resume from {path}: the file is damaged ({error}). "
                "Delete it to start this run over, or copy it again from a backup."
            ) from None

    # What happened.

    def log(self, event: str, **facts: Any) -> None:
        """Appends one line to `events.jsonl`."""
        told = {"event": event, "time": round(time.time(), 3), **facts}
        line = json.dumps(told, allow_nan=False).encode() + b"\n"
        with (self.path / "events.jsonl").open("ab+") as file:
            if file.tell() and not _ends_a_line(file):  # a crash tore the last one
                line = b"\n" + line
            file.write(line)

    def events(self) -> list[dict[str, Any]]:
        """Returns what was told so far; lines that a crash tore are passed over."""
        try:
            lines = (self.path / "events.jsonl").read_bytes().splitlines()
        except OSError:
            return []
        return [event for event in map(_parsed, lines) if event is not None]

    @contextlib.contextmanager
    def failures_told(self) -> Iterator[None]:
        """Logs `failed` with one line for any exception that passes, and lets it pass."""
        try:
            yield
        except Exception as error:
            with contextlib.suppress(OSError):  # the disk may be full; the exception says so
                self.log("failed", reason=_one_line(error))
            raise

    # What others ask of it.

    @property
    def stop_file(self) -> Path:
        """While it exists, the training is asked to end early and to keep its best weights."""
        return self.path / "stop"

    def asked_to_stop(self) -> bool:
        """Says whether someone wrote the stop file."""
        return self.stop_file.exists()

    def forget_stop(self) -> None:
        """Removes the stop file, so that the next sitting is not stopped by it."""
        self.stop_file.unlink(missing_ok=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the run for one process; the lock falls with the process, however it ends.

        Raises:
            TrainingError: another process trains in this folder.
        """
        with (self.path / "lock").open("a+b") as file:
            if not try_lock(file):
                raise TrainingError(
                    f"The training {self.name!r} is running already. "
                    "Wait for it, or stop it by Ctrl-C in its terminal."
                )
            yield

    def _json(self, name: str) -> dict[str, Any]:
        try:
            return dict(json.loads((self.path / name).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):  # TypeError: JSON, but no object
            raise TrainingError(
                f"Cannot read {self.path / name}: it is missing or damaged. "
                "Start the training again under another --name."
            ) from None


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def _one_line(error: Exception) -> str:
    """Returns what a person can do something with; of a bug at least its kind and first line."""
    if isinstance(error, ChatbotError):
        return str(error)
    if isinstance(error, OSError):
        where = f" at {error.filename}" if error.filename else ""
        return (
            f"{error.strerror or error}{where}. The last checkpoint is kept: make room or mend "
            "it, then resume."
        )
    first = next(iter(str(error).splitlines()), "")
    return (
        f"The training failed by a fault of this program ({type(error).__name__}: {first[:200]})."
    )


def _ends_a_line(file: BinaryIO) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
