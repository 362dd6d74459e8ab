"""The corpora written for this project keep the promises of corpora/README.md."""

from collections import Counter
from pathlib import Path

import pytest
import yaml

from chatbot.corpus.readers import read_conversations

CORPORA = Path(__file__).parents[2] / "corpora"


@pytest.fixture(scope="module")
def small_talk():
    return yaml.safe_load((CORPORA / "small-talk.en.yml").read_text(encoding="utf-8"))


def test_the_licence_stands_in_the_first_line():
    first = (CORPORA / "small-talk.en.yml").read_text(encoding="utf-8").splitlines()[0]
    assert "CC0 1.0" in first


def test_it_is_read_by_the_projects_own_reader(small_talk):
    read = list(read_conversations(CORPORA / "small-talk.en.yml"))
    pairs = sum(len(s["says"]) * len(s["replies"]) for s in small_talk["situations"])
    assert len(read) == len(small_talk["conversations"]) + pairs


def test_every_situation_has_several_wordings_and_replies(small_talk):
    assert len(small_talk["situations"]) >= 1000
    assert min(len(s["says"]) for s in small_talk["situations"]) >= 3
    assert min(len(s["replies"]) for s in small_talk["situations"]) >= 2


def test_no_wording_stands_in_two_situations(small_talk):
    says = Counter(w.casefold() for s in small_talk["situations"] for w in s["says"])
    assert [wording for wording, count in says.items() if count > 1] == []


def test_no_reply_serves_more_than_three_situations(small_talk):
    replies = Counter(r for s in small_talk["situations"] for r in set(s["replies"]))
    assert [reply for reply, count in replies.items() if count > 3] == []


def test_in_every_conversation_the_person_begins_and_the_bot_ends(small_talk):
    assert len(small_talk["conversations"]) >= 500
    assert all(len(turns) % 2 == 0 for turns in small_talk["conversations"])
    assert small_talk["speakers"] == ["person", "bot"]
