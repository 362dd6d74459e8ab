"""Carries out a recorded network with NumPy alone: no TensorFlow, no Keras.

At a width for laptops a step is some sixty small operations, and a call of NumPy costs less than a
node of a graph; the large products go to the same kind of library (BLAS). See recording.py for how
programs come to be, and operations.py for what they are made of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chatbot.model.operations import FIXED, FUNCTIONS, MADE

Array: TypeAlias = NDArray[Any]
Program: TypeAlias = Callable[..., list[Any]]
_Step: TypeAlias = tuple[Callable[..., Any], Sequence[int], int, int]


class RecordedNetwork:
    """A network as functions over arrays; see `decoding.state.Network`."""

    def __init__(self, recording: Mapping[str, Any], weights: Mapping[str, Array]) -> None:
        """Takes what `record` returned, and the weights by their names there."""
        self._encoder = program(recording["encoder"], weights)
        self._decoder_step = program(recording["decoder_step"], weights)
        self._training = program(recording["training"], weights)

    def encode(self, source_ids: Array) -> list[Array]:
        """source_ids (B,S) -> [encoder_outputs (B,S,M), source_mask (B,S), *state]."""
        with np.errstate(all="ignore"):  # as in TensorFlow, infinity is a number
            return self._encoder(source_ids)

    def step(self, inputs: Sequence[Array]) -> list[Array]:
        """[token_ids (N,), encoder_outputs, source_mask, *state] -> [logits, weights, *state]."""
        with np.errstate(all="ignore"):  # as in TensorFlow, infinity is a number
            return self._decoder_step(*inputs)

    def logits(self, source_ids: Array, decoder_input_ids: Array) -> Array:
        """(N,S), (N,T) -> (N,T,V)."""
        with np.errstate(all="ignore"):  # as in TensorFlow, infinity is a number
            found: Array = self._training(source_ids, decoder_input_ids)[0]
        return found


def program(
    recording: Mapping[str, Any],
    weights: Mapping[str, Array],
    known: Mapping[int, Any] = MappingProxyType({}),
) -> Program:
    """Returns the function that a recorded program is.

    What depends on weights and constants alone is computed here, once.

    Args:
        recording: see `recording.Recording`.
        weights: by their names there.
        known: the inputs that are the same at each call, by their numbers.
    """
    values: dict[int, Any] = dict(known)
    steps: list[_Step] = []
    place = int(recording["inputs"])
    for kind, taken, count, attributes in recording["steps"]:
        given = [values.get(i) for i in taken]
        run = function_of(kind, attributes, weights, given)
        if kind != "While" and all(i in values for i in taken):
            made = run(*given)
            values |= dict(enumerate(made if count > 1 else [made], place))
        else:
            steps.append((run, taken, place, count))
        place += count
    used = {i for _, taken, *_ in steps for i in taken} | set(recording["outputs"])
    first = [values.get(i) if i in used else None for i in range(place)]
    return _running(steps, first, recording["outputs"])


def _running(steps: Sequence[_Step], first: Sequence[Any], outputs: Sequence[int]) -> Program:
    def run(*inputs: Any) -> list[Any]:
        values = list(first)
        values[: len(inputs)] = inputs
        for function, taken, place, count in steps:
            made = function(*[values[i] for i in taken])
            if count == 1:
                values[place] = made
            else:
                values[place : place + count] = made
        return [values[i] for i in outputs]

    return run


def function_of(
    kind: str,
    attributes: Mapping[str, Any],
    weights: Mapping[str, Array],
    given: Sequence[Any],
) -> Callable[..., Any]:
    """Returns what a step does.

    Args:
        given: what is known of its inputs, None where that is only known at a call.
    """
    if kind == "Weight":
        return lambda: weights[attributes["name"]]
    if kind == "While":
        return _loop(attributes, weights, given)
    if kind in FIXED and all(value is not None for value in given[1:]):
        index = FIXED[kind](*given[1:], **attributes)
        return lambda x, *_: x[index]
    return MADE[kind](**attributes) if kind in MADE else FUNCTIONS[kind]


def _loop(
    attributes: Mapping[str, Any], weights: Mapping[str, Array], given: Sequence[Any]
) -> Program:
    """Returns a loop; what each round hands on as it came, such as weights, is known in advance."""
    same = {i for i, place in enumerate(attributes["body"]["outputs"]) if i == place}
    known = {i: value for i, value in enumerate(given) if value is not None and i in same}
    goes_on = program(attributes["cond"], weights, known)
    body = program(attributes["body"], weights, known)

    def run(*values: Any) -> list[Any]:
        now = list(values)
        while goes_on(*now)[0]:
            now = body(*now)
        return now

    return run
