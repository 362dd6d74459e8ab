"""Each preset computes what its paper's equations say: the same numbers as NumPy, to 1e-5."""

import keras
import numpy as np
import pytest

from chatbot.cli import main
from chatbot.config import Config, validated
from chatbot.model.network import build_seq2seq
from chatbot.presets import PRESETS, SIZES
from tests.model.paper_equations import READINGS, Weights

SOURCE = np.array([[4, 9, 8, 7, 0, 0], [5, 6, 7, 8, 9, 10]], "int32")
TOKENS = np.array([[2, 9, 7], [2, 5, 6]], "int32")
NARROW = {"embedding_units": 8, "encoder_units": 8, "decoder_units": 8, "dropout": 0.0}
NARROWER = {
    "bahdanau2015": {"encoder_units": 4},
    "default": {"encoder_units": 4},
    "transformer2017": {"heads": 2},
}


@pytest.fixture(params=PRESETS)
def preset(request):
    """The name of a preset and its network, narrow, with weights large enough to tell."""
    name = request.param
    values = PRESETS[name].values()
    values["model"] |= {**NARROW, **NARROWER.get(name, {})}
    keras.utils.set_random_seed(3)
    network = build_seq2seq(validated(Config, values).model, 20)
    random = np.random.default_rng(3)
    for weight in network.training.weights:
        weight.assign(random.normal(0, 0.5, weight.shape))
    return name, network


def test_a_decoding_step_gives_the_numbers_of_the_papers_equations(preset):
    name, network = preset
    memory, mask, *state = map(np.array, network.encoder(SOURCE))
    for column in TOKENS.T:
        step = network.decoder_step([column, memory, mask, *state])
        logits, attention, *state = map(np.array, step)
    for row, (source, length) in enumerate(zip(SOURCE, (4, 6), strict=True)):
        step = READINGS[name](Weights(network), source[:length], TOKENS[row])
        np.testing.assert_allclose(logits[row], step.logits, atol=1e-5)
        for ours, theirs in zip(state, step.states, strict=True):
            np.testing.assert_allclose(ours[row], theirs, atol=1e-5)
        if step.weights is None:
            continue
        np.testing.assert_allclose(attention[row, :length], step.weights, atol=1e-5)
        if name != "transformer2017":  # whose context stays inside of each head
            values = np.array(memory)[row, :length, : len(step.context)]
            context = np.array(attention)[row, :length] @ values
            np.testing.assert_allclose(context, step.context, atol=1e-5)


def test_the_logits_of_the_whole_target_are_those_of_the_equations(preset):
    name, network = preset
    forced = np.array(network.training([SOURCE, TOKENS]))
    for position in range(TOKENS.shape[1]):
        step = READINGS[name](Weights(network), SOURCE[1], TOKENS[1, : position + 1])
        np.testing.assert_allclose(forced[1, position], step.logits, atol=1e-5)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("size", SIZES)
def test_a_preset_is_a_valid_configuration_with_its_source(name, size):
    preset = PRESETS[name]
    assert validated(Config, preset.values(size)).model.size == size
    assert "arXiv:" in preset.source or name == "rnn-basic"
    assert preset.differences


def test_the_command_lists_every_preset_and_shows_one(capsys):
    assert main(["presets"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in PRESETS)
    assert main(["presets", "cho2014"]) == 0
    shown = capsys.readouterr().out
    assert "arXiv:1406.1078" in shown
    assert "model.encoder_units=1000" in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["presets", "luong"], "Did you mean 'luong2015'?"),
        (["train", "x", "--name", "a", "--preset", "cho"], "'cho2014'"),
        (["train", "x", "--name", "a", "--set", "model.size=paper"], "--preset"),
        (["train", "--name", "a", "--resume", "--preset", "d2l"], "keeps its corpus"),
    ],
)
def test_a_wrong_preset_is_one_line(arguments, words, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err.strip()
    assert words in error
    assert "\n" not in error


def test_settings_lie_on_top_of_a_preset():
    from chatbot.commands.training import _config

    config = _config("luong2015", None, ["model.size=paper", "model.dropout=0"], {"steps": 7})
    assert (config.model.encoder_units, config.model.dropout) == (1000, 0.0)
    assert (config.model.attention, config.training.steps) == ("general", 7)


@pytest.mark.parametrize("name", PRESETS)
def test_small_is_half_as_wide_as_a_laptops(name):
    laptop, small = (
        validated(Config, PRESETS[name].values(size)).model for size in ("laptop", "small")
    )
    assert (small.encoder_units, small.decoder_units) == (
        laptop.encoder_units // 2,
        laptop.decoder_units // 2,
    )
    assert small.embedding_units == laptop.embedding_units // 2
    assert small.decoder_layers == laptop.decoder_layers


def test_the_small_size_without_a_preset_is_the_defaults():
    from chatbot.commands.training import _config

    config = _config(None, None, ["model.size=small"], {"steps": 7})
    assert (config.model.size, config.model.decoder_units) == ("small", 256)


def test_the_published_transformer_trains_at_the_highest_rate_of_its_paper():
    """lrate = d**-0.5 * warmup**-0.5 at the end of the warm-up (equation 3)."""
    preset = PRESETS["transformer2017"]
    training, units = preset.values("paper")["training"], preset.paper["decoder_units"]
    highest = (units * training["warmup_steps"]) ** -0.5
    assert training["learning_rate"] == pytest.approx(highest, rel=0.01)
    assert "training" not in preset.values("laptop")
