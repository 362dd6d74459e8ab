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
    holds,
    kept,
    read_saved,
    renamed,
    without,
)

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
RAIN = [message("user", "It rains, again"), message("assistant", "Take an <umbrella> & a book.")]
CATS = [message("user", "我有两只猫。"), message("assistant", "它们叫什么名字？")]


def two():
    return kept(kept([], "", RAIN, NOW), "Cats", CATS, NOW)


def test_a_conversation_is_kept_under_its_name_or_its_first_words_the_newest_first():
    assert [one["name"] for one in two()] == ["Cats", "It rains, again"]


def test_saving_what_goes_on_with_a_saved_one_replaces_that_and_keeps_its_name():
    saved = two()
    again = kept(saved, "", [*CATS, message("user", "豆豆和米米。")], NOW)
    assert [(one["name"], len(one["messages"])) for one in again] == [
        ("Cats", 3),
        ("It rains, again", 2),
    ]
    assert again[0]["id"] == saved[0]["id"]


def test_a_changed_conversation_stands_beside_what_was_saved_of_it():
    changed = [CATS[0], message("assistant", "真好！")]
    assert len(kept(two(), "", changed, NOW)) == 3
    assert len(kept(two(), "", CATS[:1], NOW)) == 3


def test_only_what_a_saved_conversation_begins_with_is_held_already():
    assert holds(two(), CATS)
    assert holds(two(), CATS[:1])
    assert not holds(two(), [*CATS, message("user", "豆豆和米米。")])
    assert not holds([], CATS)


def test_it_can_be_renamed_and_deleted_and_others_stay():
    saved = two()
    cats, rain = (one["id"] for one in saved)
    assert [one["name"] for one in renamed(saved, rain, "  Bad \n weather ")] == [
        "Cats",
        "Bad weather",
    ]
    assert renamed(saved, rain, "  ") == saved
    assert [one["id"] for one in without(saved, cats)] == [rain]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Cats", "It rains, again"]),
        ("CATS", ["Cats"]),
        ("两只", ["Cats"]),
        ("book rains", ["It rains, again"]),
        ("book cats", []),
    ],
)
def test_search_finds_every_word_in_name_or_turns(query, names):
    assert [one["name"] for one in found(two(), query)] == names


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
        saved = kept(saved, "", [message("user", f"{number}.")], NOW)
    with pytest.raises(FullError):
        kept(saved, "", RAIN, NOW)
    more = [message("user", "5."), message("assistant", "Yes.")]
    assert kept(saved, "still fits", more, NOW)[0]["name"] == "still fits"


def test_no_more_text_is_kept_than_a_browser_can():
    long = [message("user", "x" * 2000), message("assistant", "y" * 4000)] * 180
    first, second, third = ([message("user", name), *long] for name in "abc")
    saved = kept(kept([], "", first, NOW), "", second, NOW)
    with pytest.raises(FullError):
        kept(saved, "", third, NOW)


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
    rows = list(csv.reader(io.StringIO(exported(kept([], "", tricky, NOW), "csv"))))
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
    assert "busy" not in exported(kept([], "", noted, NOW), "txt")


def test_a_message_without_a_reply_gives_a_name_as_well():
    asked = [message("user", "Hi?"), message("assistant", "Stopped before an answer.", "note")]
    assert first_words(asked) == "Hi?"


def test_a_conversation_without_words_has_no_name():
    assert first_words([]) == ""
