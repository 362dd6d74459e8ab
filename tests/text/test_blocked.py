"""The list of blocked words, and how they are found in a corpus."""

import pytest

from chatbot.decoding.phrases import BlockList
from chatbot.text.blocked import DEFAULT_BLOCKED, BlockedWords


@pytest.mark.parametrize("text", ["Oh SHIT!", "shit, no", "a (shit)", "it’s shit"])
def test_a_listed_word_is_found_as_a_word_in_any_case(text):
    assert BlockedWords().find(text) == ["shit"]


@pytest.mark.parametrize(
    "text", ["Scunthorpe", "bitchy's", "a spicy retardant", "印度支那半岛", "他妈妈", "东北妈"]
)
def test_a_part_of_another_word_is_not_found(text):
    assert BlockedWords().find(text) == []


def test_chinese_words_are_found_anywhere_and_each_once():
    assert BlockedWords().find("你这个傻逼，真是傻逼") == ["傻逼"]


def test_a_word_may_stand_between_chinese_characters():
    assert BlockedWords(["bad"]).find("太bad了") == ["bad"]


def test_an_empty_list_finds_nothing():
    assert BlockedWords([]).find("anything at all") == []
    assert BlockedWords(["  "]).find("anything at all") == []


def test_the_list_holds_each_word_once_and_replies_can_be_kept_free_of_it():
    assert len(set(DEFAULT_BLOCKED)) == len(DEFAULT_BLOCKED)
    blocked = BlockList(DEFAULT_BLOCKED)
    assert [word for word in DEFAULT_BLOCKED if blocked.find(f"oh {word} !") is None] == []


@pytest.mark.parametrize("at_once", [2, 100])
def test_many_texts_are_searched_as_one_is(monkeypatch, at_once):
    monkeypatch.setattr("chatbot.text.blocked._AT_ONCE", at_once)
    texts = [
        "ßßßß",
        "oh shit",
        "a shitake",
        "KILL  yourself",
        "kind",
        "他妈的！",
        "kill\nyourself",
        "",
    ]
    blocked = BlockedWords()
    assert blocked.find_all(texts) == {
        text: blocked.find(text) for text in texts if blocked.find(text)
    }
    assert blocked.find_all([]) == {}
