"""What readers yield and what training learns from. Knows no format, no token, no model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, eq=False)
class SlotLists:
    """The things that may stand in open slots such as `{food}`.

    Attributes:
        name: of the file that lists them.
        things: for each kind of slot, in the file's order.
    """

    name: str
    things: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said, in order, as the file spells it.

    Attributes:
        id: file name and line or record, such as "file.csv:12"; conversations that share an id
            stay on one side of the split.
        turns: the texts, oldest first.
        speakers: one name a turn; empty when the turns alternate between two speakers.
        reply_speaker: when set, only this speaker's turns are replies to learn ("assistant").
        context_only: places of turns that were said, and are no replies to learn.
        slots: what fills the open slots of the turns; None where braces are ordinary text.
    """

    id: str
    turns: tuple[str, ...]
    speakers: tuple[str, ...] = ()
    reply_speaker: str | None = None
    context_only: frozenset[int] = frozenset()
    slots: SlotLists | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DialoguePair:
    """A history and the reply to its last turn.

    Attributes:
        history: turns, oldest first, by alternating speakers; the last is the message replied to.
        reply: what is to be learned.
        origin: the id of the conversation it was said in.
        slots: what fills the open slots of the texts; None where none is open.
    """

    history: tuple[str, ...]
    reply: str
    origin: str
    slots: SlotLists | None = field(default=None, compare=False)


@dataclass
class ReadingLog:
    """What a reader has to tell beside the conversations it yields.

    Attributes:
        skipped_files: files of a folder that are no corpus, relative to it.
        notes: what was passed over or guessed, in words, and how often.
        unknown_columns: for each table without the columns that were chosen, what to tell.
        has_columns: whether some table had them.
    """

    skipped_files: list[str] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    unknown_columns: list[str] = field(default_factory=list)
    has_columns: bool = False
