"""Token ids -> vectors, and the output matrix where it is the same one. Knows no other layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from chatbot.config import ModelConfig


class Embeddings:
    """How source and target tokens become vectors.

    Table vectors are multiplied by the root of E (Vaswani et al. 2017, arXiv:1706.03762, section
    3.4): vectors short enough to serve as output weights are too faint as inputs. Measured:
    without it, the copy task of tests/learning is not learned at all.
    """

    def __init__(self, config: ModelConfig, vocab_size: int, dtype: Any) -> None:
        """Creates one table or two; a one-hot vector needs none."""
        make = _TABLES[config.embedding]
        self.target = make(config, vocab_size, dtype, "embedding", 1.0)
        self.source = (
            self.target
            if config.share_embeddings
            else make(config, vocab_size, dtype, "source_embedding", config.first_deviation)
        )
        self._length = 1.0 if config.embedding == "onehot" else config.embedding_units**-0.5

    def of_source(self, token_ids: Any) -> Any:
        """token_ids (B,S) -> vectors (B,S,E); their deviation is `first_deviation` at first."""
        return self.source(token_ids) / self._length

    def of_target(self, token_ids: Any) -> Any:
        """token_ids (B,T) or (N,) -> vectors (...,E) of about unit variance."""
        return self.target(token_ids) / self._length  # Keras takes a product for sparse

    def begin_with(self, vectors: Any, known: Any) -> None:
        """Sets the tables to vectors (V,E), where `known` (V,), so that these are what is read."""
        for table in {id(table): table for table in (self.source, self.target)}.values():
            own = ops.convert_to_numpy(table.embeddings)
            table.embeddings.assign(np.where(known[:, None], vectors * self._length, own))


class ReversibleEmbedding(keras.layers.ReversibleEmbedding):  # its name stands in weight files
    """token_ids (...) -> vectors (...,E); with `reverse`, vectors (...,E) -> logits (...,V).

    Of one step's (N,E), logits^T = E x^T: the product that reads the table as it lies in memory.
    On a processor without AVX-512 that product was half of the time of a reply found by a beam of
    five; now it takes a quarter of what it took (benchmarks/README.md).
    """

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        """Returns the vectors, or the logits."""
        if not (reverse and self.tie_weights and len(inputs.shape) == 2):
            return super().call(inputs, reverse=reverse)
        return ops.transpose(ops.matmul(self.embeddings, ops.transpose(inputs)))


class OneHot(keras.layers.Layer):
    """token_ids (...) -> vectors (...,V), 1 at the token's place; nothing is learned."""

    def __init__(self, vocab_size: int, **options: Any) -> None:
        """Takes V."""
        super().__init__(**options)
        self.vocab_size = vocab_size

    def call(self, token_ids: Any) -> Any:
        """Returns the one-hot vectors."""
        return ops.one_hot(token_ids, self.vocab_size, dtype=self.compute_dtype)


def _table(trainable: bool) -> Callable[..., keras.layers.Layer]:
    def make(
        config: ModelConfig, vocab_size: int, dtype: Any, name: str, deviation: float
    ) -> keras.layers.Layer:
        own = config.has_reverse_matrix and not config.tie_embeddings and name == "embedding"
        units = config.embedding_units
        return ReversibleEmbedding(
            vocab_size,
            units,
            tie_weights=not own,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=deviation * units**-0.5),
            name=name,
            dtype=dtype,
            trainable=trainable,
        )

    return make


def _one_hot(
    config: ModelConfig, vocab_size: int, dtype: Any, name: str, deviation: float
) -> keras.layers.Layer:
    return OneHot(vocab_size, name=name, dtype=dtype)


_TABLES: Mapping[str, Callable[..., keras.layers.Layer]] = {
    "trainable": _table(trainable=True),
    "pretrained": _table(trainable=True),
    "frozen": _table(trainable=False),
    "onehot": _one_hot,
}
