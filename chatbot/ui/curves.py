"""Curves as inline SVG: a few lines over the same steps, with axes, a legend and a title.

The lines are stretched to whatever room there is; the words around them are HTML, so that they
stay readable on a telephone. Knows numbers and names, no training.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from chatbot.ui.markup import escaped

Point = tuple[float, float]

MAX_POINTS = 300  # of a line; more cannot be seen
_TICKS = 5
_WIDTH, _HEIGHT = 1000, 1000  # of the drawing, stretched to fit


class Line(NamedTuple):
    """One line: its name in the legend, its points, and its style (see train.css)."""

    name: str
    points: Sequence[Point]
    style: str


class Axes(NamedTuple):
    """What the picture says about itself; all of it is text and becomes HTML here."""

    title: str
    across: str
    up: str
    end: float = 0  # how far across the axis reaches at least


def chart(lines: Sequence[Line], axes: Axes) -> str:
    """Returns a figure as HTML; an empty text where no line has a point.

    Args:
        lines: drawn in this order, the last on top.
        axes: names and reach.
    """
    drawn = [line._replace(points=thinned(line.points)) for line in lines if line.points]
    if not drawn:
        return ""
    xs, ys = zip(*(point for line in drawn for point in line.points), strict=True)
    across = ticks(0, max(*xs, axes.end, 1))
    up = ticks(min(ys), max(ys))
    reach = (across[0], max(across[-1], *xs), min(up[0], *ys), max(up[-1], *ys))
    return (
        f'<figure class="chart"><figcaption>{escaped(axes.up)}{_legend(drawn)}</figcaption>'
        f'<div class="plot"><div class="up" aria-hidden="true">{_labels(up, reach[2:], "bottom")}'
        f'</div>{_drawing(drawn, up, reach, axes.title)}<div class="across" aria-hidden="true">'
        f"{_labels(across, reach[:2], 'left')}</div></div>"
        f'<p class="axis" aria-hidden="true">{escaped(axes.across)}</p></figure>'
    )


def thinned(points: Sequence[Point], limit: int = MAX_POINTS) -> list[Point]:
    """Returns at most so many points, each the mean of its neighbours; the last one stays.

    >>> thinned([(1, 4.0), (2, 2.0), (3, 1.0)], limit=2)
    [(1.5, 3.0), (3, 1.0)]
    """
    if len(points) <= limit:
        return list(points)
    places = [round(number * (len(points) - 1) / (limit - 1)) for number in range(limit)]
    groups = [points[start:end] for start, end in pairwise(places) if end > start]
    return [*map(_mean, groups), points[-1]]


def ticks(low: float, high: float) -> list[float]:
    """Returns round numbers from `low` to `high` and little beyond.

    >>> ticks(0, 23)
    [0.0, 5.0, 10.0, 15.0, 20.0, 25.0]
    """
    step = _round_step((high - low) / _TICKS or abs(high) or 1)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(number * step, 10) for number in range(first, max(last, first + 1) + 1)]


def _round_step(step: float) -> float:
    """Returns 1, 2 or 5 times a power of ten, at least as long as `step`."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * times for times in (1, 2, 5, 10) if power * times >= step * 0.999)


def _mean(points: Sequence[Point]) -> Point:
    xs, ys = zip(*points, strict=True)
    return sum(xs) / len(xs), sum(ys) / len(ys)


def _drawing(
    lines: Sequence[Line], up: Sequence[float], reach: tuple[float, ...], title: str
) -> str:
    left, right, bottom, top = reach

    def place(point: Point) -> str:
        x = _WIDTH * (point[0] - left) / (right - left)
        y = _HEIGHT * (top - point[1]) / (top - bottom)
        return f"{x:.0f},{y:.0f}"

    grid = [f'<polyline class="grid" points="{place((left, y))} {place((right, y))}"/>' for y in up]
    drawn = [_polyline(line, [place(point) for point in line.points]) for line in lines]
    said = escaped(title)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{said}"><title>{said}</title>{"".join([*grid, *drawn])}</svg>'
    )


def _polyline(line: Line, places: Sequence[str]) -> str:
    """A single point is drawn as a line to itself, which its round ends make a dot."""
    points = " ".join(places if len(places) > 1 else [*places, *places])
    return f'<polyline class="{escaped(line.style)}" points="{points}"/>'


def _legend(lines: Sequence[Line]) -> str:
    return "".join(
        f'<span class="key {escaped(line.style)}">{escaped(line.name)}</span>' for line in lines
    )


def _labels(values: Sequence[float], reach: Sequence[float], side: str) -> str:
    low, high = reach
    return "".join(
        f'<span style="{side}:{100 * (value - low) / (high - low):.1f}%">{_number(value)}</span>'
        for value in values
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"
