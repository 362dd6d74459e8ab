"""A network that stands in for the real one where only what is around it matters.

It offers what `Seq2Seq` offers, learns a little, has a dropout whose seed must be kept, and is
traced by TensorFlow in a fraction of the time. Each token is guessed from the last one, from its
place and from the source as a bag of words.
"""

import keras
from keras import ops

from chatbot.config import PAD_ID
from chatbot.model.network import Seq2Seq

_PLACES = 32


class _Layers:
    """Every layer; the graphs below only wire them."""

    def __init__(self, config, vocab_size, precision):
        kind = keras.DTypePolicy(precision)
        units = config.embedding_units
        self.source = keras.layers.Embedding(vocab_size, units, dtype=kind)
        self.last = keras.layers.Embedding(vocab_size, units, dtype=kind)
        self.place = keras.layers.Embedding(_PLACES, units, dtype=kind)
        self.dropout = keras.layers.Dropout(config.dropout, dtype=kind)
        self.output = keras.layers.Dense(vocab_size, dtype=kind)

    def bag(self, source_ids):
        """source_ids (B,S) -> the mean vector of what is no padding, (B,E)."""
        vectors = self.source(source_ids)
        real = ops.cast(ops.not_equal(source_ids, PAD_ID), vectors.dtype)
        return ops.einsum("bse,bs->be", vectors, real) / ops.sum(real, axis=1, keepdims=True)

    def logits(self, last_ids, places, bag):
        """last_ids and places (...), bag (...,E) -> logits (...,V), float32."""
        mixed = self.last(last_ids) + self.place(ops.minimum(places, _PLACES - 1)) + bag
        return ops.cast(self.output(self.dropout(ops.tanh(mixed))), "float32")


def build_bag_of_words(config, vocab_size, precision="float32"):
    """Serves like `build_seq2seq`; there are no embeddings to begin with known vectors."""
    layers = _Layers(config, vocab_size, precision)
    encoder = _encoder_graph(layers)
    return Seq2Seq(_training_graph(layers), encoder, _step_graph(layers, encoder), None)


def _training_graph(layers):
    source_ids = keras.Input((None,), dtype="int32")
    last_ids = keras.Input((None,), dtype="int32")
    places = ops.cumsum(ops.ones_like(last_ids), axis=1) - 1
    logits = layers.logits(last_ids, places, ops.expand_dims(layers.bag(source_ids), 1))
    return keras.Model([source_ids, last_ids], logits)


def _encoder_graph(layers):
    """The state: the place of the token that comes next (B,1), and the bag (B,E)."""
    source_ids = keras.Input((None,), dtype="int32")
    bag = layers.bag(source_ids)
    mask = ops.not_equal(source_ids, PAD_ID)
    start = ops.zeros_like(source_ids[:, :1])
    return keras.Model(source_ids, [layers.source(source_ids), mask, start, bag])


def _step_graph(layers, encoder):
    token_ids = keras.Input((), dtype="int32")
    memory, mask, place, bag = (
        keras.Input(part.shape[1:], dtype=part.dtype) for part in encoder.outputs
    )
    logits = layers.logits(token_ids, place[:, 0], bag)
    attention = ops.zeros_like(memory[..., 0])
    return keras.Model([token_ids, memory, mask, place, bag], [logits, attention, place + 1, bag])
