"""The chat tab: what a visitor sees, and what happens at each click.

Handlers are thin: they hand the conversation to `history`, `settings` and `talk`. Knows no
server. Gradio 6.31 skips `.then` after an error, so each chain ends in `.failure` as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gradio as gr

from chatbot.config import MAX_MESSAGE_CHARACTERS
from chatbot.errors import ChatbotError
from chatbot.shelf import BotState
from chatbot.ui.conversations import Conversations
from chatbot.ui.desk import Desk
from chatbot.ui.feedback import Feedback
from chatbot.ui.history import (
    Message,
    edited,
    is_waiting,
    message,
    restored,
    safe_text,
    settled,
    turns_of,
    up_to_last_user,
    without_last_exchange,
)
from chatbot.ui.markup import escaped
from chatbot.ui.memory import Memory, as_json, from_json, reading
from chatbot.ui.panel import settings_panel
from chatbot.ui.settings import KNOBS, decoding_from, knobs_of, livelier, seeded
from chatbot.ui.talk import Said, answer
from chatbot.ui.understand import Inspector
from chatbot.ui.widgets import HIDDEN, QUICK, small_button
from chatbot.ui.words import Language, examples_for, text

# So many replies are computed at a time, for the page and the API together.
REPLIES: dict[str, Any] = {"concurrency_limit": 4, "concurrency_id": "replies"}


class ChatTab:
    """The components of the tab and their events; shared by all visitors, so it keeps no talk."""

    def __init__(self, desk: Desk) -> None:
        """Builds the tab inside the surrounding `gr.Tab`."""
        self._desk, self._shelf, self._words = desk, desk.shelf, desk.words
        self._build()
        self._connect_talk()
        self._connect_panel()
        self._connect_judging()

    # --- what is there ---------------------------------------------------------------------

    def _build(self) -> None:
        first = self._shelf.card(self._shelf.names[0])
        self._store = Memory("chatbot.conversation.2", of_tab=True)
        self._clock = gr.Timer(1.0, active=False)
        self._build_head(first.name)
        self._bot = self._conversation(examples_for(first.language))
        self._inspector, self._feedback = Inspector(self._desk), Feedback(self._desk)
        self._box = self._message_box()
        with gr.Accordion(self._words("settings"), open=False, elem_id="settings"):
            self._panel = settings_panel(self._words, first.decoding)
        self._conversations = Conversations(self._desk)

    def _build_head(self, name: str) -> None:
        with gr.Row(elem_id="head"):
            with gr.Column(elem_id="about", min_width=0):
                self._title = gr.HTML(_heading(name), elem_id="title", padding=False)
                gr.HTML(self._words("tagline"), elem_id="tagline", padding=False)
            self._model = self._model_picker(name)
            self._new = small_button(self._words("new"), "new")
        self._status = gr.HTML(_status(BotState(), "en"), elem_id="status", padding=False)

    def _model_picker(self, name: str) -> Any:
        names = self._shelf.names
        return gr.Dropdown(
            names,
            value=name,
            label=self._words("model"),
            show_label=False,
            container=False,
            filterable=False,
            visible=len(names) > 1,
            elem_id="model",
            scale=0,
            min_width=0,
        )

    def _conversation(self, examples: list[dict[str, str]]) -> Any:
        return gr.Chatbot(
            elem_id="bot",
            label=self._words("conversation"),
            show_label=False,
            container=False,
            scale=1,
            height="100%",
            render_markdown=False,  # what is said is text, whatever it looks like
            allow_tags=False,
            latex_delimiters=[],
            buttons=["copy"],
            editable="user",
            layout="bubble",
            placeholder=self._words("empty"),
            examples=examples,
        )

    def _message_box(self) -> Any:
        return gr.Textbox(
            elem_id="message",
            label=self._words("message"),
            show_label=False,
            container=False,
            placeholder=self._words("type_here"),
            lines=1,
            max_lines=5,
            max_length=MAX_MESSAGE_CHARACTERS,
            submit_btn=text(self._desk.fixed or "en", "send"),
            stop_btn=False,
            autofocus=True,
        )

    # --- what happens ----------------------------------------------------------------------

    def _connect_talk(self) -> None:
        bot, box = self._bot, self._box
        sent = box.submit(
            self._add,
            [box, bot],
            [box, bot, self._store.box],
            validator=self._check,
            concurrency_limit=None,
            **HIDDEN,
        )
        picked = bot.example_select(_add_example, bot, bot, **QUICK)
        changed = bot.edit(_edit, bot, bot, **QUICK)
        strategy = self._panel.knobs["strategy"]
        # Through the queue, since only there a handler can show a toast.
        again = bot.retry(self._again, [bot, strategy], bot, concurrency_limit=None, **HIDDEN)
        runs = [self._answered(event, self._answer) for event in (sent, picked, changed)]
        runs.append(self._answered(again, self._answer_again))
        box.stop(None, None, None, cancels=runs, **HIDDEN)
        bot.undo(_undo, bot, [bot, box, self._store.box], cancels=runs, **QUICK)
        self._conversations.connect(bot, self._store)
        self._conversations.put_away(self._new, bot, self._store)
        self._new.click(self._free, None, box, cancels=runs, **QUICK)

    def _answered(self, event: Any, reply: Any) -> Any:
        """Lets the reply follow an event: it grows, and afterwards the box is free again."""
        bot, box, after = self._bot, self._box, [self._bot, self._box, self._store.box]
        run = event.success(self._busy, None, box, **QUICK).success(
            reply,
            [bot, self._model, *self._panel.knobs.values()],
            bot,
            **REPLIES,
            **HIDDEN,
        )
        run.then(self._settle, bot, after, **QUICK)
        run.failure(self._give_up, bot, after, **QUICK)
        return run

    def _connect_panel(self) -> None:
        panel, model = self._panel, self._model
        knobs = list(panel.knobs.values())
        lively = [panel.knobs[name] for name in ("strategy", "temperature", "top_p")]
        panel.liveliness.input(self._enliven, [panel.liveliness, model], lively, **QUICK)
        gr.on(
            [knob.change for knob in knobs],
            self._problem,
            [model, *knobs],
            panel.problem,
            trigger_mode="always_last",
            **QUICK,
        )
        shown = [self._title, self._bot, self._status, self._clock, panel.liveliness, *knobs]
        model.change(self._choose, model, shown, **QUICK)
        self._clock.tick(self._tick, model, [self._status, self._clock], **QUICK)

    def _connect_judging(self) -> None:
        bot, model = self._bot, self._model
        # After these the reply that somebody asked about may not be on the screen any more.
        gone = [self._new.click, bot.undo, bot.edit, bot.retry, model.change]
        gone.append(self._conversations.opening)
        self._inspector.connect(bot, model, self._panel.knobs, gone)
        self._feedback.connect(bot, model, gone)

    def connect_load(self, page: Any) -> None:
        """Restores the conversation and tells the bot's state whenever the page is opened."""
        shown = [self._bot, self._box, self._status, self._clock, self._model]
        page.load(self._open, outputs=shown, **reading([self._store]), **QUICK)
        page.load(self._inspector.options, None, self._bot, **QUICK)

    @property
    def picker(self) -> Any:
        """The control that chooses the bot; see `picking`."""
        return self._model

    def picking(self, name: str) -> Any:
        """Returns the picker's state with this bot chosen, or the first if it is gone by now."""
        names = self._shelf.refresh()
        chosen = name if name in names else names[0]
        return gr.update(choices=names, value=chosen, visible=len(names) > 1)

    # --- handlers: Gradio passes the request where the annotation asks for it -----------------

    def _check(self, request: gr.Request, written: str, history: list[Message]) -> tuple[Any, Any]:
        """Says under the box why a message is not sent; one result for each input."""
        problem = _problem_of(written, self._desk.language(request))
        return gr.validate(problem == "", problem), gr.validate(True, "")

    def _add(self, request: gr.Request, written: str, history: list[Message]) -> Sequence[Any]:
        """Puts the message under the conversation, keeps it, and empties the box."""
        if is_waiting(history):  # a validator's line would be wiped out by the growing reply
            note = self._desk.say(request, "still_talking")
            raise gr.Error(note, title="", duration=4, print_exception=False)
        said = [*history, message("user", written.strip())]
        return "", said, as_json(said)

    def _answer(
        self, request: gr.Request, history: list[Message], model: str, *knobs: Any
    ) -> Iterator[list[Message]]:
        yield from self._grow(request, history, model, seeded(_named(knobs)))

    def _answer_again(
        self, request: gr.Request, history: list[Message], model: str, *knobs: Any
    ) -> Iterator[list[Message]]:
        fresh = seeded(_named(knobs), again=True)
        yield from self._grow(request, history, model, fresh)

    def _grow(
        self, request: gr.Request, history: list[Message], model: str, knobs: Mapping[str, Any]
    ) -> Iterator[list[Message]]:
        """Yields the conversation with the reply growing at its end."""
        language = self._desk.language(request)
        if refusal := self._desk.visitors.refusal(request, language):
            yield [*history, message("assistant", refusal, "note")]
            return
        for said in answer(self._shelf, model, turns_of(history), knobs, language):
            yield [*history, _shown(said)]

    def _again(self, request: gr.Request, history: list[Message], strategy: str) -> list[Message]:
        if strategy != "sampling":
            gr.Info(self._desk.say(request, "same_again"))
        return up_to_last_user(history)

    def _busy(self, request: gr.Request) -> Any:
        return gr.update(submit_btn=False, stop_btn=self._desk.say(request, "stop"))

    def _free(self, request: gr.Request) -> Any:
        return gr.update(submit_btn=self._desk.say(request, "send"), stop_btn=False)

    def _settle(self, request: gr.Request, history: list[Message]) -> Sequence[Any]:
        """Closes a run that ended or was stopped: conversation, box, what the browser keeps."""
        kept = settled(history, self._desk.say(request, "stopped"))
        return kept, self._free(request), as_json(kept)

    def _give_up(self, request: gr.Request, history: list[Message]) -> Sequence[Any]:
        """Closes a run that never began, as the queue is full or a setting was refused."""
        kept = settled(history, self._desk.say(request, "not_answered"))
        return kept, self._free(request), as_json(kept)

    def _open(self, request: gr.Request, stored: object) -> Sequence[Any]:
        self._shelf.refresh()  # the page was built when there may have been others
        first = self._shelf.first_for(self._desk.language(request))
        self._shelf.start(first)
        history = restored(from_json(stored), self._desk.say(request, "stopped"))
        # An empty one must not wipe out what a quick visitor has said meanwhile.
        kept = history or gr.skip()
        # Built with this word already; a late answer would wipe out a line under the box.
        built = self._desk.language(request) == (self._desk.fixed or "en")
        box = gr.skip() if built else self._free(request)
        return kept, box, *self._tick(request, first), self.picking(first)

    def _tick(self, request: gr.Request, model: str) -> Sequence[Any]:
        """Returns the line on the bot's state, and whether to look again in a second."""
        state = self._shelf.state(model)
        line = _status(state, self._desk.language(request))
        return line, gr.Timer(active=state.stage == "loading")

    def _choose(self, request: gr.Request, model: str) -> Sequence[Any]:
        card = self._shelf.card(model)
        self._shelf.start(model)
        examples = gr.update(examples=examples_for(card.language))
        shown = knobs_of(card.decoding)
        values = [shown[name] for name in KNOBS]
        return _heading(model), examples, *self._tick(request, model), 0, *values

    def _enliven(self, liveliness: float, model: str) -> Sequence[Any]:
        return tuple(livelier(self._shelf.card(model).decoding, liveliness).values())

    def _problem(self, model: str, *knobs: Any) -> str:
        """Returns why these settings cannot be used, nothing where they can."""
        try:
            decoding_from(self._shelf.card(model).decoding, _named(knobs))
        except ChatbotError as error:
            return f'<p role="alert">{escaped(str(error))}</p>'
        return ""


def _add_example(history: list[Message], event: gr.SelectData) -> list[Message]:
    return [*history, message("user", str(event.value["text"]))]


def _edit(history: list[Message], event: gr.EditData) -> list[Message]:
    return edited(history, int(event.index), str(event.value))


def _undo(history: list[Message]) -> Sequence[Any]:
    kept, wrote = without_last_exchange(history)
    return kept, wrote, as_json(kept)


def _shown(said: Said) -> Message:
    return message("assistant", said.text, None if said.kind == "whole" else said.kind)


def _named(knobs: Sequence[Any]) -> dict[str, Any]:
    """Returns the settings by name; a control that was left empty says nothing."""
    named = dict(zip(KNOBS, knobs, strict=True))
    return {name: None if value == "" else value for name, value in named.items()}


def _problem_of(written: str, language: Language) -> str:
    """Returns why a message cannot be sent, nothing where it can."""
    message = safe_text(written).strip()
    if not message:
        return text(language, "write_something")
    if len(message) > MAX_MESSAGE_CHARACTERS:
        limits = {"limit": MAX_MESSAGE_CHARACTERS, "count": len(message)}
        return text(language, "too_long", **limits)
    return ""


def _status(state: BotState, language: Language) -> str:
    if state.stage in ("loading", "failed"):
        reason = f" {escaped(state.reason)}" if state.reason else ""
        return f'<p role="status" class="{state.stage}">{text(language, state.stage)}{reason}</p>'
    return '<p role="status"></p>'


def _heading(name: str) -> str:
    return f"<h1>{escaped(name)}</h1>"
