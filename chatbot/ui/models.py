"""The models tab: what bots there are, and everything an owner does with one.

Names, copies, the default, facts and blocked words stand in the bundles; every look reads them
anew, so two tabs and the command line see the same. Knows no training.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.processing_utils import save_file_to_cache

from chatbot.bundle import (
    bundle_path,
    edit_bundle,
    list_bundles,
    pack_bundle,
    read_bundle_config,
    read_card,
    read_facts,
    remove_bundle,
    rename_bundle,
    set_default_model,
    unpack_bundle,
)
from chatbot.errors import ChatbotError, ConfigError
from chatbot.files import checked_name
from chatbot.text.facts import Fact, facts_from
from chatbot.ui.desk import Desk
from chatbot.ui.history import safe_text
from chatbot.ui.markup import note
from chatbot.ui.models_view import card_html, facts_html, models_html
from chatbot.ui.widgets import HIDDEN, QUICK, small_button

_MAX_TITLE = 80  # characters of a fact in the list
_NEW = ""  # in place of a fact, for one that is not there yet
_BETWEEN = re.compile(r"[\n|｜]")  # two wordings of a fact
_CLICK = """(file) => {
  if (!file || !file.url) return;
  const link = document.createElement("a");
  link.href = file.url;
  link.download = file.orig_name || "model.chatbot.zip";
  link.click();
}"""

Shown = dict[Any, Any]  # a component to what it shows now
Done = tuple[str, str | None]  # what to say, and the bot that is chosen then


class ModelsTab:
    """The components of the tab and their events.

    Attributes:
        chosen: a `gr.State` with the name of the bot that the owner wants to chat with.
    """

    def __init__(self, desk: Desk) -> None:
        """Builds the tab inside the surrounding `gr.Tab`; it holds no data yet."""
        self._desk, self._words = desk, desk.words
        self.chosen = gr.State(None)
        with gr.Column(elem_id="models"):
            self._table = gr.HTML("", elem_id="models-list", padding=False)
            self._build_choice()
            self._note = gr.HTML("", elem_id="models-note", padding=False)
            with gr.Accordion(self._words("models_facts"), open=False, elem_id="models-facts"):
                self._build_facts()
            with gr.Accordion(self._words("models_blocked"), open=False, elem_id="models-blocked"):
                self._build_blocked()
            with gr.Accordion(self._words("models_rename"), open=False, elem_id="models-rename"):
                self._build_rename()
            with gr.Accordion(self._words("models_card"), open=False, elem_id="models-about"):
                self._card = gr.HTML("", elem_id="models-card", padding=False)
            with gr.Accordion(self._words("models_add"), open=False, elem_id="models-add"):
                self._build_upload()
        self._connect()

    # --- what is there ---------------------------------------------------------------------

    def _build_choice(self) -> None:
        words = self._words
        self._model = gr.Dropdown(
            [], value=None, label=words("models_chosen"), filterable=False, elem_id="models-chosen"
        )
        with gr.Row(elem_classes="line"):
            self._chat = small_button(words("models_chat"), "models-chat", variant="primary")
            self._default = small_button(words("models_default"), "models-default")
            self._download = small_button(words("models_download"), "models-download")
            self._delete = small_button(words("models_delete"), "models-delete")
        with gr.Row(visible=False, elem_classes="line", elem_id="models-asking") as self._asking:
            self._question = gr.HTML("", elem_id="models-question", padding=False)
            self._yes = small_button(words("models_yes"), "models-yes", variant="stop")
            self._no = small_button(words("models_no"), "models-no")
        self._file = gr.DownloadButton(visible="hidden", elem_id="models-file")

    def _build_facts(self) -> None:
        words = self._words
        gr.HTML(words("models_facts_about"), elem_classes="small", padding=False)
        self._facts = gr.HTML("", elem_id="models-known", padding=False)
        self._fact = gr.Dropdown(
            [], value=None, label=words("models_fact"), filterable=False, elem_id="models-fact"
        )
        self._says = gr.Textbox(
            label=words("models_fact_says"),
            info=words("models_fact_says_info"),
            placeholder=words("models_fact_says_hint"),
            lines=2,
            max_lines=8,
            elem_id="models-says",
        )
        self._reply = gr.Textbox(
            label=words("models_fact_reply"),
            placeholder=words("models_fact_reply_hint"),
            lines=1,
            max_lines=4,
            elem_id="models-reply",
        )
        with gr.Row(elem_classes="line"):
            self._save_fact = small_button(words("models_fact_save"), "models-fact-save")
            self._delete_fact = small_button(words("models_fact_delete"), "models-fact-delete")

    def _build_blocked(self) -> None:
        self._blocked = gr.Textbox(
            label=self._words("models_blocked_label"),
            info=self._words("models_blocked_info"),
            lines=4,
            max_lines=12,
            elem_id="models-words",
        )
        self._save_blocked = small_button(self._words("models_blocked_save"), "models-words-save")

    def _build_rename(self) -> None:
        with gr.Row(elem_classes="line"):
            self._new_name = gr.Textbox(
                label=self._words("models_new_name"),
                info=self._words("models_new_name_info"),
                max_length=64,
                min_width=160,
                elem_id="models-new-name",
            )
            self._rename = small_button(self._words("models_rename"), "models-rename-now")

    def _build_upload(self) -> None:
        words = self._words
        gr.HTML(words("models_add_about"), elem_classes="small", padding=False)
        with gr.Row(elem_classes="line"):
            self._add_name = gr.Textbox(
                label=words("models_add_name"),
                placeholder=words("models_add_name_hint"),
                max_length=64,
                min_width=160,
                elem_id="models-add-name",
            )
            self._upload = gr.UploadButton(
                words("models_upload"),
                file_types=[".zip"],
                size="sm",
                scale=0,
                min_width=0,
                elem_id="models-upload",
            )

    # --- what happens ----------------------------------------------------------------------

    def _connect(self) -> None:
        one, fact = self._model, [self._model, self._fact]
        self._on(one.input, self._opened, one)
        self._wanted = self._on(self._chat.click, self._chatted, one, queue=True)  # for its toast
        self._on(self._default.click, self._made_default, one)
        self._on(self._delete.click, self._asked, one)
        self._on(self._no.click, self._kept, None)
        self._on(self._yes.click, self._deleted, one)
        self._on(self._rename.click, self._renamed, [one, self._new_name])
        self._on(self._new_name.submit, self._renamed, [one, self._new_name])
        self._on(self._fact.input, self._fact_picked, fact)
        self._on(self._save_fact.click, self._fact_saved, [*fact, self._says, self._reply])
        self._on(self._delete_fact.click, self._fact_deleted, fact)
        self._on(self._save_blocked.click, self._words_saved, [one, self._blocked])
        packed = self._on(self._download.click, self._packed, one, queue=True)
        packed.success(None, self._file, None, js=_CLICK, **HIDDEN)
        asked = [self._upload, self._add_name, one]
        # A file that is chosen while the last one is still being answered must not get lost.
        self._on(self._upload.upload, self._added, asked, queue=True, trigger_mode="always_last")

    def connect(self, tab: Any) -> None:
        """Fills the tab whenever it is selected."""
        self._on(tab.select, self._opened, self._model)

    def connect_chat(self, take_up: Callable[..., Any], outputs: Any) -> None:
        """Lets another tab take up the bot that the owner wants to chat with.

        Args:
            take_up: gets the request and the name; returns what goes into `outputs`.
            outputs: components of the other tab.
        """
        only = self._desk.owner.only
        self._wanted.success(only(take_up), self.chosen, outputs, **QUICK)

    def _on(self, event: Any, handler: Callable[..., Any], inputs: Any, **options: Any) -> Any:
        """Lets an event of the owner change anything of the tab; handlers say what."""
        return event(self._desk.owner.only(handler), inputs, self._all, **{**QUICK, **options})

    @property
    def _all(self) -> list[Any]:
        of_one = [self._asking, self._question, self._new_name, self._card, self._blocked]
        of_facts = [self._facts, self._fact, self._says, self._reply]
        of_files = [self._file, self._upload, self._add_name]
        return [self._table, self._model, self._note, *of_one, *of_facts, *of_files, self.chosen]

    # --- handlers: each returns what changes -------------------------------------------------

    def _opened(self, request: gr.Request, name: str | None) -> Shown:
        self._desk.shelf.refresh()
        return {**self._listed(request, name), **self._details(request, name), self._note: ""}

    def _chatted(self, request: gr.Request, name: str | None) -> Shown:
        if name not in self._desk.shelf.refresh():
            raise gr.Error(
                self._desk.say(request, "models_choose"), title="", print_exception=False
            )
        return {self.chosen: name, self._note: ""}

    def _made_default(self, request: gr.Request, name: str | None) -> Shown:
        def work() -> Done:
            set_default_model(str(name))
            return self._desk.say(request, "models_made_default", name=name), name

        return self._done(request, name, work, _nothing_else)

    def _asked(self, request: gr.Request, name: str | None) -> Shown:
        """Asks before it deletes, or says why it does not."""
        if problem := self._undeletable(request, name):
            return self._refused(problem)
        question = note(self._desk.say(request, "models_ask", name=name), "alert")
        return {self._question: question, self._asking: gr.update(visible=True), self._note: ""}

    def _kept(self, request: gr.Request) -> Shown:
        return {self._asking: gr.update(visible=False), self._note: ""}

    def _deleted(self, request: gr.Request, name: str | None) -> Shown:
        if problem := self._undeletable(request, name):
            return self._refused(problem)

        def work() -> Done:
            remove_bundle(str(name))
            return self._desk.say(request, "models_deleted", name=name), None

        return self._done(request, name, work, self._details)

    def _renamed(self, request: gr.Request, name: str | None, new: str) -> Shown:
        new = new.strip()
        if problem := self._unusable(request, new):
            return self._refused(problem)

        def work() -> Done:
            rename_bundle(str(name), new)
            return self._desk.say(request, "models_renamed", old=name, name=new), new

        return self._done(request, name, work, self._named)

    def _packed(self, request: gr.Request, name: str | None) -> Shown:
        """Packs a bot and hands it to the browser, which saves it."""
        kept: list[str] = []

        def work() -> Done:
            with tempfile.TemporaryDirectory() as folder:
                packed = pack_bundle(str(name), Path(folder))
                # Under a name that nobody could guess who has not got this very file.
                kept.append(save_file_to_cache(packed, self._file.GRADIO_CACHE))
            return self._desk.say(request, "models_downloaded", name=name), name

        shown = self._done(request, name, work, _nothing_else)
        return {**shown, self._file: kept[0] if kept else None}

    def _added(
        self, request: gr.Request, path: str | None, new: str, name: str | None
    ) -> Iterator[Shown]:
        """Takes a bot in from an uploaded file."""
        file, new = Path(path or ""), (new or "").strip()
        if problem := self._unusable(request, new) if new else "":
            yield {**self._refused(problem), self._upload: None}
            return
        yield {
            self._note: note(self._desk.say(request, "models_checking", name=safe_text(file.name)))
        }

        def work() -> Done:
            added = unpack_bundle(file, new or None).name
            return self._desk.say(request, "models_added", name=added), added

        shown = self._done(request, name, work, self._taken_in)
        file.unlink(missing_ok=True)
        yield {**shown, self._upload: None}

    # --- facts and blocked words ---------------------------------------------------------------

    def _fact_picked(self, request: gr.Request, name: str | None, key: str | None) -> Shown:
        facts = {_key(fact): fact for fact in _facts_of(name)}
        fact = facts.get(key or _NEW)
        says, reply = ("\n".join(fact.says), fact.reply) if fact else ("", "")
        return {self._says: says, self._reply: reply, self._note: ""}

    def _fact_saved(
        self, request: gr.Request, name: str | None, key: str | None, says: str, reply: str
    ) -> Shown:
        def work() -> Done:
            [fact] = facts_from([{"says": _BETWEEN.split(says), "reply": reply}])
            edit_bundle(str(name), facts=lambda facts: _with(facts, key or _NEW, fact))
            told = {"says": fact.says[0], "reply": fact.reply, "name": name}
            return self._desk.say(request, "models_fact_saved", **told), name

        if not says.strip() or not reply.strip():
            return self._refused(self._desk.say(request, "models_fact_empty"))
        return self._done(request, name, work, self._known)

    def _fact_deleted(self, request: gr.Request, name: str | None, key: str | None) -> Shown:
        def work() -> Done:
            edit_bundle(str(name), facts=lambda facts: [f for f in facts if _key(f) != key])
            told = {"says": str(key).partition("\n")[0], "name": name}
            return self._desk.say(request, "models_fact_deleted", **told), name

        if not key:
            return self._refused(self._desk.say(request, "models_fact_choose"))
        return self._done(request, name, work, self._known)

    def _words_saved(self, request: gr.Request, name: str | None, words: str) -> Shown:
        def work() -> Done:
            edit_bundle(str(name), blocked_phrases=words.splitlines())
            count = len(_blocked_of(name))
            key = "models_blocked_saved" if count else "models_blocked_empty"
            return self._desk.say(request, key, name=name, count=count), name

        return self._done(request, name, work, self._listed_words)

    # --- what they have in common ----------------------------------------------------------------

    def _done(
        self,
        request: gr.Request,
        name: str | None,
        work: Callable[[], Done],
        changed: Callable[[gr.Request, str | None], Shown],
    ) -> Shown:
        """Does some work and tells of it in one line, whatever comes of it.

        Args:
            request: of the owner.
            name: the bot that is chosen.
            work: returns what to say, and the bot that is chosen then.
            changed: the part of the tab that shows what was done; what the owner has written
                elsewhere, or what did not work, stays as it is.
        """
        try:
            said, name = work()
        except ChatbotError as error:
            return self._refused(str(error))
        except OSError as error:
            reason = error.strerror or type(error).__name__
            return self._refused(self._desk.say(request, "models_disk", reason=reason))
        self._desk.shelf.refresh()
        shown = {**self._listed(request, name), **changed(request, name)}
        return {**shown, self._note: note(said)}

    def _refused(self, problem: str) -> Shown:
        return {self._note: note(problem, "alert"), self._asking: gr.update(visible=False)}

    def _listed(self, request: gr.Request, name: str | None) -> Shown:
        """Returns the list of all bots, one of them chosen."""
        bundles = list_bundles()
        say = partial(self._desk.say, request)
        names = [info.name for info in bundles]
        return {
            self._table: models_html(bundles, self._desk.shelf.names[0], say),
            self._model: gr.update(choices=names, value=self._there(name, names)),
        }

    def _there(self, name: str | None, names: Sequence[str]) -> str | None:
        """Returns the name if there is such a bot, else the one that visitors begin with."""
        return next((n for n in (name, self._desk.shelf.names[0], *names) if n in names), None)

    def _details(self, request: gr.Request, name: str | None) -> Shown:
        """Returns all that is shown of one bot."""
        name = self._there(name, [info.name for info in list_bundles()])
        return {
            self._asking: gr.update(visible=False),
            **self._named(request, name),
            **self._listed_words(request, name),
            **self._known(request, name),
        }

    def _named(self, request: gr.Request, name: str | None) -> Shown:
        return {self._new_name: "", self._card: card_html(_card_of(name))}

    def _listed_words(self, request: gr.Request, name: str | None) -> Shown:
        return {self._blocked: "\n".join(_blocked_of(name))}

    def _known(self, request: gr.Request, name: str | None) -> Shown:
        """Returns a bot's facts, with room for a new one."""
        facts, say = _facts_of(name), partial(self._desk.say, request)
        choices = [(say("models_fact_new"), _NEW), *((_titled(fact), _key(fact)) for fact in facts)]
        return {
            self._facts: facts_html(facts, say),
            self._fact: gr.update(choices=choices, value=_NEW),
            self._says: "",
            self._reply: "",
        }

    def _taken_in(self, request: gr.Request, name: str | None) -> Shown:
        return {**self._details(request, name), self._add_name: ""}

    def _undeletable(self, request: gr.Request, name: str | None) -> str:
        """Returns why a bot cannot be deleted, nothing where it can."""
        names = self._desk.shelf.refresh()
        if not name:
            return self._desk.say(request, "models_choose")
        if names == [name]:
            return self._desk.say(request, "models_last", name=name)
        return self._desk.say(request, "models_begins", name=name) if names[0] == name else ""

    def _unusable(self, request: gr.Request, new: str) -> str:
        """Returns why a bot cannot get a name, nothing where it can."""
        try:
            checked_name(new)
        except ConfigError:
            return self._desk.say(request, "models_bad_name", name=safe_text(new)[:80])
        taken = any(info.name == new for info in list_bundles())
        return self._desk.say(request, "models_taken", name=new) if taken else ""


def _nothing_else(request: gr.Request, name: str | None) -> Shown:
    return {}


def _key(fact: Fact) -> str:
    """Returns what tells a fact from the others of its bot."""
    return "\n".join(fact.says)


def _titled(fact: Fact) -> str:
    first = fact.says[0]
    return first if len(first) <= _MAX_TITLE else f"{first[:_MAX_TITLE]}…"


def _with(facts: Sequence[Fact], key: str, fact: Fact) -> list[Fact]:
    """Returns facts with one put in the place of another, or added."""
    if all(_key(known) not in (key, _key(fact)) for known in facts):
        return [*facts, fact]
    place = next(n for n, known in enumerate(facts) if _key(known) in (key, _key(fact)))
    others = [known for known in facts if _key(known) not in (key, _key(fact))]
    return [*others[:place], fact, *others[place:]]


# A bot that cannot be read shows nothing; whatever is done with it says what is wrong.


def _facts_of(name: str | None) -> tuple[Fact, ...]:
    with suppress(ChatbotError):
        return read_facts(bundle_path(name)) if name else ()
    return ()


def _blocked_of(name: str | None) -> tuple[str, ...]:
    with suppress(ChatbotError):
        return read_bundle_config(bundle_path(name)).decoding.blocked_phrases if name else ()
    return ()


def _card_of(name: str | None) -> str:
    with suppress(ChatbotError):
        return read_card(bundle_path(name)) if name else ""
    return ""
