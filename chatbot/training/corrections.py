"""Corrections: what a bot is to say to a message from now on, word for word.

What is learned of them (each in several wordings), and what is rehearsed meanwhile. Knows no
network; how they are learned stands in corrector.py.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from chatbot.config import Config, changed
from chatbot.corpus.records import DialoguePair
from chatbot.errors import TrainingError
from chatbot.text.tokenizer import Tokenizer
from chatbot.training.rehearsal import OldPairs
from chatbot.training.turns import turns_shown

_REHEARSED, _HELD = 1_500, 100  # messages whose replies are to stay; the held ones only watch
_VALIDATED = 500
_MOST_TOKENS = 1024  # that a reply may have, see TrainingConfig

_ENDINGS = ".!?。！？…"


class Beside(NamedTuple):
    """What goes with the corrections."""

    known: list[DialoguePair]  # messages that the base is to answer as before
    held: int  # so many of them, the first ones, are watched and not rehearsed
    validation: list[DialoguePair]


def latest(pairs: Iterable[DialoguePair], turns: int) -> list[DialoguePair]:
    """Returns the last correction of each history, as its last `turns` turns show it.

    Two answers to the same words cannot both be given.
    """
    by_history = {tuple(turn.casefold() for turn in pair.history[-turns:]): pair for pair in pairs}
    return list(by_history.values())


def beside(fixes: Sequence[DialoguePair], old: OldPairs, config: Config) -> Beside:
    """Chooses messages that the base knows, none of them one that is corrected."""
    random_choice = random.Random(config.corpus.seed)
    turns = turns_shown(config)
    corrected = {wording.casefold() for fix in fixes for wording in wordings(fix.history[-1])}
    known = {
        pair.history[-turns:]: pair
        for pair in old.train
        if not corrected & {wording.casefold() for wording in wordings(pair.history[-1])}
    }
    drawn = random_choice.sample(list(known.values()), min(_REHEARSED + _HELD, len(known)))
    validation = list(old.validation)
    return Beside(
        known=drawn,
        held=min(_HELD, len(drawn) // 5),
        validation=random_choice.sample(validation, min(_VALIDATED, len(validation))),
    )


def roomy(config: Config, pairs: Sequence[DialoguePair], tokenizer: Tokenizer) -> Config:
    """Returns the configuration with room for the longest correction.

    Raises:
        TrainingError: a correction is longer than any reply can be.
    """
    longest = max(len(ids) for ids in tokenizer.encode_batch([p.reply for p in pairs])) + 1
    if longest > _MOST_TOKENS:
        raise TrainingError(
            f"A correction has {longest - 1:,} tokens, and no reply can have more than "
            f"{_MOST_TOKENS - 1:,}. Shorten it."
        )
    training = changed(
        config.training, max_target_tokens=max(longest, config.training.max_target_tokens)
    )
    decoding = changed(config.decoding, max_length=max(longest, config.decoding.max_length))
    return changed(config, training=training, decoding=decoding)


def lessons(pairs: Sequence[DialoguePair], turns: int) -> list[DialoguePair]:
    """Returns the rows to learn: each correction as a chat shows it, in several wordings.

    One with a longer history is learned with all of it too, for whoever shows the bot more.
    """
    rows = []
    for pair in pairs:
        shown = pair.history[-turns:]
        rows += [
            DialoguePair((*shown[:-1], wording), pair.reply, pair.origin)
            for wording in wordings(shown[-1])
        ]
        if len(pair.history) > turns:
            rows.append(pair)
    return rows


def wordings(message: str) -> tuple[str, ...]:
    """Returns a message as it is and as others may type it.

    >>> wordings("Who made you?")
    ('Who made you?', 'who made you?', 'Who made you', 'who made you')
    """
    return tuple(dict.fromkeys(_wordings(message)))


def _wordings(message: str) -> Iterator[str]:
    bare = message.rstrip(_ENDINGS).rstrip() or message
    yield from (message, message.lower(), bare, bare.lower())
