"""`train`: from corpus files to a saved bot, with its progress on the terminal."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatbot.commands.options import Settings
from chatbot.errors import BundleError, ConfigError, TrainingError
from chatbot.quiet import import_tensorflow

if TYPE_CHECKING:
    from chatbot.config import Config
    from chatbot.training.run import RunFolder

STOPPED = 130


def train(
    corpora: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CORPUS...",
            help="Files or folders; PATH@0.2 takes a fifth of one, PATH@8 repeats it.",
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="The new model's name.")] = "",
    config: Annotated[Path | None, typer.Option(help="Settings as YAML.")] = None,
    settings: Settings = None,
    base: Annotated[
        str | None, typer.Option("--from", metavar="NAME", help="Fine-tune this model.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="Time to spend.")] = None,
    steps: Annotated[int | None, typer.Option(help="Batches to learn from.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where it stopped.")] = False,
) -> int:
    """Train a bot on your own conversations."""
    if not name:
        raise ConfigError("The training has no name. Give the new model one: --name my-bot.")
    if resume:
        if any((corpora, config, settings, base, minutes, steps)):
            raise TrainingError(
                "A resumed training keeps its corpus and settings. Give --name and --resume "
                f"alone, or start a new training --from {name}."
            )
        return _train(_resumed(name))
    return _train(_set_up(corpora or [], name, _config(config, settings, minutes, steps), base))


def _config(
    path: Path | None, settings: list[str] | None, minutes: float | None, steps: int | None
) -> Config:
    from chatbot.config import Config, changed, read_config, validated, with_settings

    config = validated(Config, read_config(path) if path else {})
    config = with_settings(config, settings or ())
    budget = {"minutes": minutes, "steps": steps}
    if minutes is not None or steps is not None:
        config = changed(config, training=changed(config.training, **budget))
    return config


def _resumed(name: str) -> RunFolder:
    from chatbot.files import checked_name, runs_folder
    from chatbot.training.run import RunFolder

    run = RunFolder(runs_folder() / checked_name(name))
    if not run.exists():
        raise TrainingError(
            f"There is no training named {name!r} to resume. "
            "Leave --resume out to start it, or correct the name."
        )
    return run


def _set_up(corpora: list[str], name: str, config: Config, base: str | None) -> RunFolder:
    from chatbot.commands.corpora import show_report
    from chatbot.corpus.prepare import parse_source
    from chatbot.training.job import Job, set_up

    if not corpora:
        raise ConfigError(
            "There is nothing to train on. Name a corpus: a file or folder of conversations."
        )
    sources = [parse_source(text) for text in corpora]
    run, prepared = set_up(Job(name, sources, config, base, _this_command()))
    show_report(prepared.report)
    return run


def _this_command() -> str:
    return "python -m chatbot " + shlex.join(sys.argv[1:])


def _train(run: RunFolder) -> int:
    import_tensorflow()
    from chatbot.commands.progress import TrainingDisplay
    from chatbot.training.job import run_training, save_result

    try:
        with TrainingDisplay() as display, _Interruptible() as interrupt:
            outcome = run_training(run, observe=display, should_stop=interrupt.asked)
        if outcome.status == "stopped":
            return _stopped(run, f"at step {outcome.progress.step:,}")
        path = save_result(run, outcome)
        _verify_in_a_fresh_process(path)
    except KeyboardInterrupt:
        return _stopped(run, "at the last checkpoint")
    print(f"Saved {path}. Talk to it:\n  python -m chatbot chat {run.name}")
    return 0


def _stopped(run: RunFolder, where: str) -> int:
    print(
        f"Stopped {where}; nothing is lost. Go on with:\n"
        f"  python -m chatbot train --name {run.name} --resume"
    )
    return STOPPED


def _verify_in_a_fresh_process(path: Path) -> None:
    """Loads the saved bot where nothing of this process is left, and compares its replies."""
    command = [sys.executable, "-m", "chatbot", "models", "verify", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["it could not be loaded"]
        raise BundleError(f"{path} was saved but does not hold: {reason[0]}")


class _Interruptible:
    """Turns Ctrl-C and SIGTERM into a question that the loop asks after each step."""

    def __init__(self) -> None:
        self._asked = False
        self._before: Mapping[signal.Signals, Any] = {}

    def asked(self) -> bool:
        return self._asked

    def __enter__(self) -> _Interruptible:
        numbers = (signal.SIGINT, signal.SIGTERM)
        self._before = {number: signal.signal(number, self._handle) for number in numbers}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._asked:  # a second Ctrl-C does not wait for the step to end
            raise KeyboardInterrupt
        self._asked = True
        print("Stopping after this step; the checkpoint is being saved…", file=sys.stderr)
