"""The bots that are served: loaded when somebody wants them, in the background, and kept.

`BotShelf` knows which bots there are and what state each is in; it knows no Gradio. Any object
with the methods of `Bot` will do.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from chatbot.bundle import (
    BundleInfo,
    bundle_path,
    default_model,
    list_bundles,
    ordered,
    read_bundle_config,
    read_info,
    stamp_of,
)
from chatbot.config import DecodingConfig, changed
from chatbot.errors import BundleError, ChatbotError

if TYPE_CHECKING:
    from chatbot.batching import Batcher

_LOG = logging.getLogger(__name__)


class Bot(Protocol):
    """What the page asks of a bot; `chatbot.batching.Batcher` is one."""

    name: str
    language: str
    decoding: DecodingConfig

    def stream(
        self, history: str | Sequence[str], decoding: DecodingConfig | None = None
    ) -> Iterator[str]:
        """Yields the growing reply to the last message of a history, oldest turn first."""


@dataclass(frozen=True)
class BotCard:
    """What the page can say of a bot before it is loaded."""

    name: str
    language: str = "und"
    description: str = ""
    decoding: DecodingConfig = field(default_factory=DecodingConfig)
    source: str = ""  # a name or folder to load it from; the name where empty
    stamp: str = ""  # changes with what it would be loaded from
    leads: bool = field(default=False, compare=False)  # every visitor begins with it


@dataclass(frozen=True)
class BotState:
    """How far a bot is: `ready` has the bot, `failed` has the reason as one line."""

    stage: Literal["unloaded", "loading", "ready", "failed"] = "unloaded"
    bot: Bot | None = None
    reason: str = ""


class BotShelf:
    """Loads bots in the background, one after the other, and keeps the last few used."""

    def __init__(
        self,
        cards: Sequence[BotCard],
        load: Callable[[BotCard], Bot],
        room: int = 2,
        look: Callable[[], Sequence[BotCard]] | None = None,
    ) -> None:
        """Takes what there is, how to load one, how many to keep in memory, how to look again."""
        self.cards = {card.name: card for card in cards}
        self._load, self._room, self._look = load, room, look
        self._looking = threading.Lock()
        # Phrases by language that no reply on this page may hold, beside those of the bot itself.
        self.blocked: Callable[[str], tuple[str, ...]] = lambda language: ()
        self._states: dict[str, BotState] = {}  # in the order of their last use
        self._changed = threading.Condition()
        self._loading_turn = threading.Lock()

    @property
    def names(self) -> list[str]:
        """The names of all bots, the one to begin with first."""
        return list(self.cards)

    def first_for(self, language: str) -> str:
        """Returns the bot that a visitor begins with.

        It is the one that the owner chose; without a choice, one of the visitor's language.
        """
        cards = list(self.cards.values())
        of_language = [card for card in cards if card.language == language]
        return (cards if cards[0].leads else [*of_language, *cards])[0].name

    def refresh(self) -> list[str]:
        """Looks again which bots there are, and returns their names.

        A bot that changed or went is put away. Whoever it is just answering still gets the whole
        reply; the next message loads it anew, or gets a note that there is no such model.
        """
        if self._look is not None:
            with self._looking:  # else an older look could come last
                fresh = {card.name: card for card in self._look()}
                if fresh:  # a page without any bot would be of no use
                    self._replace(fresh)
        return self.names

    def _replace(self, fresh: dict[str, BotCard]) -> None:
        with self._changed:
            before, self.cards = self.cards, fresh
            for name in list(self._states):
                if before.get(name) != fresh.get(name) and not self.state_is(name, "loading"):
                    del self._states[name]

    def card(self, name: str) -> BotCard:
        """Returns the card of a bot.

        Raises:
            BundleError: there is no such bot on this page.
        """
        if (card := self.cards.get(name)) is None:
            raise self._no_such(name)
        return card

    def state(self, name: str) -> BotState:
        """Returns how far a bot is; never waits."""
        with self._changed:
            return self._states.get(name, BotState())

    def decoding(self, bot: Bot) -> DecodingConfig:
        """Returns a bot's own settings, with the phrases that this page blocks as well."""
        own = bot.decoding
        more = [
            phrase for phrase in self.blocked(bot.language) if phrase not in own.blocked_phrases
        ]
        return changed(own, blocked_phrases=(*own.blocked_phrases, *more)) if more else own

    def start(self, name: str) -> None:
        """Begins to load a bot unless it is loaded or being loaded; one that failed is retried."""
        card = self.card(name)
        with self._changed:
            if self.state_is(name, "loading", "ready"):
                self._states[name] = self._states.pop(name)  # the last used comes last
                return
            self._states[name] = BotState("loading")
        threading.Thread(
            target=self._load_into, args=(card,), daemon=True, name=f"load {name}"
        ).start()

    def state_is(self, name: str, *stages: str) -> bool:
        """Tells whether a bot is in one of these stages."""
        return self.state(name).stage in stages

    def wait(self, name: str, seconds: float | None = None) -> BotState:
        """Waits until a bot that was started is no longer loading, at most so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not self.state_is(name, "loading"), seconds)
            return self.state(name)

    def _load_into(self, card: BotCard) -> None:
        with self._loading_turn:
            started = time.monotonic()
            state = self._loaded(card)
            seconds = time.monotonic() - started
        with self._changed:
            current = self.cards.get(card.name)
            if current in (card, None):
                self._settle(card.name, state if current else self._gone(card.name))
        if current not in (card, None):  # it changed meanwhile
            self._load_into(current)
        elif state.stage == "ready":
            _LOG.info("The bot %s is ready after %.1f s.", card.name, seconds)

    def _settle(self, name: str, state: BotState) -> None:
        self._states.pop(name, None)
        self._states[name] = state
        self._make_room()
        self._changed.notify_all()

    def _gone(self, name: str) -> BotState:
        return BotState("failed", reason=str(self._no_such(name)))

    def _no_such(self, name: str) -> BundleError:
        return BundleError(
            f"This page has no model {name[:80]!r}. Choose one of: {', '.join(self.cards)}."
        )

    def _loaded(self, card: BotCard) -> BotState:
        try:
            return BotState("ready", self._load(card))
        except ChatbotError as error:
            _LOG.error("The bot %s cannot be used: %s", card.name, error)
            return BotState("failed", reason=str(error))
        except Exception:  # whatever it is, the page must stay usable and say so
            _LOG.exception("loading %s failed", card.name)
            return BotState("failed", reason="An unexpected error; the terminal shows more.")

    def _make_room(self) -> None:
        ready = [name for name, state in self._states.items() if state.stage == "ready"]
        for name in ready[: max(0, len(ready) - self._room)]:
            del self._states[name]


def shelf_of_bundles(first: str | None = None) -> BotShelf:
    """Returns a shelf of all saved models, beginning with `first` (a name or a folder).

    Without it, the default model comes first.

    Raises:
        BundleError: there is no model at all, or not this one.
    """
    pinned = None if first is None else read_info(bundle_path(first)).path
    default = default_model()

    def look() -> list[BotCard]:
        chosen = default_model()
        # What the owner makes the default while the page runs counts more than how it was started.
        return _cards(pinned, chosen, pinned_first=chosen == default)

    cards = look()
    if not cards:
        raise BundleError("There is no model yet. Train one with `python -m chatbot train`.")
    return BotShelf(cards, load_chatbot, look=look)


def load_chatbot(card: BotCard) -> Batcher:
    """Loads a bundle for several visitors at once."""
    from chatbot.batching import Batcher
    from chatbot.bot import Chatbot

    return Batcher(Chatbot.load(card.source or card.name))


def _cards(pinned: Path | None, default: str | None, *, pinned_first: bool) -> list[BotCard]:
    """Returns the cards of all bundles, the one to begin with first."""
    cards = {info.name: _card(info) for info in ordered(list_bundles())}
    if pinned is not None and (outside := _outside(pinned)):
        cards[outside.name] = outside
    leading = [pinned.name if pinned else None, default]
    first = [name for name in (leading if pinned_first else leading[::-1]) if name in cards]
    if first:
        cards[first[0]] = replace(cards[first[0]], leads=True)
    return [cards[name] for name in dict.fromkeys([*first, *cards])]


def _outside(path: Path) -> BotCard | None:
    """Returns the card of the bundle that the page was started with, None once it is gone."""
    try:
        return _card(read_info(path))
    except ChatbotError:
        return None


def _card(info: BundleInfo) -> BotCard:
    return BotCard(
        info.name,
        info.language,
        info.description,
        _decoding(info.path),
        str(info.path),
        stamp_of(info.path),
    )


def _decoding(path: Path) -> DecodingConfig:
    try:
        return read_bundle_config(path).decoding
    except ChatbotError:  # loading it will say what is wrong; the page itself must open
        return DecodingConfig()
