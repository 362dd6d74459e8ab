"""Conversations -> pairs -> clean pairs -> two sides. Every pair that is dropped is counted once.

Knows no format and no token. Random choices follow a hash of the seed and the text at hand, so
they do not depend on the order of files.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import operator
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

import ftfy
import ftfy.badness

from chatbot.config import CorpusConfig
from chatbot.corpus.chance import draw
from chatbot.corpus.placeholders import is_placeholder
from chatbot.corpus.records import Conversation, DialoguePair
from chatbot.corpus.slots import open_slots, with_blanks
from chatbot.text.cleaning import clean_text

Reason = Literal[
    "empty",
    "placeholder",
    "too_long",
    "same_as_source",
    "duplicate",
    "reply_used_too_often",
    "reply_used_too_rarely",
    "over_validation_limit",
]
RejectionCounts = Counter[Reason]  # pairs dropped, by the one reason that was found first


class Split(NamedTuple):
    """Pairs to learn from and pairs to measure on."""

    train: list[DialoguePair]
    validation: list[DialoguePair]


class Verdict(NamedTuple):
    """A pair as it may be used, and why it may not (None: it may)."""

    pair: DialoguePair
    reason: Reason | None


class Turn(NamedTuple):
    """What one speaker said at a stretch.

    Attributes:
        speaker: who.
        text: as a message that is replied to.
        reply: as a reply; the same where all that was said is joined.
        learned: whether it may be a reply to learn.
    """

    speaker: str
    text: str
    reply: str
    learned: bool = True


def clean_conversation(conversation: Conversation) -> tuple[Conversation, int]:
    """Returns a conversation with clean turns, and in how many a broken encoding was mended.

    "cafÃ©" was UTF-8 read as something else; ftfy finds such text by characters that do not
    go together, and leaves all other text alone.
    """
    mended = list(map(_mended, conversation.turns))
    turns = tuple(map(clean_text, mended))
    return with_turns(conversation, turns), sum(map(operator.ne, mended, conversation.turns))


def with_turns(conversation: Conversation, turns: tuple[str, ...]) -> Conversation:
    """Returns a conversation with other turns; itself where they are the same, as most are."""
    if turns == conversation.turns:
        return conversation
    return dataclasses.replace(conversation, turns=turns)


def _mended(text: str) -> str:
    if text.isascii() or not ftfy.badness.is_bad(text):
        return text
    return ftfy.fix_encoding(text)


def extract_pairs(
    conversations: Iterable[Conversation], *, history_turns: int, join_turns: bool = True
) -> Iterator[DialoguePair]:
    """Yields a pair for each turn that replies to another speaker's.

    What one speaker says in several turns on end counts as one turn. With more than two speakers,
    a history goes back as far as the replier and one other took turns with each other.

    Args:
        conversations: clean ones, see `clean_conversation`.
        history_turns: turns before the reply, at most.
        join_turns: several turns on end are one text; else the last of them is the message that
            is replied to, and the first of them is the reply.
    """
    for conversation in conversations:
        turns = _joined(conversation, join_turns)
        for index in range(1, len(turns)):
            replier = conversation.reply_speaker
            if turns[index].learned and replier in (None, turns[index].speaker):
                first = max(0, index - history_turns)
                history = _alternating(turns[first:index], turns[index].speaker)
                texts = tuple(turn.text for turn in history)
                yield _slotted(
                    DialoguePair(texts, turns[index].reply, conversation.id), conversation
                )


def _slotted(pair: DialoguePair, conversation: Conversation) -> DialoguePair:
    """Tells a pair what fills its slots, where it has any."""
    has = conversation.slots and any(map(open_slots, (*pair.history, pair.reply)))
    return dataclasses.replace(pair, slots=conversation.slots) if has else pair


def _joined(conversation: Conversation, join_turns: bool) -> list[Turn]:
    """Returns the turns, those of one speaker in a row made one."""
    if not conversation.speakers:
        known = conversation.context_only
        return [
            Turn("ab"[i % 2], text, text, i not in known)
            for i, text in enumerate(conversation.turns)
        ]
    places = itertools.groupby(range(len(conversation.turns)), conversation.speakers.__getitem__)
    return [_run(conversation, speaker, list(run), join_turns) for speaker, run in places]


def _run(conversation: Conversation, speaker: str, run: Sequence[int], join_turns: bool) -> Turn:
    texts = [conversation.turns[place] for place in run]
    learned = conversation.context_only.isdisjoint(run)
    if join_turns:
        joined = " ".join(filter(None, texts))
        return Turn(speaker, joined, joined, learned)
    return Turn(speaker, texts[-1], texts[0], learned)


def _alternating(turns: Sequence[Turn], replier: str) -> Sequence[Turn]:
    """Returns the end of `turns` in which one other speaker and the replier take turns."""
    other = turns[-1].speaker
    for back, turn in enumerate(reversed(turns), start=1):
        if turn.speaker != (other if back % 2 else replier):
            return turns[len(turns) - back + 1 :]
    return turns


def filter_pairs(
    pairs: Iterable[DialoguePair], config: CorpusConfig
) -> tuple[list[DialoguePair], RejectionCounts]:
    """Returns the pairs worth learning, in order, and how many were dropped for which reason.

    A history starts after its last turn that is empty, too long or a placeholder; a pair whose
    message or reply is one of these is dropped. Of a reply used too often, a seeded choice stays;
    of one used too rarely, nothing.
    """
    verdicts = judge_pairs(pairs, config)
    kept = [pair for pair, reason in verdicts if reason is None]
    return kept, Counter(reason for _, reason in verdicts if reason is not None)


def judge_pairs(pairs: Iterable[DialoguePair], config: CorpusConfig) -> list[Verdict]:
    """Returns a verdict for each pair, in order; see `filter_pairs`."""
    return _within_uses(_each_judged(pairs, config.max_turn_characters), config)


def _each_judged(pairs: Iterable[DialoguePair], max_characters: int) -> list[Verdict]:
    """Judges each pair by itself and by those before it."""
    seen = set[tuple[tuple[str, ...], str]]()
    verdicts = []
    for pair in pairs:
        usable = _from_last_fault(pair, max_characters)
        reason = _fault_of_pair(usable, max_characters)
        key = (usable.history, usable.reply)
        if reason is None and key in seen:
            reason = "duplicate"
        seen.add(key)
        verdicts.append(Verdict(usable, reason))
    return verdicts


def _from_last_fault(pair: DialoguePair, max_characters: int) -> DialoguePair:
    for index in range(len(pair.history) - 2, -1, -1):
        if _fault(_judged(pair, pair.history[index]), max_characters):
            return dataclasses.replace(pair, history=pair.history[index + 1 :])
    return pair


def _fault_of_pair(pair: DialoguePair, max_characters: int) -> Reason | None:
    message, reply = _judged(pair, pair.history[-1]), _judged(pair, pair.reply)
    reason = _fault(message, max_characters) or _fault(reply, max_characters)
    if reason is None and pair.history[-1].casefold() == pair.reply.casefold():
        return "same_as_source"
    return reason


def _judged(pair: DialoguePair, text: str) -> str:
    """Returns a text as it is judged: a slot that will be filled is no placeholder."""
    return with_blanks(text) if pair.slots else text


@functools.lru_cache(maxsize=8192)  # a turn comes back in the histories of the next pairs
def _fault(text: str, max_characters: int) -> Reason | None:
    if not text or text.isspace():
        return "empty"
    if is_placeholder(text):
        return "placeholder"
    return "too_long" if len(text) > max_characters else None


def _within_uses(verdicts: list[Verdict], config: CorpusConfig) -> list[Verdict]:
    """Marks the pairs of replies below `min_reply_uses`, and what is above `max_reply_uses`.

    A hash decides which uses of a reply stay.
    """
    uses = Counter(pair.reply for pair, reason in verdicts if reason is None)
    beyond = defaultdict[str, list[int]](list)  # few, where a list for each reply would be many
    for index, (pair, reason) in enumerate(verdicts):
        outside = not config.min_reply_uses <= uses[pair.reply] <= config.max_reply_uses
        if reason is None and outside:
            beyond[pair.reply].append(index)
    for reply, indices in beyond.items():
        if uses[reply] < config.min_reply_uses:
            _mark(verdicts, indices, "reply_used_too_rarely")
        else:
            ranked = sorted(indices, key=lambda i: _rank(verdicts[i].pair, config.seed))
            _mark(verdicts, ranked[config.max_reply_uses :], "reply_used_too_often")
    return verdicts


def _mark(verdicts: list[Verdict], indices: Iterable[int], reason: Reason) -> None:
    for index in indices:
        verdicts[index] = Verdict(verdicts[index].pair, reason)


def _rank(pair: DialoguePair, seed: int) -> float:
    return draw(seed, "reply use", *pair.history, pair.reply)


def split_by_conversation(
    pairs: Iterable[DialoguePair], *, validation_fraction: float, seed: int
) -> Split:
    """Puts whole conversations on one side or the other, by a hash of the seed and their id.

    With two conversations or more, each side gets at least one; a single one is all for training.
    """
    kept = list(pairs)
    draws = {origin: draw(seed, "split", origin) for origin in {pair.origin for pair in kept}}
    held_out = {origin for origin, drawn in draws.items() if drawn < validation_fraction}
    if len(draws) > 1 and not held_out:
        held_out = {min(draws, key=lambda origin: (draws[origin], origin))}
    elif len(held_out) == len(draws) and held_out:
        held_out.remove(max(draws, key=lambda origin: (draws[origin], origin)))
    return Split(
        [pair for pair in kept if pair.origin not in held_out],
        [pair for pair in kept if pair.origin in held_out],
    )
