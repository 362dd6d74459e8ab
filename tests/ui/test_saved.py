"""What happens to a visitor's saved conversations."""

import csv
import io
from datetime import UTC, datetime

import pytest

from chatbot.corpus.readers import read_conversations
from chatbot.ui.history import message
from chatbot.ui.saved import (
    MAX_SAVED,
    FullError,
    exported,
    first_words,
    found,
    kept,
    read_saved,
    renamed,
    without,
)

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
RAIN = [message("user", "It rains, again"), message("assistant", "Take an <umbrella> & a book.")]
CATS = [message("user", "我有两只猫。"), message("assistant", "它们叫什么名字？")]


def two():
    return kept(kept([], "a", "", RAIN, NOW), "b", "Cats", CATS, NOW)


def test_a_conversation_is_kept_under_its_name_or_its_first_words_the_newest_first():
    assert [one["name"] for one in two()] == ["Cats", "It rains, again"]


def test_saving_it_again_replaces_it_and_keeps_its_name():
    longer = [*CATS, message("user", "豆豆和米米。")]
    again = kept(two(), "b", "", longer, NOW)
    assert [(one["id"], one["name"], len(one["messages"])) for one in again] == [
        ("b", "Cats", 3),
        ("a", "It rains, again", 2),
    ]


def test_it_can_be_renamed_and_deleted_and_others_stay():
    assert [one["name"] for one in renamed(two(), "a", "  Bad \n weather ")] == [
        "Cats",
        "Bad weather",
    ]
    assert renamed(two(), "a", "  ") == two()
    assert [one["id"] for one in without(two(), "b")] == ["a"]


@pytest.mark.parametrize(
    ("query", "ids"),
    [("", ["b", "a"]), ("CATS", ["b"]), ("两只", ["b"]), ("book rains", ["a"]), ("book cats", [])],
)
def test_search_finds_every_word_in_name_or_turns(query, ids):
    assert [one["id"] for one in found(two(), query)] == ids


def test_what_a_browser_kept_comes_back_whole_and_forgeries_do_not():
    stored = two()
    assert read_saved(stored, "stopped") == stored
    forged = [
        None,
        7,
        {"id": "x"},
        {"id": 3, "messages": RAIN},
        {"id": "c", "name": ["no"], "when": {}, "messages": [*RAIN, {"role": "system"}, "x"]},
        {"id": "d", "messages": "none"},
    ]
    [read] = read_saved(forged, "stopped")
    assert (read["id"], read["name"], read["when"]) == ("c", "It rains, again", "")
    assert read_saved("nonsense", "stopped") == []


def test_nothing_is_dropped_when_there_is_no_more_room():
    saved = []
    for number in range(MAX_SAVED):
        saved = kept(saved, str(number), "", RAIN, NOW)
    with pytest.raises(FullError):
        kept(saved, "one more", "", RAIN, NOW)
    assert kept(saved, "5", "still fits", RAIN, NOW)[0]["name"] == "still fits"


def test_no_more_text_is_kept_than_a_browser_can():
    long = [message("user", "x" * 2000), message("assistant", "y" * 4000)] * 180
    saved = kept(kept([], "a", "", long, NOW), "b", "", long, NOW)
    with pytest.raises(FullError):
        kept(saved, "c", "", long, NOW)


@pytest.mark.parametrize("format_", ["jsonl", "csv"])
def test_an_export_can_be_trained_on(tmp_path, format_):
    file = tmp_path / f"mine.{format_}"
    file.write_text(exported(two(), format_), encoding="utf-8")
    turns = [conversation.turns for conversation in read_conversations(file)]
    assert turns == [
        ("我有两只猫。", "它们叫什么名字？"),
        ("It rains, again", "Take an <umbrella> & a book."),
    ]


def test_a_table_quotes_what_would_break_it():
    tricky = [message("user", 'say "a,b"\nand c'), message("assistant", "ok")]
    rows = list(csv.reader(io.StringIO(exported(kept([], "a", "", tricky, NOW), "csv"))))
    assert rows[1] == [
        "1",
        'say "a,b" and c',
        "2026-11-21T12:30:00+00:00",
        "user",
        'say "a,b"\nand c',
    ]


def test_the_text_export_reads_like_a_conversation():
    assert exported(two()[1:], "txt") == (
        "# It rains, again (2026-11-21T12:30:00+00:00)\n"
        "You: It rains, again\nBot: Take an <umbrella> & a book.\n"
    )


def test_notes_of_the_page_are_no_part_of_what_was_said():
    noted = [*RAIN, message("user", "x"), message("assistant", "Sorry, too busy.", "note")]
    assert "busy" not in exported(kept([], "a", "", noted, NOW), "txt")


def test_a_conversation_without_words_has_no_name():
    assert first_words([]) == ""
