"""From conversations to pairs, from pairs to clean ones, and from these to two sides."""

import random

import pytest

from chatbot.config import CorpusConfig
from chatbot.corpus.pairs import (
    clean_conversation,
    extract_pairs,
    filter_pairs,
    split_by_conversation,
)
from chatbot.corpus.placeholders import is_placeholder
from chatbot.corpus.records import Conversation, DialoguePair

CONFIG = CorpusConfig(max_turn_characters=10, max_reply_uses=2)


def pairs_of(*turns, speakers="", learn=None, history_turns=4):
    conversation = Conversation("x:1", turns, tuple(speakers), learn)
    pairs = extract_pairs([conversation], history_turns=history_turns)
    return [(*pair.history, "->", pair.reply) for pair in pairs]


def pair(*texts, origin="x:1"):
    return DialoguePair(texts[:-1], texts[-1], origin)


def dropped(*pairs, config=CONFIG):
    kept, rejected = filter_pairs(pairs, config)
    assert len(kept) + rejected.total() == len(pairs)
    return dict(rejected)


# Extraction


def test_each_turn_but_the_first_is_a_reply_to_what_came_before():
    assert pairs_of("a", "b", "c") == [("a", "->", "b"), ("a", "b", "->", "c")]


def test_a_history_holds_so_many_turns_at_most():
    assert pairs_of("a", "b", "c", "d", history_turns=2)[-1] == ("b", "c", "->", "d")


def test_turns_of_one_speaker_in_a_row_are_one_turn():
    found = pairs_of("Hi!", "All well?", "Yes.", "Good.", speakers="aabb")
    assert found == [("Hi! All well?", "->", "Yes. Good.")]


def test_only_the_turns_of_the_reply_speaker_are_learned():
    found = pairs_of("a", "b", "c", "d", speakers="ubub", learn="b")
    assert found == [("a", "->", "b"), ("a", "b", "c", "->", "d")]


def test_speakers_alternate_in_a_history_even_among_three():
    assert pairs_of("1", "2", "3", "4", speakers="abcb")[-1] == ("2", "3", "->", "4")


def test_a_single_turn_gives_no_pair():
    assert pairs_of("a") == []


# Cleaning


def test_a_broken_encoding_is_mended_and_counted():
    broken = Conversation("x:1", ("A cafÃ©?", "  Oui,\n naïve! ", "我很好，谢谢！"))
    cleaned, mended = clean_conversation(broken)
    assert cleaned.turns == ("A café?", "Oui, naïve!", "我很好，谢谢！")
    assert mended == 1


@pytest.mark.parametrize(
    "text",
    [
        "[deleted]",
        "<Media omitted>",
        "image omitted",
        "I am (user 2).",
        "Hi, I'm [name]!",
        "__SILENCE__",
        "Dear {name},",
        "{{ user.first_name }}",
        "[User 1's name]",
        "<unk> it",
        "I live in [insert city].",
        "[图片]",
        "This message was deleted",
        "转发微博",
    ],
)
def test_placeholders_are_found(text):
    assert is_placeholder(text)


@pytest.mark.parametrize(
    "text",
    [
        "I love music (a lot).",
        "name",
        "What is your name?",
        "<3",
        ":-{",
        "a_b __init__ c",
        "[laughs]",
        "my name is Ann",
        "None of them.",
        "the image",
        "(why?)",
    ],
)
def test_ordinary_text_is_no_placeholder(text):
    assert not is_placeholder(text)


# Filtering


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (("", "b"), "empty"),
        (("a", " "), "empty"),
        (("a", "[deleted]"), "placeholder"),
        (("(user 2)", "a"), "placeholder"),
        (("a", "12345678901"), "too_long"),
        (("12345678901", "a"), "too_long"),
        (("Hello!", "hello!"), "same_as_source"),
    ],
)
def test_a_pair_is_dropped_for_a_reason(texts, reason):
    assert dropped(pair(*texts)) == {reason: 1}


def test_the_second_of_two_equal_pairs_is_a_duplicate_in_any_conversation():
    assert dropped(pair("a", "b"), pair("a", "b", origin="y:1")) == {"duplicate": 1}


def test_the_same_reply_after_another_history_is_no_duplicate():
    assert dropped(pair("a", "c", "b"), pair("c", "b")) == {}


@pytest.mark.parametrize("fault", ["", "[deleted]", "12345678901"])
def test_a_history_starts_after_its_last_turn_that_cannot_be_learned(fault):
    kept, rejected = filter_pairs([pair("a", fault, "c", "d")], CONFIG)
    assert (kept, rejected.total()) == ([pair("c", "d")], 0)


def test_a_reply_used_too_rarely_is_not_learned():
    pairs = [pair(f"m{i}", "often") for i in range(3)] + [pair("a", "rare"), pair("b", "rare")]
    kept, rejected = filter_pairs(pairs, CorpusConfig(min_reply_uses=3))
    assert kept == pairs[:3]
    assert rejected == {"reply_used_too_rarely": 2}


def test_a_reply_used_too_often_keeps_a_seeded_choice_in_any_order():
    pairs = [pair(str(i), "ok") for i in range(9)]
    kept, rejected = filter_pairs(pairs, CONFIG)
    again, _ = filter_pairs(random.Random(1).sample(pairs, 9), CONFIG)
    assert (len(kept), rejected["reply_used_too_often"]) == (2, 7)
    assert set(kept) == set(again)


def test_another_seed_keeps_other_uses_of_a_reply():
    pairs = [pair(str(i), "ok") for i in range(99)]
    seeds = (CorpusConfig(max_reply_uses=2, seed=seed) for seed in (1, 2))
    first, second = (filter_pairs(pairs, config)[0] for config in seeds)
    assert first != second


def test_what_is_kept_stays_in_order():
    pairs = [pair(str(i), str(i + 1)) for i in range(30)]
    assert filter_pairs(pairs, CONFIG)[0] == pairs


# The split


def side_pairs(conversations, each=3):
    return [
        pair(f"{c} {i}", "yes", origin=f"x:{c}") for c in range(conversations) for i in range(each)
    ]


def test_no_conversation_stands_on_both_sides():
    split = split_by_conversation(side_pairs(200), validation_fraction=0.2, seed=0)
    train, validation = ({p.origin for p in side} for side in split)
    assert not train & validation
    assert len(split.train) + len(split.validation) == 600
    assert 20 < len(validation) < 60


def test_the_split_does_not_depend_on_the_order():
    pairs = side_pairs(50)
    shuffled = random.Random(0).sample(pairs, len(pairs))
    first = split_by_conversation(pairs, validation_fraction=0.2, seed=0)
    second = split_by_conversation(shuffled, validation_fraction=0.2, seed=0)
    assert set(first.validation) == set(second.validation)


def test_the_split_of_a_conversation_does_not_depend_on_the_others():
    few = split_by_conversation(side_pairs(50), validation_fraction=0.2, seed=0)
    many = split_by_conversation(side_pairs(100), validation_fraction=0.2, seed=0)
    assert set(few.validation) <= set(many.validation)


def test_another_seed_splits_otherwise():
    first = split_by_conversation(side_pairs(50), validation_fraction=0.2, seed=0)
    second = split_by_conversation(side_pairs(50), validation_fraction=0.2, seed=1)
    assert first != second


@pytest.mark.parametrize("fraction", [0.001, 0.999])
@pytest.mark.parametrize("conversations", [2, 3, 10])
def test_each_side_gets_at_least_one_of_two_conversations(conversations, fraction):
    split = split_by_conversation(side_pairs(conversations), validation_fraction=fraction, seed=0)
    assert split.train
    assert split.validation


@pytest.mark.parametrize("fraction", [0.001, 0.999])
def test_a_single_conversation_is_all_for_training(fraction):
    split = split_by_conversation(side_pairs(1), validation_fraction=fraction, seed=0)
    assert (len(split.train), len(split.validation)) == (3, 0)


def test_no_pairs_are_no_sides():
    assert split_by_conversation([], validation_fraction=0.1, seed=0) == ([], [])
