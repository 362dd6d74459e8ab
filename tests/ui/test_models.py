"""The models tab by its handlers: what an owner does with a bot, and what is told of it."""

import shutil
import zipfile
from functools import partial
from pathlib import Path

import gradio as gr
import pytest

from chatbot.bundle import (
    bundle_path,
    default_model,
    edit_bundle,
    list_bundles,
    pack_bundle,
    read_bundle_config,
    read_facts,
    set_default_model,
    verify_files,
)
from chatbot.shelf import shelf_of_bundles
from chatbot.store import Store
from chatbot.text.facts import Fact
from chatbot.ui.desk import Desk
from chatbot.ui.jobs import Jobs
from chatbot.ui.models import ModelsTab
from chatbot.ui.models_view import card_html, facts_html, models_html
from chatbot.ui.owner import OwnerGate
from chatbot.ui.page import page_words
from chatbot.ui.words import text
from tests.ui.owners import owner_request, visitor_request

NAME = Fact(("What is your name?", "Who are you?"), "I'm Pip.")


def say(key, **values):
    return text("en", key, **values)


class Owner:
    """Uses the tab as the owner's browser does: by its events, and sees what they change."""

    def __init__(self, language="en"):
        self.gate = OwnerGate()
        self.desk = Desk(shelf_of_bundles(), page_words(None), self.gate, Store(), Jobs())
        with gr.Blocks(), gr.Tab("Models") as tab:
            self.tab = ModelsTab(self.desk)
            self.tab.connect(tab)
        self.request = owner_request(self.gate, accept_language=language)
        self.sees = {}

    def __getattr__(self, handler):
        def used(*values):
            changed = getattr(self.tab, f"_{handler}")(self.request, *values)
            for step in [changed] if isinstance(changed, dict) else changed:
                self.sees |= step
            return self.note

        return used

    @property
    def note(self):
        return self.sees[self.tab._note]

    @property
    def chosen(self):
        return self.sees[self.tab._model]["value"]

    @property
    def choices(self):
        return self.sees[self.tab._model]["choices"]

    def shown(self, part):
        return self.sees[getattr(self.tab, f"_{part}")]


@pytest.fixture
def two(home):
    shutil.copytree(home / "saved_models" / "tiny", home / "saved_models" / "other")
    set_default_model("tiny")
    return home


@pytest.fixture
def owner(two):
    owner = Owner()
    owner.opened(None)
    return owner


def test_it_shows_the_models_that_there_are_with_the_default_chosen(owner, two):
    assert owner.choices == ["other", "tiny"]
    assert owner.chosen == "tiny"
    assert owner.shown("table").count("default") == 1
    assert "<h3>tiny</h3>" in owner.shown("card")
    shutil.copytree(two / "saved_models" / "tiny", two / "saved_models" / "third")
    owner.opened("other")
    assert owner.choices == ["other", "third", "tiny"]
    assert owner.chosen == "other"
    assert owner.desk.shelf.names == ["tiny", "other", "third"]


def test_nothing_is_in_the_tab_before_the_owner_opens_it(two):
    edit_bundle("tiny", facts=[Fact(("A secret question?",), "A secret answer.")])
    with gr.Blocks() as blocks:
        ModelsTab(Owner().desk)
    assert "secret" not in str(blocks.get_config_file())
    assert "tiny" not in str(blocks.get_config_file())


def test_a_visitor_gets_nothing_by_any_event_of_the_tab(two):
    with gr.Blocks() as blocks, gr.Tab("Models") as tab:
        models = ModelsTab(Owner().desk)
        models.connect(tab)
        models.connect_chat(lambda_taking_up, None)
    functions = [function for function in blocks.fns.values() if function.fn is not None]
    assert len(functions) > 12
    for function in functions:
        asked = partial(function.fn, visitor_request(), *[None] * len(function.inputs))
        with pytest.raises(gr.Error, match="Only the owner"):
            next(asked())  # for the one that answers in steps
    assert {info.name for info in list_bundles()} == {"tiny", "other"}


def lambda_taking_up(request: gr.Request, name: str | None) -> None:
    """Stands where the chat takes a bot up."""


def test_renaming_tells_it_and_keeps_the_default_and_the_choice(owner):
    assert "tiny is now called Pip" in owner.renamed("tiny", " Pip ")
    assert owner.chosen == "Pip"
    assert "<h3>Pip</h3>" in owner.shown("card")
    assert default_model() == "Pip"
    assert owner.desk.shelf.names == ["Pip", "other"]


@pytest.mark.parametrize(
    ("new", "told"),
    [
        ("other", "There is a model other already"),
        ("<img src=x>", "“&lt;img src=x&gt;” cannot be a name"),
        ("../up", "cannot be a name"),
        ("", "cannot be a name"),
        ("x" * 65, "cannot be a name"),
    ],
)
def test_a_name_that_will_not_do_is_one_line(owner, new, told):
    assert told in owner.renamed("tiny", new)
    assert 'role="alert"' in owner.note
    assert default_model() == "tiny"


def test_deleting_asks_first(owner):
    owner.asked("other")
    assert owner.shown("asking")["visible"]
    assert "Delete other for good" in owner.shown("question")
    owner.kept()
    assert not owner.shown("asking")["visible"]
    assert bundle_path("other").is_dir()
    assert "other was deleted" in owner.deleted("other")
    assert owner.choices == ["tiny"]
    assert owner.desk.shelf.names == ["tiny"]


def test_the_model_that_visitors_begin_with_and_the_last_one_stay(owner):
    for event in (owner.asked, owner.deleted):
        assert "Visitors begin with tiny" in event("tiny")
    owner.made_default("other")
    owner.deleted("tiny")
    for event in (owner.asked, owner.deleted):
        assert "other is the only model" in event("other")
    assert [info.name for info in list_bundles()] == ["other"]


def test_what_is_done_to_a_model_that_is_gone_is_one_line(owner, two):
    shutil.rmtree(two / "saved_models" / "other")
    for event, values in [
        (owner.made_default, ("other",)),
        (owner.renamed, ("other", "new")),
        (owner.deleted, ("other",)),
        (owner.packed, ("other",)),
        (owner.words_saved, ("other", "bad")),
        (owner.fact_saved, ("other", "", "Hi", "Hello")),
        (owner.made_default, (None,)),
    ]:
        assert "no model" in event(*values) or "only model" in owner.note
        assert 'role="alert"' in owner.note
    with pytest.raises(gr.Error, match="Choose a model"):
        owner.chatted("other")
    owner.opened("other")
    assert owner.chosen == "tiny"


def test_the_default_and_the_bot_to_chat_with_are_told(owner):
    assert "Visitors now begin with other" in owner.made_default("other")
    assert owner.desk.shelf.names == ["other", "tiny"]
    owner.chatted("tiny")
    assert owner.sees[owner.tab.chosen] == "tiny"


def test_a_download_is_the_packed_bundle_without_its_pairs(owner, two, tmp_path):
    (two / "saved_models" / "tiny" / "corpus.parquet").write_bytes(b"private")
    assert "without its training pairs" in owner.packed("tiny")
    file = Path(owner.shown("file"))
    assert file.name == "tiny.chatbot.zip"
    assert file.read_bytes() == pack_bundle("tiny", tmp_path).read_bytes()
    (two / "saved_models" / "tiny" / "metrics.json").write_text("{}")
    assert "metrics.json is missing or differs" in owner.packed("tiny")
    assert owner.shown("file") is None


def test_an_upload_is_checked_then_chosen(owner, two, tmp_path):
    packed = pack_bundle("tiny", tmp_path)
    kept = packed.read_bytes()
    assert "tiny&#x27; already. Give another name" in owner.added(str(packed), "", "tiny")
    packed.write_bytes(kept)
    assert "There is a model other already" in owner.added(str(packed), "other", "tiny")
    assert "fresh is here now" in owner.added(str(packed), " fresh ", "tiny")
    assert owner.chosen == "fresh"
    assert owner.desk.shelf.names == ["tiny", "fresh", "other"]
    assert not packed.exists()
    hostile = tmp_path / "<b>x.zip"
    hostile.write_bytes(kept[:1000])
    assert "Cannot read &lt;b&gt;x.zip" in owner.added(str(hostile), "", "tiny")
    with zipfile.ZipFile(hostile, "w") as archive:
        archive.writestr("../../evil", "x")
    assert "does not belong in it" in owner.added(str(hostile), "new", "tiny")
    assert [info.name for info in list_bundles()] == ["fresh", "other", "tiny"]


def test_facts_are_added_changed_and_deleted(owner):
    says = "What is your name? | Who are you?\n\n"
    assert "“What is your name?” tiny now answers" in owner.fact_saved("tiny", "", says, "I'm Pip.")
    assert read_facts(bundle_path("tiny")) == (NAME,)
    assert (owner.shown("says"), owner.shown("reply")) == ("", "")
    owner.fact_saved("tiny", "", "How old are you?", "Two.")
    [_, (title, key), _] = owner.shown("fact")["choices"]
    assert title == "What is your name?"
    owner.fact_picked("tiny", key)
    assert owner.shown("says") == "What is your name?\nWho are you?"
    assert owner.shown("reply") == "I'm Pip."
    owner.fact_saved("tiny", key, "Your name?", "Pip!")
    assert [fact.reply for fact in read_facts(bundle_path("tiny"))] == ["Pip!", "Two."]
    assert "answers “Your name?” by itself again" in owner.fact_deleted("tiny", "Your name?")
    assert [fact.reply for fact in read_facts(bundle_path("tiny"))] == ["Two."]
    verify_files(bundle_path("tiny"))
    assert read_facts(bundle_path("other")) == ()


def test_the_same_question_twice_is_one_fact_with_the_newer_reply(owner):
    owner.fact_saved("tiny", "", "Hi?", "One.")
    owner.fact_saved("tiny", "", "Hi?", "Two.")
    assert read_facts(bundle_path("tiny")) == (Fact(("Hi?",), "Two."),)


@pytest.mark.parametrize(("says", "reply"), [("", "x"), ("x", " "), (" \n ", "x"), ("|", "x")])
def test_a_fact_with_nothing_in_it_is_not_saved_and_what_was_written_stays(owner, says, reply):
    owner.sees.clear()
    owner.fact_saved("tiny", "", says, reply)
    assert 'role="alert"' in owner.note
    assert owner.tab._says not in owner.sees
    assert read_facts(bundle_path("tiny")) == ()


def test_blocked_words_are_saved_one_a_line(owner):
    owner.sees.clear()
    assert "says none of 2 words" in owner.words_saved("tiny", "bad word\n\n 坏 \nbad word")
    assert read_bundle_config(bundle_path("tiny")).decoding.blocked_phrases == ("bad word", "坏")
    assert owner.desk.shelf.card("tiny").decoding.blocked_phrases == ("bad word", "坏")
    assert owner.shown("blocked") == "bad word\n坏"
    assert owner.tab._says not in owner.sees  # a fact that is just written stays
    assert "No words are blocked" in owner.words_saved("tiny", " \n")
    assert "At most 1,000 words" in owner.words_saved("tiny", "\n".join(map(str, range(1001))))


def test_a_full_disk_is_one_line(owner, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("chatbot.bundle.writing.write_whole", full)
    assert "No space left on device. Make room" in owner.words_saved("tiny", "bad")
    verify_files(bundle_path("tiny"))


def test_it_speaks_chinese(two):
    owner = Owner("zh-CN")
    owner.opened(None)
    assert "默认" in owner.shown("table")
    assert "已改名为" in owner.renamed("tiny", "pip")


# --- hostile text --------------------------------------------------------------------------------

HOSTILE = "<script>alert(1)</script> ![x](http://evil/x.png) [y](javascript:z) ${1+1} {{value}}"
OPENERS = ("<script", "${", "{{", "<img", "<a ")


def test_a_card_is_shown_as_text_in_its_shape():
    shown = card_html(
        f"# {HOSTILE}\n\nText {HOSTILE}\n- item {HOSTILE}\n  - deeper\n"
        f"```\n# code {HOSTILE}\n```\n| a \\| b | &lt;EOS> |\n|---|---|\n| {HOSTILE} | <b>c</b> |\n"
        "## End\n```\nnever closed"
    )
    assert not any(opener in shown for opener in OPENERS)
    assert shown.count("&lt;script&gt;") == 5
    assert "<td>a | b</td><td>&lt;EOS&gt;</td>" in shown
    assert '<li class="deeper">deeper</li>' in shown
    assert shown.endswith("<h4>End</h4><pre>never closed</pre>")


def test_a_huge_card_is_cut():
    assert len(card_html("| a" * 1_000_000)) < 200_000


def test_what_a_bundle_says_of_itself_is_shown_as_text(home):
    [info] = list_bundles()
    hostile = type(info)(
        name="tiny",
        path=info.path,
        language=HOSTILE,
        description=HOSTILE + "x" * 10_000,
        created=HOSTILE,
        size_bytes=1,
        parameters=1,
        metrics={"perplexity": HOSTILE},
    )
    shown = models_html([hostile], "tiny", say)
    assert not any(opener in shown for opener in OPENERS)
    assert len(shown) < 3000
    assert "Other" in shown
    shown = facts_html([Fact((HOSTILE,), HOSTILE)], say)
    assert not any(opener in shown for opener in OPENERS)


def test_of_many_wordings_of_a_fact_the_table_shows_three_and_how_many_more():
    say = partial(text, "en")
    shown = facts_html([Fact(tuple("abcde"), "Yes."), Fact(tuple("xyz"), "No.")], say)
    assert "<td>a<br>b<br>c<br>… +2</td>" in shown
    assert "<td>x<br>y<br>z</td>" in shown


def test_without_models_the_table_says_what_to_do():
    assert "There is no model yet" in models_html([], None, say)
