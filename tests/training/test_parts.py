"""Trainings of other networks than the default: resumed bit for bit, from word vectors."""

import numpy as np
import pytest

from chatbot.cli import main
from chatbot.training.run import RunFolder
from chatbot.training.trainer import Trainer
from tests.training.conftest import ONE_SHAPE, QUICK
from tests.training.test_trainer import assert_same, events, sitting, weights

STEPS = ["training.steps=10", "training.precision=float32"]
PARTS = {
    "asks first, sampled": ["model.context=every_step,output", "model.attention=additive",
                            "training.scheduled_sampling=linear", "training.sampling_rate=0.5"],
    "coverage, copying": ["model.attention=additive", "model.coverage=true",
                          "model.copying=true"],
    "transformer": ["model.encoder=transformer", "model.encoder_units=16",
                    "model.decoder=transformer", "model.attention=multi_head",
                    "model.readout=none", "model.embedding_units=16"],
}  # fmt: skip


def assert_resumes_to_the_same_weights(make_run, settings):
    whole, _ = sitting(make_run("whole", *STEPS, *settings))
    broken = make_run("broken", *STEPS, *settings)
    sitting(broken, stop_after=4)
    resumed, outcome = sitting(broken)
    assert outcome.status == "done"
    assert_same(weights(whole), weights(resumed))


@pytest.mark.soak  # the default parts are resumed in test_trainer.py
@pytest.mark.parametrize("settings", PARTS.values(), ids=PARTS)
def test_a_stopped_and_resumed_run_ends_in_the_same_weights(make_real_run, settings):
    assert_resumes_to_the_same_weights(make_real_run, settings)


def test_a_run_that_mixes_its_own_tokens_in_resumes_to_the_same_weights(make_run):
    """The coins and draws of a step hang on its number, not on the sitting."""
    assert_resumes_to_the_same_weights(make_run, PARTS["asks first, sampled"])


@pytest.mark.soak
def test_every_part_trains_in_half_precision(make_real_run):
    settings = [*PARTS["coverage, copying"], *PARTS["asks first, sampled"], *ONE_SHAPE]
    run = make_real_run("half", "training.steps=3", "training.precision=mixed_bfloat16", *settings,
                   "model.input_feeding=true", "model.layer_norm=true", "model.residual=true",
                   "model.decoder_layers=2", "model.reverse_source=true")  # fmt: skip
    _, outcome = sitting(run)
    assert np.isfinite(outcome.progress.best_nats)


def test_looking_twice_at_one_place_costs(make_real_run):
    """The coverage loss comes on top of the nats that are reported."""
    settings = [*STEPS, *PARTS["coverage, copying"], "training.label_smoothing=0"]
    losses = {}
    for weight in (0, 5):
        run = make_real_run(f"lambda{weight}", *settings, f"model.coverage_loss={weight}",
                       "model.dropout=0")  # fmt: skip
        trainer = Trainer(run, observe=lambda *_: None, should_stop=lambda: False,
                          probe=lambda _: {})  # fmt: skip
        batch = trainer._data.plan.batch(0)
        logs = trainer._model.test_on_batch(
            [batch.source_ids, batch.decoder_input_ids], batch.target_ids, batch.weights,
            return_dict=True,
        )  # fmt: skip
        losses[weight] = float(logs["loss"]) - float(logs["nats"])
    assert losses[0] == pytest.approx(0, abs=1e-5)
    assert losses[5] > 0.5


@pytest.mark.parametrize("kind", ["pretrained", pytest.param("frozen", marks=pytest.mark.soak)])
def test_a_training_begins_with_word_vectors_and_tells_their_coverage(
    tmp_path, monkeypatch, capsys, kind
):
    monkeypatch.setenv("CHATBOT_HOME", str(tmp_path))
    corpus, vectors = tmp_path / "talk.tsv", tmp_path / "vectors.txt"
    words = ["red", "blue", "cold", "warm"]
    corpus.write_text("".join(f"is {a} like {b}?\tno, {a} is {a}\n" for a in words for b in words))
    lines = [f"{word} " + " ".join(["0"] * i + ["1"] + ["0"] * (11 - i))
             for i, word in enumerate(["is", "no", *words])]  # fmt: skip
    vectors.write_text("\n".join(lines))
    settings = [*QUICK, *ONE_SHAPE, "model.embedding_units=12", "model.encoder_units=8",
                "model.decoder_units=16", f"model.embedding={kind}",
                f"model.embedding_file={vectors}", "tokenizer.vocab_size=300",
                "training.precision=float32"]  # fmt: skip
    arguments = [part for setting in settings for part in ("--set", setting)]
    assert main(["train", str(corpus), "--name", "a", "--steps", "2", *arguments]) == 0
    assert "Word vectors: " in capsys.readouterr().out
    run = RunFolder(tmp_path / "runs" / "a")
    [told] = events(run, "vectors")
    assert told["whole"] >= 2
    vectors.unlink()  # the run and the bundle need it no more
    trainer = Trainer(run, observe=lambda *_: None, should_stop=lambda: False,
                      probe=lambda _: {})  # fmt: skip
    trainer._start_from_base()
    (array, known), _ = run.load_arrays("vectors")
    ids = np.flatnonzero(known)
    np.testing.assert_allclose(
        np.array(trainer.seq2seq.embeddings.of_target(ids)), array[known], rtol=1e-5
    )
    assert main(["reply", "a", "is red like blue?"]) == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "No such file"), ("red 1 2 3\n", "model.embedding_units=3")],
)
def test_a_wrong_file_of_vectors_stops_before_anything_is_written(
    tmp_path, monkeypatch, capsys, content, words
):
    monkeypatch.setenv("CHATBOT_HOME", str(tmp_path))
    corpus, vectors = tmp_path / "talk.tsv", tmp_path / "vectors.txt"
    corpus.write_text("hello\thi\n" * 10)
    if content:
        vectors.write_text(content)
    arguments = ["--set", "model.embedding=pretrained", "--set", f"model.embedding_file={vectors}"]
    assert main(["train", str(corpus), "--name", "a", "--steps", "2", *arguments]) == 2
    error = capsys.readouterr().err.strip()
    assert words in error
    assert "\n" not in error
    assert not (tmp_path / "runs" / "a" / "run.json").exists()
