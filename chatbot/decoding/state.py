"""What a search carries from step to step, what it returns at the end, and the network it asks.

Plain tuples of arrays. Knows no strategy and no model. Axes: B sources, K rows for each, N = B*K
rows, T tokens, S source length, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

State: TypeAlias = Sequence[Array]
"""A model's state: arrays with leading axis N; of one with three axes the second may grow."""

StepFunction: TypeAlias = Callable[[Array, State], tuple[Array, State, Array]]
"""(token_ids (N,) int32, state) -> (log_probs (N,V) float32, new state, attention (N,S) float32).

Row r belongs to source r // rows_per_source, so that the encoder's memory can stay in the closure.
"""


class Network(Protocol):
    """An encoder-decoder as functions over arrays: `model/live.py` and `model/recorded.py`."""

    shortlist: Array | None
    """Ids of the L tokens that `step` can choose, sorted, `<PAD>` to `<EOS>` first; None: all V."""

    @property
    def whole(self) -> Network:
        """The same network without a shortlist."""

    def encode(self, source_ids: Array) -> tuple[list[Array], list[Array]]:
        """source_ids (B,S) -> what each step looks at, and the first state; all (B,...)."""

    def step(
        self, token_ids: Array, sources: Sequence[Array], state: Sequence[Array]
    ) -> tuple[Array, Array, list[Array]]:
        """token_ids (N,) -> logits (N,V) or (N,L), attention's weights (N,S), new state."""

    def logits(self, source_ids: Array, decoder_input_ids: Array) -> Array:
        """(N,S), (N,T) -> (N,T,V): teacher forcing."""


class SearchState(NamedTuple):
    """A search after T steps. Rows are source-major: N = B * rows_per_source."""

    last_ids: Array  # (N,) int32: what the model is fed next; <PAD> in finished rows
    token_ids: Array  # (N,T) int32: no <BOS>; <EOS> once where a row ended, then <PAD>
    token_log_probs: Array  # (N,T) float32: nats by the model itself, before any filter
    lengths: Array  # (N,) int32: tokens in each row, <EOS> counted
    scores: Array  # (N,) float32: nats after the filters; -inf marks an empty beam
    finished: Array  # (N,) bool: the row produced <EOS>
    parents: Array  # (N,): the row of the previous step that each row continues
    attention: Array  # (N,T,S) float32: weights over the source when each token was made
    draws: Array  # (N,max_length) float32: a uniform number for each token; (N,0) if none is drawn

    @property
    def position(self) -> int:
        """Tokens produced so far."""
        return int(self.token_ids.shape[1])


class Hypotheses(NamedTuple):
    """The sequences that a search found for each of B sources, the best first."""

    token_ids: Array  # (B,K,T) int32: no <BOS>; <EOS> once where it ended, then <PAD>
    token_log_probs: Array  # (B,K,T) float32: nats by the model itself, before any filter
    scores: Array  # (B,K) float32: what ranked them, see strategies.ranking; -inf if empty
    lengths: Array  # (B,K) int32: <EOS> counted; no <EOS> where max_length cut it off
    attention: Array  # (B,K,T,S) float32
