"""Scheduled sampling: how much is the model's own, and which tokens that are."""

import keras
import numpy as np
import pytest

from chatbot.config import BOS_ID, ModelConfig, TrainingConfig
from chatbot.model.network import build_seq2seq
from chatbot.training.batches import Batch
from chatbot.training.sampling import Mixer, own_share

KINDS = ["linear", "exponential", "inverse_sigmoid"]
TARGET = np.array([[5, 6, 7, 3], [8, 3, 0, 0]], "int32")
INPUT = np.array([[2, 5, 6, 7], [2, 8, 0, 0]], "int32")
BATCH = Batch(np.array([[4, 5, 6], [4, 7, 0]], "int32"), INPUT, TARGET, (TARGET > 0).astype("f4"))


@pytest.mark.parametrize("kind", KINDS)
def test_each_schedule_rises_from_almost_nothing_to_the_rate(kind):
    config = TrainingConfig(scheduled_sampling=kind, sampling_rate=0.4)
    shares = [own_share(config, step, 1000) for step in range(0, 1001, 100)]
    assert shares == sorted(shares)
    assert shares[0] < 0.02
    assert shares[-1] == pytest.approx(0.4, abs=1e-6)


def test_the_inverse_sigmoid_is_the_papers():
    """epsilon_i = k / (k + exp(i / k)), one k for every step."""
    config = TrainingConfig(scheduled_sampling="inverse_sigmoid", sampling_rate=0.9)
    epsilon = {i: 1 - own_share(config, i, 500) for i in (0, 200, 500)}
    k = epsilon[0] / (1 - epsilon[0])  # exp(0) is 1
    for i, found in epsilon.items():
        assert found == pytest.approx(k / (k + np.exp(i / k)), rel=1e-6)


def sure_model(token):
    """A network that always expects one token."""
    network = build_seq2seq(
        ModelConfig(embedding_units=4, encoder_units=4, decoder_units=8, dropout=0), 12
    )
    for weight in network.training.weights:
        weight.assign(np.zeros(weight.shape))
    [bias] = [w for w in network.training.weights if w.path == "output_bias/bias"]
    bias.assign(np.eye(12)[token] * 50)
    return network.training


def test_own_tokens_stand_where_the_coin_says_and_nowhere_else():
    config = TrainingConfig(scheduled_sampling="constant", sampling_rate=0.999)
    source, mixed = Mixer(sure_model(9), config).inputs(BATCH, 3, 10)
    assert source is BATCH.source_ids
    assert mixed[:, 0].tolist() == [BOS_ID, BOS_ID]
    assert set(mixed[INPUT > BOS_ID].tolist()) == {9}
    assert (mixed[INPUT == 0] == 0).all()


def test_the_share_of_own_tokens_is_the_rate():
    rows = 400
    wide = Batch(*(np.repeat(part[:1], rows, 0) for part in BATCH))
    config = TrainingConfig(scheduled_sampling="constant", sampling_rate=0.3)
    _, mixed = Mixer(sure_model(9), config).inputs(wide, 0, 10)
    assert np.mean(mixed[:, 1:] == 9) == pytest.approx(0.3, abs=0.04)


def test_a_token_is_drawn_as_often_as_the_model_expects_it():
    keras.utils.set_random_seed(0)
    model = build_seq2seq(ModelConfig(embedding_units=4, encoder_units=4, decoder_units=8), 12)
    rows = 4000
    wide = Batch(*(np.repeat(part[:1], rows, 0) for part in BATCH))
    config = TrainingConfig(scheduled_sampling="constant", sampling_rate=0.9999)
    _, mixed = Mixer(model.training, config).inputs(wide, 0, 10)
    logits = np.array(model.training([wide.source_ids[:1], wide.decoder_input_ids[:1]]))[0, 0]
    expected = np.exp(logits) / np.exp(logits).sum()
    drawn = np.bincount(mixed[:, 1], minlength=12) / rows
    np.testing.assert_allclose(drawn, expected, atol=0.03)


def test_the_same_step_is_mixed_the_same_way():
    config = TrainingConfig(scheduled_sampling="constant", sampling_rate=0.5)
    mixer = Mixer(sure_model(9), config)
    once, again = (mixer.inputs(BATCH, 4, 10)[1] for _ in range(2))
    np.testing.assert_array_equal(once, again)


def test_without_scheduled_sampling_the_truth_is_read():
    assert Mixer(sure_model(9), TrainingConfig()).inputs(BATCH, 9, 10)[1] is INPUT
