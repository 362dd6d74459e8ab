"""`train`: from corpus files to a saved bot, with its progress on the terminal."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from chatbot.commands.options import Settings, print_json
from chatbot.errors import BundleError, ConfigError, TrainingError
from chatbot.quiet import import_tensorflow

if TYPE_CHECKING:
    from chatbot.config import Config
    from chatbot.training.draft import Job
    from chatbot.training.run import RunFolder

STOPPED = 130


def train(
    corpora: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CORPUS...",
            help="Files, folders, ids of public sets; PATH@0.2 takes a fifth, PATH@8 repeats it.",
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="The new model's name.")] = "",
    preset: Annotated[
        str | None, typer.Option(metavar="NAME", help="An architecture: `presets` lists them.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Settings as YAML.")] = None,
    settings: Settings = None,
    base: Annotated[
        str | None, typer.Option("--from", metavar="NAME", help="Fine-tune this model.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="Time to spend.")] = None,
    epochs: Annotated[
        float | None, typer.Option(help="Times that each pair is learned from.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Batches to learn from.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where it stopped.")] = False,
    only_estimate: Annotated[
        bool, typer.Option("--estimate", help="Tell time, memory and size; train nothing.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --estimate: print one JSON object.")
    ] = False,
) -> int:
    """Train a bot on your own conversations."""
    budget = {"minutes": minutes, "epochs": epochs, "steps": steps}
    if only_estimate and not resume:
        asked = Asked(corpora or [], name, _config(preset, config, settings, budget), base)
        return _estimate(asked, as_json)
    if as_json or only_estimate:
        raise ConfigError(
            "--json and --estimate go with a training that is not begun: leave --resume out, and "
            "give --json together with --estimate alone."
        )
    if not name:
        raise ConfigError("The training has no name. Give the new model one: --name my-bot.")
    if resume:
        if any((corpora, preset, config, settings, base, *budget.values())):
            raise TrainingError(
                "A resumed training keeps its corpus and settings. Give --name and --resume "
                f"alone, or start a new training --from {name}."
            )
        return _train(_resumed(name), resumed=True)
    asked = Asked(corpora or [], name, _config(preset, config, settings, budget), base)
    return _train(_set_up(asked))


class Asked(NamedTuple):
    """What was asked for on the command line."""

    corpora: list[str]
    name: str
    config: Config
    base: str | None

    def job(self) -> Job:
        """Returns it as a job.

        Raises:
            ConfigError: there is no corpus.
        """
        from chatbot.corpus.prepare import parse_source
        from chatbot.training.draft import Job

        if not self.corpora:
            raise ConfigError(
                "There is nothing to train on. Name a corpus: a file or folder of conversations."
            )
        sources = [parse_source(text) for text in self.corpora]
        return Job(self.name, sources, self.config, self.base, _this_command())


def _config(
    preset: str | None,
    path: Path | None,
    settings: list[str] | None,
    budget: Mapping[str, float | None],
) -> Config:
    from chatbot.config import Config, changed, read_config, validated, with_settings
    from chatbot.presets import under

    values = under(preset, read_config(path) if path else {}, settings or ())
    config = with_settings(validated(Config, values), settings or ())
    if any(amount is not None for amount in budget.values()):
        config = changed(config, training=changed(config.training, **budget))
    return config


def _resumed(name: str) -> RunFolder:
    from chatbot.files import checked_name, runs_folder
    from chatbot.training.job import check_place
    from chatbot.training.run import RunFolder

    run = RunFolder(runs_folder() / checked_name(name))
    if not run.exists():
        raise TrainingError(
            f"There is no training named {name!r} to resume. "
            "Leave --resume out to start it, or correct the name."
        )
    check_place(run)
    return run


def _set_up(asked: Asked) -> RunFolder:
    from chatbot.commands.corpora import show_report
    from chatbot.training.job import set_up

    run, prepared = set_up(asked.job())
    if run.config().training.corrections:
        print(f"{prepared.report.total.kept:,} corrections for {asked.base}.")
    else:
        show_report(prepared.report)
    _show_vectors(run)
    return run


def _show_vectors(run: RunFolder) -> None:
    """Tells how much of the vocabulary the word vectors cover."""
    for told in (event for event in run.events() if event["event"] == "vectors"):
        print(
            f"Word vectors: {told['whole'] + told['composed']:,} of {told['pieces']:,} pieces "
            f"({told['coverage']:.0%}), {told['composed']:,} of them by the mean of their parts."
        )


def _estimate(asked: Asked, as_json: bool) -> int:
    from chatbot.commands.progress import show_estimate
    from chatbot.training.draft import draft, estimated
    from chatbot.training.job import new_run

    job = asked.job()
    if job.name:
        new_run(job)  # a name that is taken is better known now
    told = estimated(draft(job)).as_dict()
    if as_json:
        print_json(told)
    else:
        show_estimate(told)
    return 0


def _this_command() -> str:
    return "python -m chatbot " + shlex.join(sys.argv[1:])


def _train(run: RunFolder, *, resumed: bool = False) -> int:
    """Trains and saves; the run is held until the end, so that nobody resumes or deletes it."""
    with run.locked(), run.failures_told():
        if resumed:
            run.forget_stop()  # asked of an earlier sitting
        import_tensorflow()
        try:
            return _train_and_save(run)
        except KeyboardInterrupt:
            return _stopped(run, "at the last checkpoint; nothing is lost")


def _train_and_save(run: RunFolder) -> int:
    from chatbot.bundle import read_info
    from chatbot.commands.progress import TrainingDisplay
    from chatbot.training.job import run_training, save_result

    with TrainingDisplay() as display, _Interruptible() as interrupt:
        outcome = run_training(run, observe=display, should_stop=interrupt.asked)
    if outcome.status == "stopped":
        step = outcome.progress.step
        return _stopped(
            run, f"at step {step:,}; nothing is lost" if step else "before it learned anything"
        )
    path = save_result(run, outcome)
    _verify_in_a_fresh_process(path)
    run.forget_stop()
    run.log("saved", path=str(path), metrics=read_info(path).metrics)
    print(f"Saved {path}. Talk to it:\n  python -m chatbot chat {run.name}")
    return 0


def _stopped(run: RunFolder, where: str) -> int:
    run.forget_stop()
    print(f"Stopped {where}. Go on with:\n  python -m chatbot train --name {run.name} --resume")
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
