"""What to think of before a training starts: too few pairs, too little time, memory or disk.

Each warning says what to do. Knows sizes only, no pair and no network.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from chatbot.files import home
from chatbot.training.processor import available_memory_bytes

_ENOUGH_PAIRS = 2_000
_ENOUGH_STEPS = 1_000  # fewer, and a network from scratch forms no sentences
_FEW_TO_TUNE_ON = 20
_ENOUGH_TO_REHEARSE = 100


class Warned(NamedTuple):
    """What may go wrong, by a short code and in words."""

    code: str
    text: str


@dataclass(frozen=True)
class Scope:
    """How large a training is."""

    pairs: int  # to learn from, as often as weighed, old ones included
    new_pairs: int  # different ones of the given corpora
    steps: int
    per_epoch: int  # steps
    seconds_per_step: float
    language: str
    base: str | None
    old_pairs: int  # that the base can rehearse
    corrections: bool


def advice(scope: Scope) -> Iterator[Warned]:
    """Yields what the owner should know of corpus and budget."""
    few = _few_to_tune_on(scope) if scope.base else _few_from_scratch(scope)
    if few is not None:
        yield few
    if scope.base and scope.old_pairs < _ENOUGH_TO_REHEARSE:
        yield Warned(
            "nothing_old",
            f"Nothing of what {scope.base!r} learned lies beside it, so it will forget much of "
            "that. Give its corpus too, if you have it.",
        )
    enough = scope.per_epoch if scope.base else max(_ENOUGH_STEPS, 2 * scope.per_epoch)
    if scope.steps < enough and not scope.corrections:
        minutes = max(1, round(enough * scope.seconds_per_step / 60 + 0.5))
        yield Warned(
            "budget_short",
            f"{scope.steps:,} steps are few for {scope.pairs:,} pairs: the bot will hardly have "
            f"learned them. Give it about {minutes:,} minutes"
            + ("." if scope.base else ", or fine-tune a bot that can talk."),
        )


def _few_to_tune_on(scope: Scope) -> Warned | None:
    if scope.new_pairs >= _FEW_TO_TUNE_ON or scope.corrections:
        return None
    return Warned(
        "few_to_tune_on",
        f"{scope.new_pairs:,} pairs are very few, even to fine-tune on. If each is to be said "
        "word for word, teach them as corrections (training.corrections=true); else add about "
        f"{_FEW_TO_TUNE_ON - scope.new_pairs:,} pairs.",
    )


def _few_from_scratch(scope: Scope) -> Warned | None:
    if scope.new_pairs >= _ENOUGH_PAIRS:
        return None
    mixed = shipped_corpus(scope.language)
    return Warned(
        "few_pairs",
        f"{scope.new_pairs:,} pairs are few to learn a language from: the bot would repeat them "
        "by heart and be lost beside them. Fine-tune a bot that can talk, add about "
        f"{_ENOUGH_PAIRS - scope.new_pairs:,} pairs"
        + (f", or train on {mixed} as well." if mixed else "."),
    )


def shipped_corpus(language: str) -> str | None:
    """Returns the small talk that comes with this project in a language, None without any."""
    return f"corpora/small-talk.{language}.yml" if language in ("en", "zh") else None


def shortages(memory: int, disk: int) -> Iterator[Warned]:
    """Yields what this machine has too little of, given the bytes that a training takes."""
    there = available_memory_bytes()
    if there and memory > there:
        yield Warned(
            "memory_short",
            f"It needs about {memory / 1e9:.1f} GB of memory and {there / 1e9:.1f} GB are free. "
            "Close other programs, or lower training.batch_size.",
        )
    existing = next(path for path in (home(), *home().absolute().parents) if path.is_dir())
    free = shutil.disk_usage(existing).free
    if disk > free:
        yield Warned(
            "disk_short",
            f"It writes about {disk / 1e6:,.0f} MB and {free / 1e6:,.0f} MB are free on the disk. "
            "Make room before it starts.",
        )
