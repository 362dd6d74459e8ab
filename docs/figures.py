"""Draws the figures of the handbook into docs/images/, and prints the numbers that they show.

    python docs/figures.py [NAME...] [--output FOLDER | --numbers]

Without a name it takes all. `attention` trains a tiny bot for it (about a minute); the others take
a few seconds. Drawing needs matplotlib (`pip install matplotlib`); `--numbers` does without.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

SYMBOLS = ("<PAD>", "<UNK>", "<BOS>", "<EOS>", "a", "b", "c", "d")
TABLE = {  # P(next | last): the likeliest first step misleads
    "<BOS>": {"a": 0.6, "b": 0.4},
    "a": {"c": 0.5, "d": 0.5},
    "b": {"c": 1.0},
    "c": {"<EOS>": 1.0},
    "d": {"<EOS>": 1.0},
}
PATHS = {"a c": 0.6 * 0.5, "a d": 0.6 * 0.5, "b c": 0.4 * 1.0}
SEARCHES = {"greedy": ("greedy", 1), "beam of 2": ("beam", 2)}

WORDS = "ant bee cat dog elk fox gnu hen".split()
SHOWN = ("ant dog fox bee hen", "ant bee fox dog hen")  # dog and bee have changed places
TOY = (
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
)

Draw = Callable[[Any], Any]  # takes matplotlib.pyplot, returns a figure


def beam() -> Draw:
    """The tree of all sequences of TABLE, and which of them greedy and beam search find."""
    found = {name: _found(*how) for name, how in SEARCHES.items()}
    for name, (path, probability) in found.items():
        print(f"{name}: {path} with probability {probability:.2f}")

    def draw(plt: Any) -> Any:
        figure, axes = plt.subplots(figsize=(6.4, 2.6))
        places = {"": (0.0, 1.0), "a": (1.0, 1.6), "b": (1.0, 0.0)}
        places |= {"a c": (2.0, 2.1), "a d": (2.0, 1.1), "b c": (2.0, 0.0)}
        box = {"boxstyle": "round", "fc": "white", "ec": "black"}
        for path, (x, y) in places.items():
            *before, last = ["<BOS>", *path.split()]
            axes.text(x, y, last, ha="center", va="center", zorder=3, bbox=box)
            if not path:
                continue
            x0, y0 = places[" ".join(before[1:])]
            axes.plot([x0, x], [y0, y], color="tab:blue" if path[0] == "b" else "gray")
            axes.text((x0 + x) / 2, (y0 + y) / 2 + 0.12, f"{TABLE[before[-1]][last]:.1f}")
        for path, total in PATHS.items():
            x, y = places[path]
            names = ", ".join(name for name, (best, _) in found.items() if best == path)
            axes.text(x + 0.15, y, f"{total:.2f}  {names}", va="center")
        axes.set_xlim(-0.2, 3.0)
        axes.set_ylim(-0.4, 2.5)
        axes.axis("off")
        return figure

    return draw


def _found(strategy: str, rows: int) -> tuple[str, float]:
    """Searches TABLE with the project's own search; returns the best path and its probability."""
    import numpy as np

    from chatbot.config import DecodingConfig
    from chatbot.decoding.drivers import search
    from chatbot.decoding.strategies import strategy_for

    chances = np.zeros((len(SYMBOLS), len(SYMBOLS)), np.float32)
    for last, following in TABLE.items():
        for symbol, chance in following.items():
            chances[SYMBOLS.index(last), SYMBOLS.index(symbol)] = chance
    with np.errstate(divide="ignore"):
        log_probs = np.log(chances)
    config = DecodingConfig(strategy=strategy, beam_size=rows, length_penalty=0, max_length=4)
    found = search(
        strategy_for(config, forbidden_ids=()),
        lambda ids, state: (log_probs[ids], state, np.eye(len(SYMBOLS))[ids]),
        [],
        seeds=[0],
        source_length=len(SYMBOLS),
    )
    count = int(found.lengths[0, 0])
    path = " ".join(SYMBOLS[i] for i in found.token_ids[0, 0, : count - 1])
    return path, float(np.exp(found.scores[0, 0]))


def length() -> Draw:
    """The length penalty of Wu et al. 2016 over the number of tokens, for some alphas."""
    import numpy as np

    from chatbot.decoding.strategies import length_penalty

    tokens = np.arange(1, 31)
    curves = {alpha: length_penalty(tokens, alpha) for alpha in (0.0, 0.5, 1.0, 1.5)}
    for alpha, curve in curves.items():
        print(f"alpha {alpha}: lp is {curve[6]:.2f} at 7 tokens, {curve[24]:.2f} at 25")

    def draw(plt: Any) -> Any:
        figure, axes = plt.subplots(figsize=(6.4, 3))
        for alpha, curve in curves.items():
            axes.plot(tokens, curve, label=rf"$\alpha = {alpha}$")
        axes.set_xlabel("|Y|")
        axes.set_ylabel("lp(Y)")
        axes.legend()
        return figure

    return draw


def sampling() -> Draw:
    """The share of its own tokens that the decoder reads, over a training of 1,000 steps."""
    from chatbot.config import TrainingConfig
    from chatbot.training.sampling import own_share

    steps = list(range(0, 1001, 10))
    curves = {}
    for kind in ("constant", "linear", "exponential", "inverse_sigmoid"):
        config = TrainingConfig(scheduled_sampling=kind, sampling_rate=0.5)
        curves[kind] = curve = [own_share(config, step, 1000) for step in steps]
        print(f"{kind}: {curve[0]:.2f} at first, {curve[50]:.2f} halfway, {curve[-1]:.2f} last")

    def draw(plt: Any) -> Any:
        figure, axes = plt.subplots(figsize=(6.4, 3))
        for kind, curve in curves.items():
            axes.plot(steps, curve, label=kind)
        axes.set_xlabel("i")
        axes.set_ylabel(r"$1 - \epsilon_i$")
        axes.legend()
        return figure

    return draw


def attention() -> Draw:
    """Where a bot that says a line backwards looks: it is trained for this, in a minute."""
    read = _reversing_bot()
    maps = [read(line) for line in SHOWN]
    for line, (_, said, _) in zip(SHOWN, maps, strict=True):
        print(f"{line} -> {' '.join(said)}")

    def draw(plt: Any) -> Any:
        figure, panels = plt.subplots(1, 2, figsize=(6.8, 3), layout="constrained")
        for axes, (source, said, weights) in zip(panels, maps, strict=True):
            axes.imshow(weights, cmap="Blues", vmin=0, vmax=1)
            axes.set_xticks(range(len(source)), source, rotation=60)
            axes.set_yticks(range(len(said)), said)
        return figure

    return draw


def _reversing_bot() -> Callable[[str], tuple[list[str], list[str], Any]]:
    """Trains it; returns a function from a line to its source, its reply and the weights."""
    from chatbot.config import Config, DecodingConfig, TokenizerConfig, with_settings
    from chatbot.corpus.records import DialoguePair
    from chatbot.decoding.engine import SearchEngine
    from chatbot.model.live import LiveNetwork
    from chatbot.text.source import pad, source_ids
    from chatbot.text.tokenizer import CONTROL_IDS, train_tokenizer
    from chatbot.training.run import RunFolder
    from chatbot.training.trainer import Trainer, assign

    random.seed(0)
    lines = [" ".join(random.sample(WORDS, random.randint(2, 6))) for _ in range(3000)]
    lines = [line for line in lines if line not in SHOWN]
    tokenizer = train_tokenizer(lines, TokenizerConfig(vocab_size=300))
    pairs = [DialoguePair((line,), " ".join(line.split()[::-1]), line) for line in lines]
    about = {"command": "", "corpora": [], "base": None, "language": "en"}
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder) / "reverse")
        sides = {"train": pairs[100:], "validation": pairs[:100]}
        run.set_up(with_settings(Config(), TOY), tokenizer, sides, about)
        trainer = Trainer(
            run, observe=lambda *_: None, should_stop=lambda: False, probe=lambda _: {}
        )
        outcome = trainer.train()
    assign(trainer.seq2seq.training.weights, outcome.best_weights)
    engine = SearchEngine(LiveNetwork(trainer.seq2seq), CONTROL_IDS)

    def read(line: str) -> tuple[list[str], list[str], Any]:
        source = pad([source_ids([tokenizer.encode(line)], 64)])
        found = engine.search(source, DecodingConfig(no_repeat_ngram_size=0), [0])
        count = int(found.lengths[0, 0])
        texts = [
            [tokenizer.piece(i).strip("▁") for i in ids]
            for ids in (source[0], found.token_ids[0, 0, :count])
        ]
        return texts[0], texts[1], found.attention[0, 0, :count]

    return read


FIGURES = {"attention": attention, "beam": beam, "length": length, "sampling": sampling}


def main() -> None:
    """Makes what is named."""
    from chatbot.quiet import import_tensorflow

    parser = argparse.ArgumentParser(description="The figures of the handbook.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(FIGURES))
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--numbers", action="store_true", help="print them and draw nothing")
    chosen = parser.parse_args()
    import_tensorflow()
    for name in chosen.names or FIGURES:
        if name not in FIGURES:
            parser.error(f"there is no figure {name!r}; known are {', '.join(FIGURES)}")
        draw = FIGURES[name]()
        if not chosen.numbers:
            _save(draw, chosen.output / f"handbook-{name}.svg")


def _save(draw: Draw, path: Path) -> None:
    try:
        import matplotlib
    except ImportError:
        raise SystemExit("Drawing needs matplotlib: pip install matplotlib.") from None
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "handbook"  # the same file each time
    draw(plt).savefig(path, bbox_inches="tight", metadata={"Date": None})


if __name__ == "__main__":
    main()
