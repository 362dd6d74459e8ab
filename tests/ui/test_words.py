"""The page's texts in two languages."""

import re

import pytest

from chatbot.ui.settings import KNOBS
from chatbot.ui.words import TEXTS, examples_for, language_of, text


def test_both_languages_say_the_same_things():
    assert set(TEXTS["en"]) == set(TEXTS["zh"])


@pytest.mark.parametrize("key", TEXTS["en"])
def test_both_languages_fill_in_the_same_values(key):
    english, chinese = (set(re.findall(r"{(\w+)", TEXTS[code][key])) for code in ("en", "zh"))
    assert english == chinese


def test_every_setting_is_explained():
    assert set(KNOBS) <= set(TEXTS["en"])


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("en-GB,en;q=0.9", "en"),
        ("zh-HK", "zh"),
        ("zh", "zh"),
        ("ZH-hans-CN;q=1", "zh"),
        ("de,zh", "en"),
        ("", "en"),
        (None, "en"),
        ("zha", "en"),
    ],
)
def test_the_browsers_first_language_decides(accepted, language):
    assert language_of(accepted) == language


def test_a_fixed_language_overrules_the_browser():
    assert language_of("zh-CN", fixed="en") == "en"


def test_examples_are_in_the_language_of_the_bot():
    assert "你好" in examples_for("zh")[0]["text"]
    assert examples_for("und") == examples_for("en")


def test_numbers_in_a_text_are_grouped():
    assert "2,000" in text("en", "too_long", limit=2000, count=2001)
