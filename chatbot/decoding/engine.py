"""A network and a search put together: sources in, hypotheses out.

The network comes in as functions over arrays (`state.Network`): nothing here knows what carries
them out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from chatbot.config import DecodingConfig
from chatbot.decoding.drivers import Followed, follow, search, search_steps
from chatbot.decoding.specific import SpecificFirst
from chatbot.decoding.state import Hypotheses, Network
from chatbot.decoding.steps import Numbering, able_to_say, encoded
from chatbot.decoding.strategies import Strategy, strategy_for


class SearchEngine:
    """Searches replies to batches of sources with any strategy."""

    def __init__(
        self,
        network: Network,
        forbidden_ids: Sequence[int],
        specific_first: SpecificFirst | None = None,
        encode: Callable[[str], Sequence[int]] | None = None,
    ) -> None:
        """Takes what a search needs.

        Args:
            network: the encoder-decoder.
            forbidden_ids: token ids that no reply may hold.
            specific_first: orders what a beam found, see `generic_penalty`; without it that is off.
            encode: text -> token ids, for `must_contain`; without it that is not looked at.
        """
        self._network, self._forbidden_ids = network, tuple(forbidden_ids)
        self._specific_first, self._encode_text = specific_first, encode

    def search(
        self, source_ids: NDArray[np.int32], config: DecodingConfig, seeds: Sequence[int]
    ) -> Hypotheses:
        """Returns the best hypotheses for each source (B,S); a seed a source."""
        strategy, network = self._strategy(config)
        step, state = encoded(network, source_ids, strategy.rows_per_source)
        found = search(strategy, step, state, seeds=seeds, source_length=source_ids.shape[1])
        found = found._replace(token_ids=Numbering(network).outer(found.token_ids))
        if strategy.reorders and config.generic_penalty and self._specific_first:
            return self._specific_first(found, config.generic_penalty)
        return found

    def stream(
        self, source_ids: NDArray[np.int32], config: DecodingConfig, seed: int
    ) -> Iterator[NDArray[np.int32]]:
        """Yields the token ids (K,T) of all rows after each token, for one source (1,S)."""
        strategy, network = self._strategy(config)
        step, state = encoded(network, source_ids, strategy.rows_per_source)
        length = source_ids.shape[1]
        for found in search_steps(strategy, step, state, seeds=[seed], source_length=length):
            yield Numbering(network).outer(found.token_ids)

    def follow(self, source_ids: NDArray[np.int32], token_ids: Sequence[int]) -> Followed:
        """Returns what the model thinks of given tokens as the reply to one source (1,S)."""
        network = able_to_say(self._network, token_ids)
        step, state = encoded(network, source_ids, 1)
        return follow(step, state, Numbering(network).inner(np.asarray(token_ids)).tolist())

    def _strategy(self, config: DecodingConfig) -> tuple[Strategy, Network]:
        """Returns how to search, and the network to ask: one that can say what must be said."""
        encode = self._encode_text
        runs = [encode(phrase) for phrase in config.must_contain] if encode else []
        network = able_to_say(self._network, (token for run in runs for token in run))
        numbering = Numbering(network)
        required = [tuple(numbering.inner(np.asarray(run)).tolist()) for run in runs if run]
        forbidden = numbering.known(self._forbidden_ids)
        return strategy_for(config, forbidden_ids=forbidden, required=required), network
