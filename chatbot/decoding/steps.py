"""A network's encoder and decoder step as the step of a search. Knows no strategy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from chatbot.config import PAD_ID
from chatbot.decoding.nats import log_softmax
from chatbot.decoding.state import Array, Network, State, StepFunction


def encoded(
    network: Network, source_ids: Array, rows_per_source: int, said: Iterable[int] = ()
) -> tuple[StepFunction, State]:
    """Reads the sources; returns the step that looks at them, and its first state.

    Args:
        network: the encoder-decoder.
        source_ids: (B,S).
        rows_per_source: K, the sequences that go on from each.
        said: tokens that must be possible, whether on the network's shortlist or not.
    """
    if network.shortlist is not None and not set(said) <= set(network.shortlist.tolist()):
        network = network.whole
    read = network.encode(source_ids)
    sources, state = ([np.repeat(rows, rows_per_source, 0) for rows in some] for some in read)
    return _Step(network, sources), state


class _Step:
    """The step of a search: the network is asked of the rows alone that have not ended."""

    def __init__(self, network: Network, sources: Sequence[Array]) -> None:
        """Takes the network, and what it has read of each row's source."""
        self._network, self._sources = network, sources
        self._live, self._looked_at = np.arange(len(sources[0])), sources

    def __call__(self, token_ids: Array, state: State) -> tuple[Array, State, Array]:
        """See `state.StepFunction`; of a row that has ended all is 0."""
        live = np.flatnonzero(token_ids != PAD_ID)
        if len(live) == len(token_ids):
            logits, weights, state = self._network.step(token_ids, self._sources, state)
            return log_softmax(logits), state, weights
        if not np.array_equal(live, self._live):
            self._live, self._looked_at = live, [rows[live] for rows in self._sources]
        own = [rows[live] for rows in state]
        logits, weights, own = self._network.step(token_ids[live], self._looked_at, own)
        found = (_spread(x, live, len(token_ids)) for x in (log_softmax(logits), weights, *own))
        log_probs, weights, *state = found
        return log_probs, state, weights


def _spread(rows: Array, places: Array, count: int) -> Array:
    """Puts rows back to their places among `count`, the others 0."""
    spread = np.zeros((count, *rows.shape[1:]), rows.dtype)
    spread[places] = rows
    return spread
