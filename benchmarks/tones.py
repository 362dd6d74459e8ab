"""How often is a bot glad at bad news, and at good news, with tact and without?

python benchmarks/tones.py english tests/data/tones.en.jsonl

The file has one message a line: {"history": [...], "tone": "glad", "sorry" or "neutral"}, where the
tone is that of a fitting reply. Prints a line for each `decoding.tact`, then one JSON line.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from asked import loaded, refused

from chatbot import Chatbot
from chatbot.config import DecodingConfig, changed
from chatbot.text.tones import Tones

_BATCH = 40


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("messages", type=Path)
    parser.add_argument("--tact", type=float, nargs="+", default=[0.0, DecodingConfig().tact])
    options = parser.parse_args()
    asked, bundle = _messages(options.messages), loaded(options.name)
    bot, found = Chatbot(bundle), {}
    total = Counter(message["tone"] for message in asked)
    for tact in options.tact:
        settings = changed(bot.decoding, tact=tact)
        glad = _glad(bot, asked, settings, bundle.tones)
        told = (f"at {tone} ones {glad[tone]} of {count}" for tone, count in total.items())
        print(f"tact {tact:g}: a glad reply {', '.join(told)}")
        found[f"{tact:g}"] = {tone: glad[tone] for tone in total}
    print(json.dumps({"bot": options.name, "asked": total, "glad": found}))
    return 0


def _messages(path: Path) -> list[dict[str, Any]]:
    """Reads the messages, those of about one length side by side; refuses another file."""
    try:
        asked = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return sorted(
            asked, key=lambda message: (len("".join(message["history"])), message["tone"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        raise refused(f"{path} is no list of messages. Give tests/data/tones.en.jsonl.") from None


def _glad(
    bot: Chatbot, asked: Sequence[dict[str, Any]], settings: DecodingConfig, tones: Tones
) -> Counter[str]:
    """Counts by tone the messages that get a glad reply."""
    return Counter(
        message["tone"]
        for start in range(0, len(asked), _BATCH)
        for message in _met_gladly(bot, asked[start : start + _BATCH], settings, tones)
    )


def _met_gladly(
    bot: Chatbot, batch: Sequence[dict[str, Any]], settings: DecodingConfig, tones: Tones
) -> Iterable[dict[str, Any]]:
    replies = bot.reply_batch([message["history"] for message in batch], settings)
    return (m for m, reply in zip(batch, replies, strict=True) if reply.text in tones.glad)


if __name__ == "__main__":
    sys.exit(main())
