"""A training thought through before anything of it is written: what it learns from, and its cost.

Knows no run folder and no loop.
"""

from __future__ import annotations

import dataclasses
import random
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from chatbot.bundle import (
    bundle_path,
    read_bundle_config,
    read_info,
    read_tokenizer,
    verify_files,
)
from chatbot.config import Config, Section, changed
from chatbot.corpus.prepare import CorpusSource, PreparedCorpus, prepare_corpus
from chatbot.corpus.records import DialoguePair
from chatbot.corpus.slots import filled
from chatbot.errors import TrainingError
from chatbot.text.tokenizer import Tokenizer
from chatbot.text.vectors import check_vectors
from chatbot.text.words import main_language
from chatbot.training.corrections import beside, latest, roomy
from chatbot.training.estimate import Estimate, Plan, estimate
from chatbot.training.rehearsal import OldPairs, answered, mixture, old_pairs
from chatbot.training.turns import turns_shown

HOLD_OUT_FROM = 100  # pairs to fine-tune on; fewer are to be known by heart, all of them
_FREE = ("dropout", "summary")  # of the model: what fine-tuning may change
_TUNING_RATE = 3e-4  # the learning rate on top of what a model knows, unless one is asked for

Sides = Mapping[str, Sequence[DialoguePair]]


@dataclass(frozen=True)
class Job:
    """What the owner asked for."""

    name: str
    sources: Sequence[CorpusSource]
    config: Config
    base: str | None = None  # the bundle to fine-tune
    command: str = ""  # that starts this very training, for the model card


class Base(NamedTuple):
    """What a fine-tuning starts from."""

    path: Path
    tokenizer: Tokenizer
    old: OldPairs


class Draft(NamedTuple):
    """A training that is thought through, and nothing of it written yet."""

    job: Job
    config: Config  # the effective one
    base: Base | None
    prepared: PreparedCorpus

    @property
    def language(self) -> str:
        """The language of the corpora; of few pairs it cannot be told, so the base's."""
        texts = distinct_texts(self.prepared.train, self.config.corpus.seed)
        if self.base and len(self.prepared.train) < HOLD_OUT_FROM:
            return read_info(self.base.path).language
        return main_language(texts[:2000])


def draft(job: Job) -> Draft:
    """Reads and cleans the corpora, and settles what the base model decides.

    Raises:
        TrainingError: corrections are to be taught to no one, or one is too long.
    """
    if job.base is None:
        if job.config.training.corrections:
            raise TrainingError(
                "Corrections are taught to a bot, and none is named. Give --from NAME, or leave "
                "training.corrections out."
            )
        check_vectors(job.config.model)
        return Draft(job, job.config, None, prepare_corpus(job.sources, job.config.corpus))
    path = bundle_path(job.base)
    verify_files(path)
    config = fine_tuned(job.config, path)
    hold_out_from = sys.maxsize if config.training.corrections else HOLD_OUT_FROM
    prepared = prepare_corpus(job.sources, config.corpus, hold_out_from=hold_out_from)
    tokenizer = read_tokenizer(path)
    if config.training.corrections:
        whole = filled(prepared.train, config.corpus.seed)
        prepared = dataclasses.replace(prepared, train=tuple(whole))
        config = roomy(config, prepared.train, tokenizer)
    return Draft(job, config, Base(path, tokenizer, old_pairs(path)), prepared)


def sides_of(drafted: Draft) -> Sides:
    """Returns the pairs to write into the run folder, by side.

    Where the base has no corpus beside it, it is asked what it says, which imports TensorFlow.
    """
    prepared, base, config = drafted.prepared, drafted.base, drafted.config
    if base is None:
        return {"train": prepared.train, "validation": prepared.validation}
    if config.training.corrections:
        fixes = _fixes(drafted, base)
        others = beside(fixes, base.old, config)
        said = answered(others.known, base.path)
        return {
            "train": [*fixes, *(base.old.train if base.old.are_own else ())],
            "validation": others.validation or fixes,
            "corrections": fixes,
            "rehearsal": said[others.held :],
            "held": said[: others.held],
        }
    mixed = mixture(prepared.train, prepared.validation, base.old, config)
    old, held_out = mixed.old, mixed.old_validation
    if not base.old.are_own:
        old, held_out = answered(old, base.path), answered(held_out, base.path)
    return {
        "train": [*mixed.new, *old],
        "validation": [*mixed.validation, *held_out],
        "corrections": base.old.corrections,
    }


def _fixes(drafted: Draft, base: Base) -> list[DialoguePair]:
    """Returns the corrections to teach: the new ones, and those that the base knows already."""
    turns = turns_shown(drafted.config)
    return latest([*base.old.corrections, *drafted.prepared.train], turns)


def estimated(drafted: Draft) -> Estimate:
    """Tells what a training will cost."""
    report, base = drafted.prepared.report, drafted.base
    train: Sequence[DialoguePair] = drafted.prepared.train
    if base and not drafted.config.training.corrections:
        mixed = mixture(train, drafted.prepared.validation, base.old, drafted.config)
        train = [*mixed.new, *mixed.old]
    return estimate(
        Plan(
            config=drafted.config,
            train=train,
            validation=report.sides.validation,
            new_pairs=report.sides.distinct_train,
            language=drafted.language,
            base=drafted.job.base,
            tokenizer=base.tokenizer if base else None,
            old_pairs=len(base.old.train) if base else 0,
        )
    )


def distinct_texts(pairs: Iterable[DialoguePair], seed: int) -> list[str]:
    """Returns every message and reply once, shuffled; slots are filled.

    The tokenizer reads only so many sentences, from the first on: in the order of the corpora,
    repeated by their weights, it would know the first corpus alone.
    """
    whole = filled(pairs, seed)
    texts = list(dict.fromkeys(t for pair in whole for t in (pair.history[-1], pair.reply)))
    random.Random(seed).shuffle(texts)
    return texts


def fine_tuned(config: Config, base: Path) -> Config:
    """Returns `config` with what fine-tuning takes from the bundle `base`.

    That is its architecture and tokenizer in any case; what changes no weight's shape (dropout, the
    summary), how it searches for a reply, how many turns it is shown and how long texts may be,
    unless it was asked for otherwise; and a lower learning rate.

    Raises:
        TrainingError: the owner asked for another architecture than the base has.
    """
    of_base = read_bundle_config(base)
    for section in ("model", "tokenizer"):
        asked, has = getattr(config, section), getattr(of_base, section)
        default = type(asked)()
        for key, value in asked:
            if key not in _FREE and value not in (getattr(default, key), getattr(has, key)):
                raise TrainingError(
                    f"Fine-tuning keeps the architecture of {base.name!r}, so {section}.{key} "
                    f"cannot become {value!r}. Leave that setting out, or train from scratch."
                )
    decoding, limits = config.decoding, of_base.training
    tuned = changed(
        config,
        model=changed(of_base.model, **_asked(config.model, *_FREE)),
        tokenizer=of_base.tokenizer,
        decoding=changed(of_base.decoding, **decoding.model_dump(exclude_unset=True)),
        corpus=_unless_asked(config.corpus, history_turns=of_base.corpus.history_turns),
        training=_unless_asked(
            config.training,
            learning_rate=_TUNING_RATE,
            max_source_tokens=limits.max_source_tokens,
            max_target_tokens=limits.max_target_tokens,
        ),
    )
    return _for_corrections(tuned) if tuned.training.corrections else tuned


def _for_corrections(config: Config) -> Config:
    """Lets each correction be learned as it was given, and none be dropped for its reply."""
    corpus = changed(
        config.corpus, without_history=0.0, min_reply_uses=1, max_reply_uses=sys.maxsize
    )
    training = changed(config.training, precision="float32")  # small changes must not be lost
    return changed(config, corpus=corpus, training=training)


def _asked(section: Section, *keys: str) -> dict[str, Any]:
    return section.model_dump(include=section.model_fields_set & set(keys))


def _unless_asked(section: Section, **values: Any) -> Section:
    asked = section.model_fields_set
    return changed(section, **{key: value for key, value in values.items() if key not in asked})
