"""How many target tokens a second does training learn from, and how many elsewhere?

    python benchmarks/train_throughput.py                 # 5 to 10 minutes; without torch 3
    python benchmarks/train_throughput.py --quick         # 2 to 4 minutes, rough
    python benchmarks/train_throughput.py corpora/faq.en.yml --set model.encoder_units=16 \\
        --set model.decoder_units=32                      # other corpora and sizes

The default network and batch on real pairs (DailyDialog where ../shared/corpora holds it, else the
small talk). Ours, plain Keras `fit` on batches padded to the longest pair, and, where `torch` is
installed, the same network in PyTorch in four ways learn from the same pairs by turns; JoeyNMT,
where installed, trains its nearest network in a process of its own. Only real tokens count. The
share of the peak: the FLOPs of a step's matrix products, padding included, a second, over what one
large product reaches in the same kind of number. Goal: 1.5 times as fast as the best of the others,
and half of the peak.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from asked import refused
from machine import LARGE, described, product_peak
from reply_latency import by_turns, why_no_torch
from training_peers import (
    DAILYDIALOG,
    KERAS,
    SMALL_TALK,
    encoded,
    joeynmt_rate,
    padded,
    plain_keras,
    run_in,
)

from chatbot.config import PAD_ID, Config, ModelConfig
from chatbot.model.size import size_of
from chatbot.quiet import import_tensorflow
from chatbot.training.batches import Batch, BatchPlan, EncodedPairs

OURS, JOEYNMT = "ours", "JoeyNMT"


class Case(NamedTuple):
    """One way to learn from the pairs."""

    learn: Callable[[], object]
    flops: float  # of the matrix products
    dtype: str  # that they are computed in
    parameters: int


class Task(NamedTuple):
    """What every case learns: the same pairs, as our batches."""

    config: Config
    vocab_size: int
    plan: BatchPlan
    batches: int
    pairs: EncodedPairs  # of the batches

    @property
    def tokens(self) -> int:
        """The real target tokens."""
        return sum(map(len, self.pairs.targets))


def main() -> int:
    """Prints a table, then one JSON line; returns the exit status."""
    options = _options()
    import_tensorflow()
    with tempfile.TemporaryDirectory(prefix="throughput-") as folder:
        run = run_in(Path(folder), options.corpus, options.set)
        task = task_of(run, options.batches)
        cases, skipped = cases_of(run, task)
        seconds = by_turns({name: case.learn for name, case in cases.items()}, options.repeats)
        peaks = {
            kind: product_peak(LARGE, LARGE, LARGE, kind)
            for kind in sorted({case.dtype for case in cases.values()})
        }
        rows = [row(name, case, task, seconds[name], peaks) for name, case in cases.items()]
        joeynmt = None if options.quick else joeynmt_row(Path(folder), task, skipped)
    rows += [joeynmt] if joeynmt else []
    print(table(rows, size_of(task.config.model, task.vocab_size).parameters))
    for name, reason in skipped.items():
        print(f"{name}: skipped, {reason}")
    about = {"corpus": options.corpus.name, "tokens": task.tokens, "batches": task.batches}
    print(json.dumps({**described(), **about, "skipped": skipped, "rows": rows}))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    usual = DAILYDIALOG if DAILYDIALOG.is_file() else SMALL_TALK
    parser.add_argument("corpus", nargs="?", type=Path, default=usual)
    parser.add_argument("--batches", type=int, default=8, help="in one turn of a case")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--quick", action="store_true", help="1 repeat of 2 batches, no JoeyNMT")
    options = parser.parse_args()
    if min(options.batches, options.repeats) < 1:
        raise refused("--batches and --repeats are counts from 1 on.")
    if options.quick:
        options.batches, options.repeats = 2, 1
    return options


def task_of(run: Any, batches: int) -> Task:
    """Returns the first batches of an epoch, which its seed has shuffled."""
    config, pairs = run.config(), encoded(run, "train")
    settings = config.training
    plan = BatchPlan(lambda _: pairs, settings.batch_size, settings.seed)
    batches = min(batches, plan.batches_per_epoch)
    seen = [plan.batch(step) for step in range(batches)]
    return Task(config, run.tokenizer().vocab_size, plan, batches, unpadded(seen))


def unpadded(batches: Sequence[Batch]) -> EncodedPairs:
    """Returns the pairs that stand in batches."""
    return EncodedPairs(
        [row[row != PAD_ID].tolist() for batch in batches for row in batch.source_ids],
        [row[row != PAD_ID].tolist() for batch in batches for row in batch.target_ids],
    )


def cases_of(run: Any, task: Task) -> tuple[dict[str, Case], dict[str, str]]:
    """Returns what is timed, and why the others are not."""
    cases = {OURS: our_case(run, task), KERAS: keras_case(task)}
    reason = why_no_torch(task.config.model)
    if reason:
        return cases, {"PyTorch": reason}
    return cases | torch_cases(task), {}


def our_case(run: Any, task: Task) -> Case:
    """Returns the trainer's own step on our batches, in the precision that it chooses."""
    from chatbot.training.device import choose_precision
    from chatbot.training.trainer import Trainer

    trainer = Trainer(run, observe=lambda *_: None, should_stop=lambda: False, probe=lambda _: {})
    model = trainer.seq2seq.training

    def learn(batch: Batch) -> None:
        inputs = [batch.source_ids, batch.decoder_input_ids]
        model.train_on_batch(inputs, batch.target_ids, batch.weights, return_dict=True)

    dtype = choose_precision(task.config.training).removeprefix("mixed_")
    return Case(over(task, learn), bucketed_flops(task), dtype, model.count_params())


def keras_case(task: Task) -> Case:
    """Returns `fit` on the same pairs, in any order and padded to the longest of them."""
    model = plain_keras(task.config, task.vocab_size)
    inputs, targets = padded(task.pairs)
    shape = (len(targets), inputs[0].shape[1], targets.shape[1])
    size = task.config.training.batch_size
    return Case(
        lambda: model.fit(inputs, targets, batch_size=size, verbose=0),
        product_flops(task.config.model, task.vocab_size, *shape),
        "float32",
        model.count_params(),
    )


def torch_cases(task: Task) -> dict[str, Case]:
    """Returns PyTorch's four ways on our batches."""
    from torch_seq2seq import WAYS, Learner

    cases = {}
    for name, way in WAYS.items():
        learner = Learner(task.config.model, task.vocab_size, task.config.training, way)
        learn = over(task, learner.learn)
        cases[name] = Case(learn, bucketed_flops(task), way.dtype, learner.parameters)
    return cases


def over(task: Task, learn: Callable[[Batch], object]) -> Callable[[], object]:
    """Returns one turn: each batch is put together and learned from."""
    return lambda: [learn(task.plan.batch(step)) for step in range(task.batches)]


def joeynmt_row(folder: Path, task: Task, skipped: dict[str, str]) -> dict[str, Any] | None:
    """Returns JoeyNMT's row; None where it cannot be had, and why in `skipped`."""
    if importlib.util.find_spec("joeynmt") is None:
        skipped[JOEYNMT] = "joeynmt is not installed (it is no requirement of this project)"
        return None
    try:
        rate = joeynmt_rate(folder, task.pairs, task.config, updates=5 * task.batches + 11)
    except ValueError as error:
        skipped[JOEYNMT] = str(error)
        return None
    return {"name": JOEYNMT, "tokens_per_second": round(rate)}


def bucketed_flops(task: Task) -> float:
    """Returns the FLOPs of one turn over our batches."""
    shapes = [
        (*b.source_ids.shape, b.target_ids.shape[1])
        for b in map(task.plan.batch, range(task.batches))
    ]
    return sum(product_flops(task.config.model, task.vocab_size, *shape) for shape in shapes)


def product_flops(
    model: ModelConfig, vocab_size: int, rows: int, source: int, target: int
) -> float:
    """Returns the FLOPs of the matrix products of a training step on (rows,source), (rows,target).

    Each product of the way forward has two on the way back, for what it read and for its weights;
    a multiplication and an addition are two FLOPs. Attention hands a summary on for nothing: its
    weights sum to one.
    """
    read, units, memory = model.embedding_units, model.decoder_units, model.memory_units
    own, joined = model.encoder_units, model.context_units + units
    for_source = 2 * 3 * own * (read + own)
    for_target = 3 * units * (read + units) + joined * read + read * vocab_size
    attention = 2 * source * units
    products = source * for_source + memory * units + target * (for_target + attention)
    return 2.0 * 3.0 * rows * products


def row(
    name: str, case: Case, task: Task, seconds: float, peaks: Mapping[str, float]
) -> dict[str, Any]:
    """Returns what is told of a case; `peaks` in FLOPs a second."""
    rate = case.flops / seconds
    return {
        "name": name,
        "tokens_per_second": round(task.tokens / seconds),
        "milliseconds_a_step": round(1000 * seconds / task.batches, 1),
        "gflops": round(rate / 1e9, 1),
        "peak": case.dtype,
        "share_of_peak": round(rate / peaks[case.dtype], 3),
        "weights": case.parameters,
    }


def table(rows: Sequence[dict[str, Any]], weights: int) -> str:
    """Returns a line for each row, and ours beside the best of PyTorch."""
    ours = rows[0]["tokens_per_second"]
    lines = [f"{'':28} tokens/s  ours is  ms/step  GFLOP/s  of the peak in        weights"]
    for told in rows:
        rate = told["tokens_per_second"]
        line = f"{told['name']:28} {rate:8,} {ours / rate:6.2f} x"
        if "gflops" in told:
            same = "the same" if told["weights"] == weights else f"OTHER THAN {weights:,}"
            line += f" {told['milliseconds_a_step']:8.1f} {told['gflops']:8.1f}"
            line += f"   {told['share_of_peak']:5.1%} {told['peak']:9} {told['weights']:,} {same}"
        lines.append(line)
    torch = [told for told in rows if told["name"].startswith("PyTorch")]
    if torch:
        best = max(torch, key=lambda told: told["tokens_per_second"])
        times = ours / best["tokens_per_second"]
        lines.append(f"the best of PyTorch is {best['name']}: ours is {times:.2f} times as fast")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
