"""What a search carries from step to step, and what it returns at the end.

Plain tuples of tensors, so that one search runs inside a compiled loop or under Python alike. Knows
no strategy and no model. Axes: B sources, K rows for each, N = B*K rows, T tokens, S source length.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

Tensor: TypeAlias = Any
"""A tf.Tensor, or a NumPy array of the same shape: TensorFlow ships no types."""

StepFunction: TypeAlias = Callable[[Tensor, Any], tuple[Tensor, Any, Tensor]]
"""(token_ids (N,) int32, state) -> (log_probs (N,V) float32, new state, attention (N,S) float32).

The state is any nested structure of tensors with leading axis N; of one with three axes the second
may grow from step to step. Row r belongs to source
r // rows_per_source, so that the encoder's memory can stay in the closure.
"""


class SearchState(NamedTuple):
    """A search after `position` steps. Rows are source-major: N = B * rows_per_source."""

    position: Tensor  # () int32: tokens produced so far
    last_ids: Tensor  # (N,) int32: what the model is fed next; <PAD> in finished rows
    token_ids: Tensor  # (N,T) int32: no <BOS>; <EOS> once where a row ended, then <PAD>
    token_log_probs: Tensor  # (N,T) float32: nats by the model itself, before any filter
    lengths: Tensor  # (N,) int32: tokens in each row, <EOS> counted
    scores: Tensor  # (N,) float32: nats after the filters; -inf marks an empty beam
    finished: Tensor  # (N,) bool: the row produced <EOS>
    parents: Tensor  # (N,) int32: the row of the previous step that each row continues
    attention: Tensor  # (N,T,S) float32: weights over the source when each token was made
    draws: Tensor  # (N,T) float32: one uniform number for each token; (N,0) without sampling


class Hypotheses(NamedTuple):
    """The sequences that a search found for each of B sources, the best first."""

    token_ids: Tensor  # (B,K,T) int32: no <BOS>; <EOS> once where it ended, then <PAD>
    token_log_probs: Tensor  # (B,K,T) float32: nats by the model itself, before any filter
    scores: Tensor  # (B,K) float32: what ranked them, see strategies.ranking; -inf if empty
    lengths: Tensor  # (B,K) int32: <EOS> counted; no <EOS> where max_length cut it off
    attention: Tensor  # (B,K,T,S) float32
