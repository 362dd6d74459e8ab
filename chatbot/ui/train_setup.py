"""The lower part of the train tab: what to learn from, how, under which name, and what it takes.

Checks what was chosen and turns it into a request; starts nothing.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import gradio as gr

from chatbot.bundle import list_bundles
from chatbot.errors import ChatbotError, TrainingError
from chatbot.ui.corpus_panel import CorpusChoice, CorpusPanel
from chatbot.ui.desk import Desk
from chatbot.ui.jobs import TrainRequest
from chatbot.ui.progress_view import duration, warnings_of
from chatbot.ui.widgets import HIDDEN, QUICK, line
from chatbot.ui.words import Say

Way = Literal["scratch", "finetune", "continue"]

# What a network from scratch is like, by name; each name has a text `train_size_<name>`.
SIZES: Mapping[str, tuple[str, ...]] = {
    "normal": (),
    "small": ("model.size=small",),
}
_WAYS: tuple[Way, ...] = ("scratch", "finetune", "continue")
_MINUTES = (1, 240, 10)  # at least, at most, to begin with
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
# Of many changes only the last one counts. An estimate reads the corpus, so one at a time.
_LAST: dict[str, Any] = {"trigger_mode": "always_last"}
_SLOW: dict[str, Any] = {**HIDDEN, **_LAST, "concurrency_limit": 1}


class SetupPart:
    """The components and those events that stay among them.

    Attributes:
        corpus: what to learn from.
        kept: what was chosen before and decides what is offered next.
        choices: what offers things that come and go; see `filled`.
        asked: what a request is made of; see `request`.
        start: the button, for the tab to connect.
    """

    def __init__(self, desk: Desk) -> None:
        """Builds the part inside the surrounding container, without data."""
        self._desk, self._jobs = desk, desk.jobs
        self._build_ways()
        self._build_fields()
        self.kept = [self.corpus.choice, self._way, self._base, self._run]
        self.choices = [self._way, self._base, self._run, self._size, self._name]
        kind = [self._way, self._base, self._run, self._size]
        self.asked = [*kind, self.corpus.choice, self._name, self._minutes]
        self._connect()

    def _build_ways(self) -> None:
        words = self._desk.words
        self._way = gr.Radio(
            list(_WAYS), value="scratch", label=words("train_way"), elem_id="train-way"
        )
        self._base = gr.Dropdown([], label=words("train_base"), visible=False, elem_id="train-base")
        self._run = gr.Dropdown([], label=words("train_run"), visible=False, elem_id="train-run")
        with gr.Column(elem_id="train-corpus") as self._from:
            self.corpus = CorpusPanel(self._desk)

    def _build_fields(self) -> None:
        words, (least, most, usual) = self._desk.words, _MINUTES
        with gr.Column(elem_id="train-fields") as self._new:
            self._name = gr.Textbox(
                "",
                label=words("train_name"),
                info=words("train_name_info"),
                max_length=64,
                elem_id="train-name",
            )
            self._name_note = gr.HTML("", elem_id="train-name-note", padding=False)
            self._size = gr.Radio(
                list(SIZES), value="normal", label=words("train_size"), elem_id="train-size"
            )
            self._minutes = gr.Slider(
                least,
                most,
                usual,
                step=1,
                label=words("train_minutes"),
                info=words("train_minutes_info"),
                buttons=[],
                elem_id="train-minutes",
            )
        self._estimate = gr.HTML("", elem_id="train-estimate", padding=False)
        self.start = gr.Button(words("train_start"), variant="primary", elem_id="train-start")

    def _connect(self) -> None:
        owned, choice = self._desk.owner.only, self.corpus.choice
        parts = [self._base, self._run, self._from, self._new, self._size]
        self._way.change(owned(self._way_chosen), self._way, parts, **QUICK)
        self._name.change(owned(self._check_name), self._name, self._name_note, **QUICK)
        naming = [choice, self._way, self._base]
        named = [part.change for part in naming]
        gr.on(named, owned(self._suggest), naming, self._name, **QUICK, **_LAST)
        costing = [*naming, self._run, self._size]
        changes = [*(part.change for part in costing), self._minutes.release]
        gr.on(
            changes, owned(self._estimating), self.asked, self._estimate, **QUICK, **_LAST
        ).success(owned(self._estimated), self.asked, self._estimate, **_SLOW)

    # --- what it shows and tells -----------------------------------------------------------

    def filled(
        self,
        request: gr.Request,
        choice: CorpusChoice | None,
        way: Way,
        base: str | None,
        run: str | None,
    ) -> Sequence[Any]:
        """Returns `choices` with what there is now, given what was `kept`."""
        return (
            self._named(request, "train", _WAYS),
            _offered([info.name for info in list_bundles()], base),
            _offered(self._jobs.resumable(), run),
            self._named(request, "train_size", SIZES),
            self._suggest(request, choice, way, base),
        )

    def missing(self, request: gr.Request, *asked: Any) -> str:
        """Returns what has to be chosen first, an empty text where nothing has."""
        way, base, run, _, choice, *_ = asked
        if way == "continue":
            return "" if run else self._desk.say(request, "train_no_run")
        if choice is None:
            return self._desk.say(request, "train_no_corpus")
        return self._desk.say(request, "train_no_base") if way == "finetune" and not base else ""

    def request(
        self,
        way: Way,
        base: str | None,
        run: str | None,
        size: str,
        choice: CorpusChoice,
        name: str,
        minutes: float,
    ) -> TrainRequest:
        """Returns what was `asked` for, where nothing of it is missing."""
        if way == "continue":
            return TrainRequest(str(run), resume=True)
        of_size = SIZES.get(size, ()) if way == "scratch" else ()
        return TrainRequest(
            name=name or self._suggested(choice, way, base),
            corpora=choice.paths,
            base=base if way == "finetune" else None,
            minutes=minutes,
            settings=(*choice.settings, *of_size),
        )

    def _named(
        self, request: gr.Request, prefix: str, values: Sequence[str] | Mapping[str, Any]
    ) -> Any:
        choices = [(self._desk.say(request, f"{prefix}_{value}"), value) for value in values]
        return gr.update(choices=choices)

    # --- handlers --------------------------------------------------------------------------

    def _way_chosen(self, request: gr.Request, way: Way) -> Sequence[Any]:
        """Shows the fields that this way of starting needs."""
        base, run = gr.update(visible=way == "finetune"), gr.update(visible=way == "continue")
        new, size = gr.update(visible=way != "continue"), gr.update(visible=way == "scratch")
        return base, run, new, new, size

    def _suggest(
        self, request: gr.Request, choice: CorpusChoice | None, way: Way, base: str | None
    ) -> Any:
        """Shows which name a bot gets whose owner writes none."""
        return gr.update(placeholder=self._suggested(choice, way, base))

    def _suggested(self, choice: CorpusChoice | None, way: Way, base: str | None) -> str:
        of_corpus = Path(choice.paths[0]).stem if choice else ""
        stem = base if way == "finetune" and base else of_corpus
        return suggested_name(stem, lambda name: self._name_fault(name) is None)

    def _check_name(self, request: gr.Request, name: str) -> str:
        fault = self._name_fault(name) if name else None
        said = self._desk.say(request, fault or "train_name_free") if name else ""
        return line(said, "wrong" if fault else "")

    def _name_fault(self, name: str) -> str | None:
        """Returns the text that says what is wrong with a name, None where it can be taken."""
        try:
            self._jobs.check_name(name)
        except TrainingError:
            return "train_name_taken" if _NAME.fullmatch(name) else "train_name_bad"
        return None

    def _estimating(self, request: gr.Request, *asked: Any) -> str:
        """Says that the estimate is on its way, or what is still missing."""
        if missing := self.missing(request, *asked):
            return line(missing)
        if asked[0] == "continue":
            return line(self._goes_on(request, asked[2]))
        return line(self._desk.say(request, "train_estimating"), "busy")

    def _estimated(self, request: gr.Request, *asked: Any) -> Any:
        """Says what the training would take; another process works it out meanwhile."""
        if asked[0] == "continue" or self.missing(request, *asked):
            return gr.skip()
        say = functools.partial(self._desk.say, request)
        try:
            return estimate_html(self._jobs.estimate(self.request(*asked)), say)
        except ChatbotError as error:
            return line(say("train_no_estimate", reason=error), "wrong")

    def _goes_on(self, request: gr.Request, run: str) -> str:
        told = self._jobs.view(run).last("done", "stopped", "progress", "started") or {}
        step, steps = int(told.get("step") or 0), int(told.get("steps") or 0)
        return self._desk.say(request, "train_go_on_estimate", step=step, steps=steps)


def estimate_html(told: Mapping[str, Any], say: Say) -> str:
    """Returns an estimate as a line, and a line for each thing to think of before."""
    said = say(
        "train_estimate",
        time=duration(told["seconds"], say),
        memory=told["memory_bytes"] / 1e9,
        size=told["bundle_bytes"] / 1e6,
        pairs=told["pairs"],
        steps=told["steps"],
        epochs=told["epochs"],
    )
    return line(said) + "".join(line(warning, "mind") for warning in warnings_of(told, say))


def _offered(names: Sequence[str], chosen: str | None) -> Any:
    """Returns a list to choose from, with what was chosen before or else the first."""
    value = chosen if chosen in names else next(iter(names), None)
    return gr.update(choices=list(names), value=value)


def suggested_name(stem: str, is_free: Callable[[str], bool]) -> str:
    """Returns a free name that reminds of a file or a model.

    >>> suggested_name("WhatsApp Chat with Zoé", lambda name: True)
    'whatsapp-chat-with-zo'
    >>> suggested_name("english-2", lambda name: name != "english-2")
    'english-3'
    """
    name = re.sub(r"[^a-z0-9]+", "-", stem.lower())[:40].strip("-") or "my-bot"
    return next(filter(is_free, _numbered(name)))


def _numbered(name: str) -> Iterator[str]:
    yield name
    bare, _, number = name.rpartition("-")
    bare, last = (bare, int(number)) if bare and number.isdecimal() else (name, 1)
    yield from (f"{bare}-{following}" for following in itertools.count(last + 1))
