"""How likely a network finds given replies, all of their tokens at once: teacher forcing.

Knows no strategy and no text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from numpy.typing import NDArray

from chatbot.config import BOS_ID, PAD_ID

_IDS = tf.TensorSpec((None, None), tf.int32)


class Likelihood:
    """Scores pairs of token ids in one graph, compiled at its first use."""

    def __init__(self, logits_of: Callable[[Any], Any]) -> None:
        """Takes the training view: [source_ids (N,S), decoder_input_ids (N,T)] -> (N,T,V)."""
        self._logits_of = logits_of
        self._graph = tf.function(self._nats, [_IDS, _IDS], autograph=False)

    def __call__(self, source_ids: NDArray[Any], token_ids: NDArray[Any]) -> NDArray[Any]:
        """Returns -log p(T|S) of each reply, (N,) nats.

        Args:
            source_ids: (N,S), or (1,S) where all replies answer one source.
            token_ids: (N,T), without `<BOS>`; padding counts nothing.
        """
        arrays = tf.constant(source_ids, tf.int32), tf.constant(token_ids, tf.int32)
        nats: NDArray[Any] = self._graph(*arrays).numpy()
        return nats

    def _nats(self, source_ids: Any, token_ids: Any) -> Any:
        count = tf.shape(token_ids)[0]
        inputs = tf.concat([tf.fill([count, 1], BOS_ID), token_ids[:, :-1]], axis=1)
        each = tf.repeat(source_ids, count // tf.shape(source_ids)[0], 0)
        logits = tf.cast(self._logits_of([each, inputs]), tf.float32)
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(token_ids, logits)
        return tf.reduce_sum(tf.where(token_ids != PAD_ID, nats, 0.0), axis=1)
