"""The languages of a heap of texts."""

import pytest

from chatbot.text.languages import language_shares


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("en", ["How are you?", "Fine, thanks.", "What is the time?", "OK"]),
        ("de", ["Wie geht es dir?", "Das ist nicht gut.", "Ich bin müde und hungrig."]),
        ("fr", ["Je ne sais pas.", "C'est une bonne idée.", "Oui"]),
        ("es", ["¿Qué haces?", "Estoy muy bien, pero no tengo tiempo para eso."]),
        ("zh", ["你好！", "我用 Python 写程序", "好的 ok"]),
        ("ja", ["今日は元気ですか", "東京へ行きました"]),
        ("ko", ["안녕하세요"]),
        ("ru", ["Привет, как дела?"]),
        ("und", ["Pizza!", "Kebab"]),
    ],
)
def test_one_language_is_told(code, texts):
    shares = language_shares(texts)
    assert next(iter(shares)) == code
    assert shares[code] > 0.99


def test_shares_add_up_and_the_largest_comes_first():
    shares = language_shares(["What is it?"] * 6 + ["hello"] * 2 + ["你好"] * 4)
    assert list(shares) == ["en", "zh"]
    assert shares["zh"] == pytest.approx(1 / 3)
    assert sum(shares.values()) == pytest.approx(1)


def test_a_lone_foreign_word_makes_no_language():
    assert language_shares(["what is this and that"] * 200 + ["ich bin"]) == {"en": 1.0}


def test_texts_without_letters_are_of_no_language():
    assert language_shares(["12:30", "!!!", "🙂", ""]) == {}
