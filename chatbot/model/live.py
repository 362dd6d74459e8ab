"""A Keras network as functions over arrays, with its weights as they are at each call.

For networks in training; one that is kept as a bundle is carried out by recorded.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
from numpy.typing import NDArray

from chatbot.model.network import Seq2Seq

Array: TypeAlias = NDArray[Any]


class LiveNetwork:
    """See `decoding.state.Network`; each view is compiled at its first use."""

    def __init__(self, seq2seq: Seq2Seq) -> None:
        """Takes the network, on whatever backend Keras runs."""
        self._encoder = _compiled(seq2seq.encoder)
        self._decoder_step = _compiled(seq2seq.decoder_step)
        self._training = _compiled(seq2seq.training)

    def encode(self, source_ids: Array) -> list[Array]:
        """source_ids (B,S) -> [encoder_outputs (B,S,M), source_mask (B,S), *state]."""
        return [np.asarray(x) for x in self._encoder(source_ids)]

    def step(self, inputs: Sequence[Array]) -> list[Array]:
        """[token_ids (N,), encoder_outputs, source_mask, *state] -> [logits, weights, *state]."""
        return [np.asarray(x) for x in self._decoder_step(list(inputs))]

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
