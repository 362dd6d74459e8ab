"""How a history becomes one source, and a reply its target. Knows token ids, no model.

A source is the turns from the oldest to the newest, each opened by the mark of its speaker:
`<user> Hi <bot> Hello! <user> How are you?`. The newest turn is always the user's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chatbot.config import EOS_ID, PAD_ID
from chatbot.text.tokenizer import BOT_ID, USER_ID


def source_ids(turns: Sequence[Sequence[int]], max_tokens: int) -> list[int]:
    """Joins encoded turns (oldest first, the last by the user) to at most `max_tokens` ids.

    Whole turns are left out from the oldest on; a message that is too long by itself keeps its
    end, since a question stands there more often than at the beginning.

    >>> source_ids([[10, 11], [12], [13, 14]], max_tokens=8)
    [4, 10, 11, 5, 12, 4, 13, 14]
    >>> source_ids([[10, 11], [12], [13, 14]], max_tokens=6)
    [5, 12, 4, 13, 14]
    """
    ids: list[int] = [USER_ID, *turns[-1][-(max_tokens - 1) :]]
    for age, turn in enumerate(reversed(turns[:-1]), start=1):
        if len(ids) + len(turn) + 1 > max_tokens:
            break
        ids = [BOT_ID if age % 2 else USER_ID, *turn, *ids]
    return ids


def target_ids(reply: Sequence[int], max_tokens: int) -> list[int]:
    """Returns the reply closed by `<EOS>`; one too long is cut and keeps no `<EOS>`.

    A cut reply must not teach the model to stop in the middle of a sentence.
    """
    return [*reply, EOS_ID] if len(reply) < max_tokens else list(reply[:max_tokens])


def pad(rows: Sequence[Sequence[int]], multiple_of: int = 1) -> NDArray[np.int32]:
    """Right-pads rows of ids with `<PAD>` to the longest, rounded up to a multiple.

    >>> pad([[5, 6, 7], [8]], multiple_of=4)
    array([[5, 6, 7, 0],
           [8, 0, 0, 0]], dtype=int32)
    """
    longest = max(map(len, rows))
    padded = np.full((len(rows), -(-longest // multiple_of) * multiple_of), PAD_ID, np.int32)
    for filled, row in zip(padded, rows, strict=True):
        filled[: len(row)] = row
    return padded


NOTHING = pad([source_ids([[]], 1)], multiple_of=4)  # the source of an empty message, (1,S)
