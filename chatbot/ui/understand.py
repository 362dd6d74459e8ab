"""The inspector under the conversation: why the bot gave the reply that one asked about.

Each reply carries a "Why?" beside its thumbs (one of Gradio's own feedback options, so it is a
real button). Nothing is computed before somebody presses it. Knows the bots by their `explain`,
where they have one; what it shows is written in `explained`.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from chatbot.bundle import CORPUS, bundle_path
from chatbot.errors import ChatbotError
from chatbot.shelf import Bot
from chatbot.ui.desk import Desk
from chatbot.ui.explained import explained_html, line_html, taught_html
from chatbot.ui.history import Message, exchange_at
from chatbot.ui.settings import KNOBS, decoding_from
from chatbot.ui.widgets import HIDDEN, QUICK, small_button
from chatbot.ui.words import Say

if TYPE_CHECKING:
    from chatbot.corpus.nearest import NearestPairs

_LOG = logging.getLogger(__name__)
# Explanations wait for each other and hold up no reply.
_SLOW: dict[str, Any] = {
    **HIDDEN,
    "concurrency_limit": 2,
    "concurrency_id": "explanations",
    "trigger_mode": "multiple",  # else one that is asked for while another is awaited gets lost
}
_LOADING_SECONDS = 60.0
_THUMBS = ("Like", "Dislike")  # Gradio's own words, which it shows as icons and translates


class Inspector:
    """The panel and its events; shared by all visitors, so it keeps no conversation."""

    def __init__(self, desk: Desk) -> None:
        """Builds the panel inside the surrounding container, out of sight."""
        self._desk = desk
        self._place = gr.State(None)  # of the reply that the panel is open for
        with gr.Column(scale=0, visible=False, elem_id="inspector") as self._panel:
            with gr.Row(elem_classes="head"):
                gr.HTML(
                    desk.words("understand_title"),
                    html_template="<h2>${value}</h2>",
                    elem_classes="title",
                    padding=False,
                )
                self._close = small_button(desk.words("understand_close"), "inspector-close")
            self._explained = gr.HTML("", elem_id="explained", padding=False)
            self._taught = gr.HTML("", elem_id="taught", padding=False)

    def options(self, request: gr.Request) -> Any:
        """Returns what stands under each reply, in the visitor's language."""
        why = self._desk.say(request, "understand_why")
        return gr.update(feedback_options=[*_THUMBS, why])

    def connect(
        self, bot: Any, model: Any, knobs: Mapping[str, Any], closing: Sequence[Any]
    ) -> None:
        """Connects the panel with a conversation.

        Args:
            bot: the conversation.
            model: what names the chosen bot.
            knobs: the settings, by name.
            closing: events after which the reply that is explained may not be there any more.
        """
        looking = [self._place, self._panel, self._explained, self._taught, bot]
        # Gradio sends each press of an option twice: the second must find what the first did. And
        # only through the queue does it tell that a state has changed.
        bot.like(
            self._open,
            [bot, self._place],
            looking,
            trigger_mode="always_last",
            concurrency_limit=None,
            **HIDDEN,
        )
        told = self._place.change(
            self._explain, [self._place, bot, model, *knobs.values()], self._explained, **_SLOW
        )
        told.success(self._teach, [self._place, bot, model], self._taught, **_SLOW)
        gr.on([self._close.click, *closing], self._shut, None, looking, **QUICK)

    # --- handlers ----------------------------------------------------------------------------

    def _open(
        self, request: gr.Request, history: list[Message], place: int | None, event: gr.LikeData
    ) -> Sequence[Any]:
        """Opens the panel for a reply, or closes it where "Why?" is pressed a second time."""
        pressed = _place_of(event)
        is_open = pressed == place
        if isinstance(event.liked, bool) or bool(event.liked) == is_open:
            return gr.skip(), gr.skip(), gr.skip(), gr.skip(), gr.skip()
        if not event.liked:
            return self._shut()
        wait = line_html(self._desk.say(request, "understand_wait"))
        kept = _pressed(history, pressed, event.liked)
        opened = gr.update(visible=True)
        return pressed, opened, wait, "", gr.update(feedback_value=kept)

    def _shut(self) -> Sequence[Any]:
        return None, gr.update(visible=False), "", "", gr.update(feedback_value=[])

    def _explain(
        self,
        request: gr.Request,
        place: int | None,
        history: list[Message],
        model: str,
        *knobs: Any,
    ) -> Any:
        """Returns the explanation of the reply at `place`, or why there is none."""
        if place is None:
            return gr.skip()
        if refusal := self._desk.visitors.refusal(request, self._desk.language(request)):
            return line_html(refusal)  # it costs as much as a reply
        say = functools.partial(self._desk.say, request)
        named = dict(zip(KNOBS, knobs, strict=True))
        try:
            return self._explanation(say, exchange_at(history, place), model, named)
        except ChatbotError as error:
            return line_html(str(error))
        except Exception:
            _LOG.exception("a reply of %s could not be explained", model)
            return line_html(say("understand_cannot"))

    def _explanation(
        self,
        say: Say,
        exchange: tuple[list[str], str] | None,
        model: str,
        knobs: Mapping[str, Any],
    ) -> str:
        if exchange is None:
            return line_html(say("understand_note"))
        bot = self._bot(model)
        if bot is None:
            return line_html(say("understand_not_ready"))
        explain = getattr(bot, "explain", None)
        if explain is None:
            return line_html(say("understand_cannot"))
        turns, reply = exchange
        given = {name: value for name, value in knobs.items() if value not in ("", None)}
        decoding = decoding_from(self._desk.shelf.decoding(bot), given)
        return explained_html(explain(turns, decoding, reply=reply), model, say)

    def _teach(
        self, request: gr.Request, place: int | None, history: list[Message], model: str
    ) -> Any:
        """Returns the lines of the corpus nearest to an exchange, to the owner alone."""
        if place is None:
            return gr.skip()
        exchange = exchange_at(history, place)
        if exchange is None or not self._desk.owner.is_owner(request):
            return ""
        say = functools.partial(self._desk.say, request)
        turns, reply = exchange
        try:
            corpus = self._corpus(model)
            if not corpus.is_file():
                return line_html(say("understand_no_corpus"))
            nearest = _nearest(corpus, corpus.stat().st_mtime_ns)
            return taught_html(nearest.find(turns[-1], reply), say)
        except ChatbotError as error:
            return line_html(str(error))
        except Exception:
            _LOG.exception("the corpus of %s cannot be searched", model)
            return line_html(say("understand_lost"))

    def _bot(self, model: str) -> Bot | None:
        """Returns a bot, loading it where it was put away meanwhile."""
        self._desk.shelf.start(model)
        return self._desk.shelf.wait(model, _LOADING_SECONDS).bot

    def _corpus(self, model: str) -> Path:
        card = self._desk.shelf.card(model)
        return bundle_path(card.source or card.name) / CORPUS


@functools.lru_cache(maxsize=1)  # an index takes some 100 MB for a hundred thousand pairs
def _nearest(corpus: Path, changed: int) -> NearestPairs:
    """Returns the pairs of a corpus, read again whenever the file has `changed`."""
    from chatbot.corpus.nearest import NearestPairs  # and with it Arrow, which visitors never need

    return NearestPairs.read(corpus)


def _place_of(event: gr.LikeData) -> int:
    return event.index if isinstance(event.index, int) else event.index[0]


def _pressed(history: Sequence[Message], place: int, option: Any) -> list[str | None]:
    """Returns what is pressed under each reply: this option under the reply at `place`."""
    replies = [i for i, shown in enumerate(history) if shown.get("role") == "assistant"]
    return [option if i == place else None for i in replies]
