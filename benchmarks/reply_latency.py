"""How long does one greedy reply of 15 tokens take, and how long elsewhere?

    python benchmarks/reply_latency.py english      # about 1 minute; --quick: 20 seconds

One message at a time, all warm. In the same run and by turns: the loop of the
Keras example `lstm_seq2seq` on the same weights (`predict` for each token), PyTorch's chatbot
tutorial on a network of the same shapes, and the time that reading the decoder's weights from
memory takes, once for each token. Goals: 80 times faster than `predict`, 3 times faster than
PyTorch, within 2 times of reading the weights; a beam of 5 in 2.5 times greedy search's time;
the first text of a stream within 15 ms. Our replies include all work on text, the others none.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from asked import TOKENS, loaded, of_one_length, refused
from machine import described, memory_bandwidth, seconds_of

from chatbot.config import BOS_ID
from chatbot.model.size import size_of

MESSAGE = "My sister and I went to the market today."  # no fixed fact of a shipped bot
REPLY, PREDICT, TORCH = "reply, greedy", "Keras predict per token", "PyTorch's tutorial"
BEAM, FIRST, READING = "reply, beam of 5", "first streamed text", "reading the weights"
FLOAT32_BYTES = 4


def main() -> int:
    """Prints a table, then one JSON line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="english")
    parser.add_argument("--repeats", type=int, default=25)
    parser.add_argument("--quick", action="store_true", help="3 repeats")
    options = parser.parse_args()
    if options.repeats < 1:
        raise refused("--repeats is a count from 1 on.")
    bundle = loaded(options.model)
    cases, skipped = cases_of(bundle)
    seconds = by_turns(cases, 3 if options.quick else options.repeats)
    seconds[READING] = reading_seconds(bundle)
    print(table(seconds))
    if skipped:
        print(f"{TORCH}: skipped, {skipped}")
    rounded = {name: round(1000 * value, 4) for name, value in seconds.items()}
    about = {"model": options.model, "tokens": TOKENS, "torch_skipped": skipped, **described()}
    print(json.dumps({**about, "milliseconds": rounded, "ratios": ratios(seconds)}))
    return 0


def cases_of(bundle: Any) -> tuple[dict[str, Callable[[], object]], str]:
    """Returns what is timed, and why PyTorch is not among it (empty: it is)."""
    from chatbot.bot import Chatbot
    from chatbot.bundle import load_seq2seq

    bot = Chatbot(bundle)
    source = bot.encode([MESSAGE], bot.decoding.history_turns)
    seq2seq = load_seq2seq(bundle.info.path)
    greedy, beam = (of_one_length(bot.decoding, name) for name in ("greedy", "beam"))
    cases: dict[str, Callable[[], object]] = {
        REPLY: lambda: bot.reply(MESSAGE, greedy),
        BEAM: lambda: bot.reply(MESSAGE, beam),
        FIRST: lambda: next(text for text in bot.stream(MESSAGE, greedy) if text),
        PREDICT: lambda: predicted(seq2seq, source),
    }
    skipped = why_no_torch(bundle.config.model)
    if not skipped:
        cases[TORCH] = torch_case(bundle, source)
    return cases, skipped


def by_turns(cases: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Returns the median seconds of each case; all take turns, so noise meets all of them.

    Each runs once more before it is timed, so that it finds its own weights in the caches.
    """
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(repeats + 1):
        for name, run in cases.items():
            run()
            seconds[name].append(seconds_of(run))
    return {name: statistics.median(taken[1:]) for name, taken in seconds.items()}


def predicted(seq2seq: Any, source: Any) -> list[int]:
    """Returns the tokens of a reply as `lstm_seq2seq` (keras.io/examples/nlp) decodes them."""
    memory, mask, *state = seq2seq.encoder.predict(source, verbose=0)
    last_ids, said = np.array([BOS_ID], np.int32), []
    for _ in range(TOKENS):
        step = [last_ids, memory, mask, *state]
        logits, _, *state = seq2seq.decoder_step.predict(step, verbose=0)
        last_ids = logits.argmax(-1).astype(np.int32)
        said.append(int(last_ids[0]))
    return said


def why_no_torch(model: Any) -> str:
    """Returns the reason why PyTorch's networks are not timed, empty where they are."""
    if importlib.util.find_spec("torch") is None:
        return "torch is not installed (it is no requirement of this project)"
    one_layer = model.encoder_layers == model.decoder_layers == 1
    cells = model.cell == "gru" and model.encoder == model.decoder == "recurrent" and one_layer
    widths = model.bidirectional and model.decoder_units == 2 * model.encoder_units
    tables = model.tie_embeddings and not model.share_embeddings
    context = model.attention == "dot" and model.summary == "sum" and model.joins_summary
    if not (cells and widths and tables and context and model.readout != "none"):
        return "PyTorch's network has the default layers, and this network others"
    return ""


def torch_case(bundle: Any, source: Any) -> Callable[[], object]:
    """Returns the tutorial's search on a source of the same length."""
    import torch
    from torch_tutorial import GreedySearchDecoder, Shapes

    model = bundle.config.model
    shapes = Shapes(bundle.tokenizer.vocab_size, model.embedding_units, model.encoder_units)
    decoder, ids = GreedySearchDecoder(shapes), torch.from_numpy(source.T.astype(np.int64))
    return lambda: decoder(ids, TOKENS)


def reading_seconds(bundle: Any) -> float:
    """Returns how long memory takes to hand over the weights that the tokens of a reply pass."""
    weights = size_of(bundle.config.model, bundle.tokenizer.vocab_size).decoder
    return TOKENS * weights * FLOAT32_BYTES / memory_bandwidth()


def ratios(seconds: dict[str, float]) -> dict[str, float]:
    """Returns the ratios that have goals; above 1: what is named last takes longer."""
    of = {"predict/reply": PREDICT, "torch/reply": TORCH, "beam/reply": BEAM}
    found = {name: seconds[case] / seconds[REPLY] for name, case in of.items() if case in seconds}
    found["reply/reading"] = seconds[REPLY] / seconds[READING]
    return {name: round(value, 2) for name, value in found.items()}


def table(seconds: dict[str, float]) -> str:
    """Returns a line for each case: milliseconds, its ratio to our greedy reply, the goal."""
    goals = {
        PREDICT: "at least 80 times a reply",
        TORCH: "at least 3 times a reply",
        BEAM: "at most 2.5 times a reply",
        READING: "at least half of a reply",
        FIRST: "at most 15 ms",
    }
    return "\n".join(
        f"{name:26} {1000 * value:9.3f} ms {value / seconds[REPLY]:8.2f}   {goals.get(name, '')}"
        for name, value in seconds.items()
    )


if __name__ == "__main__":
    sys.exit(main())
