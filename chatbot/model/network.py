"""The encoder-decoder: one set of layers, three functional views of it.

`training` sees whole targets (teacher forcing); `encoder` and `decoder_step` serve the search one
token at a time; all three share every weight. Knows neither text nor search. The masks travel as
tensors from the source ids to each layer that needs one: Keras' implicit mask is lost where
tensors leave the graph (see tests/model/test_network.py).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
from keras import ops

from chatbot.config import PAD_ID, ModelConfig
from chatbot.model.attention import build_attention

_CELLS = {"gru": keras.layers.GRU, "lstm": keras.layers.LSTM}
_STATES_PER_LAYER = {"gru": 1, "lstm": 2}  # h; h and c


class Seq2Seq(NamedTuple):
    """Three views of one set of weights (B batch, N rows, S source, T target, V vocabulary).

    `state` is a flat list of (N,U) tensors, for each decoder layer h, and c after it for LSTM.
    M is the width of the encoder outputs. Without attention the weights are all zero.
    """

    training: keras.Model  # [source_ids (B,S), decoder_input_ids (B,T)] -> logits (B,T,V)
    encoder: keras.Model  # source_ids (B,S) -> [encoder_outputs (B,S,M), source_mask (B,S), *state]
    decoder_step: keras.Model  # [token_ids (N,), encoder_outputs, source_mask, *state]
    #                            -> [logits (N,V), attention weights (N,S), *state]


def build_seq2seq(config: ModelConfig, vocab_size: int, precision: str = "float32") -> Seq2Seq:
    """Builds the three views with fresh weights (seed them with `keras.utils.set_random_seed`).

    Args:
        config: the architecture.
        vocab_size: V, the number of token ids.
        precision: a Keras dtype policy; the logits are float32 under each of them.
    """
    layers = _Layers(config, vocab_size, keras.DTypePolicy(precision))
    return Seq2Seq(_training_graph(layers), _encoder_graph(layers), _decoder_step_graph(layers))


class _Layers:
    """Every layer of the network, built once; the graphs below only wire them."""

    def __init__(self, config: ModelConfig, vocab_size: int, dtype: Any) -> None:
        self.config = config
        self.embedding = keras.layers.ReversibleEmbedding(
            vocab_size,
            config.embedding_units,
            tie_weights=config.tie_embeddings,
            embeddings_initializer=keras.initializers.RandomNormal(
                stddev=config.embedding_units**-0.5
            ),
            name="embedding",
            dtype=dtype,
        )
        self.encoder = [
            _encoder_layer(config, f"encoder_{i}", dtype) for i in range(config.encoder_layers)
        ]
        self.bridge = [
            keras.layers.Dense(config.decoder_units, "tanh", name=f"bridge_{i}", dtype=dtype)
            for i in range(config.decoder_layers * _STATES_PER_LAYER[config.cell])
        ]
        self.decoder = [
            _recurrent(config.cell, config.decoder_units, f"decoder_{i}", dtype)
            for i in range(config.decoder_layers)
        ]
        self.attention = build_attention(config, dtype)
        self.readout = keras.layers.Dense(
            config.embedding_units, "tanh", name="readout", dtype=dtype
        )
        self.output_bias = _OutputBias(name="output_bias")
        self.dropout = keras.layers.Dropout(config.dropout, name="dropout", dtype=dtype)

    def embed(self, token_ids: Any) -> Any:
        """token_ids (B,T) or (N,) -> vectors (...,E) of about unit variance.

        Multiplied by the root of E (Vaswani et al. 2017, arXiv:1706.03762, section 3.4): vectors
        short enough to serve as output weights are too faint as inputs. Measured: without it,
        the copy task of tests/learning is not learned at all.
        """
        return self.embedding(token_ids) * self.config.embedding_units**0.5

    def encode(self, source_ids: Any) -> tuple[Any, Any, list[Any]]:
        """source_ids (B,S) -> encoder_outputs (B,S,M), source_mask (B,S), first decoder state."""
        source_mask = ops.not_equal(source_ids, PAD_ID)
        outputs = self.dropout(self.embed(source_ids))
        summary: Any = None
        for layer in self.encoder:
            outputs, *states = layer(outputs, mask=source_mask)
            outputs = self.dropout(outputs)
            summary = _hidden_states(states, self.config)
        return outputs, source_mask, [bridge(summary) for bridge in self.bridge]

    def read_out(self, outputs: Any, memory: Any, memory_mask: Any) -> tuple[Any, Any]:
        """Decoder outputs (B,T,U) -> logits (B,T,V) float32 and attention weights (B,T,S).

        o_t = tanh(W [context_t; s_t]), logits_t = E o_t + b: Luong et al. 2015 (arXiv:1508.04025,
        equations 5 and 6) with the embedding E as the output matrix (Press and Wolf 2017,
        arXiv:1608.05859).
        """
        if self.attention is None:
            nowhere = outputs[..., :1] * ops.cast(ops.expand_dims(memory_mask, 1), outputs.dtype)
            weights, features = ops.zeros_like(nowhere), outputs
        else:
            context, weights = self.attention(outputs, memory, memory_mask)
            features = ops.concatenate([context, outputs], axis=-1)
        features = self.dropout(self.readout(features))
        return self.output_bias(self.embedding(features, reverse=True)), weights


class _OutputBias(keras.layers.Layer):
    """Adds one bias for each token, in float32, after the tied projection."""

    def build(self, logits_shape: Any) -> None:
        self.bias = self.add_weight(shape=(logits_shape[-1],), initializer="zeros", name="bias")

    def call(self, logits: Any) -> Any:
        return ops.cast(logits, "float32") + self.bias


def _recurrent(cell: str, units: int, name: str, dtype: Any) -> Any:
    layer = _CELLS[cell](units, return_sequences=True, return_state=True, name=name, dtype=dtype)
    layer.cell.name = f"{name}_cell"  # the step graph uses the cells, each under a name of its own
    return layer


def _encoder_layer(config: ModelConfig, name: str, dtype: Any) -> Any:
    layer = _recurrent(config.cell, config.encoder_units, name, dtype)
    return keras.layers.Bidirectional(layer, name=name) if config.bidirectional else layer


def _hidden_states(states: list[Any], config: ModelConfig) -> Any:
    """Joins the last h of each direction: (B,U) or (B,2U)."""
    hidden = states[:: _STATES_PER_LAYER[config.cell]]
    return ops.concatenate(hidden, axis=-1) if config.bidirectional else hidden[0]


def _training_graph(layers: _Layers) -> keras.Model:
    source_ids = keras.Input((None,), dtype="int32", name="source_ids")
    decoder_input_ids = keras.Input((None,), dtype="int32", name="decoder_input_ids")
    memory, memory_mask, state = layers.encode(source_ids)
    outputs = layers.dropout(layers.embed(decoder_input_ids))
    width = _STATES_PER_LAYER[layers.config.cell]
    for depth, layer in enumerate(layers.decoder):
        outputs, *_ = layer(outputs, initial_state=state[depth * width : (depth + 1) * width])
        outputs = layers.dropout(outputs)
    logits, _ = layers.read_out(outputs, memory, memory_mask)
    return keras.Model([source_ids, decoder_input_ids], logits, name="seq2seq")


def _encoder_graph(layers: _Layers) -> keras.Model:
    source_ids = keras.Input((None,), dtype="int32", name="source_ids")
    memory, memory_mask, state = layers.encode(source_ids)
    return keras.Model(source_ids, [memory, memory_mask, *state], name="encoder")


def _decoder_step_graph(layers: _Layers) -> keras.Model:
    config, width = layers.config, _STATES_PER_LAYER[layers.config.cell]
    directions = 2 if config.bidirectional else 1
    token_ids = keras.Input((), dtype="int32", name="token_ids")
    memory = keras.Input((None, directions * config.encoder_units), name="encoder_outputs")
    memory_mask = keras.Input((None,), dtype="bool", name="source_mask")
    state = [
        keras.Input((config.decoder_units,), name=f"state_{i}")
        for i in range(config.decoder_layers * width)
    ]
    outputs, new_state = layers.embed(token_ids), []
    for depth, layer in enumerate(layers.decoder):
        outputs, states = layer.cell(outputs, state[depth * width : (depth + 1) * width])
        new_state += list(states)
    logits, weights = layers.read_out(ops.expand_dims(outputs, 1), memory, memory_mask)
    step = [ops.squeeze(logits, 1), ops.squeeze(weights, 1), *new_state]
    return keras.Model([token_ids, memory, memory_mask, *state], step, name="decoder_step")
