"""Pairs of text to pairs of token ids: once, or for each epoch anew where something is drawn.

Drawn are the things in slots, how a message is typed (noise.py), what was talked about before it
(a bot that has only seen first messages alone takes any history for the subject), and how words
are cut into pieces. The seed and the epoch's number decide, so a resumed run draws the same.
Knows no batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from chatbot.config import TrainingConfig
from chatbot.corpus.records import DialoguePair
from chatbot.corpus.slots import filled
from chatbot.text.source import source_ids, target_ids
from chatbot.text.tokenizer import Tokenizer
from chatbot.training.batches import EncodedPairs, TokenRows
from chatbot.training.noise import mistyped

_AT_ONCE = 5_000  # pairs that are cut together; all of a large corpus would fill the memory
_PURPOSE = 1  # of the chance drawn here; the order of the batches draws from the same seed


def encode_pairs(
    pairs: Sequence[DialoguePair], tokenizer: Tokenizer, config: TrainingConfig
) -> EncodedPairs:
    """Encodes pairs, some at a time, and each text of these once: turns recur in histories."""
    sources, targets = TokenRows(), TokenRows()
    for start in range(0, len(pairs), _AT_ONCE):
        some = pairs[start : start + _AT_ONCE]
        texts = list(dict.fromkeys(t for pair in some for t in (*pair.history, pair.reply)))
        ids = dict(zip(texts, tokenizer.encode_batch(texts), strict=True))
        for pair in some:
            sources.append(source_ids([ids[t] for t in pair.history], config.max_source_tokens))
            targets.append(target_ids(ids[pair.reply], config.max_target_tokens))
    return EncodedPairs(sources, targets)


class EpochEncoder:
    """Gives the training side of each epoch as token ids."""

    def __init__(
        self, pairs: Sequence[DialoguePair], tokenizer: Tokenizer, config: TrainingConfig
    ) -> None:
        """Takes the pairs, those with slots unfilled."""
        self._pairs, self._tokenizer, self._config = pairs, tokenizer, config
        shares = (config.subword_alpha, config.message_noise, config.unrelated_history)
        self._varies = any(shares) or any(pair.slots for pair in pairs)
        self._fixed: EncodedPairs | None = None

    def __call__(self, epoch: int) -> EncodedPairs:
        """Returns the pairs of an epoch, in the same order in each."""
        if self._varies:
            chance = np.random.default_rng([self._config.seed, epoch, _PURPOSE])
            return self._encoded(self._drawn(chance), chance)
        self._fixed = self._fixed or encode_pairs(self._pairs, self._tokenizer, self._config)
        return self._fixed

    def _drawn(self, chance: np.random.Generator) -> list[DialoguePair]:
        """Fills the slots, mistypes messages, and puts what others said before first messages."""
        config = self._config
        pairs = filled(self._pairs, seed=int(chance.integers(2**31)))
        shown = [
            replace(p, history=(*p.history[:-1], mistyped(p.history[-1], chance)))
            if chance.random() < config.message_noise
            else p
            for p in pairs
        ]
        return [
            _after(pairs[int(chance.integers(len(pairs)))], pair)
            if len(pair.history) == 1 and chance.random() < config.unrelated_history
            else pair
            for pair in shown
        ]

    def _encoded(self, pairs: Sequence[DialoguePair], chance: np.random.Generator) -> EncodedPairs:
        config = self._config
        if not config.subword_alpha:
            return encode_pairs(pairs, self._tokenizer, config)
        cut = partial(self._tokenizer.sample, alpha=config.subword_alpha, chance=chance)
        return EncodedPairs(
            TokenRows(
                source_ids([cut(t) for t in p.history], config.max_source_tokens) for p in pairs
            ),
            TokenRows(target_ids(cut(p.reply), config.max_target_tokens) for p in pairs),
        )


def _after(earlier: DialoguePair, pair: DialoguePair) -> DialoguePair:
    """Returns a pair whose message changes the subject of an earlier exchange."""
    return replace(pair, history=(earlier.history[-1], earlier.reply, *pair.history))
