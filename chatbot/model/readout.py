"""From decoder outputs to logits: the layer in between, the output matrix, and copying.

Knows neither encoders nor cells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import ops

from chatbot.config import ModelConfig
from chatbot.model.embeddings import Embeddings
from chatbot.model.wiring import joined

_LEAST = 1e-20  # a probability that is nothing, whose logarithm is finite


class Maxout(keras.layers.Layer):
    """y_i = max(x'_2i-1, x'_2i) of x' = W x + b (Goodfellow et al. 2013, arXiv:1302.4389).

    As in Cho et al. 2014 (arXiv:1406.1078, appendix A.2) and Bahdanau et al. 2015, A.2.2.
    """

    def __init__(self, units: int, **options: Any) -> None:
        """Takes the number of pairs."""
        super().__init__(**options)
        self.units = units
        self.dense = keras.layers.Dense(
            2 * units, name=f"{self.name}_pairs", dtype=self.dtype_policy
        )

    def build(self, features_shape: Any) -> None:
        """Creates W and b."""
        self.dense.build(features_shape)

    def call(self, features: Any) -> Any:
        """features (B,T,F) -> (B,T,units)."""
        pairs = self.dense(features)
        return ops.maximum(pairs[..., ::2], pairs[..., 1::2])


class _OutputBias(keras.layers.Layer):  # its class names its place in the files of old bundles
    """Adds one bias for each token, in float32, after the tied projection."""

    def build(self, logits_shape: Any) -> None:
        self.bias = self.add_weight(shape=(logits_shape[-1],), initializer="zeros", name="bias")

    def call(self, logits: Any) -> Any:
        return ops.cast(logits, "float32") + self.bias


class Pointer(keras.layers.Layer):
    """Mixes generating and copying (See et al. 2017, arXiv:1704.04368, equations 8 and 9).

    p_gen = sigmoid(w . [context; state; input] + b), and P(w) = p_gen P_vocab(w) + (1 - p_gen)
    times the attention on the source positions that hold w. Gives ln P, which passes through a
    softmax unchanged: loss and search stay as they are.
    """

    def __init__(self, **options: Any) -> None:
        """Creates the gate, in float32."""
        super().__init__(**options)
        self.gate = keras.layers.Dense(1, dtype="float32")

    def build(
        self, logits_shape: Any, seen_shape: Any, weights_shape: Any, source_ids_shape: Any
    ) -> None:
        """Creates w and b."""
        self.gate.build(seen_shape)

    def call(self, logits: Any, seen: Any, weights: Any, source_ids: Any) -> Any:
        """Returns ln P (B,T,V).

        Args:
            logits: of the vocabulary, shape (B,T,V).
            seen: what the gate decides by, shape (B,T,F).
            weights: the attention, shape (B,T,S).
            source_ids: shape (B,S).
        """
        gate = self.gate(ops.cast(seen, "float32"))
        held = ops.one_hot(source_ids, logits.shape[-1], dtype="float32")  # (B,S,V)
        copied = ops.log(ops.matmul(ops.cast(weights, "float32"), held) + _LEAST)
        generated = ops.log_softmax(ops.cast(logits, "float32"), axis=-1)
        return ops.logaddexp(ops.log_sigmoid(gate) + generated, ops.log_sigmoid(-gate) + copied)


class Readout:
    """Decoder outputs, context and last token -> features; features -> logits.

    o_t = maxout(W [context_t; s_t; y_t-1] + b) by default, which reads the last token too (Cho et
    al. 2014, arXiv:1406.1078, appendix A.2); o_t = tanh(W [context_t; s_t] + b) is Luong et al.
    2015 (arXiv:1508.04025, equation 5). logits_t = E o_t + b, where E is the target's embedding
    (Press and Wolf 2017, arXiv:1608.05859) unless `tie_embeddings` is off.
    """

    def __init__(
        self, config: ModelConfig, vocab_size: int, embeddings: Embeddings, dtype: Any
    ) -> None:
        """Creates the layers."""
        self._with_context = "output" in config.places
        self._with_token = config.readout == "maxout"
        self.layer = _LAYERS[config.readout](config.embedding_units, dtype)
        self._embeddings = embeddings
        self.matrix = (
            None
            if config.has_reverse_matrix
            else keras.layers.Dense(vocab_size, use_bias=False, name="output", dtype=dtype)
        )
        self.bias = _OutputBias(name="output_bias")

    @property
    def layers(self) -> list[keras.layers.Layer]:
        """The layers that `features` calls."""
        return [self.layer] if self.layer is not None else []

    def features(self, outputs: Any, context: Any, token: Any) -> Any:
        """outputs (...,U), context (...,C) and the last token's vector (...,E) -> (...,F)."""
        parts = [context, outputs] if self._with_context else [outputs]
        together = joined([*parts, token] if self._with_token else parts)
        return together if self.layer is None else self.layer(together)

    def logits(self, features: Any) -> Any:
        """features (B,T,F) -> logits (B,T,V), float32."""
        if self.matrix is None:
            return self.bias(self._embeddings.target(features, reverse=True))
        return self.bias(self.matrix(features))


_LAYERS: Mapping[str, Callable[[int, Any], keras.layers.Layer | None]] = {
    "tanh": lambda units, dtype: keras.layers.Dense(units, "tanh", name="readout", dtype=dtype),
    "maxout": lambda units, dtype: Maxout(units, name="readout", dtype=dtype),
    "none": lambda units, dtype: None,
}
