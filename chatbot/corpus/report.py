"""What a corpus holds, what of it is learned from, and what was dropped and why.

`measure` counts, `render` shows it on a terminal, `as_dict` gives it to JSON. Decides nothing.
"""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from chatbot.corpus.content import (
    BlockedUse,
    LengthStep,
    MessageUse,
    PrivateUse,
    WordCounter,
    blocked_words,
    length_steps,
    much_answered,
)
from chatbot.corpus.private import KINDS, PrivateLog
from chatbot.corpus.records import DialoguePair
from chatbot.text.languages import language_shares

Verdict = Literal["small", "medium", "large"]
_MEDIUM_FROM, _LARGE_FROM = 2_000, 50_000  # pairs
_EXAMPLES, _TOP_REPLIES = 5, 10
_MUCH_SAID = 0.02  # share of the pairs that have one and the same reply
_LANGUAGE_SAMPLE = 20_000  # texts, enough to tell shares by
_LEAST_LANGUAGE = 0.005  # share of the texts in a language; below it, the guess tells nothing


@dataclass(frozen=True)
class SourceReport:
    """What was read from one source, or from all of them.

    `extracted` = `kept` + the sum of `rejected`, in pairs; each dropped pair has one reason.
    `mended` counts turns whose broken encoding was repaired. `left_out` counts conversations that
    a weight below 1 left out; they are not in `conversations`. `is_whole` says that the source was
    read to its end.
    """

    name: str
    weight: float
    conversations: int
    left_out: int
    turns: int
    mended: int
    extracted: int
    kept: int
    rejected: Mapping[str, int]
    skipped_files: tuple[str, ...] = ()
    notes: Mapping[str, int] = dataclasses.field(default_factory=dict)
    is_whole: bool = True


@dataclass(frozen=True)
class Lengths:
    """How long texts are, in words (a Chinese character is a word)."""

    p5: int
    median: int
    p95: int
    longest: int


@dataclass(frozen=True)
class ReplyUse:
    """A reply, in how many pairs it stands, and in what share of them."""

    reply: str
    uses: int
    share: float


@dataclass(frozen=True)
class Example:
    """A pair as it will be learned."""

    history: tuple[str, ...]
    reply: str


@dataclass(frozen=True)
class Sides:
    """How many pairs are trained on and measured on.

    `train` = (`distinct_train` + `added_without_history`) as repeated by the weights.
    `held_out_copies` were not added, since the validation side holds the same pair.
    """

    train: int
    distinct_train: int
    validation: int
    added_without_history: int
    held_out_copies: int


@dataclass(frozen=True)
class CorpusReport:
    """Everything that is worth knowing of a corpus before training on it.

    `languages` are shares of the messages and replies, by code ("und": undetermined).
    `private` counts over all turns read, whether `private_masked` or not; all else counts over
    the pairs kept.
    """

    sources: tuple[SourceReport, ...]
    total: SourceReport
    sides: Sides
    message_words: Lengths
    reply_words: Lengths
    distinct_replies: int
    vocabulary_words: int
    top_replies: tuple[ReplyUse, ...]
    length_steps: tuple[LengthStep, ...]
    languages: Mapping[str, float]
    duplicates: int
    much_answered_messages: int
    much_answered: tuple[MessageUse, ...]
    private: tuple[PrivateUse, ...]
    private_masked: bool
    blocked_words: tuple[BlockedUse, ...]
    examples: tuple[Example, ...]
    verdict: Verdict
    advice: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Returns the report as plain values that JSON can hold."""
        return dataclasses.asdict(self)


def measure(
    sources: Sequence[SourceReport],
    pairs: Sequence[DialoguePair],
    sides: Sides,
    private: PrivateLog,
    *,
    private_masked: bool,
    seed: int,
) -> CorpusReport:
    """Counts words and replies over the pairs kept, each once.

    Args:
        sources: what was read from each.
        pairs: those kept, of both sides, not repeated; at least one.
        sides: the sizes of both sides.
        private: what was found in the turns read.
        private_masked: whether it was masked there.
        seed: chooses the examples.
    """
    total = _total(sources)
    messages, replies = [pair.history[-1] for pair in pairs], [pair.reply for pair in pairs]
    counted = WordCounter()
    of_messages, of_replies = counted.lengths(messages), counted.lengths(replies)
    top = _top_replies(replies)
    many, most_answered = much_answered(pairs)
    chosen = random.Random(seed).sample(pairs, min(_EXAMPLES, len(pairs)))
    return CorpusReport(
        sources=tuple(sources),
        total=total,
        sides=sides,
        message_words=_percentiles(of_messages),
        reply_words=_percentiles(of_replies),
        distinct_replies=len(set(replies)),
        vocabulary_words=counted.vocabulary_words,
        top_replies=top,
        length_steps=length_steps(of_messages, of_replies),
        languages=_languages([*messages, *replies]),
        duplicates=total.rejected.get("duplicate", 0),
        much_answered_messages=many,
        much_answered=most_answered,
        private=_private_uses(private),
        private_masked=private_masked,
        blocked_words=blocked_words(messages, replies),
        examples=tuple(Example(pair.history, pair.reply) for pair in chosen),
        verdict=verdict_on(len(pairs)),
        advice=tuple(_advice(total, top)),
    )


def verdict_on(pairs: int) -> Verdict:
    """Tells whether so many pairs are few or many to learn from.

    >>> [verdict_on(n) for n in (300, 20_000, 300_000)]
    ['small', 'medium', 'large']
    """
    if pairs < _MEDIUM_FROM:
        return "small"
    return "medium" if pairs < _LARGE_FROM else "large"


def _total(sources: Sequence[SourceReport]) -> SourceReport:
    rejected = Counter[str]()
    for source in sources:
        rejected.update(source.rejected)
    return SourceReport(
        name="total",
        weight=1.0,
        conversations=sum(source.conversations for source in sources),
        left_out=sum(source.left_out for source in sources),
        turns=sum(source.turns for source in sources),
        mended=sum(source.mended for source in sources),
        extracted=sum(source.extracted for source in sources),
        kept=sum(source.kept for source in sources),
        rejected=dict(rejected),
        is_whole=all(source.is_whole for source in sources),
    )


def _languages(texts: Sequence[str]) -> dict[str, float]:
    sample = texts[:: len(texts) // _LANGUAGE_SAMPLE + 1]
    return {c: share for c, share in language_shares(sample).items() if share >= _LEAST_LANGUAGE}


def _private_uses(log: PrivateLog) -> tuple[PrivateUse, ...]:
    return tuple(
        PrivateUse(kind, log.uses[kind], tuple(log.examples[kind]))
        for kind in KINDS
        if log.uses[kind]
    )


def _percentiles(lengths: list[int]) -> Lengths:
    ordered = sorted(lengths)
    p5, median, p95 = (ordered[int(share * (len(ordered) - 1))] for share in (0.05, 0.5, 0.95))
    return Lengths(p5, median, p95, ordered[-1])


def _top_replies(replies: Sequence[str]) -> tuple[ReplyUse, ...]:
    top = Counter(replies).most_common(_TOP_REPLIES)
    return tuple(ReplyUse(reply, uses, uses / len(replies)) for reply, uses in top)


def dominant_reply(top: Sequence[ReplyUse]) -> ReplyUse | None:
    """Returns the most frequent reply if it is said so often that the bot will repeat it."""
    return top[0] if top and top[0].uses > 10 and top[0].share > _MUCH_SAID else None


def main_rejection(total: SourceReport) -> tuple[str, int] | None:
    """Returns the commonest reason and its pairs, if more than half of the pairs were dropped."""
    if total.kept * 2 >= total.extracted:
        return None
    return max(total.rejected.items(), key=lambda item: item[1])


def _advice(total: SourceReport, top: Sequence[ReplyUse]) -> list[str]:
    advice = []
    if verdict_on(total.kept) == "small":
        advice.append(
            f"{total.kept:,} pairs are few: a bot trained on them alone repeats them by heart and "
            "is lost beside them. Fine-tune a bot that can talk (--from english), or train "
            "together with a large corpus and weigh this one up (yours.csv@8 large.jsonl)."
        )
    dominant = dominant_reply(top)
    if dominant:
        advice.append(
            f"{dominant.share:.0%} of all replies are {dominant.reply[:60]!r}, so the bot will say "
            "it often. Lower corpus.max_reply_uses, or write more different replies."
        )
    rejection = main_rejection(total)
    if rejection:
        advice.append(
            f"More than half of the pairs were dropped, {rejection[1]:,} of them for the reason "
            f"{rejection[0]}. Check the file, or the settings of the section corpus."
        )
    return advice


def render(report: CorpusReport) -> RenderableType:
    """Returns the report for a terminal, tables and lines."""
    parts: list[RenderableType] = [_sources_table(report), _facts(report)]
    if report.total.rejected:
        parts.append(_rejected_table(report.total))
    parts.append(_replies_table(report))
    parts += [_private_table(report)] if report.private else []
    parts += [_blocked_table(report)] if report.blocked_words else []
    parts.append(_examples_table(report))
    parts += [Text(note) for source in report.sources for note in _remarks(source)]
    parts.append(Text(f"This corpus is {report.verdict}.", style="bold"))
    parts += [Text(line) for line in report.advice]
    return Group(*parts)


def _sources_table(report: CorpusReport) -> Table:
    names = "weight", "conversations", "turns", "mended", "pairs", "kept"
    table = Table("source", title="Corpus")
    for name in names:
        table.add_column(name, justify="right")
    shown = report.sources if len(report.sources) == 1 else (*report.sources, report.total)
    for source in shown:
        counts = source.conversations, source.turns, source.mended, source.extracted, source.kept
        table.add_row(Text(source.name), f"{source.weight:g}", *(f"{n:,}" for n in counts))
    return table


def _facts(report: CorpusReport) -> Text:
    sides = report.sides
    lines = [
        f"Training side: {sides.train:,} pairs ({sides.distinct_train:,} different ones, "
        f"{sides.added_without_history:,} more without their history, weights applied)",
        f"Validation side: {sides.validation:,} pairs of other conversations",
        f"Messages: {_shown(report.message_words)}",
        f"Replies: {_shown(report.reply_words)}; {report.distinct_replies:,} different ones",
        f"Vocabulary: {report.vocabulary_words:,} different words",
        f"Languages: {_languages_shown(report.languages)}",
        f"Messages with five different replies or more: {report.much_answered_messages:,}"
        + (f", most of all {report.much_answered[0].message!r}" if report.much_answered else ""),
    ]
    return Text("\n".join(lines))


def _languages_shown(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{code} {share:.0%}" for code, share in shares.items()) or "none"


def _shown(lengths: Lengths) -> str:
    return (
        f"{lengths.median} words at the median (5 %: {lengths.p5}, 95 %: {lengths.p95}, "
        f"longest: {lengths.longest})"
    )


def _rejected_table(total: SourceReport) -> Table:
    table = Table("dropped because", title="Pairs dropped")
    table.add_column("pairs", justify="right")
    for reason, count in sorted(total.rejected.items(), key=lambda item: -item[1]):
        table.add_row(reason.replace("_", " "), f"{count:,}")
    return table


def _replies_table(report: CorpusReport) -> Table:
    table = Table("reply", title="Most frequent replies")
    table.add_column("pairs", justify="right")
    table.add_column("share", justify="right")
    for use in report.top_replies:
        table.add_row(Text(use.reply), f"{use.uses:,}", f"{use.share:.2%}")
    return table


def _private_table(report: CorpusReport) -> Table:
    done = "masked" if report.private_masked else "learned as they are: corpus.mask_private=true"
    table = Table("kind", title=f"Private details ({done})")
    table.add_column("found", justify="right")
    table.add_column("for instance, half hidden")
    for use in report.private:
        table.add_row(use.kind, f"{use.uses:,}", Text("\n".join(use.examples)))
    return table


def _blocked_table(report: CorpusReport) -> Table:
    table = Table("word", title="Blocked words")
    table.add_column("messages", justify="right")
    table.add_column("replies", justify="right")
    for use in report.blocked_words:
        table.add_row(Text(use.word), f"{use.messages:,}", f"{use.replies:,}")
    return table


def _examples_table(report: CorpusReport) -> Table:
    table = Table("history", "reply", title="Examples", show_lines=True)
    for example in report.examples:
        table.add_row(Text("\n".join(example.history)), Text(example.reply))
    return table


def _remarks(source: SourceReport) -> list[str]:
    notes = [note if count == 1 else f"{note}: {count:,}" for note, count in source.notes.items()]
    if source.skipped_files:
        shown = ", ".join(source.skipped_files[:10])
        more = len(source.skipped_files) - 10
        notes.append(f"Skipped, no corpus: {shown}" + (f" and {more} more" if more > 0 else ""))
    if not source.is_whole:
        notes.append(f"{source.name}: only the first {source.extracted:,} pairs were read")
    if source.left_out:
        notes.append(f"{source.name}: {source.left_out:,} conversations left out by its weight")
    return notes
