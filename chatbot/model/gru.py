"""Gated recurrent units over whole sequences, faster than Keras' own loop: same weights, same sums.

Keras' loop multiplies by both matrices at each step, and its gradient adds up a matrix of weights
at each step. Here what does not depend on the state leaves the loop: the products with the inputs
are one large product before it, and the recurrent matrix' gradient is one after it. The loop
itself keeps one product with the state. Knows keras.ops alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import ops


class _Step(NamedTuple):
    """What a step makes, (B,U) each; the gradient needs all of it."""

    state: Any
    update: Any  # 1 where the input is padding: the state stays
    reset: Any
    candidate: Any
    recurrent: Any  # of the candidate, before the reset gate


class _Slope(NamedTuple):
    """Gradients of a step."""

    state: Any  # (B,U), by the state before it
    sums: Any  # (B,3U), by h U + b
    candidate: Any  # (B,U), by what goes into tanh


@keras.saving.register_keras_serializable("chatbot")
class GRU(keras.layers.GRU):
    """`keras.layers.GRU` with `reset_after=True`, tanh and sigmoid (Cho et al. 2014, cuDNN's form).

    z = sigmoid(x W_z + h U_z + b_z), r likewise, c = tanh(x W_c + r * (h U_c + b_c)),
    h' = z * h + (1 - z) * c. Gates are computed in float32, products in the layer's own type.
    """

    def inner_loop(
        self, sequences: Any, initial_state: Any, mask: Any, training: bool = False
    ) -> tuple[Any, Any, list[Any]]:
        """sequences (B,T,E) -> the last state, all of them (B,T,U), and the last in a list."""
        kernel = ops.cast(self.cell.kernel, self.compute_dtype)
        bias = ops.cast(self.cell.bias, "float32")
        inputs = ops.cast(ops.matmul(sequences, kernel), "float32") + bias[0]
        real = ops.ones_like(inputs[..., :1])
        if mask is not None:
            real = ops.cast(ops.expand_dims(mask, -1), "float32")
        axes = (1, 0, 2)  # time first
        inputs, real = ops.transpose(inputs, axes), ops.transpose(real, axes)
        if self.go_backwards:
            inputs, real = ops.flip(inputs, 0), ops.flip(real, 0)
        first = initial_state[0] if isinstance(initial_state, list | tuple) else initial_state
        # A tensor, since a gradient of one's own may hold no variables.
        matrix = ops.cast(ops.multiply(self.cell.recurrent_kernel, 1), self.compute_dtype)
        states = _loop(inputs, ops.cast(first, "float32"), matrix, bias[1], real)
        states = ops.cast(states, self.compute_dtype)
        return states[-1], ops.transpose(states, axes), [states[-1]]


def _run(inputs: Any, first: Any, matrix: Any, bias: Any, real: Any) -> tuple[Any, Any]:
    """Returns all states (T,B,U), and the function that gives the gradient of each argument.

    inputs (T,B,3U), first (B,U), matrix (U,3U), bias (3U,), real (T,B,1).
    """
    made = _forward(inputs, first, matrix, bias, real)

    def gradient(*args: Any, upstream: Any = None) -> tuple[Any, ...]:
        (above,) = args if upstream is None else (upstream,)
        before = ops.concatenate([ops.expand_dims(first, 0), made.state[:-1]], 0)
        slope, of_first = _backward(above, made, before, matrix)
        units = before.shape[-1]
        of_inputs = ops.concatenate([slope.sums[..., : 2 * units], slope.candidate], -1)
        states = ops.reshape(ops.cast(before, matrix.dtype), (-1, units))
        sums = ops.reshape(ops.cast(slope.sums, matrix.dtype), (-1, 3 * units))
        of_matrix = ops.matmul(ops.transpose(states), sums)
        return of_inputs, of_first, of_matrix, ops.sum(slope.sums, (0, 1)), ops.zeros_like(real)

    return made.state, gradient


_loop: Callable[..., Any] = ops.custom_gradient(_run)


def _forward(inputs: Any, first: Any, matrix: Any, bias: Any, real: Any) -> _Step:
    """Returns what each step made, (T,B,U) each."""
    units = first.shape[-1]

    def step(last: Any, read: Any) -> tuple[Any, Any]:
        state, (taken, is_real) = last[0], read
        sums = ops.cast(ops.matmul(ops.cast(state, matrix.dtype), matrix), "float32") + bias
        gates = ops.sigmoid(taken[:, : 2 * units] + sums[:, : 2 * units])
        reset, of_state = gates[:, units:], sums[:, 2 * units :]
        candidate = ops.tanh(taken[:, 2 * units :] + reset * of_state)
        update = 1 - is_real * (1 - gates[:, :units])
        made = (update * state + (1 - update) * candidate, update, reset, candidate, of_state)
        return made, made

    nothing = ops.zeros_like(first)
    _, made = ops.scan(step, (first, nothing, nothing, nothing, nothing), (inputs, real))
    return _Step(*made)


def _backward(above: Any, made: _Step, before: Any, matrix: Any) -> tuple[_Slope, Any]:
    """Returns the slopes of each step (T,B,*), and the one by the first state (B,U)."""
    turned = ops.transpose(matrix)

    def step(later: Any, read: Any) -> tuple[Any, Any]:
        here, update, reset, candidate, of_state, state = read
        down = later[0] + here
        slope = down * (1 - update) * (1 - candidate * candidate)
        of_update = down * (state - candidate) * update * (1 - update)
        of_reset = slope * of_state * reset * (1 - reset)
        sums = ops.concatenate([of_update, of_reset, slope * reset], -1)
        back = ops.cast(ops.matmul(ops.cast(sums, turned.dtype), turned), "float32")
        slopes = (down * update + back, sums, slope)
        return slopes, slopes

    nothing = ops.zeros_like(before[0])
    first = (nothing, ops.concatenate([nothing, nothing, nothing], -1), nothing)
    last, slopes = ops.scan(step, first, (above, *made[1:], before), reverse=True)
    return _Slope(*slopes), last[0]
