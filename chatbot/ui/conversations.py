"""The visitor's saved conversations, folded away under the chat: a list and what to do with it.

The list is kept by the browser alone; the server sees it only while a button is worked off. The
chat tab lends its conversation and takes one back. What is done to the list stands in `saved`.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import gradio as gr

from chatbot.ui.desk import Desk
from chatbot.ui.history import Message, is_waiting, restored
from chatbot.ui.markup import status
from chatbot.ui.saved import (
    MAX_NAME,
    FullError,
    Saved,
    clean_name,
    exported,
    found,
    kept,
    read_saved,
    renamed,
    without,
)
from chatbot.ui.widgets import HIDDEN, QUICK, small_button

_FORMATS = ("jsonl", "csv", "txt")
_NONE = "-"  # not "": Gradio 6.31 keeps nothing that is empty, and the old id would come back

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
        self._list = gr.BrowserState([], storage_key="chatbot.saved.1", secret="chatbot")
        # Which of them is on the screen, so that saving it again replaces it.
        self.open_id = gr.BrowserState(_NONE, storage_key="chatbot.open.1", secret="chatbot")
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

    def connect(self, bot: Any, store: Any) -> None:
        """Connects the buttons with the conversation on the screen and what the browser keeps."""
        found_, note = [self._search, self._chosen], self._note
        changed = [self._list, self._chosen, note]
        one = [self._chosen, self._list]
        self._keep.click(
            self._save,
            [bot, self._name, self._list, self.open_id],
            [*changed, self.open_id, self._name],
            **QUICK,
        )
        self._fold.expand(self._listed, [self._search, self._list], self._chosen, **QUICK)
        self._search.change(self._listed, [self._search, self._list], self._chosen, **QUICK)
        self._show.click(
            self._shown,
            [*one, bot, self.open_id],
            [bot, store, self.open_id, *changed],
            **QUICK,
        )
        self._rename.click(self._renamed, [self._name, *one], [*changed, self._name], **QUICK)
        self._delete.click(self._ask, one, [self._asking, note], **QUICK)
        self._no.click(lambda: gr.update(visible=False), None, self._asking, **QUICK)
        self._yes.click(
            self._deleted,
            [*one, self.open_id],
            [*changed, self.open_id, self._asking, self._search],
            **QUICK,
        )
        self._export.click(
            self._exported, [*found_, self._list, self._format], [self._file, note], **QUICK
        ).success(None, [self._file, self._format], None, js=_DOWNLOAD, **HIDDEN)

    def put_away(self, new: Any, bot: Any, store: Any) -> None:
        """Lets a button begin a new conversation and keep the one before it: nothing is lost.

        One answer does both, since the screen must not be cleared of what could not be kept.
        """
        new.click(
            self._begun,
            [bot, self._list, self.open_id],
            [bot, store, self.open_id, self._fold, self._list, self._chosen, self._note],
            **QUICK,
        )

    # --- handlers: each gets the list from the browser and gives it back -----------------------

    def _read(self, request: gr.Request, stored: object) -> list[Saved]:
        return read_saved(stored, self._desk.say(request, "stopped"))

    def _save(
        self, request: gr.Request, shown: list[Message], name: str, stored: object, id_: object
    ) -> Sequence[Any]:
        """Keeps the conversation on the screen."""
        saved, messages = self._read(request, stored), self._messages(request, shown)
        if not messages:
            return (
                *self._told(request, saved, None, "saved_nothing"),
                _open(id_) or _NONE,
                gr.skip(),
            )
        new_id = _open(id_) or secrets.token_hex(8)
        try:
            saved = kept(saved, new_id, name, messages, datetime.now(UTC))
        except FullError:
            return *self._told(request, saved, None, "saved_full"), gr.skip(), gr.skip()
        named = saved[0]["name"]
        return *self._told(request, saved, new_id, "saved_done", name=named), new_id, ""

    def _begun(
        self, request: gr.Request, shown: list[Message], stored: object, id_: object
    ) -> Sequence[Any]:
        """Keeps the conversation and clears the screen; without room for it, it stays there."""
        cleared: tuple[Any, ...] = ([], [], _NONE, gr.skip())
        saved, messages = self._read(request, stored), self._messages(request, shown)
        if not messages:
            return *cleared, gr.skip(), gr.skip(), gr.skip()
        try:
            saved = kept(saved, _open(id_) or secrets.token_hex(8), "", messages, datetime.now(UTC))
        except FullError:
            stays = (messages, messages, _open(id_) or _NONE, gr.update(open=True))
            return *stays, *self._told(request, saved, None, "saved_full")
        told = self._told(request, saved, None, "saved_done", name=saved[0]["name"])
        return *cleared, *told

    def _listed(self, request: gr.Request, query: str, stored: object) -> Any:
        return self._choices(request, found(self._read(request, stored), query))

    def _shown(
        self,
        request: gr.Request,
        id_: str | None,
        stored: object,
        shown: list[Message],
        open_id: object,
    ) -> Sequence[Any]:
        """Puts a saved conversation on the screen, after keeping the one that was there."""
        saved = self._read(request, stored)
        wanted = _with_id(saved, id_)
        nothing = (gr.skip(), gr.skip(), _open(open_id) or _NONE)
        if wanted is None:
            return *nothing, *self._told(request, saved, None, "saved_choose")
        if is_waiting(shown):  # the reply would be written over what is opened
            return *nothing, *self._told(request, saved, wanted["id"], "still_talking")
        saved = self._with_current(request, saved, shown, _open(open_id), wanted)
        messages = wanted["messages"]
        told = self._told(request, saved, wanted["id"], "saved_opened", name=wanted["name"])
        return messages, messages, wanted["id"], *told

    def _with_current(
        self, request: gr.Request, saved: list[Saved], shown: list[Message], id_: str, to: Saved
    ) -> list[Saved]:
        messages = self._messages(request, shown)
        if not messages or id_ == to["id"]:
            return saved
        try:
            return kept(saved, id_ or secrets.token_hex(8), "", messages, datetime.now(UTC))
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

    def _deleted(
        self, request: gr.Request, id_: str | None, stored: object, open_id: object
    ) -> Sequence[Any]:
        saved = without(self._read(request, stored), str(id_))
        still_open = _NONE if open_id == id_ else _open(open_id) or _NONE
        told = self._told(request, saved, None, "saved_deleted")
        return *told, still_open, gr.update(visible=False), ""

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
        return saved, self._choices(request, saved, chosen), note


def _open(id_: object) -> str:
    return id_[:64] if isinstance(id_, str) and id_ != _NONE else ""


def _with_id(saved: Sequence[Saved], id_: object) -> Saved | None:
    return next((one for one in saved if one["id"] == id_), None)
