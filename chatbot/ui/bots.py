"""The bots of a page: loaded when somebody wants them, in the background, and kept.

`BotShelf` knows which bots there are and what state each is in; it knows neither Gradio nor, until
one is loaded, TensorFlow. Any object with the methods of `Bot` will do.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from chatbot.bundle import BundleInfo, bundle_path, list_bundles, read_bundle_config, read_info
from chatbot.config import DecodingConfig
from chatbot.errors import BundleError, ChatbotError
from chatbot.quiet import import_tensorflow

if TYPE_CHECKING:
    from chatbot.bot import Chatbot

_LOG = logging.getLogger(__name__)


class Bot(Protocol):
    """What the page asks of a bot; `chatbot.bot.Chatbot` is one."""

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


@dataclass(frozen=True)
class BotState:
    """How far a bot is: `ready` has the bot, `failed` has the reason as one line."""

    stage: Literal["unloaded", "loading", "ready", "failed"] = "unloaded"
    bot: Bot | None = None
    reason: str = ""


class BotShelf:
    """Loads bots in the background, one after the other, and keeps the last few used."""

    def __init__(
        self, cards: Sequence[BotCard], load: Callable[[BotCard], Bot], room: int = 2
    ) -> None:
        """Takes what there is, how to load one, and how many to keep in memory."""
        self.cards = {card.name: card for card in cards}
        self._load, self._room = load, room
        self._states: dict[str, BotState] = {}  # in the order of their last use
        self._changed = threading.Condition()
        self._loading_turn = threading.Lock()

    @property
    def names(self) -> list[str]:
        """The names of all bots, the one to begin with first."""
        return list(self.cards)

    def card(self, name: str) -> BotCard:
        """Returns the card of a bot.

        Raises:
            BundleError: there is no such bot on this page.
        """
        if name not in self.cards:
            raise BundleError(
                f"This page has no model {name[:80]!r}. Choose one of: {', '.join(self.cards)}."
            )
        return self.cards[name]

    def state(self, name: str) -> BotState:
        """Returns how far a bot is; never waits."""
        with self._changed:
            return self._states.get(name, BotState())

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
        if state.stage == "ready":
            _LOG.info("The bot %s is ready after %.1f s.", card.name, seconds)
        with self._changed:
            self._states.pop(card.name, None)
            self._states[card.name] = state
            self._make_room()
            self._changed.notify_all()

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

    Raises:
        BundleError: there is no model at all, or not this one.
    """
    cards = [_card(info) for info in list_bundles()]
    if first is not None:
        path = bundle_path(first)
        chosen = _card(read_info(path))
        cards = [chosen, *(card for card in cards if card.name != chosen.name)]
    if not cards:
        raise BundleError("There is no model yet. Train one with `python -m chatbot train`.")
    return BotShelf(cards, load_chatbot)


def load_chatbot(card: BotCard) -> Chatbot:
    """Loads a bundle and lets it say something, so that the first visitor does not wait.

    Imports TensorFlow.
    """
    import_tensorflow()
    from chatbot.bot import Chatbot

    bot = Chatbot.load(card.source or card.name)
    for _ in bot.stream("Hello"):
        pass
    return bot


def _card(info: BundleInfo) -> BotCard:
    return BotCard(info.name, info.language, info.description, _decoding(info.path), str(info.path))


def _decoding(path: Path) -> DecodingConfig:
    try:
        return read_bundle_config(path).decoding
    except ChatbotError:  # loading it will say what is wrong; the page itself must open
        return DecodingConfig()
