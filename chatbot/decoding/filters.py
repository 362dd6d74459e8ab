"""Pure functions that reshape next-token log-probabilities before a token is picked.

Each takes and returns (N, V) natural log-probabilities, with -inf for what may not come, and may
change them in place: a step makes one copy, not five. Knows no strategy and no model. Read next:
strategies.py, which says in which order they apply.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chatbot.config import EOS_ID, PAD_ID
from chatbot.decoding.nats import log_softmax, top_k
from chatbot.decoding.state import Array

_IMPOSSIBLE = float("-inf")
_USUALLY_ENOUGH = 128  # likeliest tokens that mostly hold top_p: sorting all takes far longer
_LEAST = -1e9  # nats: a way out that the model thinks impossible, yet finite to sum and compare


def apply_temperature(log_probs: Array, temperature: float) -> Array:
    """Sharpens (below 1) or flattens (above 1) a distribution, and renormalises it.

    Ackley, Hinton and Sejnowski 1985: p**(1/T) over its sum.

    >>> np.exp(apply_temperature(np.log([[0.8, 0.2]]), 0.5)).round(3)
    array([[0.941, 0.059]], dtype=float32)
    """
    return log_softmax(log_probs / temperature)


def keep_top_k(log_probs: Array, count: int) -> Array:
    """Keeps the `count` likeliest tokens, the lower id where two tie; 0 keeps all.

    Fan et al. 2018, arXiv:1805.04833, section 5.1.

    Args:
        log_probs: shape (N, V).
        count: how many to keep.
    Returns:
        Log-probabilities, shape (N, V), renormalised if any were dropped.

    >>> np.exp(keep_top_k(np.log([[0.5, 0.3, 0.2]]), 2)).round(3)
    array([[0.625, 0.375, 0.   ]])
    """
    if not 0 < count < log_probs.shape[1]:
        return log_probs
    best = top_k(log_probs, count)
    return _only(best.places, best.values, log_probs)


def keep_top_p(log_probs: Array, top_p: float) -> Array:
    """Keeps the smallest set of likeliest tokens whose total probability reaches `top_p`.

    Nucleus sampling (Holtzman et al. 2020, arXiv:1904.09751, section 3.1). The token that crosses
    the threshold is kept, so at least one always survives. 1 keeps all.

    Args:
        log_probs: normalised, shape (N, V).
        top_p: probability mass to keep, in (0, 1].
    Returns:
        Log-probabilities, shape (N, V), renormalised if any were dropped.

    >>> np.exp(keep_top_p(np.log([[0.5, 0.3, 0.2]]), 0.6)).round(3)
    array([[0.625, 0.375, 0.   ]])
    """
    if top_p >= 1:
        return log_probs
    vocab_size = log_probs.shape[1]
    best = top_k(log_probs, min(_USUALLY_ENOUGH, vocab_size))
    if np.exp(best.values).sum(1).min() <= top_p:
        best = top_k(log_probs, vocab_size)
    mass = np.exp(best.values)
    before = np.cumsum(mass, axis=1) - mass
    return _only(best.places, np.where(before < top_p, best.values, _IMPOSSIBLE), log_probs)


def repetition_penalty(log_probs: Array, token_ids: Array, penalty: float) -> Array:
    """Multiplies the log-probability of every token already produced by `penalty`.

    Keskar et al. 2019 (CTRL, arXiv:1909.05858, section 4.1) divide positive scores and, in later
    practice, multiply negative ones; log-probabilities are never positive. Above 1 discourages.

    Args:
        log_probs: shape (N, V).
        token_ids: what each row produced, shape (N, T), `<PAD>` where it had ended.
        penalty: 1 is off.

    >>> produced = np.array([[2, 0]])
    >>> np.exp(repetition_penalty(np.log([[0.2, 0.3, 0.5]]), produced, 2.0)).round(3)
    array([[0.2 , 0.3 , 0.25]])
    """
    if penalty == 1:
        return log_probs
    now = np.take_along_axis(log_probs, token_ids, 1)  # (N,T)
    then = np.where(token_ids == PAD_ID, now, now * penalty)
    np.put_along_axis(log_probs, token_ids, then, 1)
    return log_probs


def block_repeated_ngrams(log_probs: Array, token_ids: Array, size: int) -> Array:
    """Forbids any token that would complete a run of `size` tokens the row already holds.

    Paulus et al. 2017, arXiv:1705.04304, section 2.5.

    Args:
        log_probs: shape (N, V).
        token_ids: what each row produced, shape (N, T).
        size: 0 is off; 1 forbids every token already produced.

    >>> rows = np.array([[1, 2, 1]])  # 1 2 came before: after 1, no second 2
    >>> np.exp(block_repeated_ngrams(np.log([[0.2, 0.3, 0.5]]), rows, 2)).round(3)
    array([[0.2, 0.3, 0. ]])
    """
    position = token_ids.shape[1]
    if size == 0 or position < size:
        return log_probs
    earlier = token_ids[:, size - 1 :]  # (N,E): each a place where an earlier run ended
    repeats = np.ones(earlier.shape, bool)
    for back in range(1, size):
        newest = token_ids[:, position - back, np.newaxis]  # (N,1)
        repeats &= token_ids[:, size - 1 - back : position - back] == newest
    if repeats.any():
        rows, places = np.nonzero(repeats)
        log_probs[rows, earlier[rows, places]] = _IMPOSSIBLE
    return log_probs


def forbid(log_probs: Array, token_ids: Sequence[int]) -> Array:
    """Makes some token ids impossible.

    >>> np.exp(forbid(np.log([[0.2, 0.3, 0.5]]), [0, 2])).round(3)
    array([[0. , 0.3, 0. ]])
    """
    log_probs[:, list(token_ids)] = _IMPOSSIBLE
    return log_probs


def weigh_end(log_probs: Array, position: int, min_length: int, length_bonus: float) -> Array:
    """Forbids `<EOS>` before `min_length` tokens, then takes `length_bonus` nats from it.

    As if every other token had gained them: the word reward of He et al. 2016 (AAAI, "Improved
    neural machine translation with SMT features", section 3), felt at each step;
    `strategies.ranking` adds it up over a whole reply.

    >>> own = np.log([[0.1, 0.2, 0.3, 0.4]])
    >>> np.exp(weigh_end(own.copy(), 1, 2, 0.0)).round(3)
    array([[0.1, 0.2, 0.3, 0. ]])
    >>> np.exp(weigh_end(own.copy(), 2, 2, 0.693147)).round(3)
    array([[0.1, 0.2, 0.3, 0.2]])
    """
    lost = _IMPOSSIBLE if position < min_length else -length_bonus
    if lost:
        log_probs[:, EOS_ID] += lost
    return log_probs


def leave_a_way_out(log_probs: Array, own_log_probs: Array) -> Array:
    """Gives `<EOS>` its own log-probability back in each row where nothing is possible.

    >>> own = np.log([[0.1, 0.2, 0.3, 0.4]])
    >>> np.exp(leave_a_way_out(forbid(own.copy(), [0, 1, 2, 3]), own)).round(3)
    array([[0. , 0. , 0. , 0.4]])
    """
    stuck = log_probs.max(1) <= _IMPOSSIBLE  # (N,)
    if stuck.any():
        log_probs[stuck, EOS_ID] = np.maximum(own_log_probs[stuck, EOS_ID], _LEAST)
    return log_probs


def _only(token_ids: Array, log_probs: Array, like: Array) -> Array:
    """Spreads the log-probabilities (N,C) of a few tokens over V columns, renormalised."""
    spread = np.full_like(like, _IMPOSSIBLE)
    np.put_along_axis(spread, token_ids, log_softmax(log_probs), 1)
    return spread
