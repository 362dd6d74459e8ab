"""What a fine-tuned model rehearses, so that it does not forget: old pairs of the model it is from.

They come from the `corpus.parquet` beside the base. Where that is missing (a bundle that was
downloaded), the base answers messages that it knows itself: those of the small talk that comes
with this project in its language, and those of its stored replies (pseudo-rehearsal, Robins 1995,
Connection Science 7(2)). Knows no training loop.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from chatbot.bundle import CORPUS, read_bundle_config, read_info, stored_replies
from chatbot.config import Config
from chatbot.corpus.pair_table import read_pairs
from chatbot.corpus.prepare import CorpusSource, prepare_corpus
from chatbot.corpus.records import DialoguePair
from chatbot.corpus.slots import filled
from chatbot.training.advice import shipped_corpus

ANSWERED_AT_MOST = 2_000  # messages: answering them takes about 20 seconds on two cores
_REHEARSED_AT_LEAST = 2_000  # pairs: few new ones are repeated instead
_VALIDATED_AT_LEAST = 20
_CHECKOUT = Path(__file__).resolve().parent.parent.parent


class OldPairs(NamedTuple):
    """What a base learned once, as far as that is known."""

    train: Sequence[DialoguePair]
    validation: Sequence[DialoguePair]
    are_own: bool  # else messages with a stranger's replies, in whose place the base's belong
    corrections: Sequence[DialoguePair] = ()  # that it was taught, to be kept in any case


class Mixture(NamedTuple):
    """What a fine-tuning learns from and measures on."""

    new: list[DialoguePair]  # as often as needed
    old: list[DialoguePair]
    validation: list[DialoguePair]  # new ones
    old_validation: list[DialoguePair]


def old_pairs(base: Path) -> OldPairs:
    """Returns the pairs that a bundle was trained on, or messages that it knows."""
    if (base / CORPUS).is_file():
        return _beside(base / CORPUS)
    replies = stored_replies(base)
    known = [DialoguePair((m,), reply, f"{base.name}:replies") for m, reply in replies.items()]
    shipped = shipped_corpus(read_info(base).language)
    if shipped is None or not (_CHECKOUT / shipped).is_file():
        return OldPairs(known, known, are_own=False)
    config = read_bundle_config(base).corpus
    prepared = prepare_corpus([CorpusSource(_CHECKOUT / shipped)], config)
    shipped_pairs = filled(prepared.train, config.seed)
    return OldPairs([*known, *shipped_pairs], prepared.validation, are_own=False)


def _beside(corpus: Path) -> OldPairs:
    """Reads a corpus; what a corrected bot rehearsed counts as learned, too."""
    train, rehearsal, held, validation, corrections = (
        list(dict.fromkeys(read_pairs(corpus, side)))
        for side in ("train", "rehearsal", "held", "validation", "corrections")
    )
    known = list(dict.fromkeys([*train, *rehearsal, *held]))
    return OldPairs(known, validation, are_own=True, corrections=corrections)


def mixture(
    new: Sequence[DialoguePair],
    validation: Sequence[DialoguePair],
    old: OldPairs,
    config: Config,
) -> Mixture:
    """Mixes new and old pairs so that `training.rehearsal` of them are old ones.

    Of a large corpus as many old pairs are drawn as that takes, if there are so many; beside a
    small one at least 2,000, and the new pairs are repeated until the share is right. New pairs
    too few for a validation side of their own are measured on as well as learned: they are to be
    known by heart.
    """
    share, seed = config.training.rehearsal, config.corpus.seed
    wanted = max(_REHEARSED_AT_LEAST, round(len(new) * share / (1 - share))) if share else 0
    if not old.are_own:
        wanted = min(wanted, ANSWERED_AT_MOST)
    drawn = _drawn(old.train, wanted, seed)
    times = round(len(drawn) * (1 - share) / share / len(new)) if share else 1
    measured = list(validation) or list(dict.fromkeys(new))
    held_out = max(_VALIDATED_AT_LEAST, round(len(measured) * share / (1 - share))) if share else 0
    return Mixture(
        new=[pair for _ in range(max(1, times)) for pair in new],
        old=[*drawn, *old.corrections],
        validation=measured,
        old_validation=_drawn(old.validation, held_out, seed),
    )


def _drawn(pairs: Sequence[DialoguePair], count: int, seed: int) -> list[DialoguePair]:
    return random.Random(seed).sample(list(pairs), min(count, len(pairs)))


def answered(pairs: Sequence[DialoguePair], base: Path) -> list[DialoguePair]:
    """Returns the pairs with the replies that the base gives in a chat."""
    from chatbot.bundle import load_bundle
    from chatbot.training.answers import Answers

    if not pairs:
        return []
    bundle = load_bundle(base)
    answers = Answers(bundle.network, bundle.tokenizer, bundle.config)
    replies = answers([pair.history for pair in pairs], bundle.config.decoding)
    return [
        DialoguePair(pair.history, reply, f"{base.name}:own")
        for pair, reply in zip(pairs, replies, strict=True)
        if reply
    ]
