"""How many seconds of training until a network predicts unseen replies so well, and elsewhere?

    python benchmarks/time_to_quality.py --perplexity 100 --minutes 5   # at most 5 minutes a way
    python benchmarks/time_to_quality.py --quick                        # half a minute a way

Quality is the perplexity per word (words and one end a reply) on the validation side of DailyDialog
in ../shared/corpora, the same pairs and tokenizer for all. Our real trainer tells it in its events;
plain Keras `fit` and, where `torch` is installed, the same network in PyTorch with our batches,
learning rates and number of steps, are scored as often. Each way's clock starts at its first step,
graphs compiled, and runs while it is scored; ours also saves weights and answers its probe
messages. Each ends at the perplexity asked for, or when its minutes are over.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from asked import refused
from machine import described
from reply_latency import why_no_torch
from training_peers import DAILYDIALOG, KERAS, encoded, keras_nats, padded, plain_keras, run_in

from chatbot.config import EOS_ID
from chatbot.evaluation.metrics import perplexity
from chatbot.quiet import import_tensorflow
from chatbot.text.words import words
from chatbot.training.batches import BatchPlan, EncodedPairs, batches_in_order

OURS = "ours"
GOES_ON = 1.5  # of the planned minutes: steps may take longer than estimated


class Goal(NamedTuple):
    """When a way ends, and how it is scored."""

    perplexity: float  # per word
    seconds: float
    every: int  # steps between two scores
    tokens: int  # of the validation side
    words: int  # of the validation side, ends of replies counted

    def reached(self, found: Sequence[Score]) -> bool:
        """Says whether the last score is good enough."""
        return bool(found) and found[-1].perplexity <= self.perplexity


class Score(NamedTuple):
    """Where a way stood at one moment."""

    seconds: float
    step: int
    perplexity: float  # per word


def main() -> int:
    """Prints a table, then one JSON line; returns the exit status."""
    options = _options()
    if not DAILYDIALOG.is_file():
        print(f"Skipped: there is no {DAILYDIALOG}.")
        print(json.dumps({"skipped": "no DailyDialog"}))
        return 0
    import_tensorflow()
    with tempfile.TemporaryDirectory(prefix="quality-") as folder:
        every = f"training.validate_every={options.every}"
        budget = f"training.minutes={options.minutes}"
        run = run_in(Path(folder), DAILYDIALOG, [*options.set, every, budget])
        goal = goal_of(run, options)
        scores = {OURS: ours(run, goal), KERAS: plain_fit(run, goal)}
        skipped = why_no_torch(run.config().model)
        if not skipped:
            scores[options.torch] = torch_way(run, goal, options.torch)
    print(table(scores, goal))
    if skipped:
        print(f"PyTorch: skipped, {skipped}")
    told = {name: [one._asdict() for one in found] for name, found in scores.items()}
    print(json.dumps({**described(), "goal": goal._asdict(), "skipped": skipped, "scores": told}))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--perplexity", type=float, default=100.0, help="per word, to be reached")
    parser.add_argument("--minutes", type=float, default=5.0, help="for each way, at most")
    parser.add_argument("--every", type=int, default=100, help="steps between two scores")
    parser.add_argument(
        "--torch",
        default="PyTorch, bfloat16",
        choices=[
            f"PyTorch{way}" for way in ("", ", bfloat16", ", compiled", ", bfloat16, compiled")
        ],
        help="the fastest here, see train_throughput.py",
    )
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--quick", action="store_true", help="half a minute, every 20 steps")
    options = parser.parse_args()
    if options.quick:
        options.minutes, options.every = 0.5, 20
    if options.perplexity <= 1 or options.minutes <= 0 or options.every < 1:
        raise refused("--perplexity is above 1, --minutes above 0, and --every 1 or more.")
    return options


def goal_of(run: Any, options: argparse.Namespace) -> Goal:
    """Counts the validation side as the network sees it: replies too long are cut."""
    tokenizer, targets = run.tokenizer(), encoded(run, "validation").targets
    counted = sum(len(words(tokenizer.decode(ids))) + (ids[-1] == EOS_ID) for ids in targets)
    tokens = sum(map(len, targets))
    return Goal(options.perplexity, 60 * options.minutes, options.every, tokens, counted)


def ours(run: Any, goal: Goal) -> list[Score]:
    """Trains as `chatbot train` does, and reads the events that the trainer wrote."""
    from chatbot.training.job import run_training

    found: list[Score] = []
    started = time.time()

    def observe(event: str, facts: Any) -> None:
        nonlocal started
        if event == "started":
            started = time.time()
        if event == "validation":
            value = perplexity(facts["nats"] * goal.tokens / goal.words)
            found.append(Score(time.time() - started, facts["step"], value))

    def should_stop() -> bool:
        return goal.reached(found) or time.time() - started > GOES_ON * goal.seconds

    with run.locked():
        run_training(run, observe=observe, should_stop=should_stop)
    return found


def plain_fit(run: Any, goal: Goal) -> list[Score]:
    """Trains with `fit` on the whole training side, each pair padded to the longest."""
    import keras

    model = plain_keras(run.config(), run.tokenizer().vocab_size)
    inputs, targets = padded(encoded(run, "train"))
    size = run.config().training.batch_size
    scored, found = scorer(run, goal, keras_nats(model)), []
    model.fit([part[:size] for part in inputs], targets[:size], batch_size=size, verbose=0)
    started = time.time()

    class Watch(keras.callbacks.Callback):
        """Scores in the rhythm asked for, and ends the training."""

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            """Is called after each step."""
            step = int(self.model.optimizer.iterations) - 1  # one warmed it up
            if step % goal.every == 0:
                value = scored()  # part of the time
                found.append(Score(time.time() - started, step, value))
            late = time.time() - started > goal.seconds
            self.model.stop_training = self.model.stop_training or late or goal.reached(found)

    model.fit(inputs, targets, batch_size=size, epochs=1000, verbose=0, callbacks=[Watch()])
    return found


def torch_way(run: Any, goal: Goal, name: str) -> list[Score]:
    """Trains PyTorch's network with our batches, learning rates and number of steps."""
    from torch_seq2seq import WAYS, Learner

    from chatbot.training.schedule import learning_rate

    config, pairs = run.config(), encoded(run, "train")
    settings = config.training
    learner = Learner(config.model, run.tokenizer().vocab_size, settings, WAYS[name])
    plan = BatchPlan(lambda _: pairs, settings.batch_size, settings.seed)
    steps = next(event["steps"] for event in run.events() if event["event"] == "estimate")
    scored, found = scorer(run, goal, learner.nats), []
    learner.learn(plan.batch(0), learning_rate(settings, 0, steps))
    started = time.time()
    for step in range(steps):
        learner.learn(plan.batch(step), learning_rate(settings, step, steps))
        if (step + 1) % goal.every == 0:
            value = scored()  # part of the time
            found.append(Score(time.time() - started, step + 1, value))
        if goal.reached(found) or time.time() - started > GOES_ON * goal.seconds:
            break
    return found


def scorer(run: Any, goal: Goal, nats: Callable[..., float]) -> Callable[[], float]:
    """Returns what gives the perplexity per word of the weights as they are, graphs compiled."""
    pairs: EncodedPairs = encoded(run, "validation")
    batches = list(batches_in_order(pairs, run.config().training.batch_size))
    nats(batches)
    return lambda: perplexity(nats(batches) / goal.words)


def table(scores: dict[str, list[Score]], goal: Goal) -> str:
    """Returns a line for each way: when it reached the perplexity, or how far it came."""
    lines = [f"seconds to a perplexity per word of {goal.perplexity:g}"]
    first = {name: reached_at(found, goal) for name, found in scores.items()}
    for name, found in scores.items():
        seconds = first[name]
        if seconds is None:
            best = min((one.perplexity for one in found), default=float("nan"))
            spent = found[-1].seconds if found else goal.seconds
            lines.append(f"{name:28} not reached: {best:.1f} after {spent:.0f} s")
            continue
        times = f"{seconds / first[OURS]:6.2f} times ours" if first[OURS] else ""
        lines.append(f"{name:28} {seconds:8.1f} s  {found[-1].step:7,} steps {times}")
    return "\n".join(lines)


def reached_at(found: Sequence[Score], goal: Goal) -> float | None:
    """Returns the seconds of the first score that is good enough."""
    return next((one.seconds for one in found if one.perplexity <= goal.perplexity), None)


if __name__ == "__main__":
    sys.exit(main())
