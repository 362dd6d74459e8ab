"""What can be said of one reply: the pieces it was made of, and what else there was to say.

Plain data without TensorFlow, so that pages and programs can show it; `Chatbot.explain` makes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Mark = Literal["", "user", "bot", "end"]


@dataclass(frozen=True)
class Alternative:
    """One finished hypothesis of a search."""

    text: str
    score: float  # as the search ranked it: nats, length-normalised for beams
    confidence: float  # geometric mean of its tokens' probabilities, in 0..1, not calibrated


@dataclass(frozen=True)
class Piece:
    """One token as a person reads it.

    Attributes:
        text: what it adds to the text, a space before it where a word begins; one byte of a
            character that is in no piece reads `<0xE4>`.
        mark: what a control symbol says: who speaks now, or that the reply ends here.
    """

    text: str
    mark: Mark = ""


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why a model said what it said (T reply pieces, S source pieces).

    Attributes:
        reply: the text that is explained.
        source: what the model was shown, turns opened by the marks of their speakers.
        pieces: the reply; the last one has the mark "end" unless it was cut off.
        probabilities: of each piece, given the source and the pieces before it: what the model
            itself thought, before temperature, penalties and every other setting.
        attention: (T,S), where the model looked as it made each piece, each row summing to 1;
            None where it has no attention.
        alternatives: other replies that a beam finds, the best first, without the one explained.
        confidence: geometric mean of the probabilities, in 0..1, not calibrated.
        by_rule: a rule of the owner put this reply in the model's place; the numbers say what the
            model makes of it all the same.
    """

    reply: str
    source: tuple[Piece, ...]
    pieces: tuple[Piece, ...]
    probabilities: tuple[float, ...]
    attention: NDArray[np.float32] | None
    alternatives: tuple[Alternative, ...]
    confidence: float
    by_rule: bool = False
