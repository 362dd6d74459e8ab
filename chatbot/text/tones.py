"""Which of a bot's replies are glad, which are sorry: none of them is to be glad at bad news.

Where a network is not sure which of the two a message is, its likeliest reply is still glad as
often as not. But the two mistakes do not weigh the same, so the glad replies together have to be
far likelier than the sorry ones together: the decision of least expected loss (minimum Bayes risk,
as in Kumar and Byrne 2004, "Minimum Bayes-Risk Decoding for Statistical Machine Translation",
equation 2), with a loss that counts gladness at bad news `tact` times. Knows texts and numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from chatbot.errors import ConfigError
from chatbot.text.cleaning import clean_text

MAX_REPLIES, MAX_REPLY_CHARACTERS = 100, 1000


@dataclass(frozen=True)
class Tones:
    """Replies that a bot learned, by their tone; others have none."""

    glad: tuple[str, ...] = ()  # they fit good news alone
    sorry: tuple[str, ...] = ()  # bad news alone

    @property
    def replies(self) -> tuple[str, ...]:
        """All of them, the glad ones first."""
        return (*self.glad, *self.sorry)

    def surely_glad(
        self, least: Sequence[float], most: Sequence[float], tact: float
    ) -> bool | None:
        """Tells whether a glad reply may be said; None where that is open yet.

        Args:
            least: the probability that each of the replies has at least, in their order.
            most: and at most; where all are known, the same.
            tact: how many times likelier than the sorry replies the glad ones must be, together.

        >>> tones = Tones(("How nice!",), ("Oh dear.",))
        >>> [tones.surely_glad([0.5, 0.0], [0.5, most], tact=10) for most in (0.01, 0.1)]
        [True, None]
        """
        glad = len(self.glad)
        if sum(least[:glad]) >= tact * sum(most[glad:]):
            return True
        return False if sum(most[:glad]) < tact * sum(least[glad:]) else None


def tones_from(values: Any) -> Tones:
    """Reads tones from plain values, such as JSON.

    >>> tones_from({"glad": ["How nice!"], "sorry": ["Oh dear."]}).replies
    ('How nice!', 'Oh dear.')

    Raises:
        ConfigError: saying what is wrong.
    """
    names = [field.name for field in fields(Tones)]
    if not isinstance(values, Mapping) or not set(values) <= set(names):
        raise ConfigError(f"Tones are lists of replies under {', '.join(names)}. Write them so.")
    tones = Tones(**{name: _texts(name, replies) for name, replies in values.items()})
    if len(set(tones.replies)) < len(tones.replies):
        raise ConfigError("A reply stands under two tones, or twice. Take one of them out.")
    if bool(tones.glad) != bool(tones.sorry):
        raise ConfigError("Glad replies and sorry ones are weighed together. List some of both.")
    return tones


def plain_tones(tones: Tones) -> dict[str, list[str]]:
    """Returns tones as plain values, for JSON."""
    return {field.name: list(getattr(tones, field.name)) for field in fields(Tones)}


def _texts(name: str, replies: Any) -> tuple[str, ...]:
    listed = replies if isinstance(replies, Sequence) and not isinstance(replies, str) else [None]
    texts = [clean_text(text) if isinstance(text, str) else "" for text in listed]
    longest = max(map(len, texts), default=0)
    if not all(texts) or len(texts) > MAX_REPLIES or longest > MAX_REPLY_CHARACTERS:
        raise ConfigError(
            f"The {name} replies are a list of at most {MAX_REPLIES} texts of at most "
            f"{MAX_REPLY_CHARACTERS:,} characters. Correct it."
        )
    return tuple(texts)
