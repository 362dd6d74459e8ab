"""The train tab put together: what runs above, what to start below, and what joins the two.

All that is known of a training stands in its files, so every look begins there; a page keeps only
which one it shows. See `train_setup` and `train_live` for the two parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr

from chatbot.bundle import remove_bundle
from chatbot.errors import ChatbotError, TrainingError
from chatbot.ui.desk import Desk
from chatbot.ui.jobs import TrainRequest
from chatbot.ui.outcome_view import has_bot
from chatbot.ui.train_live import LivePart, name_in
from chatbot.ui.train_setup import SetupPart
from chatbot.ui.widgets import QUICK, line, skipped


class TrainTab:
    """The components of the tab and their events.

    Attributes:
        chosen: a `gr.State` with the name of the bot that the owner wants to chat with.
    """

    def __init__(self, desk: Desk) -> None:
        """Builds the tab inside the surrounding `gr.Tab`; it holds no data yet."""
        self._desk, self._jobs = desk, desk.jobs
        with gr.Column(elem_id="train"):
            self._live = LivePart(desk)
            self._told = gr.HTML("", elem_id="train-told", padding=False)
            with gr.Column(elem_id="train-setup") as self._fold:
                self._setup = SetupPart(desk)
        self.chosen = self._live.chosen
        self._connect()

    def connect(self, tab: Any) -> None:
        """Shows how things stand whenever the tab is selected."""
        self._setup.corpus.connect(tab)
        outputs = [*self._view, *self._setup.choices, self._told]
        tab.select(self._owned(self._opened), self._setup.kept, outputs, **QUICK)

    def connect_chat(self, take_up: Callable[..., Any], outputs: Any) -> None:
        """Lets another tab take up the bot that the owner wants to chat with.

        Args:
            take_up: gets the request and the name; returns what goes into `outputs`.
            outputs: components of the other tab.
        """
        self._live.wanted.success(self._owned(take_up), self.chosen, outputs, **QUICK)

    @property
    def _view(self) -> list[Any]:
        """What shows a training; see `_seen`."""
        return [*self._live.view, self._fold]

    def _connect(self) -> None:
        owned, live, setup = self._owned, self._live, self._setup
        view, told, shown = self._view, self._told, self._live.shown
        setup.start.click(owned(self._started), setup.asked, [*view, told], **QUICK)
        live.go_on.click(owned(self._continued), shown, [*view, told], **QUICK)
        live.stop.click(owned(self._stopped), shown, [*view, told], **QUICK)
        looking = [shown, *setup.kept]
        live.clock.tick(owned(self._looked), looking, [*view, *setup.choices], **QUICK)
        live.yes.click(owned(self._thrown), looking, [*view, *setup.choices, told], **QUICK)
        live.default.click(owned(live.made_default), shown, told, **QUICK)

    def _owned(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        return self._desk.owner.only(handler)

    # --- handlers --------------------------------------------------------------------------

    def _opened(self, request: gr.Request, *kept: Any) -> Sequence[Any]:
        """Shows the training that runs, or else the last one, and what can be chosen."""
        name = self._jobs.current() or next(iter(self._jobs.names()), None)
        return *self._seen(request, name), *self._setup.filled(request, *kept), ""

    def _started(self, request: gr.Request, *asked: Any) -> Sequence[Any]:
        if missing := self._setup.missing(request, *asked):
            return *skipped(self._view), line(missing, "wrong")
        return self._begun(request, self._setup.request(*asked))

    def _continued(self, request: gr.Request, shown: Mapping[str, Any]) -> Sequence[Any]:
        return self._begun(request, TrainRequest(name_in(shown), resume=True))

    def _begun(self, request: gr.Request, asked: TrainRequest) -> Sequence[Any]:
        """Starts a training and shows it; where another one runs, says so and shows that one."""
        try:
            self._jobs.start(asked)
        except ChatbotError as error:
            running = self._jobs.current()
            view = self._seen(request, running) if running else skipped(self._view)
            return *view, line(str(error), "wrong")
        return *self._seen(request, asked.name), ""

    def _looked(self, request: gr.Request, shown: Mapping[str, Any], *kept: Any) -> Sequence[Any]:
        """Looks once a second; when the training is over, there is more to choose from."""
        name = name_in(shown)
        if self._jobs.view(name).active:
            return *self._seen(request, name, shown), *skipped(self._setup.choices)
        self._desk.shelf.refresh()
        return *self._seen(request, name), *self._setup.filled(request, *kept)

    def _stopped(self, request: gr.Request, shown: Mapping[str, Any]) -> Sequence[Any]:
        told = ""
        try:
            self._jobs.stop(name_in(shown))
        except ChatbotError as error:
            told = line(str(error), "wrong")
        return *self._seen(request, name_in(shown)), told

    def _thrown(self, request: gr.Request, shown: Mapping[str, Any], *kept: Any) -> Sequence[Any]:
        """Deletes a training and the bot that came of it, and shows the training before it."""
        name = name_in(shown)
        told = line(self._desk.say(request, "train_thrown", name=name))
        try:
            self._refuse_unless_spare(request, name)
            if has_bot(self._jobs.view(name)):
                remove_bundle(name)
            self._jobs.remove(name)
        except (ChatbotError, OSError) as error:
            told = line(str(error), "wrong")
        self._desk.shelf.refresh()
        *everything, _ = self._opened(request, *kept)
        return *everything, told

    def _refuse_unless_spare(self, request: gr.Request, name: str) -> None:
        """Raises TrainingError where a training runs, or visitors begin with its bot."""
        view = self._jobs.view(name)
        if view.active:
            raise TrainingError(f"The training {name!r} is running. Stop it first.")
        if has_bot(view) and self._desk.shelf.refresh()[0] == name:
            raise TrainingError(self._desk.say(request, "models_begins", name=name))

    def _seen(
        self, request: gr.Request, name: str | None, before: Mapping[str, Any] | None = None
    ) -> Sequence[Any]:
        """Returns the view of a training, and hides what could start another one beside it."""
        if name is None:
            return *self._live.unseen(), gr.update(visible=True)
        view = self._jobs.view(name)
        return *self._live.seen(request, view, before), gr.update(visible=not view.active)
