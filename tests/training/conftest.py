"""A tiny training that takes seconds: forty short pairs, a small network."""

import pytest

from chatbot.config import Config, TokenizerConfig, with_settings
from chatbot.corpus.records import DialoguePair
from chatbot.text.tokenizer import train_tokenizer
from chatbot.training.run import RunFolder

# One direction and no attention: a graph that TensorFlow traces in two thirds of the time.
QUICK = ["model.attention=none", "model.bidirectional=false"]
DEFAULT_PARTS = ["model.attention=dot", "model.bidirectional=true"]
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


@pytest.fixture
def make_run(tmp_path):
    """Returns a function that sets up a run folder with some settings changed."""

    def make(name, *settings):
        pairs = colour_pairs("x")
        texts = [text for pair in pairs for text in (*pair.history, pair.reply)]
        run = RunFolder(tmp_path / name)
        run.set_up(
            with_settings(Config(), [*SETTINGS, *settings]),
            train_tokenizer(texts, TokenizerConfig(vocab_size=320)),
            {"train": pairs[:44], "validation": pairs[44:]},
            {"command": "none", "corpora": [], "base": None, "language": "en"},
        )
        return run

    return make
