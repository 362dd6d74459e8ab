"""Curves as pictures that are true to the numbers and can be read without seeing them."""

import re
from xml.etree import ElementTree

import pytest

from chatbot.ui.curves import MAX_POINTS, Axes, Line, chart, thinned, ticks

AXES = Axes("Loss <falls>", "Steps", "Loss", end=100)


def drawn(lines, axes=AXES):
    """Returns the SVG as a tree, which also proves that it is well formed."""
    return ElementTree.fromstring(re.search("<svg.*</svg>", chart(lines, axes))[0])


def places(svg, style):
    found = [line for line in svg.iter("polyline") if line.get("class") == style]
    return [tuple(map(int, point.split(","))) for point in found[0].get("points").split()]


def test_points_stand_where_their_numbers_say():
    svg = drawn([Line("training", [(0, 4.0), (50, 2.0), (100, 0.0)], "training")])
    assert places(svg, "training") == [(0, 0), (500, 500), (1000, 1000)]


def test_the_axis_reaches_to_the_end_that_is_planned():
    svg = drawn([Line("training", [(0, 1.0), (25, 0.0)], "training")])
    assert places(svg, "training")[-1] == (250, 1000)


def test_nothing_is_drawn_of_nothing():
    assert chart([Line("training", [], "training")], AXES) == ""


@pytest.mark.parametrize("points", [[(5, 2.0)], [(5, 2.0), (6, 2.0)], [(0, 0.0)], [(0, -1e-9)]])
def test_one_point_or_a_flat_line_is_drawn_inside_the_picture(points):
    svg = drawn([Line("training", points, "training")], AXES._replace(end=0))
    assert all(0 <= part <= 1000 for place in places(svg, "training") for part in place)


def test_names_are_text_and_the_picture_has_a_title():
    page = chart([Line("<b>mine</b>", [(1, 1.0), (2, 2.0)], "training")], AXES)
    assert "<b>" not in page
    assert "&lt;b&gt;mine&lt;/b&gt;" in page
    svg = drawn([Line("mine", [(1, 1.0), (2, 2.0)], "training")])
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == svg.find("title").text == "Loss <falls>"


def test_many_points_become_few_without_losing_the_end_or_the_level():
    points = [(step, 5 - step / 10_000) for step in range(40_000)]
    few = thinned(points)
    assert len(few) <= MAX_POINTS
    assert few[-1] == points[-1]
    assert [y for _, y in few] == sorted((y for _, y in few), reverse=True)
    assert few[0][1] == pytest.approx(5, abs=0.01)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 3000, [0, 1000, 2000, 3000]),
        (2.1, 5.9, [2, 3, 4, 5, 6]),
        (0.301, 0.305, [0.301, 0.302, 0.303, 0.304, 0.305]),
    ],
)
def test_ticks_are_round_numbers(low, high, expected):
    assert ticks(low, high) == pytest.approx(expected)
