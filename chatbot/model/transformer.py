"""The blocks of a Transformer (Vaswani et al. 2017, arXiv:1706.03762), section 3.

Each sublayer is LayerNorm(x + Dropout(Sublayer(x))), as published. Knows no embeddings.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from chatbot.config import ModelConfig
from chatbot.model.attention import MultiHeadAttention


class FeedForward:
    """FFN(x) = max(0, x W_1 + b_1) W_2 + b_2 (equation 2)."""

    def __init__(self, config: ModelConfig, units: int, name: str, dtype: Any) -> None:
        """Creates both layers."""
        inner = config.feed_forward_units or 4 * units
        self.layers = [
            keras.layers.Dense(inner, "relu", name=f"{name}_inner", dtype=dtype),
            keras.layers.Dense(units, name=f"{name}_outer", dtype=dtype),
        ]

    def __call__(self, vectors: Any) -> Any:
        """vectors (B,T,U) -> (B,T,U)."""
        for layer in self.layers:
            vectors = layer(vectors)
        return vectors


class EncoderBlock:
    """Self-attention, then a feed-forward layer."""

    def __init__(self, config: ModelConfig, units: int, name: str, dtype: Any) -> None:
        """Creates the sublayers."""
        self._attention = MultiHeadAttention(units, config.heads, name=f"{name}_self", dtype=dtype)
        self._forward = FeedForward(config, units, name, dtype)
        self._norms = _norms(2, name, dtype)
        self.layers = [self._attention, *self._forward.layers, *self._norms]

    def __call__(self, vectors: Any, mask: Any, dropout: keras.layers.Layer) -> Any:
        """vectors (B,S,U) and mask (B,S) -> (B,S,U)."""
        found, _ = self._attention(vectors, vectors, vectors, mask)
        vectors = self._norms[0](vectors + dropout(found))
        return self._norms[1](vectors + dropout(self._forward(vectors)))


class DecoderBlock:
    """Self-attention over what was said, attention to the source, a feed-forward layer."""

    def __init__(self, config: ModelConfig, units: int, name: str, dtype: Any) -> None:
        """Creates the sublayers."""
        self._own = MultiHeadAttention(units, config.heads, name=f"{name}_self", dtype=dtype)
        self._source = MultiHeadAttention(units, config.heads, name=f"{name}_source", dtype=dtype)
        self._forward = FeedForward(config, units, name, dtype)
        self._norms = _norms(3, name, dtype)
        self.layers = [self._own, self._source, *self._forward.layers, *self._norms]

    def prepare(self, keys: Any, values: Any) -> list[Any]:
        """Returns what the attention to the source reads, (B,S,U) each."""
        return self._source.prepare(keys, values)

    def __call__(
        self, vectors: Any, memory: list[Any], mask: Any, dropout: keras.layers.Layer
    ) -> tuple[Any, Any]:
        """All T positions at once: each sees those before it and itself."""
        places = ops.cumsum(ops.ones_like(vectors[..., 0], dtype="int32"), axis=1)
        causal = ops.expand_dims(places, 2) >= ops.expand_dims(places, 1)  # (B,T,T)
        found, _ = self._own(vectors, vectors, vectors, causal)
        return self._rest(vectors, found, memory, mask, dropout)

    def step(
        self,
        vectors: Any,
        memory: list[Any],
        mask: Any,
        past: list[Any],
        dropout: keras.layers.Layer,
    ) -> tuple[Any, Any, list[Any]]:
        """One position (N,1,U) after P earlier ones, whose values and keys are `past` (N,P,U)."""
        new = self._own.prepare(vectors, vectors)
        past = [
            ops.concatenate([ops.cast(old, now.dtype), now], axis=1)
            for old, now in zip(past, new, strict=True)
        ]
        all_of_it = ops.ones_like(past[0][..., 0], dtype="bool")
        found, _ = self._own.attend(vectors, past, all_of_it)
        outputs, weights = self._rest(vectors, found, memory, mask, dropout)
        return outputs, weights, past

    def _rest(
        self, vectors: Any, found: Any, memory: list[Any], mask: Any, dropout: keras.layers.Layer
    ) -> tuple[Any, Any]:
        vectors = self._norms[0](vectors + dropout(found))
        context, weights = self._source.attend(vectors, memory, mask)
        vectors = self._norms[1](vectors + dropout(context))
        return self._norms[2](vectors + dropout(self._forward(vectors))), weights


def _norms(count: int, name: str, dtype: Any) -> list[keras.layers.Layer]:
    return [
        keras.layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm_{i}", dtype=dtype)
        for i in range(count)
    ]
