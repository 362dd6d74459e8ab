"""What operations of a program do on values with one axis more, in front.

As `vmap` of JAX, for the operations that rounds of cells are made of. Knows programs, no loop. Read
next: loops.py.

Attributes:
    FOR_EACH_NUMBER: operations that make each number of one number of each value that they take.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from chatbot.model.operations import FIXED
from chatbot.model.programs import Array, Step

FOR_EACH_NUMBER = {
    *("AddV2", "BiasAdd", "LogicalAnd", "Maximum", "Minimum", "Mul", "Neg", "Relu", "SelectV2"),
    *("Sigmoid", "Softplus", "Sub", "Tanh"),
}


class CannotLiftError(Exception):
    """What an operation does with one axis more is not written down here."""


class Lifting(NamedTuple):
    """Steps on values of which some, the deep ones, have one axis more.

    Attributes:
        shapes: of all values without that axis.
        known: values that are the same at each call.
        deep: the places of the deep values; grows with each lifted step.
    """

    shapes: Mapping[int, tuple[int, ...]]
    known: Mapping[int, Any]
    deep: set[int]

    def lifted(self, step: Step) -> Step:
        """Returns the step, which makes deep values if it takes one.

        Raises:
            CannotLiftError: it takes one, and nobody knows what it does then.
        """
        deep = [place in self.deep for place in step.taken]
        if not any(deep):
            return step
        run = self._run(step, deep)
        self.deep.update(range(step.place, step.place + step.makes))
        return step._replace(run=run)

    def _run(self, step: Step, deep: Sequence[bool]) -> Callable[..., Any]:
        known = [self.known.get(place) for place in step.taken]
        if step.kind in FOR_EACH_NUMBER and self._fit(step, deep):
            return step.run
        if step.kind == "MatMul" and not any(step.attributes.values()):
            return _product if deep[0] else np.matmul
        if step.kind == "TensorListSetItem" and not deep[1]:
            return step.run
        if step.kind == "Split" and known[0] is not None:
            axis = known[0] + (known[0] >= 0)
            return lambda _, x: step.run(axis, x)
        if step.kind == "Tile" and known[1] is not None and (known[1] == 1).all():
            return lambda x, _: x
        if step.kind == "StridedSlice" and all(bound is not None for bound in known[1:]):
            return _behind(FIXED[step.kind](*known[1:], **step.attributes))
        raise CannotLiftError(step.kind)

    def _fit(self, step: Step, deep: Sequence[bool]) -> bool:
        """Tells whether shapes, counted from behind, leave the axis in front to the deep values."""
        ranks = [len(self.shapes[place]) for place in step.taken]
        return all(rank == max(ranks) for rank, is_deep in zip(ranks, deep, strict=True) if is_deep)


def _product(x: Array, matrix: Array) -> Array:
    """(D,N,A), (A,C) or (D,A,C) -> (D,N,C)."""
    if matrix.ndim == 2:  # one large product in place of D
        return (x.reshape(-1, x.shape[-1]) @ matrix).reshape(*x.shape[:-1], matrix.shape[1])
    found: Array = np.matmul(x, matrix)
    return found


def _behind(index: tuple[Any, ...]) -> Callable[..., Any]:
    if Ellipsis in index:
        raise CannotLiftError("an index that begins anywhere")
    deep = (slice(None), *index)
    return lambda x, *_: x[deep]
