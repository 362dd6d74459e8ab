"""The training pairs nearest to an exchange: which line of the corpus may have taught it that.

Closeness is measured on what was written (words and runs of two words; for Chinese, characters
and runs of two), so it shows where a reply can have come from and proves nothing. Knows no model.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.pair_table import read_pairs
from chatbot.corpus.records import DialoguePair
from chatbot.text.words import words

_Floats = NDArray[np.floating[Any]]
_Integers = NDArray[np.int64]
_RUNS = 1 << 62  # runs of two words are numbered from here on


@dataclass(frozen=True)
class NearPair:
    """A training pair and how near it is, each number in 0..1."""

    pair: DialoguePair
    score: float  # the mean of the other two
    message_closeness: float
    reply_closeness: float

    @property
    def message(self) -> str:
        """The message that the pair's reply answers."""
        return self.pair.history[-1]


class NearestPairs:
    """Searches the training pairs of a bundle; the index is built at the first question.

    score = (closeness of the messages + closeness of the replies) / 2, where two texts are as
    close as the cosine of their vectors: a text has the weight ln(1 + N / n) for each of its words
    in lower case (inverse document frequency; N pairs, n of them holding the word; 1 where none
    does) and half as much, by the same formula, for each run of two words; each counts once.
    Equal scores keep the corpus's order.
    """

    def __init__(self, pairs: Sequence[DialoguePair]) -> None:
        """Takes the pairs; nothing is computed yet."""
        self._pairs = pairs
        self._sides: tuple[_Index, _Index] | None = None

    @classmethod
    def read(cls, path: Path) -> NearestPairs:
        """Reads the training side of a bundle's corpus.parquet."""
        return cls(read_pairs(path, "train"))

    def find(self, message: str, reply: str, count: int = 5) -> list[NearPair]:
        """Returns at most `count` pairs, the nearest first, none twice and none unlike both."""
        messages, replies = self._indexed()
        by_message, by_reply = messages.closeness(message), replies.closeness(reply)
        scores = (by_message + by_reply) / 2
        order = np.argsort(-scores, kind="stable")
        found: dict[tuple[str, str], NearPair] = {}
        for place in itertools.takewhile(lambda i: scores[i] > 0, order):
            near = NearPair(
                self._pairs[place],
                float(scores[place]),
                float(by_message[place]),
                float(by_reply[place]),
            )
            found.setdefault((near.message, near.pair.reply), near)
            if len(found) >= count:
                break
        return list(found.values())

    def _indexed(self) -> tuple[_Index, _Index]:
        if self._sides is None:
            self._sides = (
                _Index([pair.history[-1] for pair in self._pairs]),
                _Index([pair.reply for pair in self._pairs]),
            )
        return self._sides


class _Index:
    """For each term the texts that hold it, as flat arrays: a million pairs fit in memory."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._words: dict[str, int] = {}
        self._count = len(texts)
        terms, self._holders = _terms(*self._numbered(texts))
        self._terms, first, held = np.unique(terms, return_index=True, return_counts=True)
        self._first = np.append(first, len(terms))
        self._squares = _squares(self._terms, held, self._count)
        squares = np.repeat(self._squares, held)
        self._norms: _Floats = np.bincount(self._holders, squares, minlength=self._count) ** 0.5

    def closeness(self, text: str) -> _Floats:
        """Returns the cosine of a text with each text of the index, in 0..1."""
        asked = self._terms_of(text)
        squares = _squares(asked, np.ones(len(asked), np.int64), self._count)
        shared = np.zeros(self._count)
        for i, place in enumerate(np.searchsorted(self._terms, asked)):
            if place < len(self._terms) and self._terms[place] == asked[i]:
                squares[i] = self._squares[place]
                shared[self._holders[self._first[place] : self._first[place + 1]]] += squares[i]
        norms = self._norms * squares.sum() ** 0.5
        cosines: _Floats = np.divide(shared, norms, out=np.zeros(self._count), where=norms > 0)
        return np.clip(cosines, 0.0, 1.0)

    def _terms_of(self, text: str) -> _Integers:
        """Returns the terms of a text; words that the index lacks get numbers below 0."""
        unknown: dict[str, int] = {}
        numbers = [
            self._words.get(word, unknown.setdefault(word, -1 - len(unknown)))
            for word in _split(text)
        ]
        return _terms(np.array([len(numbers)]), np.array(numbers, np.int64))[0]

    def _numbered(self, texts: Iterable[str]) -> tuple[_Integers, _Integers]:
        """Gives each new word the next number; returns the texts' lengths and all numbers."""
        known, lengths, numbers = self._words, [], []
        for text in texts:
            said = _split(text)
            lengths.append(len(said))
            numbers += [known.setdefault(word, len(known)) for word in said]
        return np.array(lengths, np.int64), np.array(numbers, np.int64)


def _split(text: str) -> list[str]:
    return words(text.lower())


def _squares(terms: _Integers, held: _Integers, count: int) -> _Floats:
    """Returns the squared weights of terms, each held by `held` of `count` texts."""
    weights: _Floats = np.log1p(count / held) * np.where(terms >= _RUNS, 0.5, 1.0)
    return weights**2


def _terms(lengths: _Integers, numbers: _Integers) -> tuple[_Integers, _Integers]:
    """Returns each term that a text holds, once, and the text's place; both sorted by term.

    A word is its own number; two in a row are one number above all words.
    """
    holders = np.repeat(np.arange(len(lengths)), lengths)
    inside = holders[:-1] == holders[1:]
    runs = _RUNS + (numbers[:-1] << 31) + numbers[1:]
    terms = np.concatenate([numbers, runs[inside]])
    places = np.concatenate([holders, holders[:-1][inside]])
    order = np.lexsort((places, terms))
    terms, places = terms[order], places[order]
    fresh = np.ones(len(terms), bool)
    fresh[1:] = (terms[1:] != terms[:-1]) | (places[1:] != places[:-1])
    return terms[fresh], places[fresh]
