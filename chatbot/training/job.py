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
from typing import TYPE_CHECKING, Any, NamedTuple

from chatbot.bundle import (
    WEIGHTS,
    BundleWriter,
    bundle_path,
    read_bundle_config,
    read_licences,
    read_tokenizer,
    verify_files,
)
from chatbot.config import Config, changed
from chatbot.corpus.catalogue import terms_of
from chatbot.corpus.prepare import CorpusSource, PreparedCorpus, prepare_corpus
from chatbot.corpus.records import DialoguePair
from chatbot.errors import TrainingError
from chatbot.files import checked_name, models_folder, runs_folder
from chatbot.text.tokenizer import Tokenizer, train_tokenizer
from chatbot.text.words import main_language
from chatbot.training.card import model_card
from chatbot.training.estimate import Estimate, Plan, estimate
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


class Draft(NamedTuple):
    """A training that is thought through, and nothing of it written yet."""

    job: Job
    config: Config  # the effective one
    base: Path | None
    tokenizer: Tokenizer | None  # the base's; from scratch, none is learned yet
    prepared: PreparedCorpus

    @property
    def language(self) -> str:
        """The language of the corpora."""
        return main_language(distinct_texts(self.prepared.train, 0)[:2000])


def draft(job: Job) -> Draft:
    """Reads and cleans the corpora, and settles what the base model decides."""
    config, base, tokenizer = job.config, None, None
    if job.base is not None:
        base = bundle_path(job.base)
        verify_files(base)
        config, tokenizer = fine_tuned(job.config, base), read_tokenizer(base)
    return Draft(job, config, base, tokenizer, prepare_corpus(job.sources, config.corpus))


def estimated(drafted: Draft) -> Estimate:
    """Tells what a training will cost."""
    sides = drafted.prepared.report.sides
    return estimate(
        Plan(
            config=drafted.config,
            train=drafted.prepared.train,
            validation=sides.validation,
            new_pairs=sides.distinct_train,
            language=drafted.language,
            base=drafted.job.base,
            tokenizer=drafted.tokenizer,
        )
    )


def set_up(job: Job) -> tuple[RunFolder, PreparedCorpus]:
    """Reads and cleans the corpora, learns the tokenizer, and writes the run folder."""
    run = new_run(job)
    with run.failures_told():
        return run, _set_up(run, job)


def _set_up(run: RunFolder, job: Job) -> PreparedCorpus:
    drafted = draft(job)
    prepared, config, base = drafted.prepared, drafted.config, drafted.base
    texts = distinct_texts(prepared.train, config.corpus.seed)
    about = {
        "command": job.command,
        "commit": current_commit(),
        "corpora": [{"name": s.path.name, "weight": s.weight} for s in job.sources],
        "licences": _licences(job.sources, base),
        "base": base.name if base else None,
        "language": main_language(texts[:2000]),
        "report": prepared.report.as_dict(),
    }
    sides = {"train": prepared.train, "validation": prepared.validation}
    tokenizer = drafted.tokenizer or train_tokenizer(texts, config.tokenizer)
    run.set_up(config, tokenizer, sides, about, base / WEIGHTS if base else None)
    _tell_set_up(run, drafted)
    return prepared


def _licences(sources: Iterable[CorpusSource], base: Path | None) -> list[dict[str, str]]:
    """Returns the terms of the public sets among the corpora, and of those behind the base."""
    behind = read_licences(base) if base else []
    own = [dict(terms) for source in sources if (terms := terms_of(source.path))]
    return list({terms["set"]: terms for terms in [*behind, *own]}.values())


def _tell_set_up(run: RunFolder, drafted: Draft) -> None:
    told = estimated(drafted).as_dict()
    run.log(
        "setup",
        name=run.name,
        base=drafted.base.name if drafted.base else None,
        corpora=[source.path.name for source in drafted.job.sources],
        minutes=drafted.config.training.minutes,
        pairs=told["pairs"],
        parameters=told["parameters"],
        estimate=told,
    )


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
    """Saves the best weights as a bundle, with what they score after rounding.

    A bundle that an earlier sitting of this run saved is replaced as a whole.
    """
    from chatbot.training.results import save_rounded

    check_place(run)
    run.log("saving")
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
                "licences": about.get("licences", []),
            },
            metrics,
            replies,
            model_card(facts, config),
            run.corpus,
            like=_earlier(run),
        )
    finally:
        writer.discard()


def _earlier(run: RunFolder) -> Path:
    """Returns the bundle that an earlier sitting saved, else the one it was fine-tuned from."""
    place = models_folder() / run.name
    base = run.about()["base"]
    return place if place.exists() or not base else models_folder() / base


def check_place(run: RunFolder) -> None:
    """Makes sure that no bundle of another origin stands where the run will save its own.

    Raises:
        TrainingError: one does; it was pulled, uploaded or renamed there since.
    """
    place = models_folder() / run.name
    if place.exists() and all(event["event"] != "saving" for event in run.events()):
        raise TrainingError(
            f"A model named {run.name!r} exists that this training did not make, and it would be "
            "lost. Rename or remove that model, then resume this training."
        )


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
