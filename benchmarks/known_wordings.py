"""Has a bot learned what it was shown? Asks wordings of a corpus and counts their own replies.

python benchmarks/known_wordings.py english corpora/small-talk.en.yml
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from chatbot import Chatbot
from chatbot.config import changed
from chatbot.corpus.slots import open_slots


def main() -> int:
    """Prints one line a strategy, then one JSON line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--situations", type=int, default=150)
    options = parser.parse_args()
    bot = Chatbot.load(options.name)
    listed = yaml.load(options.corpus.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    plain = [s for s in listed["situations"] if not open_slots("".join(s["says"] + s["replies"]))]
    chance = random.Random(3)
    asked = chance.sample(plain, min(options.situations, len(plain)))
    messages = [chance.choice(situation["says"]) for situation in asked]
    known = {}
    for strategy in ("greedy", "beam"):
        replies = bot.reply_batch(messages, changed(bot.decoding, strategy=strategy))
        known[strategy] = sum(r.text in s["replies"] for r, s in zip(replies, asked, strict=True))
        print(f"{strategy}: {known[strategy]} of {len(asked)} answered by a reply of their own")
    print(json.dumps({"bot": options.name, "asked": len(asked), **known}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
