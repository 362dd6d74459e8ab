"""From a message to what appears under it; nothing fails silently."""

import pytest

from chatbot.config import DecodingConfig
from chatbot.errors import BundleError, MessageError
from chatbot.shelf import BotCard, BotShelf
from chatbot.ui.talk import Said, answer, throttled


class Bot:
    name, language, decoding = "bot", "en", DecodingConfig()

    def __init__(self, *texts, fault=None):
        self.texts, self.fault, self.heard = texts, fault, None

    def stream(self, history, decoding=None):
        self.heard = (list(history), decoding)
        yield from self.texts
        if self.fault:
            raise self.fault


def said(bot, turns=("Hi",), knobs=None, language="en"):
    shelf = BotShelf([BotCard("bot")], lambda card: bot)
    found = list(answer(shelf, "bot", turns, knobs or {}, language))
    return [one for one in found if one.kind != "waiting"]


def test_the_reply_grows_and_is_whole_at_last():
    found = said(Bot("He", "Hello", "Hello!"))
    assert {one.kind for one in found[:-1]} == {"growing"}
    assert found[-1] == Said("Hello!", "whole")


def test_the_bot_hears_the_turns_and_the_settings():
    bot = Bot("ok")
    said(bot, ["a", "b", "c"], {"strategy": "sampling", "seed": 3})
    assert bot.heard[0] == ["a", "b", "c"]
    assert (bot.heard[1].strategy, bot.heard[1].seed) == ("sampling", 3)


def test_a_mistake_of_the_visitor_becomes_its_own_line():
    assert said(Bot(fault=MessageError("Too long. Shorten it."))) == [
        Said("Too long. Shorten it.", "note")
    ]


def test_a_wrong_setting_becomes_a_line_and_the_bot_is_not_asked():
    bot = Bot("ok")
    (only,) = said(bot, knobs={"min_length": 10, "max_length": 5})
    assert only.kind == "note"
    assert "min_length" in only.text
    assert bot.heard is None


@pytest.mark.parametrize(("language", "word"), [("en", "Sorry"), ("zh", "抱歉")])
def test_any_other_error_is_an_apology_with_the_reference_in_the_log(caplog, language, word):
    last = said(Bot("He", fault=ValueError("secret")), language=language)[-1]
    assert last.kind == "note"
    assert word in last.text
    assert "secret" not in last.text
    reference = caplog.records[-1].args[0]
    assert reference in last.text


@pytest.mark.parametrize("texts", [(), ("",), ("  ",)])
def test_a_bot_without_words_says_so(texts):
    last = said(Bot(*texts))[-1]
    assert last.kind == "note"
    assert "no words" in last.text


def test_a_bot_that_cannot_be_loaded_gives_its_reason():
    def load(card):
        raise BundleError("Cannot use bot: a file is missing. Copy it again.")

    found = list(answer(BotShelf([BotCard("bot")], load), "bot", ["Hi"], {}))
    assert found[-1] == Said("Cannot use bot: a file is missing. Copy it again.", "note")


def test_an_unknown_bot_is_a_note_too():
    found = list(answer(BotShelf([BotCard("bot")], Bot), "other", ["Hi"], {}))
    assert [one.kind for one in found] == ["note"]


def test_a_very_long_reply_is_cut():
    assert len(said(Bot("x" * 9000))[-1].text) == 4000


def test_throttling_drops_what_comes_too_fast_and_never_the_last():
    seconds = 0

    def one_a_second():
        nonlocal seconds
        for seconds in range(8):
            yield str(seconds)

    found = throttled(one_a_second(), seconds=3, clock=lambda: seconds)
    assert list(found) == ["0", "3", "6", "7"]
