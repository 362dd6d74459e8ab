"""Tells where a glad reply might meet bad news, as `text/tones.py` decides.

Knows a bot's likelihood and its tones, no search and no page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.config import EOS_ID, DecodingConfig
from chatbot.text.source import pad
from chatbot.text.tones import Tones

_LONGEST = 64  # tokens of a reply that are weighed


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
        rows = [[*ids, EOS_ID][:_LONGEST] for ids in encode_batch(tones.replies)]
        self._ids = pad(rows or [[]])  # (R,T)

    def forbids(self, text: str, source_ids: NDArray[np.int32], settings: DecodingConfig) -> bool:
        """Tells whether a reply that a beam found is glad and its message may be bad news.

        Args:
            text: the reply.
            source_ids: (1,S), what it answers.
            settings: how it was found, and the `tact` that is asked for.
        """
        beam = settings.strategy == "beam" and not settings.must_contain
        if not beam or not settings.tact or not self.is_glad(text):
            return False
        probabilities = np.exp(-self._likelihood(source_ids, self._ids))
        return not self._tones.surely_glad(probabilities.tolist(), settings.tact)

    def is_glad(self, text: str) -> bool:
        """Tells a glad reply by its words."""
        return text in self._tones.glad
