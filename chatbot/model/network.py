"""The encoder-decoder: one set of layers, three functional views of it.

`training` sees whole targets (teacher forcing); `encoder` and `decoder_step` serve the search one
token at a time; all three share every weight. Knows neither text nor search. The masks travel as
tensors from the source ids to each layer that needs one: Keras' implicit mask is lost where
tensors leave the graph (see tests/model/test_network.py). The parts: embeddings.py, encoders.py,
decoders.py, readout.py.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
from keras import ops

from chatbot.config import PAD_ID, ModelConfig
from chatbot.model.decoders import Decoded, Parts, build_decoder
from chatbot.model.embeddings import Embeddings
from chatbot.model.encoders import Encoded, build_encoder
from chatbot.model.losses import CoverageLoss
from chatbot.model.readout import Pointer, Readout
from chatbot.model.wiring import Positions, Reversed, joined, split


class Seq2Seq(NamedTuple):
    """Three views of one set of weights (B batch, N rows, S source, T target, V vocabulary).

    `state` is a flat list of tensors whose first axis is the row, such as (N,U) for each decoder
    layer h, and c after it for LSTM; see decoders.py. M is the width of what attention reads of
    the source. Without attention the weights are all zero. With copying the logits are
    log-probabilities.
    """

    training: keras.Model  # [source_ids (B,S), decoder_input_ids (B,T)] -> logits (B,T,V)
    encoder: keras.Model  # source_ids (B,S) -> [encoder_outputs (B,S,M), source_mask (B,S), *state]
    decoder_step: keras.Model  # [token_ids (N,), encoder_outputs, source_mask, *state]
    #                            -> [logits (N,V), attention weights (N,S), *state]
    embeddings: Embeddings  # to begin with known vectors


def build_seq2seq(config: ModelConfig, vocab_size: int, precision: str = "float32") -> Seq2Seq:
    """Builds the three views with fresh weights (seed them with `keras.utils.set_random_seed`).

    Args:
        config: the architecture.
        vocab_size: V, the number of token ids.
        precision: a Keras dtype policy; the logits are float32 under each of them.
    """
    layers = _Layers(config, vocab_size, keras.DTypePolicy(precision))
    encoder, widths = _encoder_graph(layers)
    step = _decoder_step_graph(layers, encoder, widths)
    return Seq2Seq(_training_graph(layers), encoder, step, layers.embeddings)


class _Layers:
    """Every layer of the network, built once; the graphs below only wire them."""

    def __init__(self, config: ModelConfig, vocab_size: int, dtype: Any) -> None:
        self.config = config
        self.embeddings = Embeddings(config, vocab_size, dtype)
        self.encoder = build_encoder(config, dtype)
        self.decoder = build_decoder(config, self.encoder, dtype)
        self.readout = Readout(config, vocab_size, self.embeddings, dtype)
        self.dropout = keras.layers.Dropout(config.dropout, name="dropout", dtype=dtype)
        self.parts = Parts(self.readout, self.dropout)
        self.pointer = Pointer(name="pointer", autocast=False) if config.copying else None

    def encode(self, source_ids: Any) -> Encoded:
        """source_ids (B,S) -> keys, values and summary; positions are those of the source."""
        mask = ops.not_equal(source_ids, PAD_ID)
        turn = Reversed(name="reversed", autocast=False) if self.config.reverse_source else None
        ids = source_ids if turn is None else turn(source_ids, mask)
        vectors = self.dropout(self.embeddings.of_source(ids))
        encoded = self.encoder(vectors, mask, self.dropout)
        if turn is not None:
            encoded = _turned(encoded, turn)
        if self.config.joins_summary:
            encoded = _with_summary(encoded)
        if self.config.attention_positions:
            marks = Positions("sinusoids", 0, name="attention_positions", autocast=False)
            encoded = encoded._replace(keys=marks(encoded.keys))
        return encoded

    def logits(self, decoded: Decoded, vectors: Any, source_ids: Any) -> Any:
        """What the decoder made of vectors (B,T,E) -> logits (B,T,V), float32.

        Where nothing is copied, also of one step's vectors (N,E) -> (N,V).
        """
        features = self.readout.features(decoded.outputs, decoded.context, vectors)
        logits = self.readout.logits(self.dropout(features))
        if self.pointer is None:
            return logits
        seen = [x for x in (decoded.context, decoded.outputs, vectors) if x is not None]
        return self.pointer(logits, joined(seen), decoded.weights, source_ids)

    def step_logits(self, decoded: Decoded, vector: Any, source_ids: Any) -> Any:
        """What the decoder made of one step's vector (N,E) -> logits (N,V), float32."""
        if self.pointer is None:
            return self.logits(decoded, vector, source_ids)
        one = Decoded(*(None if x is None else ops.expand_dims(x, 1) for x in decoded))
        return ops.squeeze(self.logits(one, ops.expand_dims(vector, 1), source_ids), 1)


def _turned(encoded: Encoded, turn: keras.layers.Layer) -> Encoded:
    """Puts the outputs of a source that was read from its end back into the source's order."""
    values = turn(encoded.values, encoded.mask)
    keys = values if encoded.keys is encoded.values else turn(encoded.keys, encoded.mask)
    return encoded._replace(keys=keys, values=values)


def _with_summary(encoded: Encoded) -> Encoded:
    """Joins the summary to each value, so that whatever attention looks at, all is seen.

    Weights sum to one: context_t = sum_s a_ts [h_s; q] = [sum_s a_ts h_s; q]. After the hybrid
    scheme of Shang et al. 2015 (arXiv:1503.02364), where q comes from an encoder of its own.
    """
    whole = ops.zeros_like(encoded.values[..., :1]) + ops.expand_dims(encoded.summary, 1)
    return encoded._replace(values=joined([encoded.values, whole]))


def _training_graph(layers: _Layers) -> keras.Model:
    source_ids = keras.Input((None,), dtype="int32", name="source_ids")
    decoder_input_ids = keras.Input((None,), dtype="int32", name="decoder_input_ids")
    encoded = layers.encode(source_ids)
    vectors = layers.dropout(layers.embeddings.of_target(decoder_input_ids))
    decoded = layers.decoder.run(vectors, encoded, layers.parts)
    logits = layers.logits(decoded, vectors, source_ids)
    if layers.config.coverage and layers.config.coverage_loss:
        loss = CoverageLoss(layers.config.coverage_loss, name="coverage_loss", autocast=False)
        logits = loss(logits, decoded.weights, decoder_input_ids)
    return keras.Model([source_ids, decoder_input_ids], logits, name="seq2seq")


def _encoder_graph(layers: _Layers) -> tuple[keras.Model, list[int]]:
    """Returns the view, and the widths of the parts that its encoder_outputs are joined of."""
    source_ids = keras.Input((None,), dtype="int32", name="source_ids")
    encoded = layers.encode(source_ids)
    memory, state = layers.decoder.memory(encoded), layers.decoder.start(encoded)
    if layers.pointer is not None:
        state = [*state, source_ids]
    outputs = [joined(memory), encoded.mask, *state]
    return keras.Model(source_ids, outputs, name="encoder"), [part.shape[-1] for part in memory]


def _decoder_step_graph(layers: _Layers, encoder: keras.Model, widths: list[int]) -> keras.Model:
    token_ids = keras.Input((), dtype="int32", name="token_ids")
    kind = encoder.outputs[0].dtype
    memory = keras.Input((None, sum(widths)), dtype=kind, name="encoder_outputs")
    mask = keras.Input((None,), dtype="bool", name="source_mask")
    state = [_state_input(i, like) for i, like in enumerate(encoder.outputs[2:])]
    vector = layers.embeddings.of_target(token_ids)
    own = state[: len(state) - (layers.pointer is not None)]
    decoded, new_state = layers.decoder.step(vector, split(memory, widths), mask, own, layers.parts)
    logits = layers.step_logits(decoded, vector, state[-1])
    step = [logits, decoded.weights, *new_state, *state[len(own) :]]
    return keras.Model([token_ids, memory, mask, *state], step, name="decoder_step")


def _state_input(index: int, like: Any) -> Any:
    """Returns the input for a state tensor; of three axes the second grows (see decoders.py)."""
    shape = (None, like.shape[-1]) if len(like.shape) > 2 else like.shape[1:]
    return keras.Input(shape, dtype=like.dtype, name=f"state_{index}")
