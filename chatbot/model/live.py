"""A Keras network as functions over arrays, with its weights as they are at each call.

For networks in training; one that is kept as a bundle is carried out by recorded.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import keras
import numpy as np
from numpy.typing import NDArray

from chatbot.model.network import Seq2Seq

Array: TypeAlias = NDArray[Any]


class LiveNetwork:
    """See `decoding.state.Network`; each view is compiled at its first use."""

    def __init__(self, seq2seq: Seq2Seq, shortlist: Array | None = None) -> None:
        """Takes the network, on whatever backend Keras runs, and what it can choose; None: all."""
        self._seq2seq, self.shortlist = seq2seq, shortlist
        self._encoder = _compiled(seq2seq.encoder)
        self._decoder_step = _compiled(seq2seq.decoder_step)
        self._training = _compiled(seq2seq.training)

    @cached_property
    def whole(self) -> LiveNetwork:
        """The same network without a shortlist."""
        return self if self.shortlist is None else LiveNetwork(self._seq2seq)

    def encode(self, source_ids: Array) -> tuple[list[Array], list[Array]]:
        """source_ids (B,S) -> [encoder_outputs (B,S,M), source_mask (B,S)], state."""
        memory, mask, *state = map(np.asarray, self._encoder(source_ids))
        return [memory, mask], state

    def step(
        self, token_ids: Array, sources: Sequence[Array], state: Sequence[Array]
    ) -> tuple[Array, Array, list[Array]]:
        """token_ids (N,) -> logits (N,V) or (N,L), weights (N,S), new state."""
        found = self._decoder_step([token_ids, *sources, *state])
        logits, weights, *state = map(np.asarray, found)
        listed = logits if self.shortlist is None else logits[:, self.shortlist]
        return listed, weights, state

    def logits(self, source_ids: Array, decoder_input_ids: Array) -> Array:
        """(N,S), (N,T) -> (N,T,V)."""
        return np.asarray(self._training([source_ids, decoder_input_ids]), np.float32)


def _compiled(model: keras.Model) -> Callable[[Any], Any]:
    """Returns the view as one graph for inputs of any size, where the backend has such graphs."""
    if keras.backend.backend() != "tensorflow":
        return lambda inputs: model(inputs, training=False)
    import tensorflow as tf

    specs = [tf.TensorSpec((None, *x.shape[1:]), x.dtype) for x in model.inputs]
    graph = tf.function(model, [specs if len(specs) > 1 else specs[0]], autograph=False)
    return lambda inputs: graph(inputs)
