"""How long does a large corpus take to read, clean and encode, and how much memory?

    python benchmarks/corpus_throughput.py      # 1,000,000 pairs: 4 to 8 minutes
    python benchmarks/corpus_throughput.py --pairs 8000

Writes a CSV of messages and replies (wordings of the small talk with words added, so that hardly
two are alike) and takes it through what `train` does before its first step, in a fresh process
for a quarter, a half and all of the pairs. Learning a tokenizer is left out: it looks at 200,000
sentences however many there are; the shipped bot's tokenizer encodes. Goals: 40 s and 1 GB for a
million pairs, and memory that does not grow with the corpus.
"""

from __future__ import annotations

import argparse
import collections
import csv
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from asked import ROOT, refused
from machine import described, memory_mb

from chatbot.bundle import bundle_path, read_tokenizer
from chatbot.config import Config
from chatbot.corpus.prepare import CorpusSource, prepare_corpus
from chatbot.corpus.readers import read_conversations
from chatbot.errors import ChatbotError
from chatbot.training.encoding import encode_pairs

CORPUS = ROOT / "corpora" / "small-talk.en.yml"
_LEAST = 400


def main() -> int:
    """Prints a table, then one JSON line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--tokenizer", default="english", help="the bot whose tokenizer encodes")
    options = parser.parse_args()
    if options.pairs < _LEAST:
        raise refused(f"--pairs {options.pairs} is too few to measure: give {_LEAST} or more.")
    try:
        bundle_path(options.tokenizer)
    except ChatbotError as error:
        raise refused(str(error)) from None
    rows = []
    for share in (4, 2, 1):
        rows.append(in_a_process(options.pairs // share, options.tokenizer))
        print(row(rows[-1]) if share < 4 else f"{_HEAD}\n{row(rows[-1])}", flush=True)
    grown = rows[-1]["peak_mb"] - rows[0]["peak_mb"]
    print("goal at 1,000,000 pairs: read+clean and encode in 40 s, peak 1,000 MB, growth none")
    print(f"the peak grew by {grown:.0f} MB from a quarter of the pairs to all of them")
    print(json.dumps({**described(), "grown_mb": round(grown, 1), "rows": rows}))
    return 0


def in_a_process(pairs: int, tokenizer: str) -> dict[str, Any]:
    """Writes a corpus and measures it in a process that did nothing else before."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.csv"
        write_corpus(path, pairs)
        with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
            return fresh.submit(measured, path, pairs, tokenizer).result()


def write_corpus(path: Path, pairs: int) -> None:
    """Writes so many pairs, the same ones every time."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["message", "reply"])
        writer.writerows(made_up(pairs))


def made_up(pairs: int) -> Iterator[tuple[str, str]]:
    """Yields messages and replies of the small talk, each with a few of its words added."""
    talk = [c.turns for c in read_conversations(CORPUS) if not c.slots and len(c.turns) == 2]
    words = sorted({word for turns in talk for text in turns for word in text.split()})
    chance = random.Random(0)
    for _ in range(pairs):
        message, reply = chance.choice(talk)
        added = chance.choices(words, k=6)
        yield f"{message} {' '.join(added[:3])}", f"{reply} {' '.join(added[3:])}"


def measured(path: Path, pairs: int, tokenizer: str) -> dict[str, Any]:
    """Takes a corpus through the stages; returns the seconds of each and MB of memory."""
    config, pieces = Config(), read_tokenizer(bundle_path(tokenizer))
    at_start = memory_mb()
    _, read = timed(lambda: collections.deque(read_conversations(path), maxlen=0))
    prepared, clean = timed(lambda: prepare_corpus([CorpusSource(path)], config.corpus))
    peak_clean = memory_mb(field="VmHWM")
    encoded, encode = timed(lambda: encode_pairs(prepared.train, pieces, config.training))
    return {
        "pairs": pairs,
        "kept": len(encoded) + len(prepared.validation),
        "read_s": round(read, 2),
        "read_and_clean_s": round(clean, 2),
        "encode_s": round(encode, 2),
        "total_s": round(clean + encode, 2),
        "at_start_mb": round(at_start, 1),
        "peak_clean_mb": round(peak_clean, 1),
        # Not getrusage: its peak begins with that of the process that started this one.
        "peak_mb": round(memory_mb(field="VmHWM"), 1),
    }


def timed(stage: Callable[[], Any]) -> tuple[Any, float]:
    """Returns what a stage made, and its seconds."""
    started = time.perf_counter()
    made = stage()
    return made, time.perf_counter() - started


_HEAD = (
    "    pairs      kept   read s  read+clean s  encode s  total s  "
    "MB at start  MB peak clean  MB peak"
)


def row(found: dict[str, Any]) -> str:
    """Returns a line of the table; `read s` is a pass of its own and not in the total."""
    return (
        f"{found['pairs']:9,} {found['kept']:9,} {found['read_s']:8.2f} "
        f"{found['read_and_clean_s']:13.2f} {found['encode_s']:9.2f} {found['total_s']:8.2f} "
        f"{found['at_start_mb']:12.1f} {found['peak_clean_mb']:14.1f} {found['peak_mb']:8.1f}"
    )


if __name__ == "__main__":
    sys.exit(main())
