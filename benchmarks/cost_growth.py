"""How does cost grow with the corpus, the source, the beam, the vocabulary, units and visitors?

    python benchmarks/cost_growth.py english      # two idle cores: 3 to 5 minutes (estimate)
    python benchmarks/cost_growth.py --quick      # the four smallest sizes: 1 to 2 minutes

Each is measured at sizes that double, by turns, all graphs compiled before; the rest stays as it
is. The line log(seconds) = k log(size) + c is fitted by least squares to the medians. A fixed cost
makes k small and could hide a growth that only large sizes show, so the exponent of the last
doubling alone stands beside it. Goal: nothing that ought to be linear is worse. Draws all of it
into docs/figures/cost-growth.svg, which needs matplotlib; --quick draws where --figure says.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from asked import ROOT, TOKENS, loaded, messages, of_one_length, refused
from corpus_throughput import write_corpus
from machine import described
from reply_latency import MESSAGE, by_turns

from chatbot.config import Config, changed
from chatbot.corpus.prepare import CorpusSource, prepare_corpus
from chatbot.quiet import import_tensorflow
from chatbot.text.tokenizer import CONTROL_IDS
from chatbot.training.batches import EncodedPairs, pad_batch
from chatbot.training.encoding import encode_pairs

FIGURE = ROOT / "docs" / "figures" / "cost-growth.svg"
PAIRS, SOURCE_TOKENS, TARGET_TOKENS = 32, 12, 20  # of the batch of a training step
VOCABULARY = 2000  # where units are what grows
_QUICK_SIZES, _QUICK_REPEATS = 4, 3
_FIRST_ID = max(CONTROL_IDS) + 1
_DIFFERENT = 8  # messages of any crowd, so that a larger one has no longer messages
_FIT_NOISE, _LAST_NOISE = 0.1, 0.2  # of an exponent: what caches and other programs do to it

Cases = Mapping[int, Callable[[], object]]  # size -> what is timed


class Question(NamedTuple):
    """One thing that grows, and what its cost is."""

    what: str
    cost: str
    sizes: Sequence[int]
    repeats: int
    expected: float  # the exponent at most
    cases: Callable[[Any, Sequence[int], Path], Cases]  # (bundle, sizes, folder for files)


class Growth(NamedTuple):
    """What was measured of a question."""

    question: Question
    seconds: Mapping[int, float]  # by size, medians
    exponent: float
    error: float  # the exponent's standard error
    last: float  # the exponent of the last doubling alone
    took: float  # seconds, preparation included

    @property
    def worse(self) -> bool:
        """Whether cost grows faster than expected, by more than noise explains."""
        fitted = self.exponent - max(2 * self.error, _FIT_NOISE)
        return max(fitted, self.last - _LAST_NOISE) > self.question.expected


def main() -> int:
    """Prints a table, then one JSON line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="english")
    parser.add_argument("--quick", action="store_true", help="the four smallest sizes, 3 repeats")
    parser.add_argument("--figure", type=Path, help="an SVG file, in place of docs/figures/")
    options = parser.parse_args()
    figure = options.figure or (None if options.quick else FIGURE)
    if figure and importlib.util.find_spec("matplotlib") is None:
        raise refused("The figure needs matplotlib (pip install matplotlib); --quick draws none.")
    bundle, grown = loaded(options.model), []
    for question in QUESTIONS:
        grown.append(measured(question, bundle, quick=options.quick))
        print(section(grown[-1]), flush=True)
    print(table(grown))
    if figure:
        draw(grown, figure)
    about = {"model": options.model, "quick": options.quick, **described()}
    print(json.dumps({**about, "growth": {g.question.what: summary(g) for g in grown}}))
    return 0


def measured(question: Question, bundle: Any, *, quick: bool) -> Growth:
    """Measures one question at all of its sizes, or at the smallest."""
    started = time.perf_counter()
    sizes = question.sizes[:_QUICK_SIZES] if quick else question.sizes
    repeats = min(_QUICK_REPEATS, question.repeats) if quick else question.repeats
    with tempfile.TemporaryDirectory() as folder:
        seconds = by_turns(question.cases(bundle, sizes, Path(folder)), repeats)
    last = fitted(sizes[-2:], [seconds[size] for size in sizes[-2:]])
    exponent = fitted(sizes, list(seconds.values()))
    error = standard_error(sizes, list(seconds.values()))
    return Growth(question, seconds, exponent, error, last, time.perf_counter() - started)


def fitted(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Returns the k of seconds ~ size^k, by least squares on the logarithms.

    >>> round(fitted([1, 2, 4], [3.0, 12.0, 48.0]), 6)
    2.0
    """
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def standard_error(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Returns the standard error of `fitted`, for three sizes or more."""
    _, covariance = np.polyfit(np.log(sizes), np.log(seconds), 1, cov=True)
    return float(np.sqrt(covariance[0, 0]))


# --- what is timed --------------------------------------------------------------------------------


def corpus_cases(bundle: Any, sizes: Sequence[int], folder: Path) -> Cases:
    """Reading, cleaning and encoding so many pairs, as `train` does before its first step."""
    config = Config()

    def prepare(path: Path) -> EncodedPairs:
        prepared = prepare_corpus([CorpusSource(path)], config.corpus)
        return encode_pairs(prepared.train, bundle.tokenizer, config.training)

    paths = {size: folder / f"{size}.csv" for size in sizes}
    for size, path in paths.items():
        write_corpus(path, size)
    return {size: lambda path=path: prepare(path) for size, path in paths.items()}


def source_cases(bundle: Any, sizes: Sequence[int], folder: Path) -> Cases:
    """A greedy search after so many source tokens, more than the bot itself would be shown."""
    from chatbot.decoding.engine import SearchEngine

    engine = SearchEngine(bundle.network, CONTROL_IDS)
    greedy = of_one_length(bundle.config.decoding)
    sources = {size: random_ids(1, size, bundle.tokenizer.vocab_size) for size in sizes}
    return {
        size: lambda ids=ids: engine.search(np.array(ids, np.int32), greedy, [0])
        for size, ids in sources.items()
    }


def beam_cases(bundle: Any, sizes: Sequence[int], folder: Path) -> Cases:
    """A reply with a beam of so many hypotheses."""
    from chatbot.bot import Chatbot

    bot = Chatbot(bundle)
    beam = of_one_length(bot.decoding, "beam")
    searches = {size: changed(beam, beam_size=size) for size in sizes}
    return {size: lambda how=how: bot.reply(MESSAGE, how) for size, how in searches.items()}


def vocabulary_cases(bundle: Any, sizes: Sequence[int], folder: Path) -> Cases:
    """A training step of the default network with so many token ids."""
    return {size: training_step(Config(), size) for size in sizes}


def units_cases(bundle: Any, sizes: Sequence[int], folder: Path) -> Cases:
    """A training step with so many units everywhere, the decoder's twice, as in the default."""
    return {size: training_step(of_width(size), VOCABULARY) for size in sizes}


def of_width(units: int) -> Config:
    """Returns the default configuration with layers of another width."""
    config = Config()
    widths = {"embedding_units": units, "encoder_units": units, "decoder_units": 2 * units}
    return changed(config, model=changed(config.model, **widths))


def training_step(config: Config, vocabulary: int) -> Callable[[], object]:
    """Returns one step of a fresh network on a batch of random tokens."""
    import_tensorflow()
    from chatbot.training.trainer import compiled

    model = compiled(config, vocabulary).training
    sides = (random_ids(PAIRS, tokens, vocabulary) for tokens in (SOURCE_TOKENS, TARGET_TOKENS))
    batch = pad_batch(EncodedPairs(*sides), range(PAIRS))
    inputs = [batch.source_ids, batch.decoder_input_ids]
    return lambda: model.train_on_batch(inputs, batch.target_ids, batch.weights)


def visitors_cases(bundle: Any, sizes: Sequence[int], folder: Path) -> Cases:
    """All of so many visitors at once answered with greedy replies, each in a thread."""
    from chatbot.batching import Batcher
    from chatbot.bot import Chatbot

    batcher = Batcher(Chatbot(bundle))
    greedy = of_one_length(batcher.decoding)
    different = messages(bundle.info.language, _DIFFERENT)

    def crowd(size: int) -> Callable[[], object]:
        pool = ThreadPoolExecutor(size)  # kept: the first, untimed run starts its threads
        asked = [different[i % _DIFFERENT] for i in range(size)]
        return lambda: list(pool.map(lambda message: batcher.reply(message, greedy), asked))

    return {size: crowd(size) for size in sizes}


def random_ids(rows: int, tokens: int, vocabulary: int) -> list[list[int]]:
    """Returns token ids (rows,tokens) without control ids, the same ones every time."""
    return np.random.default_rng(0).integers(_FIRST_ID, vocabulary, (rows, tokens)).tolist()


def doubled(first: int, count: int) -> tuple[int, ...]:
    """Returns sizes of which each is twice the one before.

    >>> doubled(3, 4)
    (3, 6, 12, 24)
    """
    return tuple(first * 2**i for i in range(count))


QUESTIONS = (
    Question("corpus pairs", "prepare a corpus", doubled(2000, 5), 3, 1, corpus_cases),
    Question("source tokens", "greedy search", doubled(32, 6), 15, 1, source_cases),
    Question("beam size", "reply", doubled(1, 5), 15, 1, beam_cases),
    Question("vocabulary", "training step", doubled(1000, 6), 7, 1, vocabulary_cases),
    # The matrices have units times units weights.
    Question("units", "training step", doubled(64, 5), 5, 2, units_cases),
    Question("visitors", "answer all", doubled(8, 6), 7, 1, visitors_cases),
)


# --- what is told ---------------------------------------------------------------------------------


def section(growth: Growth) -> str:
    """Returns the sizes of a question and their costs, a line each."""
    what, cost = growth.question.what, growth.question.cost
    rows = [f"{size:13,} {1000 * each:12.2f} ms" for size, each in growth.seconds.items()]
    return "\n".join([f"{what}: {cost}", *rows])


def table(grown: Sequence[Growth]) -> str:
    """Returns a line for each question: the exponents, what is expected, and whether it holds."""
    head = "what           cost                exponent    last doubling  at most  worse"
    rows = [
        f"{g.question.what:14} {g.question.cost:17} {g.exponent:5.2f} ± {g.error:4.2f} "
        f"{g.last:16.2f} {g.question.expected:8g}  {'YES' if g.worse else 'no'}"
        for g in grown
    ]
    told = (
        f"± is a standard error. Worse: the exponent exceeds what is expected by two of them and "
        f"by {_FIT_NOISE},\nor that of the last doubling exceeds it by {_LAST_NOISE}. Replies have "
        f"{TOKENS} tokens; a step has {PAIRS} pairs."
    )
    return "\n".join([head, *rows, told])


def summary(growth: Growth) -> dict[str, Any]:
    """Returns what the JSON line tells of a question."""
    return {
        "cost": growth.question.cost,
        "sizes": list(growth.seconds),
        "milliseconds": [round(1000 * each, 3) for each in growth.seconds.values()],
        "exponent": round(growth.exponent, 3),
        "standard_error": round(growth.error, 3),
        "last_doubling": round(growth.last, 3),
        "expected": growth.question.expected,
        "worse": growth.worse,
        "took_s": round(growth.took, 1),
    }


def draw(grown: Sequence[Growth], path: Path) -> None:
    """Draws a panel for each question as SVG: what was measured, and the growth expected."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "cost-growth"  # the same file each time
    matplotlib.rcParams["svg.fonttype"] = "none"  # letters, not their outlines: a smaller file
    figure, panels = plt.subplots(2, 3, figsize=(9, 5), layout="constrained")
    for axes, growth in zip(panels.flat, grown, strict=True):
        panel(axes, growth)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)


def panel(axes: Any, growth: Growth) -> None:
    """Draws one question on two logarithmic axes; the gray line ends where the points do."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    question, sizes = growth.question, np.array(list(growth.seconds))
    costs = 1000 * np.array(list(growth.seconds.values()))
    steepest = costs[-1] * (sizes / sizes[-1]) ** question.expected
    axes.loglog(sizes, steepest, "--", color="tab:gray", label=f"exponent {question.expected:g}")
    axes.loglog(sizes, costs, "o-", color="tab:blue", label="measured")
    axes.set_title(f"{question.what}: {growth.exponent:.2f} ± {growth.error:.2f}", fontsize=10)
    axes.set_ylabel(f"{question.cost}, ms", fontsize=8)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_formatter(NullFormatter())
    axes.tick_params(labelsize=7)
    axes.legend(fontsize=7)


if __name__ == "__main__":
    sys.exit(main())
