"""An encoder, a decoder step and a search, compiled into one graph.

The encoder and the step come in as callables over tensors: nothing here knows that they are Keras
models. One graph is compiled for each strategy and kept; numbers such as the temperature are
inputs of the graph, so changing them costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from chatbot.config import DecodingConfig
from chatbot.decoding.drivers import Followed, follow, search, search_steps
from chatbot.decoding.specific import SpecificFirst
from chatbot.decoding.state import Hypotheses, SearchState
from chatbot.decoding.strategies import Knobs, Strategy, knobs_of, strategy_for

_IDS, _SEEDS = tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None,), tf.int32)
_KNOBS = Knobs(*(tf.TensorSpec((), knob.dtype) for knob in knobs_of(DecodingConfig())))


class SearchEngine:
    """Searches replies to batches of sources with any strategy.

    Args:
        encoder: source_ids (B,S) -> [encoder_outputs (B,S,M), source_mask (B,S), *state (B,...)].
        decoder_step: [token_ids (N,), encoder_outputs, source_mask, *state] -> [logits (N,V),
            attention weights (N,S), *state].
        forbidden_ids: token ids that no reply may hold.
        specific_first: orders what a beam found, see `generic_penalty`; without it that is off.
        encode: text -> token ids, for `must_contain`; without it that is not looked at.
    """

    def __init__(
        self,
        encoder: Callable[[Any], Any],
        decoder_step: Callable[[Any], Any],
        forbidden_ids: Sequence[int],
        specific_first: SpecificFirst | None = None,
        encode: Callable[[str], Sequence[int]] | None = None,
    ) -> None:
        """Compiles nothing yet: the first search with each strategy does."""
        self._specific_first = specific_first
        self._encoder, self._decoder_step = encoder, decoder_step
        self._forbidden_ids, self._encode_text = tuple(forbidden_ids), encode
        self._graphs: dict[Strategy, Any] = {}
        self._encode = tf.function(encoder, [_IDS], autograph=False)
        self._step = tf.function(self._log_prob_step, autograph=False, reduce_retracing=True)

    def search(
        self, source_ids: NDArray[np.int32], config: DecodingConfig, seeds: Sequence[int]
    ) -> Hypotheses:
        """Returns the best hypotheses for each source (B,S), as NumPy arrays; a seed a source."""
        strategy = self._strategy(config)
        if strategy not in self._graphs:
            self._graphs[strategy] = tf.function(  # with a signature, no shape is traced twice
                self._search_with(strategy), [_IDS, _SEEDS, _KNOBS], autograph=False
            )
        found = self._graphs[strategy](
            tf.constant(source_ids, tf.int32), tf.constant(seeds, tf.int32), knobs_of(config)
        )
        hypotheses = Hypotheses(*(tensor.numpy() for tensor in found))
        if strategy.reorders and config.generic_penalty and self._specific_first:
            return self._specific_first(hypotheses, config.generic_penalty)
        return hypotheses

    def stream(
        self, source_ids: NDArray[np.int32], config: DecodingConfig, seed: int
    ) -> Iterator[SearchState]:
        """Yields the search state after each token, for one source (1,S)."""
        strategy = self._strategy(config)
        memory, mask, *state = self._encode(tf.constant(source_ids, tf.int32))
        yield from search_steps(
            strategy,
            lambda ids, now: self._step(ids, memory, mask, now),
            state,
            seeds=tf.constant([seed], tf.int32),
            source_length=tf.shape(memory)[1],
            knobs=knobs_of(config),
        )

    def follow(self, source_ids: NDArray[np.int32], token_ids: Sequence[int]) -> Followed:
        """Returns what the model thinks of given tokens as the reply to one source (1,S)."""
        memory, mask, *state = self._encode(tf.constant(source_ids, tf.int32))
        return follow(lambda ids, now: self._step(ids, memory, mask, now), state, token_ids)

    def _strategy(self, config: DecodingConfig) -> Strategy:
        encode = self._encode_text
        runs = [encode(phrase) for phrase in config.must_contain] if encode else []
        required = [tuple(run) for run in runs if run]
        return strategy_for(config, forbidden_ids=self._forbidden_ids, required=required)

    def _search_with(self, strategy: Strategy) -> Callable[..., Hypotheses]:
        def run(source_ids: Any, seeds: Any, knobs: Knobs) -> Hypotheses:
            encoded = self._encoder(source_ids)
            memory, mask, *state = (tf.repeat(x, strategy.rows_per_source, 0) for x in encoded)
            return search(
                strategy,
                lambda ids, now: self._log_prob_step(ids, memory, mask, now),
                state,
                seeds=seeds,
                source_length=tf.shape(source_ids)[1],
                knobs=knobs,
            )

        return run

    def _log_prob_step(self, ids: Any, memory: Any, mask: Any, state: Any) -> Any:
        logits, attention, *state = self._decoder_step([ids, memory, mask, *state])
        return tf.nn.log_softmax(logits), state, attention
