"""What counts as a private detail, what does not, and what stands in its place."""

import time

import pytest

from chatbot.corpus.placeholders import is_placeholder
from chatbot.corpus.private import find_private, half_hidden, mask_private

PHONES = [
    "+44 20 7946 0958",
    "+1 (555) 123-4567",
    "+8613812345678",
    "+86 138 1234 5678",
    "0086 138 1234 5678",
    "13812345678",
    "138-1234-5678",
    "010-62345678",
    "(555) 123-4567",
    "555-123-4567",
    "1-800-273-8255",
    "020 7946 0958",
    "06 12 34 56 78",
    "0170 1234567",
]
CARDS = ["4111 1111 1111 1111", "4111111111111111", "5500-0000-0000-0004", "378282246310005"]
LINKS = [
    "https://example.com/a?b=c&d=1",
    "http://10.0.0.1:8080/x",
    "www.example.org/page",
    "example.com",
    "sub.example.co.cn/x",
]
EMAILS = ["me@example.com", "First.Last+tag@mail.example.co.uk", "12345@qq.com"]
DETAILS = [(kind, one) for kind, all_ in (("phone", PHONES), ("card", CARDS)) for one in all_]
DETAILS += [(kind, one) for kind, all_ in (("link", LINKS), ("email", EMAILS)) for one in all_]


@pytest.mark.parametrize(("kind", "detail"), DETAILS)
@pytest.mark.parametrize("sentence", ["{}", "It is {}.", "({})", "是{}，你记一下", "this: {}, ok?"])
def test_a_private_detail_is_found_whole_in_any_sentence(kind, detail, sentence):
    text = sentence.format(detail)
    found = find_private(text)
    assert [(one.kind, text[one.start : one.end]) for one in found] == [(kind, detail)]


@pytest.mark.parametrize(
    "text",
    [
        "I was born in 1984 and left in 2001.",
        "from 2019-2020, or 1998/1999",
        "It happened on 2020-01-15 at 12:30:45.",
        "01.02.2020, 1/2/2020, 2020.12.31",
        "It costs $1,234,567.89, or 1 234 567 in crowns.",
        "￥13812345678 is too much",
        "Pi is 3.14159265358979",
        "192.168.100.200 and 10.0.0.1",
        "ISBN 978-3-16-148410-0",
        "There are 7800000000 people and 1700000000000 milliseconds.",
        "order 1234567890123456",  # no card: the check digit is wrong
        "order 9111 1111 1111 1111",  # no card begins so
        "he scored 100 200 300",
        "I like node.js and e.g. this. And that...ok",
        "see you @ 5, @bob",
        "C++ 11, 1+1=2, +5 degrees",
        "我在2020年12月31日花了1000000元",
        "十一点 11:11",
    ],
)
def test_years_dates_prices_and_other_numbers_are_left_alone(text):
    assert find_private(text) == []
    assert mask_private(text) == text


def test_several_details_in_one_text_are_each_masked_once():
    text = "mail bob@example.com, call +1 555 123 4567, pay 4111 1111 1111 1111, see www.x.org/y."
    masked = "mail [e-mail], call [telephone number], pay [card number], see [link]."
    assert mask_private(text) == masked
    assert mask_private(masked) == masked


def test_an_address_inside_a_link_is_a_part_of_the_link():
    assert mask_private("https://example.com/?to=bob@example.com") == "[link]"


def test_chinese_text_gets_chinese_placeholders():
    text = "邮箱bob@qq.com，手机13812345678，卡号4111111111111111，网址https://example.cn/页"
    masked = "邮箱[邮箱]，手机[电话号码]，卡号[卡号]，网址[链接]页"
    assert mask_private(text) == masked


@pytest.mark.parametrize("detail", ["a@b.com", "+1 555 123 4567", "4111111111111111", "www.b.com"])
def test_a_masked_sentence_is_still_learned_from(detail):
    assert not is_placeholder(mask_private(f"Here it is: {detail}."))
    assert not is_placeholder(mask_private(f"就是这个：{detail}。"))


def test_a_reply_that_is_only_a_link_is_not():
    assert is_placeholder(mask_private("https://example.com/x"))
    assert is_placeholder("[链接]")


@pytest.mark.parametrize("kind_and_detail", DETAILS)
def test_half_hidden_the_detail_cannot_be_read(kind_and_detail):
    kind, detail = kind_and_detail
    shown = half_hidden(f"It is {detail}!")
    assert shown.startswith("It is ")
    assert shown.endswith("!")
    if kind != "link":  # of links, the host stays readable
        assert detail not in shown
        assert sum(c.isalnum() for c in shown) <= len("Itis") + 3


@pytest.mark.parametrize("nasty", ["a" * 200_000, "1 " * 100_000, "a." * 100_000, "+1-" * 70_000])
def test_no_text_takes_long(nasty):
    began = time.monotonic()
    find_private(nasty + "@")
    assert time.monotonic() - began < 5
