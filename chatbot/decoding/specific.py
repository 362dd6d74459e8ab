"""Of several hypotheses, the one that fits this message more than any other.

A network trained by likelihood prefers what is said to everything ("I'm sorry to hear that"). So
what it would say to nothing at all counts against a reply. Knows no strategy and no text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from chatbot.config import BOS_ID
from chatbot.decoding.state import Hypotheses

_IDS = tf.TensorSpec((None, None), tf.int32)


class SpecificFirst:
    """Orders hypotheses by mutual information (Li et al. 2016, arXiv:1510.03055, section 4.5.1).

    score = log p(T|S) - penalty * log p(T|nothing), in nats, where the same network reads
    `nothing` as its source in place of a language model of replies (equation 9 there).
    """

    def __init__(self, logits_of: Callable[[Any], Any], nothing: NDArray[np.int32]) -> None:
        """Takes the training view and an empty message as source_ids (1,S)."""
        self._nothing = tf.constant(nothing, tf.int32)
        self._logits_of = logits_of
        self._graph = tf.function(self._nats_to_nothing, [_IDS], autograph=False)

    def __call__(self, found: Hypotheses, penalty: float) -> Hypotheses:
        """Returns the hypotheses (B,K) in their new order; empty places stay last."""
        rows, width = found.scores.shape
        of_nothing = self._graph(tf.constant(found.token_ids.reshape(rows * width, -1), tf.int32))
        scores = found.token_log_probs.sum(-1) + penalty * of_nothing.numpy().reshape(rows, width)
        scores[np.isneginf(found.scores)] = -np.inf
        order = np.argsort(-scores, axis=1, kind="stable")
        return Hypotheses(*(_reordered(array, order) for array in found))

    def _nats_to_nothing(self, token_ids: Any) -> Any:
        """token_ids (N,T) -> -log p(T|nothing) of each row, (N,) nats; padding counts nothing."""
        count = tf.shape(token_ids)[0]
        inputs = tf.concat([tf.fill([count, 1], BOS_ID), token_ids[:, :-1]], axis=1)
        logits = self._logits_of([tf.repeat(self._nothing, count, 0), inputs])
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(token_ids, logits)
        return tf.reduce_sum(tf.where(token_ids > 0, nats, 0.0), axis=1)


def _reordered(array: NDArray[Any], order: NDArray[np.intp]) -> NDArray[Any]:
    return np.take_along_axis(array, order.reshape(order.shape + (1,) * (array.ndim - 2)), axis=1)
