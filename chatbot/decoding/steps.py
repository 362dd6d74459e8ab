"""A network's encoder and decoder step as the step of a search. Knows no strategy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from chatbot.config import PAD_ID
from chatbot.decoding.nats import log_softmax
from chatbot.decoding.state import Array, Network, State, StepFunction


def able_to_say(network: Network, token_ids: Iterable[int]) -> Network:
    """Returns the network, without its shortlist if that lacks one of the tokens."""
    listed = network.shortlist
    return network if listed is None or set(token_ids) <= set(listed.tolist()) else network.whole


class Numbering:
    """Tokens as a search numbers them: by their places among those that it can choose."""

    def __init__(self, network: Network) -> None:
        """Takes the network, whose shortlist begins with the control symbols: these keep theirs."""
        self._listed = network.shortlist

    def inner(self, token_ids: Array) -> Array:
        """Token ids, all of which can be chosen -> numbers in the search."""
        return token_ids if self._listed is None else np.searchsorted(self._listed, token_ids)

    def outer(self, numbers: Array) -> Array:
        """Numbers in the search -> token ids."""
        return numbers if self._listed is None else self._listed[numbers]

    def known(self, token_ids: Iterable[int]) -> tuple[int, ...]:
        """Returns the numbers of those that can be chosen."""
        ids = np.array(sorted(token_ids), np.int32)
        there = ids if self._listed is None else ids[np.isin(ids, self._listed)]
        return tuple(self.inner(there).tolist())


def encoded(
    network: Network, source_ids: Array, rows_per_source: int
) -> tuple[StepFunction, State]:
    """Reads the sources (B,S); returns the step that looks at them, and its first state."""
    read = network.encode(source_ids)
    sources, state = ([np.repeat(rows, rows_per_source, 0) for rows in some] for some in read)
    return _Step(network, sources), state


class _Step:
    """The step of a search: the network is asked of the rows alone that have not ended."""

    def __init__(self, network: Network, sources: Sequence[Array]) -> None:
        """Takes the network, and what it has read of each row's source."""
        self._network, self._numbering = network, Numbering(network)
        self._sources = self._looked_at = sources
        self._live = np.arange(len(sources[0]))

    def __call__(self, token_ids: Array, state: State) -> tuple[Array, State, Array]:
        """See `state.StepFunction`; of a row that has ended all is 0."""
        token_ids = self._numbering.outer(token_ids)
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
