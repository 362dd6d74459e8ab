"""What a training will cost, told before it starts and without TensorFlow.

A step of B pairs, S source and T target tokens each (padding included), takes about

    steps_in_time / 530  +  work / (share * speed)  seconds

where `steps_in_time` = S * encoder layers + T * decoder layers (recurrent ones: they wait for each
token), `work` = 6 * B * (S * encoder weights + T * (decoder weights + E * V)) floating point
operations (2 forwards, 4 backwards, for each weight and token; E embedding, V vocabulary), `speed`
is what NumPy's matrix product reaches here at this moment, and `share` what the network gets of it:
0.4 in float32, 0.75 in bfloat16. Measured on two cores, five networks from 0.5 to 7 million
weights: within 17 %. Where an earlier training on this machine told how long its steps really
took, the formula is corrected by how far it was off there. Validation takes a tenth more; starting
and saving take about 25 seconds.

Memory is what TensorFlow takes by itself (0.9 GB), 24 bytes a weight (weights, gradients, two
moments, a copy), eight arrays of B x T x V and ten of the network's states; a bundle holds 2 bytes
a weight and about 15 a piece of the vocabulary. Corrections take what a hundred steps take, and 50
seconds for the replies that the base is asked for. Knows no network, only its settings.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from chatbot.config import Config, TrainingConfig
from chatbot.corpus.records import DialoguePair
from chatbot.files import runs_folder
from chatbot.model.size import Size, size_of
from chatbot.text.tokenizer import Tokenizer
from chatbot.text.words import words
from chatbot.training.advice import Scope, advice, shortages
from chatbot.training.processor import has_bfloat16
from chatbot.training.run import RunFolder
from chatbot.training.schedule import VALIDATION, planned_steps

_SECONDS_PER_TIME_STEP = 1 / 530
_SHARE_OF_SPEED = {"float32": 0.4, "mixed_bfloat16": 0.75}
_START_AND_SAVE = 25.0  # seconds: libraries, compiling, saving, checking in a fresh process
_TENSORFLOW_BYTES = 900_000_000
_PADDING = (1.8, 1.12)  # of sources and targets, in batches that are sorted by the target
_PIECES_PER_WORD = 1.1  # about, in English and in Chinese characters, with 5,000 pieces
_SAMPLE = 500
_CORRECTING_STEPS, _CORRECTING_COST, _ASKING = 40, 110, 50.0  # usually; in steps; seconds


@dataclass(frozen=True)
class Estimate:
    """What a training will cost, and what to think of before it starts."""

    pairs: int
    validation_pairs: int
    parameters: int
    steps: int
    epochs: float
    seconds: int  # from start to bundle
    seconds_per_step: float  # by the formula, uncorrected
    tokens_per_second: int  # of replies
    basis: str
    memory_bytes: int
    bundle_bytes: int
    warnings: tuple[str, ...]
    warning_codes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Returns plain values for JSON."""
        return asdict(self)


class Plan(NamedTuple):
    """What is to be trained, as far as its cost depends on it."""

    config: Config
    train: Sequence[DialoguePair]  # as often as weighed, old ones included
    validation: int
    new_pairs: int  # different ones of the given corpora
    language: str
    base: str | None = None
    old_pairs: int = 0  # that the base can rehearse
    tokenizer: Tokenizer | None = None  # the base's; from scratch, none is learned yet


def estimate(plan: Plan, speed: Callable[[], float] | None = None) -> Estimate:
    """Estimates time, memory and size of a training.

    Args:
        plan: what is to be trained.
        speed: measures this machine, in operations a second; NumPy's matrix product by default.
    """
    settings = plan.config.training
    vocab_size = plan.tokenizer.vocab_size if plan.tokenizer else plan.config.tokenizer.vocab_size
    work = size_of(plan.config.model, vocab_size)
    lengths = _mean_lengths(plan)
    formula = _seconds_per_step(plan.config, work, lengths, (speed or matrix_speed)())
    factor, basis = _correction(precision_here(plan.config), work.parameters)
    seconds = formula * factor * VALIDATION
    per_epoch = -(-len(plan.train) // settings.batch_size)
    steps = _steps(settings, per_epoch, seconds)
    took = steps * seconds
    if settings.corrections:
        took = _CORRECTING_COST * seconds + _ASKING
    memory, size = _memory_bytes(plan, work, vocab_size), 2 * work.parameters + 15 * vocab_size
    scope = Scope(
        pairs=len(plan.train),
        new_pairs=plan.new_pairs,
        steps=steps,
        per_epoch=per_epoch,
        seconds_per_step=seconds,
        language=plan.language,
        base=plan.base,
        old_pairs=plan.old_pairs,
        corrections=settings.corrections,
    )
    told = [*advice(scope), *shortages(memory, 20 * work.parameters + size)]
    return Estimate(
        pairs=len(plan.train),
        validation_pairs=plan.validation,
        parameters=work.parameters,
        steps=steps,
        epochs=round(steps / per_epoch, 2),
        seconds=round(took + _START_AND_SAVE),
        seconds_per_step=round(formula, 5),
        tokens_per_second=round(settings.batch_size * lengths[1] / _PADDING[1] / seconds),
        basis=basis,
        memory_bytes=memory,
        bundle_bytes=size + 50_000,
        warnings=tuple(warned.text for warned in told),
        warning_codes=tuple(warned.code for warned in told),
    )


def _steps(settings: TrainingConfig, per_epoch: int, seconds: float) -> int:
    if settings.corrections:
        return settings.steps or round(settings.epochs or 0) or _CORRECTING_STEPS
    return planned_steps(settings, per_epoch, seconds)


def matrix_speed() -> float:
    """Returns the floating point operations a second of NumPy's float32 matrix product."""
    size = 768
    matrix = np.ones((size, size), np.float32)
    best = min(_seconds_of(matrix) for _ in range(6))
    return 2 * size**3 / best


def _seconds_of(matrix: Any) -> float:
    started = time.perf_counter()
    matrix @ matrix
    return max(time.perf_counter() - started, 1e-9)


def precision_here(config: Config) -> str:
    """Returns the precision that a training on this processor takes."""
    asked = config.training.precision
    if asked != "auto":
        return asked
    return "mixed_bfloat16" if has_bfloat16() else "float32"


def _mean_lengths(plan: Plan) -> tuple[float, float]:
    """Returns the mean padded length of sources and targets, from a sample of the pairs."""
    settings = plan.config.training
    sample = plan.train[:: max(1, len(plan.train) // _SAMPLE)]
    sources = [_tokens(plan, p.history) + len(p.history) for p in sample]
    targets = [_tokens(plan, (p.reply,)) + 1 for p in sample]
    return (
        min(settings.max_source_tokens, _PADDING[0] * statistics.fmean(sources)),
        min(settings.max_target_tokens, _PADDING[1] * statistics.fmean(targets)),
    )


def _tokens(plan: Plan, texts: Sequence[str]) -> float:
    if plan.tokenizer is not None:
        return sum(map(len, plan.tokenizer.encode_batch(texts)))
    return _PIECES_PER_WORD * sum(len(words(text)) for text in texts)


def _seconds_per_step(
    config: Config, work: Size, lengths: tuple[float, float], speed: float
) -> float:
    source, target = lengths
    model = config.model
    in_time = source * model.encoder_layers * (
        model.encoder == "recurrent"
    ) + target * model.decoder_layers * (model.decoder == "recurrent")
    passed = source * work.encoder + target * work.decoder
    share = _SHARE_OF_SPEED[precision_here(config)]
    in_parallel = 6 * config.training.batch_size * passed / (share * speed)
    return in_time * _SECONDS_PER_TIME_STEP + in_parallel


def _correction(precision: str, parameters: int) -> tuple[float, str]:
    """Returns how far the formula was off in the latest training here, and what is relied on.

    Only a network of about the same size counts.
    """
    folders = runs_folder().glob("*/events.jsonl")
    for path in sorted(folders, key=lambda path: path.stat().st_mtime, reverse=True)[:5]:
        factor = _measured_factor(RunFolder(path.parent), precision, parameters)
        if factor is not None:
            return min(3.0, max(0.3, factor)), f"the training {path.parent.name!r} on this machine"
    return 1.0, "the size of the network and the speed of this machine"


def _measured_factor(run: RunFolder, precision: str, parameters: int) -> float | None:
    """Returns measured / estimated seconds a step of a run, None where it does not tell both."""
    told = {event["event"]: event for event in run.events()}
    formula = told.get("setup", {}).get("estimate", {}).get("seconds_per_step")
    measured = told.get("estimate", {})
    if told.get("setup", {}).get("corrections"):  # its steps are of another kind
        return None
    if not formula or measured.get("precision") != precision or not measured.get("steps"):
        return None
    if not 1 / 4 < measured["parameters"] / parameters < 4:
        return None
    return float(measured["seconds"] / measured["steps"] / VALIDATION / formula)


def _memory_bytes(plan: Plan, work: Size, vocab_size: int) -> int:
    settings, model = plan.config.training, plan.config.model
    longest = settings.max_source_tokens, settings.max_target_tokens
    states = longest[0] * model.memory_units * model.encoder_layers
    states += longest[1] * model.decoder_units * model.decoder_layers
    arrays = 8 * longest[1] * vocab_size + 10 * states
    return round(
        _TENSORFLOW_BYTES
        + 24 * work.parameters
        + 4 * settings.batch_size * arrays
        + 600 * len(plan.train)
    )
