"""The visitor's saved conversations, folded away under the chat: a list and what to do with it.

The list is kept by the browser alone; the server sees it only while a button is worked off. The
chat tab lends its conversation and takes one back. What is done to the list stands in `saved`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import gradio as gr

from chatbot.ui.desk import Desk
from chatbot.ui.history import Message, is_waiting, restored
from chatbot.ui.markup import status
from chatbot.ui.memory import Memory, as_json, from_json, reading
from chatbot.ui.saved import (
    MAX_NAME,
    FullError,
    Saved,
    clean_name,
    exported,
    found,
    holds,
    kept,
    read_saved,
    renamed,
    without,
)
from chatbot.ui.widgets import HIDDEN, QUICK, small_button
from chatbot.ui.words import Language, text

_FORMATS = ("jsonl", "csv", "txt")

# Hands a text over as a file without the server keeping a copy of it.
_DOWNLOAD = """(text, format) => {
  if (!text) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type: "text/plain;charset=utf-8"}));
  link.download = `conversations.${format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}"""


class Conversations:
    """The components and their events; shared by all visitors, so it keeps no conversation."""

    def __init__(self, desk: Desk) -> None:
        """Builds the folded part inside the surrounding container."""
        self._desk, self._words = desk, desk.words
        full: dict[Language, str] = {"en": text("en", "saved_full"), "zh": text("zh", "saved_full")}
        self._list = Memory("chatbot.saved.2", failed=full)
        with gr.Accordion(self._words("saved"), open=False, elem_id="conversations") as self._fold:
            self._build()

    def _build(self) -> None:
        words = self._words
        with gr.Row(elem_classes="line"):
            self._name = gr.Textbox(
                "",
                label=words("saved_name"),
                placeholder=words("saved_name_hint"),
                max_length=MAX_NAME,
                elem_id="saved-name",
                min_width=160,
                scale=1,
            )
            self._keep = small_button(words("saved_keep"), "saved-keep")
        self._search = gr.Textbox("", label=words("saved_search"), elem_id="saved-search")
        self._chosen = gr.Radio([], label=words("saved_list"), elem_id="saved-list")
        with gr.Row(elem_classes="line"):
            self._show = small_button(words("saved_open"), "saved-open")
            self._rename = small_button(words("saved_rename"), "saved-rename")
            self._delete = small_button(words("saved_delete"), "saved-delete")
        with gr.Row(elem_classes="line", visible=False) as self._asking:
            self._yes = small_button(words("saved_really"), "saved-yes")
            self._no = small_button(words("saved_no"), "saved-no")
        with gr.Row(elem_classes="line"):
            self._format = gr.Radio(
                list(_FORMATS), value="jsonl", label=words("saved_format"), elem_id="saved-format"
            )
            self._export = small_button(words("saved_export"), "saved-export")
        self._file = gr.Textbox(visible="hidden", show_label=False, elem_id="saved-file")
        self._note = gr.HTML("", elem_id="saved-note", padding=False)

    def connect(self, bot: Any, store: Memory) -> None:
        """Connects the buttons with the conversation on the screen and what the browser keeps."""
        listed, chosen, note = self._list, self._chosen, self._note
        changed = [listed.box, chosen, note]
        self._keep.click(
            self._save,
            outputs=[*changed, self._name],
            **reading([bot, self._name, listed]),
            **QUICK,
        )
        for search in (self._fold.expand, self._search.change):
            search(self._listed, outputs=chosen, **reading([self._search, listed]), **QUICK)
        self._show.click(
            self._shown,
            outputs=[bot, store.box, *changed],
            **reading([chosen, listed, bot]),
            **QUICK,
        )
        self._rename.click(
            self._renamed,
            outputs=[*changed, self._name],
            **reading([self._name, chosen, listed]),
            **QUICK,
        )
        self._delete.click(
            self._ask, outputs=[self._asking, note], **reading([chosen, listed]), **QUICK
        )
        self._no.click(lambda: gr.update(visible=False), None, self._asking, **QUICK)
        self._yes.click(
            self._deleted,
            outputs=[*changed, self._asking, self._search],
            **reading([chosen, listed]),
            **QUICK,
        )
        self._export.click(
            self._exported,
            outputs=[self._file, note],
            **reading([self._search, chosen, listed, self._format]),
            **QUICK,
        ).success(None, [self._file, self._format], None, js=_DOWNLOAD, **HIDDEN)

    @property
    def opening(self) -> Any:
        """The event after which another conversation may be on the screen."""
        return self._show.click

    def put_away(self, new: Any, bot: Any, store: Memory) -> None:
        """Lets a button begin a new conversation and keep the one before it: nothing is lost.

        One answer does both, since the screen must not be cleared of what could not be kept.
        """
        new.click(
            self._begun,
            outputs=[bot, store.box, self._fold, self._list.box, self._chosen, self._note],
            **reading([bot, self._list]),
            **QUICK,
        )

    # --- handlers: each gets the list from the browser and gives it back -----------------------

    def _read(self, request: gr.Request, stored: object) -> list[Saved]:
        return read_saved(from_json(stored), self._desk.say(request, "stopped"))

    def _save(
        self, request: gr.Request, shown: list[Message], name: str, stored: object
    ) -> Sequence[Any]:
        """Keeps the conversation on the screen."""
        saved, messages = self._read(request, stored), self._messages(request, shown)
        if not messages:
            return *self._told(request, saved, None, "saved_nothing"), gr.skip()
        try:
            saved = kept(saved, name, messages, datetime.now(UTC))
        except FullError:
            return *self._told(request, saved, None, "saved_full"), gr.skip()
        new = saved[0]
        return *self._told(request, saved, new["id"], "saved_done", name=new["name"]), ""

    def _begun(self, request: gr.Request, shown: list[Message], stored: object) -> Sequence[Any]:
        """Keeps the conversation and clears the screen; without room for it, it stays there."""
        cleared: tuple[Any, ...] = ([], as_json([]), gr.skip())
        saved, messages = self._read(request, stored), self._messages(request, shown)
        if holds(saved, messages) or not messages:
            return *cleared, gr.skip(), gr.skip(), gr.skip()
        try:
            saved = kept(saved, "", messages, datetime.now(UTC))
        except FullError:
            stays = (messages, as_json(messages), gr.update(open=True))
            return *stays, *self._told(request, saved, None, "saved_full")
        return *cleared, *self._told(request, saved, None, "saved_done", name=saved[0]["name"])

    def _listed(self, request: gr.Request, query: str, stored: object) -> Any:
        return self._choices(request, found(self._read(request, stored), query))

    def _shown(
        self, request: gr.Request, id_: str | None, stored: object, shown: list[Message]
    ) -> Sequence[Any]:
        """Puts a saved conversation on the screen, after keeping the one that was there."""
        saved = self._read(request, stored)
        wanted = _with_id(saved, id_)
        if wanted is None:
            return gr.skip(), gr.skip(), *self._told(request, saved, None, "saved_choose")
        if is_waiting(shown):  # the reply would be written over what is opened
            return gr.skip(), gr.skip(), *self._told(request, saved, wanted["id"], "still_talking")
        saved = self._with_current(request, saved, shown)
        wanted = _with_id(saved, id_) or wanted  # what was on the screen may go on with it
        messages = wanted["messages"]
        told = self._told(request, saved, wanted["id"], "saved_opened", name=wanted["name"])
        return messages, as_json(messages), *told

    def _with_current(
        self, request: gr.Request, saved: list[Saved], shown: list[Message]
    ) -> list[Saved]:
        messages = self._messages(request, shown)
        if holds(saved, messages) or not messages:
            return saved
        try:
            return kept(saved, "", messages, datetime.now(UTC))
        except FullError:
            said = self._desk.say(request, "saved_full")
            raise gr.Error(said, title="", print_exception=False) from None

    def _renamed(
        self, request: gr.Request, name: str, id_: str | None, stored: object
    ) -> Sequence[Any]:
        saved = self._read(request, stored)
        if _with_id(saved, id_) is None or not clean_name(name):
            return *self._told(request, saved, id_, "saved_choose_and_name"), gr.skip()
        saved = renamed(saved, str(id_), name)
        return *self._told(request, saved, id_, "saved_renamed"), ""

    def _ask(self, request: gr.Request, id_: str | None, stored: object) -> Sequence[Any]:
        there = _with_id(self._read(request, stored), id_)
        note = "" if there else status(self._desk.say(request, "saved_choose"))
        return gr.update(visible=there is not None), note

    def _deleted(self, request: gr.Request, id_: str | None, stored: object) -> Sequence[Any]:
        saved = without(self._read(request, stored), str(id_))
        return *self._told(request, saved, None, "saved_deleted"), gr.update(visible=False), ""

    def _exported(
        self, request: gr.Request, query: str, id_: str | None, stored: object, format_: Any
    ) -> Sequence[Any]:
        """Exports the chosen conversation, or all that the search found."""
        saved = self._read(request, stored)
        wanted = [one for one in saved if one["id"] == id_] or found(saved, query)
        if not wanted or format_ not in _FORMATS:
            return "", status(self._desk.say(request, "saved_none"))
        note = self._desk.say(request, "saved_exported", count=len(wanted))
        return exported(wanted, format_), status(note)

    # --- what they have in common ----------------------------------------------------------------

    def _messages(self, request: gr.Request, shown: object) -> list[Message]:
        return restored(shown, self._desk.say(request, "stopped"))

    def _choices(
        self, request: gr.Request, saved: Sequence[Saved], chosen: str | None = None
    ) -> Any:
        choices = [
            (f"{one['name']} · {one['when'][:16].replace('T', ' ')}", one["id"]) for one in saved
        ]
        label = self._desk.say(request, "saved_list" if choices else "saved_none")
        return gr.update(choices=choices, value=chosen, label=label)

    def _told(
        self,
        request: gr.Request,
        saved: list[Saved],
        chosen: str | None,
        key: str,
        **values: object,
    ) -> tuple[Any, Any, Any]:
        """Returns the list for the browser, the list to choose from, and a line."""
        note = status(self._desk.say(request, key, **values))
        return as_json(saved), self._choices(request, saved, chosen), note


def _with_id(saved: Sequence[Saved], id_: object) -> Saved | None:
    return next((one for one in saved if one["id"] == id_), None)
