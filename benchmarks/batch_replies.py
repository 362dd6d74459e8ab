"""Replies to many messages in batches: how many a second, and what share of the processor's peak?

    python benchmarks/batch_replies.py english      # 10,000 messages: 2 to 4 minutes
    python benchmarks/batch_replies.py english --messages 300 --sizes 1 64

Greedy replies of 15 tokens through `Chatbot.reply_batch`, text in and text out. The operations are
counted as two for each weight that a token passes: those of the encoder for each token that is
read, those of the decoder and the output matrix for each that is said; padding, attention and the
search count nothing. Goal: half of the large float32 matrix product's rate, measured in this run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from asked import TOKENS, loaded, messages, of_one_length, refused
from machine import LARGE, described, product_peak, seconds_of

from chatbot.config import PAD_ID, DecodingConfig, changed
from chatbot.model.size import size_of

SIZES = (1, 8, 32, 64, 128, 256)
_BATCHES = 100  # of each size at most: small ones are slow


class Rate(NamedTuple):
    """What one batch size gave."""

    size: int
    messages: int
    replies_per_second: float
    tokens_per_second: float
    gflops: float
    output_peak_gflops: float  # of the output matrix alone, for a batch of this size


def main() -> int:
    """Prints a table, then one JSON line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="english")
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    if min(options.messages, options.repeats, *options.sizes) < 1:
        raise refused("Messages, sizes and repeats are counts from 1 on.")
    bundle = loaded(options.model)
    from chatbot.bot import Chatbot

    bot, asked = Chatbot(bundle), messages(bundle.info.language, options.messages)
    rates = [rate(bundle, bot, asked, size, options.repeats) for size in options.sizes]
    own = of_their_own_length(bot, asked, max(options.sizes))
    peaks = {
        kind: product_peak(LARGE, LARGE, LARGE, kind) / 1e9 for kind in ("float32", "bfloat16")
    }
    print(table(rates, peaks, own))
    about = {"model": options.model, "tokens": TOKENS, **described()}
    print(json.dumps({**about, **summary(rates, peaks, own)}))
    return 0


def rate(bundle: Any, bot: Any, asked: Sequence[str], size: int, repeats: int) -> Rate:
    """Measures one batch size."""
    some, settings = asked[: _BATCHES * size], of_one_length(bot.decoding)
    seconds = answer_seconds(bot, some, size, settings, repeats)
    read = int((bot.encode(some, settings.history_turns) != PAD_ID).sum())
    passed = size_of(bundle.config.model, bundle.tokenizer.vocab_size)
    operations = 2 * (passed.encoder * read + passed.decoder * TOKENS * len(some))
    output = (size, bundle.config.model.embedding_units, bundle.tokenizer.vocab_size)
    return Rate(
        size,
        len(some),
        replies_per_second=len(some) / seconds,
        tokens_per_second=TOKENS * len(some) / seconds,
        gflops=operations / seconds / 1e9,
        output_peak_gflops=product_peak(*output) / 1e9,
    )


def answer_seconds(
    bot: Any, asked: Sequence[str], size: int, settings: DecodingConfig, repeats: int
) -> float:
    """Returns the median seconds of answering all messages, after one batch of warming up."""
    batches = [asked[start : start + size] for start in range(0, len(asked), size)]
    bot.reply_batch(batches[0], settings)

    def answer() -> None:
        for batch in batches:
            bot.reply_batch(batch, settings)

    return statistics.median(seconds_of(answer) for _ in range(repeats))


def of_their_own_length(bot: Any, asked: Sequence[str], size: int) -> dict[str, float]:
    """Returns the rates of greedy replies that end where the bot ends them."""
    settings = changed(of_one_length(bot.decoding), min_length=1, max_length=40)
    seconds = answer_seconds(bot, asked, size, settings, repeats=1)
    said = [bot.count_tokens(reply.text) for reply in bot.reply_batch(asked[:size], settings)]
    tokens = statistics.fmean(said) + 1  # <EOS>
    replies = len(asked) / seconds
    return {"size": size, "tokens": tokens, "replies": replies, "per_second": replies * tokens}


def summary(rates: Sequence[Rate], peaks: dict[str, float], own: dict[str, float]) -> Any:
    """Returns what the JSON line tells."""
    rows = [{name: round(value, 2) for name, value in r._asdict().items()} for r in rates]
    best = max(r.gflops for r in rates) / peaks["float32"]
    return {
        "rates": rows,
        "peak_gflops": {kind: round(value, 1) for kind, value in peaks.items()},
        "best_share_of_float32_peak": round(best, 3),
        "own_length": {name: round(value, 1) for name, value in own.items()},
    }


def table(rates: Sequence[Rate], peaks: dict[str, float], own: dict[str, float]) -> str:
    """Returns a line for each batch size, then the peaks and the replies of their own length."""
    head = "batch  messages  replies/s  tokens/s  GFLOP/s  of the peak  output matrix alone"
    rows = [
        f"{r.size:5} {r.messages:9} {r.replies_per_second:10.1f} {r.tokens_per_second:9.0f} "
        f"{r.gflops:8.1f} {r.gflops / peaks['float32']:12.1%} {r.output_peak_gflops:12.1f} GFLOP/s"
        for r in rates
    ]
    told = [
        f"peak, {LARGE} x {LARGE} x {LARGE}: float32 {peaks['float32']:.1f} GFLOP/s, "
        f"bfloat16 {peaks['bfloat16']:.1f} GFLOP/s (goal: at least 50 % of float32's)",
        f"replies of their own length, batch {own['size']}: {own['replies']:.1f} replies/s, "
        f"{own['per_second']:.0f} tokens/s ({own['tokens']:.1f} tokens each)",
    ]
    return "\n".join([head, *rows, *told])


if __name__ == "__main__":
    sys.exit(main())
