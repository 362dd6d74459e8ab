"""Encoders: source vectors -> one output for each position, and a summary of them all.

Each maps vectors (B,S,E) and their mask (B,S) to `Encoded`. Knows no decoder. Read next:
attention.py and decoders.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, Protocol

import keras
from keras import ops

from chatbot.config import ModelConfig
from chatbot.model.cells import STATES_PER_LAYER, Finish, recurrent
from chatbot.model.transformer import EncoderBlock
from chatbot.model.wiring import Positions, Wired, joined


class Encoded(NamedTuple):
    """What an encoder makes of B sources of S positions."""

    keys: Any  # (B,S,K): what attention compares; the values themselves in most encoders
    values: Any  # (B,S,M): what attention hands over
    mask: Any  # (B,S) bool
    summary: Any  # (B,Q): q(h_1..h_S)
    states: list[list[Any]]  # of each recurrent layer, (B,M) each: h, and c for LSTM


class Encoder(Protocol):
    """Source vectors -> `Encoded`."""

    def __call__(self, vectors: Any, mask: Any, dropout: keras.layers.Layer) -> Encoded:
        """vectors (B,S,E), which had their dropout, and mask (B,S)."""


class RecurrentEncoder:
    """Layers of cells that read the source in one direction or both (Bahdanau et al. 2015, 3.2)."""

    def __init__(self, config: ModelConfig, dtype: Any) -> None:
        """Creates the layers."""
        count = config.encoder_layers
        self.layers = [_encoder_layer(config, f"encoder_{i}", dtype) for i in range(count)]
        self._finish = Finish(config, count, "encoder", dtype)
        self._per_layer = STATES_PER_LAYER[config.cell]
        self._summary = config.summary

    def __call__(self, vectors: Any, mask: Any, dropout: keras.layers.Layer) -> Encoded:
        """Returns what the last layer made; the states of each."""
        outputs, states = vectors, []
        for depth, layer in enumerate(self.layers):
            made, *last = layer(outputs, mask=mask)
            outputs = dropout(self._finish(depth, made, outputs))
            states.append([joined(last[i :: self._per_layer]) for i in range(self._per_layer)])
        summary = states[-1][0]
        if self._summary != "last":
            summary = Wired(_SUMMARIES[self._summary], [], "summary")([outputs, mask])
        return Encoded(outputs, outputs, mask, summary, states)


def _encoder_layer(config: ModelConfig, name: str, dtype: Any) -> keras.layers.Layer:
    layer = recurrent(config, config.encoder_units, name, dtype)
    return keras.layers.Bidirectional(layer, name=name) if config.bidirectional else layer


class Front:
    """Marks positions, and brings vectors to the width of the layers behind; decoders use it, too.

    Attributes:
        layers: whose weights it uses.
    """

    def __init__(
        self, config: ModelConfig, units: int, part: Literal["encoder", "decoder"], dtype: Any
    ) -> None:
        """Creates the layers, named after the part, for layers of so many units."""
        positions = Positions(
            config.positions, config.max_positions, name=f"{part}_positions", dtype=dtype
        )
        self.layers: list[keras.layers.Layer] = [positions]
        if config.embedding == "onehot" or config.embedding_units != units:
            self.layers.append(keras.layers.Dense(units, name=f"{part}_input", dtype=dtype))

    def __call__(self, vectors: Any, past: Any = None) -> Any:
        """vectors (B,T,E), after `past` (B,P,*) earlier ones -> vectors (B,T,units)."""
        positions, *width = self.layers
        vectors = positions(vectors, past)
        for layer in width:
            vectors = layer(vectors)
        return vectors


class ConvolutionalEncoder:
    """Two stacks of convolutions over vectors with positions (Gehring et al. 2017, 3.1 and 3.2).

    CNN-a makes the keys z_j, CNN-c, half as deep, the values: a_ij = softmax(d_i . z_j) and
    context_i = sum_j a_ij CNN-c(e)_j (arXiv:1611.02344, section 3.2). Each layer is
    tanh(conv(x) + x).
    """

    def __init__(self, config: ModelConfig, dtype: Any) -> None:
        """Creates both stacks."""
        units, layers = config.encoder_units, config.encoder_layers
        self._front = Front(config, units, "encoder", dtype)
        self._keys = [_convolution(config, f"keys_{i}", dtype) for i in range(layers)]
        self._values = [_convolution(config, f"values_{i}", dtype) for i in range(-(-layers // 2))]
        self._units, self._summary = units, _SUMMARIES[config.summary]

    def __call__(self, vectors: Any, mask: Any, dropout: keras.layers.Layer) -> Encoded:
        """Returns the two stacks' outputs."""
        used = [*self._front.layers, *self._keys, *self._values, dropout]

        def run(vectors: Any, mask: Any) -> tuple[Any, Any, Any]:
            first = self._front(vectors)
            keys = _convolved(first, mask, self._keys, dropout)
            values = _convolved(first, mask, self._values, dropout)
            return keys, values, self._summary(values, mask)

        keys, values, summary = Wired(run, used, "convolutional_encoder")([vectors, mask])
        return Encoded(keys, values, mask, summary, [])


def _convolution(config: ModelConfig, name: str, dtype: Any) -> keras.layers.Layer:
    return keras.layers.Conv1D(
        config.encoder_units, config.kernel_width, padding="same", name=name, dtype=dtype
    )


def _convolved(
    vectors: Any, mask: Any, layers: list[keras.layers.Layer], dropout: keras.layers.Layer
) -> Any:
    """Runs a stack; padding is zero before each layer, as if the source ended there."""
    real = ops.cast(ops.expand_dims(mask, -1), vectors.dtype)
    for layer in layers:
        vectors = vectors * real
        vectors = dropout(ops.tanh(layer(vectors) + vectors))
    return vectors


class TransformerEncoder:
    """Blocks of self-attention and feed-forward layers (Vaswani et al. 2017, section 3.1)."""

    def __init__(self, config: ModelConfig, dtype: Any) -> None:
        """Creates the blocks."""
        self._front = Front(config, config.encoder_units, "encoder", dtype)
        self._blocks = [
            EncoderBlock(config, config.encoder_units, f"encoder_{i}", dtype)
            for i in range(config.encoder_layers)
        ]
        self._summary = _SUMMARIES[config.summary]

    def __call__(self, vectors: Any, mask: Any, dropout: keras.layers.Layer) -> Encoded:
        """Returns what the last block made."""
        used = [*self._front.layers, dropout]
        used += [layer for block in self._blocks for layer in block.layers]

        def run(vectors: Any, mask: Any) -> tuple[Any, Any]:
            outputs = self._front(vectors)
            for block in self._blocks:
                outputs = block(outputs, mask, dropout)
            return outputs, self._summary(outputs, mask)

        outputs, summary = Wired(run, used, "transformer_encoder")([vectors, mask])
        return Encoded(outputs, outputs, mask, summary, [])


def _last(outputs: Any, mask: Any) -> Any:
    """The output at the last real position: (B,S,M), (B,S) -> (B,M)."""
    places = ops.cumsum(ops.cast(mask, "int32"), axis=1)
    total = ops.sum(ops.cast(mask, "int32"), axis=1, keepdims=True)
    chosen = ops.logical_and(mask, places == total)
    return ops.sum(outputs * ops.cast(ops.expand_dims(chosen, -1), outputs.dtype), axis=1)


def _mean(outputs: Any, mask: Any) -> Any:
    """The mean over the real positions: (B,S,M), (B,S) -> (B,M)."""
    real = ops.cast(ops.expand_dims(mask, -1), outputs.dtype)
    return ops.sum(outputs * real, axis=1) / ops.maximum(ops.sum(real, axis=1), 1.0)


def _sum(outputs: Any, mask: Any) -> Any:
    """The sum over the real positions, over the root of their number: (B,S,M), (B,S) -> (B,M).

    As in Cer et al. 2018 (arXiv:1803.11175): of unlike vectors the sum grows with the root of
    their number, so the summary is as large for a long source as for a short one.
    """
    real = ops.cast(ops.expand_dims(mask, -1), outputs.dtype)
    return ops.sum(outputs * real, axis=1) / ops.sqrt(ops.maximum(ops.sum(real, axis=1), 1.0))


def _max(outputs: Any, mask: Any) -> Any:
    """The largest value over the real positions, of each unit: (B,S,M), (B,S) -> (B,M)."""
    return ops.max(ops.where(ops.expand_dims(mask, -1), outputs, -1e4), axis=1)


_SUMMARIES: Mapping[str, Callable[[Any, Any], Any]] = {
    "last": _last,
    "mean": _mean,
    "max": _max,
    "sum": _sum,
}
_KINDS: Mapping[str, Callable[[ModelConfig, Any], Encoder]] = {
    "recurrent": RecurrentEncoder,
    "convolutional": ConvolutionalEncoder,
    "transformer": TransformerEncoder,
}


def build_encoder(config: ModelConfig, dtype: Any) -> Encoder:
    """Returns the encoder that a configuration names."""
    return _KINDS[config.encoder](config, dtype)
