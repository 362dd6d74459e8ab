"""The gradients that teaching corrections takes, as compiled graphs (TensorFlow). Knows no text."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from chatbot.model.losses import token_nats
from chatbot.model.network import Seq2Seq
from chatbot.training.batches import Batch

_IDS, _WEIGHTS = tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None, None), tf.float32)

Gradient = list[NDArray[Any]]


class Gradients:
    """Gradients of one network, some of them beside another; all in nats per token, no dropout."""

    def __init__(self, learner: Seq2Seq, base: Seq2Seq) -> None:
        """Takes the network that changes and the one that it is compared with."""
        self._learner, self._base = learner.training, base.training
        self._variables = [variable.value for variable in self._learner.trainable_variables]
        self._enough = tf.Variable(0.0)  # nats
        self._of_targets = self._graph(self._target_loss, _IDS)
        self._of_drift = self._graph(self._divergence, _IDS)
        self._of_own_words = self._graph(self._own_loss, tf.TensorSpec((2,), tf.int32))

    def of_corrections(self, batch: Batch, likely: float) -> tuple[float, Gradient]:
        """Returns the mean nats of the targets, and the pull of those that are not yet `likely`."""
        self._enough.assign(-np.log(likely))
        return self._run(self._of_targets, batch, batch.target_ids)

    def of_drift(self, batch: Batch) -> Gradient:
        """Returns the gradient of the divergence from the base on what the base says."""
        return self._run(self._of_drift, batch, batch.target_ids)[1]

    def of_own_words(self, batch: Batch, seed: int) -> Gradient:
        """Returns that of labels drawn from the network itself, scaled for `Curvature.add`."""
        _, gradient = self._run(self._of_own_words, batch, np.array([seed, 0], np.int32))
        return [part * batch.tokens**0.5 for part in gradient]

    def _run(self, graph: Any, batch: Batch, labels: Any) -> tuple[float, Gradient]:
        found = graph(batch.source_ids, batch.decoder_input_ids, batch.weights, labels)
        nats, gradient = found
        return float(nats), [part.numpy() for part in gradient]

    def _graph(self, loss: Any, labels: Any) -> Any:
        def run(source_ids: Any, inputs: Any, weights: Any, given: Any) -> Any:
            with tf.GradientTape() as tape:
                logits = self._learner([source_ids, inputs], training=False)
                pulled, told = loss(logits, [source_ids, inputs], weights, given)
            gradient = tape.gradient(pulled, self._variables)
            return told, [tf.convert_to_tensor(part) for part in gradient]  # dense, all of them

        return tf.function(run, [_IDS, _IDS, _WEIGHTS, labels], autograph=False)

    def _target_loss(self, logits: Any, _: Any, weights: Any, target_ids: Any) -> Any:
        nats = token_nats(target_ids, logits)
        pulling = weights * tf.cast(nats > self._enough, tf.float32)
        total = tf.reduce_sum(weights)
        return tf.reduce_sum(nats * pulling) / total, tf.reduce_sum(nats * weights) / total

    def _divergence(self, logits: Any, inputs: Any, weights: Any, _: Any) -> Any:
        of_base = tf.nn.log_softmax(self._base(inputs, training=False))
        differences = of_base - tf.nn.log_softmax(logits)
        nats = tf.reduce_sum(tf.exp(of_base) * differences, -1)
        mean = tf.reduce_sum(nats * weights) / tf.reduce_sum(weights)
        return mean, mean

    def _own_loss(self, logits: Any, _: Any, weights: Any, seed: Any) -> Any:
        noise = tf.random.stateless_uniform(tf.shape(logits), seed, 1e-7, 1.0)
        drawn = tf.argmax(logits - tf.math.log(-tf.math.log(noise)), -1)  # Gumbel's trick
        mean = tf.reduce_sum(token_nats(drawn, logits) * weights) / tf.reduce_sum(weights)
        return mean, mean
