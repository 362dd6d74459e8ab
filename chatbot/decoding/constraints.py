"""How much of the required runs of tokens each row holds. Pure functions; know no strategy.

A run that a row holds whole counts all of its tokens. Of the others the one that the row has come
furthest in counts as many of its first tokens as the row ends with: one token begun for two runs
must not count more than the second token of one (Post and Vilar 2018 too have one run begun).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chatbot.decoding.state import Array

Runs = Sequence[Sequence[int]]


def size(required: Runs) -> int:
    """Returns the number of tokens of all runs."""
    return sum(map(len, required))


def held(token_ids: Array, required: Runs) -> Array:
    """Returns how many required tokens each row holds, shape (N,).

    Args:
        token_ids: what each row produced, shape (N,T).
        required: the runs.

    >>> held(np.array([[7, 8, 9], [7, 9, 8], [9, 9, 7]]), [[7, 8]])
    array([2, 0, 1])
    """
    whole = [_whole(token_ids, run) for run in required]
    begun = [_begun(token_ids, run) for run in required]
    return _counted(whole, begun, required)


def held_with_next(token_ids: Array, required: Runs, vocab_size: int) -> Array:
    """Returns how many each row would hold after each token of the vocabulary, shape (N,V).

    >>> held_with_next(np.array([[7], [6]]), [[7, 8]], 10)[:, 6:]
    array([[0, 1, 2, 0],
           [0, 1, 0, 0]])
    """
    token = np.arange(vocab_size)[np.newaxis]  # (1,V)
    whole, begun = [], []
    for run in required:
        before = _begun(token_ids, run)[:, np.newaxis]  # (N,1)
        after = np.where(token == np.asarray(run)[before], before + 1, token == run[0])  # (N,V)
        whole.append(_whole(token_ids, run)[:, np.newaxis] | (after == len(run)))
        begun.append(after)
    return _counted(whole, begun, required)


def _counted(whole: Sequence[Array], begun: Sequence[Array], required: Runs) -> Array:
    """Adds up the runs that are whole, and the furthest of those that are not."""
    lengths = [len(run) for run in required]
    done = [np.where(is_whole, n, 0) for is_whole, n in zip(whole, lengths, strict=True)]
    rest = [np.where(is_whole, 0, count) for is_whole, count in zip(whole, begun, strict=True)]
    counted: Array = np.sum(done, 0) + np.max(rest, 0)
    return counted


def _whole(token_ids: Array, run: Sequence[int]) -> Array:
    """Returns whether each row holds the run, shape (N,)."""
    if token_ids.shape[1] < len(run):
        return np.zeros(len(token_ids), bool)
    found = np.lib.stride_tricks.sliding_window_view(token_ids, len(run), 1) == run
    whole: Array = found.all(2).any(1)
    return whole


def _begun(token_ids: Array, run: Sequence[int]) -> Array:
    """Returns how many first tokens of the run each row ends with, all but one at most: (N,)."""
    begun = np.zeros(len(token_ids), int)
    for count in range(1, min(len(run), token_ids.shape[1] + 1)):
        begun[(token_ids[:, -count:] == run[:count]).all(1)] = count
    return begun
