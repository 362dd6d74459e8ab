"""What the literature on sequence-to-sequence networks says, measured again with this project's.

    python benchmarks/literature.py --corpus tatoeba --epochs 3 --seeds 1
    python benchmarks/literature.py --corpus dailydialog --epochs 1 --seeds 1 --variants default
    python benchmarks/literature.py --write

Trains each variant for equal epochs, by the command line, on a corpus in ../shared/corpora; scores
it on held-out pairs whose source no training holds; appends one line a run to the results file; and
writes docs/literature.md with its figures from that file (where --results names another file, the
page lies beside that). Runs that stand in it are not done again, so a call that was interrupted can
be repeated, on another day or beside other work as well. Prints a table and, last, one JSON line.
The figures need matplotlib (`pip install matplotlib`).
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks import literature_page as page  # noqa: E402
from chatbot.config import CorpusConfig, nearest  # noqa: E402
from chatbot.corpus.pairs import clean_conversation, extract_pairs, filter_pairs  # noqa: E402
from chatbot.corpus.records import Conversation, DialoguePair  # noqa: E402
from chatbot.errors import ChatbotError, ConfigError, CorpusError, TrainingError  # noqa: E402
from chatbot.presets import PRESETS  # noqa: E402
from chatbot.quiet import import_tensorflow  # noqa: E402

CORPORA = ROOT.parent / "shared" / "corpora"
HELD_OUT = 1000
CLASSIC = "早上好！"  # stands in the corpus, and always on the side to learn from
_LEAST_PAIRS = 100


class Variant(NamedTuple):
    """A preset, what is changed in it, and which question it serves."""

    preset: str
    settings: tuple[str, ...] = ()
    question: str = "each preset beside the others"


VARIANTS: Mapping[str, Variant] = {
    **{name: Variant(name) for name in PRESETS},
    "sutskever2014-forward": Variant(
        "sutskever2014", ("model.reverse_source=false",), "reversed source, without attention"
    ),
    "sutskever2014-one-layer": Variant(
        "sutskever2014", ("model.encoder_layers=1", "model.decoder_layers=1"), "depth"
    ),
    "luong2015-one-layer": Variant(
        "luong2015", ("model.encoder_layers=1", "model.decoder_layers=1"), "depth, with attention"
    ),
    "bahdanau2015-reversed": Variant(
        "bahdanau2015", ("model.reverse_source=true",), "reversed source, with attention"
    ),
    "luong2015-forward": Variant(
        "luong2015", ("model.reverse_source=false",), "reversed source, with attention"
    ),
    "d2l-one-layer": Variant(
        "d2l", ("model.encoder_layers=1", "model.decoder_layers=1"), "depth, context at every step"
    ),
    "cnn2017-readout": Variant("cnn2017", ("model.readout=tanh",), "what the output reads"),
    "d2l-initial-state": Variant("d2l", ("model.context=initial_state",), "context once"),
    "shang2015-local": Variant("shang2015", ("model.hybrid=false",), "the summary with attention"),
    "default-until-2026-11": Variant(
        "default",
        (
            "model.hybrid=false",
            "model.summary=last",
            "model.share_embeddings=true",
            "model.readout=tanh",
        ),
        "the summary with attention",
    ),
    "default-tanh": Variant("default", ("model.readout=tanh",), "the readout"),
    "default-untied": Variant("default", ("model.tie_embeddings=false",), "tied embeddings"),
    "default-sampling": Variant(
        "default", ("training.scheduled_sampling=inverse_sigmoid",), "scheduled sampling"
    ),
    "default-unbucketed": Variant("default", ("training.bucketing=false",), "bucketing"),
}


class Budget(NamedTuple):
    """What all runs that are compared have in common."""

    corpus: str
    epochs: float
    pairs: int  # of the corpus that are used; 0: all


class Run(NamedTuple):
    """One training."""

    variant: str
    seed: int


class Data(NamedTuple):
    """A corpus, ready."""

    path: Path  # conversations to learn from, one a line
    held_out: Sequence[DialoguePair]
    history_turns: int
    replies_seen: int  # held-out replies that some training pair has too


def main() -> int:
    """Trains what is outstanding, then writes the page; returns the exit status."""
    options = _options()
    written = options.results.with_suffix(".md")
    try:
        runs = [] if options.write else _asked(options)
        budget = Budget(options.corpus, options.epochs, options.pairs)
        failed = _carry_out(budget, runs, options.results, options.home)
        results = page.read_results(options.results)
        drawn = page.write(results, written, VARIANTS)
    except ChatbotError as error:
        print(error, file=sys.stderr)
        return 2
    print(page.table(results))
    print(json.dumps({"results": len(results), "failed": failed, "page": str(written)}))
    if not drawn:
        print("The figures are not drawn: they need pip install matplotlib.", file=sys.stderr)
    return 2 if not drawn else 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", choices=list(_PREPARED), default="tatoeba")
    parser.add_argument("--epochs", type=float, default=3.0, help="of each training")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1], metavar="SEED")
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), metavar="NAME")
    parser.add_argument("--pairs", type=int, default=0, help="use so many pairs; 0: all")
    parser.add_argument("--results", type=Path, default=ROOT / "docs" / "literature.jsonl")
    parser.add_argument("--home", type=Path, help="keep runs and models here; else nowhere")
    parser.add_argument("--write", action="store_true", help="only write the page again")
    return parser.parse_args()


def _asked(options: argparse.Namespace) -> list[Run]:
    """Returns the runs that were asked for, seed by seed.

    Raises:
        ConfigError: a variant is unknown, or a number makes no sense.
    """
    for name in options.variants:
        if name not in VARIANTS:
            raise ConfigError(f"There is no variant {name!r}.{nearest(name, VARIANTS)}")
    if options.epochs <= 0 or min(options.seeds) < 0:
        raise ConfigError("--epochs is above 0, and a seed is 0 or more. Correct them.")
    if options.pairs and options.pairs < _LEAST_PAIRS:
        raise ConfigError(f"--pairs is 0 (all) or {_LEAST_PAIRS} and more. Give it so.")
    return [Run(name, seed) for seed in options.seeds for name in options.variants]


def outstanding(
    runs: Iterable[Run], budget: Budget, results: Iterable[Mapping[str, Any]]
) -> list[Run]:
    """Returns the runs that no line of the results tells of under the same budget."""
    done = {
        Run(r["variant"], r["seed"])
        for r in results
        if Budget(r["corpus"], r["epochs"], r["pairs"]) == budget
    }
    return [run for run in runs if run not in done]


def _carry_out(budget: Budget, runs: Sequence[Run], results: Path, home: Path | None) -> int:
    """Does the outstanding runs one after the other and keeps each result; returns the failures."""
    left = outstanding(runs, budget, page.read_results(results))
    if not left:
        return 0
    failed = 0
    with tempfile.TemporaryDirectory(prefix="literature-") as temporary:
        place = (home or Path(temporary)).resolve()
        place.mkdir(parents=True, exist_ok=True)
        data = _PREPARED[budget.corpus](place, budget.pairs)
        for number, run in enumerate(left, start=1):
            print(f"{number} of {len(left)}: {run.variant}, seed {run.seed}", flush=True)
            try:
                _keep(_result(budget, run, data, place), results)
            except TrainingError as error:  # the other variants may do
                print(error, file=sys.stderr)
                failed += 1
            if home is None:
                for kind in ("runs", "saved_models"):
                    shutil.rmtree(place / kind / _name(budget, run), ignore_errors=True)
    return failed


def _keep(result: Mapping[str, Any], results: Path) -> None:
    with results.open("a", encoding="utf-8") as file:
        file.write(json.dumps(result, ensure_ascii=False) + "\n")


# --- one run --------------------------------------------------------------------------------------


def _result(budget: Budget, run: Run, data: Data, home: Path) -> dict[str, Any]:
    """Trains and scores one run; returns its line of the results."""
    import_tensorflow()
    import keras

    from benchmarks import literature_scores as scores
    from chatbot.training.run import RunFolder

    name, trained = _name(budget, run), {}
    if not (home / "saved_models" / name).is_dir():  # else kept by an earlier call with --home
        trained = _train(_command(budget, run, data, name, home), home)
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # each beam's width is a graph, which it takes for a mistake
    keras.backend.clear_session()  # of the run before
    found = scores.scores(
        home / "saved_models" / name,
        data.held_out,
        beams=run.variant == "default",
        asked=[CLASSIC] if budget.corpus == "tatoeba" else [],
    )
    trained |= scores.training(RunFolder(home / "runs" / name))
    return {**_about(budget, run, data), **trained, **found}


def _name(budget: Budget, run: Run) -> str:
    return f"{budget.corpus}-{run.variant}-{budget.pairs}p-{budget.epochs:g}e-{run.seed}"


def _command(budget: Budget, run: Run, data: Data, name: str, home: Path) -> list[str]:
    """Returns the command that trains, or goes on with a training that was interrupted."""
    start = [sys.executable, "-m", "chatbot", "train", "--name", name]
    if (home / "runs" / name / "run.json").is_file():
        return [*start, "--resume"]
    variant = VARIANTS[run.variant]
    settings = (
        *page.SETTINGS,
        f"corpus.history_turns={data.history_turns}",
        f"training.seed={run.seed}",
        *variant.settings,
    )
    sets = [part for setting in settings for part in ("--set", setting)]
    chosen = ["--preset", variant.preset, "--epochs", f"{budget.epochs:g}"]
    return [*start, str(data.path), *chosen, *sets]


def _train(command: Sequence[str], home: Path) -> dict[str, Any]:
    """Runs a training; returns its processor seconds, start and saving included.

    They tell cost where seconds do not: what else runs here hardly adds to them. They are left out
    of a training that goes on with one that was interrupted.

    Raises:
        TrainingError: it did not save a model; tells its last line.
    """
    environment, before = {**os.environ, "CHATBOT_HOME": str(home)}, os.times()
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise TrainingError(f"A training failed: {''.join(said) or done.returncode}")
    after = os.times()
    took = after.children_user + after.children_system
    took -= before.children_user + before.children_system
    return {} if "--resume" in command else {"processor_seconds": round(took, 1)}


def _about(budget: Budget, run: Run, data: Data) -> dict[str, Any]:
    variant = VARIANTS[run.variant]
    return {
        **budget._asdict(),
        **run._asdict(),
        "preset": variant.preset,
        "settings": list(variant.settings),
        "held_out": len(data.held_out),
        "replies_seen": data.replies_seen,
        "date": time.strftime("%Y-%m-%d"),
        "cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        "versions": {
            "Python": platform.python_version(),
            **{name: version(name) for name in ("tensorflow", "keras", "sacrebleu")},
        },
    }


# --- corpora --------------------------------------------------------------------------------------


def _tatoeba(folder: Path, pairs: int) -> Data:
    """Chinese sentences as messages, their English ones as replies."""
    found = [
        Conversation(_key([chinese]), (chinese, english))
        for english, chinese, *_ in _rows("tatoeba-cmn-eng/cmn-eng.tsv.gz")
    ]
    if pairs:
        found = random.Random(0).sample(found, min(pairs, len(found)))
    learned, held_out = hold_out(_pairs(found, 1), HELD_OUT, never=[_key([CLASSIC])])
    return _laid(folder / f"tatoeba-{pairs}.jsonl", found, learned, held_out, 1)


def _dailydialog(folder: Path, pairs: int) -> Data:
    """Its own training and validation files, whole conversations."""
    turns = CorpusConfig().history_turns
    learned_from, measured = (
        [
            Conversation(f"{side}-{number}", tuple(json.loads(line)["turns"]))
            for number, line in enumerate(_lines(f"dailydialog/{side}.jsonl.gz"))
        ]
        for side in ("train", "valid")
    )
    if pairs:  # conversations have some seven pairs each
        learned_from = random.Random(0).sample(learned_from, max(20, pairs // 7))
    learned = _pairs(learned_from, turns)
    seen = {_key(h) for pair in learned for h in (pair.history, pair.history[-1:])}
    unseen = [pair for pair in _pairs(measured, turns) if _key(pair.history) not in seen]
    held_out = random.Random(0).sample(unseen, min(_held_out_of(len(learned)), len(unseen)))
    return _laid(folder / f"dailydialog-{pairs}.jsonl", learned_from, learned, held_out, turns)


_PREPARED = {"tatoeba": _tatoeba, "dailydialog": _dailydialog}


def hold_out(
    pairs: Sequence[DialoguePair], count: int, never: Sequence[str] = ()
) -> tuple[list[DialoguePair], list[DialoguePair]]:
    """Splits by source: what is learned, and a seeded choice of sources with one pair of each.

    Sources that differ in punctuation or case alone are one source.

    Args:
        pairs: all of them.
        count: held-out sources, at most; never more than a tenth of the pairs.
        never: sources that are not held out.
    """
    sources: dict[str, list[DialoguePair]] = {}
    for pair in pairs:
        sources.setdefault(_key(pair.history), []).append(pair)
    chosen = [key for key in sources if key not in never]
    random.Random(0).shuffle(chosen)
    held_out = chosen[: min(count, _held_out_of(len(pairs)))]
    kept_out = set(held_out)
    learned = [pair for pair in pairs if _key(pair.history) not in kept_out]
    return learned, [sources[key][0] for key in held_out]


def _held_out_of(pairs: int) -> int:
    return min(HELD_OUT, pairs // 10)


def _key(history: Sequence[str]) -> str:
    return " ".join(re.sub(r"\W", "", turn).casefold() for turn in history)


def _pairs(conversations: Iterable[Conversation], turns: int) -> list[DialoguePair]:
    """Returns the pairs that the training's own rules keep."""
    config = CorpusConfig(history_turns=turns)
    cleaned = (clean_conversation(conversation)[0] for conversation in conversations)
    return filter_pairs(extract_pairs(cleaned, history_turns=turns), config)[0]


def _laid(
    path: Path,
    conversations: Iterable[Conversation],
    learned: Sequence[DialoguePair],
    held_out: Sequence[DialoguePair],
    turns: int,
) -> Data:
    """Writes the conversations of the pairs to learn from as a corpus."""
    origins = {pair.origin for pair in learned}
    with path.open("w", encoding="utf-8") as file:
        for one in conversations:
            if one.id in origins:
                record = {"id": one.id, "turns": one.turns}
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
    replies = {pair.reply for pair in learned}
    return Data(path, held_out, turns, sum(pair.reply in replies for pair in held_out))


def _rows(name: str) -> Iterator[list[str]]:
    yield from (line.rstrip("\n").split("\t") for line in _lines(name))


def _lines(name: str) -> list[str]:
    """Returns the lines of a file of ../shared/corpora.

    Raises:
        CorpusError: it is not there.
    """
    try:
        with gzip.open(CORPORA / name, "rt", encoding="utf-8") as file:
            return list(file)
    except OSError:
        raise CorpusError(
            f"There is no {name} in {CORPORA}: put the corpus there, or take another --corpus."
        ) from None


if __name__ == "__main__":
    sys.exit(main())
