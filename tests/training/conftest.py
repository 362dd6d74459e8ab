"""A tiny training that takes seconds: forty short pairs, a small network or none to speak of."""

import pytest

from chatbot.config import Config, TokenizerConfig, with_settings
from chatbot.corpus.records import DialoguePair
from chatbot.text.tokenizer import train_tokenizer
from chatbot.training.run import RunFolder
from tests.training.bag_of_words import build_bag_of_words

# One direction and no attention: a graph that TensorFlow traces in two thirds of the time.
QUICK = ["model.attention=none", "model.bidirectional=false"]
DEFAULT_PARTS = ["model.attention=dot", "model.bidirectional=true"]
# Every batch is four tokens by four: one graph in place of one for each way to be longer.
ONE_SHAPE = ["training.max_source_tokens=4", "training.max_target_tokens=4"]
SETTINGS = [
    *QUICK,
    "model.embedding_units=12",
    "model.encoder_units=8",
    "model.decoder_units=16",
    "training.batch_size=4",
    "training.warmup_steps=4",
    "training.checkpoint_seconds=0",
]
WORDS = ("red", "blue", "green", "cold", "warm", "old", "new", "big")


def colour_pairs(prefix):
    return [
        DialoguePair((f"is it {a} or {b}?",), f"it is {a}", f"{prefix}:{a}{b}")
        for a in WORDS
        for b in WORDS
        if a != b
    ]


def set_up_run(path, *settings):
    """Sets up a run folder on the colours, with some settings changed."""
    pairs = colour_pairs("x")
    texts = [text for pair in pairs for text in (*pair.history, pair.reply)]
    run = RunFolder(path)
    run.set_up(
        with_settings(Config(), [*SETTINGS, *settings]),
        train_tokenizer(texts, TokenizerConfig(vocab_size=320)),
        {"train": pairs[:44], "validation": pairs[44:]},
        {"command": "none", "corpora": [], "base": None, "language": "en"},
    )
    return run


@pytest.fixture
def make_real_run(tmp_path):
    """Returns a function that sets up a run of the real network, where the network is the point."""
    return lambda name, *settings: set_up_run(tmp_path / name, *settings)


@pytest.fixture
def bag_of_words(monkeypatch):
    """Builds the stand-in wherever a training builds its network."""
    for module in ("trainer", "results", "corrector"):
        monkeypatch.setattr(f"chatbot.training.{module}.build_seq2seq", build_bag_of_words)


@pytest.fixture
def make_run(tmp_path, bag_of_words):
    """Returns a function that sets up a run of the stand-in, whose batches are of one shape."""
    return lambda name, *settings: set_up_run(tmp_path / name, *ONE_SHAPE, *settings)
