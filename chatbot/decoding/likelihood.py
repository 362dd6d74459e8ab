"""How likely a network finds given replies: teacher forcing. Knows no strategy and no text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from chatbot.config import BOS_ID, PAD_ID
from chatbot.decoding.nats import log_softmax
from chatbot.decoding.state import Array, Network
from chatbot.decoding.steps import Numbering, able_to_say, encoded

_ROWS = 64  # at a time: (N,T,V) of a thousand long replies would not fit


class Likelihood:
    """Scores pairs of token ids, all tokens of a reply at once."""

    def __init__(self, logits_of: Callable[[Array, Array], Array]) -> None:
        """Takes teacher forcing: source_ids (N,S), decoder_input_ids (N,T) -> (N,T,V)."""
        self._logits_of = logits_of

    def __call__(self, source_ids: Array, token_ids: Array) -> Array:
        """Returns -log p(T|S) of each reply, (N,) nats.

        Args:
            source_ids: (N,S), or (1,S) where all replies answer one source.
            token_ids: (N,T), without `<BOS>`; padding counts nothing.
        """
        sources = np.repeat(source_ids, len(token_ids) // len(source_ids), 0)
        parts = range(0, len(token_ids), _ROWS)
        return np.concatenate(
            [self._nats(sources[i : i + _ROWS], token_ids[i : i + _ROWS]) for i in parts]
        )

    def _nats(self, source_ids: Array, token_ids: Array) -> Array:
        first = np.full((len(token_ids), 1), BOS_ID, np.int32)
        inputs = np.concatenate([first, token_ids[:, :-1]], 1, dtype=np.int32)
        log_probs = log_softmax(self._logits_of(source_ids.astype(np.int32), inputs))
        own = np.take_along_axis(log_probs, token_ids[:, :, np.newaxis], 2)[..., 0]
        nats: Array = np.where(token_ids != PAD_ID, -own, np.float32(0)).sum(1)
        return nats


class Begun(NamedTuple):
    """What is known of R replies after some of their tokens."""

    nats: Array  # (R,): -log p of the tokens so far; the whole reply has this or more
    whole: Array  # (R,) bool: no token of the reply is left


def token_by_token(network: Network, source_ids: Array, token_ids: Array) -> Iterator[Begun]:
    """Yields how likely replies to one source are after each token, for who need not see the end.

    Args:
        network: the encoder-decoder.
        source_ids: (1,S).
        token_ids: (R,T), without `<BOS>`; padded.
    """
    network = able_to_say(network, token_ids[token_ids != PAD_ID].tolist())
    token_ids = Numbering(network).inner(token_ids)
    step, state = encoded(network, source_ids, len(token_ids))
    lengths, rows = (token_ids != PAD_ID).sum(1), np.arange(len(token_ids))
    nats, last_ids = np.zeros(len(rows)), np.full(len(rows), BOS_ID, np.int32)
    for count, column in enumerate(token_ids.T, start=1):
        log_probs, state, _ = step(last_ids, state)
        nats = nats - np.where(column != PAD_ID, log_probs[rows, column], 0)
        last_ids = np.where(lengths > count, column, PAD_ID)
        yield Begun(nats, lengths <= count)
