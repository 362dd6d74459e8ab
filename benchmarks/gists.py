"""How many messages get a reply of their own gist? By the search, and by the network alone.

python benchmarks/gists.py english corpora/held-out.en.yml
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from asked import loaded, refused
from numpy.typing import NDArray

from chatbot import Chatbot
from chatbot.corpus.readers import read_conversations
from chatbot.errors import ChatbotError


def main() -> int:
    """Prints a line for each way, then one JSON line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("corpus", type=Path, help="YAML with `messages` by their gist")
    options = parser.parse_args()
    fitting, bot = _fitting(options.corpus), Chatbot(loaded(options.name))
    said = dict(zip(fitting, bot.reply_batch(list(fitting)), strict=True))
    free = [message for message, reply in said.items() if not reply.fact]
    by_search = sum(said[message].text in fitting[message] for message in free)
    likeliest, nats = _likeliest(bot, free, fitting)
    by_network = sum(found == fitting[m] for m, found in zip(free, likeliest, strict=True))
    print(f"search: {by_search} of {len(free)} get a reply of their gist")
    print(f"network: {by_network}, by the sum over a gist's replies; {nats:.3f} nats a gist")
    found = {"search": by_search, "network": by_network, "nats": round(nats, 3)}
    print(json.dumps({"bot": options.name, "asked": len(free), **found}))
    return 0


def _fitting(corpus: Path) -> dict[str, list[str]]:
    """Reads each message and the general replies of its gist; refuses a file without any."""
    fitting: dict[str, list[str]] = {}
    try:
        for conversation in read_conversations(corpus):
            fitting.setdefault(conversation.turns[-2], []).append(conversation.turns[-1])
    except ChatbotError as error:
        raise refused(str(error)) from None
    if not fitting:
        raise refused(f"{corpus} lists no messages by their gist. Give corpora/held-out.en.yml.")
    return fitting


def _likeliest(
    bot: Chatbot, messages: list[str], fitting: dict[str, list[str]]
) -> tuple[list[list[str]], float]:
    """Returns each message's likeliest gist, as its replies, and the mean nats of the right one."""
    gists = [list(replies) for replies in dict.fromkeys(map(tuple, fitting.values()))]
    log_p = np.stack([_log_probability(bot, messages, replies) for replies in gists])
    right = [gists.index(fitting[message]) for message in messages]
    likeliest = [gists[place] for place in log_p.argmax(axis=0)]
    return likeliest, float(-log_p[right, np.arange(len(messages))].mean())


def _log_probability(bot: Chatbot, messages: list[str], replies: list[str]) -> NDArray[np.floating]:
    """Returns the logarithm of the probability that one of the replies is given, per message."""
    of_each = [
        [-nats for nats, _ in bot.score_batch(messages, [reply] * len(messages))]
        for reply in replies
    ]
    return np.logaddexp.reduce(of_each, axis=0)


if __name__ == "__main__":
    sys.exit(main())
