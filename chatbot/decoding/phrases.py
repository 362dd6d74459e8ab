"""Phrases that no reply may hold, found however they are spelt.

Plain Python over text; knows no tokens, no model and no search. `Chatbot` asks it about each
finished hypothesis.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_LOOKALIKES = {
    "a": "a4@",
    "e": "e3",
    "i": "i1",
    "l": "l1",
    "o": "o0",
    "s": "s5$",
    "t": "t7",
}
_LETTERS = {  # what a sign inside a word of letters may stand for
    sign: "".join(letter for letter, signs in _LOOKALIKES.items() if sign in signs)
    for sign in "013457@$"
}
_ACCENTS = re.compile("[\u0300-\u036f]")
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_IN_A_WORD = rf"(?![{_UNSPACED}])[^\W_]"  # a letter or digit of a script that spaces its words
_BEFORE, _AFTER = rf"(?<!{_IN_A_WORD})", rf"(?!{_IN_A_WORD})"
_GAP = r"[\W_]{1,3}"  # between the letters of a word spelt out
_SHORTEST_SPELT_OUT = 3  # letters


class BlockList:
    """Phrases to look for, at word boundaries and in any disguise listed in `find`.

    Scripts written without spaces, such as Chinese, have no word boundaries: their phrases match
    anywhere.
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        """Prepares the phrases once; blank ones are left out."""
        self._patterns = tuple(
            (phrase, re.compile(_pattern(normalise(phrase))))
            for phrase in phrases
            if normalise(phrase)
        )

    def find(self, text: str) -> str | None:
        """Returns the first listed phrase that the text holds, as it was listed, or None.

        Case, width, accents and invisible characters do not matter; digits and signs may stand
        for letters, a letter may come three times or more for one, and the letters of a word may
        stand apart.

        >>> blocked = BlockList(["bad", "ass"])
        >>> [blocked.find(text) for text in ("What a B4D day", "b.a.d", "baaaad", "class", "badge")]
        ['bad', 'bad', 'bad', None, None]
        """
        plain = normalise(text)
        return next((phrase for phrase, found in self._patterns if found.search(plain)), None)


def normalise(text: str) -> str:
    """Returns text in one case and width (NFKC), without Latin accents or invisible characters.

    >>> normalise("  Ｎａïve\u200b  ")
    'naive'
    """
    visible = "".join(c for c in text if unicodedata.category(c) != "Cf")
    folded = unicodedata.normalize("NFKC", visible).casefold()
    stripped = _ACCENTS.sub("", unicodedata.normalize("NFD", folded))
    return unicodedata.normalize("NFC", stripped).strip()


def _pattern(phrase: str) -> str:
    words = phrase.split()
    forms = [r"[\W_]+".join(_written(word) for word in words)]
    if sum(len(word) for word in words) >= _SHORTEST_SPELT_OUT:
        forms.append(_GAP.join(_signs(word, c) for word in words for c in word))
    before = _BEFORE if re.match(_IN_A_WORD, phrase[0]) else ""
    after = _AFTER if re.match(_IN_A_WORD, phrase[-1]) else ""
    return f"{before}(?:{'|'.join(forms)}){after}"


def _written(word: str) -> str:
    """Returns a pattern in which a letter may come three times or more where one belongs."""
    runs = [match.group() for match in re.finditer(r"(.)\1*", word)]
    return "".join(_repeated(_signs(word, run[0]), len(run)) for run in runs)


def _repeated(sign: str, times: int) -> str:
    return f"(?:{sign}{{3,}}|{sign})" if times == 1 else f"{sign}{{{times},}}"


def _signs(word: str, character: str) -> str:
    """Returns a pattern for one character and whatever may stand for it in this word."""
    if not any(c.isalpha() for c in word):
        return re.escape(character)
    alike = _LOOKALIKES.get(character, character + _LETTERS.get(character, ""))
    return f"[{re.escape(alike)}]"
