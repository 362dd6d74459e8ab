"""What a training leaves: the best weights, rounded as they are stored, and what they score.

Scores and replies are measured on the rounded float32 network, so that a fresh process that loads
the bundle gives the very same. Knows no loop.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import keras

from chatbot.bundle import BundleWriter
from chatbot.model.losses import TokenCrossEntropy
from chatbot.model.metrics import TokenNats
from chatbot.model.network import Seq2Seq, build_seq2seq
from chatbot.model.stored import load_into
from chatbot.training.batches import EncodedPairs, batches_in_order
from chatbot.training.device import choose_precision, describe_device
from chatbot.training.encoding import encode_pairs
from chatbot.training.probes import Prober, probe_messages
from chatbot.training.run import RunFolder
from chatbot.training.trainer import Outcome, assign, nats_per_token


class Result(NamedTuple):
    """Scores on the validation side, and the replies to the probe messages."""

    metrics: dict[str, Any]
    replies: dict[str, str]


def save_rounded(run: RunFolder, outcome: Outcome, writer: BundleWriter) -> Result:
    """Writes the best weights as float16 and measures what they are worth then."""
    config, tokenizer = run.config(), run.tokenizer()
    seq2seq = build_seq2seq(config.model, tokenizer.vocab_size)
    assign(seq2seq.training.weights, outcome.best_weights)
    writer.weights(seq2seq)
    messages = probe_messages(run.pairs("validation"), run.about()["language"])
    replies = Prober(messages, tokenizer, config.training, run.shortlist())(seq2seq)
    return Result({**_scores(run, seq2seq), **_facts(run, outcome)}, replies)


def _scores(run: RunFolder, seq2seq: Seq2Seq) -> dict[str, Any]:
    config, model = run.config().training, seq2seq.training
    pairs = encode_pairs(run.pairs("validation"), run.tokenizer(), config)
    model.compile(loss=TokenCrossEntropy(), weighted_metrics=[TokenNats()], jit_compile=False)
    scores: dict[str, Any] = {
        **_likelihood(model, pairs, config.batch_size),
        "validation_pairs": len(pairs),
        "parameters": int(model.count_params()),
    }
    if run.initial_weights.is_file():  # the same talk shows what became better
        load_into(model, run.initial_weights)
        scores["base"] = _likelihood(model, pairs, config.batch_size)
    return scores


def _likelihood(model: keras.Model, pairs: EncodedPairs, batch_size: int) -> dict[str, float]:
    nats = nats_per_token(model, batches_in_order(pairs, batch_size))
    return {"nats": round(nats, 4), "perplexity": round(math.exp(min(nats, 50)), 3)}


def _facts(run: RunFolder, outcome: Outcome) -> dict[str, Any]:
    progress = outcome.progress
    return {
        "steps": progress.step,
        "best_step": progress.best_step,
        "minutes": round(progress.seconds / 60, 1),
        "device": describe_device(),
        "precision": choose_precision(run.config().training),
    }
