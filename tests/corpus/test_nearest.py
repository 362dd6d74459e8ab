"""The training pairs nearest to an exchange."""

import numpy as np
import pytest

from chatbot.corpus.nearest import NearestPairs
from chatbot.corpus.pair_table import write_pairs
from chatbot.corpus.records import DialoguePair

PAIRS = [
    DialoguePair(("Hello!",), "Hi, how are you?", "talk.csv:1"),
    DialoguePair(("Hi", "Hello!", "Where do you live?"), "I live in Paris.", "talk.csv:2"),
    DialoguePair(("Where do you work?",), "I work in Paris.", "talk.csv:3"),
    DialoguePair(("Do you like tea?",), "I prefer coffee.", "talk.csv:4"),
    DialoguePair(("你喜欢喝茶吗？",), "我更喜欢咖啡。", "zh.csv:5"),
    DialoguePair(("你住在哪里？",), "我住在巴黎。", "zh.csv:6"),
]


def origins(found):
    return [near.pair.origin for near in found]


def test_the_very_pair_comes_first_and_is_as_near_as_can_be():
    first = NearestPairs(PAIRS).find("Where do you live?", "I live in Paris.")[0]
    assert first.pair == PAIRS[1]
    assert first.message == "Where do you live?"
    assert (first.score, first.message_closeness, first.reply_closeness) == pytest.approx((1, 1, 1))


def test_a_pair_is_near_by_its_message_or_by_its_reply():
    nearest = NearestPairs(PAIRS)
    assert origins(nearest.find("Do you like tea?", "Nonsense"))[0] == "talk.csv:4"
    assert origins(nearest.find("Nonsense", "I prefer coffee."))[0] == "talk.csv:4"


def test_near_on_both_sides_beats_the_same_on_one():
    pairs = [
        DialoguePair(("What is your name?",), "Never mind that.", "a:1"),
        DialoguePair(("And what is your name?",), "My name is Ann.", "a:2"),
    ]
    assert origins(NearestPairs(pairs).find("What is your name?", "My name is Eve."))[0] == "a:2"


def test_chinese_is_compared_by_characters():
    found = NearestPairs(PAIRS).find("你住哪里", "我住在北京。")
    assert origins(found)[0] == "zh.csv:6"
    assert found[0].reply_closeness > 0.3


def test_rare_words_count_more_than_common_ones():
    pairs = [DialoguePair((f"do you like {i}?",), "yes", f"a:{i}") for i in range(9)]
    pairs.append(DialoguePair(("the weather in Reykjavik",), "yes", "a:10"))
    assert origins(NearestPairs(pairs).find("do you know Reykjavik?", "x"))[0] == "a:10"


def test_what_shares_nothing_is_not_found():
    assert NearestPairs(PAIRS).find("zzz", "qqq") == []
    assert NearestPairs([]).find("Hello!", "Hi") == []
    assert NearestPairs(PAIRS).find("", "") == []


def test_at_most_so_many_are_found_the_nearest_first():
    found = NearestPairs(PAIRS).find("Where do you live?", "I live in Paris.", count=2)
    assert origins(found) == ["talk.csv:2", "talk.csv:3"]


def test_the_same_words_are_shown_once_and_equals_keep_their_order():
    twins = [DialoguePair(("Hello!",), reply, f"a:{i}") for i, reply in enumerate("xyxz")]
    assert origins(NearestPairs(twins).find("Hello!", "")) == ["a:0", "a:1", "a:3"]


def test_case_does_not_matter():
    first = NearestPairs(PAIRS).find("WHERE DO YOU LIVE?", "i live in paris.")[0]
    assert first.score == pytest.approx(1)


def test_closeness_is_the_cosine_of_the_weights():
    """The formula of the docstring, computed by hand for two texts of one shared word."""
    pairs = [DialoguePair(("a b",), "r", "x:1"), DialoguePair(("a c",), "r", "x:2")]
    shared, rare, run = np.log(1 + 2 / 2), np.log(1 + 2 / 1), np.log(1 + 2 / 1) / 2
    expected = shared**2 / (shared**2 + rare**2 + run**2)
    second = NearestPairs(pairs).find("a b", "none")[1]
    assert second.pair.origin == "x:2"
    assert second.message_closeness == pytest.approx(expected)
    assert second.score == pytest.approx(expected / 2)


def test_only_what_was_trained_on_taught_anything(tmp_path):
    path = tmp_path / "corpus.parquet"
    write_pairs(path, {"train": PAIRS[:1], "validation": PAIRS[1:]})
    assert origins(NearestPairs.read(path).find("Where do you live?", "Hi")) == ["talk.csv:1"]
