"""Scheduled sampling: the decoder is fed some of its own tokens in place of the true ones.

Bengio et al. 2015 (arXiv:1506.03099) toss a coin for each token and feed a token drawn from the
model. Here the draws of all positions come from one pass over the true target (Mihaylova and
Martins 2019, arXiv:1906.07651, section 3), and the training step is a second pass over the mixture:
two passes instead of one pass a token. So a token that is fed was drawn after the *true* words
before it, not after those that are fed; the two differ where several own tokens come in a row.
Knows batches and a training view; no text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from chatbot.config import PAD_ID, TrainingConfig
from chatbot.training.batches import Batch


def own_share(config: TrainingConfig, step: int, steps: int) -> float:
    """Returns which share of what the decoder reads is its own: 1 - epsilon_i of section 2.4.

    Each schedule ends at `sampling_rate`, r, with its last step: `linear` rises to it on a line;
    `exponential` has epsilon = k^i; `inverse_sigmoid` has epsilon = k / (k + exp(i / k)), with the
    k that gives 1 - r there; `constant` has r from the first step.

    >>> config = TrainingConfig(scheduled_sampling="exponential", sampling_rate=0.75)
    >>> [round(own_share(config, step, 100), 3) for step in (0, 50, 100)]
    [0.0, 0.5, 0.75]
    """
    return _SCHEDULES[config.scheduled_sampling](config.sampling_rate, step, max(1, steps))


def _inverse_sigmoid(rate: float, step: int, steps: int) -> float:
    k = _decay(rate, steps)
    return 1 - 1 / (1 + math.exp(min(700.0, step / k - math.log(k))))


def _decay(rate: float, steps: int) -> float:
    """Returns the k with k / (k + exp(steps / k)) = 1 - rate: halving finds it, ln k falling."""
    wanted = math.log(rate / (1 - rate))
    low, high = 1e-3, 1e9
    for _ in range(200):
        k = math.sqrt(low * high)
        low, high = (k, high) if steps / k - math.log(k) > wanted else (low, k)
    return low


_SCHEDULES: Mapping[str, Callable[[float, int, int], float]] = {
    "none": lambda rate, step, steps: 0.0,
    "constant": lambda rate, step, steps: rate,
    "linear": lambda rate, step, steps: rate * min(1.0, step / steps),
    "exponential": lambda rate, step, steps: 1 - (1 - rate) ** min(1.0, step / steps),
    "inverse_sigmoid": _inverse_sigmoid,
}


class Mixer:
    """Mixes a model's own tokens into what its decoder reads, the same for the same step."""

    def __init__(self, model: keras.Model, config: TrainingConfig) -> None:
        """Takes the training view; compiles nothing before the first mixture."""
        self._config = config
        self._draw = _drawing(model) if config.scheduled_sampling != "none" else None

    def inputs(self, batch: Batch, step: int, steps: int) -> list[NDArray[Any]]:
        """Returns what the training view reads at a step: source_ids and decoder_input_ids.

        While steps are still being timed (`steps` is 0) it mixes as at the end: that takes longest.
        """
        true = batch.decoder_input_ids
        share = own_share(self._config, step if steps else 1, steps)
        if self._draw is None or not share:
            return [batch.source_ids, true]
        random = np.random.default_rng([self._config.seed, step])
        coins, draws = random.random(true.shape), random.random(true.shape, np.float32)
        drawn = np.asarray(self._draw.predict_on_batch([batch.source_ids, true, draws]))
        own = np.concatenate([true[:, :1], drawn[:, :-1]], axis=1)
        replaced = (coins < share) & (true != PAD_ID)
        replaced[:, 0] = False  # <BOS>
        return [batch.source_ids, np.where(replaced, own, true).astype(true.dtype)]


def _drawing(model: keras.Model) -> keras.Model:
    """Returns a view that draws a token for each position, where uniform numbers (B,T) tell."""
    draws = keras.Input((None,), name="draws")
    chances = ops.cumsum(ops.softmax(model(model.inputs), axis=-1), axis=-1)  # (B,T,V)
    passed = chances[..., :-1] < ops.expand_dims(draws, -1) * chances[..., -1:]
    return keras.Model(
        [*model.inputs, draws], ops.sum(ops.cast(passed, "int32"), axis=-1), name="drawing"
    )
