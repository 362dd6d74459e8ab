"""The corpus panel: what the owner's bot is to learn from, its first pairs, and a report on it.

Uploads are kept on disk and the choices in the browser, so a reload loses nothing. The first
pairs appear at once; the report follows as soon as the corpus is read. Whoever builds the panel
reads `choice`. Knows no training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from chatbot.errors import ChatbotError
from chatbot.ui.corpus_choice import (
    Asked,
    CorpusChoice,
    Seen,
    look,
    readable_uploads,
    report_on,
)
from chatbot.ui.corpus_view import format_line, preview_html, report_html
from chatbot.ui.desk import Desk
from chatbot.ui.history import safe_text
from chatbot.ui.markup import note
from chatbot.ui.uploads import corpora, forget_upload, is_upload, keep_upload, name_of
from chatbot.ui.widgets import HIDDEN

__all__ = ["CorpusChoice", "CorpusPanel"]

# One at a time of each, however often a switch is pressed; the first pairs wait for no report.
_LOOKING: dict[str, Any] = {**HIDDEN, "concurrency_limit": 1, "concurrency_id": "corpus"}
_REPORTING: dict[str, Any] = {
    **HIDDEN,
    "concurrency_limit": 1,
    "concurrency_id": "report",
    "trigger_mode": "always_last",
}


class CorpusPanel:
    """The components and their events.

    Attributes:
        choice: a `gr.State` of the CorpusChoice to train on, None while there is none; its
            `change` event tells of a new one.
    """

    def __init__(self, desk: Desk) -> None:
        """Builds the panel inside the surrounding container, without any data."""
        self._desk, self._words = desk, desk.words
        self._kept = gr.BrowserState({}, storage_key="chatbot.corpus.1", secret="chatbot")
        self.choice = gr.State(None)
        with gr.Column(elem_id="corpus"):
            self._build_sources()
            self._build_settings()
            self._preview = gr.HTML("", elem_id="corpus-preview", padding=False)
            self._report = gr.HTML("", elem_id="corpus-report", padding=False)
        self._connect()

    # --- what is there ---------------------------------------------------------------------

    def _build_sources(self) -> None:
        words = self._words
        self._files = gr.File(
            label=words("corpus_upload"), file_count="multiple", height=150, elem_id="corpus-upload"
        )
        gr.HTML(words("corpus_upload_info"), elem_id="corpus-formats", padding=False)
        self._picked = gr.Dropdown(
            [],
            value=[],
            multiselect=True,
            label=words("corpus_picked"),
            info=words("corpus_picked_info"),
            elem_id="corpus-picked",
        )
        with gr.Accordion(
            words("corpus_forget"), open=False, visible=False, elem_id="corpus-forget"
        ) as self._forget:
            self._forgotten = gr.CheckboxGroup([], label=words("corpus_forget_which"))
            self._forget_now = gr.Button(words("corpus_forget_now"), size="sm", variant="stop")
        self._problem = gr.HTML("", elem_id="corpus-problem", padding=False)

    def _build_settings(self) -> None:
        words = self._words
        with gr.Row():
            self._message = gr.Dropdown(
                [], label=words("corpus_message_column"), visible=False, elem_id="corpus-message"
            )
            self._reply = gr.Dropdown(
                [], label=words("corpus_reply_column"), visible=False, elem_id="corpus-reply"
            )
        self._speaker = gr.Dropdown(
            [], label=words("corpus_speaker"), visible=False, elem_id="corpus-speaker"
        )
        with gr.Row():
            self._join = gr.Checkbox(
                True,
                label=words("corpus_join"),
                info=words("corpus_join_info"),
                visible=False,
                elem_id="corpus-join",
            )
            self._mask = gr.Checkbox(
                True,
                label=words("corpus_mask"),
                info=words("corpus_mask_info"),
                elem_id="corpus-mask",
            )

    # --- what happens ----------------------------------------------------------------------

    def _connect(self) -> None:
        only, picked = self._desk.owner.only, self._picked
        settings = [self._message, self._reply, self._speaker, self._join, self._mask]
        self._asked = [picked, *settings]
        self._lists = [picked, self._forget, self._forgotten, self._problem]
        self._seen = [*settings, self._preview, self._report, self.choice, self._kept]
        large = {"show_progress": "minimal", "show_progress_on": self._preview}  # takes a while
        taken = self._files.upload(
            only(self._take),
            [self._files, picked],
            [self._files, *self._lists],
            **{**_LOOKING, **large},
        )
        dropped = self._forget_now.click(
            only(self._drop), [self._forgotten, picked], self._lists, **_LOOKING
        )
        for event in (taken, dropped):
            self._followed(event.success(only(self._look), self._asked, self._seen, **_LOOKING))
        again = {**_LOOKING, "trigger_mode": "always_last"}
        self._followed(picked.input(only(self._look), self._asked, self._seen, **again))
        # Does not touch the settings: one of them may be changed again meanwhile.
        changes, shown = [one.input for one in settings], self._seen[len(settings) :]
        self._followed(gr.on(changes, only(self._look_again), self._asked, shown, **again))

    def connect(self, tab: Any) -> None:
        """Fills the panel whenever its tab is selected, with what was chosen last."""
        filled = [*self._lists, *self._seen]
        refresh = self._desk.owner.only(self._refresh)
        self._followed(tab.select(refresh, self._kept, filled, **_LOOKING))

    def _followed(self, looked: Any) -> None:
        """Lets the report follow the first pairs."""
        measure = self._desk.owner.only(self._measure)
        measured = looked.success(measure, self.choice, self._report, **_REPORTING)
        for event in (looked, measured):
            told = self._desk.owner.only(self._not_read)
            event.failure(told, None, self._report, queue=False, **HIDDEN)

    # --- handlers --------------------------------------------------------------------------

    def _take(self, request: gr.Request, files: list[str] | None, keys: list[str]) -> Sequence[Any]:
        """Keeps what was uploaded and can be read, and says why of the rest."""
        kept, problems = list[str](), list[str]()
        for path in map(Path, files or ()):
            try:
                kept.append(keep_upload(path))
            except OSError as error:
                reason = error.strerror or str(error)
                problems.append(
                    self._desk.say(request, "corpus_not_kept", name=path.name, reason=reason)
                )
        readable, unreadable = readable_uploads(kept)
        chosen = list(dict.fromkeys([*keys, *readable]))
        return None, *self._listed(request, chosen, [*problems, *unreadable])

    def _drop(self, request: gr.Request, unwanted: list[str], keys: list[str]) -> Sequence[Any]:
        """Deletes uploads for good."""
        said = list[str]()
        try:
            for key in unwanted:
                forget_upload(key)
        except ChatbotError as error:
            said.append(str(error))
        return self._listed(request, [key for key in keys if key not in unwanted], said)

    def _refresh(self, request: gr.Request, kept: object) -> Sequence[Any]:
        asked = Asked.read(kept)
        there = corpora()
        asked = replace(asked, keys=tuple(key for key in asked.keys if key in there))
        return *self._listed(request, asked.keys, ()), *self._seen_by(request, asked)

    def _look(self, request: gr.Request, keys: list[str], *settings: Any) -> Sequence[Any]:
        message, reply, speaker, join, mask = settings
        asked = Asked(tuple(keys), message or "", reply or "", speaker or "", join, mask)
        return self._seen_by(request, asked)

    def _look_again(self, request: gr.Request, keys: list[str], *settings: Any) -> Sequence[Any]:
        """Shows the first pairs under other settings."""
        return self._look(request, keys, *settings)[len(settings) :]

    def _measure(self, request: gr.Request, choice: CorpusChoice | None) -> str:
        if choice is None:
            return ""
        try:
            return report_html(report_on(choice), self._desk.language(request))
        except ChatbotError as error:
            return note(str(error), "alert")

    def _not_read(self, request: gr.Request) -> str:
        return note(self._desk.say(request, "corpus_not_read"), "alert")

    # --- what they show --------------------------------------------------------------------

    def _listed(
        self, request: gr.Request, keys: Sequence[str], problems: Sequence[str]
    ) -> Sequence[Any]:
        """Returns the lists of corpora, those with `keys` chosen, and what went wrong."""
        choices = [(self._label(request, key), key) for key in corpora()]
        uploads = [(label, key) for label, key in choices if is_upload(key)]
        return (
            gr.update(choices=choices, value=list(keys)),
            gr.update(visible=bool(uploads)),
            gr.update(choices=uploads, value=[]),
            "".join(note(problem, "alert") for problem in problems),
        )

    def _label(self, request: gr.Request, key: str) -> str:
        name = safe_text(name_of(key))
        return name if is_upload(key) else self._desk.say(request, "corpus_shipped", name=name)

    def _seen_by(self, request: gr.Request, asked: Asked) -> Sequence[Any]:
        """Returns the settings that the files allow, their first pairs, and the choice."""
        if not asked.keys:
            nothing = note(self._desk.say(request, "corpus_nothing"))
            return *self._settings(request, asked, None), nothing, "", None, asked.stored()
        try:
            seen = look(asked)
        except ChatbotError as error:
            # The controls stay as they are: one of them may be what is wrong.
            return *[gr.skip()] * 5, note(str(error), "alert"), "", None, gr.skip()
        reading = note(self._desk.say(request, "corpus_reading"), "reading")
        shown = self._formats(request, seen) + preview_html(
            seen.pairs, self._desk.language(request)
        )
        settings = self._settings(request, seen.asked, seen)
        return *settings, shown, reading, seen.choice, seen.asked.stored()

    def _settings(self, request: gr.Request, asked: Asked, seen: Seen | None) -> Sequence[Any]:
        """Returns the controls below the list, those shown that the files have a use for."""
        columns, guess = (seen.columns, seen.guess) if seen else ((), ("", ""))
        speakers = self._speakers(request, seen)
        return (
            self._column(request, columns, asked.message or guess[0]),
            self._column(request, columns, asked.reply or guess[1]),
            gr.update(choices=speakers, value=asked.speaker, visible=len(speakers) > 1),
            gr.update(value=asked.join, visible=len(speakers) > 1),
            gr.update(value=asked.mask),
        )

    def _speakers(self, request: gr.Request, seen: Seen | None) -> list[tuple[str, str]]:
        """Returns whose replies may be learned; "" is what happens without being told."""
        told = seen.replier if seen else ""
        plain = safe_text(told) or self._desk.say(request, "corpus_everyone")
        named = [one for one in seen.speakers if one.name != told] if seen else []
        counted = [(f"{safe_text(one.name)} ({one.turns:,})", one.name) for one in named]
        return [(plain, ""), *counted]

    def _column(self, request: gr.Request, columns: Sequence[str], chosen: str) -> Any:
        each = [] if chosen else [(self._desk.say(request, "corpus_each"), "")]
        named = [(safe_text(column), column) for column in columns]
        return gr.update(choices=[*each, *named], value=chosen, visible=bool(columns))

    def _formats(self, request: gr.Request, seen: Seen) -> str:
        language = self._desk.language(request)
        return "".join(
            format_line(name_of(key), one, language) for key, one in seen.surveys.items()
        )
