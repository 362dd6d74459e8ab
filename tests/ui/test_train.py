"""What the train tab says of a training, before, during and after it."""

import re
import shutil
from dataclasses import replace

import gradio as gr
import pytest

from chatbot.bundle import read_info
from chatbot.shelf import BotCard, BotShelf
from chatbot.ui.corpus_panel import CorpusChoice
from chatbot.ui.desk import Desk
from chatbot.ui.jobs import Jobs, JobView
from chatbot.ui.outcome_view import has_bot, outcome_html
from chatbot.ui.owner import OwnerGate
from chatbot.ui.page import page_words
from chatbot.ui.progress_view import curves_html, headline, progress_html, replies_html, warnings_of
from chatbot.ui.train_setup import SIZES, SetupPart, estimate_html, suggested_name
from chatbot.ui.words import TEXTS, text
from tests.ui.fake_trainer import ESTIMATE, MESSAGES, hollow_bundle

STARTED = {"event": "started", "step": 0, "steps": 40}


def say(key, **values):
    return text("en", key, **values)


def progress(step, nats=3.0):
    facts = {"tokens_per_second": 1234, "seconds_left": 200}
    return {"event": "progress", "step": step, "steps": 40, "nats": nats, **facts}


def validation(step, nats=3.0, **facts):
    replies = facts.pop("replies", {"Hi": f"after {step}"})
    return {"event": "validation", "step": step, "nats": nats, "replies": replies, **facts}


def saved(models):
    """What a training tells of the bot that it saved."""
    return {"event": "saved", "metrics": read_info(models / "bot").metrics}


def view(stage, *events, **facts):
    return JobView("bot", stage, [STARTED, *events], **facts)


def cells(page):
    return [re.sub("<[^>]*>", "", row).strip() for row in re.findall("<t[hd].*?</t[hd]>", page)]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (JobView("bot", "starting"), "Reading the conversations…"),
        (JobView("bot", "starting", [{"event": "setup"}]), "Getting ready to learn."),
        (view("running", progress(12)), "Learning: step 12 of 40."),
        (view("running", progress(12), stopping=True), "Stopping. The best so far"),
        (view("finishing", progress(40)), "Saving the best"),
        (view("stopped", progress(12), resumable=True), "It can go on where it was (step 12)."),
        (view("stopped"), "Stopped before it had learned anything"),
        (view("failed", cause="told", reason="Too <b>bad</b>."), "It failed: Too <b>bad</b>."),
        (view("failed", progress(7), cause="killed", resumable=True), "lack of memory"),
        (view("failed", progress(7), cause="died", resumable=True), "(step 7)"),
        (view("failed", cause="disk"), "the disk is full"),
        (view("done", {"event": "done", "reason": "all steps"}), "Done: bot is ready."),
        (
            view("done", {"event": "done", "reason": "stopped early", "best_step": 30}),
            "Stopped by you: the best so far, of step 30, is kept as bot.",
        ),
        (view("done", {"event": "done", "reason": "no more gain", "best_step": 9}), "of step 9"),
    ],
)
def test_one_line_says_how_it_stands(state, expected):
    line = headline(state, say)
    assert expected in line
    assert "\n" not in line
    assert "<b>" not in progress_html(state, say)


def test_while_it_runs_speed_and_time_left_are_told():
    page = progress_html(view("running", progress(10), validation(10, 2.5)), say)
    for told in ('value="10" max="40"', "3 min", "1,234", "2.500"):
        assert told in page
    assert "<progress" not in progress_html(view("stopped", progress(10)), say)


def test_steps_learned_twice_after_a_crash_are_drawn_once():
    told = [progress(10, 3.0), progress(20, 2.0), {"event": "resumed", "step": 10}]
    page = curves_html(view("running", *told, progress(20, 1.0)), say)
    assert "training: from 3.00 to 1.00." in page
    assert "2.00" not in page


def test_numbers_that_are_none_do_not_break_the_curves():
    page = curves_html(view("running", progress(1), progress(2, None), {"event": "progress"}), say)
    assert "<svg" in page


def test_replies_stand_beside_those_of_the_time_before():
    first = validation(10, previous={"Hi": "of the base"})
    assert cells(replies_html(view("running", first), say))[3:] == ["Hi", "of the base", "after 10"]
    page = replies_html(view("running", first, validation(20)), say)
    assert cells(page)[3:] == ["Hi", "after 10", "after 20"]
    assert "changed" in page
    same = validation(30, replies={"Hi": "after 20"})
    assert "changed" not in replies_html(view("running", validation(20), same), say)


def test_what_corpora_and_models_say_is_text():
    bad = "<img src=x onerror=alert(1)>"
    states = view("running", validation(10, replies={bad: bad}, previous={bad: bad}))
    assert "<img" not in replies_html(states, say)
    assert "<img" not in progress_html(replace(states, name=bad), say)
    assert "<img" not in estimate_html({**ESTIMATE, "warnings": [bad], "warning_codes": []}, say)


def test_an_estimate_says_time_memory_and_size_and_what_to_do_about_a_small_corpus():
    page = estimate_html(ESTIMATE, say)
    assert "About 5 min, 1.5 GB of memory, 7.0 MB on disk" in page
    assert "Start from a model instead" in page


def test_a_warning_that_the_page_has_no_words_for_is_passed_on():
    told = {"warnings": ["Mind the gap."], "warning_codes": ["gap"]}
    assert warnings_of(told, say) == ["Mind the gap."]


def test_every_size_has_a_name():
    for texts in TEXTS.values():
        assert all(f"train_size_{size}" in texts for size in SIZES)


@pytest.fixture(scope="module")
def request_of():
    """Makes a request of what stands in the fields."""
    desk = Desk(
        BotShelf([BotCard("echo")], lambda card: None),
        page_words(None),
        OwnerGate(),
        None,
        Jobs(),
    )
    with gr.Blocks(analytics_enabled=False):
        return SetupPart(desk).request


def test_a_request_holds_what_was_chosen_and_nothing_else(request_of):
    choice = CorpusChoice(("a.csv",), ("corpus.mask_private=true",))
    small = request_of("scratch", "english", None, "small", choice, "bot", 3)
    assert small.base is None
    assert small.settings == (*choice.settings, *SIZES["small"])
    tuned = request_of("finetune", "english", None, "small", choice, "bot", 3)
    assert (tuned.base, tuned.settings) == ("english", choice.settings)
    assert request_of("continue", None, "old", "normal", None, "", 3).arguments() == [
        *("--name", "old", "--resume")
    ]


def test_a_bot_without_a_name_gets_a_free_one(request_of, models):
    hollow_bundle(models / "talk")
    choice = CorpusChoice(("/somewhere/Talk.csv",), ())
    assert request_of("scratch", None, None, "normal", choice, "", 3).name == "talk-2"
    assert request_of("finetune", "talk", None, "normal", choice, "", 3).name == "talk-2"


def test_a_corpus_cannot_pass_for_an_option(request_of):
    choice = CorpusChoice(("--set=training.seed=1",), ())
    arguments = request_of("scratch", None, None, "normal", choice, "bot", 3).arguments()
    assert arguments.index("--") < arguments.index("--set=training.seed=1")


@pytest.mark.parametrize("stem", ["我的聊天", "..", "", "-" * 80, "<b>Änne</b>", "x" * 300, "con"])
def test_a_suggested_name_is_one(stem):
    assert re.fullmatch("[a-z0-9][a-z0-9-]{0,40}", suggested_name(stem, lambda _: True))


@pytest.fixture
def models(tmp_path, monkeypatch):
    monkeypatch.setenv("CHATBOT_HOME", str(tmp_path))
    return tmp_path / "saved_models"


def test_a_new_bot_stands_beside_the_one_it_came_from(models):
    hollow_bundle(models / "base", nats=2.0)
    hollow_bundle(models / "bot", nats=1.5)
    told = view(
        "done",
        {"event": "setup", "base": "base"},
        validation(1, previous={"Hi": "of base"}),
        saved(models),
    )
    page = outcome_html(told, say)
    assert cells(page)[:3] == ["", "base", "bot"]
    assert cells(page)[4:6] == ["2.000", "1.500"]
    assert cells(page)[-6:-3] == [MESSAGES[0], "reply 2.0", "reply 1.5"]


def test_both_are_scored_on_the_same_held_out_talk(models):
    hollow_bundle(models / "base", nats=2.0)
    of_base = {"base": {"nats": 3.5, "perplexity": 33.1}, "validation_pairs": 60}
    hollow_bundle(models / "bot", nats=1.5, scores=of_base)
    told = view("done", {"event": "setup", "base": "base"}, validation(1), saved(models))
    page = outcome_html(told, say)
    assert cells(page)[4:6] == ["3.500", "1.500"]
    assert cells(page)[10:12] == ["60", "60"]
    assert "the same held-out talk" in page


def test_a_base_that_is_gone_leaves_what_it_had_answered(models):
    hollow_bundle(models / "bot")
    previous = {MESSAGES[0]: "of the base"}
    setup = {"event": "setup", "base": "base"}
    told = view("done", setup, validation(1, previous=previous), saved(models))
    assert "of the base" in outcome_html(told, say)


def test_a_bot_that_is_gone_is_a_line(models):
    assert "is not here any more" in outcome_html(view("done"), say)


def test_a_bot_of_another_origin_is_not_taken_for_what_the_training_made(models):
    hollow_bundle(models / "bot", nats=1.5)
    told = view("done", saved(models))
    assert has_bot(told)
    shutil.rmtree(models / "bot")
    hollow_bundle(models / "bot", nats=1.6)  # as if uploaded, or renamed to this name
    assert not has_bot(told)
    assert "is not here any more" in outcome_html(told, say)
    assert not has_bot(view("failed"))
