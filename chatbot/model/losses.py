"""The one loss and its one normaliser: nats per real target token. Knows no network."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from chatbot.config import PAD_ID


def token_nats(target_ids: Any, logits: Any) -> Any:
    """Negative log-likelihood of each target token: ids (B,T), logits (B,T,V) -> nats (B,T)."""
    ids, logits = ops.cast(target_ids, "int32"), ops.cast(logits, "float32")
    return ops.sparse_categorical_crossentropy(ids, logits, from_logits=True)


class TokenCrossEntropy(keras.losses.Loss):
    """Mean negative log-likelihood in nats per real target token.

    Pass the weight 0 for padding and 1 for real tokens: the sum is divided by the sum of the
    weights (Keras' default divides by the padding too). With label smoothing e the target
    distribution is (1 - e) one-hot + e / V (Szegedy et al. 2016, arXiv:1512.00567, section 7).
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        """Takes e, the share of the target spread over the whole vocabulary, in [0, 1)."""
        super().__init__(reduction="mean_with_sample_weight", name="token_cross_entropy")
        self.label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """target_ids (B,T) and logits (B,T,V) -> nats (B,T)."""
        nats = token_nats(y_true, y_pred)
        if not self.label_smoothing:
            return nats
        logits = ops.cast(y_pred, "float32")
        uniform = ops.logsumexp(logits, axis=-1) - ops.mean(logits, axis=-1)
        return (1 - self.label_smoothing) * nats + self.label_smoothing * uniform


class CoverageLoss(keras.layers.Layer):
    """Adds lambda times the mean over real tokens of sum_s min(a_ts, c_ts) to the loss.

    c_t is the sum of the weights before step t: looking again where one has looked costs (See et
    al. 2017, arXiv:1704.04368, equations 12 and 13). Hands the logits on as they are.
    """

    def __init__(self, weight: float, **options: Any) -> None:
        """Takes lambda, in nats."""
        super().__init__(**options)
        self.weight = weight

    def call(self, logits: Any, weights: Any, decoder_input_ids: Any) -> Any:
        """Takes logits (B,T,V), attention weights (B,T,S) and the ids that were read (B,T)."""
        before = ops.cumsum(weights, axis=1) - weights
        again = ops.sum(ops.minimum(weights, before), axis=-1)  # (B,T)
        real = ops.cast(ops.not_equal(decoder_input_ids, PAD_ID), "float32")
        total = ops.maximum(ops.sum(real), 1.0)
        self.add_loss(self.weight * ops.sum(again * real) / total)
        return logits
