"""Attention: which source positions a decoder state looks at. The mask is always explicit.

Each layer maps (query (B,T,D), memory (B,S,M), memory_mask (B,S)) to the context vectors (B,T,M)
and the weights (B,T,S). Knows nothing of cells or search.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from chatbot.config import ModelConfig

_MASKED = -1e9  # finite, so that no row of scores is all -inf


class Attention(keras.layers.Layer):
    """The part all kinds share: masked softmax over the scores, then the weighted sum.

    context_t = sum_s a_ts h_s with a_t = softmax(score_t) (Bahdanau et al. 2015,
    arXiv:1409.0473, equations 5 and 6). Padding gets weight 0.
    """

    def call(self, query: Any, memory: Any, memory_mask: Any) -> tuple[Any, Any]:
        """Returns the context vectors (B,T,M) and the weights (B,T,S), float32."""
        scores = ops.cast(self.scores(query, memory), "float32")  # (B,T,S)
        scores = ops.where(ops.expand_dims(memory_mask, 1), scores, _MASKED)
        weights = ops.softmax(scores, axis=-1)
        return ops.matmul(ops.cast(weights, memory.dtype), memory), weights

    def scores(self, query: Any, memory: Any) -> Any:
        """Returns the unmasked scores (B,T,S)."""
        raise NotImplementedError  # the one method each kind of attention must define


class DotAttention(Attention):
    """score(q, h) = q . h (Luong et al. 2015, arXiv:1508.04025, section 3.1, "dot")."""

    def scores(self, query: Any, memory: Any) -> Any:
        """Returns the inner products (B,T,S); query and memory have one width."""
        return ops.matmul(query, ops.transpose(memory, (0, 2, 1)))


class AdditiveAttention(Attention):
    """score(q, h) = v . tanh(W q + U h) (Bahdanau et al. 2015, appendix A.1.2)."""

    def __init__(self, units: int, **options: Any) -> None:
        """Takes the width of the hidden layer that compares query and memory."""
        super().__init__(**options)
        self.query_layer = keras.layers.Dense(units, use_bias=False, dtype=self.dtype_policy)
        self.memory_layer = keras.layers.Dense(units, use_bias=False, dtype=self.dtype_policy)
        self.score_layer = keras.layers.Dense(1, use_bias=False, dtype=self.dtype_policy)

    def build(self, query_shape: Any, memory_shape: Any, memory_mask_shape: Any) -> None:
        """Creates W, U and v."""
        self.query_layer.build(query_shape)
        self.memory_layer.build(memory_shape)
        self.score_layer.build((None, None, None, self.query_layer.units))

    def scores(self, query: Any, memory: Any) -> Any:
        """Returns the scores (B,T,S) of a one-layer perceptron."""
        queries = ops.expand_dims(self.query_layer(query), 2)  # (B,T,1,A)
        memories = ops.expand_dims(self.memory_layer(memory), 1)  # (B,1,S,A)
        return ops.squeeze(self.score_layer(ops.tanh(queries + memories)), -1)


def build_attention(config: ModelConfig, dtype: Any) -> Attention | None:
    """Returns the attention layer that the configuration names, None for "none"."""
    if config.attention == "dot":
        return DotAttention(name="attention", dtype=dtype)
    if config.attention == "additive":
        return AdditiveAttention(config.decoder_units, name="attention", dtype=dtype)
    return None
