"""Words, counted the same way in every report: for lengths, perplexity per word, distinct-n.

A word is a run of letters and digits, a single punctuation mark, or one Chinese, Japanese or
Korean character, so that numbers for English compare with published word-level ones (ParlAI's
`split`) and numbers for Chinese with character-level ones. Knows nothing of pieces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_IDEOGRAPH = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_IDEOGRAPH}]|[^\W{_IDEOGRAPH}]+|[^\w\s]")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_LETTER = re.compile(r"[^\W\d_]")
_ENGLISH = frozenset("the a to and of is you it in that i for my what are do have not".split())


def words(text: str) -> list[str]:
    """Cuts a text into words.

    >>> words("I'm fine, 你好!")
    ['I', "'", 'm', 'fine', ',', '你', '好', '!']
    """
    return _WORD.findall(text)


def main_language(texts: Iterable[str]) -> str:
    """Guesses "zh" or "en" for the page's choice of text, else "und" (undetermined).

    Chinese is told by its characters, English by its commonest words.
    """
    sample = " ".join(texts)
    letters = len(_LETTER.findall(sample)) or 1
    if len(_HAN.findall(sample)) / letters > 0.3:
        return "zh"
    found = [word.lower() for word in words(sample)]
    common = sum(word in _ENGLISH for word in found)
    return "en" if common > 0.1 * max(1, len(found)) else "und"
