"""Keeping conversations where something is in the way: no room, a reply that still grows."""

import json
from datetime import UTC, datetime

import gradio as gr
import pytest

from chatbot.shelf import BotCard, BotShelf
from chatbot.ui.conversations import Conversations
from chatbot.ui.desk import Desk
from chatbot.ui.history import message
from chatbot.ui.jobs import Jobs
from chatbot.ui.memory import as_json
from chatbot.ui.owner import OwnerGate
from chatbot.ui.page import page_words
from chatbot.ui.saved import MAX_SAVED, kept
from tests.ui.owners import visitor_request

RAIN = [message("user", "It rains."), message("assistant", "Take an umbrella.")]


@pytest.fixture(scope="module")
def conversations():
    shelf = BotShelf([BotCard("echo")], lambda card: None)
    desk = Desk(shelf, page_words(None), OwnerGate(), None, Jobs())
    with gr.Blocks(analytics_enabled=False):
        return Conversations(desk)


def full():
    saved = []
    for number in range(MAX_SAVED):
        saved = kept(saved, "", [message("user", f"{number}.")], datetime.now(UTC))
    return as_json(saved)


def test_a_conversation_for_which_there_is_no_room_stays_on_the_screen(conversations):
    *screen, saved, _, note = conversations._begun(visitor_request(), RAIN, full())
    assert len(json.loads(saved)) == MAX_SAVED
    assert "no room" in note
    assert screen == [RAIN, as_json(RAIN), gr.update(open=True)]


def test_with_room_a_new_chat_keeps_what_it_clears_from_the_screen(conversations):
    *screen, saved, _, _ = conversations._begun(visitor_request(), RAIN, "")
    assert json.loads(saved)[0]["messages"] == RAIN
    assert screen == [[], "[]", gr.skip()]


def test_what_is_saved_already_is_not_kept_once_more(conversations):
    *_, saved, _, _ = conversations._begun(visitor_request(), RAIN, "")
    assert conversations._begun(visitor_request(), RAIN, saved)[3:] == (gr.skip(),) * 3


def test_nothing_is_opened_under_a_reply_that_still_grows(conversations):
    [one] = kept([], "", RAIN, datetime.now(UTC))
    waiting = [message("user", "Are you there?")]
    shown, stored, *_, note = conversations._shown(
        visitor_request(), one["id"], as_json([one]), waiting
    )
    assert (shown, stored) == (gr.skip(), gr.skip())
    assert "Wait for the reply" in note
