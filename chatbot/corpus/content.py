"""What the texts of a corpus hold, beyond how many there are: the counts of the corpus report.

Lengths in steps, messages that many replies answer, blocked words. Knows no file and shows
nothing; `report` puts it together.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chatbot.corpus.private import Kind
from chatbot.corpus.records import DialoguePair
from chatbot.text.blocked import BlockedWords
from chatbot.text.words import words

_STEPS = (1, 3, 5, 7, 10, 15, 20, 30, 50)  # words from which each step of lengths reaches
_MANY_REPLIES = 5
_OFTEN_MET = 30  # characters; more without a space, such as a Chinese text, rarely come again
_MOST_SHOWN = 10


@dataclass(frozen=True)
class LengthStep:
    """How many messages and replies have from `least` to `most` words (None: any number more)."""

    least: int
    most: int | None
    messages: int
    replies: int


@dataclass(frozen=True)
class MessageUse:
    """A message, and how many different replies answer it."""

    message: str
    replies: int


@dataclass(frozen=True)
class PrivateUse:
    """How often one kind of private detail stands in the turns read, and a few, half hidden."""

    kind: Kind
    uses: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class BlockedUse:
    """A blocked word, and in how many messages and replies it stands."""

    word: str
    messages: int
    replies: int


class WordCounter:
    """Counts the words of many texts, and how many of them differ, upper case or lower.

    No word holds a space, so what stands between two spaces is cut into words once.
    """

    def __init__(self) -> None:
        """Has met no word yet."""
        self._length_of = _Lengths()

    @property
    def vocabulary_words(self) -> int:
        """How many different words were met."""
        return len(self._length_of.vocabulary)

    def lengths(self, texts: Iterable[str]) -> list[int]:
        """Returns the number of words of each text."""
        length_of = self._length_of.__getitem__
        return [sum(map(length_of, text.casefold().split())) for text in texts]


class _Lengths(dict[str, int]):
    """The number of words in what stands between two spaces, counted when it is first met."""

    def __init__(self) -> None:
        self.vocabulary = set[str]()

    def __missing__(self, unspaced: str) -> int:
        found = words(unspaced)
        self.vocabulary.update(found)
        if len(unspaced) <= _OFTEN_MET:
            self[unspaced] = len(found)
        return len(found)


def length_steps(messages: Iterable[int], replies: Iterable[int]) -> tuple[LengthStep, ...]:
    """Counts lengths in words by steps, all of them, so that two corpora can be compared.

    >>> length_steps([1, 2, 60], [4])[-1]
    LengthStep(least=50, most=None, messages=1, replies=0)
    """
    of_messages, of_replies = _by_step(messages), _by_step(replies)
    ends = [*(start - 1 for start in _STEPS[1:]), None]
    return tuple(
        LengthStep(least, most, of_messages[least], of_replies[least])
        for least, most in zip(_STEPS, ends, strict=True)
    )


def _by_step(lengths: Iterable[int]) -> Counter[int]:
    steps = Counter[int]()
    for length, count in Counter(lengths).items():
        steps[max((start for start in _STEPS if start <= length), default=_STEPS[0])] += count
    return steps


def much_answered(pairs: Sequence[DialoguePair]) -> tuple[int, tuple[MessageUse, ...]]:
    """Returns how many messages have five different replies or more, and those with the most.

    A bot that learns them can only guess which reply is meant, so it says the vaguest.
    """
    uses = Counter(pair.history[-1] for pair in pairs)
    replies = defaultdict[str, set[str]](set)
    for pair in pairs:
        if uses[pair.history[-1]] >= _MANY_REPLIES:  # a set for each message would fill the memory
            replies[pair.history[-1]].add(pair.reply)
    many = {message: len(r) for message, r in replies.items() if len(r) >= _MANY_REPLIES}
    most = Counter(many).most_common(_MOST_SHOWN)
    return len(many), tuple(MessageUse(message, count) for message, count in most)


def blocked_words(messages: Sequence[str], replies: Sequence[str]) -> tuple[BlockedUse, ...]:
    """Counts the blocked words of the default list, the one in most replies first."""
    held = BlockedWords().find_all(itertools.chain(messages, replies))
    by_message = _uses(messages, held)
    by_reply = _uses(replies, held)
    ordered = sorted(by_message | by_reply, key=lambda word: (-by_reply[word], -by_message[word]))
    return tuple(BlockedUse(word, by_message[word], by_reply[word]) for word in ordered)


def _uses(texts: Iterable[str], held: Mapping[str, Sequence[str]]) -> Counter[str]:
    return Counter(word for text in texts for word in held.get(text, ()))
