"""Sources -> the pairs to train on, the pairs to measure on, and a report. The door to corpus/.

Read, clean, extract, filter, split, then add and repeat. Same sources, settings and seed, same
result. Knows no token and no model.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chatbot.config import CorpusConfig
from chatbot.corpus.pairs import (
    Split,
    Verdict,
    clean_conversation,
    draw,
    extract_pairs,
    judge_pairs,
    split_by_conversation,
)
from chatbot.corpus.readers import read_conversations
from chatbot.corpus.records import Conversation, DialoguePair, ReadingLog
from chatbot.corpus.report import CorpusReport, Sides, SourceReport, measure
from chatbot.errors import CorpusError

_WEIGHTED = re.compile(r"(?P<path>.+)@(?P<weight>-?\d+(?:\.\d*)?|-?\.\d+)\Z", re.DOTALL)
_MAX_WEIGHT = 1000


@dataclass(frozen=True)
class CorpusSource:
    """A file or folder, and how much it counts.

    A weight below 1 keeps that share of its conversations; one above 1 repeats its training
    pairs (2.5: all twice, and every other one once more).
    """

    path: Path
    weight: float = 1.0


@dataclass(frozen=True)
class PreparedCorpus:
    """What a training needs of its corpora."""

    train: tuple[DialoguePair, ...]
    validation: tuple[DialoguePair, ...]
    report: CorpusReport


def parse_source(text: str) -> CorpusSource:
    """Reads `PATH` or `PATH@WEIGHT`; a path that exists as written has no weight.

    Raises:
        CorpusError: the weight is not above 0, or above 1000.

    >>> parse_source("mine.csv@8").weight
    8.0
    """
    match = _WEIGHTED.match(text)
    if match is None or Path(text).exists():
        return CorpusSource(Path(text))
    weight = float(match["weight"])
    if not 0 < weight <= _MAX_WEIGHT:
        raise CorpusError(
            f"The weight {match['weight']} of {match['path']} is out of range. "
            f"Give a share below 1 or a number of repeats up to {_MAX_WEIGHT}, such as @0.2 or @8."
        )
    return CorpusSource(Path(match["path"]), weight)


def prepare_corpus(sources: Sequence[CorpusSource], config: CorpusConfig) -> PreparedCorpus:
    """Turns corpora into a training side, a validation side and a report.

    A pair of history and reply stands on one side only. The validation side is neither repeated
    nor trained on; of a corpus that is one single conversation, it is the end.

    Raises:
        CorpusError: a source cannot be read, or fewer than two pairs are left.
    """
    readings = [_Reading(source, config) for source in sources]
    pairs = [pair for reading in readings for pair in reading.pairs()]
    verdicts = judge_pairs(pairs, config)
    _refuse_nothing(verdicts, sources)
    split, verdicts = _split(verdicts, config)
    added, held_out_copies = _without_history(split, config)
    by_source = _sorted_by_source(split.train, added, verdicts, readings)
    train = tuple(
        pair
        for source, pairs in zip(sources, by_source, strict=True)
        for pair in repeated(pairs, source.weight, config.seed)
    )
    sides = Sides(
        len(train), len(split.train), len(split.validation), len(added), held_out_copies
    )
    report = measure(
        _source_reports(readings, verdicts),
        [*split.train, *split.validation],
        sides,
        seed=config.seed,
    )
    return PreparedCorpus(train, tuple(split.validation), report)
