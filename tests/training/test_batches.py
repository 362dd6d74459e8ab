"""Batches: teacher forcing's two sides, buckets, and an order that step and seed decide."""

import numpy as np
import pytest

from chatbot.config import BOS_ID, EOS_ID
from chatbot.training.batches import (
    BatchPlan,
    EncodedPairs,
    TokenRows,
    batches_in_order,
    pad_batch,
)

PAIRS = EncodedPairs(
    sources=[[4, 10 + i] * (1 + i % 5) for i in range(103)],
    targets=[[20 + i] * (1 + i % 29) + [EOS_ID] for i in range(103)],
)


def test_the_decoder_reads_bos_and_the_reply_and_expects_the_reply_and_eos():
    batch = pad_batch(EncodedPairs([[4, 9]], [[7, 8, EOS_ID]]), [0])
    assert batch.decoder_input_ids.tolist() == [[BOS_ID, 7, 8, 0]]
    assert batch.target_ids.tolist() == [[7, 8, EOS_ID, 0]]
    assert batch.weights.tolist() == [[1, 1, 1, 0]]


def test_rows_of_tokens_are_read_like_a_list_of_lists():
    lists = [[5, 6, 7], [], [70_000]]
    rows = TokenRows(iter(row) for row in lists)
    assert [list(row) for row in rows] == lists
    assert list(rows[-1]) == [70_000]
    assert [list(row) for row in rows[::-2]] == [[70_000], [5, 6, 7]]
    with pytest.raises(IndexError):
        rows[3]


def test_a_batch_is_the_same_of_rows_and_of_lists():
    rows = EncodedPairs(TokenRows(PAIRS.sources), TokenRows(PAIRS.targets))
    for ours, theirs in zip(pad_batch(rows, range(40)), pad_batch(PAIRS, range(40)), strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype


def test_an_epoch_holds_each_pair_once():
    plan = BatchPlan(lambda _: PAIRS, batch_size=10, seed=3)
    firsts = [
        row for step in range(plan.batches_per_epoch) for row in plan.batch(step).target_ids[:, 0]
    ]
    assert sorted(firsts) == sorted(target[0] for target in PAIRS.targets)


def test_the_batch_of_a_step_is_the_same_in_whatever_order_steps_are_asked_for():
    forwards = BatchPlan(lambda _: PAIRS, 10, seed=3)
    backwards = BatchPlan(lambda _: PAIRS, 10, seed=3)
    there = [forwards.batch(step).target_ids for step in range(25)]
    back = [backwards.batch(step).target_ids for step in reversed(range(25))]
    for left, right in zip(there, reversed(back), strict=True):
        np.testing.assert_array_equal(left, right)


def test_epochs_and_seeds_differ():
    plan = BatchPlan(lambda _: PAIRS, 10, seed=3)
    first, second = plan.batch(0).target_ids, plan.batch(plan.batches_per_epoch).target_ids
    other = BatchPlan(lambda _: PAIRS, 10, seed=4).batch(0).target_ids
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_each_epoch_has_the_pairs_that_are_drawn_for_it():
    drawn = [EncodedPairs([[4, 9]] * 4, [[20 + epoch, EOS_ID]] * 4) for epoch in range(3)]
    plan = BatchPlan(drawn.__getitem__, 2, seed=0)
    firsts = [plan.batch(step).target_ids[0, 0] for step in (0, 1, 2, 3, 4, 1)]
    assert firsts == [20, 20, 21, 21, 22, 20]


def test_bucketing_still_mixes_the_replies_of_a_corpus_that_has_few():
    """Few replies in a batch show the encoder little to tell apart."""
    random = np.random.default_rng(0)
    replies = [[10 + i] * (6 + i) + [EOS_ID] for i in range(20)]
    of_pair = random.integers(20, size=2_000)
    pairs = EncodedPairs(
        [[4] * int(n) for n in random.integers(2, 12, size=2_000)], [replies[i] for i in of_pair]
    )
    plan = BatchPlan(lambda _: pairs, 32, seed=0)
    batches = [plan.batch(step).target_ids[:, 0] for step in range(plan.batches_per_epoch)]
    assert np.mean([len(set(firsts.tolist())) for firsts in batches]) > 4


def test_bucketing_saves_padding_and_without_it_lengths_stand_as_chance_has_them():
    plans = [BatchPlan(lambda _: PAIRS, 10, seed=0, bucketing=on) for on in (True, False)]
    bucketed, mixed = (
        sum(plan.batch(step).target_ids.size for step in range(plan.batches_per_epoch))
        for plan in plans
    )
    assert bucketed < 0.85 * mixed


@pytest.mark.parametrize("batch_size", [1, 7, 200])
def test_validation_sees_each_token_once(batch_size):
    tokens = sum(batch.tokens for batch in batches_in_order(PAIRS, batch_size))
    assert tokens == sum(map(len, PAIRS.targets))
