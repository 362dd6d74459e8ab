"""What the training benchmarks share: a run folder of ours, and other ways to train its network.

Each peer learns from the very pairs and token ids of the run. PyTorch's stands in torch_seq2seq.py.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from asked import ROOT, refused

from chatbot.config import BOS_ID, Config, with_settings
from chatbot.corpus.prepare import CorpusSource
from chatbot.errors import ChatbotError
from chatbot.text.source import pad
from chatbot.training.batches import Batch, EncodedPairs
from chatbot.training.draft import Job
from chatbot.training.encoding import encode_pairs
from chatbot.training.job import set_up
from chatbot.training.run import RunFolder

DAILYDIALOG = ROOT.parent / "shared" / "corpora" / "dailydialog" / "train.jsonl.gz"
SMALL_TALK = ROOT / "corpora" / "small-talk.en.yml"
KERAS = "plain Keras fit"
_RATE = re.compile(r"Tokens per Sec:\s*(\d+)")  # of target tokens, as JoeyNMT logs them


def run_in(home: Path, corpus: Path, settings: Iterable[str]) -> RunFolder:
    """Sets a training up in a folder that is no one's home, as `chatbot train` does."""
    os.environ["CHATBOT_HOME"] = str(home)
    try:
        config = with_settings(Config(), settings)
        return set_up(Job("benchmark", [CorpusSource(corpus)], config))[0]
    except ChatbotError as error:
        raise refused(str(error)) from None


def encoded(run: RunFolder, side: str) -> EncodedPairs:
    """Returns a side of a run as token ids, slots filled once."""
    return encode_pairs(run.pairs(side), run.tokenizer(), run.config().training)


def plain_keras(config: Config, vocab_size: int) -> Any:
    """Returns our network, compiled as any Keras example compiles one: padding is learned too."""
    import keras

    from chatbot.model.network import build_seq2seq

    model = build_seq2seq(config.model, vocab_size).training
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss)
    return model


def padded(pairs: EncodedPairs) -> tuple[list[Any], Any]:
    """Returns inputs and targets for `fit`, all padded to the longest pair."""
    inputs = [[BOS_ID, *ids[:-1]] for ids in pairs.targets]
    return [pad(pairs.sources), pad(inputs)], pad(pairs.targets)


def keras_nats(model: Any) -> Any:
    """Returns a function: batches -> the negative log-likelihood of all real target tokens."""
    import tensorflow as tf

    from chatbot.model.losses import token_nats

    @tf.function(reduce_retracing=True)
    def of_one(source_ids: Any, inputs: Any, targets: Any, weights: Any) -> Any:
        logits = model([source_ids, inputs], training=False)
        return tf.reduce_sum(token_nats(targets, logits) * weights)

    def of_all(batches: Iterable[Batch]) -> float:
        return sum(float(of_one(*map(tf.constant, batch))) for batch in batches)

    return of_all


def joeynmt_rate(folder: Path, pairs: EncodedPairs, config: Config, updates: int) -> float:
    """Returns the target tokens per second of JoeyNMT, the median of ten spans of its log.

    Its nearest network (2.3): a GRU of the same widths whose attention has a matrix ("luong") and
    whose decoder goes step by step; source and target share their embeddings, the output does
    not. Its batches are shuffled and padded to their longest pair.
    """
    for side, rows in (("src", pairs.sources), ("trg", pairs.targets)):
        lines = "".join(" ".join(f"t{i}" for i in ids) + "\n" for ids in rows)
        for part in ("train", "dev"):
            text = lines if part == "train" else lines[: lines.index("\n") + 1]
            (folder / f"{part}.{side}").write_text(text, encoding="ascii")
    known = sorted({i for ids in [*pairs.sources, *pairs.targets] for i in ids})
    (folder / "vocabulary.txt").write_text("".join(f"t{i}\n" for i in known), encoding="ascii")
    path = folder / "joeynmt.yaml"
    path.write_text(yaml.safe_dump(_joeynmt_config(folder, config, updates)), encoding="utf-8")
    command = [sys.executable, "-m", "joeynmt", "train", str(path), "--skip-test"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rates = [int(rate) for rate in _RATE.findall(done.stdout + done.stderr)]
    if not rates:
        said = (done.stderr.strip() or "it logged no speed").splitlines()[-1]
        raise ValueError(f"JoeyNMT did not train: {said}")
    return statistics.median(rates[1:] or rates)


def _joeynmt_config(folder: Path, config: Config, updates: int) -> dict[str, Any]:
    model, training = config.model, config.training
    side = {"level": "word", "max_length": 100, "voc_file": str(folder / "vocabulary.txt")}
    part = {
        "type": "recurrent",
        "rnn_type": "gru",
        "embeddings": {"embedding_dim": model.embedding_units, "scale": True},
        "dropout": model.dropout,
        "num_layers": 1,
    }
    own = {"hidden_dropout": model.dropout, "input_feeding": False, "init_hidden": "bridge"}
    every = max(1, updates // 11)
    return {
        "name": "benchmark",
        "joeynmt_version": "2.3.0",
        "model_dir": str(folder / "joeynmt"),
        "use_cuda": False,
        "fp16": False,
        "data": {
            "train": str(folder / "train"),
            "dev": str(folder / "dev"),
            "dataset_type": "plain",
            "src": {"lang": "src", **side},
            "trg": {"lang": "trg", **side},
        },
        "testing": {"batch_size": 1, "beam_size": 1},
        "training": {
            "optimizer": "adam",
            "learning_rate": training.learning_rate,
            "clip_grad_norm": training.clip_norm,
            "label_smoothing": training.label_smoothing,
            "normalization": "tokens",
            "batch_size": training.batch_size,
            "batch_type": "sentence",
            "updates": updates,
            "epochs": 1000,
            "logging_freq": every,
            "validation_freq": 1000 * every,
            "print_valid_sents": [0],
        },
        "model": {
            "tied_embeddings": True,
            "encoder": {**part, "hidden_size": model.encoder_units, "bidirectional": True},
            "decoder": {**part, "hidden_size": model.decoder_units, "attention": "luong", **own},
        },
    }
