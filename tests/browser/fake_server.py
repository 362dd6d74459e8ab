"""The real page with bots that need no model: `fake_server.py [app.py options]`.

`echo` repeats and counts what it read, `slow` takes a while to load, `broken` cannot be loaded.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from app import options_of
from chatbot.bundle import default_model, list_bundles
from chatbot.config import DecodingConfig
from chatbot.errors import BundleError
from chatbot.explanation import Alternative, Explanation, Piece
from chatbot.shelf import BotCard, BotShelf
from chatbot.ui.server import serve

LOADING_SECONDS = 8.0


class FakeBot:
    """Says back what it heard; some words make it long, broken, silent or hostile."""

    language = "en"

    def __init__(self, name: str) -> None:
        self.name, self.decoding = name, DecodingConfig()

    def stream(
        self, history: str | Sequence[str], decoding: DecodingConfig | None = None
    ) -> Iterator[str]:
        turns = [history] if isinstance(history, str) else list(history)
        settings = decoding or self.decoding
        said, pause = "", 0.06 if turns[-1] == "long" else 0.03
        for word in _words(turns, settings):
            time.sleep(pause)
            said = f"{said} {word}".strip()
            yield said

    def explain(
        self,
        history: str | Sequence[str],
        decoding: DecodingConfig | None = None,
        reply: str | None = None,
    ) -> Explanation:
        heard = history if isinstance(history, str) else history[-1]
        if heard == "boom":
            raise ValueError("a secret of the server")
        source = (Piece("", "user"), *(Piece(f" {word}") for word in heard.split()))
        pieces = (*(Piece(f" {word}") for word in (reply or "").split()), Piece("", "end"))
        weights = np.full((len(pieces), len(source)), 1 / len(source), np.float32)
        return Explanation(
            reply=reply or "",
            source=source,
            pieces=pieces,
            probabilities=tuple(0.9 / (1 + place) for place in range(len(pieces))),
            attention=None if heard == "blind" else weights,
            alternatives=(Alternative("You said <b>nothing</b>.", -1.5, 0.4),),
            confidence=0.8 if heard == "sure" else 0.42,
        )


def _words(turns: Sequence[str], settings: DecodingConfig) -> list[str]:
    heard = turns[-1]
    if heard == "boom":
        raise ValueError("a secret of the server")
    if heard == "nothing":
        return []
    if heard == "html":
        return ["<img", "src=x", "onerror=alert(1)>", "<b>bold</b>", "&lt;"]
    if heard == "settings":
        return [f"{name}={value}" for name, value in settings.model_dump().items()]
    if heard == "seed":
        return [f"seed={settings.seed}"]
    return ["You", "said:", *(heard.split() * (100 if heard == "long" else 1)), f"({len(turns)})"]


def _load(card: BotCard) -> FakeBot:
    if card.name == "slow":
        time.sleep(LOADING_SECONDS)
    if card.name == "broken":
        raise BundleError("Cannot use broken: a file is missing. Copy the whole folder again.")
    return FakeBot(card.name)


def main() -> int:
    options = options_of(sys.argv[1:])
    names = ["echo", "slow", "broken"]
    first = options.model or "echo"
    cards = [BotCard(name, "en") for name in [first, *(n for n in names if n != first)]]

    def look() -> list[BotCard]:
        saved = [BotCard(info.name, info.language) for info in list_bundles()]
        named = {card.name: card for card in [*cards, *saved]}
        return [named[name] for name in dict.fromkeys([default_model() or first, *named])]

    return serve(options, BotShelf(look(), _load, room=3, look=look))


if __name__ == "__main__":
    sys.exit(main())
