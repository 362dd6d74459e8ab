"""Small functions over arrays of nats that the search and its filters share. Know no strategy."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from chatbot.decoding.state import Array

_ROWS = 16  # at a time, so that they stay in the processor's cache: half the time of all at once


class Best(NamedTuple):
    """The largest values of each row, the largest first."""

    values: Array  # (B,K)
    places: Array  # (B,K) their columns


def log_softmax(logits: Array) -> Array:
    """Returns logits (..., V) as natural log-probabilities, float32; of what is no number, none.

    >>> np.exp(log_softmax(np.array([[0.0, np.log(3.0)]]))).round(2)
    array([[0.25, 0.75]], dtype=float32)
    """
    log_probs = np.array(logits, np.float32, order="C")
    rows = log_probs.reshape(-1, log_probs.shape[-1])
    with np.errstate(invalid="ignore"):  # of a broken model: its replies will be empty
        for start in range(0, len(rows), _ROWS):
            some = rows[start : start + _ROWS]
            some -= some.max(1, keepdims=True)
            some -= np.log(np.exp(some).sum(1, keepdims=True))
    return log_probs


def top_k(values: Array, count: int) -> Best:
    """Returns the `count` largest values of each row (B,M); the lower column where two tie.

    Rows are cut into about sqrt(M * count) parts: whatever is among the largest lies in one of
    the `count` parts with the largest values, so these alone are sorted.

    >>> top_k(np.array([[3.0, 1.0, 5.0, 3.0, 2.0]]), 3).places
    array([[2, 0, 3]])
    """
    rows, width = values.shape
    part = max(1, math.isqrt(width // count))
    parts = np.full((rows, -(-width // part) * part), -np.inf, values.dtype)
    parts[:, :width] = values
    parts = parts.reshape(rows, -1, part)
    chosen = np.sort(_largest(parts.max(2), count), 1)  # (B,C), in the order of their columns
    among = np.take_along_axis(parts, chosen[:, :, np.newaxis], 1).reshape(rows, -1)
    inside = _largest(among, count)
    places = np.take_along_axis(chosen, inside // part, 1) * part + inside % part
    places = np.minimum(places, width - 1)  # padding, where what is no number stands in the row
    return Best(np.take_along_axis(values, places, 1), places)


def _largest(values: Array, count: int) -> Array:
    """Returns the columns of the largest values of each row, the largest first."""
    return np.argsort(-values, axis=1, kind="stable")[:, :count]
