"""Words that a bot which everybody may talk to should not say: hateful and obscene ones.

A short list to begin with, plainly spelt, for the owner to add to or take from. The corpus report
counts them; `decoding.blocked_phrases` keeps replies free of them, in any disguise. Knows no
corpus and no bot.
"""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Iterable, Sequence

ENGLISH: tuple[str, ...] = (
    "fuck",
    "fucked",
    "fucker",
    "fucking",
    "motherfucker",
    "shit",
    "bullshit",
    "cunt",
    "bitch",
    "whore",
    "slut",
    "asshole",
    "nigger",
    "nigga",
    "faggot",
    "retard",
    "spic",
    "kike",
    "tranny",
    "kill yourself",
)
CHINESE: tuple[str, ...] = (
    "操你妈",
    "肏",
    "他妈的",
    "草泥马",
    "傻逼",
    "傻屄",
    "妈逼",
    "狗日的",
    "婊子",
    "鸡巴",
    "贱货",
    "去死吧",
    "支那人",
)
_AT_ONCE = 10_000  # texts that are joined: all of a large corpus would take its size in memory
DEFAULT_BLOCKED: tuple[str, ...] = ENGLISH + CHINESE


def default_blocked(language: str) -> tuple[str, ...]:
    """Returns the list for a bot of this language, such as "en"; all of it for any other.

    >>> "婊子" in default_blocked("zh"), "婊子" in default_blocked("en")
    (True, False)
    """
    return {"en": ENGLISH, "zh": CHINESE}.get(language, DEFAULT_BLOCKED)


_UNSPACED = r"\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_IN_A_WORD = rf"(?![{_UNSPACED}])[^\W_]"  # a letter or digit of a script that spaces its words


class BlockedWords:
    """Finds listed words and phrases, as whole words and in any case, in one pass over a text.

    Scripts written without spaces have no word boundaries: their words match anywhere.
    """

    def __init__(self, phrases: Sequence[str] = DEFAULT_BLOCKED) -> None:
        """Prepares the phrases once; blank ones are left out."""
        listed = {" ".join(phrase.casefold().split()) for phrase in phrases} - {""}
        ordered = sorted(listed, key=lambda phrase: (-len(phrase), phrase))
        self._first_words = {phrase.split()[0] for phrase in ordered}
        self._pattern = re.compile("|".join(map(_whole, ordered)) or r"(?!)")

    def find(self, text: str) -> list[str]:
        """Returns the different ones that a text holds, in small letters, in order.

        >>> BlockedWords(["Bad word", "坏"]).find("A bad  WORD; no badword. 太坏了")
        ['bad word', '坏']
        """
        folded = text.casefold()
        if not any(word in folded for word in self._first_words):  # by far the usual case
            return []
        found = self._pattern.findall(folded)
        return list(dict.fromkeys(" ".join(phrase.split()) for phrase in found))

    def find_all(self, texts: Iterable[str]) -> dict[str, list[str]]:
        """Returns what `find` finds, of those texts alone that hold something.

        A word that no text holds, as most, costs one search through many of them at once.
        """
        found: dict[str, list[str]] = {}
        rest = iter(texts)
        while some := list(itertools.islice(rest, _AT_ONCE)):
            found |= self._find_in(some)
        return found

    def _find_in(self, texts: Sequence[str]) -> dict[str, list[str]]:
        folded = [text.casefold() for text in texts]
        starts = list(itertools.accumulate((len(text) + 1 for text in folded), initial=0))
        everything = "\n".join(folded)
        present = [word for word in self._first_words if word in everything]
        at = {m.start() for word in present for m in re.finditer(re.escape(word), everything)}
        may_hold = sorted({bisect.bisect(starts, place) - 1 for place in at})
        return {texts[i]: found for i in may_hold if (found := self.find(texts[i]))}


def _whole(phrase: str) -> str:
    spelt = r"\s+".join(map(re.escape, phrase.split()))
    before = rf"(?<!{_IN_A_WORD})" if re.match(_IN_A_WORD, phrase[0]) else ""
    after = rf"(?!{_IN_A_WORD})" if re.match(_IN_A_WORD, phrase[-1]) else ""
    return f"{before}{spelt}{after}"
