"""A training from corpus files to a saved bot: set up a run folder, train in it, save the result.

The command line and the page both come in here. Knows no page and no terminal.
"""

from __future__ import annotations

import datetime
import platform
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatbot.bundle import (
    WEIGHTS,
    BundleWriter,
    read_card,
    read_licences,
)
from chatbot.corpus.catalogue import terms_of
from chatbot.corpus.prepare import CorpusSource, PreparedCorpus
from chatbot.errors import TrainingError
from chatbot.files import checked_name, models_folder, runs_folder
from chatbot.text.tokenizer import Tokenizer, train_tokenizer
from chatbot.text.vectors import piece_vectors
from chatbot.training.card import commands_in, model_card
from chatbot.training.draft import Draft, Job, distinct_texts, draft, estimated, sides_of
from chatbot.training.run import RunFolder
from chatbot.training.shortlist import shortlist_for

if TYPE_CHECKING:
    from chatbot.training.trainer import Observer, Outcome


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
    with run.failures_told():
        return run, _set_up(run, job)


def _set_up(run: RunFolder, job: Job) -> PreparedCorpus:
    drafted = draft(job)
    prepared, config = drafted.prepared, drafted.config
    base = drafted.base.path if drafted.base else None
    about: dict[str, Any] = {
        "command": job.command,
        "before": commands_in(read_card(base)) if base else [],
        "commit": current_commit(),
        "corpora": [{"name": s.path.name, "weight": s.weight} for s in job.sources],
        "licences": _licences(job.sources, base),
        "base": base.name if base else None,
        "language": drafted.language,
        "report": prepared.report.as_dict(),
    }
    tokenizer, sides = _tokenizer(drafted), sides_of(drafted)
    about["shortlist"] = shortlist_for(drafted, sides, tokenizer)
    _keep_vectors(run, drafted, tokenizer)
    run.set_up(config, tokenizer, sides, about, base / WEIGHTS if base else None)
    _tell_set_up(run, drafted)
    return prepared


def _tokenizer(drafted: Draft) -> Tokenizer:
    if drafted.base is not None:
        return drafted.base.tokenizer
    texts = distinct_texts(drafted.prepared.train, drafted.config.corpus.seed)
    return train_tokenizer(texts, drafted.config.tokenizer)


def _keep_vectors(run: RunFolder, drafted: Draft, tokenizer: Tokenizer) -> None:
    """Reads the word vectors to begin with into the run, so that it depends on no other file."""
    model = drafted.config.model
    if drafted.base is not None or model.embedding_file is None:
        return
    found = piece_vectors(Path(model.embedding_file), tokenizer, model.embedding_units)
    run.path.mkdir(parents=True, exist_ok=True)
    run.save_arrays("vectors", [found.vectors, found.known], found.facts)
    run.log("vectors", file=model.embedding_file, **found.facts)


def _licences(sources: Iterable[CorpusSource], base: Path | None) -> list[dict[str, str]]:
    """Returns the terms of the public sets among the corpora, and of those behind the base."""
    behind = read_licences(base) if base else []
    own = [dict(terms) for source in sources if (terms := terms_of(source.path))]
    return list({terms["set"]: terms for terms in [*behind, *own]}.values())


def _tell_set_up(run: RunFolder, drafted: Draft) -> None:
    told, settings = estimated(drafted).as_dict(), drafted.config.training
    run.log(
        "setup",
        name=run.name,
        base=drafted.base.path.name if drafted.base else None,
        corpora=[source.path.name for source in drafted.job.sources],
        minutes=settings.minutes,
        corrections=len(run.pairs("corrections")) if settings.corrections else None,
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


def run_training(run: RunFolder, *, observe: Observer, should_stop: Callable[[], bool]) -> Outcome:
    """Trains in a folder that was set up, from its beginning or its last checkpoint.

    Hold the run meanwhile (`RunFolder.locked`), and until its result is saved.
    """
    from chatbot.training.corrector import Corrector
    from chatbot.training.probes import Prober, probe_messages
    from chatbot.training.trainer import Trainer

    config = run.config()
    if config.training.corrections:
        return Corrector(run, observe=observe, should_stop=should_stop).train()
    messages = probe_messages(run.pairs("validation"), run.about()["language"])
    trainer = Trainer(
        run,
        observe=observe,
        should_stop=should_stop,
        probe=Prober(messages, run.tokenizer(), config.training, run.shortlist()),
    )
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
            shortlist=about.get("shortlist"),
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
