"""From the controls of the page to a DecodingConfig."""

import pytest

from chatbot.config import DecodingConfig
from chatbot.errors import ConfigError
from chatbot.ui.settings import KNOBS, LIMITS, decoding_from, knobs_of, livelier, seeded

BASE = DecodingConfig(strategy="beam", n_best=3, temperature=0.7, blocked_phrases=("spam",))


def test_untouched_controls_give_the_bots_own_settings_for_one_reply():
    untouched = seeded({**knobs_of(BASE), "seed": BASE.seed})
    assert decoding_from(BASE, untouched) == BASE.model_copy(update={"n_best": 1})


def test_a_value_of_none_keeps_the_bots_own():
    assert decoding_from(BASE, {"temperature": None}).temperature == 0.7


def test_the_length_slider_is_the_length_bonus():
    assert decoding_from(BASE, {"length_bonus": -1.5}).length_bonus == -1.5


def test_greedy_is_possible_though_the_bot_asks_for_several_replies():
    assert decoding_from(BASE, {"strategy": "greedy"}).strategy == "greedy"


def test_the_owners_blocked_phrases_are_no_visitors_business():
    with pytest.raises(ConfigError, match="Unknown setting 'blocked_phrases'"):
        decoding_from(BASE, {"blocked_phrases": []})
    assert decoding_from(BASE, {}).blocked_phrases == ("spam",)


def test_settings_that_do_not_fit_together_are_told_in_one_line():
    with pytest.raises(ConfigError, match="min_length 40 leaves no room") as error:
        decoding_from(BASE, {"min_length": 40, "max_length": 40})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("name", "limit"), LIMITS.items())
def test_what_would_keep_the_machine_busy_is_refused(name, limit):
    longest = {"max_length": None if name == "max_length" else LIMITS["max_length"]}
    for value in (limit + 1, str(limit + 1)):  # which a program may send as text
        with pytest.raises(ConfigError, match=f"more than the {limit}"):
            decoding_from(BASE, {**longest, name: value})


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": 99},
        {"temperature": float("nan")},
        {"seed": "abc"},
        {"top_k": -1},
        {"strategy": "x"},
        {"beam_size": [1]},
    ],
)
def test_wrong_values_are_told_by_name(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        decoding_from(BASE, wrong)


def test_the_seed_may_be_typed_as_text():
    assert decoding_from(BASE, {"seed": "7"}).seed == 7


def test_safest_is_the_bots_own_way():
    assert livelier(BASE, 0) == {"strategy": "beam", "temperature": 0.7, "top_p": BASE.top_p}


def test_livelier_samples_at_rising_temperature():
    mild, wild = livelier(BASE, 0.05), livelier(BASE, 1.0)
    assert mild == {"strategy": "sampling", "temperature": 0.54, "top_p": 0.9}
    assert wild == {"strategy": "sampling", "temperature": 1.3, "top_p": 0.9}


def test_an_empty_seed_is_a_fresh_one_each_time():
    assert len({seeded({"seed": None})["seed"] for _ in range(20)}) > 1


def test_a_given_seed_stays_until_another_reply_is_wanted():
    assert seeded({"seed": 5})["seed"] == 5
    assert len({seeded({"seed": 5}, again=True)["seed"] for _ in range(20)}) > 1


def test_the_controls_show_every_setting_within_reach_of_their_sliders():
    shown = knobs_of(DecodingConfig(max_length=900, beam_size=64, temperature=9, length_bonus=-5))
    assert set(shown) == set(KNOBS)
    assert (shown["max_length"], shown["beam_size"]) == (LIMITS["max_length"], LIMITS["beam_size"])
    assert (shown["temperature"], shown["length_bonus"]) == (2.0, -2.0)
