"""Recurrent layers, and what stands around each: normalisation and residual connections.

Knows neither encoders nor decoders, which stack them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras

from chatbot.config import ModelConfig

STATES_PER_LAYER: Mapping[str, int] = {"gru": 1, "lstm": 2, "rnn": 1}  # h; h and c; h
_OPTIONS: dict[str, Any] = {"return_sequences": True, "return_state": True}


def _gru(config: ModelConfig, units: int, **named: Any) -> keras.layers.Layer:
    """Gated recurrent units.

    Cho et al. 2014 (arXiv:1406.1078, equations 5 to 8) multiply the state by the reset gate before
    the matrix product; cuDNN and Keras after it, which is faster.
    """
    return keras.layers.GRU(units, reset_after=config.gru_reset == "after", **_OPTIONS, **named)


def _lstm(config: ModelConfig, units: int, **named: Any) -> keras.layers.Layer:
    """Hochreiter and Schmidhuber 1997, with forget gates that start open."""
    return keras.layers.LSTM(units, **_OPTIONS, **named)


def _rnn(config: ModelConfig, units: int, **named: Any) -> keras.layers.Layer:
    """h_t = tanh(W x_t + U h_t-1 + b) (Elman 1990, whose units are between 0 and 1)."""
    return keras.layers.SimpleRNN(units, **_OPTIONS, **named)


_LAYERS: Mapping[str, Callable[..., keras.layers.Layer]] = {
    "gru": _gru,
    "lstm": _lstm,
    "rnn": _rnn,
}


def recurrent(config: ModelConfig, units: int, name: str, dtype: Any) -> keras.layers.Layer:
    """Returns a layer of the configured cells: (B,T,*) -> (B,T,units) and its last states."""
    layer = _LAYERS[config.cell](config, units, name=name, dtype=dtype)
    layer.cell.name = f"{name}_cell"  # the step uses the cells, each under a name of its own
    return layer


class Finish:
    """What follows each recurrent layer: LayerNorm (Ba et al. 2016, arXiv:1607.06450), then + x.

    The normalised vector goes on to the next layer; the layer's own state stays as it is. What
    a layer read is added where it has the same width (Wu et al. 2016, arXiv:1609.08144, section
    3.1).
    """

    def __init__(self, config: ModelConfig, layers: int, name: str, dtype: Any) -> None:
        """Creates one normalisation for each layer, if any."""
        self.norms = [
            keras.layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm_{i}", dtype=dtype)
            for i in range(layers if config.layer_norm else 0)
        ]
        self._residual = config.residual

    def __call__(self, depth: int, outputs: Any, inputs: Any) -> Any:
        """Returns what layer `depth` hands on, of what it made and what it read (...,U)."""
        if self.norms:
            outputs = self.norms[depth](outputs)
        fits = outputs.shape[-1] == inputs.shape[-1]
        return outputs + inputs if self._residual and fits else outputs
