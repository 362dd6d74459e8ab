"""Sources -> the pairs to train on, the pairs to measure on, and a report. The door to corpus/.

Read, clean, extract, filter, split, then add and repeat. Same sources, settings and seed, same
result. Knows no token and no model.
"""

from __future__ import annotations

import dataclasses
import itertools
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chatbot.config import CorpusConfig
from chatbot.corpus.catalogue import located
from chatbot.corpus.chance import draw
from chatbot.corpus.formats.columns import Chosen
from chatbot.corpus.pairs import (
    Reason,
    RejectionCounts,
    Split,
    clean_conversation,
    extract_pairs,
    judge_pairs,
    split_by_conversation,
    with_turns,
)
from chatbot.corpus.private import PrivateLog
from chatbot.corpus.readers import read_conversations
from chatbot.corpus.records import Conversation, DialoguePair, ReadingLog
from chatbot.corpus.report import CorpusReport, Sides, SourceReport, measure
from chatbot.corpus.slots import filled
from chatbot.corpus.speakers import ReplySpeaker, unknown_speaker
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
    """What a training needs of its corpora.

    Slots in the training side are still open, to be filled anew each epoch; those of the
    validation side hold things that no training sees.
    """

    train: tuple[DialoguePair, ...]
    validation: tuple[DialoguePair, ...]
    report: CorpusReport


def parse_source(text: str) -> CorpusSource:
    """Reads `PATH` or `PATH@WEIGHT`; a path that exists as written has no weight.

    Instead of a path, the id of a public set that was fetched.

    Raises:
        CorpusError: the weight is not above 0, or above 1000; or the set is not fetched yet.

    >>> parse_source("mine.csv@8").weight
    8.0
    """
    match = _WEIGHTED.match(text)
    if match is None or Path(text).exists():
        return CorpusSource(located(text))
    weight = float(match["weight"])
    if not 0 < weight <= _MAX_WEIGHT:
        raise CorpusError(
            f"The weight {match['weight']} of {match['path']} is out of range. "
            f"Give a share below 1 or a number of repeats up to {_MAX_WEIGHT}, such as @0.2 or @8."
        )
    return CorpusSource(located(match["path"]), weight)


def prepare_corpus(
    sources: Sequence[CorpusSource],
    config: CorpusConfig,
    *,
    at_most: int | None = None,
    hold_out_from: int = 2,
) -> PreparedCorpus:
    """Turns corpora into a training side, a validation side and a report.

    A pair of history and reply stands on one side only. The validation side is neither repeated
    nor trained on; of a corpus that is one single conversation, it is the end.

    Args:
        sources: what to read, in order.
        config: how to read it.
        at_most: read only so many pairs of each source, for a report in a hurry.
        hold_out_from: of fewer pairs than this, none is held out for the validation side; where
            it is above two, one pair is enough.
    Raises:
        CorpusError: a source cannot be read, or too few pairs are left: none, or only one.
    """
    if not sources:
        raise CorpusError("No corpus was given. Name a file or a folder of conversations.")
    readings = [_read(source, config, at_most) for source in sources]
    _refuse_unknown(readings)
    _judge(readings, config)
    kept = [pair for reading in readings for pair in reading.kept]
    if len(kept) < (1 if hold_out_from > 2 else 2):
        raise _nothing_left(readings)
    held_out = len(kept) >= hold_out_from
    split = _split(kept, readings, config) if held_out else Split(kept, [])
    added, held_out_copies = _without_history(split, config)
    train = _weighted(split.train, added, readings, config.seed)
    sides = Sides(
        train=len(train),
        distinct_train=len(split.train),
        validation=len(split.validation),
        added_without_history=len(added),
        held_out_copies=held_out_copies,
    )
    report = measure(
        [reading.report() for reading in readings],
        [*split.train, *split.validation],
        sides,
        _private(readings),
        private_masked=config.mask_private,
        seed=config.seed,
    )
    validation = filled(split.validation, config.seed, held_out=True)
    return PreparedCorpus(tuple(train), tuple(validation), report)


@dataclass
class _Reading:
    """What became of one source so far."""

    source: CorpusSource
    log: ReadingLog = field(default_factory=ReadingLog)
    conversations: int = 0
    left_out: int = 0
    turns: int = 0
    mended: int = 0
    pairs: list[DialoguePair] = field(default_factory=list)
    kept: list[DialoguePair] = field(default_factory=list)
    rejected: RejectionCounts = field(default_factory=Counter)
    private: PrivateLog = field(default_factory=PrivateLog)
    speaker: ReplySpeaker = field(default_factory=lambda: ReplySpeaker(None))
    is_whole: bool = True

    def clean(
        self, conversations: Iterable[Conversation], config: CorpusConfig
    ) -> Iterator[Conversation]:
        """Yields the conversations that the weight keeps, clean, and counts them."""
        for conversation in conversations:
            share = self.source.weight
            if share < 1 and draw(config.seed, "share", conversation.id) >= share:
                self.left_out += 1
                continue
            cleaned, mended = clean_conversation(conversation)
            self.conversations += 1
            self.turns += len(cleaned.turns)
            self.mended += mended
            yield self._without_private(cleaned, config)

    def _without_private(self, conversation: Conversation, config: CorpusConfig) -> Conversation:
        turns = tuple(
            self.private.passed(turn, masked=config.mask_private) for turn in conversation.turns
        )
        return with_turns(conversation, turns)

    def report(self) -> SourceReport:
        """Returns the counts; a pair that only the validation limit dropped is not kept."""
        return SourceReport(
            name=self.source.path.name or str(self.source.path),
            weight=self.source.weight,
            conversations=self.conversations,
            left_out=self.left_out,
            turns=self.turns,
            mended=self.mended,
            extracted=len(self.pairs),
            kept=len(self.pairs) - self.rejected.total(),
            rejected={str(reason): count for reason, count in self.rejected.items()},
            skipped_files=tuple(self.log.skipped_files),
            notes=dict(self.log.notes),
            is_whole=self.is_whole,
        )


def _read(source: CorpusSource, config: CorpusConfig, at_most: int | None) -> _Reading:
    reading = _Reading(source, speaker=ReplySpeaker(config.reply_speaker))
    chosen = Chosen(config.message_column, config.reply_column)
    spoken = reading.speaker.applied(read_conversations(source.path, reading.log, chosen))
    pairs = extract_pairs(
        reading.clean(spoken, config),
        history_turns=config.history_turns,
        join_turns=config.join_turns,
    )
    reading.pairs = list(itertools.islice(pairs, at_most))
    reading.is_whole = next(pairs, None) is None
    return reading


def _refuse_unknown(readings: Sequence[_Reading]) -> None:
    """Raises CorpusError for a chosen speaker or column that no source has."""
    unknown = unknown_speaker([reading.speaker for reading in readings])
    if unknown is not None:
        raise unknown
    lines = [line for reading in readings for line in reading.log.unknown_columns]
    if lines and not any(reading.log.has_columns for reading in readings):
        raise CorpusError(lines[0])


def _private(readings: Sequence[_Reading]) -> PrivateLog:
    log = PrivateLog()
    for reading in readings:
        log.add(reading.private)
    return log


def _judge(readings: Sequence[_Reading], config: CorpusConfig) -> None:
    """Fills in what is kept of each source; duplicates and overused replies count over all."""
    verdicts = iter(judge_pairs((p for reading in readings for p in reading.pairs), config))
    for reading in readings:
        for pair, reason in itertools.islice(verdicts, len(reading.pairs)):
            if reason is None:
                reading.kept.append(pair)
            else:
                reading.rejected[reason] += 1


def _nothing_left(readings: Sequence[_Reading]) -> CorpusError:
    names = ", ".join(str(reading.source.path) for reading in readings)
    reasons = sum((reading.rejected for reading in readings), Counter[Reason]())
    counts = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common())
    return CorpusError(
        f"{names} gives fewer than two pairs of message and reply to learn from"
        f"{f' (dropped: {counts})' if counts else ''}. "
        "Add conversations, or loosen the settings of the section corpus."
    )


def _split(
    kept: Sequence[DialoguePair], readings: Sequence[_Reading], config: CorpusConfig
) -> Split:
    """Splits, and drops what the validation side holds above its limit, as a seed chooses."""
    train, validation = split_by_conversation(
        kept, validation_fraction=config.validation_fraction, seed=config.seed
    )
    if not validation:  # one single conversation: its end is measured on
        at = len(train) - max(1, round(len(train) * config.validation_fraction))
        train, validation = train[:at], train[at:]
    random.Random(config.seed).shuffle(validation)
    over = frozenset(validation[config.max_validation_pairs :])
    for reading in readings:
        dropped = sum(pair in over for pair in reading.kept) if over else 0
        reading.rejected += Counter({"over_validation_limit": dropped})
    return Split(train, validation[: config.max_validation_pairs])


def _without_history(
    split: Split, config: CorpusConfig
) -> tuple[dict[DialoguePair, DialoguePair], int]:
    """Returns the pairs to add, by the pair that each was shortened from.

    None of them stands on either side already; the second result counts those that were held
    back because the validation side holds the same.
    """
    shorter = {
        pair: dataclasses.replace(pair, history=pair.history[-1:])
        for pair in split.train
        if len(pair.history) > 1 and _falls_to(pair, config)
    }
    asked = {_said(pair) for pair in shorter.values()}
    held_out = asked.intersection(map(_said, split.validation))
    seen = asked.intersection(map(_said, split.train))
    added, held_back = {}, 0
    for pair, short in shorter.items():
        key = _said(short)
        held_back += key in held_out
        if key not in held_out and key not in seen:
            seen.add(key)
            added[pair] = short
    return added, held_back


def _said(pair: DialoguePair) -> tuple[tuple[str, ...], str]:
    """Returns what tells a pair from another, wherever it was said."""
    return pair.history, pair.reply


def _falls_to(pair: DialoguePair, config: CorpusConfig) -> bool:
    """Tells whether a pair belongs to the seeded share that is added without its history."""
    share = config.without_history
    return share == 1 or draw(config.seed, "without history", *pair.history, pair.reply) < share


def _weighted(
    train: Sequence[DialoguePair],
    added: Mapping[DialoguePair, DialoguePair],
    readings: Sequence[_Reading],
    seed: int,
) -> list[DialoguePair]:
    """Returns the training side, source by source: pairs, those added, all as often as weighed."""
    on_this_side = frozenset(train)
    weighted = list[DialoguePair]()
    for reading in readings:
        own = [pair for pair in reading.kept if pair in on_this_side]
        own += [added[pair] for pair in own if pair in added]
        weighted += repeated(own, reading.source.weight, seed)
    return weighted


def repeated(pairs: Sequence[DialoguePair], weight: float, seed: int) -> list[DialoguePair]:
    """Returns pairs as often as a weight above 1 says; what is left over falls to a seeded part.

    >>> pair = DialoguePair(("hi",), "hello", "x:1")
    >>> len(repeated([pair], 3.0, seed=0)), len(repeated([pair], 0.5, seed=0))
    (3, 1)
    """
    times, rest = divmod(max(weight, 1.0), 1.0)
    once_more = [p for p in pairs if rest and draw(seed, "repeat", *p.history, p.reply) < rest]
    return [*(pair for _ in range(int(times)) for pair in pairs), *once_more]
