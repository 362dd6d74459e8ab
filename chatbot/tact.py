"""Tells where a glad reply might meet bad news, as `text/tones.py` decides.

Knows a bot's network and its tones, no search and no page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from chatbot.config import EOS_ID, DecodingConfig
from chatbot.decoding.likelihood import token_by_token
from chatbot.decoding.state import Array, Network
from chatbot.text.source import pad
from chatbot.text.tones import Tones

_LONGEST = 64  # tokens of a reply that are weighed


class Tact:
    """Weighs glad replies against all that the bot could say in a sorry tone."""

    def __init__(
        self,
        tones: Tones,
        encode_batch: Callable[[Sequence[str]], list[list[int]]],
        network: Network,
    ) -> None:
        """Takes the tones, what turns texts into token ids, and what finds them likely or not."""
        self._tones, self._network = tones, network
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
        return not self._surely_glad(self._tones.glad.index(text), source_ids, settings.tact)

    def is_glad(self, text: str) -> bool:
        """Tells a glad reply by its words."""
        return text in self._tones.glad

    def _surely_glad(self, said: int, source_ids: Array, tact: float) -> bool:
        """Weighs all replies token by token, until what is left of them cannot change the answer.

        The whole reply that is to be said comes first: mostly it alone outweighs what the sorry
        ones can still come to after their first words.
        """
        *_, own = token_by_token(self._network, source_ids, self._ids[[said]])
        least = np.zeros(len(self._ids))
        for begun in token_by_token(self._network, source_ids, self._ids):
            most = np.exp(-begun.nats)
            least[begun.whole] = most[begun.whole]
            least[said] = np.exp(-own.nats[0])
            answer = self._tones.surely_glad(least.tolist(), most.tolist(), tact)
            if answer is not None:
                return answer
        return False
