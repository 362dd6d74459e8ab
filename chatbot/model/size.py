"""How many weights a network has, counted from its settings: nothing is built, nothing imported.

Building one to count them would take all memory where a configuration asks for it.
tests/model/test_network.py compares the count with each architecture's. Knows the settings alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from chatbot.config import ModelConfig


class Size(NamedTuple):
    """What a network of some settings holds and computes."""

    parameters: int
    encoder: int  # weights that a source token passes
    decoder: int  # weights that a target token passes, the output layer included


def size_of(model: ModelConfig, vocab_size: int) -> Size:
    """Counts the weights of `build_seq2seq(model, vocab_size)`."""
    read = vocab_size if model.embedding == "onehot" else model.embedding_units
    encoder = _ENCODERS[model.encoder](model, read)
    decoder = _DECODERS[model.decoder](model, read) + _readout(model, read)
    output = _output_width(model, read) * vocab_size
    known = _tables(model, vocab_size) + (0 if model.has_reverse_matrix else output) + vocab_size
    shared = _shared(model, read)
    return Size(
        parameters=encoder + decoder + _bridge(model) + known - shared,
        encoder=encoder,
        decoder=decoder + output,
    )


def _tables(model: ModelConfig, vocab_size: int) -> int:
    count = 0 if model.embedding == "onehot" else 1 + (not model.share_embeddings)
    reverse = model.has_reverse_matrix and not model.tie_embeddings
    return vocab_size * model.embedding_units * (count + reverse)


def _cell(model: ModelConfig, inputs: int, units: int) -> int:
    gates = {"rnn": 1, "gru": 3, "lstm": 4}[model.cell]
    biases = 2 if model.cell == "gru" and model.gru_reset == "after" else 1
    return gates * units * (inputs + units + biases)


def _recurrent_encoder(model: ModelConfig, read: int) -> int:
    directions = model.memory_units // model.encoder_units
    inputs = [read, *[model.memory_units] * (model.encoder_layers - 1)]
    cells = sum(directions * _cell(model, width, model.encoder_units) for width in inputs)
    return cells + model.layer_norm * 2 * model.memory_units * model.encoder_layers


def _convolutional_encoder(model: ModelConfig, read: int) -> int:
    units, layers = model.encoder_units, model.encoder_layers
    each = (model.kernel_width * units + 1) * units
    return _front(model, read, units) + each * (layers + -(-layers // 2))


def _transformer_encoder(model: ModelConfig, read: int) -> int:
    units = model.encoder_units
    block = 4 * units**2 + _feed_forward(model, units) + 4 * units
    return _front(model, read, units) + block * model.encoder_layers


def _front(model: ModelConfig, read: int, units: int) -> int:
    """Positions, and the layer that brings what is read to another width."""
    table = model.max_positions * read if model.positions == "learned" else 0
    fits = model.embedding != "onehot" and read == units
    return table + (0 if fits else (read + 1) * units)


def _feed_forward(model: ModelConfig, units: int) -> int:
    inner = model.feed_forward_units or 4 * units
    return (units + 1) * inner + (inner + 1) * units


def _bridge(model: ModelConfig) -> int:
    if model.bridge != "dense" or "initial_state" not in model.places:
        return 0
    states = model.decoder_layers * (2 if model.cell == "lstm" else 1)
    return states * (model.memory_units + 1) * model.decoder_units


def _recurrent_decoder(model: ModelConfig, read: int) -> int:
    units = model.decoder_units
    first = read + ("every_step" in model.places) * model.context_units
    first += model.input_feeding * model.embedding_units
    inputs = [first, *[units] * (model.decoder_layers - 1)]
    cells = sum(_cell(model, width, units) for width in inputs)
    return cells + model.layer_norm * 2 * units * model.decoder_layers + _attention(model)


def _shared(model: ModelConfig, read: int) -> int:
    """Weights of the decoder's cells that are the encoder's own."""
    if not model.share_cells:
        return 0
    inputs = [read, *[model.decoder_units] * (model.encoder_layers - 1)][: model.decoder_layers]
    return sum(_cell(model, width, model.decoder_units) for width in inputs)


def _attention(model: ModelConfig) -> int:
    query, key, value = model.decoder_units, model.memory_units, model.value_units
    compared = (query + key + 1 + model.coverage) * query
    return {
        "general": key * query,
        "additive": compared,
        "concat": compared,
        "location": query * model.max_positions,
        "multi_head": (2 * query + key + value) * query,
    }.get(model.attention, 0)


def _transformer_decoder(model: ModelConfig, read: int) -> int:
    units = model.decoder_units
    block = 4 * units**2 + _attention(model) + _feed_forward(model, units) + 6 * units
    return _front(model, read, units) + block * model.decoder_layers


def _features(model: ModelConfig, read: int) -> int:
    """The width of what the readout reads."""
    context = ("output" in model.places) * model.context_units
    return model.decoder_units + context + (model.readout == "maxout") * read


def _readout(model: ModelConfig, read: int) -> int:
    pairs = {"tanh": 1, "maxout": 2, "none": 0}[model.readout]
    context = model.context_units if model.decoder == "recurrent" else 0
    pointer = model.copying * (context + model.decoder_units + read + 1)
    return (_features(model, read) + 1) * pairs * model.embedding_units + pointer


def _output_width(model: ModelConfig, read: int) -> int:
    return _features(model, read) if model.readout == "none" else model.embedding_units


_Counter = Callable[[ModelConfig, int], int]
_ENCODERS: Mapping[str, _Counter] = {
    "recurrent": _recurrent_encoder,
    "convolutional": _convolutional_encoder,
    "transformer": _transformer_encoder,
}
_DECODERS: Mapping[str, _Counter] = {
    "recurrent": _recurrent_decoder,
    "transformer": _transformer_decoder,
}
