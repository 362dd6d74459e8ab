"""From a conversation to what appears under it: the reply as it grows, or a note.

Waits for a bot that still loads, slows the stream to what a page can draw, and turns every error
into a line that can be shown. Nothing fails silently. Knows no Gradio; page and API both use it.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from chatbot.config import DecodingConfig
from chatbot.errors import BundleError, ChatbotError
from chatbot.shelf import Bot, BotShelf, BotState
from chatbot.ui.settings import decoding_from
from chatbot.ui.words import Language, text

_LOG = logging.getLogger(__name__)
_FRAME_SECONDS = 0.04  # 25 updates a second; more costs the browser and shows nothing
_MAX_REPLY_CHARACTERS = 4000  # a longer one would slow every later turn of the page


@dataclass(frozen=True)
class Said:
    """What to show now: the reply so far, the whole reply, or a note (for good, or meanwhile)."""

    text: str
    kind: Literal["growing", "whole", "note", "waiting"]


def answer(
    shelf: BotShelf,
    name: str,
    turns: Sequence[str],
    knobs: Mapping[str, Any],
    language: Language = "en",
) -> Iterator[Said]:
    """Yields the growing answer to the last turn; the last one is `whole` or a `note`.

    Never raises: a mistake of the visitor becomes a note that says it, any other error is logged
    with a reference that the note names.
    """
    try:
        shelf.start(name)
        # Comes back a few times a second, so that a stop takes effect while a bot loads.
        while (state := shelf.wait(name, 0.25)).stage == "loading":
            yield Said(text(language, "waiting"), "waiting")
        bot = _bot_of(state)
        decoding = decoding_from(shelf.decoding(bot), knobs)
        yield from _spoken(bot, turns, decoding, language)
    except ChatbotError as error:
        yield Said(str(error), "note")
    except Exception:
        reference = uuid.uuid4().hex[:8]
        _LOG.exception("no reply, reference %s", reference)
        yield Said(text(language, "sorry", reference=reference), "note")


def throttled(
    texts: Iterator[str],
    seconds: float = _FRAME_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[str]:
    """Passes growing texts on, at most one each `seconds`, and always the last."""
    shown_at, held = -seconds, None
    for current in texts:
        held = current
        if clock() - shown_at >= seconds:
            yield current
            shown_at, held = clock(), None
    if held is not None:
        yield held


def _bot_of(state: BotState) -> Bot:
    if state.bot is None:
        raise BundleError(state.reason or "The bot was put away meanwhile. Send it again.")
    return state.bot


def _spoken(
    bot: Bot, turns: Sequence[str], decoding: DecodingConfig, language: Language
) -> Iterator[Said]:
    said = ""
    for said in throttled(bot.stream(turns, decoding)):
        said = said[:_MAX_REPLY_CHARACTERS]
        yield Said(said, "growing")
    if said.strip():
        yield Said(said, "whole")
    else:
        yield Said(text(language, "no_words"), "note")
