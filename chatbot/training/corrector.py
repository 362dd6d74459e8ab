"""Teaches a bot its corrections, and nothing else: it goes on to say the rest as before.

Plain fine-tuning on five pairs changes most replies of a small network, since beside each reply
stand others that are almost as likely. So each step follows the natural gradient (Amari 1998,
Neural Computation 10(2)): the weights move where that changes least of what the bot says
otherwise, as measured on its own replies (curvature.py). To the loss of the corrections comes the
divergence from the base, on other messages at each step. It ends as soon as the bot says each
correction in a chat, by its own search and by the greedy one, and still answers messages that it
was not trained on as before. Knows no page and no command line.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from chatbot.bundle import read_tones
from chatbot.config import DecodingConfig
from chatbot.corpus.records import DialoguePair
from chatbot.errors import ChatbotError, TrainingError
from chatbot.files import models_folder
from chatbot.model.live import LiveNetwork
from chatbot.model.losses import TokenCrossEntropy
from chatbot.model.metrics import TokenNats
from chatbot.model.network import Seq2Seq, build_seq2seq
from chatbot.tact import Tact
from chatbot.text.source import pad
from chatbot.text.tones import Tones
from chatbot.training.answers import Answers
from chatbot.training.batches import Batch, EncodedPairs, batches_in_order, pad_batch
from chatbot.training.corrections import lessons
from chatbot.training.curvature import Curvature
from chatbot.training.device import describe_device
from chatbot.training.encoding import encode_pairs
from chatbot.training.processor import peak_memory_bytes
from chatbot.training.run import RunFolder
from chatbot.training.trainer import (
    EVENTS,
    Observer,
    Outcome,
    Progress,
    Status,
    assign,
    copies,
    nats_per_token,
)
from chatbot.training.turns import turns_shown

# All measured with the English bot and corrections that have nothing to do with what it knows.
_DAMPING = 0.1  # 0.03 and 1 change more replies
_CURVATURE_BATCHES, _CURVATURE_ROWS = 40, 32  # for the directions, and again for their sizes
_FIRST_STEP = 2e-5  # nats per token that the first step may change of what is said otherwise
_DRIFT_WEIGHT, _DRIFT_ROWS = 8.0, 64  # of a rehearsed token beside one of a correction
_ROWS = 96  # of corrections, in a step
# From this probability on a token is learned. That is enough where other replies are unlikely; a
# bot that has one reply to many messages needs more, so what is asked for grows with the steps.
_LIKELY, _DOUBT_HALVES = 0.6, 24
_CHECK_EVERY = 8  # steps
_KEPT_ENOUGH = 0.97  # share of the held messages that are answered as before
_PATIENCE = 2  # checks without gain, once each correction is said
_STEPS, _MOST_STEPS = 200, 1_000  # by default; where minutes are given
_MESSAGES_TOLD = 10
_GREEDY = DecodingConfig(strategy="greedy")


class _Check(NamedTuple):
    """How far the bot is; the first that differs decides which is better."""

    said: int  # corrections, of all
    kept: float  # share of the held messages that are answered as before


class Corrector:
    """One sitting of a training that teaches corrections; serves like `Trainer`."""

    def __init__(
        self, run: RunFolder, *, observe: Observer, should_stop: Callable[[], bool]
    ) -> None:
        """Builds the base twice: to change one, and to compare it with the other."""
        if keras.backend.backend() != "tensorflow":
            raise TrainingError(
                "Corrections are taught with TensorFlow. Set KERAS_BACKEND=tensorflow, or unset it."
            )
        from chatbot.training.gradients import Gradients

        self.run, self._observe, self._should_stop = run, observe, should_stop
        self.config, self._tokenizer = run.config(), run.tokenizer()
        self.seq2seq = self._base()
        self._weights = self.seq2seq.training.weights
        self._gradients = Gradients(self.seq2seq, self._base())
        self._corrections, self._held = run.pairs("corrections"), run.pairs("held")
        self._rehearsed = self._encoded(run.pairs("rehearsal"))
        self._taught = self._encoded(lessons(self._corrections, turns_shown(self.config)))
        network = LiveNetwork(self.seq2seq, run.shortlist())
        self._answers = Answers(network, self._tokenizer, self.config)
        self._tact = Tact(_tones_of_base(run), self._tokenizer.encode_batch, network)
        self._curvature = Curvature(_DAMPING)
        self.progress, self._best, self._missing = Progress(), _Check(-1, 0.0), list[str]()
        self._previous: dict[str, str] = {}
        self._length, self._nats, self._tokens_a_step = 0.0, 0.0, 0

    def train(self) -> Outcome:
        """Learns until each correction is said, until asked to stop, or for all its steps."""
        self._previous = self._said_to(self._messages())
        self._measure_curvature()
        self._length = self._first_length()
        resumed = self._restore()
        if not resumed:
            self._plan_steps()
            self._checkpoint()
        self._tell("resumed" if resumed else "started", **asdict(self.progress))
        status = self._loop()
        self._checkpoint()
        event, reason = EVENTS[status]
        reason = reason if self.progress.step else "nothing to keep yet"
        self._tell(event, reason=reason, not_said=self._missing, **asdict(self.progress))
        return Outcome(status, self.progress, self._best_weights())

    def _base(self) -> Seq2Seq:
        seq2seq = build_seq2seq(self.config.model, self._tokenizer.vocab_size)
        seq2seq.training.load_weights(self.run.initial_weights)
        seq2seq.training.compile(
            loss=TokenCrossEntropy(), weighted_metrics=[TokenNats()], jit_compile=False
        )
        return seq2seq

    def _encoded(self, pairs: Sequence[DialoguePair]) -> EncodedPairs:
        return encode_pairs(pairs, self._tokenizer, self.config.training)

    # Steps.

    def _loop(self) -> Status:
        progress = self.progress
        before, started = progress.seconds, time.monotonic()
        if not progress.step and self.run.asked_to_stop():
            return "stopped"
        while progress.step < progress.steps:
            self._step()
            progress.step += 1
            progress.seconds = before + time.monotonic() - started
            self._report()
            asked = self.run.asked_to_stop()
            due = progress.step % _CHECK_EVERY == 0 or progress.step == progress.steps
            if (due or asked) and self._checked():
                return "learned"
            if self._should_stop():
                return "stopped"
            if asked:
                return "kept"
        return "done"

    def _step(self) -> None:
        """Moves the weights along the natural gradient, no further than the first step did."""
        self._nats, gradient = self._gradient()
        direction = self._curvature.shaped(gradient)
        length = min(self._length, self._length_of(direction))
        trained = self.seq2seq.training.trainable_variables
        for variable, part in zip(trained, direction, strict=True):
            variable.assign_sub(length * part)

    def _gradient(self) -> tuple[float, list[NDArray[Any]]]:
        """Returns the corrections' nats per token, and the gradient of them and of the drift."""
        step = self.progress.step
        taught = self._drawn(self._taught, step, _ROWS)
        self._tokens_a_step = taught.tokens
        likely = 1 - (1 - _LIKELY) * 0.5 ** (step / _DOUBT_HALVES)
        nats, gradient = self._gradients.of_corrections(taught, likely)
        if not self._rehearsed:  # there is nothing to drift from
            return nats, gradient
        rehearsed = self._drawn(self._rehearsed, step, _DRIFT_ROWS)
        self._tokens_a_step += rehearsed.tokens
        drift = self._gradients.of_drift(rehearsed)
        return nats, [g + _DRIFT_WEIGHT * d for g, d in zip(gradient, drift, strict=True)]

    def _first_length(self) -> float:
        """Returns how far the corrections alone move the base in a first step."""
        taught = self._drawn(self._taught, 0, _ROWS)
        _, gradient = self._gradients.of_corrections(taught, _LIKELY)
        return self._length_of(self._curvature.shaped(gradient))

    def _length_of(self, direction: Sequence[NDArray[Any]]) -> float:
        """Returns how far to go in a direction until what is said changes by `_FIRST_STEP`."""
        return math.sqrt(2 * _FIRST_STEP / max(self._curvature.size(direction), 1e-30))

    def _measure_curvature(self) -> None:
        """Measures how much each direction matters to what the base says to other messages.

        To the corrected ones, where it knows no other.
        """
        for index in range(_CURVATURE_BATCHES):
            self._curvature.add(self._own_words(index))
        self._curvature.turn()
        for index in range(_CURVATURE_BATCHES, 2 * _CURVATURE_BATCHES):
            self._curvature.weigh(self._own_words(index))

    def _own_words(self, index: int) -> list[NDArray[Any]]:
        batch = self._drawn(self._rehearsed or self._taught, -1 - index, _CURVATURE_ROWS)
        return self._gradients.of_own_words(batch, index)

    def _drawn(self, pairs: EncodedPairs, index: int, rows: int) -> Batch:
        """Returns rows for a step, or for a negative index, the same whenever asked for."""
        random = np.random.default_rng([self.config.training.seed, index % 2**32])
        return pad_batch(pairs, random.permutation(len(pairs))[:rows])

    def _plan_steps(self) -> None:
        """Turns the budget into steps; most trainings end long before, when all is learned."""
        settings = self.config.training
        self._gradient()  # compiles
        started = time.monotonic()
        self._curvature.shaped(self._gradient()[1])
        seconds = 1.3 * (time.monotonic() - started)  # the checks come on top
        by_time = min(_MOST_STEPS, int(60 * settings.minutes / seconds)) if settings.minutes else 0
        asked = settings.steps or round(settings.epochs or 0)  # each step is an epoch
        self.progress.steps = max(1, asked or by_time or _STEPS)
        self._tell(
            "estimate",
            device=describe_device(),
            precision="float32",
            parameters=int(self.seq2seq.training.count_params()),
            pairs=len(self._corrections),
            steps=self.progress.steps,
            epochs=self.progress.steps,
            seconds=round(self.progress.steps * seconds, 1),
            memory_bytes=peak_memory_bytes(),
        )

    # Checks.

    def _checked(self) -> bool:
        """Checks, and saves at once, so that a resumed run knows the best of its own past."""
        enough = self._check()
        self._checkpoint()
        return enough

    def _check(self) -> bool:
        """Asks the bot as it would be saved, keeps the best so far; True when that will do."""
        exact = copies(self._weights)
        assign(self._weights, [array.astype("float16").astype("float32") for array in exact])
        try:
            missing = self._not_said()
            found = _Check(len(self._corrections) - len(missing), self._kept())
            self._tell_check(found, missing)
        finally:
            assign(self._weights, exact)
        all_said = not missing
        return all_said and (
            found.kept >= _KEPT_ENOUGH or self.progress.bad_validations >= _PATIENCE
        )

    def _tell_check(self, found: _Check, missing: list[str]) -> None:
        progress, better = self.progress, found > self._best
        nats = self._held_nats()
        progress.bad_validations = 0 if better else progress.bad_validations + 1
        if better:
            self._best, self._missing = found, missing
            progress.best_nats, progress.best_step = nats, progress.step
            facts = {"step": progress.step, "missing": missing, **found._asdict()}
            self.run.save_arrays("best", copies(self._weights), facts)
        self._tell(
            "validation",
            step=progress.step,
            train_nats=round(self._nats, 4),
            nats=round(nats, 4),
            perplexity=round(math.exp(min(nats, 50)), 2),
            best=better,
            said=found.said,
            corrections=len(self._corrections),
            kept=round(found.kept, 4),
            replies=self._said_to(self._messages()),
            previous=self._previous,
        )

    def _not_said(self) -> list[str]:
        """Returns the messages whose correction is not the reply of both searches."""
        histories = [pair.history for pair in self._corrections]
        own, greedy = (self._answers(histories, how) for how in (self.config.decoding, _GREEDY))
        return [
            pair.history[-1]
            for pair, *replies in zip(self._corrections, own, greedy, strict=True)
            if any(reply != pair.reply for reply in replies) or self._overruled(pair)
        ]

    def _overruled(self, pair: DialoguePair) -> bool:
        """Tells whether the bot would say another line out of tact."""
        source = pad([self._answers.source(pair.history)])
        return self._tact.forbids(pair.reply, source, self.config.decoding)

    def _kept(self) -> float:
        """Returns the share of the held messages that are answered as the base does."""
        if not self._held:
            return 1.0
        replies = self._answers([pair.history for pair in self._held], self.config.decoding)
        same = [reply == pair.reply for reply, pair in zip(replies, self._held, strict=True)]
        return sum(same) / len(same)

    def _held_nats(self) -> float:
        """Returns the nats per token of what the base says to the held messages."""
        pairs = self._encoded(self._held or self._corrections)
        return nats_per_token(self.seq2seq.training, batches_in_order(pairs, _DRIFT_ROWS))

    def _messages(self) -> list[str]:
        """Returns what is shown of the bot while it learns: corrected messages, then others."""
        pairs = [*self._corrections[:_MESSAGES_TOLD], *self._held]
        return list(dict.fromkeys(pair.history[-1] for pair in pairs))[:_MESSAGES_TOLD]

    def _said_to(self, messages: Sequence[str]) -> dict[str, str]:
        replies = self._answers([[message] for message in messages], self.config.decoding)
        return dict(zip(messages, replies, strict=True))

    # Saving and telling.

    def _checkpoint(self) -> None:
        self.run.save_arrays("checkpoint", copies(self._weights), asdict(self.progress))
        self._tell("checkpoint", step=self.progress.step)

    def _restore(self) -> bool:
        saved = self.run.load_arrays("checkpoint")
        if saved is None:
            return False
        assign(self._weights, saved[0])
        self.progress = Progress(**saved[1])
        self._restore_best()
        return True

    def _restore_best(self) -> None:
        """Takes the best over, unless it is of a step that a crash undid and that comes again."""
        saved = self.run.load_arrays("best")
        if saved is None:
            return
        facts = saved[1]
        if facts.get("step", 0) <= self.progress.step:  # older runs note no step
            self._best, self._missing = _Check(facts["said"], facts["kept"]), facts["missing"]

    def _best_weights(self) -> list[NDArray[Any]]:
        saved = self.run.load_arrays("best")
        return saved[0] if saved is not None else copies(self._weights)

    def _report(self) -> None:
        progress = self.progress
        per_step = progress.seconds / progress.step
        self._tell(
            "progress",
            step=progress.step,
            steps=progress.steps,
            epoch=progress.step,
            nats=round(self._nats, 4),
            tokens_per_second=round(self._tokens_a_step / max(per_step, 1e-6)),
            seconds_left=round(per_step * (progress.steps - progress.step)),
        )

    def _tell(self, event: str, **facts: Any) -> None:
        self.run.log(event, **facts)
        self._observe(event, facts)


def _tones_of_base(run: RunFolder) -> Tones:
    """Returns the tones that the taught bot keeps; none where its base is gone."""
    base = run.about()["base"]
    try:
        return read_tones(models_folder() / base) if base else Tones()
    except ChatbotError:
        return Tones()
