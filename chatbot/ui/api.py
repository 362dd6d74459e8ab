"""The chat for programs: one typed function beside the page, answering in the same way.

Knows no component.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from chatbot.config import MAX_MESSAGE_CHARACTERS
from chatbot.ui.desk import Desk
from chatbot.ui.history import safe_text
from chatbot.ui.settings import seeded
from chatbot.ui.talk import answer

_MAX_TURNS = 100


def chat_function(desk: Desk) -> Callable[..., Iterator[str]]:
    """Returns the function behind the endpoint `/chat`."""

    def chat(
        message: str,
        history: list[str] | None = None,
        settings: dict[str, Any] | None = None,
        model: str = "",
        request: gr.Request | None = None,
    ) -> Iterator[str]:
        """Streams the reply to a message, each text longer than the one before.

        Args:
            message: what you say, at most 2,000 characters.
            history: what was said before, oldest first: yours, the bot's, yours, the bot's...
            settings: decoding settings by name, such as {"strategy": "sampling", "seed": 1}.
            model: which bot; the first one by default.
            request: given by Gradio.
        """
        problem = _problem(message, history) or (request and desk.visitors.refusal(request, "en"))
        if problem:
            raise gr.Error(problem, print_exception=False)
        turns = [*(history or ()), message]
        knobs, shelf = seeded(settings or {}), desk.shelf
        for said in answer(shelf, model or shelf.names[0], [safe_text(t) for t in turns], knobs):
            if said.kind == "note":
                raise gr.Error(said.text, print_exception=False)
            if said.kind != "waiting":
                yield said.text

    chat.__annotations__["return"] = str  # for Gradio, which shows the type of one text
    return chat


def _problem(message: Any, history: Any) -> str:
    """Returns what is wrong with a request, nothing where it can be answered."""
    if not isinstance(history, list | None) or len(history or ()) > _MAX_TURNS:
        return f"The history must be a list of at most {_MAX_TURNS} texts."
    turns = [*(history or ()), message]
    if not all(isinstance(turn, str) for turn in turns):
        return "The message and each turn of the history must be a text."
    if any(len(turn) > MAX_MESSAGE_CHARACTERS for turn in turns):
        return f"A turn has more than {MAX_MESSAGE_CHARACTERS:,} characters. Shorten it."
    return "" if safe_text(message).strip() else "The message is empty. Write something."
