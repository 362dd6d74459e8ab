"""Does a bot pick up the very word that a person used, also one that it never met in training?

    python benchmarks/slots.py english corpora/small-talk.en.yml

Asks the messages with slots whose every reply takes up the slot's thing, once with things of the
training and once with things that were kept out of it, and counts the replies that hold the thing.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from chatbot import Chatbot
from chatbot.config import CorpusConfig
from chatbot.corpus.pairs import extract_pairs
from chatbot.corpus.readers import read_conversations
from chatbot.corpus.records import SlotLists
from chatbot.corpus.slots import fill_in, open_slots, things_of

_ROWS = 64


class Asked(NamedTuple):
    """A message with one slot, which most of its replies take up."""

    message: str
    slot: str
    lists: SlotLists


def main() -> int:
    """Prints a table, then one JSON line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--messages", type=int, default=400)
    options = parser.parse_args()
    bot, asked = Chatbot.load(options.name), questions(options.corpus)
    if not asked:
        print(f"{options.corpus}: no reply holds a slot of its message.", file=sys.stderr)
        return 2
    asked = random.Random(0).sample(asked, min(options.messages, len(asked)))
    shares = {
        side: taken_up(bot, asked, held_out=held_out)
        for side, held_out in (("things of the training", False), ("things kept out", True))
    }
    for side, share in shares.items():
        print(f"{side}: the reply holds the thing in {share:.1%} of {len(asked)} messages")
    print(json.dumps({"bot": options.name, "messages": len(asked), **shares}))
    return 0


def questions(corpus: Path) -> list[Asked]:
    """Returns the first messages with one slot that most of their replies hold.

    Not all: the general reply of a gist names no thing.
    """
    replies = defaultdict(list)
    limit = CorpusConfig().history_turns
    for pair in extract_pairs(read_conversations(corpus), history_turns=limit):
        if pair.slots and len(pair.history) == 1 and len(open_slots(pair.history[0])) == 1:
            (slot,) = open_slots(pair.history[0])
            replies[Asked(pair.history[0], slot, pair.slots)].append(pair.reply)
    return [
        asked
        for asked, said in replies.items()
        if 2 * sum(asked.slot in open_slots(reply) for reply in said) > len(said)
    ]


def taken_up(bot: Chatbot, asked: list[Asked], *, held_out: bool) -> float:
    """Returns the share of replies that hold the thing that the message named."""
    chance = random.Random(1)
    things = [
        chance.choice(things_of(a.lists, open_slots(a.message)[a.slot], held_out)) for a in asked
    ]
    messages = [fill_in(a.message, {a.slot: t}) for a, t in zip(asked, things, strict=True)]
    replies = [
        reply.text
        for start in range(0, len(messages), _ROWS)
        for reply in bot.reply_batch(messages[start : start + _ROWS])
    ]
    held = sum(t.casefold() in r.casefold() for t, r in zip(things, replies, strict=True))
    return held / len(asked)


if __name__ == "__main__":
    sys.exit(main())
