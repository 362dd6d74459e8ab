"""Rewrites a decoder step so that each token reads fewer weights from memory.

A step at a time reads every matrix anew, and reading them is what a reply's time is made of. So a
product that does not change from token to token is computed once. All of it is algebra: the numbers
stay the same, but for the last digit. Knows programs, no network. The rules:

- of the output matrix only the rows of the shortlist are read (L'Hostis et al. 2016,
  arXiv:1610.00072, on shortlists of output words);
- [a; b] W = a W_a + b W_b;
- (sum_s w_s v_s) W = sum_s w_s (v_s W), where attention looks at values v_s;
- what depends on the source alone is computed ahead;
- what depends on the last token alone is a row of a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from chatbot.model.operations import MADE
from chatbot.model.programs import Array, Program, Step

Shapes = Mapping[int, tuple[int, ...]]
_TOKEN, _SOURCES, _STATE = 0, (1, 2), 3  # the inputs of a decoder step: token, memory and mask, ...
_PLAIN = {"transpose_a": False, "transpose_b": False}
_MATMUL = MADE["MatMul"](**_PLAIN)


class Lightened(NamedTuple):
    """A decoder step in two parts."""

    ahead: Program  # [memory, mask, *constant state] -> what else the step takes, after the mask
    step: Program
    constant: tuple[int, ...]  # which state tensors never change


class _Draft:
    """A program in the making."""

    def __init__(self, program: Program) -> None:
        self.steps, self.known, self.size = list[Step](), dict(program.known), program.size
        self._instead: dict[int, int] = {}

    def value(self, array: Array) -> int:
        """Adds what is known; returns its place."""
        self.known[self._next()] = array
        return self.size - 1

    def add(self, kind: str, run: Callable[..., Any], *taken: int, **attributes: Any) -> int:
        """Adds a step that makes one value; returns its place."""
        return self.again(Step(kind, attributes, run, taken, self._next(), 1)).place

    def again(self, step: Step) -> Step:
        """Adds a step as it is, but for what was replaced."""
        self.steps.append(step._replace(taken=self.now(step.taken)))
        return step

    def replace(self, place: int, by: int) -> None:
        """Lets whoever takes a value from now on take another one."""
        self._instead[place] = by

    def now(self, places: Iterable[int]) -> tuple[int, ...]:
        """Returns where values stand that may have been replaced."""
        return tuple(self._instead.get(place, place) for place in places)

    def product(self, rows: int, matrix: Array) -> int:
        """Adds rows times a matrix."""
        return self.add("MatMul", _MATMUL, rows, self.value(matrix), **_PLAIN)

    def _next(self) -> int:
        self.size += 1
        return self.size - 1


# --- the shortlist --------------------------------------------------------------------------------


def with_columns(step: Program, shapes: Shapes, columns: Array) -> Program:
    """Returns a program whose first output has only some of its columns.

    Args:
        step: of a network.
        shapes: those of its values in a trial.
        columns: which to keep.
    """
    narrowing = _Narrowing(step, shapes, columns)
    output = narrowing.of(step.outputs[0], -1)
    draft = narrowing.draft
    return replace(
        step,
        steps=(*step.steps, *draft.steps),
        known=draft.known,
        outputs=(output, *step.outputs[1:]),
        size=draft.size,
    )


class _Narrowing:
    """Goes from a value back to the matrix that its columns come from, and narrows that."""

    def __init__(self, program: Program, shapes: Shapes, columns: Array) -> None:
        self.draft = _Draft(program)
        self._makers, self._shapes, self._columns = program.makers(), shapes, columns

    def of(self, place: int, axis: int) -> int:
        """Returns where the value stands with only the columns along an axis, 0 or -1."""
        columns = self._columns
        if place in self.draft.known:
            return self.draft.value(np.take(self.draft.known[place], columns, axis))
        step = self._makers.get(place)
        axes = self._axes_before(step, axis, self._shapes[place]) if step else None
        if step is None or axes is None:
            return self.draft.add("Take", lambda x: np.take(x, columns, axis), place)
        before = zip(step.taken, axes, strict=True)
        taken = [x if a is None else self.of(x, a) for x, a in before]
        return self.draft.add(step.kind, step.run, *taken, **step.attributes)

    def _axes_before(
        self, step: Step, axis: int, shape: tuple[int, ...]
    ) -> tuple[int | None, ...] | None:
        """Returns the axis of each input along which columns are left out; None: do it after."""
        turned = 0 if axis == -1 else -1
        if step.kind in ("AddV2", "BiasAdd"):
            widths = [self._shapes[place][axis] for place in step.taken]
            return tuple(axis if width == shape[axis] else None for width in widths)
        if step.kind == "Transpose" and len(shape) == 2:
            return turned, None
        if step.kind == "MatMul" and axis == -1:
            return None, turned if step.attributes["transpose_b"] else axis
        if step.kind == "MatMul":
            return turned if step.attributes["transpose_a"] else axis, None
        return None


# --- products -------------------------------------------------------------------------------------


def lightened(step: Program, shapes: Shapes, tokens: Array | None) -> Lightened:
    """Returns a decoder step whose products are computed as early as can be.

    Args:
        step: of a network.
        shapes: those of its values in a trial.
        tokens: ids of all tokens that are ever fed, sorted, to keep a table of; None: no table.
    """
    state = enumerate(zip(step.inputs[_STATE:], step.outputs[2:], strict=True))
    constant = tuple(i for i, (before, after) in state if before == after)
    sources = (*_SOURCES, *(step.inputs[_STATE + i] for i in constant))
    rewriting = _Rewriting(step, shapes, frozenset(sources), tokens)
    draft = rewriting.whole()
    common = replace(step, steps=tuple(draft.steps), known=draft.known, size=draft.size)
    ahead, before, after = tuple(rewriting.ahead), step.inputs[:_STATE], step.inputs[_STATE:]
    return Lightened(
        replace(common, inputs=sources, outputs=ahead),
        replace(common, inputs=(*before, *ahead, *after), outputs=draft.now(step.outputs)),
        constant,
    )


class _Rewriting:
    """Goes through a decoder step and puts lighter products in the place of its own."""

    def __init__(
        self, step: Program, shapes: Shapes, sources: frozenset[int], tokens: Array | None
    ) -> None:
        self._program, self._shapes, self._makers = step, shapes, step.makers()
        self._sources, self._tokens = sources, tokens
        self._needs = _needs(step)
        self.draft = _Draft(step)
        self.ahead: list[int] = []  # the products that are computed for a source, once

    def whole(self) -> _Draft:
        """Returns the program with all steps, those to `ahead` among them."""
        draft = self.draft
        for step in self._program.steps:
            matrix = draft.known.get(step.taken[1]) if step.kind == "MatMul" else None
            if matrix is None or any(step.attributes.values()):
                draft.again(step)
            else:
                draft.replace(step.place, self._product(step.taken[0], matrix))
        return draft

    def _product(self, rows: int, matrix: Array) -> int:
        """Adds the steps to a product; returns its place."""
        parts = self._parts(rows, matrix)
        found = [self._early(*part) for part in parts]
        late = [part for part, place in zip(parts, found, strict=True) if place is None]
        if len(late) == len(parts):
            return self.draft.product(rows, matrix)
        places = [place for place in found if place is not None]
        places += [self._late(late)] if late else []
        return reduce(lambda a, b: self.draft.add("AddV2", np.add, a, b), places)

    def _parts(self, rows: int, matrix: Array) -> list[tuple[int, Array]]:
        """Parts a product with joined rows into those with each of them."""
        step = self._makers.get(rows)
        if step is None or step.kind != "ConcatV2" or len(self._shapes[rows]) != 2:
            return [(rows, matrix)]
        places = step.taken[:-1]
        cuts = np.cumsum([self._shapes[place][-1] for place in places])[:-1]
        return list(zip(places, np.split(matrix, cuts), strict=True))

    def _late(self, parts: list[tuple[int, Array]]) -> int:
        """Adds the product with all that changes from token to token, as one."""
        rows, matrices = zip(*parts, strict=True)
        joined = rows[0]
        if len(rows) > 1:
            joined = self.draft.add("ConcatV2", lambda *x: np.concatenate(x, -1), *rows)
        return self.draft.product(joined, np.concatenate(matrices))

    def _early(self, rows: int, matrix: Array) -> int | None:
        """Adds the steps to a product of what is known before the step; None: it is not."""
        if self._needs[rows] == {_TOKEN} and self._tokens is not None:
            return self._from_table(rows, matrix, self._tokens)
        if self._of_source(rows):
            return self._ahead(rows, matrix)
        looked_at = self._looked_at(rows)
        if looked_at is None:
            return None
        weights, values = looked_at
        found = self.draft.add("BatchMatMulV2", np.matmul, weights, self._ahead(values, matrix))
        return self.draft.add("Squeeze", lambda x: x[:, 0], found)

    def _ahead(self, rows: int, matrix: Array) -> int:
        self.ahead.append(self.draft.product(rows, matrix))
        return self.ahead[-1]

    def _of_source(self, rows: int) -> bool:
        """Tells what depends on the source alone, a row for each row of it."""
        return self._needs[rows] <= self._sources and self._has_rows(rows)

    def _has_rows(self, place: int) -> bool:
        return self._shapes[place][:1] == self._shapes[self._program.inputs[_TOKEN]]

    def _looked_at(self, rows: int) -> tuple[int, int] | None:
        """Returns weights (N,1,S) and values (N,S,M) of the source, where rows are their sum."""
        squeezed = self._makers.get(rows)
        step = self._makers.get(squeezed.taken[0]) if squeezed is not None else None
        if squeezed is None or step is None or squeezed.kind != "Squeeze":
            return None
        plain = step.kind == "BatchMatMulV2" and not any(step.attributes.values())
        single = len(self._shapes[step.place]) == 3 and self._shapes[step.place][1] == 1
        weights, values = step.taken
        return (weights, values) if plain and single and self._of_source(values) else None

    def _from_table(self, rows: int, matrix: Array, tokens: Array) -> int:
        vectors_of = replace(self._program, inputs=(_TOKEN,), outputs=(rows,)).ready()
        table = vectors_of(tokens.astype(np.int32))[0] @ matrix
        row_of = np.zeros(tokens.max() + 1, np.intp)
        row_of[tokens] = np.arange(len(table))
        return self.draft.add("Table", lambda ids: table[row_of[ids]], _TOKEN)


def _needs(program: Program) -> dict[int, frozenset[int]]:
    """Returns the inputs that each value depends on."""
    found = {place: frozenset[int]() for place in program.known}
    found |= {place: frozenset([place]) for place in program.inputs}
    for step in program.steps:
        whole = reduce(frozenset.union, (found[place] for place in step.taken), frozenset[int]())
        found |= {step.place + i: whole for i in range(step.makes)}
    return found
