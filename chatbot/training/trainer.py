"""The training loop: batches in, better weights out, and a folder that can always go on.

A run is a pure function of its folder: configuration, pairs, tokenizer, seed. The loop reads and
writes that folder and reports to one `observe` callable. Knows no page and no command line.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from chatbot.config import Config
from chatbot.errors import TrainingError
from chatbot.model.losses import TokenCrossEntropy
from chatbot.model.metrics import TokenNats
from chatbot.model.network import Seq2Seq, build_seq2seq
from chatbot.model.stored import load_into
from chatbot.text.tokenizer import Tokenizer
from chatbot.training.batches import Batch, BatchPlan, EncodedPairs, batches_in_order
from chatbot.training.device import choose_precision, describe_device
from chatbot.training.encoding import EpochEncoder, encode_pairs
from chatbot.training.processor import peak_memory_bytes
from chatbot.training.run import RunFolder
from chatbot.training.sampling import Mixer
from chatbot.training.schedule import VALIDATION, learning_rate, planned_steps

_PROGRESS_SECONDS = 1.0
_CALIBRATION_BATCHES = 8
_VALIDATIONS = 20  # in a run, unless training.validate_every says otherwise
_PROVING = 20  # steps at least, before their time corrects the plan


# done: every step; early: no more gain; kept: ended early by the owner, who keeps the best so far;
# learned: says each correction; stopped: interrupted, nothing is to be saved but the checkpoint.
Status = Literal["done", "early", "kept", "learned", "stopped"]
EVENTS: Mapping[Status, tuple[str, str]] = {  # what events.jsonl tells: the event and its reason
    "done": ("done", "all steps"),
    "early": ("early", "no more gain"),
    "kept": ("done", "stopped early"),
    "learned": ("done", "learned"),
    "stopped": ("stopped", "interrupted"),
}


class Observer(Protocol):
    """Is told what happens, as it happens; the same facts stand in events.jsonl."""

    def __call__(self, event: str, facts: Mapping[str, Any], /) -> None:
        """Receives an event's name and its facts."""


Probe = Callable[[Seq2Seq], dict[str, str]]  # message -> reply of the weights as they are


@dataclass
class Progress:
    """Where a run stands; stored in each checkpoint."""

    step: int = 0  # batches learned from
    steps: int = 0  # batches to learn from in all
    seconds: float = 0.0  # spent in earlier sittings and this one
    best_nats: float | None = None  # validation loss of the best weights, nats per token
    best_step: int = 0
    bad_validations: int = 0
    plan_again_at: int = 0  # the step at which minutes become steps anew; 0: never


class Outcome(NamedTuple):
    """How a sitting ended."""

    status: Status
    progress: Progress
    best_weights: list[NDArray[Any]]  # of the training view, in its order


class Trainer:
    """One sitting of a training: from its first step or the last checkpoint to a stop."""

    def __init__(
        self,
        run: RunFolder,
        *,
        observe: Observer,
        should_stop: Callable[[], bool],
        probe: Probe,
    ) -> None:
        """Builds the network and brings it to where the run stands.

        Args:
            run: a folder that was set up.
            observe: is told of each event.
            should_stop: asked after each step.
            probe: answers the probe messages at each validation.
        """
        self.run, self._observe = run, observe
        self._should_stop, self._probe = should_stop, probe
        self.config = run.config()
        self._settings = self.config.training
        keras.utils.set_random_seed(self._settings.seed)
        tokenizer = run.tokenizer()
        self._data = _Data.of(run, tokenizer, self.config)
        self.seq2seq = compiled(self.config, tokenizer.vocab_size)
        self._model = self.seq2seq.training
        self._mixer = Mixer(self._model, self._settings)
        self.progress = Progress()
        self._validated: int | None = None  # the step, in this sitting
        self._previous: dict[str, str] = {}  # what the base answered to the probe messages
        self._count_anew()

    def train(self) -> Outcome:
        """Runs to the end, to an early end, or until asked to stop; all of it resumable."""
        self._start_from_base()
        seconds = self._time_steps()
        resumed = self._restore()
        if not resumed:
            self._plan_steps(seconds)
            self._checkpoint()  # the steps that the minutes became must outlive a crash
        self._tell("resumed" if resumed else "started", **asdict(self.progress))
        status = self._loop()
        if status == "kept":
            self._validate_what_is_kept()
        self._checkpoint()
        event, reason = EVENTS[status]
        reason = reason if self.progress.step else "nothing to keep yet"
        self._tell(event, reason=reason, **asdict(self.progress))
        return Outcome(status, self.progress, self._best_weights())

    def _loop(self) -> Status:
        progress, started, saved = self.progress, time.monotonic(), time.monotonic()
        before = progress.seconds
        if self._gains_no_more():  # a run that had ended early is not taken further
            return "early"
        if not progress.step and self.run.asked_to_stop():  # there is nothing to keep yet
            return "stopped"
        while progress.step < progress.steps:
            self._learn(self._data.plan.batch(progress.step))
            progress.step += 1
            progress.seconds = before + time.monotonic() - started
            if progress.step == progress.plan_again_at:
                self._plan_again()
            if self._validation_due() and not self._validate():
                return "early"
            if self._should_stop():
                return "stopped"
            if self.run.asked_to_stop() and progress.step < progress.steps:
                return "kept"
            if time.monotonic() - saved >= self._settings.checkpoint_seconds:
                self._checkpoint()
                saved = time.monotonic()
            self._report()
        return "done"

    def _learn(self, batch: Batch) -> None:
        rate = learning_rate(self._settings, self.progress.step, self.progress.steps)
        self._model.optimizer.learning_rate = rate
        inputs = self._mixer.inputs(batch, self.progress.step, self.progress.steps)
        logs = self._model.train_on_batch(inputs, batch.target_ids, batch.weights, return_dict=True)
        self._learned.add(float(logs["nats"]), batch.tokens)
        self._tokens += batch.tokens

    def _start_from_base(self) -> None:
        vectors = self.run.load_arrays("vectors")
        if vectors is not None:
            self.seq2seq.embeddings.begin_with(*vectors[0])
        if self.run.initial_weights.is_file():
            load_into(self._model, self.run.initial_weights)
            self._previous = self._probe(self.seq2seq)

    # Estimates.

    def _time_steps(self) -> float:
        """Returns the seconds a step takes on real batches, and undoes what they taught.

        A resumed run does it as well: the graph that TensorFlow compiles depends on the shapes
        that it meets first, and two graphs round differently in the last bit.
        """
        before = self._variables()
        seconds = self._seconds_per_step()
        assign(self._variable_list(), before)
        self._count_anew()
        return seconds

    def _plan_steps(self, seconds: float) -> None:
        """Turns the budget into steps and tells what they will cost."""
        per_epoch = self._data.plan.batches_per_epoch
        self.progress.steps = planned_steps(self._settings, per_epoch, seconds)
        tenth = max(_PROVING, self.progress.steps // 10)
        if self._settings.minutes and 2 * tenth < self.progress.steps:
            self.progress.plan_again_at = tenth
        self._tell(
            "estimate",
            device=describe_device(),
            precision=choose_precision(self._settings),
            parameters=int(self._model.count_params()),
            pairs=self._data.plan.pairs,
            steps=self.progress.steps,
            epochs=round(self.progress.steps / per_epoch, 2),
            seconds=round(self.progress.steps * seconds, 1),
            memory_bytes=peak_memory_bytes(),
        )

    def _plan_again(self) -> None:
        """Corrects the plan once, by what its first tenth took: much may run beside it at first."""
        progress, per_epoch = self.progress, self._data.plan.batches_per_epoch
        seconds = progress.seconds / progress.step  # with validating and saving
        progress.steps = max(progress.step, planned_steps(self._settings, per_epoch, seconds))
        self._checkpoint()

    def _seconds_per_step(self) -> float:
        """Returns the mean time of real batches, with what validating and saving add to it."""
        plan = self._data.plan
        spread = [plan.batch(i) for i in range(min(_CALIBRATION_BATCHES, plan.batches_per_epoch))]
        self._learn(plan.longest())  # the most memory of any step
        passes = [self._seconds_for(spread) for _ in range(3)]  # the first of them compiles
        return VALIDATION * min(passes) / len(spread)  # the least disturbed by what else runs here

    def _seconds_for(self, batches: Sequence[Batch]) -> float:
        started = time.monotonic()
        for batch in batches:
            self._learn(batch)
        return time.monotonic() - started

    # Validation.

    def _validation_due(self) -> bool:
        every = self._settings.validate_every or max(1, self.progress.steps // _VALIDATIONS)
        return self.progress.step % every == 0 or self.progress.step == self.progress.steps

    def _validate(self) -> bool:
        """Scores the validation side, keeps the best weights; False when there is no more gain."""
        nats = self._validation_nats()
        better = self._keep_if_best(nats)
        self._tell(
            "validation",
            step=self.progress.step,
            train_nats=round(self._learned.mean, 4),
            nats=round(nats, 4),
            perplexity=round(math.exp(min(nats, 50)), 2),
            best=better,
            replies=self._probe(self.seq2seq),
            **({"previous": self._previous} if self._previous else {}),
        )
        self._validated = self.progress.step
        self._count_anew()
        return not self._gains_no_more()

    def _validation_nats(self) -> float:
        """Returns the loss on the validation side, nats per token; neither loss may diverge."""
        batches = batches_in_order(self._data.validation, self._settings.batch_size)
        nats = nats_per_token(self._model, batches)
        self._refuse_divergence(nats)
        self._refuse_divergence(self._learned.mean)
        return nats

    def _keep_if_best(self, nats: float) -> bool:
        """Saves the weights if none scored better so far, and returns whether it did."""
        progress = self.progress
        if progress.best_nats is not None and nats >= progress.best_nats:
            progress.bad_validations += 1
            return False
        progress.best_nats, progress.best_step, progress.bad_validations = nats, progress.step, 0
        self.run.save_arrays("best", self._weights(), {"step": progress.step, "nats": nats})
        return True

    def _count_anew(self) -> None:
        self._learned = TokenMean()  # since the last validation
        self._tokens, self._since = 0, time.monotonic()  # since the last report

    def _refuse_divergence(self, nats: float) -> None:
        """Ends the training once its loss is no number, which no event can tell either.

        Raises:
            TrainingError: saying what to do.
        """
        if not math.isfinite(nats):
            raise TrainingError(
                f"The loss is no number any more at step {self.progress.step:,}: the training "
                "diverged. Start it again with a lower training.learning_rate."
            )

    def _validate_what_is_kept(self) -> None:
        """Measures the last weights, which may be the best; a resumed run is none the wiser."""
        bad = self.progress.bad_validations
        if self._validated != self.progress.step:
            self._validate()
        if self.progress.bad_validations:  # this validation stands outside of the run's rhythm
            self.progress.bad_validations = bad

    def _gains_no_more(self) -> bool:
        return self.progress.bad_validations >= self._settings.patience

    # Saving.

    def _checkpoint(self) -> None:
        self.run.save_arrays("checkpoint", self._variables(), asdict(self.progress))
        self._tell("checkpoint", step=self.progress.step)

    def _restore(self) -> bool:
        saved = self.run.load_arrays("checkpoint")
        if saved is None:
            return False
        arrays, facts = saved
        assign(self._variable_list(), arrays)
        self.progress = Progress(**facts)
        return True

    def _best_weights(self) -> list[NDArray[Any]]:
        saved = self.run.load_arrays("best")
        return saved[0] if saved is not None else self._weights()

    def _variable_list(self) -> list[Any]:
        """Everything a bit-exact resume needs: weights, dropout seeds, optimiser.

        `load_weights` alone silently leaves a shared Dropout's seed behind.
        """
        return [*self._model.variables, *self._model.optimizer.variables]

    def _variables(self) -> list[NDArray[Any]]:
        return copies(self._variable_list())

    def _weights(self) -> list[NDArray[Any]]:
        return copies(self._model.weights)

    # Telling.

    def _report(self) -> None:
        elapsed = time.monotonic() - self._since
        if elapsed < _PROGRESS_SECONDS:
            return
        self._refuse_divergence(self._learned.mean)
        progress = self.progress
        self._tell(
            "progress",
            step=progress.step,
            steps=progress.steps,
            epoch=round(progress.step / self._data.plan.batches_per_epoch, 2),
            nats=round(self._learned.mean, 4),
            tokens_per_second=round(self._tokens / elapsed),
            seconds_left=round(progress.seconds / progress.step * (progress.steps - progress.step)),
        )
        self._tokens, self._since = 0, time.monotonic()

    def _tell(self, event: str, **facts: Any) -> None:
        self.run.log(event, **facts)
        self._observe(event, facts)


class TokenMean:
    """The mean nats per token over batches, each token weighing the same.

    Keras resets its own metrics at every `train_on_batch` and `test_on_batch`.
    """

    def __init__(self) -> None:
        """Starts empty."""
        self._nats, self._tokens = 0.0, 0

    def add(self, nats: float, tokens: int) -> None:
        """Adds a batch by its mean and its number of real target tokens."""
        self._nats += nats * tokens
        self._tokens += tokens

    @property
    def mean(self) -> float:
        """The mean so far, 0 before the first batch."""
        return self._nats / max(1, self._tokens)


def nats_per_token(model: keras.Model, batches: Iterable[Batch]) -> float:
    """Scores batches with a compiled training view: mean nats per real target token."""
    total = TokenMean()
    for batch in batches:
        inputs = [batch.source_ids, batch.decoder_input_ids]
        logs = model.test_on_batch(inputs, batch.target_ids, batch.weights, return_dict=True)
        total.add(float(logs["nats"]), batch.tokens)
    return total.mean


class _Data(NamedTuple):
    validation: EncodedPairs
    plan: BatchPlan

    @classmethod
    def of(cls, run: RunFolder, tokenizer: Tokenizer, config: Config) -> _Data:
        settings = config.training
        pairs_of = EpochEncoder(run.pairs("train", fill=False), tokenizer, settings)
        validation = encode_pairs(run.pairs("validation"), tokenizer, settings)
        return cls(
            validation,
            BatchPlan(pairs_of, settings.batch_size, settings.seed, bucketing=settings.bucketing),
        )


def compiled(config: Config, vocab_size: int) -> Seq2Seq:
    """Builds the network of a configuration with fresh weights, ready for `train_on_batch`."""
    settings = config.training
    seq2seq = build_seq2seq(config.model, vocab_size, choose_precision(settings))
    optimizer = keras.optimizers.Adam(settings.learning_rate, global_clipnorm=settings.clip_norm)
    seq2seq.training.compile(
        optimizer=optimizer,
        loss=TokenCrossEntropy(settings.label_smoothing),
        weighted_metrics=[TokenNats()],
        jit_compile=False,  # XLA did not help recurrent training here
    )
    optimizer.build(seq2seq.training.trainable_variables)  # so that a checkpoint finds its places
    return seq2seq


def copies(variables: Sequence[Any]) -> list[NDArray[Any]]:
    """Returns the values of variables, which later steps do not change."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def assign(variables: Sequence[Any], arrays: Sequence[NDArray[Any]]) -> None:
    """Writes arrays into variables, in order."""
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
