"""Slots: `{food}` in a line stands for any food, and for the same one throughout a conversation.

A bot learns from them to pick up the very word that a person used (`{pet_name}` in the reply), so
each epoch fills them anew. `{person_2}` is a second thing of the same kind. A tenth of each list
is kept out of training, to measure whether the bot also picks up a word that it never saw there.
Knows pairs and conversations, no file and no token.
"""

from __future__ import annotations

import dataclasses
import functools
import random
import re
from collections.abc import Iterable, Mapping

from chatbot.corpus.chance import draw
from chatbot.corpus.records import Conversation, DialoguePair, SlotLists

_SLOT = re.compile(r"\{(?P<slot>(?P<kind>[a-z]+(?:_[a-z]+)*)(?:_\d)?)\}")
_ARTICLE = re.compile(r"\b(?P<a>[Aa])(?= \{)")
_BEGINS_WITH_VOWEL = re.compile(r"(?!one|uni|us[ei]|eu)[aeiou]", re.IGNORECASE)
_SENTENCE = re.compile(r"(?:^|[.!?] )[\"']?$")
_HELD_OUT = 0.1  # of the things of each kind
_TOO_FEW = 50

Fill = Mapping[str, str]  # slot -> thing


def open_slots(text: str) -> dict[str, str]:
    """Returns the slots of a text with their kinds, in order of appearance.

    >>> open_slots("{person}, {person_2} and {pet_name}")
    {'person': 'person', 'person_2': 'person', 'pet_name': 'pet_name'}
    """
    return {match["slot"]: match["kind"] for match in _SLOT.finditer(text)}


def with_blanks(text: str) -> str:
    """Returns a text with a neutral mark in place of each slot.

    >>> with_blanks("I love {food}!")
    'I love …!'
    """
    return _SLOT.sub("…", text)


@functools.lru_cache(maxsize=1024)
def things_of(lists: SlotLists, kind: str, held_out: bool) -> tuple[str, ...]:
    """Returns the things of a kind that are learned, or those that are kept out of training."""
    things = lists.things[kind]
    if len(things) < _TOO_FEW:  # to be parted
        return things
    return tuple(t for t in things if (draw(0, "slot", kind, t) < _HELD_OUT) == held_out)


def filled(
    pairs: Iterable[DialoguePair], seed: int, *, held_out: bool = False
) -> list[DialoguePair]:
    """Returns the pairs with every slot filled, each pair and each copy of it by a draw of its own.

    Args:
        pairs: those without slots stay as they are.
        seed: same pairs, same seed, same things.
        held_out: take the things that no training sees.
    """
    chance = random.Random(seed)
    return [_filled(p, p.slots, chance, held_out) if p.slots else p for p in pairs]


def _filled(
    pair: DialoguePair, lists: SlotLists, chance: random.Random, held_out: bool
) -> DialoguePair:
    *history, reply = _filled_texts((*pair.history, pair.reply), lists, chance, held_out)
    return DialoguePair(tuple(history), reply, pair.origin)


def filled_conversation(conversation: Conversation) -> Conversation:
    """Returns a conversation with its slots filled, for a form that cannot keep them open.

    The draw depends on nothing but its id and turns; what is kept out of training stays out.
    """
    if conversation.slots is None:
        return conversation
    chance = random.Random(draw(0, "conversation", conversation.id, *conversation.turns))
    turns = _filled_texts(conversation.turns, conversation.slots, chance, held_out=False)
    return dataclasses.replace(conversation, turns=turns, slots=None)


def _filled_texts(
    texts: tuple[str, ...], lists: SlotLists, chance: random.Random, held_out: bool
) -> tuple[str, ...]:
    fill: dict[str, str] = {}
    for text in texts:
        for slot, kind in open_slots(text).items():
            if slot not in fill:
                things = things_of(lists, kind, held_out)
                fill[slot] = chance.choice([t for t in things if t not in fill.values()] or things)
    return tuple(fill_in(text, fill) for text in texts)


def fill_in(text: str, fill: Fill) -> str:
    """Returns a text with its slots filled: `a` becomes `an`, sentences begin with a capital.

    >>> fill_in("{pet}? So you have a {pet}!", {"pet": "otter"})
    'Otter? So you have an otter!'
    """
    text = _ARTICLE.sub(lambda match: _article(match, text, fill), text)
    done, last = "", 0
    for match in _SLOT.finditer(text):
        done += text[last : match.start()]
        thing = fill[match["slot"]]
        done += thing[:1].upper() + thing[1:] if _SENTENCE.search(done) else thing
        last = match.end()
    return done + text[last:]


def _article(match: re.Match[str], text: str, fill: Fill) -> str:
    slot = _SLOT.match(text, match.end() + 1)
    vowel = slot is not None and _BEGINS_WITH_VOWEL.match(fill[slot["slot"]])
    return f"{match['a']}n" if vowel else match["a"]
