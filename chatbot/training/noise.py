"""Messages as they are typed in haste: no capitals, no full stop, a letter wrong.

A bot that learned only careful spelling is lost on them. Replies are never changed. Knows nothing
but text.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_ENDINGS = ".!?。！？…"


def mistyped(text: str, chance: np.random.Generator) -> str:
    """Returns a text with one thing about it as a hurried person types it.

    What does not apply changes nothing: Chinese has no capitals.
    """
    kind = _KINDS[int(chance.integers(len(_KINDS)))]
    return kind(text, chance) or text


def _lowered(text: str, chance: np.random.Generator) -> str:
    return text.lower()


def _unended(text: str, chance: np.random.Generator) -> str:
    return text.rstrip(_ENDINGS)


def _bare(text: str, chance: np.random.Generator) -> str:
    return text.lower().replace("'", "").rstrip(_ENDINGS)


def _slipped(text: str, chance: np.random.Generator) -> str:
    """Swaps, doubles or loses a letter inside a word, as fingers do."""
    inner = [i for i in range(1, len(text) - 1) if text[i - 1 : i + 2].isalpha()]
    places = [i for i in inner if text[i - 1 : i + 2].isascii()]
    if not places:
        return text
    i = places[int(chance.integers(len(places)))]
    letters = (text[i + 1] + text[i], text[i] + text[i] + text[i + 1], text[i + 1])
    return text[:i] + letters[int(chance.integers(len(letters)))] + text[i + 2 :]


_Kind = Callable[[str, np.random.Generator], str]
_KINDS: tuple[_Kind, ...] = (_lowered, _unended, _bare, _slipped)
