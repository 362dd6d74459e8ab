"""Rewrites loops over a sequence so that each round does only what has to wait for the one before.

Cells read a sequence one item after the other, and most of a small one's time goes to what
surrounds its products. These rules make less of it; the numbers stay the same:

- what a round makes of its own item alone, such as x_t W, is made for all items at once (Appleyard
  et al. 2016, arXiv:1604.01946, section 3.1);
- two loops that do the same with weights of their own, such as the two directions of an encoder,
  are one over pairs;
- where no source is padded, nothing is masked;
- a cell that was asked once before the loop, for zeros in the shape of its output, need not be.

Knows programs, no network. Read next: recorded.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, TypeAlias, cast

import numpy as np

from chatbot.model.lifting import FOR_EACH_NUMBER, CannotLiftError, Lifting
from chatbot.model.programs import Array, Loop, Program, Run, Step

_Rounds: TypeAlias = Callable[[Sequence[Any], Sequence[Array]], list[Any]]
"""(values before a loop, what was made ahead) -> values after it."""


def with_lighter_loops(whole: Program, tried: Mapping[int, Any]) -> Program:
    """Returns the program with its loops rewritten.

    Args:
        whole: of a network.
        tried: its values in a trial, by their places.
    """
    needed = whole.needed()  # no others were tried
    loops = {step.place: _Loop.of(step, tried) for step in needed if step.kind == "While"}
    runs = {place: loop.alone() for place, loop in loops.items()}
    steps = (step._replace(run=runs.get(step.place, step.run)) for step in needed)
    whole = replace(whole, steps=tuple(_cheap_zeros(step, whole, tried) for step in steps))
    for one, other in combinations(loops.values(), 2):
        whole = _with_pair(whole, one, other)
    return whole


def _cheap_zeros(step: Step, whole: Program, tried: Mapping[int, Any]) -> Step:
    """Lets zeros take their shape from the first value of that shape which theirs is made of."""
    if step.kind != "ZerosLike":
        return step
    makers, wanted, seen = whole.makers(), tried[step.taken[0]], {step.taken[0]}
    waiting = [*seen]
    while waiting:
        maker = makers.get(waiting.pop())
        taken = maker.taken if maker and maker.kind in FOR_EACH_NUMBER else ()
        alike = {place for place in taken if _alike(tried[place], wanted)} - seen
        seen |= alike
        waiting += alike
    return step._replace(taken=(min(seen),))


def _alike(one: Array, other: Array) -> bool:
    return np.shape(one) == np.shape(other) and one.dtype == other.dtype


def _with_pair(whole: Program, one: _Loop, other: _Loop) -> Program:
    """Puts one step in the place of two loops, where that can be done."""
    steps = [step for step in whole.steps if step.place in (one.place, other.place)]
    late = _made_of(whole, steps)
    if len(steps) < 2 or not late.isdisjoint({*steps[0].taken, *steps[1].taken}):
        return whole
    try:
        run = one.with_other(other)
    except CannotLiftError:
        return whole
    moved = {place: whole.size + i for i, place in enumerate(p for s in steps for p in _places(s))}
    pair = Step("Pair", {}, run, (*steps[0].taken, *steps[1].taken), whole.size, len(moved))
    rest = [step for step in whole.steps if step not in steps]
    before = [step for step in rest if step.place not in late]
    after = [step for step in rest if step.place in late]
    moving = replace(whole, steps=(*before, pair, *after), size=whole.size + len(moved))
    return _instead(moving, moved)


def _made_of(whole: Program, steps: Sequence[Step]) -> set[int]:
    """Returns the places of all that steps make, and of what is made of that."""
    found = {place for step in steps for place in _places(step)}
    for step in whole.steps:
        if not found.isdisjoint(step.taken):
            found |= {*_places(step)}
    return found


def _places(step: Step) -> range:
    return range(step.place, step.place + step.makes)


def _instead(whole: Program, moved: Mapping[int, int]) -> Program:
    """Lets everyone who takes a value take another one."""
    taken = (tuple(moved.get(place, place) for place in step.taken) for step in whole.steps)
    steps = (step._replace(taken=t) for step, t in zip(whole.steps, taken, strict=True))
    outputs = tuple(moved.get(place, place) for place in whole.outputs)
    return replace(whole, steps=tuple(steps), outputs=outputs)


# --- one loop -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Loop:
    """A loop whose round is in two parts.

    Attributes:
        place: of the loop.
        goes_on: values -> whether there is another round.
        ahead: values before the loop -> what rounds make of their own items alone, (S,...) each.
        rest: values, and what was made ahead -> values after the round.
        items: where the rest puts what it takes of the latter.
        shapes: of all values in a round.
        before: the values before the loop in the trial.
    """

    place: int
    goes_on: Program
    ahead: Program
    rest: Program
    items: tuple[int, ...]
    shapes: Mapping[int, tuple[int, ...]]
    before: Sequence[Any]

    @classmethod
    def of(cls, step: Step, tried: Mapping[int, Any]) -> _Loop:
        """Parts the round of a loop; `tried`: see `with_lighter_loops`."""
        loop = cast(Loop, step.run)
        before = [tried[place] for place in step.taken]
        shapes = loop.round.shapes(*before)
        ahead, late = _parts(loop.round, shapes)
        wanted = {*loop.round.outputs, *(place for step in late for place in step.taken)}
        items = tuple(place for step in ahead for place in _places(step) if place in wanted)
        return cls(
            step.place,
            loop.goes_on,
            replace(loop.round, steps=tuple(ahead), outputs=items),
            _with_items(loop.round, late, items),
            items,
            shapes,
            before,
        )

    def alone(self) -> Run:
        """Returns what the loop does."""
        ahead, rounds = self.ahead.ready(), self._rounds(self.rest)
        return lambda *values: rounds(values, ahead(*values))

    def with_other(self, other: _Loop) -> Run:
        """Returns what both loops do: their values, one after the other -> their values.

        Raises:
            CannotLiftError: what a round does to one cannot be done to a pair.
        """
        pair = _paired(self, other)
        rounds, alone = self._rounds(pair.rest), (self.alone(), other.alone())
        ahead = self.ahead.ready(), other.ahead.ready()
        count = len(self.before)

        def run(*values: Any) -> list[Any]:
            one, two = values[:count], values[count:]
            if not pair.in_step(one, two):
                return [*alone[0](*one), *alone[1](*two)]
            made = zip(ahead[0](*one), ahead[1](*two), strict=True)
            after = rounds(pair.joined(one, two), [np.stack(items, 1) for items in made])
            return [*pair.part(0, after, one), *pair.part(1, after, two)]

        return run

    def _rounds(self, rest: Program) -> _Rounds:
        goes_on, masked = self.goes_on.ready(), rest.ready()
        unmasked = self._unmasked(rest).ready()

        def run(values: Sequence[Any], ahead: Sequence[Array]) -> list[Any]:
            padded = any(items.dtype == bool and not items.all() for items in ahead)
            now, after = list(values), masked if padded else unmasked
            while goes_on(*now)[0]:
                now = after(*now, *ahead)
            return now

        return run

    def _unmasked(self, rest: Program) -> Program:
        """Returns a round for items that are all true where they are masks: where(True, a, b)."""
        kept = {step.place: step.taken[1] for step in rest.steps if self._masks(step)}
        return _instead(rest, kept)

    def _masks(self, step: Step) -> bool:
        is_mask = step.kind == "SelectV2" and step.taken[0] in self.items
        return is_mask and self.shapes[step.taken[1]] == self.shapes[step.place]


def _parts(whole: Program, shapes: Mapping[int, tuple[int, ...]]) -> tuple[list[Step], list[Step]]:
    """Returns the steps that need nothing but their own items, for all at once, and the others."""
    lifting = Lifting(shapes, whole.known, set())
    ahead, late = list[Step](), list[Step]()
    for step in whole.needed():
        early = _early(step, whole, lifting)
        (late if early is None else ahead).append(early or step)
    return ahead, late


def _early(step: Step, whole: Program, lifting: Lifting) -> Step | None:
    """Returns the step for all items at once; None: it has to wait for its round."""
    if _reads_item(step, whole):
        lifting.deep.add(step.place)
        return step._replace(kind="Items", run=lambda items, *_: np.asarray(items))
    if not all(place in lifting.deep or place in whole.known for place in step.taken):
        return None
    try:
        return lifting.lifted(step)
    except CannotLiftError:
        return None


def _reads_item(step: Step, whole: Program) -> bool:
    """Tells a step that takes, of a list that stays as it is, the item of its round."""
    if step.kind != "TensorListGetItem" or step.taken[1] != _counter(whole):
        return False
    some = step.taken[0]
    return (some, some) in zip(whole.inputs, whole.outputs, strict=True)


def _counter(whole: Program) -> int:
    """Returns the place of a round's number, by which its first item is looked up; -1: none."""
    found = (step.taken[1] for step in whole.needed() if step.kind == "TensorListGetItem")
    return next((place for place in found if place in whole.inputs), -1)


def _with_items(whole: Program, late: Sequence[Step], items: Sequence[int]) -> Program:
    """Returns the rest of a round, which takes lists of items behind its values."""
    lists = tuple(range(whole.size, whole.size + len(items)))
    each = zip(items, lists, strict=True)
    looked_up = [Step("Item", {}, _item, (some, _counter(whole)), item, 1) for item, some in each]
    return replace(
        whole,
        inputs=(*whole.inputs, *lists),
        steps=(*looked_up, *late),
        size=whole.size + len(lists),
    )


def _item(items: Array, place: Array) -> Any:
    return items[int(place)]


# --- two loops ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pair:
    """The rest of a round for two loops at once.

    Attributes:
        rest: see `_Loop`.
        before: which values have an axis for the two before the loop,
        after: and after it.
        counts: which values are single numbers.
    """

    rest: Program
    before: Sequence[bool]
    after: Sequence[bool]
    counts: Sequence[int]

    def in_step(self, one: Sequence[Any], other: Sequence[Any]) -> bool:
        """Tells whether both count alike."""
        return all(one[i] == other[i] for i in self.counts)

    def joined(self, one: Sequence[Any], other: Sequence[Any]) -> list[Any]:
        """Returns the values before the loop."""
        known, pairs = self.rest.known, zip(self.rest.inputs, one, other, self.before, strict=False)
        return [
            known[place] if place in known else np.stack([a, b]) if deep else a
            for place, a, b, deep in pairs
        ]

    def part(self, which: int, after: Sequence[Any], before: Sequence[Any]) -> list[Any]:
        """Returns the values after the loop for one of the two."""
        same = (a == b for a, b in zip(self.rest.inputs, self.rest.outputs, strict=False))
        each = zip(after, before, self.after, same, strict=True)
        return [old if kept else _of(which, x) if deep else x for x, old, deep, kept in each]


def _of(which: int, value: Any) -> Any:
    return [item[which] for item in value] if isinstance(value, list) else value[which]


def _paired(one: _Loop, other: _Loop) -> _Pair:
    """Lifts the rest of a round to pairs; weights are pairs where they differ."""
    rest = one.rest
    if [_form(step) for step in rest.steps] != [_form(step) for step in other.rest.steps]:
        raise CannotLiftError("rounds that are not alike")
    used = {place for step in rest.needed() for place in step.taken}
    used |= {a for a, b in zip(rest.inputs, rest.outputs, strict=False) if a != b}
    weights = {
        place: (rest.known[place], other.rest.known[place]) for place in used & {*rest.known}
    }
    pairs = {place: _stacked(*both) for place, both in weights.items() if not np.array_equal(*both)}
    arrays = {p for p, x in zip(rest.inputs, one.before, strict=False) if _is_array(x)}
    lifting = Lifting(
        {**one.shapes, **{p: both.shape[1:] for p, both in pairs.items()}},
        {**rest.known, **pairs},
        used & arrays - {*rest.known} | {*one.items} | {*pairs},
    )
    steps = tuple(step if step.kind == "Item" else lifting.lifted(step) for step in rest.steps)
    return _Pair(
        replace(rest, steps=steps, known=lifting.known),
        *_depths(one, lifting.deep),
        [i for i, x in enumerate(one.before) if not isinstance(x, list) and np.ndim(x) == 0],
    )


def _form(step: Step) -> tuple[Any, ...]:
    return step.kind, step.taken, step.place, step.makes


def _depths(loop: _Loop, deep: set[int]) -> tuple[list[bool], list[bool]]:
    """Returns which values are pairs before a loop and after it; arrays are both or neither."""
    places = loop.rest.inputs, loop.rest.outputs
    before, after = ([place in deep for place in some[: len(loop.before)]] for some in places)
    if any(a != b for a, b, x in zip(before, after, loop.before, strict=True) if _is_array(x)):
        raise CannotLiftError("a value that is a pair in some rounds")
    return before, after


def _stacked(one: Array, other: Array) -> Array:
    """(C,), (C,) -> (2,1,C); other shapes: (2,...)."""
    return np.stack([np.atleast_2d(one), np.atleast_2d(other)])


def _is_array(value: Any) -> bool:
    return not isinstance(value, list) and np.ndim(value) > 0
