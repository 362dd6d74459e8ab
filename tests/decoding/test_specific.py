"""What would be said to anything counts against a reply."""

import numpy as np
import pytest

from chatbot.config import EOS_ID, changed
from chatbot.decoding.likelihood import Likelihood
from chatbot.decoding.specific import SpecificFirst
from chatbot.decoding.state import Hypotheses

ANYTHING, OWN = 7, 8  # a word that fits every message, and one that fits this one
NOTHING = np.array([[4]], np.int32)
VOCAB = 10


def logits_of(sources, decoder_inputs):
    """A network that answers nothing with ANYTHING in nine of ten cases, then ends."""
    assert sources.shape == (len(decoder_inputs), 1)
    first = np.full(VOCAB, 1e-9)
    first[[ANYTHING, OWN]] = 0.9, 0.1
    last = np.full(VOCAB, 1e-9)
    last[EOS_ID] = 1.0
    both = np.log([first, last, last])
    return np.repeat(both[None, : decoder_inputs.shape[1]], len(decoder_inputs), 0)


def found(of_anything, of_own, *, empty=False):
    """Two hypotheses of two tokens for one source, with the probability of their words."""
    ids = np.array([[[ANYTHING, EOS_ID, 0], [OWN, EOS_ID, 0]]], np.int32)
    nats = np.log([[[of_anything, 1, 1], [of_own, 1, 1]]]).astype(np.float32)
    scores = nats.sum(-1)
    if empty:
        scores[0, 1] = -np.inf
    attention = np.arange(2 * 3 * 4, dtype=np.float32).reshape(1, 2, 3, 4)
    return Hypotheses(ids, nats, scores, np.array([[2, 2]]), attention)


@pytest.mark.parametrize(
    ("penalty", "first"),
    [
        (0.0, ANYTHING),  # 0.6 > 0.4
        (0.1, ANYTHING),  # 0.6 / 0.9^0.1 > 0.4 / 0.1^0.1
        (0.3, OWN),  # 0.6 / 0.9^0.3 < 0.4 / 0.1^0.3
    ],
)
def test_the_score_is_the_formula(penalty, first):
    ordered = SpecificFirst(Likelihood(logits_of), NOTHING)(found(0.6, 0.4), penalty)
    assert ordered.token_ids[0, 0, 0] == first
    assert (0.6 / 0.9**penalty < 0.4 / 0.1**penalty) == (first == OWN)


def test_everything_that_belongs_to_a_hypothesis_moves_with_it():
    before = found(0.6, 0.4)
    after = SpecificFirst(Likelihood(logits_of), NOTHING)(before, 1.0)
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(new, old[:, ::-1])


def test_an_empty_place_of_a_beam_stays_last():
    ordered = SpecificFirst(Likelihood(logits_of), NOTHING)(found(0.6, 0.4, empty=True), 1.0)
    assert ordered.token_ids[0, 0, 0] == ANYTHING


def test_a_bot_orders_what_its_beam_found_and_finds_nothing_else(tiny_bot):
    settings = changed(tiny_bot.decoding, strategy="beam", beam_size=6, n_best=6)
    plain = tiny_bot.reply("Hello!", settings)
    specific = tiny_bot.reply("Hello!", changed(settings, generic_penalty=1.0))
    assert sorted(a.text for a in specific.alternatives) == sorted(
        a.text for a in plain.alternatives
    )
    assert [a.text for a in specific.alternatives] != [a.text for a in plain.alternatives]
    assert specific.text == specific.alternatives[0].text
