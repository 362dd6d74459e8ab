"""One loss, one normaliser: nats per real target token."""

import numpy as np

from chatbot.config import ModelConfig
from chatbot.model.losses import TokenCrossEntropy
from chatbot.model.metrics import TokenNats
from chatbot.model.network import build_seq2seq

TARGETS = np.array([[1, 2, 3, 0], [2, 3, 0, 0]], "int32")
WEIGHTS = np.array([[1, 1, 1, 0], [1, 1, 0, 0]], "float32")
LOGITS = np.random.default_rng(0).normal(0, 2, (2, 4, 5)).astype("float32")


def by_hand(smoothing=0.0):
    """Adds up -log p over the five real tokens, one by one, and divides by five."""
    total = 0.0
    for row, length in ((0, 3), (1, 2)):
        for position in range(length):
            log_probs = LOGITS[row, position] - np.log(np.exp(LOGITS[row, position]).sum())
            wanted = np.full(5, smoothing / 5)
            wanted[TARGETS[row, position]] += 1 - smoothing
            total -= (wanted * log_probs).sum()
    return total / 5


def test_the_loss_of_a_padded_batch_is_the_one_computed_by_hand():
    assert np.isclose(TokenCrossEntropy()(TARGETS, LOGITS, WEIGHTS), by_hand(), rtol=1e-6)


def test_label_smoothing_is_the_cross_entropy_with_the_smoothed_target():
    loss = TokenCrossEntropy(0.1)(TARGETS, LOGITS, WEIGHTS)
    assert np.isclose(loss, by_hand(smoothing=0.1), rtol=1e-6)


def test_padding_changes_no_loss():
    wider = np.pad(LOGITS, ((0, 0), (0, 3), (0, 0)))
    loss = TokenCrossEntropy()(
        np.pad(TARGETS, ((0, 0), (0, 3))), wider, np.pad(WEIGHTS, ((0, 0), (0, 3)))
    )
    assert np.isclose(loss, by_hand(), rtol=1e-6)


def test_the_metric_weighs_every_token_the_same_over_batches():
    metric = TokenNats()
    metric.update_state(TARGETS[:1], LOGITS[:1], WEIGHTS[:1])
    metric.update_state(TARGETS[1:], LOGITS[1:], WEIGHTS[1:])
    assert np.isclose(float(metric.result()), by_hand(), rtol=1e-6)


def test_training_reports_this_very_loss():
    model = build_seq2seq(
        ModelConfig(embedding_units=4, encoder_units=4, decoder_units=8), 5
    ).training
    model.compile(optimizer="sgd", loss=TokenCrossEntropy(), weighted_metrics=[TokenNats()])
    inputs = [TARGETS, TARGETS]
    logits = np.array(model(inputs))
    loss, nats = model.test_on_batch(inputs, TARGETS, WEIGHTS)
    expected = float(TokenCrossEntropy()(TARGETS, logits, WEIGHTS))
    np.testing.assert_allclose([loss, nats], [expected, expected], rtol=1e-5)
