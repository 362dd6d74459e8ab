"""The explanation of a reply on the page, and the thumbs under it."""

from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

from chatbot.config import DecodingConfig
from chatbot.corpus.pair_table import write_pairs
from chatbot.corpus.records import DialoguePair
from chatbot.explanation import Alternative, Explanation, Piece
from chatbot.shelf import BotCard, BotShelf
from chatbot.store import Store
from chatbot.ui.desk import Desk
from chatbot.ui.explained import explained_html, percent
from chatbot.ui.feedback import Feedback
from chatbot.ui.history import exchange_at, message
from chatbot.ui.page import page_words
from chatbot.ui.settings import KNOBS
from chatbot.ui.understand import Inspector
from chatbot.ui.words import text

HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{value}} @children `"
TALK = [message("user", "Hi"), message("assistant", "Hello!")]
KNOBS_UNSET = [None] * len(KNOBS)


def say(key, **values):
    return text("en", key, **values)


def explanation(**changes):
    values = {
        "reply": "Hello !",
        "source": (Piece("", "user"), Piece(" Hi")),
        "pieces": (Piece(" Hello"), Piece(" !"), Piece("", "end")),
        "probabilities": (0.834, 0.001, 0.5),
        "attention": np.array([[0.25, 0.75], [0, 1], [1, 0]], np.float32),
        "alternatives": (Alternative("Good day.", -1.234, 0.31),),
        "confidence": 0.61,
    }
    return Explanation(**{**values, **changes})


class TestAsHtml:
    """`explained_html`."""

    def test_each_number_stands_where_it_belongs(self):
        shown = explained_html(explanation(), "english", say)
        assert "<span>Hello</span><small>83%</small>" in shown
        assert "title='“Hello” looked at “Hi”: 75%'>75</td>" in shown
        assert "<td>Good day.</td><td>31%</td><td>-1.23</td>" in shown
        assert "<li class='mark'>you</li><li class='piece'>Hi</li>" in shown

    @pytest.mark.parametrize(
        ("confidence", "verdict"), [(0.9, "Sure: 90%"), (0.61, "Fairly sure: 61%"), (0.2, "Guess")]
    )
    def test_the_confidence_is_said_in_words(self, confidence, verdict):
        assert f"<p class='verdict' role='status'>{verdict}" in explained_html(
            explanation(confidence=confidence), "english", say
        )

    def test_without_attention_a_sentence_says_so(self):
        shown = explained_html(explanation(attention=None), "english", say)
        assert "<table class='heat'" not in shown
        assert "This model has no attention" in shown

    def test_a_reply_by_rule_is_named(self):
        assert "rules" in explained_html(explanation(by_rule=True), "english", say)
        assert "rules" not in explained_html(explanation(), "english", say)

    def test_nothing_hostile_is_read_as_html_or_as_a_template(self):
        piece = Piece(HOSTILE)
        shown = explained_html(
            explanation(
                reply=HOSTILE,
                source=(piece, piece),
                pieces=(piece,) * 3,
                alternatives=(Alternative(HOSTILE, -1.0, 0.5),),
            ),
            HOSTILE,
            say,
        )
        assert "<img" not in shown
        assert not any(opener in shown for opener in ("${", "{{", "@children", "`"))

    def test_small_shares_are_not_called_nothing(self):
        shown = [percent(share) for share in (0, 0.001, 0.5, 0.996, 1)]
        assert shown == ["0%", "<1%", "50%", ">99%", "100%"]


class Bot:
    """A bot that explains, and remembers what it was asked to explain."""

    language, name = "en", "echo"

    def __init__(self):
        self.decoding, self.asked = DecodingConfig(), []

    def stream(self, history, decoding=None):
        yield "Hello!"

    def explain(self, history, decoding=None, reply=None):
        self.asked.append((history, decoding, reply))
        return explanation(reply=reply)


class Mute(Bot):
    """A bot of another kind, which explains nothing."""

    explain = None


class Broken(Bot):
    """A bot whose explanation fails."""

    def explain(self, history, decoding=None, reply=None):
        raise ValueError("secret")


class Records:
    """A store that keeps what it is given, or fails."""

    def __init__(self, broken=False):
        self.kept, self.broken = [], broken

    def add_rating(self, *values):
        self._add("rating", *values)

    def add_correction(self, *values):
        self._add("correction", *values)

    def _add(self, *values):
        if self.broken:
            raise OSError("disk full")
        self.kept.append(values)


def request(language="en"):
    return SimpleNamespace(headers={"accept-language": language})


def desk_of(bot=None, records=None, owner=False, source="", refusal=""):
    cards = [BotCard("echo", source=source)]
    gate = SimpleNamespace(is_owner=lambda request: owner)
    shelf = BotShelf(cards, lambda card: bot or Bot())
    visitors = SimpleNamespace(refusal=lambda request, language: refusal)
    return Desk(shelf, page_words("en"), gate, records or Records(), None, visitors=visitors)


def inspector_of(**options):
    with gr.Blocks():
        return Inspector(desk_of(**options))


def feedback_of(**options):
    with gr.Blocks():
        return Feedback(desk_of(**options))


def pressed(option, place=1):
    return gr.LikeData(None, {"index": place, "value": ["Hello!"], "liked": option})


@pytest.fixture
def toasts(monkeypatch):
    """What was said in toasts."""
    said = []
    for kind in ("Info", "Warning"):
        monkeypatch.setattr(gr, kind, lambda line, *_, **__: said.append(line))
    return said


class TestInspector:
    """The panel of one reply."""

    def explain(self, inspector, place=1, talk=TALK):
        return inspector._explain(request(), place, talk, "echo", *KNOBS_UNSET)

    def test_the_reply_on_the_screen_is_explained_with_the_turns_before_it(self):
        bot = Bot()
        talk = [*TALK, message("user", "And you?"), message("assistant", "Fine.")]
        self.explain(inspector_of(bot=bot), 1, talk)
        self.explain(inspector_of(bot=bot), 3, talk)
        assert [(turns, reply) for turns, _, reply in bot.asked] == [
            (["Hi"], "Hello!"),
            (["Hi", "Hello!", "And you?"], "Fine."),
        ]

    def test_the_settings_of_the_page_decide_what_else_it_could_have_said(self):
        bot = Bot()
        knobs = [7 if name == "beam_size" else None for name in KNOBS]
        inspector_of(bot=bot)._explain(request(), 1, TALK, "echo", *knobs)
        assert bot.asked[0][1].beam_size == 7

    @pytest.mark.parametrize(
        ("bot", "line"), [(Mute(), "cannot explain"), (Broken(), "cannot explain")]
    )
    def test_a_bot_that_cannot_explain_is_one_line(self, bot, line):
        shown = self.explain(inspector_of(bot=bot))
        assert line in shown
        assert "secret" not in shown

    @pytest.mark.parametrize("mark", ["note", "growing", "waiting"])
    def test_a_note_of_the_page_is_no_reply(self, mark):
        talk = [TALK[0], message("assistant", "Sorry", mark)]
        assert "nothing to explain" in self.explain(inspector_of(), 1, talk)

    @pytest.mark.parametrize("place", [0, 2, 99, -1])
    def test_there_is_no_reply_anywhere_else(self, place):
        assert exchange_at(TALK, place) is None
        assert "nothing to explain" in self.explain(inspector_of(), place)

    def test_a_setting_that_does_not_fit_is_told(self):
        knobs = [99 if name == "beam_size" else None for name in KNOBS]
        shown = inspector_of()._explain(request(), 1, TALK, "echo", *knobs)
        assert "beam_size" in shown

    def test_why_opens_the_panel_and_why_again_closes_it(self):
        inspector = inspector_of()
        place, panel, line, *_ = inspector._open(request(), TALK, None, pressed("Why?"))
        assert (place, panel["visible"]) == (1, True)
        assert "Looking" in line
        place, panel, *_ = inspector._open(request(), TALK, 1, pressed(""))
        assert (place, panel["visible"]) == (None, False)

    def test_thumbs_and_a_press_told_twice_leave_the_panel_alone(self):
        inspector = inspector_of()
        for option, place in [(True, None), (False, 1), ("", None), ("", 3), ("Why?", 1)]:
            changes = inspector._open(request(), TALK, place, pressed(option))
            assert all(change == gr.skip() for change in changes)

    def test_a_closed_panel_computes_nothing(self):
        bot = Bot()
        inspector = inspector_of(bot=bot, owner=True)
        assert self.explain(inspector, None) == gr.skip()
        assert inspector._teach(request(), None, TALK, "echo") == gr.skip()
        assert bot.asked == []

    def test_the_explanation_is_in_the_visitors_language(self):
        with gr.Blocks():
            inspector = Inspector(desk_of())
        shown = inspector._explain(request("zh-CN"), 1, TALK, "echo", *KNOBS_UNSET)
        assert "模型看到的内容" in shown
        assert inspector.options(request("zh"))["feedback_options"][-1] == "为什么？"


class TestWhatTaughtIt:
    """The nearest training pairs."""

    @pytest.fixture
    def bundle(self, home):
        folder = home / "saved_models" / "tiny"
        pairs = [DialoguePair(("Hi",), f"Hello! {HOSTILE}", "my.csv:12")]
        write_pairs(folder / "corpus.parquet", {"train": pairs, "validation": []})
        return folder

    def teach(self, inspector, place=1):
        return inspector._teach(request(), place, TALK, "echo")

    def test_the_owner_sees_the_line_of_the_corpus(self, bundle):
        shown = self.teach(inspector_of(owner=True, source=str(bundle)))
        assert "<code>my.csv:12</code>" in shown
        assert "<img" not in shown

    def test_a_visitor_sees_nothing_of_the_corpus(self, bundle):
        assert self.teach(inspector_of(owner=False, source=str(bundle))) == ""

    def test_a_new_corpus_is_read_again(self, bundle):
        inspector = inspector_of(owner=True, source=str(bundle))
        self.teach(inspector)
        pairs = [DialoguePair(("Hi",), "Hello!", "new.csv:1")]
        write_pairs(bundle / "corpus.parquet", {"train": pairs, "validation": []})
        assert "new.csv:1" in self.teach(inspector)

    def test_a_model_without_its_corpus_is_one_line(self, home):
        source = str(home / "saved_models" / "tiny")
        assert "corpus.parquet is missing" in self.teach(inspector_of(owner=True, source=source))

    def test_a_damaged_corpus_is_one_line(self, bundle):
        (bundle / "corpus.parquet").write_bytes(b"no parquet")
        shown = self.teach(inspector_of(owner=True, source=str(bundle)))
        assert "cannot be read" in shown


class TestThumbs:
    """What is kept of a thumb and of a better answer."""

    def test_a_thumb_is_kept_with_the_conversation_up_to_the_reply(self, toasts):
        records = Records()
        talk = [*TALK, message("user", "And you?"), message("assistant", "Fine <b>.")]
        feedback_of(records=records)._rate(request(), talk, "echo", pressed(True, 3))
        turns = ("Hi", "Hello!", "And you?")
        assert records.kept == [("rating", "echo", turns, "Fine <b>.", True)]
        assert toasts == ["Thank you."]

    def test_a_thumb_down_asks_for_a_better_answer_which_is_kept(self, toasts):
        records = Records()
        feedback = feedback_of(records=records)
        rated, panel, about, _ = feedback._rate(request(), TALK, "echo", pressed(False))
        assert panel["visible"]
        assert "Hello!" in about
        after = feedback._correct(request(), rated, "  Good day! \x00")
        assert records.kept == [
            ("rating", "echo", ("Hi",), "Hello!", False),
            ("correction", "echo", ("Hi",), "Hello!", "Good day!"),
        ]
        assert (after[0], after[1]["visible"]) == (None, False)
        assert "Thank you" in toasts[0]

    @pytest.mark.parametrize(
        ("better", "problem"), [("  ", "Write the better"), ("x" * 2001, "At most 2,000")]
    )
    def test_an_answer_that_cannot_be_kept_stays_in_the_box(self, toasts, better, problem):
        records = Records()
        feedback = feedback_of(records=records)
        rated, *_ = feedback._rate(request(), TALK, "echo", pressed(False))
        after = feedback._correct(request(), rated, better)
        assert problem in toasts[0]
        assert all(change == gr.skip() for change in after)
        assert len(records.kept) == 1

    def test_records_that_cannot_be_written_are_one_line_and_nothing_is_lost(self, toasts):
        feedback = feedback_of(records=Records(broken=True))
        rated, panel, *_ = feedback._rate(request(), TALK, "echo", pressed(False))
        assert panel["visible"]
        after = feedback._correct(request(), rated, "Good day!")
        assert all(change == gr.skip() for change in after)
        assert len(toasts) == 2
        assert all("could not be kept" in line or "cannot be written" in line for line in toasts)

    def test_the_owner_finds_it_in_the_records(self, toasts, tmp_path):
        store = Store.open(f"sqlite:///{tmp_path / 'records.db'}")
        feedback = feedback_of(records=store)
        rated, *_ = feedback._rate(request(), TALK, "echo", pressed(False))
        feedback._correct(request(), rated, "Good day!")
        [correction] = store.corrections("waiting")
        store.close()
        assert (correction.model, correction.history) == ("echo", ("Hi",))
        assert (correction.reply, correction.better) == ("Hello!", "Good day!")

    def test_who_asks_too_much_is_told_to_wait_and_nothing_is_kept(self, toasts):
        records = Records()
        feedback = feedback_of(records=records, refusal="Wait a moment.")
        rated, *_ = feedback._rate(request(), TALK, "echo", pressed(False))
        feedback._correct(request(), rated, "Good day!")
        inspector = inspector_of(refusal="Wait a moment.")
        assert "Wait" in inspector._explain(request(), 1, TALK, "echo", *KNOBS_UNSET)
        assert records.kept == []
        assert toasts == ["Wait a moment."] * 2

    def test_only_replies_of_a_bot_of_this_page_are_judged(self, toasts):
        records = Records()
        feedback = feedback_of(records=records)
        feedback._rate(request(), TALK, "another", pressed(True))
        feedback._rate(request(), TALK, "echo", pressed(True, 0))
        feedback._rate(
            request(), [TALK[0], message("assistant", "x", "note")], "echo", pressed(True)
        )
        assert records.kept == []

    def test_why_is_no_thumb(self, toasts):
        records = Records()
        feedback_of(records=records)._rate(request(), TALK, "echo", pressed("Why?"))
        assert records.kept == []

    def test_after_a_restart_of_the_page_the_thumb_is_asked_for_again(self, toasts):
        feedback_of()._correct(request(), None, "Good day!")
        assert "Press the thumb" in toasts[0]
