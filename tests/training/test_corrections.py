"""What is learned of corrections, and what beside them."""

import pytest

from chatbot.config import Config, TokenizerConfig, with_settings
from chatbot.corpus.records import DialoguePair
from chatbot.errors import TrainingError
from chatbot.text.tokenizer import train_tokenizer
from chatbot.training.corrections import beside, latest, lessons, roomy
from chatbot.training.rehearsal import OldPairs


def fix(*history, reply):
    return DialoguePair(history, reply, "corrections:1")


def test_of_two_corrections_of_one_message_the_later_holds():
    old, new = fix("Who are you?", reply="Nobody."), fix("who are you?", reply="I am Pip.")
    other = fix("Hi", reply="Hello!")
    assert latest([old, other, new], turns=1) == [new, other]


def test_the_same_message_after_another_turn_is_another_one_where_turns_are_shown():
    one, two = fix("Tea?", "No", "yes", reply="Here."), fix("Cake?", "No", "yes", reply="There.")
    assert latest([one, two], turns=3) == [one, two]
    assert latest([one, two], turns=1) == [two]


def test_each_is_learned_as_a_chat_shows_it_and_as_others_may_type_it():
    rows = lessons([fix("Oh", "Well", "Who are you?", reply="I am Pip.")], turns=1)
    assert [row.history for row in rows] == [
        ("Who are you?",),
        ("who are you?",),
        ("Who are you",),
        ("who are you",),
        ("Oh", "Well", "Who are you?"),
    ]
    assert {row.reply for row in rows} == {"I am Pip."}


def test_what_is_rehearsed_holds_no_message_that_is_corrected():
    old = [DialoguePair((f"message {i}",), f"reply {i}", "x:1") for i in range(50)]
    typed = [DialoguePair(("MESSAGE 3!",), "reply", "x:2")]
    chosen = beside(
        [fix("Message 3", reply="new")], OldPairs([*old, *typed], [], are_own=True), Config()
    )
    assert {pair.history[-1] for pair in chosen.known} == {
        f"message {i}" for i in range(50) if i != 3
    }
    assert 0 < chosen.held < 20


def test_a_long_correction_gets_the_room_to_be_said():
    tokenizer = train_tokenizer(["a b c d e f"] * 20, TokenizerConfig(vocab_size=300))
    long = fix("Hi", reply="a b c d e f " * 30)
    config = roomy(Config(), [long], tokenizer)
    tokens = len(tokenizer.encode(long.reply))
    assert config.training.max_target_tokens > tokens > 100
    assert config.decoding.max_length > tokens
    assert roomy(Config(), [fix("Hi", reply="a b")], tokenizer) == Config()


def test_one_longer_than_any_reply_is_refused_in_one_line():
    tokenizer = train_tokenizer(["a b c d e f"] * 20, TokenizerConfig(vocab_size=300))
    with pytest.raises(TrainingError, match="Shorten it"):
        roomy(with_settings(Config(), []), [fix("Hi", reply="a b c d e f " * 300)], tokenizer)
