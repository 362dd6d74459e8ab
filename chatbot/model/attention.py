"""Attention: which source positions a decoder state looks at. The mask is always explicit.

Each kind maps queries (B,T,D) and the encoder's keys (B,S,K) and values (B,S,M) to context vectors
(B,T,C) and weights (B,T,S). What depends on the source alone is computed once, by `prepare`.
Knows nothing of cells or search.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import ops

from chatbot.config import ModelConfig
from chatbot.model.wiring import Explicit

_MASKED = -1e9  # finite, so that no row of scores is all -inf


class Attention(Explicit):
    """The part all kinds share: masked softmax over the scores, then the weighted sum.

    context_t = sum_s a_ts v_s with a_t = softmax(score_t) (Bahdanau et al. 2015,
    arXiv:1409.0473, equations 5 and 6). Padding gets weight 0.
    """

    def call(self, query: Any, keys: Any, values: Any, memory_mask: Any) -> tuple[Any, Any]:
        """Returns the context vectors (B,T,M) and the weights (B,T,S), float32."""
        return self.attend(query, self.prepare(keys, values), memory_mask)

    def prepare(self, keys: Any, values: Any) -> list[Any]:
        """Returns what `attend` reads of the source, (B,S,*) each: the values first."""
        return [values] if keys is values else [values, keys]

    def attend(self, query: Any, memory: list[Any], mask: Any, seen: Any = None) -> tuple[Any, Any]:
        """Does what `call` does, on what `prepare` returned.

        Args:
            query: shape (B,T,D).
            memory: of the source.
            mask: which positions may be looked at, (B,S), or (B,T,S) for each query.
            seen: the weights (B,S) that were given before, summed; T is 1 then.
        """
        scores = ops.cast(self.scores(query, memory[-1], seen), "float32")  # (B,T,S)
        weights = masked_softmax(scores, mask)
        return ops.matmul(ops.cast(weights, memory[0].dtype), memory[0]), weights

    def scores(self, query: Any, keys: Any, seen: Any) -> Any:
        """Returns the unmasked scores (B,T,S)."""
        raise NotImplementedError  # the one method each kind of attention must define


def _matrix(attention: Attention, name: str, units: int) -> keras.layers.Layer:
    """Returns a matrix that is one part of an attention layer."""
    return keras.layers.Dense(
        units, use_bias=False, name=f"{attention.name}_{name}", dtype=attention.dtype_policy
    )


def _build(layer: keras.layers.Layer, shape: Any) -> None:
    """Builds a layer for an input shape, unless a step that ran alone has done so."""
    if not layer.built:
        layer.build(shape)


def masked_softmax(scores: Any, mask: Any) -> Any:
    """Softmax over the last axis of scores (B,T,S) or (B,H,T,S); 0 where the mask is false."""
    if scores.shape[-1] == 1:  # one position gets it all; Keras would warn of the softmax
        return ops.ones_like(scores)
    while len(mask.shape) < len(scores.shape):
        mask = ops.expand_dims(mask, 1)
    return ops.softmax(ops.where(mask, scores, _MASKED), axis=-1)


class DotAttention(Attention):
    """score(q, h) = q . h (Luong et al. 2015, arXiv:1508.04025, section 3.1, "dot")."""

    def scores(self, query: Any, keys: Any, seen: Any) -> Any:
        """Returns the inner products (B,T,S); query and keys have one width."""
        return ops.matmul(query, ops.transpose(keys, (0, 2, 1)))


class ScaledDotAttention(DotAttention):
    """score(q, h) = q . h / sqrt(D) (Vaswani et al. 2017, arXiv:1706.03762, equation 1)."""

    def scores(self, query: Any, keys: Any, seen: Any) -> Any:
        """Returns the scaled inner products (B,T,S)."""
        return super().scores(query, keys, seen) / keys.shape[-1] ** 0.5


class GeneralAttention(DotAttention):
    """score(q, h) = q . W h (Luong et al. 2015, section 3.1, "general")."""

    def __init__(self, units: int, **options: Any) -> None:
        """Takes D, the width of the queries."""
        super().__init__(**options)
        self.key_layer = _matrix(self, "key", units)

    def build(
        self, query_shape: Any, keys_shape: Any, values_shape: Any, memory_mask_shape: Any
    ) -> None:
        """Creates W."""
        _build(self.key_layer, keys_shape)

    def prepare(self, keys: Any, values: Any) -> list[Any]:
        """Returns the values and W h."""
        return [values, self.key_layer(keys)]


class AdditiveAttention(Attention):
    """score(q, h) = v . tanh(W q + U h) (Bahdanau et al. 2015, appendix A.1.2).

    With coverage, w c_s is added inside, c_s being the weight that position s got so far (See et
    al. 2017, arXiv:1704.04368, equation 11).
    """

    def __init__(self, units: int, coverage: bool = False, **options: Any) -> None:
        """Takes the width of the hidden layer that compares query and key."""
        super().__init__(**options)
        self.query_layer = _matrix(self, "query", units)
        self.memory_layer = _matrix(self, "memory", units)
        self.score_layer = _matrix(self, "score", 1)
        self.seen_layer = _matrix(self, "seen", units) if coverage else None

    def build(
        self, query_shape: Any, keys_shape: Any, values_shape: Any, memory_mask_shape: Any
    ) -> None:
        """Creates W, U and v, and w."""
        _build(self.query_layer, query_shape)
        _build(self.memory_layer, keys_shape)
        _build(self.score_layer, (None, None, None, self.query_layer.units))
        if self.seen_layer is not None:
            _build(self.seen_layer, (None, None, None, 1))

    def prepare(self, keys: Any, values: Any) -> list[Any]:
        """Returns the values and U h."""
        return [values, self.memory_layer(keys)]

    def scores(self, query: Any, keys: Any, seen: Any) -> Any:
        """Returns the scores (B,T,S) of a one-layer perceptron."""
        hidden = ops.expand_dims(self.query_layer(query), 2) + ops.expand_dims(keys, 1)  # (B,T,S,A)
        if self.seen_layer is not None:
            hidden = hidden + self.seen_layer(seen[:, None, :, None])
        return ops.squeeze(self.score_layer(ops.tanh(hidden)), -1)


class ConcatAttention(AdditiveAttention):
    """score(q, h) = v . tanh(W [q; h]) (Luong et al. 2015, section 3.1, "concat").

    W is one matrix, kept as its two halves: W [q; h] = W_q q + W_h h. What differs from additive
    attention is where it starts, since W is drawn for the width of [q; h].
    """

    def __init__(self, units: int, width: int, coverage: bool = False, **options: Any) -> None:
        """Takes the width of the hidden layer and that of [q; h]."""
        super().__init__(units, coverage, **options)
        limit = (6.0 / (width + units)) ** 0.5  # Glorot and Bengio 2010, equation 16
        for half in (self.query_layer, self.memory_layer):
            half.kernel_initializer = keras.initializers.RandomUniform(-limit, limit)


class LocationAttention(Attention):
    """score(q) = W q, one row of W for each position (Luong et al. 2015, equation 8)."""

    def __init__(self, max_positions: int, **options: Any) -> None:
        """Takes the length of the longest source."""
        super().__init__(**options)
        self.score_layer = _matrix(self, "score", max_positions)

    def build(
        self, query_shape: Any, keys_shape: Any, values_shape: Any, memory_mask_shape: Any
    ) -> None:
        """Creates W."""
        _build(self.score_layer, query_shape)

    def scores(self, query: Any, keys: Any, seen: Any) -> Any:
        """Returns the scores (B,T,S) of the first S positions; those past the last share its."""
        every = self.score_layer(query)  # (B,T,P)
        places = ops.cumsum(ops.ones_like(keys[..., 0], dtype="int32"), axis=1) - 1  # (B,S)
        places = ops.expand_dims(ops.minimum(places, every.shape[-1] - 1), 1)
        places = places + ops.zeros_like(every[..., :1], dtype="int32")  # (B,T,S)
        return ops.take_along_axis(every, places, axis=-1)


class MultiHeadAttention(Attention):
    """Several scaled dot products side by side (Vaswani et al. 2017, section 3.2.2).

    MultiHead(Q, K, V) = Concat(head_1..head_h) W_O with head_i = Attention(Q W_Q, K W_K, V W_V).
    The weights told are the heads' mean.
    """

    def __init__(self, units: int, heads: int, **options: Any) -> None:
        """Takes the width of all heads together, and their number."""
        super().__init__(**options)
        self.heads = heads
        self.query_layer, self.key_layer, self.value_layer, self.output_layer = (
            _matrix(self, name, units) for name in ("query", "key", "value", "output")
        )

    def build(
        self, query_shape: Any, keys_shape: Any, values_shape: Any, memory_mask_shape: Any
    ) -> None:
        """Creates W_Q, W_K, W_V and W_O, each for all heads."""
        _build(self.query_layer, query_shape)
        _build(self.key_layer, keys_shape)
        _build(self.value_layer, values_shape)
        _build(self.output_layer, (None, None, self.query_layer.units))

    def prepare(self, keys: Any, values: Any) -> list[Any]:
        """Returns V W_V and K W_K, (B,S,U) each."""
        return [self.value_layer(values), self.key_layer(keys)]

    def attend(self, query: Any, memory: list[Any], mask: Any, seen: Any = None) -> tuple[Any, Any]:
        """Returns the context vectors (B,T,U) and the weights (B,T,S), float32."""
        values, keys = (self._split(part) for part in memory)
        queries = self._split(self.query_layer(query))  # (B,H,T,U/H)
        scores = ops.matmul(queries, ops.transpose(keys, (0, 1, 3, 2)))
        scores = ops.cast(scores, "float32") / (self.query_layer.units / self.heads) ** 0.5
        mask = ops.expand_dims(mask, 1) if len(mask.shape) > 2 else mask  # for each head
        weights = masked_softmax(scores, mask)  # (B,H,T,S)
        heads = ops.matmul(ops.cast(weights, values.dtype), values)
        heads = ops.transpose(heads, (0, 2, 1, 3))
        shape = (-1, ops.shape(heads)[1], self.query_layer.units)
        return self.output_layer(ops.reshape(heads, shape)), ops.mean(weights, axis=1)

    def _split(self, vectors: Any) -> Any:
        """(B,T,U) -> (B,H,T,U/H)."""
        width = self.query_layer.units // self.heads
        rows, length = ops.shape(vectors)[0], ops.shape(vectors)[1]
        split = ops.reshape(vectors, (rows, length, self.heads, width))
        return ops.transpose(split, (0, 2, 1, 3))


_Maker = Callable[[ModelConfig, Any], Attention | None]
_KINDS: Mapping[str, _Maker] = {
    "none": lambda config, dtype: None,
    "dot": lambda config, dtype: DotAttention(name="attention", dtype=dtype),
    "scaled_dot": lambda config, dtype: ScaledDotAttention(name="attention", dtype=dtype),
    "general": lambda config, dtype: GeneralAttention(
        config.decoder_units, name="attention", dtype=dtype
    ),
    "additive": lambda config, dtype: AdditiveAttention(
        config.decoder_units, config.coverage, name="attention", dtype=dtype
    ),
    "concat": lambda config, dtype: ConcatAttention(
        config.decoder_units,
        config.decoder_units + config.memory_units,
        config.coverage,
        name="attention",
        dtype=dtype,
    ),
    "location": lambda config, dtype: LocationAttention(
        config.max_positions, name="attention", dtype=dtype
    ),
    "multi_head": lambda config, dtype: MultiHeadAttention(
        config.decoder_units, config.heads, name="attention", dtype=dtype
    ),
}


def build_attention(config: ModelConfig, dtype: Any) -> Attention | None:
    """Returns the attention layer that a configuration names, None for "none"."""
    return _KINDS[config.attention](config, dtype)
