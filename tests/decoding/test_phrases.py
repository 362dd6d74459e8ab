"""Blocked phrases are found in disguise, and never inside longer words."""

import pytest

from chatbot.decoding.phrases import BlockList

FOUND = [
    ("bad", "bad"),
    ("bad", "That is BAD!"),
    ("bad", "(bad)"),
    ("bad", "_bad_"),
    ("bad", "ｂａｄ"),  # full width
    ("bad", "bád"),
    ("bad", "b\u200ba\u00add"),  # zero-width space, soft hyphen
    ("bad", "b4d"),
    ("bad", "b@d"),
    ("bad", "sooo baaaad"),
    ("bad", "b a d"),
    ("bad", "b.a.d"),
    ("bad", "b - a - d"),
    ("bad", "b..4..d"),
    ("bad", "你bad啊"),
    ("ass", "a$$"),
    ("ass", "asssss"),
    ("boot", "b007"),
    ("ill", "1ll"),
    ("ill", "i11"),
    ("less", "1355"),
    ("b4d", "bad"),
    ("Bád", "bad"),
    ("kill yourself", "kill  yourself"),
    ("kill yourself", "K1ll-yourself."),
    ("c++", "I like c++."),
    ("1984", "read 1984 again"),
    ("straße", "STRASSE"),
    ("傻瓜", "你真是傻瓜啊"),
    ("傻x", "你这个傻X真是"),
    ("ばか", "おまえばかだ"),
    ("дурак", "Ну и Дурак!"),
]
NOT_FOUND = [
    ("ass", "class"),
    ("ass", "assassin"),
    ("ass", "as"),
    ("ass", "as soon"),
    ("cunt", "Scunthorpe"),
    ("bad", "badge"),
    ("bad", "baad"),
    ("bad", "b ad"),
    ("bad", "b a dog"),
    ("bad", "ba\nd"),
    ("god", "good"),
    ("1984", "i984"),
    ("it", "i t"),  # two letters apart are no word
    ("kill yourself", "kill it yourself"),
    ("傻瓜", "傻的瓜"),
    ("ばか", "はか"),  # the voicing mark is no accent
    ("bad", ""),
]


@pytest.mark.parametrize(("phrase", "text"), FOUND)
def test_a_phrase_is_found_however_it_is_spelt(phrase: str, text: str) -> None:
    assert BlockList([phrase]).find(text) == phrase


@pytest.mark.parametrize(("phrase", "text"), NOT_FOUND)
def test_a_phrase_is_not_found_in_other_words(phrase: str, text: str) -> None:
    assert BlockList([phrase]).find(text) is None


def test_the_first_listed_phrase_is_named_as_it_was_listed() -> None:
    assert BlockList(["Worse", "Bad"]).find("bad and worse") == "Worse"


def test_blank_phrases_block_nothing() -> None:
    assert BlockList(["", "  ", "\u200b"]).find("any text at all") is None


def test_an_empty_list_blocks_nothing() -> None:
    assert BlockList(()).find("any text at all") is None


def test_a_long_hostile_text_is_searched_at_once() -> None:
    blocked = BlockList(["illicit lilliputian", "aaaa"])
    assert blocked.find("1il" * 5000 + " " + "i " * 5000) is None
