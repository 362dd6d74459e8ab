"""The upper part of the train tab: the training that runs, or what the last one came to.

Shows what `jobs` reads, drawn by `progress_view` and `outcome_view`. Starts nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from chatbot import bundle
from chatbot.errors import ChatbotError
from chatbot.ui.desk import Desk
from chatbot.ui.jobs import JobView
from chatbot.ui.outcome_view import has_bot, outcome_html
from chatbot.ui.progress_view import curves_html, progress_html, replies_html
from chatbot.ui.widgets import QUICK, line, small_button


class LivePart:
    """The components; the tab connects those that change more than this part.

    Attributes:
        shown: a `gr.State`: the name of the training on the screen, and which of its replies.
        clock: ticks once a second while a training runs.
        chosen: a `gr.State` with the name of the bot to chat with.
        wanted: the event that filled `chosen`.
    """

    def __init__(self, desk: Desk) -> None:
        """Builds the part inside the surrounding container, hidden and without data."""
        self._desk = desk
        self.clock = gr.Timer(1.0, active=False)
        self.shown, self.chosen = gr.State({}), gr.State("")
        with gr.Column(elem_id="train-live", visible=False) as self._all:
            with gr.Column(elem_id="train-state"):
                self._progress = gr.HTML("", elem_id="train-progress", padding=False)
                self._build_buttons()
                self._curves = gr.HTML("", elem_id="train-curves", padding=False)
            self._learned = gr.HTML("", elem_id="train-learned", padding=False)
        self._connect()

    def _build_buttons(self) -> None:
        words = self._desk.words
        with gr.Row(elem_classes="buttons"):
            self.stop = small_button(words("train_stop"), "train-stop")
            self.go_on = small_button(words("train_go_on"), "train-go-on")
            self._chat = small_button(words("train_chat"), "train-chat", variant="primary")
            self.default = small_button(words("train_default"), "train-default")
            self._throw = small_button(words("train_throw"), "train-throw")
        with gr.Column(visible=False, elem_id="train-asking") as self._asking:
            self._question = gr.HTML("", padding=False)
            with gr.Row(elem_classes="buttons"):
                self.yes = small_button(words("train_yes"), "train-yes", variant="stop")
                self._no = small_button(words("train_no"), "train-no")

    @property
    def view(self) -> list[Any]:
        """What shows a training; see `seen`."""
        drawn = [self._progress, self._curves, self._learned]
        buttons = [self.stop, self.go_on, self._chat, self.default, self._throw, self._asking]
        return [self._all, *drawn, *buttons, self.clock, self.shown]

    def _connect(self) -> None:
        owned, shown = self._desk.owner.only, self.shown
        self.wanted = self._chat.click(owned(self._to_chat), shown, self.chosen, **QUICK)
        asked = [self._asking, self._question]
        self._throw.click(owned(self._ask), shown, asked, **QUICK)
        self._no.click(owned(self._not_thrown), None, self._asking, **QUICK)

    # --- what it shows ---------------------------------------------------------------------

    def seen(
        self, request: gr.Request, view: JobView, before: Mapping[str, Any] | None = None
    ) -> Sequence[Any]:
        """Returns a training as it stands; what a page shows already (`before`) is skipped."""
        say = functools.partial(self._desk.say, request)
        last = (view.last("validation") or {}).get("step")
        shown = {"name": view.name, "replies": [view.stage, last]}
        drawn = outcome_html if view.stage == "done" else replies_html
        is_bot = view.stage == "done" and has_bot(view)
        at_work = view.stage in ("starting", "running") and not view.stopping
        buttons = (at_work, view.resumable, is_bot, is_bot, not view.active, False)
        return (
            gr.update(visible=True),
            progress_html(view, say),
            curves_html(view, say),
            gr.skip() if shown == before else drawn(view, say),
            *(gr.update(visible=shows) for shows in buttons),
            gr.skip() if before is not None and view.active else gr.Timer(active=view.active),
            shown,
        )

    def unseen(self) -> Sequence[Any]:
        """Returns nothing to see, where no training has left a trace."""
        hidden = gr.update(visible=False)
        return hidden, "", "", "", *[hidden] * 6, gr.Timer(active=False), {}

    # --- handlers --------------------------------------------------------------------------

    def made_default(self, request: gr.Request, shown: Mapping[str, Any]) -> str:
        """Makes the new bot the one that visitors meet first; returns a line that says so."""
        name = name_in(shown)
        try:
            bundle.set_default_model(name)
        except (ChatbotError, OSError) as error:
            return line(str(error), "wrong")
        self._desk.shelf.refresh()
        return line(self._desk.say(request, "train_is_default", name=name))

    def _to_chat(self, request: gr.Request, shown: Mapping[str, Any]) -> str:
        self._desk.shelf.refresh()
        return name_in(shown)

    def _ask(self, request: gr.Request, shown: Mapping[str, Any]) -> Sequence[Any]:
        said = self._desk.say(request, "train_throw_ask", name=name_in(shown))
        return gr.update(visible=True), line(said)

    def _not_thrown(self, request: gr.Request) -> Any:
        return gr.update(visible=False)


def name_in(shown: Mapping[str, Any]) -> str:
    """Returns the name of the training that a page shows, an empty text where it shows none."""
    return str(shown.get("name", ""))
