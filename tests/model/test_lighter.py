"""What a decoder step reads for each token: no product twice, no row of the output in vain."""

import keras
import numpy as np
import pytest

from chatbot.config import ModelConfig
from chatbot.model.lighter import lightened, with_columns
from chatbot.model.network import build_seq2seq
from chatbot.model.programs import program
from chatbot.model.recording import record

E, U, V = 8, 12, 30
SIZES = {"embedding_units": E, "encoder_units": U // 2, "decoder_units": U}
SHORTLIST = np.array([3, 4, 9, 17, 20])


def step_of(**model):
    keras.utils.set_random_seed(3)
    seq2seq = build_seq2seq(ModelConfig(**SIZES, **model), V)
    weights = {weight.path: np.array(weight) for weight in seq2seq.training.weights}
    step = program(record(seq2seq, list(weights))["decoder_step"], weights)
    tried = seq2seq.encoder(np.full((13, 11), 5))
    return step, [np.full(13, 2, np.int32), *map(np.array, tried)]


def read(step):
    """Weights that are multiplied with something at each call."""
    return sum(
        step.known[place].size
        for one in step.needed()
        if one.kind == "MatMul"
        for place in one.taken
        if place in step.known
    )


def test_the_default_reads_only_what_changes_with_each_token():
    step, tried = step_of()
    assert read(step) == E * 3 * U + U * 3 * U + (2 * U + U + E) * 2 * E + V * E
    short = with_columns(step, step.shapes(*tried), SHORTLIST)
    light = lightened(short, short.shapes(*tried), np.append(SHORTLIST, 2))
    assert read(light.step) == U * 3 * U + U * 2 * E + len(SHORTLIST) * E
    without = lightened(step, step.shapes(*tried), None)  # the last token is multiplied each time
    assert read(without.step) == E * 3 * U + U * 3 * U + (U + E) * 2 * E + V * E


def test_a_context_in_every_step_is_multiplied_ahead():
    step, tried = step_of(attention="additive", context="initial_state,every_step,output")
    light = lightened(step, step.shapes(*tried), np.arange(V))
    assert read(light.step) < 0.55 * read(step)
    assert len(light.ahead.outputs) == 2  # for the cell, and for the output layer


def test_a_summary_that_never_changes_is_multiplied_ahead():
    step, tried = step_of(attention="none", context="initial_state,every_step,output")
    light = lightened(step, step.shapes(*tried), np.arange(V))
    assert len(light.constant) == 1
    assert len(light.ahead.outputs) == 2


@pytest.mark.parametrize("copying", [True, False])
def test_columns_are_left_out_whatever_makes_them(copying):
    step, tried = step_of(copying=copying)
    whole = step.ready()(*tried)[0]
    short = with_columns(step, step.shapes(*tried), SHORTLIST)
    found = short.ready()(*tried)[0]
    np.testing.assert_allclose(found, whole[:, SHORTLIST], atol=1e-6)
    assert (read(short) < read(step)) is not copying
