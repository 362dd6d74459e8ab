"""What the speed benchmarks ask of a bot: which bot, which messages, and replies of one length."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from chatbot.config import DecodingConfig, changed  # noqa: E402
from chatbot.errors import ChatbotError  # noqa: E402

TOKENS = 15  # of each reply


def loaded(name: str) -> Any:
    """Returns a bundle; where there is none, ends with one line and exit status 2."""
    from chatbot.bundle import load_bundle

    try:
        return load_bundle(name)
    except ChatbotError as error:
        raise refused(str(error)) from None


def refused(reason: str) -> SystemExit:
    """Writes a reason to standard error and returns the exit of a bad input."""
    print(f"Error: {reason}", file=sys.stderr)
    return SystemExit(2)


def of_one_length(own: DecodingConfig, strategy: str = "greedy") -> DecodingConfig:
    """Returns a bot's settings under which every reply takes `TOKENS` steps of the network.

    `min_length` must leave room below `max_length`: the last token may be `<EOS>` or none. What
    is judged on a whole reply is off, so that it can be streamed.
    """
    length = {"min_length": TOKENS - 1, "max_length": TOKENS}
    whole = {"n_best": 1, "min_confidence": 0.0, "blocked_phrases": (), "must_contain": ()}
    return changed(own, strategy=strategy, beam_size=5, **length, **whole)


def messages(language: str, count: int) -> Sequence[str]:
    """Returns so many messages, those of the tests over and over (English for other languages)."""
    path = ROOT / "tests" / "data" / f"messages.{language}.jsonl"
    path = path if path.is_file() else path.with_name("messages.en.jsonl")
    lines = path.read_text(encoding="utf-8").splitlines()
    single = [json.loads(line)["history"][-1] for line in lines if line.strip()]
    return list(itertools.islice(itertools.cycle(single), count))
