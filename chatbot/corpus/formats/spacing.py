"""Undoes the spaces that tokenisation left in published corpora. Knows no format."""

from __future__ import annotations

import re

_CONTRACTION = re.compile(r"(?<=[A-Za-z]) ?(['’]) (s|m|d|t|re|ve|ll)\b", re.IGNORECASE)
_SPLIT_CONTRACTION = re.compile(r"(?<=[A-Za-z]) (n['’]t|['’](?:s|m|d|re|ve|ll))\b", re.IGNORECASE)
_INSIDE_WORD = re.compile(r"(?<=[A-Za-z]) ’ (?=(?:am|clock|all)\b)")
_BEFORE_CLOSING = re.compile(r" +([,.!?;:%)\]}，。！？；：、])")
_AFTER_OPENING = re.compile(r"([(\[{]) +")
_QUOTED = re.compile(r'(^|(?<=\s))" ([^"]+?) "(?=\s|$|[,.!?;:])')
_MONEY = re.compile(r"\$ (?=\d)")
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\u3000-\u303f\uff00-\uffef…—“”‘’"
_HAN_SPACES = re.compile(rf" +(?=[{_HAN}])|(?<=[{_HAN}]) +")
_SPACED_LETTERS = re.compile(r"(?<![^\s])(?:[A-Za-z0-9] )+[A-Za-z0-9](?![^\s])")
_TWO_HAN_JOINED = re.compile("[\u4e00-\u9fff]{2}")
_TWO_HAN_APART = re.compile("[\u4e00-\u9fff] (?:.* )?[\u4e00-\u9fff]")


def detokenised(text: str) -> str:
    """Joins English that was cut into words and marks, as in DailyDialog and Persona-Chat.

    Spaces go before closing marks, after opening ones and around the apostrophe of a
    contraction; quotation marks close up to what they quote. "I ’ Ve" is DailyDialog's own slip.

    >>> detokenised("I ’ m fine , thanks . Don ’ t you ( really ) think so ?")
    'I’m fine, thanks. Don’t you (really) think so?'
    >>> detokenised('He said " no way " , didn \\' t he ? It costs $ 5,000 .')
    'He said "no way", didn\\'t he? It costs $5,000.'
    """
    text = _CONTRACTION.sub(lambda m: m[1] + m[2].lower(), text)
    text = _SPLIT_CONTRACTION.sub(lambda m: m[1].lower(), text)
    text = _INSIDE_WORD.sub("’", text)
    text = _QUOTED.sub(r'\1"\2"', text)
    text = _AFTER_OPENING.sub(r"\1", _BEFORE_CLOSING.sub(r"\1", text))
    return _MONEY.sub("$", text)


def joined_words(text: str) -> str:
    """Joins Chinese that is known to be cut into words; foreign words stay apart.

    >>> joined_words("火锅 我 在 重庆 ， not bad 吧")
    '火锅我在重庆，not bad吧'
    """
    return _HAN_SPACES.sub("", text)


def joined_chinese(text: str) -> str:
    """Joins Chinese that was cut into characters, as in LCCC; any other text stays as it is.

    Runs of single letters or digits are joined too: the cut went through them as well.

    >>> joined_chinese("我 饿 了 。 N B A 好 看")
    '我饿了。NBA好看'
    >>> joined_chinese("我饿了 你呢")
    '我饿了 你呢'
    """
    if not _TWO_HAN_APART.search(text) or _TWO_HAN_JOINED.search(text):
        return text
    letters = _SPACED_LETTERS.sub(lambda m: m[0].replace(" ", ""), text)
    return _HAN_SPACES.sub("", letters)
