"""Three views of one set of weights must agree; a reply must not depend on its batch."""

import json

import keras
import numpy as np
import pytest

from chatbot.config import ModelConfig
from chatbot.model.live import LiveNetwork
from chatbot.model.network import build_seq2seq
from chatbot.model.recorded import RecordedNetwork
from chatbot.model.recording import record
from chatbot.model.size import size_of
from chatbot.presets import PRESETS

SMALL = {"embedding_units": 8, "encoder_units": 6, "decoder_units": 12}
UNI = {"bidirectional": False, "encoder_units": 12}
INNER = {"context": "initial_state,every_step,output", "attention": "additive"}
TRANSFORMER = {"decoder": "transformer", "attention": "multi_head", "readout": "none"}
ARCHITECTURES = {
    "default": {},
    "lstm, two layers each": {"cell": "lstm", "encoder_layers": 2, "decoder_layers": 2},
    "two gru layers": {"encoder_layers": 2, "decoder_layers": 2},
    "one direction, additive": {"bidirectional": False, "attention": "additive"},
    "no attention": {"attention": "none"},
    "untied": {"tie_embeddings": False},
    "plain cells": {"cell": "rnn"},
    "reset before": {"gru_reset": "before"},
    "residual, normalised": {
        "encoder_layers": 3,
        "decoder_layers": 3,
        "residual": True,
        "layer_norm": True,
    },
    "shared cells": {**UNI, "share_cells": True, "decoder_layers": 2},
    "states copied": {**UNI, "cell": "lstm", "bridge": "copy"},
    "mean": {"summary": "mean"},
    "max": {"summary": "max", "attention": "none"},
    "no initial state": {"context": "output"},
    "context once": {"attention": "none", "context": "initial_state"},
    "context at every step": {"attention": "none", "context": "every_step"},
    "context into the output": {"attention": "none", "context": "output"},
    "context everywhere, tanh": {
        "attention": "none",
        "context": "initial_state,every_step,output",
        "readout": "tanh",
    },
    "attention that asks first": INNER,
    "attention that asks first, two lstm layers": {
        **INNER,
        "cell": "lstm",
        "decoder_layers": 2,
        "residual": True,
        "layer_norm": True,
    },
    "general": {"attention": "general", "decoder_units": 10},
    "concat": {"attention": "concat"},
    "scaled dot": {"attention": "scaled_dot"},
    "multi-head": {"attention": "multi_head", "heads": 3},
    "multi-head, asks first": {**INNER, "attention": "multi_head"},
    "location": {"attention": "location", "max_positions": 16},
    "location, asks first": {**INNER, "attention": "location", "max_positions": 16},
    "positions in the keys": {"attention_positions": True},
    "hybrid, sum": {"hybrid": True, "summary": "sum"},
    "hybrid, asks first": {
        **INNER,
        "hybrid": True,
        "source_deviation": 0.1,
        "share_embeddings": False,
    },
    "hybrid, multi-head": {"attention": "multi_head", "heads": 3, "hybrid": True},
    "hybrid, reversed, copying": {"hybrid": True, "reverse_source": True, "copying": True},
    "input feeding": {"input_feeding": True},
    "input feeding, tanh": {"input_feeding": True, "readout": "tanh"},
    "coverage": {"attention": "additive", "coverage": True},
    "coverage, concat, asks first": {**INNER, "attention": "concat", "coverage": True},
    "copying": {"copying": True},
    "copying with coverage": {"attention": "additive", "coverage": True, "copying": True},
    "source reversed": {"reverse_source": True},
    "source reversed, copying": {"reverse_source": True, "copying": True, **UNI},
    "two embeddings": {"share_embeddings": False},
    "frozen": {"embedding": "frozen", "tie_embeddings": False},
    "one-hot": {"embedding": "onehot", "tie_embeddings": False, "share_embeddings": False},
    "tanh": {"readout": "tanh"},
    "no readout": {"readout": "none", "tie_embeddings": False},
    "convolutional": {"encoder": "convolutional", "encoder_units": 12, "encoder_layers": 3},
    "convolutional, learned positions": {
        "encoder": "convolutional",
        "encoder_units": 10,
        "positions": "learned",
        "attention": "general",
        "summary": "mean",
        "kernel_width": 4,
    },
    "convolutional, no attention": {"encoder": "convolutional", "attention": "none"},
    "transformer encoder": {"encoder": "transformer", "encoder_units": 12, "encoder_layers": 2},
    "transformer": {
        **TRANSFORMER,
        "encoder": "transformer",
        "embedding_units": 12,
        "encoder_units": 12,
        "encoder_layers": 2,
        "decoder_layers": 2,
    },
    "transformer decoder over cells, copying": {**TRANSFORMER, "readout": "tanh", "copying": True},
    "transformer decoder, maxout": {**TRANSFORMER, "readout": "maxout"},
    "hybrid transformer": {**TRANSFORMER, "hybrid": True, "tie_embeddings": False},
    "transformer over convolutions, one-hot": {
        **TRANSFORMER,
        "encoder": "convolutional",
        "embedding": "onehot",
        "tie_embeddings": False,
        "positions": "learned",
        "max_positions": 12,
    },
}


def narrow(preset):
    """A preset at a width for tests; "default" reads both ways, so half is enough there."""
    model = dict(preset.values()["model"])
    one_way = 6 if preset.name == "default" else 12
    return {**model, "embedding_units": 12, "encoder_units": one_way, "decoder_units": 12}


ARCHITECTURES |= {f"preset {name}": narrow(preset) for name, preset in PRESETS.items()}
SOURCE = np.array([[4, 9, 8, 7, 6, 5, 11], [4, 9, 8, 0, 0, 0, 0], [4, 5, 0, 0, 0, 0, 0]], "int32")
INPUT = np.array([[2, 9, 8, 7, 6], [2, 7, 5, 0, 0], [2, 8, 0, 0, 0]], "int32")


@pytest.fixture(scope="module", params=ARCHITECTURES.values(), ids=ARCHITECTURES.keys())
def seq2seq(request):
    keras.utils.set_random_seed(1)
    network = build_seq2seq(ModelConfig(**{**SMALL, **request.param}), vocab_size=30)
    random = np.random.default_rng(0)
    config = ModelConfig(**{**SMALL, **request.param})
    assert size_of(config, 30).parameters == network.training.count_params()
    for weight in network.training.weights:  # large weights: a wrong mask would show
        weight.assign(random.normal(0, 0.6, weight.shape))
    return network


@pytest.fixture(scope="module")
def stepped(seq2seq):
    """The logits and attention weights of the padded batch, one token at a time."""
    return stepwise(seq2seq, SOURCE, INPUT)


def stepwise(seq2seq, source, decoder_input_ids):
    """Runs the step over the columns; everything passes through NumPy, as in a search."""
    memory, mask, *state = (np.array(x) for x in seq2seq.encoder(source))
    logits, weights = [], []
    for column in decoder_input_ids.T:
        step = seq2seq.decoder_step([column, memory, mask, *state])
        logit, weight, *state = (np.array(x) for x in step)
        logits.append(logit)
        weights.append(weight)
    return np.stack(logits, 1), np.stack(weights, 1)


def test_stepping_reproduces_teacher_forcing_on_a_padded_batch(seq2seq, stepped):
    forced = np.array(seq2seq.training([SOURCE, INPUT]))
    logits, _ = stepped
    assert np.ptp(forced) > 1  # the logits differ enough for the comparison to mean something
    # maxout has no bound: logits reach 50 here, whose last digit in float32 is 4e-6
    np.testing.assert_allclose(logits, forced, rtol=2e-6, atol=2e-5)


def test_a_row_does_not_depend_on_its_batch_mates(seq2seq):
    together = np.array(seq2seq.training([SOURCE, INPUT]))
    alone = np.array(seq2seq.training([SOURCE[2:, :2], INPUT[2:, :2]]))
    np.testing.assert_allclose(together[2:, :2], alone, atol=1e-5)


def test_attention_rows_sum_to_one_and_put_nothing_on_padding(stepped):
    _, weights = stepped
    if not weights.any():
        pytest.skip("this architecture has no attention")
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-6)
    assert weights[SOURCE[:, None, :].repeat(INPUT.shape[1], 1) == 0].max() == 0


@pytest.fixture(scope="module")
def recording(seq2seq):
    """Returns a function: a shortlist -> the network as a file of JSON would bring it back."""
    weights = {weight.path: np.array(weight) for weight in seq2seq.training.weights}
    written = json.dumps(record(seq2seq, list(weights)))
    return lambda shortlist=None: RecordedNetwork(json.loads(written), weights, shortlist)


def test_numpy_alone_gives_the_same_numbers(seq2seq, stepped, recording):
    recorded = recording()
    logits, weights = stepped
    sources, state = recorded.encode(SOURCE)
    for place, column in enumerate(INPUT.T):
        logit, weight, state = recorded.step(column, sources, state)
        np.testing.assert_allclose(logit, logits[:, place], rtol=1e-6, atol=3e-5)
        np.testing.assert_allclose(weight, weights[:, place], atol=1e-5)
    forced = seq2seq.training([SOURCE, INPUT])
    np.testing.assert_allclose(recorded.logits(SOURCE, INPUT), forced, rtol=1e-6, atol=3e-5)


def test_a_shortlist_changes_no_logit_on_it(stepped, recording):
    shortlist = np.unique([*INPUT.ravel(), *range(4), 17, 29])
    listed = recording(shortlist)
    logits, weights = stepped
    sources, state = listed.encode(SOURCE)
    for place, column in enumerate(INPUT.T):
        logit, weight, state = listed.step(column, sources, state)
        expected = logits[:, place, shortlist]
        np.testing.assert_allclose(logit, expected, rtol=1e-6, atol=3e-5)
        np.testing.assert_allclose(weight, weights[:, place], atol=1e-5)
    assert listed.whole.shortlist is None
    whole, _, _ = listed.whole.step(INPUT[:, 0], *listed.whole.encode(SOURCE))
    np.testing.assert_allclose(whole, logits[:, 0], rtol=1e-6, atol=3e-5)


def test_a_live_network_follows_its_weights():
    network = build_seq2seq(ModelConfig(**SMALL), 30)
    live = LiveNetwork(network)
    before = live.logits(SOURCE, INPUT)
    network.training.weights[0].assign_add(np.ones(network.training.weights[0].shape))
    np.testing.assert_allclose(
        live.logits(SOURCE, INPUT), network.training([SOURCE, INPUT]), atol=1e-5
    )
    assert np.abs(live.logits(SOURCE, INPUT) - before).max() > 1e-3


def test_the_three_views_share_every_weight(seq2seq):
    trained = {id(weight) for weight in seq2seq.training.weights}
    used = {id(w) for view in (seq2seq.encoder, seq2seq.decoder_step) for w in view.weights}
    assert used == trained


def test_logits_are_float32_under_mixed_precision():
    network = build_seq2seq(ModelConfig(**SMALL), 30, "mixed_bfloat16")
    logits = network.training([SOURCE, INPUT])
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"


def test_hybrid_hands_over_the_summary_wherever_attention_looks():
    config = ModelConfig(**SMALL, hybrid=True, summary="sum")
    network = build_seq2seq(config, vocab_size=30)
    memory, mask, *_ = (np.asarray(x) for x in network.encoder(SOURCE))
    own, whole = np.split(memory[..., : config.value_units], 2, axis=-1)
    real = mask[..., None].astype("float32")
    summed = (own * real).sum(axis=1) / np.sqrt(real.sum(axis=1))
    np.testing.assert_allclose(whole, np.repeat(summed[:, None], SOURCE.shape[1], 1), atol=1e-5)


def test_a_source_embedding_of_its_own_starts_as_wide_as_it_is_told():
    config = ModelConfig(share_embeddings=False, source_deviation=0.05)
    vectors = build_seq2seq(config, vocab_size=200).embeddings.of_source(np.arange(200))
    assert np.std(np.asarray(vectors)) == pytest.approx(0.05, rel=0.05)
