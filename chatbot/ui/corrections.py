"""The corrections tab: the owner reviews better answers, and one click teaches the accepted ones.

A training is started through `jobs` and watched under Train. Knows nothing of how a bot learns.
"""

from __future__ import annotations

import functools
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

import gradio as gr
from gradio.processing_utils import save_file_to_cache

from chatbot.bundle import list_bundles
from chatbot.config import MAX_MESSAGE_CHARACTERS
from chatbot.errors import ChatbotError, TrainingError
from chatbot.files import uploads_folder
from chatbot.store import Correction, Kind, Status, write_corrections
from chatbot.ui.desk import Desk
from chatbot.ui.history import safe_text
from chatbot.ui.jobs import TrainRequest
from chatbot.ui.records_view import choice_of, correction_html, ratings_html
from chatbot.ui.train_setup import suggested_name
from chatbot.ui.widgets import HIDDEN, QUICK, line, skipped, small_button

_MOST_LISTED = 200  # corrections; the others follow as these are reviewed
_MINUTES = (1, 60, 10)  # at least, at most, to begin with
_USUAL_TURN = 240  # characters that a training reads of a turn unless told otherwise

_WATCH = "() => document.getElementById('tab-train-button')?.click()"
_DOWNLOAD = """(file) => {
  if (!file?.url) return;
  const link = document.createElement("a");
  link.href = file.url;
  link.download = file.orig_name;
  link.click();
}"""


class CorrectionsTab:
    """The components of the tab and their events; it holds nothing before it is selected."""

    def __init__(self, desk: Desk) -> None:
        """Builds the tab inside the surrounding `gr.Tab`."""
        self._desk, self._store = desk, desk.store
        with gr.Column(elem_id="corrections", elem_classes="records"):
            gr.HTML(desk.words("corrections_about"), elem_classes="about", padding=False)
            self._note = gr.HTML("", elem_id="corrections-note", padding=False)
            self._build_review()
            self._build_teaching()
            self._ratings = gr.HTML("", elem_id="corrections-ratings", padding=False)
            self._build_export()
        self._connect()

    # --- what is there ---------------------------------------------------------------------

    def _build_review(self) -> None:
        words = self._desk.words
        self._shown = gr.Radio([], label=words("corrections_show"), elem_id="corrections-show")
        with gr.Row(elem_id="corrections-review", equal_height=False):
            with gr.Column(min_width=280):
                self._list = gr.Radio(
                    [], label=words("corrections_list"), elem_id="corrections-list"
                )
                self._none = gr.HTML("", elem_id="corrections-none", padding=False)
            with gr.Column(min_width=280, visible=False, elem_id="corrections-one") as self._one:
                self._talk = gr.HTML("", elem_id="corrections-talk", padding=False)
                self._better = gr.Textbox(
                    label=words("corrections_better"),
                    info=words("corrections_better_info"),
                    lines=2,
                    max_lines=8,
                    max_length=MAX_MESSAGE_CHARACTERS,
                    elem_id="corrections-better",
                )
                with gr.Row(elem_classes="line"):
                    self._accept = small_button(words("corrections_accept"), "corrections-accept")
                    self._reject = small_button(words("corrections_reject"), "corrections-reject")
                    self._again = small_button(words("corrections_again"), "corrections-again")

    def _build_teaching(self) -> None:
        words, (least, most, usual) = self._desk.words, _MINUTES
        with gr.Column(elem_id="corrections-teach"):
            gr.HTML(words("corrections_teach"), elem_classes="heading", padding=False)
            self._of = gr.CheckboxGroup([], label=words("corrections_of"), elem_id="corrections-of")
            with gr.Row(elem_id="corrections-how"):
                self._base = gr.Dropdown(
                    [], label=words("corrections_base"), elem_id="corrections-base"
                )
                self._minutes = gr.Slider(
                    least,
                    most,
                    usual,
                    step=1,
                    label=words("corrections_minutes"),
                    info=words("corrections_minutes_info"),
                    buttons=[],
                    elem_id="corrections-minutes",
                )
            self._retrain = gr.Button(
                words("corrections_retrain_none"),
                variant="primary",
                interactive=False,
                elem_id="corrections-retrain",
            )
            self._told = gr.HTML("", elem_id="corrections-told", padding=False)
            self._watch = gr.Button(
                words("corrections_watch"), size="sm", visible=False, elem_id="corrections-watch"
            )

    def _build_export(self) -> None:
        words = self._desk.words
        with gr.Row(elem_classes="line", elem_id="corrections-records"):
            self._kind = gr.Radio([], label=words("corrections_file"), elem_id="corrections-kind")
            self._export = small_button(words("corrections_export"), "corrections-export")
        self._file = gr.DownloadButton("", visible="hidden", elem_id="corrections-file")
        self._exported_note = gr.HTML("", elem_id="corrections-exported", padding=False)

    # --- what happens ----------------------------------------------------------------------

    def connect(self, tab: Any) -> None:
        """Fills the tab whenever it is selected."""
        outputs = [*self._view, self._kind, self._told, self._watch, self._exported_note]
        tab.select(self._owned(self._opened), None, outputs, **QUICK)

    @property
    def _pile(self) -> list[Any]:
        """The list and what is chosen from it, in the order of `_piled`."""
        one = [self._one, self._talk, self._better, self._accept, self._reject, self._again]
        return [self._note, self._shown, self._list, self._none, *one]

    @property
    def _view(self) -> list[Any]:
        """All that shows records, in the order of `_seen`."""
        return [*self._pile, self._of, self._base, self._retrain, self._ratings]

    def _connect(self) -> None:
        owned, chosen, view = self._owned, [self._shown, self._list], self._view
        self._shown.input(owned(self._listed), self._shown, self._pile, **QUICK)
        self._list.input(owned(self._picked), chosen, self._pile, **QUICK)
        asked = [*chosen, self._better]
        self._accept.click(owned(self._accepted), asked, view, **QUICK)
        self._reject.click(owned(self._rejected), chosen, view, **QUICK)
        self._again.click(owned(self._put_back), chosen, view, **QUICK)
        self._of.input(owned(self._counted), self._of, self._retrain, **QUICK)
        teaching = [self._shown, self._of, self._base, self._minutes]
        begun = [*view, self._told, self._watch]
        self._retrain.click(owned(self._retrained), teaching, begun, **QUICK)
        self._watch.click(None, None, None, js=_WATCH, **HIDDEN)
        self._export.click(
            owned(self._exported), self._kind, [self._file, self._exported_note], **QUICK
        ).success(None, self._file, None, js=_DOWNLOAD, **HIDDEN)

    def _owned(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        return self._desk.owner.only(handler)

    # --- handlers: looking -----------------------------------------------------------------

    def _opened(self, request: gr.Request) -> Sequence[Any]:
        """Shows what waits, and what a training could learn."""
        say = functools.partial(self._desk.say, request)
        kinds = [(say(f"corrections_kind_{kind}"), kind) for kind in get_args(Kind)]
        kind = gr.update(choices=kinds, value="corrections")
        try:
            self._desk.shelf.refresh()
            note = self._take_back(request)
            view = self._seen(request, "waiting", note)
        except ChatbotError as error:
            view = self._failed(error, self._view)
        return *view, kind, "", gr.update(visible=False), ""

    def _listed(self, request: gr.Request, shown: Status) -> Sequence[Any]:
        try:
            return self._piled(request, shown)
        except ChatbotError as error:
            return self._failed(error, self._pile)

    def _picked(self, request: gr.Request, shown: Status, chosen: str) -> Sequence[Any]:
        try:
            return self._piled(request, shown, chosen=chosen)
        except ChatbotError as error:
            return self._failed(error, self._pile)

    # --- handlers: reviewing ---------------------------------------------------------------

    def _accepted(
        self, request: gr.Request, shown: Status, chosen: str, better: str
    ) -> Sequence[Any]:
        better = safe_text(str(better or "")).strip()
        problem = self._problem(request, better)
        if problem:
            return line(problem, "wrong"), *skipped(self._view[1:])
        return self._reviewed(request, shown, chosen, "accepted", better)

    def _rejected(self, request: gr.Request, shown: Status, chosen: str) -> Sequence[Any]:
        return self._reviewed(request, shown, chosen, "rejected")

    def _put_back(self, request: gr.Request, shown: Status, chosen: str) -> Sequence[Any]:
        return self._reviewed(request, shown, chosen, "accepted")

    def _reviewed(
        self,
        request: gr.Request,
        shown: Status,
        chosen: str,
        status: Status,
        better: str | None = None,
    ) -> Sequence[Any]:
        """Notes a decision and shows the next correction of the list."""
        try:
            listed = [str(c.id) for c in self._store.corrections(shown, _MOST_LISTED)]
            if chosen not in listed:
                key = "corrections_moved" if chosen else "corrections_choose"
                return self._seen(request, shown, self._desk.say(request, key))
            self._store.review(int(chosen), status, better)
            return self._seen(request, shown, chosen=_following(listed, chosen))
        except ChatbotError as error:
            return self._failed(error, self._view)

    def _problem(self, request: gr.Request, better: str) -> str:
        """Returns why an answer cannot be accepted, nothing where it can."""
        if not better:
            return self._desk.say(request, "corrections_empty")
        if len(better) > MAX_MESSAGE_CHARACTERS:
            limits = {"limit": MAX_MESSAGE_CHARACTERS, "count": len(better)}
            return self._desk.say(request, "too_long", **limits)
        return ""

    # --- handlers: teaching ----------------------------------------------------------------

    def _counted(self, request: gr.Request, of: Sequence[str]) -> Any:
        try:
            return self._retrain_button(request, len(self._to_learn(of)))
        except ChatbotError:
            return gr.skip()

    def _retrained(
        self, request: gr.Request, shown: Status, of: Sequence[str], base: str, minutes: float
    ) -> Sequence[Any]:
        """Starts a training of the accepted corrections, and notes that they are used."""
        say = functools.partial(self._desk.say, request)
        try:
            corrections = self._to_learn(of)
            if not corrections or base not in self._desk.shelf.names:
                key = "corrections_no_base" if corrections else "corrections_retrain_none"
                return *skipped(self._view), line(say(key), "wrong"), gr.skip()
            name = self._started(corrections, base, minutes)
        except (ChatbotError, OSError) as error:
            return *skipped(self._view), line(str(error), "wrong"), gr.skip()
        told = line(say("corrections_begun", name=name, count=len(corrections)))
        try:
            self._store.mark_used([c.id for c in corrections], name)
            view = self._seen(request, shown)
        except ChatbotError as error:
            told = line(say("corrections_not_marked", name=name, reason=error), "wrong")
            view = skipped(self._view)
        return *view, told, gr.update(visible=True)

    def _started(self, corrections: Sequence[Correction], base: str, minutes: float) -> str:
        """Starts the training and returns its name; where that fails, no file is left."""
        name = suggested_name(f"{base}-2" if not _is_numbered(base) else base, self._is_free)
        path = uploads_folder() / f"corrections-{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_corrections(path, corrections)
        asked = TrainRequest(name, (str(path),), base, minutes, settings_for(corrections))
        try:
            self._desk.jobs.start(asked)
        except ChatbotError:
            path.unlink(missing_ok=True)
            raise
        return name

    def _is_free(self, name: str) -> bool:
        try:
            self._desk.jobs.check_name(name)
        except TrainingError:
            return False
        return True

    def _to_learn(self, of: Sequence[str]) -> list[Correction]:
        return [c for c in self._store.corrections("accepted") if c.model in of]

    def _take_back(self, request: gr.Request) -> str:
        """Makes corrections accepted again whose training left no bot; returns what to say."""
        models = {info.name for info in list_bundles()}
        for name in sorted({c.used_by for c in self._store.corrections("used")} - models):
            if self._came_to_nothing(name):
                self._store.take_back(name)
                return self._desk.say(request, "corrections_back", name=name)
        return ""

    def _came_to_nothing(self, name: str) -> bool:
        """Tells whether a training failed or was thrown away; a bot that was renamed is there."""
        view = self._desk.jobs.view(name)
        return not (view.active or view.resumable or view.stage == "done")

    # --- handlers: export ------------------------------------------------------------------

    def _exported(self, request: gr.Request, kind: Kind) -> Sequence[Any]:
        try:
            file, count = self._written(kind)
        except (ChatbotError, OSError) as error:
            return None, line(str(error), "wrong")
        if not count:
            return None, line(self._desk.say(request, "corrections_nothing"))
        return file, line(self._desk.say(request, "corrections_exported", count=count))

    def _written(self, kind: Kind) -> tuple[str, int]:
        """Returns a file of these records, under a name that nobody could guess, and their count.

        Gradio serves it to whoever knows that name.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{kind}.jsonl"
            count = self._store.export(kind, path)
            path.chmod(0o600)  # as the records themselves: nobody else on the machine reads them
            return save_file_to_cache(path, self._file.GRADIO_CACHE), count

    # --- what they have in common ----------------------------------------------------------

    def _seen(
        self, request: gr.Request, shown: Status, note: str = "", chosen: str | None = None
    ) -> Sequence[Any]:
        """Returns all that shows records, in the order of `_view`."""
        say = functools.partial(self._desk.say, request)
        ratings = ratings_html(self._store.ratings(), say)
        return *self._piled(request, shown, note, chosen), *self._teachable(request), ratings

    def _piled(
        self, request: gr.Request, shown: Status, note: str = "", chosen: str | None = None
    ) -> Sequence[Any]:
        """Returns the list of one status and a correction of it, in the order of `_pile`."""
        say, counts = functools.partial(self._desk.say, request), self._store.correction_counts()
        shown = shown if shown in counts else "waiting"
        listed = self._store.corrections(shown, _MOST_LISTED)
        one = next((c for c in listed if str(c.id) == chosen), next(iter(listed), None))
        piles = [(say(f"corrections_{key}", count=n), key) for key, n in counts.items()]
        label = "corrections_listed" if counts[shown] > len(listed) else "corrections_list"
        return (
            line(note),
            gr.update(choices=piles, value=shown),
            gr.update(
                choices=[choice_of(c) for c in listed],
                value=str(one.id) if one else None,
                label=say(label, count=len(listed)),
                visible=bool(listed),
            ),
            "" if listed else line(say(f"corrections_none_{shown}")),
            *self._detail(request, one),
        )

    def _detail(self, request: gr.Request, one: Correction | None) -> Sequence[Any]:
        if one is None:
            return gr.update(visible=False), "", "", *skipped(range(3))
        used = one.status == "used"
        return (
            gr.update(visible=True),
            correction_html(one, functools.partial(self._desk.say, request)),
            gr.update(value=one.better, interactive=not used),
            gr.update(visible=not used),
            gr.update(visible=one.status in ("waiting", "accepted")),
            gr.update(visible=used),
        )

    def _teachable(self, request: gr.Request) -> Sequence[Any]:
        """Returns what there is to learn and who could learn it, the likeliest chosen."""
        counts = Counter(c.model for c in self._store.corrections("accepted"))
        names, usual = self._desk.shelf.names, [model for model, _ in counts.most_common(1)]
        of = [(f"{safe_text(model)} ({count:,})", model) for model, count in counts.items()]
        base = next((name for name in usual if name in names), next(iter(names), None))
        return (
            gr.update(choices=of, value=usual, visible=len(of) > 1),
            gr.update(choices=names, value=base),
            self._retrain_button(request, sum(counts[model] for model in usual)),
        )

    def _retrain_button(self, request: gr.Request, count: int) -> Any:
        key = {0: "corrections_retrain_none", 1: "corrections_retrain_one"}
        said = self._desk.say(request, key.get(count, "corrections_retrain"), count=count)
        return gr.update(value=said, interactive=count > 0)

    @staticmethod
    def _failed(error: ChatbotError, components: Sequence[Any]) -> Sequence[Any]:
        """Says what hinders it in the first of these components, and leaves the others alone."""
        return line(str(error), "wrong"), *skipped(components[1:])


def settings_for(corrections: Sequence[Correction]) -> tuple[str, ...]:
    """Returns the settings of a training that learns corrections, however long they are."""
    longest = max(len(text) for c in corrections for text in (c.history[-1], c.better))
    roomy = (f"corpus.max_turn_characters={longest}",) if longest > _USUAL_TURN else ()
    return ("training.corrections=true", *roomy)


def _following(listed: Sequence[str], chosen: str) -> str | None:
    """Returns what comes after the one that was decided on, else what came before it."""
    place = listed.index(chosen)
    after = [*listed[place + 1 :], *reversed(listed[:place])]
    return next(iter(after), None)


def _is_numbered(name: str) -> bool:
    return name.rpartition("-")[2].isdecimal() and "-" in name
