"""A training can be cut anywhere and repeated anywhere: the weights are the same."""

import json

import numpy as np
import pytest

from chatbot.errors import TrainingError
from chatbot.model.losses import token_nats
from chatbot.training.batches import encode_pairs, pad_batch
from chatbot.training.trainer import Trainer, copies


def sitting(run, stop_after=None):
    """Trains until the end, or as if Ctrl-C came after so many steps of this sitting."""
    steps = iter(range(1, 10_000))
    trainer = Trainer(
        run,
        observe=lambda event, facts: None,
        should_stop=lambda: next(steps) == stop_after,
        probe=lambda seq2seq: {"hello": "?"},
    )
    return trainer, trainer.train()


def weights(trainer):
    return copies(trainer.seq2seq.training.weights)


def events(run, kind):
    lines = (run.path / "events.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == kind]


def assert_same(ours, theirs):
    for left, right in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_a_stopped_and_resumed_run_ends_in_the_same_weights_bit_for_bit(make_run, precision):
    settings = ("training.steps=24", f"training.precision={precision}")
    whole, _ = sitting(make_run("whole", *settings))
    broken = make_run("broken", *settings)
    _, stopped = sitting(broken, stop_after=9)
    assert (stopped.status, stopped.progress.step) == ("stopped", 9)
    resumed, outcome = sitting(broken)
    assert (outcome.status, outcome.progress.step) == ("done", 24)
    assert_same(weights(resumed), weights(whole))


def test_a_run_killed_after_a_checkpoint_repeats_what_it_lost(make_run):
    whole, _ = sitting(make_run("whole", "training.steps=16"))
    killed = make_run("killed", "training.steps=16")
    sitting(killed, stop_after=5)
    checkpoint = (killed.path / "checkpoint.npz").read_bytes()
    sitting(killed, stop_after=4)  # goes on to step 9, and that is lost:
    (killed.path / "checkpoint.npz").write_bytes(checkpoint)
    resumed, _ = sitting(killed)
    assert_same(weights(resumed), weights(whole))


def test_the_estimate_teaches_nothing(make_run):
    """The batches that are timed before the first step leave no trace, not even in Adam."""
    trainer = Trainer(
        make_run("run", "training.steps=5"),
        observe=lambda event, facts: None,
        should_stop=lambda: False,
        probe=lambda seq2seq: {},
    )
    before = copies(trainer._variable_list())
    assert trainer._time_steps() > 0
    assert_same(copies(trainer._variable_list()), before)


def test_an_early_end_is_not_taken_further(make_run):
    run = make_run("run", "training.steps=400", "training.validate_every=1",
                   "training.patience=2", "training.learning_rate=1.0")  # fmt: skip
    first, ended = sitting(run)
    again, outcome = sitting(run)
    assert (outcome.status, outcome.progress.step) == ("early", ended.progress.step)
    assert_same(weights(again), weights(first))


@pytest.mark.parametrize("content", [b"", b"PK torn"])
def test_a_damaged_checkpoint_is_one_line(make_run, content):
    run = make_run("run", "training.steps=2")
    (run.path / "checkpoint.npz").write_bytes(content)
    with pytest.raises(TrainingError, match="damaged"):
        sitting(run)


def test_a_run_is_trained_in_by_one_process_at_a_time(make_run):
    run = make_run("run")
    with run.locked(), pytest.raises(TrainingError, match="running already"), run.locked():
        pass
    with run.locked():
        pass


def test_minutes_become_steps_at_the_start_and_are_kept(make_run):
    run = make_run("run", "training.minutes=0.02")
    _, stopped = sitting(run, stop_after=1)
    _, outcome = sitting(run)
    assert outcome.progress.steps == stopped.progress.steps == events(run, "estimate")[0]["steps"]


def test_it_learns_and_keeps_the_best_weights(make_run):
    run = make_run("run", "training.steps=150", "training.learning_rate=0.01", "model.dropout=0")
    _, outcome = sitting(run)
    losses = [event["nats"] for event in events(run, "validation")]
    assert losses[-1] < 0.6 * losses[0]
    assert outcome.progress.best_nats == pytest.approx(min(losses), abs=1e-3)


def test_the_validation_loss_is_that_of_every_token_of_every_batch(make_run):
    """Computed again from the weights, pair by pair, over batches of different lengths."""
    run = make_run("run", "training.steps=8", "training.validate_every=8")
    trainer, _ = sitting(run)
    pairs = encode_pairs(run.pairs("validation"), run.tokenizer(), run.config().training)
    nats, tokens = 0.0, 0
    for row in range(len(pairs)):
        batch = pad_batch(pairs, [row])
        logits = trainer.seq2seq.training([batch.source_ids, batch.decoder_input_ids])
        nats += float((np.array(token_nats(batch.target_ids, logits)) * batch.weights).sum())
        tokens += batch.tokens
    assert len(pairs) > 2 * run.config().training.batch_size
    assert events(run, "validation")[-1]["nats"] == pytest.approx(nats / tokens, abs=1e-3)


def test_it_stops_early_when_validation_gains_nothing(make_run):
    run = make_run(
        "run",
        "training.steps=400",
        "training.validate_every=1",
        "training.patience=3",
        "training.learning_rate=1.0",
    )
    _, outcome = sitting(run)
    assert outcome.status == "early"
    assert outcome.progress.step < 400
    assert outcome.progress.bad_validations == 3


def test_each_validation_tells_the_replies_to_the_probe_messages(make_run):
    run = make_run("run", "training.steps=4", "training.validate_every=2")
    sitting(run)
    assert [event["replies"] for event in events(run, "validation")] == [{"hello": "?"}] * 2
