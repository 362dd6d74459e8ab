"""How much of the required runs of tokens each row holds. Pure functions; know no strategy.

A run that a row holds whole counts all of its tokens. Of the others the one that the row has come
furthest in counts as many of its first tokens as the row ends with: one token begun for two runs
must not count more than the second token of one (Post and Vilar 2018 too have one run begun).
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
    whole = [_whole(token_ids, run) for run in required]
    begun = [_begun(token_ids, position, run) for run in required]
    return _counted(whole, begun, required)


def held_with_next(
    token_ids: Tensor, position: Tensor, required: Runs, vocab_size: Tensor
) -> Tensor:
    """Returns how many each row would hold after each token of the vocabulary, shape (N,V).

    >>> rows = tf.constant([[7, 0, 0], [6, 0, 0]])
    >>> held_with_next(rows, 1, [[7, 8]], 10).numpy()[:, 6:]
    array([[0, 1, 2, 0],
           [0, 1, 0, 0]], dtype=int32)
    """
    token = tf.range(vocab_size)[tf.newaxis]  # (1,V)
    whole, begun = [], []
    for run in required:
        before = _begun(token_ids, position, run)[:, tf.newaxis]  # (N,1)
        follows = token == tf.gather(tf.constant(run, tf.int32), before)
        after = tf.where(follows, before + 1, tf.cast(token == run[0], tf.int32))
        whole.append(_whole(token_ids, run)[:, tf.newaxis] | (after == len(run)))
        begun.append(after)
    return _counted(whole, begun, required)


def _counted(whole: Sequence[Tensor], begun: Sequence[Tensor], required: Runs) -> Tensor:
    """Adds up the runs that are whole, and the furthest of those that are not."""
    done = [tf.where(is_whole, len(run), 0) for is_whole, run in zip(whole, required, strict=True)]
    rest = [tf.where(is_whole, 0, count) for is_whole, count in zip(whole, begun, strict=True)]
    return tf.add_n(done) + tf.reduce_max(tf.stack(rest), 0)


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
