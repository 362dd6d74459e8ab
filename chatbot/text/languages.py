"""Which languages a heap of texts is written in: by script, and among Latin letters by small words.

A guess for a report, not for one short text: "OK" alone belongs to every language. Knows no corpus.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from chatbot.text.words import words

_SCRIPTS = {  # by what tells a language, or a group of them, from the others
    "ja": "\u3040-\u30ff",
    "ko": "\u1100-\u11ff\uac00-\ud7af",
    "zh": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff",
    "ru": "\u0400-\u04ff",
    "ar": "\u0600-\u06ff",
    "hi": "\u0900-\u097f",
    "th": "\u0e00-\u0e7f",
    "el": "\u0370-\u03ff",
    "he": "\u0590-\u05ff",
}
_FOREIGN = {code: re.compile(f"[{reach}]") for code, reach in _SCRIPTS.items()}
_LETTER = re.compile(r"[^\W\d_]")
_SMALL_WORDS = {
    "en": "the and is you it i'm what do not have that was are my we this for with your can "
    "how when does to at be",
    "de": "und der das ist nicht ich ein eine wir mit auch sie auf den dass bin du wie es dir",
    "fr": "et le les est pas je une vous que dans pour des c'est qui sur mais avec suis",
    "es": "el los y que es una por para con está pero muy las del qué estoy tú",
    "it": "il che è di non sono una per ma mi ti cosa gli della anche ho questo",
    "pt": "o que não é um uma para com eu você os mas isso muito está tem meu",
    "nl": "het een en is niet ik van dat je wat maar voor met zijn heb deze",
}
_LANGUAGES_OF = {
    word: [code for code, listed in _SMALL_WORDS.items() if word in listed.split()]
    for listed in _SMALL_WORDS.values()
    for word in listed.split()
}
UNKNOWN = "und"  # ISO 639: undetermined
_LEAST_SHARE = 0.01  # below it, a language among Latin letters is more likely a wrong guess


def language_shares(texts: Iterable[str]) -> dict[str, float]:
    """Returns the share of the texts in each language, by its code, the largest first.

    Texts without a letter do not count; Latin ones without a small word of any known language
    are shared out like those that have one.

    >>> language_shares(["你好", "What is it?", "pizza", "12:30"])
    {'en': 0.6666666666666666, 'zh': 0.3333333333333333}
    """
    told = Counter(map(_language, texts))
    told.pop("", None)
    shared = _share_out(told)
    total = sum(shared.values())
    return {code: count / total for code, count in sorted(shared.items(), key=_largest_first)}


def _largest_first(item: tuple[str, float]) -> tuple[float, str]:
    return -item[1], item[0]


def _language(text: str) -> str:
    """Returns a code, "latin" for letters that tell nothing, or "" without any letter."""
    letters = len(_LETTER.findall(text))
    if not letters:
        return ""
    if text.isascii():
        return _latin_language(text)
    found = {code: len(script.findall(text)) for code, script in _FOREIGN.items()}
    if found["ja"]:  # written with Chinese characters as well
        found["ja"] += found.pop("zh")
    code, count = max(found.items(), key=lambda item: item[1])
    return code if count * 3 > letters else _latin_language(text)


def _latin_language(text: str) -> str:
    votes = Counter(code for word in words(text.casefold()) for code in _LANGUAGES_OF.get(word, ()))
    best = votes.most_common(2)
    if not best or (len(best) > 1 and best[0][1] == best[1][1]):
        return "latin"
    return best[0][0]


def _share_out(told: Counter[str]) -> dict[str, float]:
    """Gives the texts that tell nothing, and the few of unlikely languages, to the others."""
    total = told.total()
    latin = {code: told[code] for code in _SMALL_WORDS if told[code]}
    likely = {code: n for code, n in latin.items() if n >= _LEAST_SHARE * total}
    rest = told["latin"] + sum(latin.values()) - sum(likely.values())
    others = {code: float(n) for code, n in told.items() if code in _FOREIGN}
    if not likely:
        return {**others, UNKNOWN: float(rest)} if rest else others
    known = sum(likely.values())
    return {**others, **{code: n + rest * n / known for code, n in likely.items()}}
