"""The loop: what was chosen is fed back until every reply has ended.

Knows no model: it enters as a step function. Read first: state.py and strategies.py.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chatbot.config import BOS_ID
from chatbot.decoding.state import Array, Hypotheses, SearchState, State, StepFunction
from chatbot.decoding.strategies import Strategy


def search(
    strategy: Strategy,
    step: StepFunction,
    state: State,
    *,
    seeds: Sequence[int],
    source_length: int,
) -> Hypotheses:
    """Runs a search to its end; takes what `search_steps` takes.

    Returns:
        The hypotheses of each source, the best first.
    """
    steps = search_steps(strategy, step, state, seeds=seeds, source_length=source_length)
    return hypotheses(strategy, deque(steps, maxlen=1).pop())


def search_steps(
    strategy: Strategy,
    step: StepFunction,
    state: State,
    *,
    seeds: Sequence[int],
    source_length: int,
) -> Iterator[SearchState]:
    """Yields the search after every single step, and stops when all rows have ended.

    Args:
        strategy: how tokens are chosen.
        step: the model, see state.StepFunction.
        state: what the first step gets, with leading axis N = B * strategy.rows_per_source.
        seeds: one for each of B sources.
        source_length: S, the width of the step's attention weights.
    """
    search_state = strategy.start(seeds, source_length)
    for _ in range(strategy.config.max_length):
        log_probs, state, attention = step(search_state.last_ids, state)
        search_state = strategy.advance(search_state, log_probs, attention)
        yield search_state
        if not _grows(search_state):
            return
        if strategy.reorders:
            state = [rows[search_state.parents] for rows in state]


class Followed(NamedTuple):
    """What the model thought of T given tokens, one after the other."""

    log_probs: NDArray[np.float32]  # (T,) nats, before any filter
    attention: NDArray[np.float32]  # (T,S) weights over the source when each token came


def follow(step: StepFunction, state: State, token_ids: Sequence[int]) -> Followed:
    """Feeds given tokens instead of chosen ones (teacher forcing), for one row.

    Args:
        step: the model; see state.StepFunction.
        state: what the first step gets, with leading axis 1.
        token_ids: at least one, without `<BOS>`.
    """
    log_probs, attention = [], []
    for last_id, token_id in zip([BOS_ID, *token_ids[:-1]], token_ids, strict=True):
        nats, state, weights = step(np.array([last_id], np.int32), state)
        log_probs.append(nats[0, token_id])
        attention.append(weights[0])
    return Followed(np.array(log_probs), np.array(attention))


def hypotheses(strategy: Strategy, search_state: SearchState) -> Hypotheses:
    """Sorts the rows of each source, the best first; places without a hypothesis come last."""
    real = search_state.scores > float("-inf")
    scores = _by_source(strategy, strategy.rank(search_state))  # (B,K)
    order = np.argsort(-scores, axis=1, kind="stable")

    def sort(values: Array) -> Array:
        kept = real.reshape(-1, *[1] * (values.ndim - 1))
        values = np.where(kept, values, values.dtype.type(0))
        each = order.reshape(*order.shape, *[1] * (values.ndim - 1))
        return np.take_along_axis(_by_source(strategy, values), each, 1)

    return Hypotheses(
        token_ids=sort(search_state.token_ids),
        token_log_probs=sort(search_state.token_log_probs),
        scores=np.take_along_axis(scores, order, 1),
        lengths=sort(search_state.lengths),
        attention=sort(search_state.attention),
    )


def _by_source(strategy: Strategy, rows: Array) -> Array:
    """(N,...) -> (B,K,...)."""
    return rows.reshape(-1, strategy.rows_per_source, *rows.shape[1:])


def _grows(search_state: SearchState) -> bool:
    """Returns whether any row is neither finished nor empty."""
    real = search_state.scores > float("-inf")
    return bool((real & ~search_state.finished).any())
