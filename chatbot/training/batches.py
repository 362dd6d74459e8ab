"""Pairs to padded batches of similar length, in an order that the seed and the step alone decide.

So a run can go on at any step: nothing about the past has to be remembered. What is drawn anew
for each epoch (encoding.py) depends on the epoch's number alone. Knows token ids only.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from chatbot.config import BOS_ID
from chatbot.text.source import pad

_POOL = 64  # batches sorted by length together; more would make neighbouring batches too alike
# Targets whose lengths differ by less than this factor count as equally long. Sorted by their exact
# length, a batch would hold few different replies where a corpus has few: 8 of 64 in place of 21
# in our small talk, and the sources would be padded to 1.8 times their length in place of 1.5.
_ALIKE = 1.4
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


class TokenRows(Sequence[Sequence[int]]):
    """Rows of token ids, one behind the other in four bytes each.

    A list of lists takes many times as much, which a million pairs would feel.
    """

    def __init__(self, rows: Iterable[Iterable[int]] = ()) -> None:
        """Takes the rows, each of which may be forgotten at once."""
        self._ids, self._starts = array("i"), array("q", [0])
        for row in rows:
            self.append(row)

    def append(self, row: Iterable[int]) -> None:
        """Adds a row at the end."""
        self._ids.extend(row)
        self._starts.append(len(self._ids))

    def __len__(self) -> int:
        """The number of rows."""
        return len(self._starts) - 1

    @overload
    def __getitem__(self, index: int) -> Sequence[int]: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sequence[int]]: ...
    def __getitem__(self, index: int | slice) -> Sequence[int] | list[Sequence[int]]:
        """Returns a copy of a row, or of several."""
        if isinstance(index, slice):
            return [self[row] for row in range(*index.indices(len(self)))]
        row = range(len(self))[index]
        return self._ids[self._starts[row] : self._starts[row + 1]]


class EncodedPairs(NamedTuple):
    """Pairs as token ids; `sources[i]` and `targets[i]` belong together."""

    sources: Sequence[Sequence[int]]
    targets: Sequence[Sequence[int]]  # closed by <EOS>, unless cut

    def __len__(self) -> int:
        """The number of pairs."""
        return len(self.sources)


class BatchPlan:
    """Says which pairs stand in the batch of each step, for any number of epochs."""

    def __init__(
        self,
        pairs_of: Callable[[int], EncodedPairs],
        batch_size: int,
        seed: int,
        *,
        bucketing: bool = True,
    ) -> None:
        """Takes what gives the pairs of each epoch, always equally many.

        `seed` and the epoch's number decide each epoch's order. Without bucketing a batch holds
        pairs of any length, and is padded to its longest.
        """
        self._bucketing = bucketing
        self._pairs_of, self._batch_size, self._seed = pairs_of, batch_size, seed
        self._epoch, self._pairs = 0, pairs_of(0)
        self._order = self._ordered()
        self.pairs, self.batches_per_epoch = len(self._pairs), len(self._order)

    def batch(self, step: int) -> Batch:
        """Returns the batch of `step` (from 0), the same whenever it is asked for."""
        epoch, position = divmod(step, self.batches_per_epoch)
        if self._epoch != epoch:
            self._epoch, self._pairs = epoch, self._pairs_of(epoch)
            self._order = self._ordered()
        return pad_batch(self._pairs, self._order[position])

    def longest(self) -> Batch:
        """Returns the longest pairs of the current epoch as one batch: the most memory of any."""
        return list(batches_in_order(self._pairs, self._batch_size))[-1]

    def _ordered(self) -> list[NDArray[np.int64]]:
        """Shuffles, sorts pools of neighbours by length, cuts them, shuffles the batches."""
        random = np.random.default_rng([self._seed, self._epoch])
        lengths = np.array(
            [(int(math.log(len(t), _ALIKE)), len(s)) for s, t in zip(*self._pairs, strict=True)],
            dtype=np.int64,
        )
        order = random.permutation(len(self._pairs))
        batches: list[NDArray[np.int64]] = []
        for start in range(0, len(order), self._batch_size * _POOL):
            pool = order[start : start + self._batch_size * _POOL]
            if self._bucketing:
                pool = pool[np.lexsort(lengths[pool].T[::-1])]  # by target, then by source
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
