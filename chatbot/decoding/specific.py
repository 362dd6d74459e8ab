"""Of several hypotheses, the one that fits this message more than any other.

A network trained by likelihood prefers what is said to everything ("I'm sorry to hear that"). So
what it would say to nothing at all counts against a reply. Knows no strategy and no text.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.decoding.likelihood import Likelihood
from chatbot.decoding.state import Hypotheses


class SpecificFirst:
    """Orders hypotheses by mutual information (Li et al. 2016, arXiv:1510.03055, section 4.5.1).

    score = log p(T|S) - penalty * log p(T|nothing), in nats, where the same network reads
    `nothing` as its source in place of a language model of replies (equation 9 there).
    """

    def __init__(self, likelihood: Likelihood, nothing: NDArray[np.int32]) -> None:
        """Takes the network's likelihood and an empty message as source_ids (1,S)."""
        self._likelihood, self._nothing = likelihood, nothing

    def __call__(self, found: Hypotheses, penalty: float) -> Hypotheses:
        """Returns the hypotheses (B,K) in their new order; empty places stay last."""
        rows, width = found.scores.shape
        of_nothing = self._likelihood(self._nothing, found.token_ids.reshape(rows * width, -1))
        scores = found.token_log_probs.sum(-1) + penalty * of_nothing.reshape(rows, width)
        scores[np.isneginf(found.scores)] = -np.inf
        order = np.argsort(-scores, axis=1, kind="stable")
        return Hypotheses(*(_reordered(array, order) for array in found))


def _reordered(array: NDArray[Any], order: NDArray[np.intp]) -> NDArray[Any]:
    return np.take_along_axis(array, order.reshape(order.shape + (1,) * (array.ndim - 2)), axis=1)
