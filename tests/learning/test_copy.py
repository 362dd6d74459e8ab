"""The whole machine on a task with a known answer: repeat the words that were said."""

import numpy as np
import pytest

from chatbot.config import Config, DecodingConfig, TokenizerConfig, with_settings
from chatbot.corpus.records import DialoguePair
from chatbot.decoding.engine import SearchEngine
from chatbot.model.live import LiveNetwork
from chatbot.text.source import pad, source_ids
from chatbot.text.tokenizer import CONTROL_IDS, train_tokenizer
from chatbot.training.run import RunFolder
from chatbot.training.trainer import Trainer, assign

WORDS = "ant bee cat dog elk fox gnu hen".split()
SETTINGS = [
    "model.embedding_units=32",
    "model.encoder_units=32",
    "model.decoder_units=64",
    "model.dropout=0",
    "training.batch_size=32",
    "training.steps=900",
    "training.learning_rate=0.01",
    "training.label_smoothing=0",
    "training.validate_every=300",
    "training.precision=float32",
]


def random_lines(seed, count):
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, random.integers(2, 7))) for _ in range(count)]


@pytest.mark.learning
def test_it_learns_to_repeat_lines_that_it_never_saw(tmp_path):
    lines = random_lines(0, 3000)
    held_out = [line for line in random_lines(1, 200) if line not in set(lines)]
    tokenizer = train_tokenizer(lines, TokenizerConfig(vocab_size=300))
    run = RunFolder(tmp_path / "copy")
    sides = {
        side: [DialoguePair((line,), line, line) for line in of]
        for side, of in (("train", lines), ("validation", held_out))
    }
    about = {"command": "", "corpora": [], "base": None, "language": "en"}
    run.set_up(with_settings(Config(), SETTINGS), tokenizer, sides, about)
    trainer = Trainer(
        run, observe=lambda event, facts: None, should_stop=lambda: False, probe=lambda _: {}
    )
    outcome = trainer.train()
    assign(trainer.seq2seq.training.weights, outcome.best_weights)
    engine = SearchEngine(LiveNetwork(trainer.seq2seq), CONTROL_IDS)
    sources = pad([source_ids([ids], 64) for ids in tokenizer.encode_batch(held_out)])
    greedy = DecodingConfig(no_repeat_ngram_size=0)
    found = engine.search(sources, greedy, [0] * len(held_out))
    replies = [tokenizer.decode(ids) for ids in found.token_ids[:, 0].tolist()]
    right = np.mean([reply == line for reply, line in zip(replies, held_out, strict=True)])
    assert len(held_out) > 50
    assert right > 0.9
