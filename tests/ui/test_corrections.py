"""The owner reviews corrections, and one click starts a training of those that were accepted."""

import json
from pathlib import Path

import gradio as gr
import pytest

from chatbot.corpus.readers import read_conversations
from chatbot.errors import StoreError, TrainingError
from chatbot.shelf import BotCard, BotShelf
from chatbot.store import RatingCount, Store
from chatbot.ui.corrections import CorrectionsTab, settings_for
from chatbot.ui.desk import Desk
from chatbot.ui.jobs import JobView
from chatbot.ui.owner import OwnerGate
from chatbot.ui.page import page_words
from chatbot.ui.records_view import choice_of, correction_html, ratings_html
from chatbot.ui.words import text
from tests.ui.owners import owner_request, visitor_request

HOSTILE = "<img src=x onerror=alert(1)>"


def say(key, **values):
    return text("en", key, **values)


class Jobs:
    """Trains nothing; remembers what was asked for."""

    def __init__(self):
        self.asked, self.taken, self.refusal, self.views = [], set(), "", {}

    def check_name(self, name):
        if name in self.taken:
            raise TrainingError("taken")

    def start(self, request):
        if self.refusal:
            raise TrainingError(self.refusal)
        self.asked.append(request)
        self.taken.add(request.name)

    def view(self, name):
        return self.views.get(name, JobView(name, "running"))


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("CHATBOT_HOME", str(tmp_path))
    opened = Store.open()
    yield opened
    opened.close()


@pytest.fixture
def jobs():
    return Jobs()


@pytest.fixture
def tab(store, jobs):
    shelf = BotShelf([BotCard("english", "en"), BotCard("chinese", "zh")], None)
    with gr.Blocks():
        return CorrectionsTab(Desk(shelf, page_words(None), OwnerGate(), store, jobs))


@pytest.fixture
def owner(tab):
    return owner_request(tab._desk.owner)


def named(tab, values):
    """What a handler gives for `_view`, by the components' ids."""
    return {part.elem_id: value for part, value in zip(tab._view, values, strict=False)}


def handlers_of(component):
    """The functions behind all events of the page that a component stands in."""
    page = component
    while page.parent is not None:
        page = page.parent
    return [event.fn for event in page.fns.values() if event.fn is not None]


def shown(update):
    return update.get("value") if isinstance(update, dict) else update


# --- reviewing --------------------------------------------------------------------------------


def test_what_waits_is_shown_with_its_conversation(tab, owner, store):
    store.add_correction("english", ["Hi", "Oh.", "Who are you?"], "A tree.", "A bot.")
    view = named(tab, tab._opened(owner))
    assert view["corrections-show"]["choices"][0] == ("Waiting (1)", "waiting")
    assert view["corrections-list"]["choices"] == [("Who are you? → A bot.", "1")]
    assert shown(view["corrections-better"]) == "A bot."
    for said in ("Hi", "Oh.", "Who are you?", "A tree.", "english"):
        assert said in view["corrections-talk"]
    assert view["corrections-retrain"]["interactive"] is False


def test_a_decision_is_kept_with_the_owners_words_and_the_next_one_follows(tab, owner, store):
    first, second = (store.add_correction("english", ["q"], "a", f"b{n}") for n in (1, 2))
    view = named(tab, tab._accepted(owner, "waiting", str(first), "  better still\0 "))
    assert store.correction(first).better == "better still"
    assert store.correction(first).status == "accepted"
    assert shown(view["corrections-list"]) == str(second)
    assert view["corrections-retrain"]["value"] == "Retrain with 1 accepted correction"
    view = named(tab, tab._rejected(owner, "waiting", str(second)))
    assert store.correction(second).status == "rejected"
    assert "Nothing waits" in view["corrections-none"]
    view = named(tab, tab._rejected(owner, "accepted", str(first)))
    assert view["corrections-retrain"]["interactive"] is False


@pytest.mark.parametrize(("better", "told"), [("  ", "Write the better"), ("x" * 2001, "At most")])
def test_an_answer_that_cannot_be_learned_is_not_accepted(tab, owner, store, better, told):
    number = store.add_correction("english", ["q"], "a", "b")
    assert told in tab._accepted(owner, "waiting", str(number), better)[0]
    assert store.correction(number).status == "waiting"


def test_what_another_tab_decided_meanwhile_is_not_decided_again(tab, owner, store):
    number = store.add_correction("english", ["q"], "a", "b")
    store.review(number, "rejected")
    view = named(tab, tab._accepted(owner, "waiting", str(number), "b"))
    assert "meanwhile" in view["corrections-note"]
    assert store.correction(number).status == "rejected"


def test_records_that_cannot_be_read_are_a_line(tab, owner, store, monkeypatch):
    def broken(*_):
        raise StoreError("The disk is full. Free some space.")

    monkeypatch.setattr(store, "correction_counts", broken)
    assert "The disk is full" in tab._opened(owner)[0]
    assert "The disk is full" in tab._listed(owner, "accepted")[0]


# --- teaching ---------------------------------------------------------------------------------


def accepted(store, count, model="english"):
    for number in range(count):
        id = store.add_correction(model, [f"question {number}?"], "bad", f"answer {number}.")
        store.review(id, "accepted")


def test_one_click_trains_the_accepted_ones_and_marks_them(tab, owner, store, jobs):
    accepted(store, 5)
    store.add_correction("english", ["waits"], "a", "b")
    values = tab._retrained(owner, "waiting", ["english"], "english", 3)
    (asked,) = jobs.asked
    assert (asked.name, asked.base, asked.minutes) == ("english-2", "english", 3)
    assert asked.settings == ("training.corrections=true",)
    taught = list(read_conversations(Path(asked.corpora[0])))
    assert [c.turns for c in taught] == [(f"question {n}?", f"answer {n}.") for n in range(5)]
    assert {c.used_by for c in store.corrections("used")} == {"english-2"}
    assert store.correction_counts() == {"waiting": 1, "accepted": 0, "rejected": 0, "used": 5}
    assert "english-2 has begun" in values[len(tab._view)]
    assert values[-1]["visible"] is True


def test_the_name_is_the_next_free_one(tab, owner, store, jobs):
    jobs.taken = {"english-2", "english-3"}
    accepted(store, 1)
    tab._retrained(owner, "waiting", ["english"], "english", 3)
    assert jobs.asked[0].name == "english-4"


def test_of_several_models_those_are_taught_that_were_chosen(tab, owner, store, jobs):
    accepted(store, 2)
    accepted(store, 3, "chinese")
    view = named(tab, tab._opened(owner))
    assert view["corrections-of"]["choices"] == [
        ("english (2)", "english"),
        ("chinese (3)", "chinese"),
    ]
    assert (view["corrections-of"]["value"], view["corrections-base"]["value"]) == (
        ["chinese"],
        "chinese",
    )
    assert tab._counted(owner, ["chinese", "english"])["value"] == (
        "Retrain with 5 accepted corrections"
    )
    tab._retrained(owner, "waiting", ["english"], "chinese", 3)
    assert len(list(read_conversations(Path(jobs.asked[0].corpora[0])))) == 2
    assert store.correction_counts()["accepted"] == 3


def test_a_training_that_cannot_start_leaves_all_as_it_was(tab, owner, store, jobs, tmp_path):
    accepted(store, 2)
    jobs.refusal = "The training 'x' is running. Wait for it."
    values = tab._retrained(owner, "waiting", ["english"], "english", 3)
    assert "is running" in values[len(tab._view)]
    assert store.correction_counts()["accepted"] == 2
    assert list((tmp_path / "uploads").iterdir()) == []


def test_nothing_is_trained_without_corrections_or_a_model(tab, owner, store, jobs):
    tab._retrained(owner, "waiting", ["english"], "english", 3)
    accepted(store, 1)
    tab._retrained(owner, "waiting", ["english"], "gone", 3)
    assert jobs.asked == []
    assert store.correction_counts()["accepted"] == 1


def test_corrections_of_a_training_that_left_no_bot_are_accepted_again(tab, owner, store, jobs):
    accepted(store, 2)
    store.mark_used([1], "english-2")
    store.mark_used([2], "english-3")
    jobs.views = {
        "english-2": JobView("english-2", "failed"),
        "english-3": JobView("english-3", "failed", resumable=True),
    }
    assert "english-2 left no bot" in tab._opened(owner)[0]
    assert [c.id for c in store.corrections("accepted")] == [1]
    assert [c.used_by for c in store.corrections("used")] == ["english-3"]


def test_a_learned_one_can_be_taught_again(tab, owner, store):
    accepted(store, 1)
    store.mark_used([1], "english-2")
    tab._put_back(owner, "used", "1")
    assert store.correction(1).status == "accepted"


def test_long_corrections_are_not_dropped_by_the_training(store):
    number = store.add_correction("english", ["q" * 300], "a", "b" * 700)
    settings = settings_for([store.correction(number)])
    assert settings == ("training.corrections=true", "corpus.max_turn_characters=700")


# --- export and gate --------------------------------------------------------------------------


def test_records_are_exported_as_a_file(tab, owner, store):
    accepted(store, 2)
    path, note = tab._exported(owner, "corrections")
    assert Path(path).name == "corrections.jsonl"
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["messages"][-1]["content"] for line in lines] == [
        "answer 0.",
        "answer 1.",
    ]
    assert "Exported: 2" in note
    path, note = tab._exported(owner, "votes")
    assert path is None
    assert "nothing of this kind" in note


def test_a_visitor_can_call_nothing_and_is_given_nothing(tab):
    handlers = handlers_of(tab._note)
    assert len(handlers) >= 8
    for handler in handlers:
        with pytest.raises(gr.Error, match="owner"):
            handler(visitor_request(), *[None] * 9)


def test_texts_of_strangers_are_shown_as_text(store):
    number = store.add_correction(HOSTILE, [HOSTILE], HOSTILE, HOSTILE)
    found = store.correction(number)
    assert "<img" not in correction_html(found, say)
    assert "<img" not in ratings_html([RatingCount(HOSTILE, 1, 0)], say)
    assert choice_of(found)[0].startswith("<img src=x")  # a label, which Gradio shows as text


def test_thumbs_are_counted_by_model():
    shown_ = ratings_html([RatingCount("english", 3, 1)], say)
    assert "<td>3</td><td>1</td><td>75%</td>" in shown_
    assert "No reply was rated" in ratings_html([], say)
