"""One tiny bundle, made once for all tests that need a bot: an untrained network, real files."""

import os
import shutil

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import pytest

import chatbot.ui  # noqa: F401  (before Gradio, which it makes quicker)
from chatbot.config import Config, TokenizerConfig, with_settings

TINY = ["model.embedding_units=12", "model.encoder_units=8", "model.decoder_units=16"]
LINES = [
    "Hello!",
    "How are you?",
    "I am fine, thank you.",
    "What is your name?",
    "你好，我很好！",
] * 20


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Gives each worker whole files, whose tests share what they set up, and one all of Chromium's.

    Two browsers at a time would halve each other, and time out.
    """
    from xdist.scheduler import LoadFileScheduling

    class OneBrowser(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return (
                "browser" if nodeid.startswith("tests/browser/") else super()._split_scope(nodeid)
            )

    return OneBrowser(config, log)


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory):
    """The folder of a bundle named "tiny" whose large random weights make replies differ."""
    import keras
    import numpy as np

    from chatbot.bundle import BundleWriter
    from chatbot.model.network import build_seq2seq
    from chatbot.text.tokenizer import train_tokenizer

    config = with_settings(Config(), [*TINY, "decoding.max_length=12"])
    tokenizer = train_tokenizer(LINES, TokenizerConfig(vocab_size=320))
    keras.utils.set_random_seed(7)
    seq2seq = build_seq2seq(config.model, tokenizer.vocab_size)
    random = np.random.default_rng(10)
    for weight in seq2seq.training.weights:
        weight.assign(random.normal(0, 0.4, weight.shape))
    writer = BundleWriter("tiny", tmp_path_factory.mktemp("home") / "saved_models")
    writer.weights(seq2seq)
    about = {"language": "en", "description": "random", "created": "2026-11-20", "versions": {}}
    return writer.finish(config, tokenizer, about, {"perplexity": 1.0}, {}, "# tiny\n")


@pytest.fixture
def home(tiny_bundle, tmp_path, monkeypatch):
    """A folder of its own as CHATBOT_HOME, whose saved_models/ holds the tiny bundle."""
    folder = tmp_path / "home"
    shutil.copytree(tiny_bundle, folder / "saved_models" / "tiny")
    monkeypatch.setenv("CHATBOT_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def tiny_bot(tiny_bundle):
    """The tiny bundle, loaded."""
    from chatbot.bot import Chatbot

    return Chatbot.load(tiny_bundle)
