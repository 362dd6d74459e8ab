"""Whose replies are learned: one speaker's, where somebody chose one. Knows no format."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from chatbot.corpus.records import Conversation
from chatbot.errors import CorpusError

_MOST_LISTED = 12


class ReplySpeaker:
    """Chooses one speaker's replies in all conversations that name their speakers.

    Where the chosen one does not speak, nothing is learned, unless the corpus itself says whose
    replies are to be learned (an "assistant"); a corpus that names nobody is learned whole.
    """

    def __init__(self, chosen: str | None) -> None:
        """Takes a name, in any case; None leaves all as it is."""
        self.chosen = chosen
        self.turns: Counter[str] = Counter()  # with text, by the name of their speaker
        self._wanted = None if chosen is None else _key(chosen)

    def applied(self, conversations: Iterable[Conversation]) -> Iterator[Conversation]:
        """Yields the conversations with the chosen speaker, and counts everybody's turns."""
        for conversation in conversations:
            if conversation.speakers:
                spoken = zip(conversation.speakers, conversation.turns, strict=False)
                self.turns.update(speaker for speaker, text in spoken if text)
            yield self._with_speaker(conversation)

    @property
    def found(self) -> bool:
        """Whether the chosen one has spoken, or nobody was chosen."""
        return self._wanted is None or any(_key(name) == self._wanted for name in self.turns)

    def _with_speaker(self, conversation: Conversation) -> Conversation:
        if self.chosen is None or not conversation.speakers:
            return conversation
        name = next((s for s in conversation.speakers if _key(s) == self._wanted), None)
        if name is None and conversation.reply_speaker is not None:
            return conversation
        return dataclasses.replace(conversation, reply_speaker=name or self.chosen)


def unknown_speaker(speakers: Sequence[ReplySpeaker]) -> CorpusError | None:
    """Returns what to tell when the chosen one speaks in none of the corpora; None: all is well."""
    if any(speaker.found for speaker in speakers):
        return None
    turns = sum((speaker.turns for speaker in speakers), Counter[str]())
    names = [" ".join(name.split())[:40] for name, _ in turns.most_common(_MOST_LISTED)]
    more = f" and {len(turns) - len(names)} more" if len(turns) > len(names) else ""
    there = f"Those who speak are: {', '.join(names)}{more}" if names else "Nobody is named there"
    return CorpusError(
        f"Nobody called {speakers[0].chosen!r} speaks in this corpus. {there}. "
        "Set corpus.reply_speaker to one of them, or leave it out to learn from everybody."
    )


def _key(name: str) -> str:
    return " ".join(name.split()).casefold()
