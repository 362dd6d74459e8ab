"""Small layers that carry functions, masks and positions through a Keras graph.

Keras wires only a layer's `call`, and shapes are unknown until it runs; what needs another method
or a length goes through `Wired`. Knows no architecture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras
from keras import ops


class Explicit(keras.layers.Layer):
    """A layer at which Keras' implicit masks end: those that matter are tensors of their own."""

    def __init__(self, **options: Any) -> None:
        """Takes what any layer takes."""
        super().__init__(**options)
        self.supports_masking = True

    def compute_mask(self, inputs: Any, previous_mask: Any) -> None:
        """Returns none."""


class Wired(Explicit):
    """A function over tensors as one node of a graph, with the layers that it calls."""

    def __init__(
        self, function: Callable[..., Any], layers: Sequence[keras.layers.Layer], name: str
    ) -> None:
        """Takes the function, and each layer whose weights it may use."""
        super().__init__(name=name, autocast=False)
        self.function, self.used = function, list(layers)

    def build(self, shapes: Any) -> None:
        """Leaves it to the layers: each builds itself when the function is traced."""

    def call(self, tensors: Any) -> Any:
        """Returns what the function makes of a list of tensors, and of lists of them."""
        return self.function(*tensors)


class Positions(Explicit):
    """Adds to each vector what marks its place.

    `sinusoids`: PE(p, 2i) = sin(p / 10000^(2i/E)), PE(p, 2i+1) = cos of the same (Vaswani et al.
    2017, arXiv:1706.03762, section 3.5). `learned`: a vector for each place (Gehring et al. 2017,
    arXiv:1611.02344, section 3.1); places past the last share its vector.
    """

    def __init__(
        self, kind: Literal["sinusoids", "learned", "none"], limit: int, **options: Any
    ) -> None:
        """Takes how places are marked, and how many have a learned vector."""
        super().__init__(**options)
        self.kind, self.limit = kind, limit

    def build(self, vectors_shape: Any, past_shape: Any = None) -> None:
        """Creates the table of learned positions."""
        if self.kind == "learned":
            shape = (self.limit, vectors_shape[-1])
            start = keras.initializers.RandomNormal(stddev=0.1)
            self.table = self.add_weight(shape=shape, initializer=start, name="table")

    def call(self, vectors: Any, past: Any = None) -> Any:
        """vectors (B,T,E), after `past` (B,P,*) earlier ones -> vectors (B,T,E)."""
        marks = {"sinusoids": self._sinusoids, "learned": self._learned, "none": None}[self.kind]
        if marks is None:
            return vectors
        places = ops.cumsum(ops.ones_like(vectors[..., 0], dtype="float32"), axis=1) - 1.0
        if past is not None:
            places = places + ops.cast(ops.shape(past)[1], "float32")
        return vectors + ops.cast(marks(places, vectors.shape[-1]), vectors.dtype)

    def _sinusoids(self, places: Any, width: int) -> Any:
        columns = ops.arange(width, dtype="int32")
        pair = ops.cast(columns // 2, "float32")
        angles = ops.expand_dims(places, -1) * ops.power(10_000.0, -2.0 * pair / width)
        return ops.where(columns % 2 == 0, ops.sin(angles), ops.cos(angles))

    def _learned(self, places: Any, width: int) -> Any:
        last = float(self.limit - 1)
        return ops.take(self.table, ops.cast(ops.minimum(places, last), "int32"), axis=0)


class Reversed(Explicit):
    """Turns the real positions of each row around; padding stays behind them."""

    def call(self, rows: Any, source_mask: Any) -> Any:
        """rows (B,S) or (B,S,U) and their mask (B,S) -> the same shape; twice gives them back."""
        places = ops.cumsum(ops.ones_like(source_mask, dtype="int32"), axis=1) - 1
        lengths = ops.sum(ops.cast(source_mask, "int32"), axis=1, keepdims=True)
        source = ops.where(places < lengths, lengths - 1 - places, places)
        if len(rows.shape) > len(source.shape):
            source = ops.expand_dims(source, -1)
        return ops.take_along_axis(rows, source, axis=1)


def joined(parts: Sequence[Any]) -> Any:
    """Joins vectors along their last axis; one alone stays as it is."""
    return parts[0] if len(parts) == 1 else ops.concatenate(list(parts), axis=-1)


def split(vectors: Any, widths: Sequence[int]) -> list[Any]:
    """Takes apart along their last axis what `joined` put together."""
    if len(widths) == 1:
        return [vectors]
    ends = [sum(widths[: i + 1]) for i in range(len(widths))]
    pairs = zip(widths, ends, strict=True)
    return [vectors[..., end - width : end] for width, end in pairs]
