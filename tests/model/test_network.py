"""Three views of one set of weights must agree; a reply must not depend on its batch."""

import keras
import numpy as np
import pytest

from chatbot.config import ModelConfig
from chatbot.model.network import build_seq2seq

SMALL = {"embedding_units": 8, "encoder_units": 6, "decoder_units": 12}
ARCHITECTURES = {
    "default": {},
    "lstm, two layers each": {"cell": "lstm", "encoder_layers": 2, "decoder_layers": 2},
    "two gru layers": {"encoder_layers": 2, "decoder_layers": 2},
    "one direction, additive": {"bidirectional": False, "attention": "additive"},
    "no attention": {"attention": "none"},
    "untied": {"tie_embeddings": False},
}
SOURCE = np.array([[4, 9, 8, 7, 6, 5, 11], [4, 9, 8, 0, 0, 0, 0], [4, 5, 0, 0, 0, 0, 0]], "int32")
INPUT = np.array([[2, 9, 8, 7, 6], [2, 7, 5, 0, 0], [2, 8, 0, 0, 0]], "int32")


@pytest.fixture(params=ARCHITECTURES.values(), ids=ARCHITECTURES.keys())
def seq2seq(request):
    keras.utils.set_random_seed(1)
    network = build_seq2seq(ModelConfig(**SMALL, **request.param), vocab_size=30)
    random = np.random.default_rng(0)
    for weight in network.training.weights:  # large weights: a wrong mask would show
        weight.assign(random.normal(0, 0.6, weight.shape))
    return network


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


def test_stepping_reproduces_teacher_forcing_on_a_padded_batch(seq2seq):
    forced = np.array(seq2seq.training([SOURCE, INPUT]))
    logits, _ = stepwise(seq2seq, SOURCE, INPUT)
    assert np.ptp(forced) > 1  # the logits differ enough for the comparison to mean something
    np.testing.assert_allclose(logits, forced, atol=1e-5)


def test_a_row_does_not_depend_on_its_batch_mates(seq2seq):
    together = np.array(seq2seq.training([SOURCE, INPUT]))
    alone = np.array(seq2seq.training([SOURCE[2:, :2], INPUT[2:, :2]]))
    np.testing.assert_allclose(together[2:, :2], alone, atol=1e-5)


def test_attention_rows_sum_to_one_and_put_nothing_on_padding(seq2seq):
    if not any(layer.name == "attention" for layer in seq2seq.training.layers):
        pytest.skip("this architecture has no attention")
    _, weights = stepwise(seq2seq, SOURCE, INPUT)
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-6)
    assert weights[SOURCE[:, None, :].repeat(INPUT.shape[1], 1) == 0].max() == 0


def test_the_three_views_share_every_weight(seq2seq):
    trained = {id(weight) for weight in seq2seq.training.weights}
    used = {id(w) for view in (seq2seq.encoder, seq2seq.decoder_step) for w in view.weights}
    assert used == trained


def test_logits_are_float32_under_mixed_precision():
    network = build_seq2seq(ModelConfig(**SMALL), 30, "mixed_bfloat16")
    logits = network.training([SOURCE, INPUT])
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
