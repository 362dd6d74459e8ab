"""Messages as they are typed in haste: no capitals, no full stop, three of them, a letter wrong.

A bot that learned only careful spelling is lost on them, and one that met exclamation marks after
good news alone takes a shout of anger for joy. Replies are never changed. Knows nothing but text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import numpy as np

_ENDINGS = ".!?。！？…"
_MOODS = ("!", "!!!", "...")
_WIDE = str.maketrans("!.", "！。")
_NARROW = str.maketrans("，。！？：；（）", ",.!?:;()")


def mistyped(text: str, chance: np.random.Generator) -> str:
    """Returns a text with one thing about it as a hurried person types it.

    What does not apply changes nothing: Chinese has no capitals, English no wide comma.
    """
    kind = _KINDS[int(chance.integers(len(_KINDS)))]
    return kind(text, chance) or text


def _lowered(text: str, chance: np.random.Generator) -> str:
    return text.lower()


def _unended(text: str, chance: np.random.Generator) -> str:
    return text.rstrip(_ENDINGS)


def _otherwise_ended(text: str, chance: np.random.Generator) -> str:
    """Shouts or trails off, in the width of the script; a question stays one."""
    told = text.rstrip(_ENDINGS)
    if not told or set(text[len(told) :]) & set("?？"):
        return text
    mood = _MOODS[int(chance.integers(len(_MOODS)))]
    wide = unicodedata.east_asian_width(told[-1]) in "WF"
    return told + (mood.translate(_WIDE) if wide else mood)


def _narrowed(text: str, chance: np.random.Generator) -> str:
    """Types Chinese with the marks of a Latin keyboard."""
    return text.translate(_NARROW)


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
_KINDS: tuple[_Kind, ...] = (_lowered, _unended, _otherwise_ended, _narrowed, _bare, _slipped)
