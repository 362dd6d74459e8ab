"""How much a change of the weights changes what a network says: the shape of its memory.

The Fisher matrix of a weight matrix is taken as diagonal in the basis where its gradients G are
uncorrelated, the eigenvectors of E[G Gᵀ] and E[Gᵀ G] (George et al. 2018, arXiv:1806.03884,
section 3; its factors from the gradients alone, as in Gupta et al. 2018, arXiv:1802.09568). So
gradients are collected twice: first `add` for the basis, then, after `turn`, `weigh` for the
size in each direction. Knows arrays only, no network and no text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

_LONGEST = (
    2048  # rows or columns; where there are more, such as a vocabulary, they stay as they are
)


class _Basis(NamedTuple):
    """The directions of one weight matrix; None leaves a side as it is."""

    left: Array | None
    right: Array | None

    def into(self, matrix: Array) -> Array:
        """Turns a matrix into the basis."""
        matrix = matrix if self.left is None else self.left.T @ matrix
        return matrix if self.right is None else matrix @ self.right

    def out_of(self, matrix: Array) -> Array:
        """Turns a matrix of the basis back."""
        matrix = matrix if self.left is None else self.left @ matrix
        return matrix if self.right is None else matrix @ self.right.T


class Curvature:
    """Collects gradients of what a network says by itself, then measures and shapes changes.

    The gradients are one for each variable, of labels drawn from the network's own distribution,
    scaled by the root of the number of tokens that they are the mean of.
    """

    def __init__(self, damping: float) -> None:
        """Takes what is added to each direction, as a share of the mean of its matrix.

        Much damping trusts the directions less: with all of it a step is the plain gradient.
        """
        self._damping = damping
        self._products: list[list[Array | None]] = []
        self._bases: list[_Basis] = []
        self._squares: list[Array] = []
        self._weighed = 0

    def add(self, gradients: Sequence[Array]) -> None:
        """Adds the gradients of one batch, for the directions."""
        found = [_products(_as_matrix(gradient)) for gradient in gradients]
        if not self._products:
            self._products = found
            return
        for sums, products in zip(self._products, found, strict=True):
            for side, product in enumerate(products):
                total = sums[side]
                sums[side] = None if total is None or product is None else total + product

    def turn(self) -> None:
        """Settles the directions by what was added."""
        self._bases = [_Basis(*map(_directions, products)) for products in self._products]
        self._products = []

    def weigh(self, gradients: Sequence[Array]) -> None:
        """Adds the gradients of one batch, for the size of what is said in each direction."""
        squares = [np.square(turned) for turned in self._into(gradients)]
        if self._squares:
            squares = [old + new for old, new in zip(self._squares, squares, strict=True)]
        self._squares, self._weighed = squares, self._weighed + 1

    def shaped(self, gradients: Sequence[Array]) -> list[Array]:
        """Returns the natural gradient: the inverse Fisher matrix times each gradient.

        It moves the weights where that changes least of what the network says otherwise.
        """
        turned = zip(gradients, self._bases, self._into(gradients), self._sizes(), strict=True)
        return [
            basis.out_of(inside / size).reshape(gradient.shape)
            for gradient, basis, inside, size in turned
        ]

    def size(self, change: Sequence[Array]) -> float:
        """Returns d' F d of a change d of the weights: twice the divergence, nats per token."""
        turned = zip(self._into(change), self._sizes(), strict=True)
        return math.fsum(float(np.vdot(inside * size, inside)) for inside, size in turned)

    def _into(self, arrays: Sequence[Array]) -> list[Array]:
        pairs = zip(arrays, self._bases, strict=True)
        return [basis.into(_as_matrix(array)) for array, basis in pairs]

    def _sizes(self) -> list[Array]:
        """Returns the Fisher matrices' diagonals, damped."""
        means = [squares / np.float32(self._weighed) for squares in self._squares]
        return [mean + np.float32(self._damping * float(mean.mean()) or 1.0) for mean in means]


def _as_matrix(array: Array) -> Array:
    return array.reshape(len(array), -1)


def _products(gradient: Array) -> list[Array | None]:
    """Returns G Gᵀ and Gᵀ G, None where a side is too long for it or has nothing to turn."""
    rows, columns = gradient.shape
    left = gradient @ gradient.T if 1 < rows <= _LONGEST else None
    right = gradient.T @ gradient if 1 < columns <= _LONGEST else None
    return [left, right]


def _directions(product: Array | None) -> Array | None:
    return None if product is None else np.linalg.eigh(product)[1]
