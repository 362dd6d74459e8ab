"""Every preset survives the way through a bundle, and answers after it."""

import functools

import keras
import numpy as np
import pytest

from chatbot.bot import Chatbot
from chatbot.bundle import BundleWriter, load_seq2seq
from chatbot.config import (
    BOS_ID,
    PAD_ID,
    Config,
    DecodingConfig,
    TokenizerConfig,
    changed,
    validated,
)
from chatbot.model.network import build_seq2seq
from chatbot.presets import PRESETS
from chatbot.text.tokenizer import train_tokenizer

NARROW = {"embedding_units": 8, "encoder_units": 8, "decoder_units": 8}
EXTRA = {
    "copying and coverage": {"attention": "additive", "coverage": True, "copying": True, **NARROW},
    "frozen": {**NARROW, "embedding": "frozen", "attention": "additive"},
    "one-hot": {**NARROW, "encoder_units": 4, "embedding": "onehot", "tie_embeddings": False},
}


def soak(*names):
    """Names for make soak alone: others have the same kinds of layers and of state."""
    return [pytest.param(name, marks=pytest.mark.soak) for name in names]


def settings_of(name):
    if name in EXTRA:
        return {"model": EXTRA[name]}
    values = PRESETS[name].values()
    values["model"] |= {**NARROW, **({"encoder_units": 4} if name == "default" else {})}
    return values


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(["Hello! How are you?", "I am fine.", "你好，我很好！"] * 30,
                           TokenizerConfig(vocab_size=300))  # fmt: skip


@pytest.fixture(scope="module")
def saved(tokenizer, tmp_path_factory):
    """Returns a function: a name -> the network, and the bot that its bundle gives."""

    @functools.cache
    def make(name):
        config = validated(Config, settings_of(name))
        keras.utils.set_random_seed(1)
        network = build_seq2seq(config.model, tokenizer.vocab_size)
        random = np.random.default_rng(1)
        for weight in network.training.weights:
            weight.assign(random.normal(0, 0.7, weight.shape))
        writer = BundleWriter("saved", tmp_path_factory.mktemp("bundles"))
        writer.weights(network)
        about = {"language": "en", "description": "", "created": "2026-11-20", "versions": {}}
        made = config, tokenizer, about, {"perplexity": 1.0}, {}, "# saved\n"
        return network, Chatbot.load(writer.finish(*made))

    return make


SEARCHED = ["default", "bahdanau2015", "cnn2017", "transformer2017", "copying and coverage"]
NOT_SEARCHED = [name for name in (*PRESETS, *EXTRA) if name not in SEARCHED]
SAVED = [*SEARCHED, "frozen", "one-hot"]  # each kind of layer
NOT_SAVED = [name for name in (*PRESETS, *EXTRA) if name not in SAVED]


@pytest.mark.parametrize("name", [*SAVED, *soak(*NOT_SAVED)])
def test_a_saved_network_thinks_as_before(name, saved):
    network, bot = saved(name)
    source = bot.encode(["Hello!", "How are you? I am fine."])
    said = np.array([[BOS_ID, 9, 8, 7], [BOS_ID, 5, 6, PAD_ID]])
    before = network.training([source, said])
    np.testing.assert_allclose(bot._bundle.network.logits(source, said), before, atol=1e-4)
    again = load_seq2seq(bot._bundle.info.path)
    np.testing.assert_array_equal(again.training([source, said]), before)


@pytest.mark.parametrize("name", [*SEARCHED, *soak(*NOT_SEARCHED)])
def test_a_saved_network_searches_alike_alone_and_in_a_batch(name, saved):
    _, bot = saved(name)
    source = bot.encode(["Hello!", "How are you? I am fine."])
    how = DecodingConfig(strategy="beam", beam_size=3, max_length=8)
    together, alone = (
        bot._engine.search(rows, how, [0] * len(rows)) for rows in (source, source[:1])
    )
    np.testing.assert_array_equal(together.token_ids[0], alone.token_ids[0])
    np.testing.assert_allclose(together.scores[0], alone.scores[0], atol=1e-4)


@pytest.mark.parametrize("name", ["default", *soak("transformer2017", "copying and coverage")])
def test_every_other_way_to_a_reply_works_with_each_kind_of_state(name, saved):
    _, bot = saved(name)
    short = DecodingConfig(max_length=8)
    assert list(bot.stream("Hello!", short))[-1] == bot.reply("Hello!", short).text
    sampled = changed(short, strategy="sampling")
    alone, _ = (reply.text for reply in bot.reply_batch(["Hello!", "How are you?"], sampled))
    assert alone == bot.reply("Hello!", sampled).text
    assert bot.explain("Hello!").reply
