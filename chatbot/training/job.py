"""A training from corpus files to a saved bot: set up a run folder, train in it, save the result.

The command line and the page both come in here. Knows no page and no terminal.
"""

from __future__ import annotations

import datetime
import platform
import random
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatbot.bundle import (
    WEIGHTS,
    BundleWriter,
    bundle_path,
    read_bundle_config,
    read_tokenizer,
    verify_files,
)
from chatbot.config import Config, changed
from chatbot.corpus.prepare import CorpusSource, PreparedCorpus, prepare_corpus
from chatbot.corpus.records import DialoguePair
from chatbot.errors import TrainingError
from chatbot.files import checked_name, models_folder, runs_folder
from chatbot.text.tokenizer import train_tokenizer
from chatbot.text.words import main_language
from chatbot.training.card import model_card
from chatbot.training.run import RunFolder

if TYPE_CHECKING:
    from chatbot.training.trainer import Observer, Outcome


@dataclass(frozen=True)
class Job:
    """What the owner asked for."""

    name: str
    sources: Sequence[CorpusSource]
    config: Config
    base: str | None = None  # the bundle to fine-tune
    command: str = ""  # that starts this very training, for the model card


def new_run(job: Job) -> RunFolder:
    """Returns the empty run folder of a job.

    Raises:
        TrainingError: a run or a bundle of this name exists already.
    """
    run = RunFolder(runs_folder() / checked_name(job.name))
    if run.exists():
        raise TrainingError(
            f"A training named {job.name!r} was started before. Go on with it by --resume, "
            f"choose another --name, or delete the folder {run.path}."
        )
    if (models_folder() / job.name).exists():
        raise TrainingError(
            f"A model named {job.name!r} exists already. Choose another --name, "
            f"or remove it with `python -m chatbot models remove {job.name}`."
        )
    return run


def set_up(job: Job) -> tuple[RunFolder, PreparedCorpus]:
    """Reads and cleans the corpora, learns the tokenizer, and writes the run folder."""
    run = new_run(job)
    config, base = job.config, None
    if job.base is not None:
        base = bundle_path(job.base)
        verify_files(base)
        config = fine_tuned(job.config, base)
    prepared = prepare_corpus(job.sources, config.corpus)
    texts = distinct_texts(prepared.train, config.corpus.seed)
    about = {
        "command": job.command,
        "commit": current_commit(),
        "corpora": [{"name": s.path.name, "weight": s.weight} for s in job.sources],
        "base": base.name if base else None,
        "language": main_language(texts[:2000]),
        "report": prepared.report.as_dict(),
    }
    sides = {"train": prepared.train, "validation": prepared.validation}
    tokenizer = read_tokenizer(base) if base else train_tokenizer(texts, config.tokenizer)
    run.set_up(config, tokenizer, sides, about, base / WEIGHTS if base else None)
    return run, prepared


def current_commit() -> str | None:
    """Returns the commit of this checkout, None where it is none: code and corpora change."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    try:
        found = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


def distinct_texts(pairs: Iterable[DialoguePair], seed: int) -> list[str]:
    """Returns every message and reply once, shuffled.

    The tokenizer reads only so many sentences, from the first on: in the order of the corpora,
    repeated by their weights, it would know the first corpus alone.
    """
    texts = list(dict.fromkeys(t for pair in pairs for t in (pair.history[-1], pair.reply)))
    random.Random(seed).shuffle(texts)
    return texts


def fine_tuned(config: Config, base: Path) -> Config:
    """Returns `config` with the architecture and tokenizer settings of the bundle `base`.

    Raises:
        TrainingError: the owner asked for another architecture than the base has.
    """
    of_base = read_bundle_config(base)
    for section in ("model", "tokenizer"):
        asked, has = getattr(config, section), getattr(of_base, section)
        default = type(asked)()
        for key, value in asked:
            if value not in (getattr(default, key), getattr(has, key)):
                raise TrainingError(
                    f"Fine-tuning keeps the architecture of {base.name!r}, so {section}.{key} "
                    f"cannot become {value!r}. Leave that setting out, or train from scratch."
                )
    return changed(config, model=of_base.model, tokenizer=of_base.tokenizer)


def run_training(run: RunFolder, *, observe: Observer, should_stop: Callable[[], bool]) -> Outcome:
    """Trains in a folder that was set up, from its beginning or its last checkpoint."""
    from chatbot.training.probes import Prober, probe_messages
    from chatbot.training.trainer import Trainer

    config = run.config()
    messages = probe_messages(run.pairs("validation"), run.about()["language"])
    trainer = Trainer(
        run,
        observe=observe,
        should_stop=should_stop,
        probe=Prober(messages, run.tokenizer(), config.training),
    )
    with run.locked():
        return trainer.train()


def save_result(run: RunFolder, outcome: Outcome) -> Path:
    """Saves the best weights as a bundle, with what they score after rounding."""
    from chatbot.training.results import save_rounded

    about, config = run.about(), run.config()
    writer = BundleWriter(run.name)
    try:
        metrics, replies = save_rounded(run, outcome, writer)
        facts = {**about, "metrics": metrics, "replies": replies, "name": run.name}
        return writer.finish(
            config,
            run.tokenizer(),
            {
                "language": about["language"],
                "description": _description(about),
                "created": datetime.date.today().isoformat(),
                "versions": _versions(),
            },
            metrics,
            replies,
            model_card(facts, config),
            run.corpus,
        )
    finally:
        writer.discard()


def _description(about: dict[str, Any]) -> str:
    return "trained on " + ", ".join(corpus["name"] for corpus in about["corpora"])


def _versions() -> dict[str, str]:
    import keras

    import chatbot

    return {
        "chatbot": chatbot.__version__,
        "keras": keras.__version__,
        "python": platform.python_version(),
        "platform": sys.platform,
    }
