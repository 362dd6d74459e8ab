"""Tells where a glad reply might meet bad news, as `text/tones.py` decides.

Knows a bot's likelihood and its tones, no search and no page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.config import EOS_ID
from chatbot.text.source import pad
from chatbot.text.tones import Tones


class Tact:
    """Weighs glad replies against all that the bot could say in a sorry tone."""

    def __init__(
        self,
        tones: Tones,
        encode_batch: Callable[[Sequence[str]], list[list[int]]],
        likelihood: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]],
    ) -> None:
        """Takes the tones, what turns texts into token ids, and -log p(T|S) of pairs of them."""
        self._tones, self._likelihood = tones, likelihood
        ids = [[*ids, EOS_ID] for ids in encode_batch(tones.replies)]
        self._beginnings = _telling_apart(pad(ids or [[]]))  # (R,T)

    def forbids(self, text: str, source_ids: NDArray[np.int32], tact: float) -> bool:
        """Tells whether a reply is glad and its message may be bad news.

        Args:
            text: the reply.
            source_ids: (1,S), what it answers.
            tact: as in `DecodingConfig`; 0 is off.
        """
        if not tact or text not in self._tones.glad:
            return False
        probabilities = np.exp(-self._likelihood(source_ids, self._beginnings))
        return not self._tones.surely_glad(probabilities.tolist(), tact)


def _telling_apart(ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """Returns as many first tokens of replies (R,T) as no two share: the rest costs time alone."""
    lengths = range(ids.shape[1])
    different = (t for t in lengths if len(np.unique(ids[:, :t], axis=0)) == len(ids))
    return ids[:, : next(different, ids.shape[1])]
