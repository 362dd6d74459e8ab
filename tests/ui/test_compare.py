"""Two models side by side: both answer, the owner votes once, and the talk goes on."""

import gradio as gr
import pytest

from chatbot.config import DecodingConfig
from chatbot.errors import BundleError, StoreError
from chatbot.shelf import BotCard, BotShelf
from chatbot.store import Store, VoteCount
from chatbot.ui.compare import CompareTab, replies
from chatbot.ui.desk import Desk
from chatbot.ui.owner import OwnerGate
from chatbot.ui.page import page_words
from chatbot.ui.records_view import pane_html, talk_html, votes_html
from chatbot.ui.talk import Said
from chatbot.ui.words import text
from tests.ui.owners import owner_request, visitor_request
from tests.ui.test_corrections import HOSTILE, handlers_of


def say(key, **values):
    return text("en", key, **values)


class Bot:
    language, decoding = "en", DecodingConfig()

    def __init__(self, name):
        self.name, self.heard = name, []

    def stream(self, history, decoding=None):
        self.heard.append(tuple(history))
        if self.name == "silent":
            return
        for count in range(1, 4):
            yield f"{self.name} said {'x' * count}"


@pytest.fixture
def bots():
    return {name: Bot(name) for name in ("one", "two", "silent")}


@pytest.fixture
def shelf(bots):
    def load(card):
        if card.name == "broken":
            raise BundleError("Cannot use broken. Copy it again.")
        return bots[card.name]

    return BotShelf([BotCard(name) for name in ("one", "two", "silent", "broken")], load, room=4)


@pytest.fixture
def store(tmp_path):
    opened = Store.open(f"sqlite:///{tmp_path / 'records.db'}")
    yield opened
    opened.close()


@pytest.fixture
def tab(shelf, store):
    with gr.Blocks():
        return CompareTab(Desk(shelf, page_words(None), OwnerGate(), store, None))


@pytest.fixture
def owner(tab):
    return owner_request(tab._desk.owner)


def asked(tab, owner, message="Hi", turns=(), first="one", second="two", blind=False):
    """The last that a message shows: by the names of its parts."""
    *_, last = tab._asked(owner, message, turns, first, second, blind)
    names = ("message", "talk", "left", "right", "first", "equal", "second", "note", "round")
    return dict(zip(names, last, strict=True))


def test_both_bots_speak_in_turn(shelf, bots):
    for name in ("one", "two"):
        shelf.start(name)
        shelf.wait(name)
    steps = list(replies(shelf, ("one", "two"), ["Hi"], "en"))
    assert [said.kind for said in steps[-1]] == ["whole", "whole"]
    assert all(abs(len(left.text) - len(right.text)) <= 1 for left, right in steps)
    assert bots["one"].heard == bots["two"].heard == [("Hi",)]


def test_two_replies_can_be_voted_on_and_the_better_one_goes_on(tab, owner, store, bots):
    shown = asked(tab, owner, " Hi\0 ")
    assert shown["first"]["interactive"] is True
    assert "<h3>one</h3>" in shown["left"]
    assert "two said xxx" in shown["right"]
    turns, votes, *after = tab._voted(owner, "second", shown["round"])
    assert turns == ("Hi", "two said xxx")
    assert store.votes() == [VoteCount("one", "two", 0, 0, 1)]
    assert "<td>two</td><td>0</td><td>0</td><td>1</td>" in votes
    assert after[-1] is None
    assert "two: better" in after[2]
    asked(tab, owner, "And now?", turns)
    assert bots["one"].heard[-1] == ("Hi", "two said xxx", "And now?")
    assert bots["two"].heard[-1] == bots["one"].heard[-1]


@pytest.mark.parametrize(("verdict", "better"), [("first", "one"), ("equal", "one")])
def test_the_left_reply_goes_on_unless_the_right_one_is_better(tab, owner, verdict, better):
    done = asked(tab, owner)["round"]
    assert tab._voted(owner, verdict, done)[0] == ("Hi", f"{better} said xxx")


def test_a_vote_counts_once(tab, owner, store):
    assert "counted already" in tab._voted(owner, "first", None)[-2]
    assert store.votes() == []


def test_hidden_names_are_mixed_and_told_after_the_vote(tab, owner, store, monkeypatch):
    monkeypatch.setattr("random.random", lambda: 0.1)
    shown = asked(tab, owner, blind=True)
    assert shown["round"].models == ("two", "one")
    assert "<h3>Left</h3>" in shown["left"]
    assert not any("<h3>one" in str(value) or "<h3>two" in str(value) for value in shown.values())
    after = tab._voted(owner, "first", shown["round"])
    assert "<h3>two: better</h3>" in after[3]
    assert "<h3>one</h3>" in after[4]
    assert store.votes() == [VoteCount("one", "two", 0, 0, 1)]
    monkeypatch.setattr("random.random", lambda: 0.9)
    assert asked(tab, owner, blind=True)["round"].models == ("one", "two")


@pytest.mark.parametrize("other", ["silent", "broken"])
def test_without_two_replies_there_is_no_vote(tab, owner, other):
    shown = asked(tab, owner, second=other)
    assert shown["round"] is None
    assert shown["first"]["interactive"] is False
    assert "no vote" in shown["note"]
    assert 'class="note"' in shown["right"]
    assert "one said xxx" in shown["left"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"message": "  "}, "Write a message"),
        ({"message": "x" * 2001}, "At most 2,000"),
        ({"second": "one"}, "two different"),
        ({"second": None}, "two different"),
        ({"first": "gone"}, "two different"),
    ],
)
def test_what_cannot_be_asked_is_told_and_asks_nobody(tab, owner, bots, changes, told):
    assert told in asked(tab, owner, **changes)["note"]
    assert bots["two"].heard == []


def test_a_vote_that_cannot_be_kept_may_be_repeated(tab, owner, store, monkeypatch):
    def full(*_):
        raise StoreError("The disk is full. Free some space.")

    done = asked(tab, owner)["round"]
    monkeypatch.setattr(store, "add_vote", full)
    after = tab._voted(owner, "first", done)
    assert "The disk is full" in after[-2]
    assert after[-1] == done


def test_the_models_of_the_page_are_listed_and_a_choice_is_kept(tab, owner):
    first, second, votes, note = tab._opened(owner, None, None)
    assert (first["value"], second["value"]) == ("one", "two")
    assert "No vote yet" in votes
    assert note == ""
    first, second, *_ = tab._opened(owner, "gone", "one")
    assert (first["value"], second["value"]) == ("two", "one")


def test_one_model_cannot_be_compared(shelf, store):
    alone = BotShelf([BotCard("one")], None)
    with gr.Blocks():
        tab = CompareTab(Desk(alone, page_words(None), OwnerGate(), store, None))
    owner = owner_request(tab._desk.owner)
    assert "takes two models" in tab._opened(owner, None, None)[-1]
    assert "takes two models" in asked(tab, owner)["note"]


def test_a_visitor_can_call_nothing(tab):
    for handler in handlers_of(tab._note):
        with pytest.raises(gr.Error, match="owner"):
            list(handler(visitor_request(), *[None] * 9))


def test_texts_of_strangers_are_shown_as_text():
    shown = [
        talk_html([HOSTILE, HOSTILE], say),
        pane_html(HOSTILE, Said(HOSTILE, "whole")),
        votes_html([VoteCount(HOSTILE, HOSTILE, 1, 2, 3)], say),
    ]
    assert not any("<img" in html for html in shown)
