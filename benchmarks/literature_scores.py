"""What literature.py measures of a trained bot on held-out pairs, as plain numbers for JSON.

Perplexity and accuracy with the true prefix come from one teacher-forced pass; BLEU, chrF and
accuracy in free running from replies that are searched for without n-gram blocking. Knows neither
how the bot was trained nor how a page is written.
"""

from __future__ import annotations

import bisect
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chatbot.config import BOS_ID, EOS_ID, PAD_ID, DecodingConfig
from chatbot.corpus.records import DialoguePair
from chatbot.decoding.nats import log_softmax
from chatbot.evaluation.metrics import corpus_bleu, perplexity
from chatbot.text.source import pad
from chatbot.text.words import words
from chatbot.training.batches import BatchPlan
from chatbot.training.encoding import encode_pairs
from chatbot.training.run import RunFolder

if TYPE_CHECKING:
    from chatbot.bot import Chatbot
    from chatbot.bundle import Bundle
    from chatbot.decoding.engine import SearchEngine

POSITIONS = 10  # tokens of a reply whose accuracy is told one by one
BEAMS = (1, 2, 5, 10)
_PARTS = 4
_BATCH = 64
_GREEDY = DecodingConfig(no_repeat_ngram_size=0)


class Scored(NamedTuple):
    """One held-out pair under one bot."""

    pair: DialoguePair
    nats: float  # of the reference and its <EOS>
    reference: list[int]  # closed by <EOS>
    guesses: list[int]  # the likeliest token at each place, the true ones before it given
    own: list[int]  # the greedy reply, <EOS> and padding kept
    reply: str


def scores(
    folder: Path, pairs: Sequence[DialoguePair], *, beams: bool, asked: Sequence[str] = ()
) -> dict[str, Any]:
    """Returns every score of the bundle in a folder.

    Args:
        folder: of the bundle.
        pairs: the held-out ones.
        beams: also search with each width of `BEAMS`.
        asked: messages whose replies are told as well.
    """
    from chatbot.bot import Chatbot
    from chatbot.bundle import load_bundle
    from chatbot.decoding.engine import SearchEngine
    from chatbot.text.tokenizer import CONTROL_IDS

    bundle = load_bundle(folder)
    bot = Chatbot(bundle)
    engine = SearchEngine(bundle.network, CONTROL_IDS)
    scored = [one for batch in _batches(pairs) for one in _scored(bundle, bot, engine, batch)]
    found = {"parameters": bundle.info.parameters, **_overall(scored)}
    found |= {"lengths": _by_length(scored), **accuracies(scored)}
    found["examples"] = [[p.history[-1], p.reply, r] for p, *_, r in scored[:5]]
    if asked:
        found["asked"] = dict(zip(asked, _replies(bundle, bot, engine, asked), strict=True))
    if beams:
        found["beams"] = {str(width): _beam(bundle, bot, engine, pairs, width) for width in BEAMS}
    return found


def training(run: RunFolder) -> dict[str, Any]:
    """Returns how a training went: target tokens/s (median), steps, epochs, seconds, its end."""
    events = run.events()
    last = {event["event"]: event for event in events}
    plan, end = last["estimate"], last.get("early") or last["done"]
    rates = [e["tokens_per_second"] for e in events if e["event"] == "progress"]
    return {
        "tokens_per_second": statistics.median(rates) if rates else None,
        "steps": end["step"],
        "trained_epochs": round(plan["epochs"] * end["step"] / plan["steps"], 2),
        "seconds": round(end["seconds"], 1),
        "best_step": end["best_step"],
        "ended": end["reason"],
        "device": plan["device"],
        "padding": round(_padding(run), 4),
    }


def length_borders(lengths: Sequence[int], parts: int = _PARTS) -> list[int]:
    """Returns the longest length of each part but the last, the parts being about equally large.

    Equal lengths stay together, so parts of short texts may differ in size, or fall together.

    >>> length_borders([1, 2, 3, 4, 5, 6, 7, 8])
    [2, 4, 6]
    """
    ordered = sorted(lengths)
    borders = {ordered[max(0, len(ordered) * part // parts - 1)] for part in range(1, parts)}
    return sorted(border for border in borders if border < ordered[-1])


def part_of(length: int, borders: Sequence[int]) -> int:
    """Returns the number of the part that a length belongs to.

    >>> [part_of(length, [2, 4, 6]) for length in (1, 2, 3, 6, 7)]
    [0, 0, 1, 2, 3]
    """
    return bisect.bisect_left(borders, length)


def source_length(pair: DialoguePair) -> int:
    """Returns the characters of the whole history, which no tokenizer or variant changes."""
    return sum(map(len, pair.history))


def accuracies(scored: Sequence[Scored]) -> dict[str, Any]:
    """Returns how often the true token stands at each place, by own output and true prefix.

    `positions` holds shares for the places 1 to `POSITIONS` of the references that are so long;
    `after_first` the shares of all places from the second on, where the first token was right or
    wrong.
    """
    hits = {
        "true": [_hits(one.guesses, one.reference) for one in scored],
        "own": [_hits(one.own, one.reference) for one in scored],
    }
    positions: dict[str, list[float | None]] = {
        kind: [_share([row[t] for row in rows if len(row) > t]) for t in range(POSITIONS)]
        for kind, rows in hits.items()
    }
    after: dict[str, dict[str, float | None]] = {
        name: {
            kind: _share([hit for row in rows if row[0] == right for hit in row[1:]])
            for kind, rows in hits.items()
        }
        for name, right in (("right", True), ("wrong", False))
    }
    return {"positions": positions, "after_first": after}


def _hits(tokens: Sequence[int], reference: Sequence[int]) -> list[bool]:
    """Tells for each place of the reference, up to `POSITIONS`, whether its token stands there."""
    padded = [*tokens, *[-1] * len(reference)]
    return [padded[t] == token for t, token in enumerate(reference[:POSITIONS])]


def _share(hits: Sequence[bool]) -> float | None:
    return round(sum(hits) / len(hits), 4) if hits else None


def _batches(pairs: Sequence[DialoguePair]) -> Iterator[Sequence[DialoguePair]]:
    for start in range(0, len(pairs), _BATCH):
        yield pairs[start : start + _BATCH]


def _scored(
    bundle: Bundle, bot: Chatbot, engine: SearchEngine, batch: Sequence[DialoguePair]
) -> Iterator[Scored]:
    sources = bot.encode([pair.history for pair in batch])
    targets = [[*ids, EOS_ID] for ids in bundle.tokenizer.encode_batch([p.reply for p in batch])]
    logits = bundle.network.logits(sources, pad([[BOS_ID, *ids[:-1]] for ids in targets]))
    own = np.take_along_axis(log_softmax(logits), pad(targets)[..., np.newaxis], 2)[..., 0]
    nats = np.where(pad(targets) != PAD_ID, -own, 0)
    guesses = logits.argmax(-1)
    found = engine.search(sources, _GREEDY, [0] * len(batch)).token_ids[:, 0]
    for row, (pair, ids) in enumerate(zip(batch, targets, strict=True)):
        said = found[row].tolist()
        yield Scored(
            pair,
            float(nats[row, : len(ids)].sum()),
            ids,
            guesses[row, : len(ids)].tolist(),
            said,
            bundle.tokenizer.decode(said),
        )


def _replies(
    bundle: Bundle, bot: Chatbot, engine: SearchEngine, messages: Sequence[str]
) -> list[str]:
    found = engine.search(bot.encode(messages), _GREEDY, [0] * len(messages))
    return [bundle.tokenizer.decode(ids.tolist()) for ids in found.token_ids[:, 0]]


def _overall(scored: Sequence[Scored]) -> dict[str, Any]:
    """Returns perplexities (per word: words and one end a reply), BLEU and chrF."""
    nats = sum(one.nats for one in scored)
    tokens = sum(len(one.reference) for one in scored)
    ends_and_words = sum(len(words(one.pair.reply)) + 1 for one in scored)
    return {
        "perplexity_per_word": round(perplexity(nats / ends_and_words), 3),
        "perplexity_per_token": round(perplexity(nats / tokens), 3),
        **_overlap([one.reply for one in scored], [one.pair.reply for one in scored]),
    }


def _overlap(replies: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """Returns BLEU and chrF (Popović 2015) in 0..100, by sacrebleu, one reference each."""
    import sacrebleu

    chrf = sacrebleu.corpus_chrf(list(replies), [list(references)]).score
    return {"bleu": round(corpus_bleu(replies, references), 2), "chrf": round(float(chrf), 2)}


def _by_length(scored: Sequence[Scored]) -> list[dict[str, Any]]:
    """Returns the overall scores for each of about four equally large parts, the shortest first."""
    lengths = [source_length(one.pair) for one in scored]
    borders = length_borders(lengths)
    parts: list[list[Scored]] = [[] for _ in range(len(borders) + 1)]
    for one, length in zip(scored, lengths, strict=True):
        parts[part_of(length, borders)].append(one)
    told = []
    for part in parts:
        within = [source_length(one.pair) for one in part]
        about = {"from": min(within), "to": max(within), "pairs": len(part)}
        told.append({**about, **_overall(part)})
    return told


def _beam(
    bundle: Bundle, bot: Chatbot, engine: SearchEngine, pairs: Sequence[DialoguePair], width: int
) -> dict[str, float]:
    """Returns BLEU, chrF and seconds of a beam search; the graph is compiled before."""
    settings = DecodingConfig(strategy="beam", beam_size=width, no_repeat_ngram_size=0)
    batches = [bot.encode([pair.history for pair in batch]) for batch in _batches(pairs)]
    engine.search(batches[0], settings, [0] * len(batches[0]))
    started = time.monotonic()
    found = [engine.search(sources, settings, [0] * len(sources)) for sources in batches]
    seconds = time.monotonic() - started
    replies = [
        bundle.tokenizer.decode(ids.tolist()) for one in found for ids in one.token_ids[:, 0]
    ]
    return {**_overlap(replies, [pair.reply for pair in pairs]), "seconds": round(seconds, 2)}


def _padding(run: RunFolder) -> float:
    """Returns which share of the positions of one epoch's batches is padding."""
    settings = run.config().training
    pairs = encode_pairs(run.pairs("train"), run.tokenizer(), settings)
    plan = BatchPlan(
        lambda _: pairs, settings.batch_size, settings.seed, bucketing=settings.bucketing
    )
    real = sum(map(len, pairs.sources)) + sum(map(len, pairs.targets))
    batches = map(plan.batch, range(plan.batches_per_epoch))
    return 1 - real / sum(batch.source_ids.size + batch.target_ids.size for batch in batches)
