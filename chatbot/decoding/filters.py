"""Pure functions that reshape next-token log-probabilities before a token is picked.

Each takes and returns (N, V) natural log-probabilities, with -inf for what may not come. Knows no
strategy and no model. Read next: strategies.py, which says in which order they apply.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from chatbot.config import EOS_ID, PAD_ID
from chatbot.decoding.state import Tensor

_IMPOSSIBLE = float("-inf")
_USUALLY_ENOUGH = 128  # likeliest tokens that mostly hold top_p: sorting all takes far longer
_LEAST = -1e9  # nats: a way out that the model thinks impossible, yet finite to sum and compare


def apply_temperature(log_probs: Tensor, temperature: Tensor) -> Tensor:
    """Sharpens (below 1) or flattens (above 1) a distribution, and renormalises it.

    Ackley, Hinton and Sejnowski 1985: p**(1/T) over its sum.

    >>> tf.exp(apply_temperature(tf.math.log([[0.8, 0.2]]), 0.5)).numpy().round(3)
    array([[0.941, 0.059]], dtype=float32)
    """
    return tf.nn.log_softmax(log_probs / temperature)


def keep_top_k(log_probs: Tensor, top_k: Tensor) -> Tensor:
    """Keeps the `top_k` likeliest tokens, the lower id where two tie; 0 keeps all.

    Fan et al. 2018, arXiv:1805.04833, section 5.1.

    Args:
        log_probs: shape (N, V).
        top_k: how many to keep, an int32 scalar.
    Returns:
        Log-probabilities, shape (N, V), renormalised if any were dropped.

    >>> tf.exp(keep_top_k(tf.math.log([[0.5, 0.3, 0.2]]), 2)).numpy().round(3)
    array([[0.625, 0.375, 0.   ]], dtype=float32)
    """
    vocab_size = tf.shape(log_probs)[1]

    def keep() -> Tensor:
        best = tf.math.top_k(log_probs, top_k)
        return _only(best.indices, best.values, vocab_size)

    return _unless(tf.logical_or(top_k <= 0, top_k >= vocab_size), keep, log_probs)


def keep_top_p(log_probs: Tensor, top_p: Tensor) -> Tensor:
    """Keeps the smallest set of likeliest tokens whose total probability reaches `top_p`.

    Nucleus sampling (Holtzman et al. 2020, arXiv:1904.09751, section 3.1). The token that crosses
    the threshold is kept, so at least one always survives. 1 keeps all.

    Args:
        log_probs: normalised, shape (N, V).
        top_p: probability mass to keep, a float32 scalar in (0, 1].
    Returns:
        Log-probabilities, shape (N, V), renormalised if any were dropped.

    >>> tf.exp(keep_top_p(tf.math.log([[0.5, 0.3, 0.2]]), 0.6)).numpy().round(3)
    array([[0.625, 0.375, 0.   ]], dtype=float32)
    """
    vocab_size = tf.shape(log_probs)[1]
    few = tf.minimum(_USUALLY_ENOUGH, vocab_size)

    def keep_among(count: Tensor) -> Tensor:
        best = tf.math.top_k(log_probs, count)
        before = tf.cumsum(tf.exp(best.values), axis=1, exclusive=True)
        return _only(best.indices, tf.where(before < top_p, best.values, _IMPOSSIBLE), vocab_size)

    def keep() -> Tensor:
        mass = tf.reduce_sum(tf.exp(tf.math.top_k(log_probs, few, sorted=False).values), 1)
        return keep_among(tf.where(tf.reduce_min(mass) > top_p, few, vocab_size))

    return _unless(tf.greater_equal(top_p, 1.0), keep, log_probs)


def repetition_penalty(log_probs: Tensor, token_ids: Tensor, penalty: Tensor) -> Tensor:
    """Multiplies the log-probability of every token already produced by `penalty`.

    Keskar et al. 2019 (CTRL, arXiv:1909.05858, section 4.1) divide positive scores and, in later
    practice, multiply negative ones; log-probabilities are never positive. Above 1 discourages.

    Args:
        log_probs: shape (N, V).
        token_ids: what each row produced, shape (N, T), `<PAD>` where nothing yet.
        penalty: a float32 scalar; 1 is off.

    >>> produced = tf.constant([[2, 0]])
    >>> tf.exp(repetition_penalty(tf.math.log([[0.2, 0.3, 0.5]]), produced, 2.0)).numpy().round(3)
    array([[0.2 , 0.3 , 0.25]], dtype=float32)
    """

    def penalise() -> Tensor:
        now = tf.gather(log_probs, token_ids, batch_dims=1)  # (N,T)
        then = tf.where(token_ids == PAD_ID, now, now * penalty)
        return tf.tensor_scatter_nd_update(log_probs, _cells(token_ids), then)

    return _unless(tf.equal(penalty, 1.0), penalise, log_probs)


def block_repeated_ngrams(
    log_probs: Tensor, token_ids: Tensor, position: Tensor, size: int
) -> Tensor:
    """Forbids any token that would complete a run of `size` tokens the row already holds.

    Paulus et al. 2017, arXiv:1705.04304, section 2.5.

    Args:
        log_probs: shape (N, V).
        token_ids: what each row produced, shape (N, T).
        position: how many tokens that is, an int32 scalar.
        size: 0 is off; 1 forbids every token already produced.

    >>> rows = tf.constant([[1, 2, 1, 0]])  # 1 2 came before: after 1, no second 2
    >>> tf.exp(block_repeated_ngrams(tf.math.log([[0.2, 0.3, 0.5]]), rows, 3, 2)).numpy().round(3)
    array([[0.2, 0.3, 0. ]], dtype=float32)
    """
    if size == 0:
        return log_probs
    width = tf.shape(token_ids)[1]
    ends = tf.range(width)[size - 1 :]  # (E,): each a place where an earlier run may have ended
    repeats = (ends < position)[tf.newaxis]  # (1,E)
    for back in range(1, size):
        newest = token_ids[:, tf.maximum(position - back, 0), tf.newaxis]  # (N,1)
        earlier = token_ids[:, size - 1 - back : tf.maximum(width - back, 0)]  # (N,E)
        repeats = tf.logical_and(repeats, tf.equal(earlier, newest))
    earlier = token_ids[:, size - 1 :]
    bans = tf.broadcast_to(tf.where(repeats, _IMPOSSIBLE, 0.0), tf.shape(earlier))
    return tf.tensor_scatter_nd_add(log_probs, _cells(earlier), bans)


def forbid(log_probs: Tensor, forbidden_ids: Sequence[int]) -> Tensor:
    """Makes some token ids impossible.

    >>> tf.exp(forbid(tf.math.log([[0.2, 0.3, 0.5]]), [0, 2])).numpy().round(3)
    array([[0. , 0.3, 0. ]], dtype=float32)
    """
    return _add_to_columns(log_probs, forbidden_ids, [_IMPOSSIBLE] * len(forbidden_ids))


def weigh_end(
    log_probs: Tensor, position: Tensor, min_length: Tensor, length_bonus: Tensor
) -> Tensor:
    """Forbids `<EOS>` before `min_length` tokens, then takes `length_bonus` nats from it.

    As if every other token had gained them: the word reward of He et al. 2016 (AAAI, "Improved
    neural machine translation with SMT features", section 3), felt at each step;
    `strategies.ranking` adds it up over a whole reply.

    >>> own = tf.math.log([[0.1, 0.2, 0.3, 0.4]])
    >>> tf.exp(weigh_end(own, 1, 2, 0.0)).numpy().round(3)
    array([[0.1, 0.2, 0.3, 0. ]], dtype=float32)
    >>> tf.exp(weigh_end(own, 2, 2, 0.693147)).numpy().round(3)
    array([[0.1, 0.2, 0.3, 0.2]], dtype=float32)
    """
    nats = tf.where(tf.less(position, min_length), _IMPOSSIBLE, -length_bonus)
    return _add_to_columns(log_probs, [EOS_ID], [nats])


def leave_a_way_out(log_probs: Tensor, own_log_probs: Tensor) -> Tensor:
    """Gives `<EOS>` its own log-probability back in each row where nothing is possible.

    >>> own = tf.math.log([[0.1, 0.2, 0.3, 0.4]])
    >>> tf.exp(leave_a_way_out(forbid(own, [0, 1, 2, 3]), own)).numpy().round(3)
    array([[0. , 0. , 0. , 0.4]], dtype=float32)
    """
    stuck = tf.reduce_max(log_probs, 1, keepdims=True) <= _IMPOSSIBLE  # (N,1)

    def end() -> Tensor:
        is_end = tf.range(tf.shape(log_probs)[1]) == EOS_ID  # (V,)
        return tf.where(stuck & is_end, tf.maximum(own_log_probs, _LEAST), log_probs)

    return _unless(tf.logical_not(tf.reduce_any(stuck)), end, log_probs)


def _unless(off: Tensor, changed: Callable[[], Tensor], log_probs: Tensor) -> Tensor:
    """Returns `changed()`, or the log-probabilities as they are where a filter is off."""
    result = tf.cond(off, lambda: log_probs, changed)
    return tf.ensure_shape(result, log_probs.shape)  # which a branch may have lost


def _only(token_ids: Tensor, log_probs: Tensor, vocab_size: Tensor) -> Tensor:
    """Spreads the log-probabilities (N,C) of a few tokens over V columns, renormalised."""
    nothing = tf.fill([tf.shape(token_ids)[0], vocab_size], _IMPOSSIBLE)
    return tf.tensor_scatter_nd_update(nothing, _cells(token_ids), tf.nn.log_softmax(log_probs))


def _add_to_columns(log_probs: Tensor, token_ids: Sequence[int], nats: Sequence[Tensor]) -> Tensor:
    bias = tf.tensor_scatter_nd_add(
        tf.zeros(tf.shape(log_probs)[1]), [[i] for i in token_ids], tf.stack(nats)
    )
    return log_probs + bias


def _cells(token_ids: Tensor) -> Tensor:
    """Returns the (row, column) of each token in an (N, V) matrix: (N,T) -> (N,T,2)."""
    rows = tf.broadcast_to(tf.range(tf.shape(token_ids)[0])[:, tf.newaxis], tf.shape(token_ids))
    return tf.stack([rows, token_ids], axis=-1)
