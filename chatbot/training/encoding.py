"""Pairs of text to pairs of token ids: once, or for each epoch anew where something is drawn.

Drawn are the things in slots, how a message is typed (noise.py) and how its words are cut into
pieces. The seed and the epoch's number decide, so a resumed run draws the same. Knows no batch.
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
from chatbot.training.batches import EncodedPairs
from chatbot.training.noise import mistyped

_PURPOSE = 1  # of the chance drawn here; the order of the batches draws from the same seed


def encode_pairs(
    pairs: Sequence[DialoguePair], tokenizer: Tokenizer, config: TrainingConfig
) -> EncodedPairs:
    """Encodes each text once (turns recur in the histories of later pairs)."""
    texts = list(dict.fromkeys(t for pair in pairs for t in (*pair.history, pair.reply)))
    ids = dict(zip(texts, tokenizer.encode_batch(texts), strict=True))
    return EncodedPairs(
        [source_ids([ids[t] for t in p.history], config.max_source_tokens) for p in pairs],
        [target_ids(ids[p.reply], config.max_target_tokens) for p in pairs],
    )


class EpochEncoder:
    """Gives the training side of each epoch as token ids."""

    def __init__(
        self, pairs: Sequence[DialoguePair], tokenizer: Tokenizer, config: TrainingConfig
    ) -> None:
        """Takes the pairs, those with slots unfilled."""
        self._pairs, self._tokenizer, self._config = pairs, tokenizer, config
        slotted = any(pair.slots for pair in pairs)
        self._varies = slotted or config.subword_alpha > 0 or config.message_noise > 0
        self._fixed: EncodedPairs | None = None

    def __call__(self, epoch: int) -> EncodedPairs:
        """Returns the pairs of an epoch, in the same order in each."""
        if not self._varies:
            self._fixed = self._fixed or encode_pairs(self._pairs, self._tokenizer, self._config)
            return self._fixed
        return self._drawn(epoch)

    def _drawn(self, epoch: int) -> EncodedPairs:
        config = self._config
        chance = np.random.default_rng([config.seed, epoch, _PURPOSE])
        pairs = [
            replace(pair, history=(*pair.history[:-1], mistyped(pair.history[-1], chance)))
            if chance.random() < config.message_noise
            else pair
            for pair in filled(self._pairs, seed=int(chance.integers(2**31)))
        ]
        if not config.subword_alpha:
            return encode_pairs(pairs, self._tokenizer, config)
        cut = partial(self._tokenizer.sample, alpha=config.subword_alpha, chance=chance)
        return EncodedPairs(
            [source_ids([cut(t) for t in p.history], config.max_source_tokens) for p in pairs],
            [target_ids(cut(p.reply), config.max_target_tokens) for p in pairs],
        )
