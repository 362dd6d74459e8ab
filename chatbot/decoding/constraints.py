"""How much of the required runs of tokens each row holds. Pure functions; know no strategy.

A run that a row holds whole counts all of its tokens; else as many of its first tokens count as the
row ends with.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from chatbot.decoding.state import Tensor

Runs = Sequence[Sequence[int]]


def size(required: Runs) -> int:
    """Returns the number of tokens of all runs."""
    return sum(map(len, required))


def held(token_ids: Tensor, position: Tensor, required: Runs) -> Tensor:
    """Returns how many required tokens each row holds, shape (N,).

    Args:
        token_ids: what each row produced, shape (N,T), `<PAD>` where nothing yet.
        position: how many tokens that is, an int32 scalar.
        required: the runs.

    >>> rows = tf.constant([[7, 8, 9, 0], [7, 9, 8, 0], [9, 9, 7, 0]])
    >>> held(rows, 3, [[7, 8]]).numpy()
    array([2, 0, 1], dtype=int32)
    """
    counts = [tf.where(_whole(token_ids, run), len(run), _begun(token_ids, position, run))
              for run in required]  # fmt: skip
    return tf.add_n(counts)


def held_with_next(token_ids: Tensor, position: Tensor, required: Runs, size: Tensor) -> Tensor:
    """Returns how many each row would hold after each token of the vocabulary, shape (N,V).

    >>> rows = tf.constant([[7, 0, 0], [6, 0, 0]])
    >>> held_with_next(rows, 1, [[7, 8]], 10).numpy()[:, 6:]
    array([[0, 1, 2, 0],
           [0, 1, 0, 0]], dtype=int32)
    """
    token = tf.range(size)[tf.newaxis]  # (1,V)
    counts = []
    for run in required:
        begun = _begun(token_ids, position, run)[:, tf.newaxis]  # (N,1)
        follows = token == tf.gather(tf.constant(run, tf.int32), begun)
        after = tf.where(follows, begun + 1, tf.cast(token == run[0], tf.int32))
        counts.append(tf.where(_whole(token_ids, run)[:, tf.newaxis], len(run), after))
    return tf.add_n(counts)


def _whole(token_ids: Tensor, run: Sequence[int]) -> Tensor:
    """Returns whether each row holds the run, shape (N,)."""
    width = tf.shape(token_ids)[1]
    padded = tf.pad(token_ids, [[0, 0], [0, len(run)]])
    matches = [padded[:, i : width + i] == token for i, token in enumerate(run)]
    return tf.reduce_any(tf.reduce_all(tf.stack(matches), 0), 1)


def _begun(token_ids: Tensor, position: Tensor, run: Sequence[int]) -> Tensor:
    """Returns how many first tokens of the run each row ends with, all but one at most: (N,)."""
    padded = tf.pad(token_ids, [[0, 0], [len(run), 0]])
    begun = tf.zeros(tf.shape(token_ids)[:1], tf.int32)
    for count in range(1, len(run)):
        first = position + len(run) - count
        same = tf.reduce_all(padded[:, first : first + count] == run[:count], 1)
        begun = tf.where(same, count, begun)
    return begun
