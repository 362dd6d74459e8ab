"""Pairs to padded batches of similar length, in an order that the seed and the step alone decide.

So a run can go on at any step: nothing about the past has to be remembered. Knows token ids only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chatbot.config import BOS_ID, TrainingConfig
from chatbot.corpus.records import DialoguePair
from chatbot.text.source import pad, source_ids, target_ids
from chatbot.text.tokenizer import Tokenizer

_POOL = 64  # batches sorted by length together; more would make neighbouring batches too alike
_ROUND_UP = 4  # lengths are padded to multiples of this, so that few shapes occur


class Batch(NamedTuple):
    """One step's teacher-forcing input: `<BOS> y1..yn` in, `y1..yn <EOS>` expected."""

    source_ids: NDArray[np.int32]  # (B,S)
    decoder_input_ids: NDArray[np.int32]  # (B,T)
    target_ids: NDArray[np.int32]  # (B,T)
    weights: NDArray[np.float32]  # (B,T), 1 for a real target token, 0 for padding

    @property
    def tokens(self) -> int:
        """The number of real target tokens."""
        return int(self.weights.sum())


class EncodedPairs(NamedTuple):
    """Pairs as token ids; `sources[i]` and `targets[i]` belong together."""

    sources: list[list[int]]
    targets: list[list[int]]  # closed by <EOS>, unless cut

    def __len__(self) -> int:
        """The number of pairs."""
        return len(self.sources)


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


class BatchPlan:
    """Says which pairs stand in the batch of each step, for any number of epochs."""

    def __init__(self, pairs: EncodedPairs, batch_size: int, seed: int) -> None:
        """Takes the pairs; `seed` and the epoch's number decide each epoch's order."""
        self._pairs, self._batch_size, self._seed = pairs, batch_size, seed
        self._lengths = np.array(
            [(len(t), len(s)) for s, t in zip(pairs.sources, pairs.targets, strict=True)]
        )
        self.batches_per_epoch = -(-len(pairs) // batch_size)
        self._epoch: tuple[int, list[NDArray[np.int64]]] | None = None

    def batch(self, step: int) -> Batch:
        """Returns the batch of `step` (from 0), the same whenever it is asked for."""
        epoch, position = divmod(step, self.batches_per_epoch)
        if self._epoch is None or self._epoch[0] != epoch:
            self._epoch = (epoch, self._order(epoch))
        return pad_batch(self._pairs, self._epoch[1][position])

    def _order(self, epoch: int) -> list[NDArray[np.int64]]:
        """Shuffles, sorts pools of neighbours by length, cuts them, shuffles the batches."""
        random = np.random.default_rng([self._seed, epoch])
        order = random.permutation(len(self._pairs))
        batches: list[NDArray[np.int64]] = []
        for start in range(0, len(order), self._batch_size * _POOL):
            pool = order[start : start + self._batch_size * _POOL]
            pool = pool[np.lexsort(self._lengths[pool].T[::-1])]  # by target, then by source
            batches += np.split(pool, range(self._batch_size, len(pool), self._batch_size))
        return [batches[i] for i in random.permutation(len(batches))]


def batches_in_order(pairs: EncodedPairs, batch_size: int) -> Iterator[Batch]:
    """Yields each pair once, by length: for validation and evaluation."""
    order = np.argsort([len(t) for t in pairs.targets], kind="stable")
    for start in range(0, len(order), batch_size):
        yield pad_batch(pairs, order[start : start + batch_size])


def pad_batch(pairs: EncodedPairs, rows: Sequence[int] | NDArray[np.int64]) -> Batch:
    """Right-pads the chosen rows with `<PAD>` to their longest, rounded up."""
    targets = [pairs.targets[row] for row in rows]
    target = pad(targets, _ROUND_UP)
    inputs = pad([[BOS_ID, *ids[:-1]] for ids in targets], _ROUND_UP)
    weights = (np.arange(target.shape[1]) < np.array([[len(t)] for t in targets])).astype("float32")
    sources = pad([pairs.sources[row] for row in rows], _ROUND_UP)
    return Batch(sources, inputs, target, weights)
