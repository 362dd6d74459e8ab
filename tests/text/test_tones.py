"""When a glad reply may be said, and what a file of tones may hold."""

import pytest

from chatbot.errors import ConfigError
from chatbot.text.set_lines import is_set_line, neither
from chatbot.text.tones import Tones, plain_tones, tones_from

TONES = Tones(glad=("How nice!", "Well done!"), sorry=("I'm sorry.", "Oh dear.", "What a pity."))


@pytest.mark.parametrize(
    ("glad", "sorry", "tact", "sure"),
    [
        ((0.5, 0.3), (0.01, 0.01, 0.01), 20, True),
        ((0.5, 0.1), (0.01, 0.01, 0.01), 20, True),  # just sure enough
        ((0.5, 0.09), (0.01, 0.01, 0.01), 20, False),
        ((0.2, 0.0), (0.1, 0.2, 0.0), 1, False),  # rather bad news
        ((0.5, 0.09), (0.01, 0.01, 0.01), 0, True),  # nothing asks for tact
    ],
)
def test_a_glad_reply_needs_far_more_than_the_sorry_ones(glad, sorry, tact, sure):
    known = (*glad, *sorry)
    assert TONES.surely_glad(known, known, tact) is sure


def test_tones_are_written_and_read():
    assert tones_from(plain_tones(TONES)) == TONES
    assert tones_from({}) == Tones()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "lists of replies under glad, sorry"),
        ({"merry": ["Ha!"]}, "lists of replies under glad, sorry"),
        ({"glad": "How nice!"}, "glad replies are a list"),
        ({"glad": [3]}, "glad replies are a list"),
        ({"glad": ["  "]}, "glad replies are a list"),
        ({"glad": ["x" * 1001]}, "at most 1,000 characters"),
        ({"glad": ["a"], "sorry": ["a"]}, "under two tones"),
        ({"glad": ["How nice!"]}, "some of both"),
    ],
)
def test_what_are_no_tones_is_one_line(values, words):
    with pytest.raises(ConfigError, match=words) as caught:
        tones_from(values)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("language", ["en", "zh", "und"])
def test_what_fits_either_news_varies_with_the_message_and_is_no_reply_of_the_model(language):
    said = {neither(language, bytes([number])) for number in range(20)}
    assert len(said) == 2
    assert all(map(is_set_line, said))
