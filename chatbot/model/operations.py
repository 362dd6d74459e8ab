"""What each operation of a recorded network does, in NumPy.

The names and the order of the inputs are TensorFlow's (tensorflow.org/api_docs/python/tf/raw_ops).
`FUNCTIONS` need no attributes; `MADE` take those named in `ATTRIBUTES` and return the function. A
list of tensors is a Python list, or an array where it was one. Knows no network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Function: TypeAlias = Callable[..., Any]
_ONE = np.float32(1)
_FEW, _LARGE, _TALL = 5, 2**16, 1000  # rows, numbers in a matrix, and its rows: see `_matmul`


def _sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)); far below 0 that is 1 / infinity."""
    y: Array = np.negative(x)
    np.exp(y, y)
    y += _ONE
    np.reciprocal(y, y)
    return y


def _softmax(x: Array) -> Array:
    e: Array = np.exp(x - x.max(-1, keepdims=True))
    e /= e.sum(-1, keepdims=True)
    return e


def _log_softmax(x: Array) -> Array:
    shifted: Array = x - x.max(-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(-1, keepdims=True))
    return shifted


def _one_hot(places: Array, depth: Array, on: Array, off: Array) -> Array:
    return np.where(places[..., np.newaxis] == np.arange(int(depth)), on, off)


def _set_item(items: list[Array], place: Array, item: Array) -> list[Array]:
    return [*items[: int(place)], item, *items[int(place) + 1 :]]


FUNCTIONS: Mapping[str, Function] = {
    "Abs": np.abs,
    "AddV2": np.add,
    "BiasAdd": np.add,
    "BroadcastTo": lambda x, shape: np.broadcast_to(x, tuple(shape)),
    "ConcatV2": lambda *x: np.concatenate(x[:-1], int(x[-1])),
    "Cos": np.cos,
    "Equal": np.equal,
    "Exp": np.exp,
    "ExpandDims": lambda x, axis: x[_new_axis(int(axis))],
    "Fill": lambda shape, value: np.full(tuple(shape), value),
    "FloorDiv": np.floor_divide,
    "FloorMod": np.mod,
    "GreaterEqual": np.greater_equal,
    "IsNan": np.isnan,
    "Less": np.less,
    "Log": np.log,
    "Log1p": np.log1p,
    "LogSoftmax": _log_softmax,
    "LogicalAnd": np.logical_and,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
    "Mul": np.multiply,
    "Neg": np.negative,
    "NotEqual": np.not_equal,
    "OneHot": _one_hot,
    "OnesLike": np.ones_like,
    "Pow": np.power,
    "Range": np.arange,
    "RealDiv": np.divide,
    "Relu": lambda x: np.maximum(x, 0),
    "Reshape": lambda x, shape: x.reshape(tuple(shape)),
    "ReverseV2": lambda x, axes: np.flip(x, tuple(axes)),
    "Rsqrt": lambda x: 1 / np.sqrt(x),
    "SelectV2": np.where,
    "Shape": lambda x: np.array(x.shape, np.int32),
    "Sigmoid": _sigmoid,
    "Sin": np.sin,
    "Softmax": _softmax,
    "Softplus": lambda x: np.logaddexp(x, np.float32(0)),
    "Sqrt": np.sqrt,
    "SquaredDifference": lambda x, y: np.square(x - y),
    "Sub": np.subtract,
    "Tanh": np.tanh,
    "TensorListFromTensor": lambda x, shape: x,
    "TensorListGetItem": lambda items, place, shape: items[int(place)],
    "TensorListReserve": lambda shape, count: [None] * int(count),
    "TensorListSetItem": _set_item,
    "TensorListStack": lambda items, shape: np.stack(items),
    "Tile": np.tile,
    "Transpose": np.transpose,
    "ZerosLike": np.zeros_like,
}


def _matmul(transpose_a: bool, transpose_b: bool) -> Function:
    """a b; of few rows and a large matrix row by row, and of a tall matrix turned around.

    For a beam's five rows BLAS packs the matrix anew at each product, which takes longer than to
    multiply it with one vector after the other (benchmarks/README.md). (b^T a^T)^T lies in memory
    row after row once it is turned back, as whoever reads the rows of an output wants it.
    """

    def run(a: Array, b: Array) -> Array:
        a, b = a.swapaxes(-1, -2) if transpose_a else a, b.swapaxes(-1, -2) if transpose_b else b
        if a.ndim == b.ndim == 2:
            if 1 < len(a) <= _FEW and b.size >= _LARGE:
                return np.stack([row @ b for row in a])
            if 1 < b.shape[1] <= _FEW and a.size >= _LARGE:
                return np.stack([a @ column for column in b.T]).T
            if b.shape[1] > _FEW and len(a) >= _TALL:
                return (b.T @ a.T).T
        product: Array = np.matmul(a, b)
        return product

    return run


def _reduced(reduce: Function) -> Callable[[bool], Function]:
    def make(keep_dims: bool) -> Function:
        def run(x: Array, axes: Array) -> Any:
            return reduce(x, axis=tuple(np.atleast_1d(axes)), keepdims=keep_dims)

        return run

    return make


def _gather(batch_dims: int) -> Function:
    def run(x: Array, places: Array, axis: Array) -> Array:
        if not batch_dims:
            return np.take(x, places, int(axis))
        rest = (1,) * (x.ndim - places.ndim)
        return np.take_along_axis(x, places.reshape(places.shape + rest), int(axis))

    return run


def _convolution(padding: str) -> Function:
    """(B,1,S,C), (1,K,C,D) -> (B,1,S,D): one product for each of the K places, added up."""

    def run(x: Array, kernel: Array) -> Array:
        width = kernel.shape[1]
        before = (width - 1) // 2 if padding == "SAME" else 0
        after = width - 1 - before if padding == "SAME" else 0
        padded = np.pad(x, ((0, 0), (0, 0), (before, after), (0, 0)))
        length = padded.shape[2] - width + 1
        parts = (padded[:, :, i : i + length] @ kernel[0, i] for i in range(width))
        return np.asarray(sum(parts))

    return run


def _cumulative(exclusive: bool, reverse: bool) -> Function:
    if exclusive or reverse:
        raise NotImplementedError("only plain cumulative sums are recorded")
    return lambda x, axis: np.cumsum(x, int(axis), dtype=x.dtype)


def _index_of(
    begin_mask: int, end_mask: int, ellipsis_mask: int, new_axis_mask: int, shrink_axis_mask: int
) -> Function:
    """begin, end, strides -> the index; bits of the masks say what each entry stands for."""

    def entry(bit: int, begin: int, end: int, stride: int) -> Any:
        if ellipsis_mask & bit:
            return Ellipsis
        if new_axis_mask & bit:
            return np.newaxis
        if shrink_axis_mask & bit:
            return begin
        first = None if begin_mask & bit else begin
        return slice(first, None if end_mask & bit else end, stride)

    def index(begin: Array, end: Array, strides: Array) -> tuple[Any, ...]:
        each = zip(begin.tolist(), end.tolist(), strides.tolist(), strict=True)
        return tuple(entry(1 << i, *numbers) for i, numbers in enumerate(each))

    return index


def _split(num_split: int) -> Function:
    def run(axis: Array, x: Array) -> list[Array]:
        before = (slice(None),) * (int(axis) % x.ndim)
        width = x.shape[int(axis)] // num_split
        return [x[(*before, slice(i * width, (i + 1) * width))] for i in range(num_split)]

    return run


def _sliced(**masks: int) -> Function:
    index = _index_of(**masks)
    return lambda x, *bounds: x[index(*bounds)]


def _new_axis(axis: int) -> tuple[Any, ...]:
    """Returns the index that adds an axis."""
    whole = slice(None)
    return (*[whole] * axis, None) if axis >= 0 else (..., None, *[whole] * (-axis - 1))


def _squeeze(squeeze_dims: Sequence[int]) -> Function:
    axes = tuple(squeeze_dims) or None
    return lambda x: np.squeeze(x, axes)


def _constant(value: Mapping[str, Any]) -> Function:
    array = np.array(value["values"], value["dtype"])
    return lambda: array


MADE: Mapping[str, Callable[..., Function]] = {
    "BatchMatMulV2": lambda adj_x, adj_y: _matmul(adj_x, adj_y),
    "Cast": lambda DstT: lambda x: np.asarray(x).astype(DstT),  # noqa: N803
    "Const": _constant,
    "Conv2D": _convolution,
    "Cumsum": _cumulative,
    "GatherV2": _gather,
    "MatMul": _matmul,
    "Max": _reduced(np.max),
    "Mean": _reduced(np.mean),
    "Pack": lambda axis: lambda *x: np.stack(x, axis),
    "Prod": _reduced(lambda x, **how: np.prod(x, dtype=x.dtype, **how)),
    "Split": _split,
    "Squeeze": _squeeze,
    "StridedSlice": _sliced,
    "Sum": _reduced(lambda x, **how: np.sum(x, dtype=x.dtype, **how)),
}
FIXED: Mapping[str, Callable[..., tuple[Any, ...]]] = {
    "ExpandDims": lambda axis: _new_axis(int(axis)),
    "StridedSlice": lambda *bounds, **masks: _index_of(**masks)(*bounds),
}
"""Operations that come to an index of their first input, where all others are known in advance."""

_NAMES: Mapping[str, Sequence[str]] = {
    "BatchMatMulV2": ("adj_x", "adj_y"),
    "Cast": ("DstT",),
    "Const": ("value",),
    "Conv2D": ("padding",),
    "Cumsum": ("exclusive", "reverse"),
    "GatherV2": ("batch_dims",),
    "MatMul": ("transpose_a", "transpose_b"),
    "Pack": ("axis",),
    "Split": ("num_split",),
    "Squeeze": ("squeeze_dims",),
    "StridedSlice": (
        *("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"),
    ),
    **dict.fromkeys(("Max", "Mean", "Prod", "Sum"), ("keep_dims",)),
}
ATTRIBUTES: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(FUNCTIONS, ()),
    **_NAMES,
    "While": ("cond", "body"),
}
