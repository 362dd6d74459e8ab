"""Filters reshape next-token probabilities exactly as their papers say."""

import numpy as np
import pytest
import tensorflow as tf

from chatbot.config import EOS_ID
from chatbot.decoding import filters


def log(*probabilities: float) -> tf.Tensor:
    with np.errstate(divide="ignore"):
        return tf.constant(np.log([probabilities]), tf.float32)


def shares(log_probs: tf.Tensor) -> list[float]:
    return [round(float(p), 4) for p in np.exp(log_probs.numpy()[0])]


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
    found = filters.keep_top_k(log(0.2, 0.5, 0.2, 0.1), tf.constant(top_k))
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
    found = filters.keep_top_p(log(0.2, 0.5, 0.2, 0.1), tf.constant(top_p))
    assert shares(found) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("top_p", [0.05, 0.3, 0.7, 0.99])
def test_top_p_agrees_with_a_full_sort_on_a_wide_vocabulary(top_p: float) -> None:
    log_probs = tf.nn.log_softmax(tf.random.stateless_normal([3, 2000], [1, 2]))
    found = np.exp(filters.keep_top_p(log_probs, tf.constant(top_p)).numpy())
    for row, probabilities in zip(found, np.exp(log_probs.numpy()), strict=True):
        order = np.argsort(-probabilities)
        count = int(np.searchsorted(np.cumsum(probabilities[order]), top_p)) + 1
        assert abs(int((row > 0).sum()) - count) <= 1  # a float's width at the border
        assert set(np.flatnonzero(row)) <= set(order[: count + 1])
        assert row.sum() == pytest.approx(1, abs=1e-4)


def test_top_p_of_a_flat_distribution_keeps_that_share_of_it() -> None:
    flat = tf.fill([1, 1000], float(np.log(1 / 1000)))
    kept = filters.keep_top_p(flat, tf.constant(0.25)).numpy()
    assert int(np.isfinite(kept).sum()) == pytest.approx(250, abs=1)


def test_one_row_that_needs_a_full_sort_changes_nothing_for_its_neighbour() -> None:
    narrow = tf.nn.log_softmax(tf.random.stateless_normal([1, 1000], [3, 4]) * 5)
    flat = tf.fill([1, 1000], float(np.log(1 / 1000)))
    alone = filters.keep_top_p(narrow, tf.constant(0.9)).numpy()[0]
    together = filters.keep_top_p(tf.concat([narrow, flat], 0), tf.constant(0.9)).numpy()[0]
    np.testing.assert_array_equal(np.isfinite(alone), np.isfinite(together))
    np.testing.assert_allclose(alone, together, rtol=1e-5)


def test_the_repetition_penalty_multiplies_log_probabilities_of_produced_tokens_once() -> None:
    own = log(0.1, 0.2, 0.3, 0.4)
    found = filters.repetition_penalty(own, tf.constant([[3, 3, 1, 0, 0]]), tf.constant(2.0))
    assert shares(found) == pytest.approx([0.1, 0.2**2, 0.3, 0.4**2], abs=1e-4)


def test_a_repetition_penalty_of_one_changes_nothing() -> None:
    own = log(0.1, 0.2, 0.3, 0.4)
    found = filters.repetition_penalty(own, tf.constant([[3, 3]]), tf.constant(1.0))
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
    token_ids = tf.constant([produced + [0] * (10 - len(produced))])
    found = filters.block_repeated_ngrams(
        tf.zeros([1, 8]), token_ids, tf.constant(len(produced)), size
    )
    assert np.flatnonzero(np.isneginf(found.numpy()[0])).tolist() == banned


@pytest.mark.parametrize("size", range(1, 10))
def test_ngrams_of_any_size_fit_a_buffer_of_any_width(size: int) -> None:
    for width in range(1, 9):
        produced = width - 1
        token_ids = tf.constant([[5] * produced + [0]])
        found = filters.block_repeated_ngrams(
            tf.zeros([1, 8]), token_ids, tf.constant(produced), size
        )
        banned = np.flatnonzero(np.isneginf(found.numpy()[0])).tolist()
        assert banned == ([5] if produced >= size else [])  # a longer run cannot be there yet


def test_rows_do_not_share_their_ngrams() -> None:
    token_ids = tf.constant([[5, 6, 5, 0], [6, 7, 4, 0]])
    found = filters.block_repeated_ngrams(tf.zeros([2, 8]), token_ids, tf.constant(3), 2).numpy()
    assert np.argwhere(np.isneginf(found)).tolist() == [[0, 6]]


@pytest.mark.parametrize(("position", "possible"), [(0, False), (1, False), (2, True), (3, True)])
def test_the_end_waits_for_min_length_tokens(position: int, possible: bool) -> None:
    found = filters.weigh_end(log(0.1, 0.2, 0.3, 0.4), tf.constant(position), 2, 0.0)
    assert bool(np.isfinite(found.numpy()[0, EOS_ID])) is possible


def test_forbidden_ids_never_come() -> None:
    assert shares(filters.forbid(log(0.1, 0.2, 0.3, 0.4), [1, 2])) == [0.1, 0, 0, 0.4]


def test_where_nothing_is_left_the_end_is() -> None:
    nothing = tf.fill([1, 5], float("-inf"))
    found = filters.leave_a_way_out(nothing, nothing).numpy()[0]
    assert np.flatnonzero(np.isfinite(found)).tolist() == [EOS_ID]


def test_no_filter_makes_a_number_that_is_none_out_of_a_certain_distribution() -> None:
    certain = log(0, 0, 0, 0, 1)
    results = [
        filters.apply_temperature(certain, 0.01),
        filters.keep_top_k(certain, tf.constant(3)),
        filters.keep_top_p(certain, tf.constant(0.9)),
        filters.repetition_penalty(certain, tf.constant([[1, 4]]), tf.constant(1.3)),
    ]
    assert all(shares(found) == [0, 0, 0, 0, 1] for found in results)
