"""The fast recurrence computes what Keras' own does: outputs, last states and every gradient."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from chatbot.model.gru import GRU

MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]], bool)


def both(**options):
    """A pair of layers with the same weights: ours and Keras'."""
    shape = {"return_sequences": True, "return_state": True, **options}
    layers = GRU(4, **shape), keras.layers.GRU(4, reset_after=True, **shape)
    random = np.random.default_rng(0)
    for layer in layers:
        layer.build((None, None, 3))
    for one, other in zip(*(layer.weights for layer in layers), strict=True):
        one.assign(random.normal(0, 0.8, one.shape))
        other.assign(one)
    return layers


def outputs_and_gradients(layer, mask):
    random = np.random.default_rng(1)
    source = tf.Variable(random.normal(size=(3, 5, 3)).astype("float32"))
    first = tf.Variable(random.normal(size=(3, 4)).astype("float32"))
    weighed = random.normal(size=(3, 5, 4)).astype("float32")
    if mask is not None:  # what stands on padding is read by nobody
        weighed *= (mask[:, ::-1] if layer.go_backwards else mask)[..., None]
    with tf.GradientTape() as tape:
        every, last = layer(source, initial_state=[first], mask=mask)
        loss = tf.reduce_sum(every * weighed) + tf.reduce_sum(last * weighed[:, 0])
    slopes = tape.gradient(loss, [source, first, *layer.trainable_variables])
    return [np.array(x) for x in (every * weighed, last, *slopes)]


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "padded"])
def test_outputs_states_and_gradients_are_those_of_keras(mask, backwards):
    ours, theirs = (outputs_and_gradients(layer, mask) for layer in both(go_backwards=backwards))
    for one, other in zip(ours, theirs, strict=True):
        assert np.abs(other).max() > 0.01
        np.testing.assert_allclose(one, other, atol=2e-6)


def test_a_layer_of_both_directions_is_made_of_it():
    layer = keras.layers.Bidirectional(GRU(4, return_sequences=True))
    assert isinstance(layer.backward_layer, GRU)
    assert layer(ops.ones((2, 3, 5))).shape == (2, 3, 8)


def test_bfloat16_stays_near_float32():
    layer = GRU(4, return_sequences=True, dtype="mixed_bfloat16")
    layer.build((None, None, 3))
    exact = GRU(4, return_sequences=True)
    exact.build((None, None, 3))
    for one, other in zip(exact.weights, layer.weights, strict=True):
        one.assign(other)
    source = np.random.default_rng(2).normal(size=(2, 6, 3)).astype("float32")
    np.testing.assert_allclose(
        ops.convert_to_numpy(ops.cast(layer(source), "float32")), exact(source), atol=0.03
    )
