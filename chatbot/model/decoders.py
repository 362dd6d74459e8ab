"""Decoders: what was said so far and the source -> one output for each position.

Each kind works in two ways that must agree: `run` over whole targets (teacher forcing) and `step`
by one token. Knows neither embeddings nor the output matrix. Read first: encoders.py, attention.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import keras
from keras import ops

from chatbot.config import ModelConfig
from chatbot.model.attention import Attention, build_attention
from chatbot.model.cells import STATES_PER_LAYER, Finish, recurrent
from chatbot.model.encoders import Encoded, Front, RecurrentEncoder
from chatbot.model.readout import Readout
from chatbot.model.transformer import DecoderBlock
from chatbot.model.wiring import Wired, joined, split


class Decoded(NamedTuple):
    """What a decoder makes of T positions, or of one (no T axis)."""

    outputs: Any  # (B,T,U)
    context: Any  # (B,T,C), None where no part of the source is handed on
    weights: Any  # (B,T,S) attention, all zero without one


class Parts(NamedTuple):
    """What decoders share with the rest of the network."""

    readout: Readout
    dropout: keras.layers.Layer


class Decoder(Protocol):
    """The two ways through a decoder, and what they need of the source."""

    def memory(self, encoded: Encoded) -> list[Any]:
        """Returns what each step reads of the source, (B,S,*) each, computed once."""

    def start(self, encoded: Encoded) -> list[Any]:
        """Returns the state before the first step: any tensors with a leading row axis."""

    def run(self, vectors: Any, encoded: Encoded, parts: Parts) -> Decoded:
        """All T positions at once, from the vectors (B,T,E) of `<BOS> y1..yn`."""

    def step(
        self, vector: Any, memory: list[Any], mask: Any, state: list[Any], parts: Parts
    ) -> tuple[Decoded, list[Any]]:
        """One position, from the vector (N,E) of the last token; also the new state."""


class RecurrentDecoder:
    """Layers of cells, with the source as a summary or through attention.

    Where the context goes into each step (`every_step`), attention asks with the last state, as in
    Bahdanau et al. 2015 (arXiv:1409.0473, section 3.1); else with the new one, as in Luong et al.
    2015 (arXiv:1508.04025, section 3). All steps run at once unless one needs what the step before
    it saw: attention that asks first, input feeding (Luong et al. 2015, section 3.3), coverage.
    """

    def __init__(self, config: ModelConfig, encoder: Any, dtype: Any) -> None:
        """Creates bridge, cells and attention."""
        self._config = config
        self._per_layer = STATES_PER_LAYER[config.cell]
        self._start = _BRIDGES[config.bridge if "initial_state" in config.places else "none"](
            config, dtype
        )
        self._cells = _decoder_layers(config, encoder, dtype)
        self._finish = Finish(config, config.decoder_layers, "decoder", dtype)
        self._attention = build_attention(config, dtype)
        self._asks_first = self._attention is not None and "every_step" in config.places
        self._keeps_summary = self._attention is None and bool(
            {"every_step", "output"} & set(config.places)
        )

    def memory(self, encoded: Encoded) -> list[Any]:
        """Returns what attention reads; the encoder's outputs where there is none."""
        attention = self._attention
        if attention is None:
            return [encoded.values]
        keys, values = encoded.keys, encoded.values
        if keys is values:
            same = Wired(lambda both: attention.prepare(both, both), [attention], "memory")
            return list(same([values]))
        return list(Wired(attention.prepare, [attention], "memory")([keys, values]))

    def start(self, encoded: Encoded) -> list[Any]:
        """Returns the first state, flat: see `_State`."""
        return self._first_state(encoded).flat()

    def run(self, vectors: Any, encoded: Encoded, parts: Parts) -> Decoded:
        """All positions at once."""
        in_turn = self._asks_first or self._config.input_feeding or self._config.coverage
        return (self._run_in_turn if in_turn else self._run_at_once)(vectors, encoded, parts)

    def step(
        self, vector: Any, memory: list[Any], mask: Any, state: list[Any], parts: Parts
    ) -> tuple[Decoded, list[Any]]:
        """One position."""

        def advance(vector: Any, memory: list[Any], mask: Any, flat: list[Any]) -> list[Any]:
            state = _State.of(flat, self._config, self._keeps_summary)
            made, state = self._advance(vector, memory, mask, state, (), parts.readout)
            context = [] if made.context is None else [made.context]
            return [made.outputs, made.weights, *context, *state.flat()]

        wired = Wired(advance, self._layers(parts), "step")
        outputs, weights, *rest = wired([vector, memory, mask, state])
        context = rest.pop(0) if len(rest) > len(state) else None
        return Decoded(outputs, context, weights), rest

    def _layers(self, parts: Parts) -> list[keras.layers.Layer]:
        attention = [] if self._attention is None else [self._attention]
        fed = parts.readout.layers if self._config.input_feeding else []
        return [*self._cells, *self._finish.norms, *attention, *fed]

    def _first_state(self, encoded: Encoded) -> _State:
        summary = encoded.summary
        fed = [_zeros(summary, self._config.embedding_units)] if self._config.input_feeding else []
        seen = [ops.zeros_like(encoded.mask, dtype="float32")] if self._config.coverage else []
        return _State(self._start(encoded), fed, seen, [summary] if self._keeps_summary else [])

    def _run_at_once(self, vectors: Any, encoded: Encoded, parts: Parts) -> Decoded:
        state = self._first_state(encoded)
        context = state.summary[0] if state.summary else None
        if context is not None:
            context = ops.zeros_like(vectors[..., :1]) + ops.expand_dims(context, 1)  # (B,T,Q)
        outputs = vectors
        if context is not None and "every_step" in self._config.places:
            outputs = joined([vectors, context])
        for depth, layer in enumerate(self._cells):
            made, *_ = layer(outputs, initial_state=self._states_of(depth, state.cells))
            outputs = parts.dropout(self._finish(depth, made, outputs))
        if self._attention is None:
            return Decoded(outputs, context, _nowhere(outputs, encoded.mask))
        context, weights = self._attention(outputs, encoded.keys, encoded.values, encoded.mask)
        return Decoded(outputs, context, weights)

    def _run_in_turn(self, vectors: Any, encoded: Encoded, parts: Parts) -> Decoded:
        noise = self._noise(vectors, parts.dropout)
        memory, state = self.memory(encoded), self.start(encoded)

        def run(
            vectors: Any, noise: list[Any], memory: list[Any], mask: Any, flat: list[Any]
        ) -> tuple[Any, ...]:
            return self._scan(vectors, noise, memory, mask, flat, parts.readout)

        wired = Wired(run, self._layers(parts), "steps")
        return Decoded(*wired([vectors, noise, memory, encoded.mask, state]))

    def _noise(self, vectors: Any, dropout: keras.layers.Layer) -> list[Any]:
        """Draws what dropout multiplies each layer's outputs by, for all steps: (B,T,U) each."""
        units = self._config.decoder_units
        ones = ops.repeat(ops.ones_like(vectors[..., :1]), units, axis=-1)
        return [dropout(ones) for _ in self._cells] if self._config.dropout else []

    def _scan(
        self,
        vectors: Any,
        noise: list[Any],
        memory: list[Any],
        mask: Any,
        flat: list[Any],
        readout: Readout,
    ) -> tuple[Any, ...]:
        """Takes the steps one after the other; returns outputs, contexts and weights (B,T,*)."""

        def body(carried: list[Any], now: Any) -> tuple[list[Any], list[Any]]:
            state = _State.of(carried[3:], self._config, self._keeps_summary)
            vector, *factors = split(now, widths)
            made, state = self._advance(vector, memory, mask, state, factors, readout)
            carried = [*made, *state.flat()]
            return carried, carried

        first = [
            _zeros(vectors[:, 0], self._config.decoder_units),
            ops.zeros_like(memory[0][:, 0]),
            ops.zeros_like(mask, dtype="float32"),
            *flat,
        ]
        read = [vectors, *noise]  # as one tensor: of several, TensorFlow's scan must know T
        widths = [x.shape[-1] for x in read]
        _, made = ops.scan(body, first, ops.transpose(joined(read), (1, 0, 2)))
        return tuple(ops.transpose(x, (1, 0, 2)) for x in made[:3])

    def _advance(
        self,
        vector: Any,
        memory: list[Any],
        mask: Any,
        state: _State,
        noise: Any,
        readout: Readout,
    ) -> tuple[Decoded, _State]:
        """Goes one step on: all of its tensors have rows (N,...) and no T axis."""
        context = state.summary[0] if state.summary else None
        weights = ops.zeros_like(mask, dtype="float32")
        attention = self._attention
        if attention is not None and self._asks_first:
            query = state.cells[-self._per_layer]
            context, weights = _look(attention, query, memory, mask, state)
        read = [vector, context] if "every_step" in self._config.places else [vector]
        outputs, cells = self._through_cells(joined([*read, *state.fed]), state.cells, noise)
        if attention is not None and not self._asks_first:
            context, weights = _look(attention, outputs, memory, mask, state)
        fed = [readout.features(outputs, context, vector)] if state.fed else []
        seen = [before + weights for before in state.seen]
        return Decoded(outputs, context, weights), _State(cells, fed, seen, state.summary)

    def _through_cells(self, vector: Any, cells: list[Any], noise: Any) -> tuple[Any, list[Any]]:
        new = []
        for depth, layer in enumerate(self._cells):
            made, states = layer.cell(vector, self._states_of(depth, cells))
            new += list(states)
            vector = self._finish(depth, made, vector)
            if noise:
                vector = vector * noise[depth]
        return vector, new

    def _states_of(self, depth: int, cells: list[Any]) -> list[Any]:
        return cells[depth * self._per_layer : (depth + 1) * self._per_layer]


class _State(NamedTuple):
    """The state of a recurrent decoder; `flat` and `of` turn it into a list and back."""

    cells: list[Any]  # of each layer h (N,U), and c after it for LSTM
    fed: list[Any]  # with input feeding, the last attentional vector (N,E)
    seen: list[Any]  # with coverage, the weights that each position got so far (N,S)
    summary: list[Any]  # without attention, what is read of the source at each step (N,Q)

    def flat(self) -> list[Any]:
        return [*self.cells, *self.fed, *self.seen, *self.summary]

    @classmethod
    def of(cls, flat: list[Any], config: ModelConfig, keeps_summary: bool) -> _State:
        counts = (
            config.decoder_layers * STATES_PER_LAYER[config.cell],
            int(config.input_feeding),
            int(config.coverage),
            int(keeps_summary),
        )
        rest = iter(flat)
        return cls(*([next(rest) for _ in range(count)] for count in counts))


def _look(
    attention: Attention, query: Any, memory: list[Any], mask: Any, state: _State
) -> tuple[Any, Any]:
    """Attends with one query (N,U): context (N,C) and weights (N,S)."""
    seen = state.seen[0] if state.seen else None
    found = attention.attend(ops.expand_dims(query, 1), memory, mask, seen)
    context, weights = (ops.squeeze(x, 1) for x in found)
    return context, weights


def _decoder_layers(config: ModelConfig, encoder: Any, dtype: Any) -> list[keras.layers.Layer]:
    """Creates the decoder's layers; with `share_cells` the encoder's own come first."""
    own = [
        recurrent(config, config.decoder_units, f"decoder_{i}", dtype)
        for i in range(config.decoder_layers)
    ]
    if not (config.share_cells and isinstance(encoder, RecurrentEncoder)):
        return own
    shared = encoder.layers[: config.decoder_layers]
    return [*shared, *own[len(shared) :]]


def _zeros(like: Any, units: int) -> Any:
    """Zeros (B,units) in the type of `like` (B,*)."""
    return ops.repeat(ops.zeros_like(like[:, :1]), units, axis=1)


def _nowhere(outputs: Any, mask: Any) -> Any:
    """Attention weights (B,T,S) that are all zero."""
    spread = outputs[..., :1] * ops.cast(ops.expand_dims(mask, 1), outputs.dtype)
    return ops.zeros_like(spread)


Bridge = Callable[[Encoded], list[Any]]


def _dense_bridge(config: ModelConfig, dtype: Any) -> Bridge:
    """state = tanh(W q + b), each its own (Cho et al. 2014, arXiv:1406.1078, appendix A.2)."""
    layers = [
        keras.layers.Dense(config.decoder_units, "tanh", name=f"bridge_{i}", dtype=dtype)
        for i in range(config.decoder_layers * STATES_PER_LAYER[config.cell])
    ]
    return lambda encoded: [layer(encoded.summary) for layer in layers]


def _copied(config: ModelConfig, dtype: Any) -> Bridge:
    """Each layer goes on where the encoder's ended (Sutskever et al. 2014, arXiv:1409.3215)."""
    return lambda encoded: [state for states in encoded.states for state in states]


def _none(config: ModelConfig, dtype: Any) -> Bridge:
    count = config.decoder_layers * STATES_PER_LAYER[config.cell]
    return lambda encoded: [_zeros(encoded.summary, config.decoder_units) for _ in range(count)]


_BRIDGES: Mapping[str, Callable[[ModelConfig, Any], Bridge]] = {
    "dense": _dense_bridge,
    "copy": _copied,
    "none": _none,
}


class TransformerDecoder:
    """Blocks of masked self-attention and attention to the source (Vaswani et al. 2017, 3.1).

    Its state holds the values and keys of each block for the positions so far, (N,P,U) each, which
    grow by one at each step; P is 0 at first.
    """

    def __init__(self, config: ModelConfig, encoder: Any, dtype: Any) -> None:
        """Creates the blocks."""
        self._units = config.decoder_units
        self._front = Front(config, self._units, "decoder", dtype)
        self._blocks = [
            DecoderBlock(config, self._units, f"decoder_{i}", dtype)
            for i in range(config.decoder_layers)
        ]

    def memory(self, encoded: Encoded) -> list[Any]:
        """Returns the values and keys of each block's attention to the source."""
        wired = Wired(self._prepare, self._layers(), "memory")
        return list(wired([encoded.keys, encoded.values]))

    def start(self, encoded: Encoded) -> list[Any]:
        """Returns the empty past of each block."""
        count, units, dtype = 2 * len(self._blocks), self._units, encoded.summary.dtype

        def empty(mask: Any) -> list[Any]:
            return [ops.zeros((ops.shape(mask)[0], 0, units), dtype=dtype) for _ in range(count)]

        return list(Wired(empty, [], "past")([encoded.mask]))

    def run(self, vectors: Any, encoded: Encoded, parts: Parts) -> Decoded:
        """All positions at once."""

        def run(vectors: Any, keys: Any, values: Any, mask: Any) -> tuple[Any, Any]:
            outputs, memory = self._front(vectors), self._prepare(keys, values)
            for depth, block in enumerate(self._blocks):
                outputs, weights = block(outputs, _pair(memory, depth), mask, parts.dropout)
            return outputs, weights

        wired = Wired(run, [*self._layers(), parts.dropout], "transformer_decoder")
        outputs, weights = wired([vectors, encoded.keys, encoded.values, encoded.mask])
        return Decoded(outputs, None, weights)

    def step(
        self, vector: Any, memory: list[Any], mask: Any, state: list[Any], parts: Parts
    ) -> tuple[Decoded, list[Any]]:
        """One position."""

        def advance(vector: Any, memory: list[Any], mask: Any, state: list[Any]) -> list[Any]:
            outputs, pasts = self._front(ops.expand_dims(vector, 1), state[0]), []
            for depth, block in enumerate(self._blocks):
                known, past = _pair(memory, depth), _pair(state, depth)
                outputs, weights, past = block.step(outputs, known, mask, past, parts.dropout)
                pasts += past
            return [ops.squeeze(outputs, 1), ops.squeeze(weights, 1), *pasts]

        wired = Wired(advance, [*self._layers(), parts.dropout], "step")
        outputs, weights, *new = wired([vector, memory, mask, state])
        return Decoded(outputs, None, weights), list(new)

    def _layers(self) -> list[keras.layers.Layer]:
        blocks = [layer for block in self._blocks for layer in block.layers]
        return [*self._front.layers, *blocks]

    def _prepare(self, keys: Any, values: Any) -> list[Any]:
        return [part for block in self._blocks for part in block.prepare(keys, values)]


def _pair(tensors: list[Any], depth: int) -> list[Any]:
    return tensors[2 * depth : 2 * depth + 2]


_KINDS: Mapping[str, Callable[[ModelConfig, Any, Any], Decoder]] = {
    "recurrent": RecurrentDecoder,
    "transformer": TransformerDecoder,
}


def build_decoder(config: ModelConfig, encoder: Any, dtype: Any) -> Decoder:
    """Returns the decoder that a configuration names.

    Args:
        config: the architecture.
        encoder: whose cells the decoder may share.
        dtype: a Keras dtype policy.
    """
    return _KINDS[config.decoder](config, encoder, dtype)
