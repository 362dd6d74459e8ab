"""Filters reshape next-token probabilities exactly as their papers say."""

import numpy as np
import pytest

from chatbot.config import EOS_ID
from chatbot.decoding import filters
from chatbot.decoding.nats import log_softmax, top_k


def log(*probabilities: float) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.log([probabilities]).astype(np.float32)


def shares(log_probs: np.ndarray) -> list[float]:
    return [round(float(p), 4) for p in np.exp(log_probs[0])]


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [(1.0, [0.8, 0.2]), (0.5, [0.64 / 0.68, 0.04 / 0.68]), (1e-3, [1, 0]), (1e6, [0.5, 0.5])],
)
def test_temperature_raises_probabilities_to_its_inverse(
    temperature: float, expected: list[float]
) -> None:
    found = filters.apply_temperature(log(0.8, 0.2), temperature)
    assert shares(found) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("top_k", "expected"),
    [
        (0, [0.2, 0.5, 0.2, 0.1]),
        (1, [0, 1, 0, 0]),
        (2, [0.2 / 0.7, 0.5 / 0.7, 0, 0]),  # the lower of the two ids that tie
        (3, [0.2 / 0.9, 0.5 / 0.9, 0.2 / 0.9, 0]),
        (99, [0.2, 0.5, 0.2, 0.1]),
    ],
)
def test_top_k_keeps_the_likeliest(top_k: int, expected: list[float]) -> None:
    found = filters.keep_top_k(log(0.2, 0.5, 0.2, 0.1), top_k)
    assert shares(found) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("top_p", "expected"),
    [
        (1.0, [0.2, 0.5, 0.2, 0.1]),
        (0.01, [0, 1, 0, 0]),  # at least one survives
        (0.49, [0, 1, 0, 0]),
        (0.51, [0.2 / 0.7, 0.5 / 0.7, 0, 0]),  # the token that crosses stays
        (0.71, [0.2 / 0.9, 0.5 / 0.9, 0.2 / 0.9, 0]),
        (0.95, [0.2, 0.5, 0.2, 0.1]),
    ],
)
def test_top_p_keeps_the_smallest_set_that_reaches_it(top_p: float, expected: list[float]) -> None:
    found = filters.keep_top_p(log(0.2, 0.5, 0.2, 0.1), top_p)
    assert shares(found) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("top_p", [0.05, 0.3, 0.7, 0.99])
def test_top_p_agrees_with_a_full_sort_on_a_wide_vocabulary(top_p: float) -> None:
    log_probs = log_softmax(np.random.default_rng(1).normal(size=(3, 2000)))
    found = np.exp(filters.keep_top_p(log_probs, top_p))
    for row, probabilities in zip(found, np.exp(log_probs), strict=True):
        order = np.argsort(-probabilities)
        count = int(np.searchsorted(np.cumsum(probabilities[order]), top_p)) + 1
        assert abs(int((row > 0).sum()) - count) <= 1  # a float's width at the border
        assert set(np.flatnonzero(row)) <= set(order[: count + 1])
        assert row.sum() == pytest.approx(1, abs=1e-4)


def test_top_p_of_a_flat_distribution_keeps_that_share_of_it() -> None:
    flat = np.full((1, 1000), np.log(1 / 1000), np.float32)
    kept = filters.keep_top_p(flat, 0.25)
    assert int(np.isfinite(kept).sum()) == pytest.approx(250, abs=1)


def test_one_row_that_needs_a_full_sort_changes_nothing_for_its_neighbour() -> None:
    narrow = log_softmax(np.random.default_rng(3).normal(0, 5, (1, 1000)))
    flat = np.full((1, 1000), np.log(1 / 1000), np.float32)
    alone = filters.keep_top_p(narrow, 0.9)[0]
    together = filters.keep_top_p(np.concatenate([narrow, flat]), 0.9)[0]
    np.testing.assert_array_equal(np.isfinite(alone), np.isfinite(together))
    np.testing.assert_allclose(alone, together, rtol=1e-5)


def test_the_repetition_penalty_multiplies_log_probabilities_of_produced_tokens_once() -> None:
    own = log(0.1, 0.2, 0.3, 0.4)
    found = filters.repetition_penalty(own, np.array([[3, 3, 1, 0, 0]]), 2.0)
    assert shares(found) == pytest.approx([0.1, 0.2**2, 0.3, 0.4**2], abs=1e-4)


def test_a_repetition_penalty_of_one_changes_nothing() -> None:
    own = log(0.1, 0.2, 0.3, 0.4)
    found = filters.repetition_penalty(own.copy(), np.array([[3, 3]]), 1.0)
    np.testing.assert_array_equal(found, own)


@pytest.mark.parametrize(
    ("produced", "size", "banned"),
    [
        ([], 3, []),
        ([5, 6], 3, []),
        ([5, 6, 7, 5, 6], 3, [7]),
        ([5, 6, 7, 5, 6, 4, 5, 6], 3, [4, 7]),
        ([5, 5], 3, []),
        ([5, 5, 5], 3, [5]),
        ([5, 6, 7, 6, 5], 3, []),
        ([5, 6, 5], 2, [6]),
        ([5, 6], 1, [5, 6]),
        ([5, 6, 5, 6, 5], 0, []),
        ([5, 6, 7, 4, 5, 6, 7], 4, [4]),
    ],
)
def test_no_run_of_tokens_comes_twice(produced: list[int], size: int, banned: list[int]) -> None:
    token_ids = np.array([produced], int)
    found = filters.block_repeated_ngrams(np.zeros((1, 8)), token_ids, size)
    assert np.flatnonzero(np.isneginf(found[0])).tolist() == banned


@pytest.mark.parametrize("size", range(1, 10))
def test_ngrams_of_any_size_fit_a_reply_of_any_length(size: int) -> None:
    for produced in range(8):
        token_ids = np.full((1, produced), 5)
        found = filters.block_repeated_ngrams(np.zeros((1, 8)), token_ids, size)
        banned = np.flatnonzero(np.isneginf(found[0])).tolist()
        assert banned == ([5] if produced >= size else [])  # a longer run cannot be there yet


def test_rows_do_not_share_their_ngrams() -> None:
    token_ids = np.array([[5, 6, 5], [6, 7, 4]])
    found = filters.block_repeated_ngrams(np.zeros((2, 8)), token_ids, 2)
    assert np.argwhere(np.isneginf(found)).tolist() == [[0, 6]]


@pytest.mark.parametrize(("position", "possible"), [(0, False), (1, False), (2, True), (3, True)])
def test_the_end_waits_for_min_length_tokens(position: int, possible: bool) -> None:
    found = filters.weigh_end(log(0.1, 0.2, 0.3, 0.4), position, 2, 0.0)
    assert bool(np.isfinite(found[0, EOS_ID])) is possible


def test_forbidden_ids_never_come() -> None:
    assert shares(filters.forbid(log(0.1, 0.2, 0.3, 0.4), [1, 2])) == [0.1, 0, 0, 0.4]


def test_where_nothing_is_left_the_end_is() -> None:
    nothing = np.full((1, 5), -np.inf)
    found = filters.leave_a_way_out(nothing.copy(), nothing)[0]
    assert np.flatnonzero(np.isfinite(found)).tolist() == [EOS_ID]


def test_no_filter_makes_a_number_that_is_none_out_of_a_certain_distribution() -> None:
    certain = log(0, 0, 0, 0, 1)
    results = [
        filters.apply_temperature(certain, 0.01),
        filters.keep_top_k(certain, 3),
        filters.keep_top_p(certain, 0.9),
        filters.repetition_penalty(certain.copy(), np.array([[1, 4]]), 1.3),
    ]
    assert all(shares(found) == [0, 0, 0, 0, 1] for found in results)


@pytest.mark.parametrize("width", [1, 7, 30, 257, 5000])
@pytest.mark.parametrize("ties", [False, True])
def test_the_largest_are_those_of_a_full_sort(width: int, ties: bool) -> None:
    values = np.random.default_rng(width).normal(size=(4, width))
    values = np.round(values) if ties else values  # of equal ones the first come first
    values[1, width // 3 :] = -np.inf
    for count in {1, min(5, width), width}:
        best = top_k(values, count)
        expected = np.argsort(-values, axis=1, kind="stable")[:, :count]
        np.testing.assert_array_equal(best.places, expected)
        np.testing.assert_array_equal(best.values, np.take_along_axis(values, expected, 1))


def test_the_largest_of_what_is_no_number_are_somewhere_in_the_row() -> None:
    assert (top_k(np.full((2, 30), np.nan), 7).places < 30).all()
