"""A bot's fixed facts: what it always answers when it is asked about itself.

A network makes up another name, age and home each time it is asked. A fact is said word for word
instead, and only where the message means it beyond doubt: `closeness` says how that is measured.
Knows text alone; `Chatbot` asks before it searches.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from chatbot.errors import ConfigError
from chatbot.text.cleaning import clean_text

MAX_FACTS, MAX_WORDINGS = 200, 20
MAX_WORDING_CHARACTERS, MAX_REPLY_CHARACTERS = 240, 1000
THRESHOLD = 0.85  # of `closeness`: one slip of the pen in two words, two in four
_SLIP = 0.25  # what a slip takes from a word

_SHORT = {  # as people type: whole words
    "whats": "what is",
    "wheres": "where is",
    "whos": "who is",
    "hows": "how is",
    "u": "you",
    "ur": "your",
    "r": "are",
    "im": "i am",
    "youre": "you are",
}
_CONTRACTED = re.compile(r"\b(what|where|who|when|how|that|it|there|here)'s\b|(?<=\w)'re\b")
_EMPTY = frozenset(  # words that neither ask nor answer anything
    "hi hello hey hiya yo oh so and well ok okay please pls plz then now btw um uh hmm just again "
    "actually exactly really the a an tell me".split()
)
# What a hurried writer leaves out, but does not confuse: "what are you" and "what do you do".
_HELPERS = {"is": "be", "are": "be", "am": "be", "do": "do", "does": "do"}
_SAME = (  # Chinese: one way of writing for several, then words that say nothing
    (re.compile("[您妳]"), "你"),
    (re.compile("啥"), "什么"),
    (re.compile("甚麼|什麼"), "什么"),
    (re.compile("哪(?:里|裡|儿|兒)"), "哪"),
    (re.compile(r"你好(?=\W|你|请|請|$)|请问|請問|哈[喽啰]|嗨|话说|对了|到底"), ""),
    (re.compile(r"(?:能|可以)?告诉我|一下|^那|了(?=[呢呀啊哦喔嘛啦哈]*\W*$)"), ""),
    (re.compile("[呢呀啊哦喔嘛啦哈哎诶欸呐呗的]"), ""),
)
_MARKS = re.compile("[\u0300-\u036f]")
_HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_Parts: TypeAlias = Sequence[tuple[str, ...]]  # the words between the stars of a wording
_PIECES = re.compile(rf"[{_HAN}]|(?:(?![{_HAN}])[^\W_])+")


@dataclass(frozen=True)
class Fact:
    """One thing the bot is sure of.

    Attributes:
        says: wordings of the message that asks for it. One with a * stands for every message that
            holds its words: "*too many*pills*" for "I think I took too many of my pills".
        reply: what the bot then says, word for word.
    """

    says: tuple[str, ...]
    reply: str


class FactBook:
    """Finds the fact that a message asks for."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        """Sorts the wordings once; of two equally close ones the earlier fact answers."""
        self._by_initials = defaultdict[tuple[str, ...], list[tuple[str, Fact]]](list)
        self._by_first_word = defaultdict[str, list[tuple[int, _Parts, Fact]]](list)
        for number, fact in enumerate(facts):
            for wording in fact.says:
                if "*" in wording:
                    self._add_parts(number, _parts(wording), fact)
                else:  # no slip of the pen changes a word's first letter
                    self._by_initials[_initials(wording)].append((wording, fact))

    def _add_parts(self, number: int, parts: _Parts, fact: Fact) -> None:
        if parts:
            self._by_first_word[parts[0][0]].append((number, parts, fact))

    def find(self, message: str) -> Fact | None:
        """Returns the fact to answer with, None where the model should answer.

        >>> book = FactBook([Fact(("What is your name?",), "I'm Pip.")])
        >>> book.find("hey, whats your name").reply, book.find("what's your dog's name?")
        ("I'm Pip.", None)
        """
        if len(message) > 2 * MAX_WORDING_CHARACTERS:
            return None
        alike = self._by_initials.get(_initials(message), ())
        scored = [(closeness(message, wording), fact) for wording, fact in alike]
        best = max(scored, key=lambda one: one[0], default=None)
        if best and best[0] >= THRESHOLD:
            return best[1]
        words = _reduced(message).whole
        held = [
            (number, fact)
            for word in set(words)
            for number, parts, fact in self._by_first_word.get(word, ())
            if _holds(words, parts)
        ]
        return min(held, key=lambda one: one[0], default=(0, None))[1]


def _initials(text: str) -> tuple[str, ...]:
    return tuple(word[0] for word in _reduced(text).content)


def _parts(wording: str) -> _Parts:
    """Returns the words between the stars of a wording."""
    return [words for part in wording.split("*") if (words := _reduced(part).whole)]


def _holds(words: tuple[str, ...], parts: _Parts) -> bool:
    """Tells whether the parts stand in a text, each whole, in their order; no part: never."""
    place = 0
    for part in parts:
        places = range(place, len(words) - len(part) + 1)
        found = next((k for k in places if words[k : k + len(part)] == part), None)
        if found is None:
            return False
        place = found + len(part)
    return bool(parts)


def closeness(message: str, wording: str) -> float:
    """Returns how surely a message means a wording, from 0 (another matter) to 1 (the same).

    Compared are words, and Chinese signs one by one, without case, accents, punctuation, width
    and spaces. The same ones in the same order are 1. Otherwise words that say nothing ("hey",
    "please", "请问", "呀") are left out on both sides, and so are "is" and "do", which may lack but
    not stand for each other. Then every word has to be there in its place: a wrong, missing or
    added one makes it 0, since one word tells "how old are you" from "how are you". A slip of the
    pen in a word of four letters or more takes a quarter of that word's share. A wording of which
    less than two words are left must be said as it stands.

    >>> closeness("ＨＥＬＬＯ!!", "hello"), closeness("你叫什么名字呀？", "请问你叫什么名字")
    (1.0, 1.0)
    >>> closeness("so where you live pls", "Where do you live?")
    1.0
    >>> closeness("how are you", "how old are you")
    0.0
    """
    said, meant = _reduced(message), _reduced(wording)
    if said.whole == meant.whole:
        return 1.0 if meant.whole else 0.0
    if len(meant.content) < 2 or len(said.content) != len(meant.content):
        return 0.0
    if said.helpers and meant.helpers and said.helpers != meant.helpers:
        return 0.0
    slips = 0
    for word, wanted in zip(said.content, meant.content, strict=True):
        if word != wanted:
            if not _is_slip(word, wanted):
                return 0.0
            slips += 1
    return 1 - _SLIP * slips / len(meant.content)


def facts_from(values: Any) -> tuple[Fact, ...]:
    """Returns facts from plain data, such as JSON that somebody wrote.

    Args:
        values: a list of {"says": [...], "reply": "..."}.

    Raises:
        ConfigError: they are not facts; says which one is wrong and why.
    """
    if not isinstance(values, list) or len(values) > MAX_FACTS:
        raise ConfigError(
            f'The facts must be a list of at most {MAX_FACTS}, each {{"says": [...], "reply": '
            '"..."}. Correct them and try again.'
        )
    return tuple(_fact(number, value) for number, value in enumerate(values, start=1))


def plain_facts(facts: Sequence[Fact]) -> list[dict[str, Any]]:
    """Returns facts as plain data for JSON; `facts_from` reads it."""
    return [{"says": list(fact.says), "reply": fact.reply} for fact in facts]


def _fact(number: int, value: Any) -> Fact:
    says = value.get("says") if isinstance(value, dict) else None
    reply = value.get("reply") if isinstance(value, dict) else None
    texts = [*says, reply] if isinstance(says, list) else [None]
    if not all(isinstance(text, str) for text in texts):
        raise _wrong(number, 'it has no list "says" and no text "reply"')
    wordings = tuple(dict.fromkeys(filter(None, map(clean_text, map(str, says or ())))))
    answer = clean_text(str(reply))
    if not wordings or not answer:
        raise _wrong(number, "a message and a reply must be written")
    if len(wordings) > MAX_WORDINGS:
        raise _wrong(number, f"it has more than {MAX_WORDINGS} wordings")
    if max(map(len, wordings)) > MAX_WORDING_CHARACTERS or len(answer) > MAX_REPLY_CHARACTERS:
        raise _wrong(
            number,
            f"a wording has at most {MAX_WORDING_CHARACTERS} characters and a reply at most "
            f"{MAX_REPLY_CHARACTERS:,}",
        )
    return Fact(wordings, answer)


def _wrong(number: int, why: str) -> ConfigError:
    return ConfigError(f"Fact {number} cannot be used: {why}. Correct it and try again.")


@dataclass(frozen=True)
class _Reduced:
    """A text as it is compared: all of its words, those that say something, and "be" or "do"."""

    whole: tuple[str, ...]
    content: tuple[str, ...]
    helpers: frozenset[str]


@lru_cache(maxsize=4096)
def _reduced(text: str) -> _Reduced:
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", plain))
    spelt = _CONTRACTED.sub(lambda found: f"{found[1] or ''} {'is' if found[1] else 'are'}", plain)
    spelt = unicodedata.normalize("NFC", spelt.replace("'", ""))
    whole = _words(spelt)
    for pattern, instead in _SAME:
        spelt = pattern.sub(instead, spelt.strip())
    words = [word for word in _words(spelt) if word not in _EMPTY]
    content = tuple(word for word in words if word not in _HELPERS)
    helpers = frozenset(_HELPERS[word] for word in words if word in _HELPERS)
    return _Reduced(tuple(whole), content, helpers)


def _words(text: str) -> list[str]:
    pieces = _PIECES.findall(text)
    return " ".join(_SHORT.get(piece, piece) for piece in pieces).split()


def _is_slip(said: str, meant: str) -> bool:
    """Tells whether a word is another one mistyped: once, and not in its first letter.

    A letter left out, doubled or swapped with its neighbour, as fingers do; another letter in
    its place only in words of six letters or more, since short ones turn into other words.
    """
    if min(len(said), len(meant)) < 4 or said[0] != meant[0] or not (said + meant).isalpha():
        return False
    if abs(len(said) - len(meant)) == 1:
        longer, shorter = sorted((said, meant), key=len, reverse=True)
        return any(longer[:k] + longer[k + 1 :] == shorter for k in range(len(longer)))
    if len(said) != len(meant):
        return False
    wrong = [k for k, letter in enumerate(said) if letter != meant[k]]
    if len(wrong) == 1:
        return len(said) >= 6
    swapped = len(wrong) == 2 and wrong[1] == wrong[0] + 1
    return swapped and said[wrong[0]] == meant[wrong[1]] and said[wrong[1]] == meant[wrong[0]]
