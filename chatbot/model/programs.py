"""Recorded programs made ready for NumPy: what is known is computed once, what nobody needs is left
out.

See recording.py for how programs come to be, and operations.py for what they are made of. Read
next: lighter.py and loops.py, which rewrite them. Knows no network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chatbot.model.operations import FIXED, FUNCTIONS, MADE

Array: TypeAlias = NDArray[Any]
Run: TypeAlias = Callable[..., list[Any]]


class Step(NamedTuple):
    """One operation."""

    kind: str
    attributes: Mapping[str, Any]
    run: Callable[..., Any]
    taken: tuple[int, ...]  # the places of the values that it takes
    place: int  # of the first value that it makes
    makes: int  # how many values


@dataclass(frozen=True)
class Program:
    """Operations over values in numbered places, each after those whose values it takes."""

    inputs: tuple[int, ...]
    steps: tuple[Step, ...]
    known: Mapping[int, Any]  # values that are the same at each call: weights and what they make
    outputs: tuple[int, ...]
    size: int  # the next free place

    def makers(self) -> dict[int, Step]:
        """Returns which step makes the value of a place."""
        return {step.place + i: step for step in self.steps for i in range(step.makes)}

    def shapes(self, *inputs: Any) -> dict[int, tuple[int, ...]]:
        """Runs once and returns the shape of each value that is an array."""
        values = self.tried(*inputs)
        arrays = {place: value for place, value in values.items() if not isinstance(value, list)}
        return {place: np.shape(value) for place, value in arrays.items()}

    def tried(self, *inputs: Any) -> dict[int, Any]:
        """Runs once and returns all values that outputs are made of, by their places."""
        values = {**self.known, **dict(zip(self.inputs, inputs, strict=True))}
        for step in self.needed():
            made = step.run(*(values[i] for i in step.taken))
            values |= dict(enumerate(made if step.makes > 1 else [made], step.place))
        return values

    def ready(self) -> Run:
        """Returns the function that it is: inputs -> outputs."""
        steps = [step[2:] for step in self.needed()]
        used = {*self.outputs, *(place for _, taken, *_ in steps for place in taken)}
        first = [self.known.get(place) if place in used else None for place in range(self.size)]
        inputs, outputs = self.inputs, self.outputs

        def run(*given: Any) -> list[Any]:
            values = list(first)
            for place, value in zip(inputs, given, strict=True):
                values[place] = value
            for function, taken, place, count in steps:
                made = function(*[values[i] for i in taken])
                if count == 1:
                    values[place] = made
                else:
                    values[place : place + count] = made
            return [values[i] for i in outputs]

        return run

    def needed(self) -> list[Step]:
        """Returns the steps without which an output could not be made of the inputs."""
        wanted, kept = {*self.outputs} - {*self.inputs}, list[Step]()
        for step in reversed(self.steps):
            if not wanted.isdisjoint(range(step.place, step.place + step.makes)):
                wanted |= {*step.taken} - {*self.inputs}
                kept.append(step)
        return kept[::-1]


def program(
    recording: Mapping[str, Any],
    weights: Mapping[str, Array],
    given: Mapping[int, Any] = MappingProxyType({}),
) -> Program:
    """Reads what recording.py wrote; what depends on weights and constants alone is computed.

    Args:
        recording: see `recording.Recording`.
        weights: by their names there.
        given: the inputs that are the same at each call, by their numbers.
    """
    inputs = place = int(recording["inputs"])
    known: dict[int, Any] = dict(given)
    steps: list[Step] = []
    for kind, taken, count, attributes in recording["steps"]:
        values = [known.get(i) for i in taken]
        run = function_of(kind, attributes, weights, values)
        if kind != "While" and all(i in known for i in taken):
            made = run(*values)
            known |= dict(enumerate(made if count > 1 else [made], place))
        else:
            steps.append(Step(kind, attributes, run, tuple(taken), place, count))
        place += count
    return Program(tuple(range(inputs)), tuple(steps), known, tuple(recording["outputs"]), place)


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
        return Loop(attributes, weights, given)
    if kind in FIXED and all(value is not None for value in given[1:]):
        index = FIXED[kind](*given[1:], **attributes)
        return lambda x, *_: x[index]
    return MADE[kind](**attributes) if kind in MADE else FUNCTIONS[kind]


class Loop:
    """Rounds over values, as long as there is more to do.

    Attributes:
        goes_on: values -> whether there is another round.
        round: values -> the values after it. What each round hands on as it came is known there
            where it is the same at each call, such as weights.
    """

    def __init__(
        self, attributes: Mapping[str, Any], weights: Mapping[str, Array], given: Sequence[Any]
    ) -> None:
        """Takes a recorded loop, the weights, and what is known of the values before it."""
        same = {i for i, place in enumerate(attributes["body"]["outputs"]) if i == place}
        known = {i: value for i, value in enumerate(given) if value is not None and i in same}
        self.goes_on = program(attributes["cond"], weights, known)
        self.round = program(attributes["body"], weights, known)
        self._goes_on, self._round = self.goes_on.ready(), self.round.ready()

    def __call__(self, *values: Any) -> list[Any]:
        """The values before -> the values after."""
        now = list(values)
        while self._goes_on(*now)[0]:
            now = self._round(*now)
        return now
