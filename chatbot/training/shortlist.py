"""Which tokens a bot will ever say: those of the replies that it learns from.

Its network is asked about no other, which makes replies faster (model/lighter.py). Where a bot is
to say words that stand in no reply, it has no shortlist. Knows no network.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chatbot.bundle import read_shortlist
from chatbot.config import EOS_ID
from chatbot.corpus.records import SlotLists
from chatbot.corpus.slots import fill_in, open_slots
from chatbot.text.tokenizer import Tokenizer
from chatbot.training.draft import Draft, Sides

_MOST = 0.5  # of the vocabulary; a longer list saves little


def shortlist_for(drafted: Draft, sides: Sides, tokenizer: Tokenizer) -> list[int] | None:
    """Returns the token ids of all replies of a training and of its base, sorted; None: all.

    Words from elsewhere are said by who copies, and by who learned the base's replies without a
    list of them. With subword regularisation a reply is cut in many ways.
    """
    config, base = drafted.config, drafted.base
    known = read_shortlist(base.path, tokenizer.vocab_size) if base else np.array([EOS_ID])
    if known is None or config.model.copying or config.training.subword_alpha:
        return None
    replies = {(pair.reply, pair.slots) for pairs in sides.values() for pair in pairs}
    texts = list({text for reply in replies for text in _each_way(*reply)})
    ids = {*known.tolist(), *(i for row in tokenizer.encode_batch(texts) for i in row)}
    return sorted(ids) if len(ids) <= _MOST * tokenizer.vocab_size else None


def _each_way(reply: str, lists: SlotLists | None) -> Iterator[str]:
    """Returns a reply with each thing in its slots, those too that are kept out of training."""
    slots = open_slots(reply) if lists else {}
    things = {slot: lists.things[kind] for slot, kind in slots.items()} if lists else {}
    for i in range(max(map(len, things.values()), default=1)):
        yield fill_in(reply, {slot: each[i % len(each)] for slot, each in things.items()})
