"""A training can be cut anywhere and repeated anywhere: the weights are the same."""

import json
import signal

import numpy as np
import pytest

from chatbot.commands.training import _train
from chatbot.errors import TrainingError
from chatbot.model.losses import token_nats
from chatbot.training.batches import pad_batch
from chatbot.training.encoding import encode_pairs
from chatbot.training.run import RunFolder
from chatbot.training.trainer import Trainer, copies
from tests.training.bag_of_words import build_bag_of_words
from tests.training.conftest import DEFAULT_PARTS, ONE_SHAPE, set_up_run

STEPS = ("training.steps=24", "training.precision=float32")


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


def kept_early(run, after=None):
    """Trains until the stop file is written, after so many steps of this sitting or before any."""
    if after is None:
        run.stop_file.touch()
    steps = iter(range(1, 10_000))

    def write_stop():
        if next(steps) == after:
            run.stop_file.touch()
        return False

    trainer = Trainer(run, observe=lambda event, facts: None, should_stop=write_stop,
                      probe=lambda seq2seq: {"hello": "?"})  # fmt: skip
    return trainer, trainer.train()


def weights(trainer):
    return copies(trainer.seq2seq.training.weights)


def events(run, kind):
    lines = (run.path / "events.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == kind]


def assert_same(ours, theirs):
    for left, right in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.fixture(scope="module")
def weights_of_the_whole(tmp_path_factory):
    """The weights that a run of STEPS ends in when it is left alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chatbot.training.trainer.build_seq2seq", build_bag_of_words)
        run = set_up_run(tmp_path_factory.mktemp("runs") / "whole", *ONE_SHAPE, *STEPS)
        return weights(sitting(run)[0])


@pytest.mark.parametrize(
    "precision", ["float32", pytest.param("mixed_bfloat16", marks=pytest.mark.soak)]
)
def test_a_stopped_and_resumed_run_ends_in_the_same_weights_bit_for_bit(make_real_run, precision):
    settings = ("training.steps=24", f"training.precision={precision}", *DEFAULT_PARTS)
    whole, _ = sitting(make_real_run("whole", *settings))
    broken = make_real_run("broken", *settings)
    _, stopped = sitting(broken, stop_after=9)
    assert (stopped.status, stopped.progress.step) == ("stopped", 9)
    resumed, outcome = sitting(broken)
    assert (outcome.status, outcome.progress.step) == ("done", 24)
    assert_same(weights(resumed), weights(whole))


def test_the_stop_file_ends_it_early_and_keeps_the_best_so_far(make_run):
    run = make_run("run", "training.steps=400", "training.validate_every=5")
    _, outcome = kept_early(run, after=12)
    assert (outcome.status, outcome.progress.step) == ("kept", 12)
    assert outcome.progress.best_step == 12  # the last weights are measured too
    done = events(run, "done")
    assert [(event["reason"], event["step"]) for event in done] == [("stopped early", 12)]


def test_one_that_never_validated_does_so_before_it_is_kept(make_run):
    run = make_run("run", "training.steps=400")
    _, outcome = kept_early(run, after=2)
    assert outcome.progress.best_step == 2
    assert (run.path / "best.npz").is_file()
    assert len(events(run, "validation")) == 1


def test_a_run_that_was_kept_early_goes_on_to_the_same_weights(make_run, weights_of_the_whole):
    broken = make_run("broken", *STEPS)
    kept_early(broken, after=9)
    broken.forget_stop()
    resumed, outcome = sitting(broken)
    assert outcome.status == "done"
    assert_same(weights(resumed), weights_of_the_whole)


def test_being_kept_early_does_not_use_up_the_patience(make_run):
    run = make_run("run", "training.steps=400", "training.validate_every=50",
                   "training.patience=1", "training.learning_rate=1.0")  # fmt: skip
    _, outcome = kept_early(run, after=60)
    assert outcome.status == "kept"
    assert outcome.progress.bad_validations == 0


def test_stopped_before_the_first_step_there_is_nothing_to_keep(make_run):
    run = make_run("run", "training.steps=400")
    _, outcome = kept_early(run)
    assert (outcome.status, outcome.progress.step) == ("stopped", 0)
    assert [event["reason"] for event in events(run, "stopped")] == ["nothing to keep yet"]
    assert (run.path / "checkpoint.npz").is_file()


def test_a_full_disk_keeps_the_last_checkpoint_and_is_told_in_one_line(make_run, monkeypatch):
    run = make_run("run", "training.steps=20")
    sitting(run, stop_after=5)
    before = (run.path / "checkpoint.npz").read_bytes()

    def full(file, *args, **arrays):
        file.write(b"half a file")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("chatbot.training.run.np.savez", full)
        with pytest.raises(OSError, match="No space left"), run.failures_told():
            sitting(run)
    assert (run.path / "checkpoint.npz").read_bytes() == before
    assert not list(run.path.glob("*.part"))
    (failed,) = events(run, "failed")
    assert "No space left on device" in failed["reason"]
    assert "checkpoint is kept" in failed["reason"]
    _, outcome = sitting(run)
    assert outcome.status == "done"


def test_a_fault_of_ours_is_told_in_one_line_too(make_run):
    run = make_run("run")
    with pytest.raises(ZeroDivisionError), run.failures_told():
        1 / 0  # noqa: B018
    assert "ZeroDivisionError: division by zero" in events(run, "failed")[0]["reason"]


def test_a_fine_tuning_shows_what_the_base_answered_beside(make_run, tmp_path):
    first, _ = sitting(make_run("base", "training.steps=2"))
    run = make_run("tuned", "training.steps=2", "training.validate_every=1")
    first.seq2seq.training.save_weights(run.initial_weights)
    replies = iter([{"hello": "old"}, {"hello": "new"}, {"hello": "newer"}])
    Trainer(run, observe=lambda event, facts: None, should_stop=lambda: False,
            probe=lambda seq2seq: next(replies)).train()  # fmt: skip
    told = events(run, "validation")
    assert [event["previous"] for event in told] == [{"hello": "old"}] * 2
    assert [event["replies"] for event in told] == [{"hello": "new"}, {"hello": "newer"}]


def test_a_run_killed_after_a_checkpoint_repeats_what_it_lost(make_run, weights_of_the_whole):
    killed = make_run("killed", *STEPS)
    sitting(killed, stop_after=5)
    checkpoint = (killed.path / "checkpoint.npz").read_bytes()
    sitting(killed, stop_after=4)  # goes on to step 9, and that is lost:
    (killed.path / "checkpoint.npz").write_bytes(checkpoint)
    resumed, _ = sitting(killed)
    assert_same(weights(resumed), weights_of_the_whole)


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


def test_a_run_is_held_until_its_bot_is_saved(make_run, monkeypatch):
    run, held = make_run("run", "training.steps=2"), []

    def save(run, outcome):
        with pytest.raises(TrainingError, match="running already"), run.locked():
            pass
        held.append(outcome.status)
        raise TrainingError("Enough of it.")

    monkeypatch.setattr("chatbot.training.job.save_result", save)
    with pytest.raises(TrainingError, match="Enough"):
        _train(run)
    assert held == ["done"]


def test_ctrl_c_ends_it_after_the_step_and_tells_how_to_go_on(make_run, monkeypatch, capsys):
    run, log = make_run("run", "training.steps=400"), RunFolder.log

    def interrupted(self, event, **facts):
        log(self, event, **facts)
        if event == "checkpoint" and facts["step"] == 3:
            signal.raise_signal(signal.SIGINT)  # as if it came while step 4 is learned

    monkeypatch.setattr(RunFolder, "log", interrupted)
    assert _train(run) == 130
    assert "--name run --resume" in capsys.readouterr().out
    assert run.load_arrays("checkpoint")[1]["step"] == 4
    assert [event["step"] for event in events(run, "stopped")] == [4]


def test_the_steps_that_minutes_became_outlive_a_stop(make_run):
    run = make_run("run", "training.minutes=0.02")
    sitting(run, stop_after=1)
    [planned] = events(run, "estimate")
    assert run.load_arrays("checkpoint")[1]["steps"] == planned["steps"]
    _, outcome = sitting(run)
    assert len(events(run, "estimate")) == 1
    assert outcome.progress.step == outcome.progress.steps


def test_steps_that_were_planned_on_a_busy_machine_are_corrected_once(make_run, monkeypatch):
    """Each step seems to take a tenth of its time at first."""
    monkeypatch.setattr("chatbot.training.trainer.VALIDATION", 0.1)
    run = make_run("run", "training.minutes=0.05", "training.validate_every=100000")
    _, outcome = sitting(run)
    planned = events(run, "estimate")[0]["steps"]
    assert outcome.status == "done"
    assert outcome.progress.step == outcome.progress.steps < planned / 2
    assert run.load_arrays("checkpoint")[1]["steps"] == outcome.progress.steps


@pytest.mark.parametrize("validated", [1, 100])
def test_one_that_diverges_says_so_in_one_line(make_run, monkeypatch, validated):
    monkeypatch.setattr("chatbot.training.trainer._PROGRESS_SECONDS", 0)
    monkeypatch.setattr("chatbot.training.trainer.TokenMean.mean", float("nan"))
    run = make_run("run", "training.steps=4", f"training.validate_every={validated}")
    with pytest.raises(TrainingError, match="at step 1: the training diverged") as caught:
        sitting(run)
    assert "\n" not in str(caught.value)


def test_it_learns_and_keeps_the_best_weights(make_real_run):
    run = make_real_run("run", *ONE_SHAPE, "training.steps=150", "training.learning_rate=0.01",
                        "model.dropout=0")  # fmt: skip
    _, outcome = sitting(run)
    losses = [event["nats"] for event in events(run, "validation")]
    assert losses[-1] < 0.6 * losses[0]
    assert outcome.progress.best_nats == pytest.approx(min(losses), abs=1e-3)


def test_the_validation_loss_is_that_of_every_token_of_every_batch(make_run):
    """Computed again from the weights, pair by pair, over batches of different lengths."""
    run = make_run("run", "training.steps=8", "training.validate_every=8",
                   "training.max_source_tokens=32", "training.max_target_tokens=32")  # fmt: skip
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


@pytest.mark.parametrize("written", ["{", "5", '["a"]'])
def test_a_run_whose_configuration_is_damaged_says_so_in_one_line(make_run, written):
    run = make_run("run")
    (run.path / "config.json").write_text(written)
    with pytest.raises(TrainingError, match="is missing or damaged") as caught:
        run.config()
    assert "\n" not in str(caught.value)
