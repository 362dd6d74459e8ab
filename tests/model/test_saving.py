"""Every preset survives the way through a bundle, and answers as before in every kind of search."""

import keras
import numpy as np
import pytest

from chatbot.bot import Chatbot
from chatbot.bundle import BundleWriter
from chatbot.config import Config, DecodingConfig, TokenizerConfig, validated
from chatbot.decoding.engine import SearchEngine
from chatbot.model.network import build_seq2seq
from chatbot.presets import PRESETS
from chatbot.text.tokenizer import CONTROL_IDS, train_tokenizer

NARROW = {"embedding_units": 8, "encoder_units": 8, "decoder_units": 8}
EXTRA = {
    "copying and coverage": {"attention": "additive", "coverage": True, "copying": True, **NARROW},
    "frozen": {**NARROW, "embedding": "frozen", "attention": "additive"},
    "one-hot": {**NARROW, "encoder_units": 4, "embedding": "onehot", "tie_embeddings": False},
}


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


@pytest.mark.parametrize("name", [*PRESETS, *EXTRA])
def test_a_saved_network_answers_as_before_in_every_search(name, tokenizer, tmp_path):
    config = validated(Config, settings_of(name))
    keras.utils.set_random_seed(1)
    network = build_seq2seq(config.model, tokenizer.vocab_size)
    random = np.random.default_rng(1)
    for weight in network.training.weights:
        weight.assign(random.normal(0, 0.7, weight.shape))
    writer = BundleWriter("saved", tmp_path)
    writer.weights(network)
    about = {"language": "en", "description": "", "created": "2026-11-20", "versions": {}}
    path = writer.finish(config, tokenizer, about, {"perplexity": 1.0}, {}, "# saved\n")
    bot = Chatbot.load(path)
    engine = SearchEngine(network.encoder, network.decoder_step, CONTROL_IDS)
    source = bot.encode(["Hello!", "How are you? I am fine."])
    for strategy in ("greedy", "beam", "sampling"):
        how = DecodingConfig(strategy=strategy, beam_size=3, max_length=8)
        found = engine.search(source, how, [0, 0])
        loaded = bot._engine.search(source, how, [0, 0])
        np.testing.assert_array_equal(found.token_ids, loaded.token_ids)
        np.testing.assert_allclose(found.scores, loaded.scores, atol=1e-4)
        alone = engine.search(source[:1], how, [0])
        np.testing.assert_array_equal(found.token_ids[0], alone.token_ids[0])
    assert (
        list(bot.stream("Hello!", DecodingConfig(max_length=8)))[-1]
        == bot.reply("Hello!", DecodingConfig(max_length=8)).text
    )
    assert bot.explain("Hello!").reply
