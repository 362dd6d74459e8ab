"""The mean negative log-likelihood over many batches, token by token. Knows no network."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from chatbot.model.losses import token_nats


class TokenNats(keras.metrics.Metric):
    """Nats per real target token over all batches since the last reset, without smoothing.

    A mean of the batches' means would weigh a token in a small batch more.
    """

    def __init__(self) -> None:
        """Creates the two sums."""
        super().__init__(name="nats")
        self.total = self.add_weight(name="total", initializer="zeros")
        self.tokens = self.add_weight(name="tokens", initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds target_ids (B,T) and logits (B,T,V) with weights (B,T), 0 for padding."""
        weights = ops.cast(sample_weight, "float32")
        self.total.assign_add(ops.sum(token_nats(y_true, y_pred) * weights))
        self.tokens.assign_add(ops.sum(weights))

    def result(self) -> Any:
        """Returns the mean, in nats per token."""
        return self.total / ops.maximum(self.tokens, 1.0)
