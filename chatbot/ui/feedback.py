"""Thumbs under each reply, and a box for a better answer after a thumb down.

Both go into the owner's records, with the conversation up to the reply. Open to every visitor,
and counted among their messages where these are limited. Knows nothing of what becomes of the
records.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import gradio as gr

from chatbot.config import MAX_MESSAGE_CHARACTERS
from chatbot.errors import ChatbotError
from chatbot.store import MAX_TURNS
from chatbot.ui.desk import Desk
from chatbot.ui.history import Message, exchange_at, safe_text
from chatbot.ui.markup import escaped
from chatbot.ui.widgets import HIDDEN, QUICK, small_button

_LOG = logging.getLogger(__name__)
_TOAST_SECONDS = 4


class Rated(NamedTuple):
    """A reply that somebody judged."""

    model: str
    history: tuple[str, ...]  # oldest first, the last is the message replied to
    reply: str


class Feedback:
    """The box and its events; what a visitor judges is kept for their session alone."""

    def __init__(self, desk: Desk) -> None:
        """Builds the box inside the surrounding container, out of sight."""
        self._desk, words = desk, desk.words
        self._rated = gr.State(None)
        with gr.Column(scale=0, visible=False, elem_id="better") as self._panel:
            self._about = gr.HTML("", elem_id="better-about", padding=False)
            self._text = gr.Textbox(
                label=words("feedback_better"),
                info=words("feedback_hint"),
                elem_id="better-text",
                lines=1,
                max_lines=4,
                max_length=MAX_MESSAGE_CHARACTERS,
            )
            with gr.Row(elem_classes="line"):
                self._send = small_button(words("feedback_send"), "better-send")
                self._cancel = small_button(words("feedback_cancel"), "better-cancel")

    def connect(self, bot: Any, model: Any, closing: Sequence[Any]) -> None:
        """Connects the thumbs of a conversation; `closing` are events that put the box away."""
        box = [self._rated, self._panel, self._about, self._text]
        # Through the queue, since only there a handler can show a toast.
        bot.like(
            self._rate,
            [bot, model],
            box,
            trigger_mode="multiple",
            concurrency_limit=None,
            **HIDDEN,
        )
        gr.on(
            [self._send.click, self._text.submit],
            self._correct,
            [self._rated, self._text],
            box,
            concurrency_limit=None,
            **HIDDEN,
        )
        gr.on([self._cancel.click, *closing], _put_away, None, box, **QUICK)

    # --- handlers ----------------------------------------------------------------------------

    def _rate(
        self, request: gr.Request, history: list[Message], model: str, event: gr.LikeData
    ) -> Sequence[Any]:
        """Keeps a thumb; a thumb down asks for a better answer."""
        if not isinstance(event.liked, bool):
            return _unchanged()
        rated = self._judged(history, model, event)
        if rated is None:
            gr.Info(self._desk.say(request, "feedback_note"), _TOAST_SECONDS, title="")
            return _put_away()
        kept = self._keep(request, lambda: self._desk.store.add_rating(*rated, event.liked))
        if event.liked:
            if kept:
                gr.Info(self._desk.say(request, "feedback_thanks"), _TOAST_SECONDS, title="")
            return _put_away()
        about = self._desk.say(request, "feedback_about", reply=_shortened(rated.reply))
        return rated, gr.update(visible=True), f"<p>{escaped(about)}</p>", ""

    def _correct(self, request: gr.Request, rated: Rated | None, better: str) -> Sequence[Any]:
        """Keeps a better answer; whatever hinders that leaves what was written in the box."""
        better = safe_text(str(better or "")).strip()
        problem = self._problem(request, rated, better)
        if rated is None or problem:
            gr.Warning(problem, _TOAST_SECONDS, title="")
            return _unchanged()
        if not self._keep(request, lambda: self._desk.store.add_correction(*rated, better)):
            return _unchanged()
        gr.Info(self._desk.say(request, "feedback_thanks_better"), _TOAST_SECONDS, title="")
        return _put_away()

    # --- what they have in common --------------------------------------------------------------

    def _judged(self, history: list[Message], model: str, event: gr.LikeData) -> Rated | None:
        place = event.index if isinstance(event.index, int) else event.index[0]
        exchange = exchange_at(history, place)
        if exchange is None or model not in self._desk.shelf.names:
            return None
        turns, reply = exchange
        return Rated(model, tuple(turns[-MAX_TURNS:]), reply)

    def _problem(self, request: gr.Request, rated: Rated | None, better: str) -> str:
        """Returns why a better answer cannot be kept, nothing where it can."""
        if rated is None:
            return self._desk.say(request, "feedback_lost")
        if not better:
            return self._desk.say(request, "feedback_empty")
        if len(better) > MAX_MESSAGE_CHARACTERS:
            limits = {"limit": MAX_MESSAGE_CHARACTERS, "count": len(better)}
            return self._desk.say(request, "too_long", **limits)
        return ""

    def _keep(self, request: gr.Request, add: Callable[[], Any]) -> bool:
        """Writes a record, and says so in one line where that fails."""
        if refusal := self._desk.visitors.refusal(request, self._desk.language(request)):
            gr.Warning(refusal, _TOAST_SECONDS, title="")
            return False
        try:
            add()
        except ChatbotError as error:
            _LOG.error("A record could not be kept: %s", error)
        except Exception:
            _LOG.exception("a record could not be kept")
        else:
            return True
        gr.Warning(self._desk.say(request, "feedback_failed"), _TOAST_SECONDS, title="")
        return False


def _put_away() -> Sequence[Any]:
    return None, gr.update(visible=False), "", ""


def _unchanged() -> Sequence[Any]:
    return gr.skip(), gr.skip(), gr.skip(), gr.skip()


def _shortened(reply: str, characters: int = 120) -> str:
    return reply if len(reply) <= characters else f"{reply[:characters]}…"
