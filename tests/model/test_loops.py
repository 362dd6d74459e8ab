"""What a recorded loop does in each round: nothing that could be done before it."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from chatbot.model.loops import with_lighter_loops
from chatbot.model.programs import program
from chatbot.model.recording import _program_of

E, U = 8, 6
RANDOM = np.random.default_rng(5)


@pytest.fixture(autouse=True)
def same_weights():
    keras.utils.set_random_seed(3)


def recorded(model, *tried):
    """The program as it was recorded, and with lighter loops."""
    weights = {weight.path: np.array(weight) for weight in model.weights}
    plain = program(_program_of(model, {path: path for path in weights}), weights)
    return plain, with_lighter_loops(plain, plain.tried(*tried))


def kinds(whole):
    return [step.kind for step in whole.needed()]


def numbers(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


def same_numbers(one, other, *inputs):
    for a, b in zip(one.ready()(*inputs), other.ready()(*inputs), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def model_of(layer, masked=False):
    source = keras.Input((None, E))
    mask = [keras.Input((None,), dtype="bool")] if masked else []
    return keras.Model([source, *mask], layer(source, **({"mask": mask[0]} if mask else {})))


CELLS = {
    "rnn": lambda **how: keras.layers.SimpleRNN(U, bias_initializer="normal", **how),
    "gru": lambda **how: keras.layers.GRU(U, bias_initializer="normal", **how),
    "gru, reset before": lambda **how: keras.layers.GRU(U, reset_after=False, **how),
    "lstm": lambda **how: keras.layers.LSTM(U, bias_initializer="normal", **how),
}
each_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)


@each_cell
def test_two_directions_are_one_loop(cell):
    both = keras.layers.Bidirectional(cell(return_sequences=True, return_state=True))
    plain, light = recorded(model_of(both), numbers(13, 3, E))
    assert kinds(plain).count("While") == 2
    assert "While" not in kinds(light)
    assert kinds(light).count("Pair") == 1
    for shape in [(1, 7, E), (4, 2, E), (3, 1, E)]:
        same_numbers(plain, light, numbers(*shape))


@each_cell
def test_padding_is_masked_where_there_is_some(cell):
    both = keras.layers.Bidirectional(cell(return_sequences=True, return_state=True))
    plain, light = recorded(model_of(both, masked=True), numbers(13, 3, E), np.ones((13, 3), bool))
    source = numbers(2, 5, E)
    padded = np.array([[True] * 5, [True] * 3 + [False] * 2])
    for mask in (padded, np.ones((2, 5), bool)):
        same_numbers(plain, light, source, mask)
    outputs = light.ready()(source, padded)[0]
    assert np.abs(outputs - light.ready()(source, np.ones((2, 5), bool))[0]).max() > 1e-2


def products(whole, source):
    """How many products of single rows a call takes."""
    plainly, counted = np.matmul, []

    def count(*factors):
        counted.append(factors)
        return plainly(*factors)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "matmul", count)
        whole.ready()(source)
    return len(counted)


def test_the_products_with_what_is_read_are_one():
    plain, light = recorded(model_of(CELLS["gru"](return_sequences=True)), numbers(13, 3, E))
    assert products(plain, numbers(1, 20, E)) == 2 * 20
    assert products(light, numbers(1, 20, E)) == 20  # with the states alone


def test_loops_of_other_lengths_go_one_after_the_other():
    one, other = keras.Input((None, E)), keras.Input((None, E))
    layers = [keras.layers.SimpleRNN(U, return_sequences=True) for _ in range(2)]
    model = keras.Model([one, other], [layers[0](one), layers[1](other)])
    plain, light = recorded(model, numbers(13, 3, E), numbers(13, 3, E))
    assert "Pair" in kinds(light)
    same_numbers(plain, light, numbers(2, 5, E), numbers(2, 5, E))
    same_numbers(plain, light, numbers(2, 5, E), numbers(2, 3, E))


def test_a_loop_over_what_another_one_made_stays_behind_it():
    first, second = (keras.layers.GRU(E, return_sequences=True) for _ in range(2))
    plain, light = recorded(model_of(lambda source: second(first(source))), numbers(13, 3, E))
    assert kinds(light).count("While") == 2
    same_numbers(plain, light, numbers(2, 5, E))


def test_rounds_that_nobody_can_do_in_pairs_stay_apart():
    cell = CELLS["rnn"](return_sequences=True, activation="softmax")
    plain, light = recorded(model_of(keras.layers.Bidirectional(cell)), numbers(13, 3, E))
    assert "Softmax" in str(plain.steps)
    assert kinds(light).count("While") == 2
    same_numbers(plain, light, numbers(2, 5, E))


def test_zeros_in_the_shape_of_an_output_need_no_output():
    plain, light = recorded(
        model_of(CELLS["gru"](), masked=True), numbers(13, 3, E), np.ones((13, 3), bool)
    )
    assert "ZerosLike" in kinds(plain)
    assert len(light.needed()) < len(plain.needed()) - 15  # a whole cell less
    same_numbers(plain, light, numbers(4, 5, E), np.ones((4, 5), bool))


def test_loops_that_nobody_needs_are_left_out():
    one, other = keras.Input((None, E)), keras.Input((None, E))
    layers = [CELLS["gru"](), CELLS["rnn"]()]
    model = keras.Model([one, other], [layers[0](one), layers[1](other)])
    plain, _ = recorded(model, numbers(13, 3, E), numbers(13, 3, E))
    plain = replace(plain, outputs=plain.outputs[:1])
    sources = numbers(2, 5, E), numbers(2, 5, E)
    light = with_lighter_loops(plain, plain.tried(*sources))
    assert kinds(light).count("While") == 1
    same_numbers(plain, light, *sources)
