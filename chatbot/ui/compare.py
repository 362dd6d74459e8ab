"""The compare tab: two models answer the same message side by side, and the owner votes.

A vote counts for the pair of models, and the better reply goes into the talk that both read next.
A message that got no vote is left out of it. Knows no model.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import gradio as gr

from chatbot.config import MAX_MESSAGE_CHARACTERS
from chatbot.errors import ChatbotError
from chatbot.shelf import BotShelf
from chatbot.store import Verdict
from chatbot.ui.chat import REPLIES
from chatbot.ui.desk import Desk
from chatbot.ui.history import safe_text
from chatbot.ui.records_view import pane_html, talk_html, votes_html
from chatbot.ui.talk import Said, answer
from chatbot.ui.widgets import HIDDEN, QUICK, line, small_button
from chatbot.ui.words import Language

Side = Literal["left", "right"]

_SIDES: tuple[Side, Side] = ("left", "right")
_BETTER: dict[Side, Verdict] = {"left": "first", "right": "second"}
_MOST_TURNS = 32  # as many as any bot reads
# Votes by key, also from the message box while it is empty, where these keys write nothing.
_KEYS = """() => {
  if (window.compareKeys) return;
  window.compareKeys = true;
  const buttons = {ArrowLeft: "compare-left", "=": "compare-equal", ArrowRight: "compare-right"};
  document.addEventListener("keydown", (event) => {
    const {key, target, altKey, ctrlKey, metaKey, isComposing} = event;
    const button = document.getElementById(buttons[key] ?? "");
    if (!button || button.disabled || altKey || ctrlKey || metaKey || isComposing) return;
    if (button.offsetParent === null || target.closest("[role=tablist]")) return;
    const message = target.closest("#compare-message");
    if (message ? target.value : target.closest("input, textarea, select")) return;
    event.preventDefault();
    button.click();
  });
}"""
_BACK_TO_MESSAGE = "() => document.querySelector('#compare-message textarea')?.focus()"


@dataclass(frozen=True)
class Round:
    """Two replies that wait for a vote; the one on the left comes first."""

    models: tuple[str, str]
    turns: tuple[str, ...]  # oldest first, the last is the message replied to
    replies: tuple[str, str]


class CompareTab:
    """The components of the tab and their events; it holds nothing before it is selected."""

    def __init__(self, desk: Desk) -> None:
        """Builds the tab inside the surrounding `gr.Tab`."""
        self._desk, self._store = desk, desk.store
        self._turns, self._round = gr.State(()), gr.State(None)
        with gr.Column(elem_id="compare", elem_classes="records"):
            self._build_question()
            self._build_replies()
            self._votes = gr.HTML("", elem_id="compare-votes", padding=False)
        self._connect()

    # --- what is there ---------------------------------------------------------------------

    def _build_question(self) -> None:
        words = self._desk.words
        gr.HTML(words("compare_about"), elem_classes="about", padding=False)
        with gr.Row():
            self._first = gr.Dropdown([], label=words("compare_first"), elem_id="compare-first")
            self._second = gr.Dropdown([], label=words("compare_second"), elem_id="compare-second")
        self._blind = gr.Checkbox(True, label=words("compare_blind"), elem_id="compare-blind")
        self._talk = gr.HTML("", elem_id="compare-talk", padding=False)
        self._message = gr.Textbox(
            label=words("compare_message"),
            info=words("compare_message_info"),
            lines=1,
            max_lines=4,
            max_length=MAX_MESSAGE_CHARACTERS,
            elem_id="compare-message",
        )
        with gr.Row(elem_classes="line"):
            self._ask = small_button(words("compare_ask"), "compare-ask", variant="primary")
            self._new = small_button(words("compare_new"), "compare-new")

    def _build_replies(self) -> None:
        words = self._desk.words
        self._note = gr.HTML("", elem_id="compare-note", padding=False)
        with gr.Row(elem_id="compare-replies", equal_height=True):
            self._panes = [
                gr.HTML("", elem_id=f"compare-{side}-reply", padding=False) for side in _SIDES
            ]
        with gr.Row(elem_classes="line", elem_id="compare-buttons"):
            self._buttons = {
                verdict: small_button(
                    words(f"compare_{name}"), f"compare-{name}", interactive=False
                )
                for verdict, name in (("first", "left"), ("equal", "equal"), ("second", "right"))
            }

    # --- what happens ----------------------------------------------------------------------

    @property
    def _view(self) -> list[Any]:
        """What a message changes, in the order of `_shown`."""
        return [self._talk, *self._panes, *self._buttons.values(), self._note, self._round]

    def connect(self, tab: Any) -> None:
        """Fills the tab whenever it is selected."""
        models = [self._first, self._second]
        outputs = [*models, self._votes, self._note]
        tab.select(self._owned(self._opened), models, outputs, **QUICK)
        tab.select(None, None, None, js=_KEYS, **HIDDEN)

    def _connect(self) -> None:
        asked = [self._message, self._turns, self._first, self._second, self._blind]
        gr.on(
            [self._message.submit, self._ask.click],
            self._owned(self._asked),
            asked,
            [self._message, *self._view],
            **REPLIES,
            **HIDDEN,
        )
        for verdict, button in self._buttons.items():
            button.click(
                self._owned(self._voted),
                [gr.State(verdict), self._round],
                [self._turns, self._votes, *self._view],
                **QUICK,
            ).success(None, None, None, js=_BACK_TO_MESSAGE, **HIDDEN)
        anew = [self._turns, self._message, *self._view]
        self._new.click(self._owned(self._begun), None, anew, **QUICK)

    def _owned(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        return self._desk.owner.only(handler)

    # --- handlers --------------------------------------------------------------------------

    def _opened(self, request: gr.Request, first: str | None, second: str | None) -> Sequence[Any]:
        """Lists the models there are now, and the votes."""
        names = self._desk.shelf.refresh()
        say = functools.partial(self._desk.say, request)
        note = line(say("compare_one_model")) if len(names) < 2 else ""
        chosen = _chosen(names, first, second)
        choices = [gr.update(choices=names, value=name) for name in chosen]
        try:
            return *choices, votes_html(self._store.votes(), say), note
        except ChatbotError as error:
            return *choices, gr.skip(), line(str(error), "wrong")

    def _asked(
        self,
        request: gr.Request,
        message: str,
        turns: Sequence[str],
        first: str | None,
        second: str | None,
        blind: bool,
    ) -> Iterator[Sequence[Any]]:
        """Shows both replies as they grow; then they can be voted on."""
        message = safe_text(str(message or "")).strip()
        if problem := self._problem(request, message, first, second):
            yield gr.skip(), *self._unchanged(line(problem, "wrong"))
            return
        models = (str(first), str(second))
        models = models[::-1] if blind and random.random() < 0.5 else models
        asked = (*turns, message)
        titles = None if blind else models
        for both in replies(self._desk.shelf, models, asked, self._desk.language(request)):
            yield "", *self._shown(request, asked, both, titles)
        yield gr.skip(), *self._settled(request, Round(models, asked, _texts(both)), both, titles)

    def _settled(
        self,
        request: gr.Request,
        done: Round,
        both: Sequence[Said],
        titles: Sequence[str] | None,
    ) -> Sequence[Any]:
        """Opens the vote where both gave a reply."""
        if all(said.kind == "whole" for said in both):
            return self._shown(request, done.turns, both, titles, open_round=done)
        note = line(self._desk.say(request, "compare_no_vote"))
        return self._shown(request, done.turns, both, titles, note)

    def _voted(self, request: gr.Request, verdict: Verdict, done: Round | None) -> Sequence[Any]:
        """Counts a vote, tells which model was which, and goes on from the better reply."""
        say = functools.partial(self._desk.say, request)
        if done is None:
            note = line(say("compare_done"), "wrong")
            return gr.skip(), gr.skip(), *self._unchanged(note)
        try:
            self._store.add_vote(*done.models, done.turns, *done.replies, verdict)
            votes = votes_html(self._store.votes(), say)
        except ChatbotError as error:
            note = line(str(error), "wrong")
            return gr.skip(), gr.skip(), *self._unchanged(note, done)
        better = done.replies[verdict == "second"]
        both = [Said(reply, "whole") for reply in done.replies]
        titles = [
            say("compare_better", name=name) if verdict == _BETTER[side] else name
            for side, name in zip(_SIDES, done.models, strict=True)
        ]
        note = line(say("compare_counted"))
        shown = self._shown(request, done.turns, both, titles, note)
        return (*done.turns, better)[-_MOST_TURNS:], votes, *shown

    def _begun(self, request: gr.Request) -> Sequence[Any]:
        """Begins a new talk."""
        shut = [gr.update(interactive=False)] * len(self._buttons)
        return (), "", "", "", "", *shut, "", None

    # --- what they have in common ----------------------------------------------------------

    def _problem(
        self, request: gr.Request, message: str, first: str | None, second: str | None
    ) -> str:
        """Returns why a message cannot be asked, nothing where it can."""
        say, names = functools.partial(self._desk.say, request), self._desk.shelf.names
        if len(names) < 2:
            return say("compare_one_model")
        if first == second or not {first, second} <= set(names):
            return say("compare_same")
        if len(message) > MAX_MESSAGE_CHARACTERS:
            return say("too_long", limit=MAX_MESSAGE_CHARACTERS, count=len(message))
        return "" if message else say("compare_empty")

    def _shown(
        self,
        request: gr.Request,
        turns: Sequence[str],
        both: Sequence[Said],
        titles: Sequence[str] | None,
        note: str = "",
        open_round: Round | None = None,
    ) -> Sequence[Any]:
        """Returns `_view`; without titles, the models go by their sides."""
        say = functools.partial(self._desk.say, request)
        names = titles or [say(f"compare_{side}_side") for side in _SIDES]
        panes = map(pane_html, names, both)
        buttons = [gr.update(interactive=open_round is not None)] * len(self._buttons)
        return talk_html(turns, say), *panes, *buttons, note, open_round

    def _unchanged(self, note: str, open_round: Round | None = None) -> Sequence[Any]:
        """Returns `_view` with nothing but a note changed."""
        kept = gr.skip() if open_round is None else open_round
        untouched = [gr.skip()] * (len(self._view) - 2)
        return *untouched, note, kept


def replies(
    shelf: BotShelf, models: Sequence[str], turns: Sequence[str], language: Language
) -> Iterator[tuple[Said, Said]]:
    """Yields what two bots have said so far, each a step further in turn."""
    speaking = [answer(shelf, model, turns, {}, language) for model in models]
    left = right = Said("", "waiting")
    while True:
        further = [next(speaker, None) for speaker in speaking]
        if not any(further):
            return
        left, right = further[0] or left, further[1] or right
        yield left, right


# --- small things -------------------------------------------------------------------------------


def _chosen(names: Sequence[str], *wanted: str | None) -> list[str | None]:
    """Returns two models, those wanted where they are there still, else the first two."""
    chosen: list[str | None] = [name if name in names else None for name in wanted]
    free = [name for name in names if name not in chosen]
    return [name or (free.pop(0) if free else None) for name in chosen]


def _texts(both: Sequence[Said]) -> tuple[str, str]:
    left, right = both
    return left.text, right.text
