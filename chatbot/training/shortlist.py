"""Which tokens a bot will ever say: those of the replies that it learns from.

Its network is asked about no other, which makes replies faster (bundle/, model/lighter.py). Where a
bot is to say words that stand in no reply, it has no shortlist. Knows no network.
"""

from __future__ import annotations

import numpy as np

from chatbot.bundle import read_shortlist
from chatbot.config import EOS_ID
from chatbot.corpus.slots import open_slots
from chatbot.text.tokenizer import Tokenizer
from chatbot.training.draft import Draft, Sides

_MOST = 0.5  # of the vocabulary; a longer list saves little


def shortlist_for(drafted: Draft, sides: Sides, tokenizer: Tokenizer) -> list[int] | None:
    """Returns the token ids of all replies of a training and of its base, sorted; None: all.

    Words from elsewhere are said by who copies, by who fills slots, and by who learned the base's
    replies without a list of them. With subword regularisation replies are cut in many ways.
    """
    config, base = drafted.config, drafted.base
    known = read_shortlist(base.path, tokenizer.vocab_size) if base else np.array([EOS_ID])
    replies = {pair.reply for pairs in sides.values() for pair in pairs}
    if config.model.copying or config.training.subword_alpha or any(map(open_slots, replies)):
        return None
    if known is None:
        return None
    ids = {*known.tolist(), *(i for row in tokenizer.encode_batch([*replies]) for i in row)}
    return sorted(ids) if len(ids) <= _MOST * tokenizer.vocab_size else None
