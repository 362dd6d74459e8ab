"""Trainings, each a process of its own: started, watched and stopped from the page.

A training is `python -m chatbot train` in `runs/<name>/`, and what stands there is all the state
there is: reloading the page, restarting its process or losing either side loses nothing.

Knows neither Gradio nor how a training works inside; only what it writes.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal

from chatbot.errors import ChatbotError, TrainingError
from chatbot.files import checked_name, models_folder, runs_folder, write_whole
from chatbot.ui import processes
from chatbot.ui.run_events import EventLog

Stage = Literal["starting", "running", "finishing", "stopped", "done", "failed"]
Cause = Literal["", "told", "disk", "killed", "died"]

CHATBOT: tuple[str, ...] = (sys.executable, "-m", "chatbot")
_ESTIMATE_SECONDS = 600.0
_FULL_DISK = 16 * 2**20  # bytes left
_LOG_END = 20_000  # bytes of a log in which its last line is looked for
_ENDED: Mapping[str, Stage] = {"saved": "done", "stopped": "stopped", "failed": "failed"}
_LEARNING = frozenset({"started", "resumed", "progress", "validation"})
_OVER = frozenset({"done", "saving", *_ENDED})


@dataclass(frozen=True)
class TrainRequest:
    """What the owner asked for; a run that is resumed keeps all but its name."""

    name: str
    corpora: tuple[str, ...] = ()
    base: str | None = None
    minutes: float = 10.0
    settings: tuple[str, ...] = ()  # section.key=value
    resume: bool = False

    def arguments(self) -> list[str]:
        """Returns what follows `python -m chatbot train`.

        >>> " ".join(TrainRequest("b", ("c.csv",), minutes=2).arguments())
        '--name b --minutes 2 -- c.csv'
        """
        if self.resume:
            return ["--name", self.name, "--resume"]
        base = ["--from", self.base] if self.base else []
        settings = [part for setting in self.settings for part in ("--set", setting)]
        budget = ["--minutes", f"{self.minutes:g}"]
        return ["--name", self.name, *base, *budget, *settings, "--", *self.corpora]


@dataclass(frozen=True)
class JobView:
    """How a training stands.

    Attributes:
        name: of the run and of its model.
        stage: `finishing` is between the last step and the saved model.
        events: what it told in all its sittings, oldest first; long stretches are thinned.
        reason: why it failed, in its own words, where it could say so.
        cause: whether it `told` why it failed, the `disk` is full, it was `killed` or just `died`.
        stopping: it was asked to end and is still at work.
        resumable: it can be gone on with.
    """

    name: str
    stage: Stage
    events: Sequence[Mapping[str, Any]] = ()
    reason: str = ""
    cause: Cause = ""
    stopping: bool = False
    resumable: bool = False

    @property
    def active(self) -> bool:
        """Whether its process is at work."""
        return self.stage in ("starting", "running", "finishing")

    def last(self, *kinds: str) -> Mapping[str, Any] | None:
        """Returns the last event of these kinds, None where there was none."""
        return next((e for e in reversed(self.events) if e["event"] in kinds), None)


class Jobs:
    """Starts, watches and stops trainings."""

    def __init__(self, command: Sequence[str] | None = None) -> None:
        """Takes the program that trains, ours by default; nothing is read or started yet."""
        self._command = tuple(command or CHATBOT)
        self._started: dict[str, subprocess.Popen[bytes]] = {}  # by this page, by name
        self._logs: dict[str, EventLog] = {}
        self._reading = threading.Lock()

    # --- starting and stopping ------------------------------------------------------------------

    def start(self, request: TrainRequest) -> None:
        """Starts or resumes a training and returns at once.

        Raises:
            TrainingError: another one is running, the name is taken or none, or the disk is full.
        """
        folder = _folder(request.name)
        with self._alone() as lock, _in_one_line(f"start the training {request.name!r}"):
            if not request.resume:
                self.check_name(request.name)
            elif not (folder / "run.json").is_file():
                raise TrainingError(
                    f"There is no training {request.name!r} to continue. Start a new one."
                )
            self._launch(request, folder, lock)

    def check_name(self, name: str) -> None:
        """Does nothing where a new training may have this name.

        Raises:
            TrainingError: a training or a model has it, or it can name neither.
        """
        if (_folder(name) / "run.json").exists():
            raise TrainingError(
                f"There is a training named {name!r} already. Choose another name, or continue it."
            )
        if (models_folder() / name).exists():
            raise TrainingError(f"There is a model named {name!r} already. Choose another name.")

    def stop(self, name: str) -> None:
        """Ends a training early; the best it found is saved as a model.

        One that has not begun to learn is ended at once, since it has nothing to keep.

        Raises:
            TrainingError: the wish cannot be written down.
        """
        view = self.view(name)
        if not view.active:
            return
        with _in_one_line(f"stop the training {name!r}"):
            (_folder(name) / "stop").touch()
        if view.stage == "starting" and (pid := _sitting(_folder(name)).get("pid")):
            processes.terminate(int(pid))

    def remove(self, name: str) -> None:
        """Deletes what a training left, so that its name is free; its model stays.

        Raises:
            TrainingError: it is running, or the folder cannot be deleted.
        """
        if _is_active(name):
            raise TrainingError(f"The training {name!r} is running. Stop it first.")
        with _in_one_line(f"delete the training {name!r}"):
            if _folder(name).is_dir():
                shutil.rmtree(_folder(name))

    def _launch(self, request: TrainRequest, folder: Path, lock: BinaryIO) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "stop").unlink(missing_ok=True)
        events = folder / "events.jsonl"
        begun = events.stat().st_size if events.exists() else 0
        command = [*self._command, "train", *request.arguments()]
        process = processes.launch(command, folder / "train.log", lock)
        self._started[request.name] = process
        note = {"pid": process.pid, "events_from": begun}
        write_whole(folder / "sitting.json", json.dumps(note).encode())
        write_whole(_current_path(), request.name.encode())

    @contextlib.contextmanager
    def _alone(self) -> Iterator[BinaryIO]:
        with _in_one_line("start a training"):
            try:
                with processes.sole_place(_lock_path()) as lock:
                    if (other := _terminals_training(self.names())) is not None:
                        raise _running(other)
                    yield lock
            except processes.TakenError:
                raise _running(_current_name() or "?") from None

    # --- looking --------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Returns all trainings that left a trace, the newest first."""
        folder = runs_folder()
        traces = [(_last_change(path), path.name) for path in folder.glob("[!.]*/")]
        return [name for changed, name in sorted(traces, reverse=True) if changed]

    def current(self) -> str | None:
        """Returns the training that is running, None where there is none."""
        if processes.is_held(_lock_path()):
            return _current_name()
        return _terminals_training(self.names())

    def resumable(self) -> list[str]:
        """Returns the trainings that can be gone on with, the newest first."""
        return [name for name in self.names() if self.view(name).resumable]

    def view(self, name: str) -> JobView:
        """Returns how a training stands, from its files alone; cheap enough for each second.

        Raises:
            TrainingError: this can name no training.
        """
        folder = _folder(name)
        active = _is_active(name)  # first: what it tells while it ends must be read after that
        with self._reading:
            told = self._logs.setdefault(name, EventLog(folder / "events.jsonl")).read()
        begun = _sitting(folder).get("events_from", 0)
        sitting = [one.event for one in told if one.place >= begun]
        stopping = (folder / "stop").exists()
        stage = _stage([event["event"] for event in sitting], active=active, stopping=stopping)
        reason, cause = self._why(name, sitting) if stage == "failed" else ("", "")
        return JobView(
            name=name,
            stage=stage,
            events=[one.event for one in told],
            reason=reason,
            cause=cause,
            stopping=active and stopping,
            resumable=not active and _goes_on(folder, sitting),
        )

    def estimate(self, request: TrainRequest) -> dict[str, Any]:
        """Returns what a training would take; waits for a process that works it out.

        Raises:
            TrainingError: what is wrong with the request or its corpus, in one line.
        """
        unnamed = replace(request, name="")  # the name is checked by itself
        command = [*self._command, "train", "--estimate", "--json", *unnamed.arguments()]
        with _in_one_line("work out what it takes"):
            try:
                done = subprocess.run(
                    command, cwd=processes.ROOT, env=processes.environment(),
                    stdin=subprocess.DEVNULL, capture_output=True, check=False,
                    timeout=_ESTIMATE_SECONDS,
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                raise TrainingError(
                    "It takes longer than ten minutes to work out what this training needs. "
                    "Try a part of the corpus."
                ) from None
        return _printed(done)

    def _why(self, name: str, sitting: Sequence[Mapping[str, Any]]) -> tuple[str, Cause]:
        """Returns why a training failed: its own last words, or what can be told from outside."""
        folder = _folder(name)
        if sitting and sitting[-1]["event"] == "failed":
            return str(sitting[-1].get("reason")), "told"
        if said := _error_in(_end_of(folder / "train.log")):
            return said, "told"
        if _disk_is_full():
            return "", "disk"
        return "", "killed" if self._exit_status(name) == -9 else "died"

    def _exit_status(self, name: str) -> int | None:
        """Returns how a process that this page started ended, None where another page did."""
        if name not in self._started:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._started[name].wait(2)  # its lock fell, so this is an instant
        return None


# --- the files of a training ------------------------------------------------------------------


def _folder(name: str) -> Path:
    try:
        return runs_folder() / checked_name(name)
    except ChatbotError as error:
        raise TrainingError(str(error)) from None


def _lock_path() -> Path:
    return runs_folder() / ".training.lock"


def _current_path() -> Path:
    return runs_folder() / ".training"


def _current_name() -> str | None:
    try:
        return _current_path().read_text(encoding="utf-8")
    except OSError:
        return None


def _is_active(name: str) -> bool:
    started_here = _current_name() == name and processes.is_held(_lock_path())
    return started_here or processes.is_held(_folder(name) / "lock")


def _terminals_training(names: Sequence[str]) -> str | None:
    """Returns a training that was started in a terminal and is at work."""
    return next((name for name in names if processes.is_held(_folder(name) / "lock")), None)


def _last_change(folder: Path) -> float:
    """Returns when a training last wrote something, 0 where the folder is none."""
    for trace in ("events.jsonl", "sitting.json", "run.json"):
        with contextlib.suppress(OSError, TrainingError):
            return (_folder(folder.name) / trace).stat().st_mtime
    return 0


def _sitting(folder: Path) -> dict[str, Any]:
    """Returns the process that the page last started, and where its events begin."""
    try:
        return dict(json.loads((folder / "sitting.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _stage(kinds: Sequence[str], *, active: bool, stopping: bool) -> Stage:
    """Returns the stage of a sitting that told events of these kinds."""
    if active:
        if kinds and kinds[-1] in _OVER:
            return "finishing"
        return "running" if any(kind in _LEARNING for kind in kinds) else "starting"
    for kind in reversed(kinds):
        if kind in _ENDED:
            return _ENDED[kind]
    return "stopped" if stopping and not any(kind in _LEARNING for kind in kinds) else "failed"


def _goes_on(folder: Path, sitting: Sequence[Mapping[str, Any]]) -> bool:
    """Tells whether a training that is not running has steps left to learn."""
    done = next((event for event in reversed(sitting) if event["event"] == "done"), None)
    saved = bool(sitting) and sitting[-1]["event"] == "saved"
    ended_by_owner = done is not None and done.get("reason") == "stopped early"
    return (folder / "run.json").is_file() and (not saved or ended_by_owner)


def _disk_is_full() -> bool:
    try:
        return shutil.disk_usage(runs_folder()).free < _FULL_DISK
    except OSError:
        return False


# --- what a process says ----------------------------------------------------------------------


def _printed(done: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
    try:
        return dict(json.loads(done.stdout.decode("utf-8", "replace").splitlines()[-1]))
    except (ValueError, TypeError, IndexError):
        said = _error_in(done.stderr.decode("utf-8", "replace"))
        raise TrainingError(
            said
            or "What this training needs cannot be worked out: the program that does it was "
            "ended. Free some memory and try again."
        ) from None


def _end_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LOG_END))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _error_in(text: str) -> str:
    """Returns the last line that the command line told a user, without its heading.

    >>> _error_in("reading\\nError: It is empty. Fill it.\\n")
    'It is empty. Fill it.'
    """
    said = [line for line in text.splitlines() if line.startswith("Error: ")]
    return said[-1].removeprefix("Error: ").strip() if said else ""


def _running(name: str) -> TrainingError:
    return TrainingError(
        f"The training {name!r} is running, and there is room for one at a time. "
        "Wait for it or stop it first."
    )


@contextlib.contextmanager
def _in_one_line(what: str) -> Iterator[None]:
    """Turns what the system refuses into a line to read."""
    try:
        yield
    except OSError as error:
        raise TrainingError(
            f"Cannot {what}: {error.strerror or error}. Mend that and try again."
        ) from None
