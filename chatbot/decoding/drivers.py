"""Two ways to run a search: one compiled loop for replies, one Python generator for streaming.

Both call the same strategy and give the same tokens. Knows no model: it enters as a step function.
Read first: state.py and strategies.py.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from chatbot.config import BOS_ID
from chatbot.decoding.state import Hypotheses, SearchState, StepFunction, Tensor
from chatbot.decoding.strategies import Knobs, Strategy

_KEPT_COMPILED = 64  # strategies whose compiled functions stay in memory


def search(
    strategy: Strategy,
    step: StepFunction,
    state: Any,
    *,
    seeds: Tensor,
    source_length: Tensor,
    knobs: Knobs,
) -> Hypotheses:
    """Runs a search to its end in one loop; call it inside a tf.function.

    Args:
        strategy: how tokens are chosen.
        step: the model, see state.StepFunction.
        state: what the first step gets, with leading axis N = B * strategy.rows_per_source.
        seeds: shape (B,), int32.
        source_length: S, the width of the step's attention weights.
        knobs: the numeric settings.
    Returns:
        The hypotheses of each source, the best first. The loop stops when all have ended.
    """

    def advance(search_state: SearchState, state: Any) -> tuple[SearchState, Any]:
        log_probs, state, attention = step(search_state.last_ids, state)
        search_state = strategy.advance(search_state, log_probs, attention, knobs)
        return search_state, _state_of_parents(strategy, search_state, state)

    first = (strategy.start(seeds, source_length, knobs), state)
    last, _ = tf.while_loop(
        lambda search_state, _: tf.logical_and(
            search_state.position < knobs.max_length, _grows(search_state)
        ),
        advance,
        first,
        shape_invariants=(_shapes(first[0], 3), _state_shapes(state)),
    )
    return hypotheses(strategy, last, knobs)


def search_steps(
    strategy: Strategy,
    step: StepFunction,
    state: Any,
    *,
    seeds: Tensor,
    source_length: Tensor,
    knobs: Knobs,
) -> Iterator[SearchState]:
    """Yields the search after every single step; takes what `search` takes.

    Pass a compiled step. The strategy's own functions are compiled here, once for each strategy.
    """
    start, advance = _compiled(strategy)
    search_state = start(seeds, tf.convert_to_tensor(source_length), knobs)
    for _ in range(int(knobs.max_length)):
        if not bool(_grows(search_state)):
            return
        log_probs, state, attention = step(search_state.last_ids, state)
        search_state = advance(search_state, log_probs, attention, knobs)
        state = _state_of_parents(strategy, search_state, state)
        yield search_state


class Followed(NamedTuple):
    """What the model thought of T given tokens, one after the other."""

    log_probs: NDArray[np.float32]  # (T,) nats, before any filter
    attention: NDArray[np.float32]  # (T,S) weights over the source when each token came


def follow(step: StepFunction, state: Any, token_ids: Sequence[int]) -> Followed:
    """Feeds given tokens instead of chosen ones (teacher forcing), for one row.

    Args:
        step: the model, compiled; see state.StepFunction.
        state: what the first step gets, with leading axis 1.
        token_ids: at least one, without `<BOS>`.
    """
    log_probs, attention = [], []
    for last_id, token_id in zip([BOS_ID, *token_ids[:-1]], token_ids, strict=True):
        nats, state, weights = step(tf.constant([last_id]), state)
        log_probs.append(nats[0, token_id])
        attention.append(weights[0])
    return Followed(tf.stack(log_probs).numpy(), tf.stack(attention).numpy())


def hypotheses(strategy: Strategy, search_state: SearchState, knobs: Knobs) -> Hypotheses:
    """Sorts the rows of each source, the best first; places without a hypothesis come last."""
    rows = strategy.rows_per_source
    scores = tf.reshape(strategy.rank(search_state, knobs), [-1, rows])  # (N,) -> (B,K)
    order = tf.argsort(scores, axis=1, direction="DESCENDING", stable=True)
    real = search_state.scores > float("-inf")

    def sort(values: Tensor) -> Tensor:
        mask = tf.reshape(real, tf.concat([[-1], tf.ones(tf.rank(values) - 1, tf.int32)], 0))
        values = tf.where(mask, values, tf.zeros_like(values))
        shape = tf.concat([tf.shape(scores), tf.shape(values)[1:]], 0)
        return tf.gather(tf.reshape(values, shape), order, batch_dims=1)

    return Hypotheses(
        token_ids=sort(search_state.token_ids),
        token_log_probs=sort(search_state.token_log_probs),
        scores=tf.gather(scores, order, batch_dims=1),
        lengths=sort(search_state.lengths),
        attention=sort(search_state.attention),
    )


def _grows(search_state: SearchState) -> Tensor:
    """Returns whether any row is neither finished nor empty."""
    real = search_state.scores > float("-inf")
    return tf.reduce_any(tf.logical_and(real, tf.logical_not(search_state.finished)))


def _state_of_parents(strategy: Strategy, search_state: SearchState, state: Any) -> Any:
    """Gives each row the model state of the row that it continues."""
    if not strategy.reorders:
        return state
    return tf.nest.map_structure(lambda rows: tf.gather(rows, search_state.parents), state)


def _shapes(structure: Any, known: int) -> Any:
    """Returns the shapes of tensors, of which only the axes from `known` on must stay."""
    return tf.nest.map_structure(
        lambda tensor: tf.TensorShape([None] * len(tensor.shape[:known]) + tensor.shape[known:]),
        structure,
    )


def _state_shapes(state: Any) -> Any:
    """Returns the shapes of a model's state: of three axes, the second may grow at each step."""
    return tf.nest.map_structure(lambda tensor: _shapes(tensor, 2 if tensor.ndim > 2 else 1), state)


@functools.lru_cache(maxsize=_KEPT_COMPILED)
def _compiled(strategy: Strategy) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Compiles a strategy's start and step, each once, for tensors of any size."""
    integer, real = tf.TensorSpec((), tf.int32), tf.TensorSpec((), tf.float32)
    knobs = Knobs(real, integer, real, real, real, real, integer, integer, real)
    matrix = tf.TensorSpec((None, None), tf.float32)
    start = tf.function(strategy.start, [tf.TensorSpec((None,), tf.int32), integer, knobs])
    advance = tf.function(strategy.advance, [_STATE, matrix, matrix, knobs])
    return start.get_concrete_function(), advance.get_concrete_function()


_STATE = SearchState(
    position=tf.TensorSpec((), tf.int32),
    last_ids=tf.TensorSpec((None,), tf.int32),
    token_ids=tf.TensorSpec((None, None), tf.int32),
    token_log_probs=tf.TensorSpec((None, None), tf.float32),
    lengths=tf.TensorSpec((None,), tf.int32),
    scores=tf.TensorSpec((None,), tf.float32),
    finished=tf.TensorSpec((None,), tf.bool),
    parents=tf.TensorSpec((None,), tf.int32),
    attention=tf.TensorSpec((None, None, None), tf.float32),
    draws=tf.TensorSpec((None, None), tf.float32),
)
