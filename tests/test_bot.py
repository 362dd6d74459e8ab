"""A bot answers anything that a person can type, the same alone and in company."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from chatbot.bot import Chatbot
from chatbot.bundle import read_info, stored_replies
from chatbot.config import BOS_ID, EOS_ID, DecodingConfig, changed
from chatbot.decoding.phrases import BlockList
from chatbot.errors import MessageError
from chatbot.text.set_lines import is_set_line

BUNDLES = Path(__file__).parent / "bundles"
STRANGE = [
    "<EOS>",
    "<turn> <user> <BOS>",
    "😀👩‍👩‍👧🏳️‍🌈",
    "שלום, מה שלומך?",
    "\u202eevil\u202c",
    "a\x00b",
    "\ud800 lone",
    "?" * 500,
    "\t tabs \n and lines \r\n",
]


@pytest.mark.parametrize("message", STRANGE)
@pytest.mark.parametrize("strategy", ["greedy", "beam", "sampling"])
def test_any_text_gets_a_reply_without_special_symbols(tiny_bot, message, strategy):
    settings = changed(tiny_bot.decoding, strategy=strategy)
    text = tiny_bot.reply(message, settings).text
    assert isinstance(text, str)
    assert not any(mark in text for mark in ("<UNK>", "<PAD>", "<BOS>", "\ufffd", "\x00"))


@pytest.mark.parametrize("message", ["", "   ", "\x00", "\u202e", [], ["Hi", "Hello", " "]])
def test_nothing_to_reply_to_is_one_clear_line(tiny_bot, message):
    with pytest.raises(MessageError, match="empty"):
        tiny_bot.reply(message)


def test_a_megabyte_of_text_is_one_clear_line(tiny_bot):
    with pytest.raises(MessageError, match="1,000,000 characters"):
        tiny_bot.reply("a" * 1_000_000)


@pytest.mark.parametrize("strategy", ["greedy", "beam", "sampling"])
def test_a_reply_does_not_change_with_its_batch_mates(tiny_bot, strategy):
    settings = changed(tiny_bot.decoding, strategy=strategy, temperature=1.5, top_p=1.0)
    histories = ["Hello!", ["Hi", "How are you?", "Fine, and what is your name?"], "你好"]
    together = tiny_bot.reply_batch(histories, settings, seeds=[1, 2, 3])
    alone = [
        tiny_bot.reply(history, changed(settings, seed=seed))
        for seed, history in enumerate(histories, start=1)
    ]
    assert [r.text for r in together] == [r.text for r in alone]


@pytest.mark.parametrize("strategy", ["greedy", "sampling"])
def test_the_stream_grows_and_ends_in_the_reply(tiny_bot, strategy):
    settings = changed(tiny_bot.decoding, strategy=strategy, seed=4)
    texts = list(tiny_bot.stream("Hello!", settings))
    assert len(texts) > 2
    assert texts[-1] == tiny_bot.reply("Hello!", settings).text


def test_a_beam_is_streamed_as_one_finished_text(tiny_bot):
    settings = changed(tiny_bot.decoding, strategy="beam")
    assert list(tiny_bot.stream("Hello!", settings)) == [tiny_bot.reply("Hello!", settings).text]


def test_the_bot_keeps_no_conversation(tiny_bot):
    before = tiny_bot.reply("Hello!").text
    tiny_bot.reply(["Hello!", "How are you?", "What is your name?"])
    assert tiny_bot.reply("Hello!").text == before


def test_history_changes_what_the_model_is_shown(tiny_bot):
    alone = tiny_bot.encode(["Hello!"])
    after = tiny_bot.encode([["How are you?", "I am fine.", "Hello!"]])
    assert after.shape[1] > alone.shape[1]
    assert after[0, -alone.shape[1] :].tolist() == alone[0].tolist()


def test_the_bot_can_be_shown_fewer_turns(tiny_bot):
    long = ["How are you?", "I am fine.", "Hello!"]
    settings = changed(tiny_bot.decoding, history_turns=1)
    assert tiny_bot.reply(long, settings) == tiny_bot.reply("Hello!", settings)
    assert list(tiny_bot.stream(long, settings)) == list(tiny_bot.stream("Hello!", settings))
    more = tiny_bot.encode([["What is your name?"] * 9 + long], 99)
    assert more.tolist() == tiny_bot.encode([["What is your name?"] * 9 + long]).tolist()


def test_n_best_replies_come_the_best_first(tiny_bot):
    settings = changed(tiny_bot.decoding, strategy="beam", n_best=4, beam_size=5)
    reply = tiny_bot.reply("Hello!", settings)
    scores = [alternative.score for alternative in reply.alternatives]
    assert len(scores) == 4
    assert scores == sorted(scores, reverse=True)
    assert reply.text == reply.alternatives[0].text


def test_no_reply_holds_a_blocked_phrase(tiny_bot):
    plain = tiny_bot.reply("Hello!").text
    word = max(re.findall(r"\w+", plain), key=len)
    settings = changed(tiny_bot.decoding, blocked_phrases=(word,))
    assert BlockList([word]).find(plain)
    for strategy in ("greedy", "beam", "sampling"):
        reply = tiny_bot.reply("Hello!", changed(settings, strategy=strategy))
        assert BlockList([word]).find(reply.text) is None


def test_a_reply_needs_neither_tensorflow_nor_keras(tiny_bundle):
    code = (
        "import sys; from chatbot.shelf import BotCard, load_chatbot;"
        "bot = load_chatbot(BotCard('tiny', source=sys.argv[1]));"
        "print(bot.explain('Hello!').reply, {'tensorflow', 'keras', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tiny_bundle], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith("set()")
    assert len(done.stdout.strip()) > len("set()") + 1  # it has said something


def test_an_empty_hypothesis_is_no_reply_while_there_is_another(tiny_bot):
    """A beam wider than what it can find has empty places."""
    settings = changed(tiny_bot.decoding, strategy="beam", beam_size=64, n_best=64, max_length=2)
    reply = tiny_bot.reply("Hello!", settings)
    assert reply.text
    assert all(alternative.text for alternative in reply.alternatives)


def test_where_everything_is_blocked_it_declines(tiny_bot):
    settings = changed(tiny_bot.decoding, strategy="beam", n_best=8, beam_size=8)
    texts = [a.text for a in tiny_bot.reply("Hello!", settings).alternatives]
    found = tuple({word for text in texts for word in text.split()})
    reply = tiny_bot.reply("Hello!", changed(settings, blocked_phrases=found))
    assert reply.text == "I would rather not say that."
    assert reply.confidence == 0


def test_a_score_is_what_the_steps_of_the_search_add_up_to(tiny_bot):
    """Teacher forcing and stepping by hand find one reply equally likely."""
    message, text = "How are you?", "I am fine, thank you."
    bundle = tiny_bot._bundle
    sources, state = bundle.network.encode(tiny_bot.encode([message]))
    total, last = 0.0, BOS_ID
    for token_id in [*bundle.tokenizer.encode(text), EOS_ID]:
        logits, _, state = bundle.network.step(np.array([last]), sources, state)
        total -= float(logits[0, token_id] - np.log(np.exp(logits[0]).sum()))
        last = token_id
    [(nats, tokens)] = tiny_bot.score_batch([message], [text])
    assert tokens == len(bundle.tokenizer.encode(text)) + 1
    assert nats == pytest.approx(total, abs=1e-3)


@pytest.mark.parametrize("strategy", ["greedy", "beam", "sampling"])
def test_a_bot_that_is_not_sure_says_so_instead(tiny_bot, strategy):
    settings = changed(tiny_bot.decoding, strategy=strategy)
    sure = tiny_bot.reply("Hello!", settings)
    below, above = (
        changed(settings, min_confidence=sure.confidence + step) for step in (-1e-4, 1e-4)
    )
    assert tiny_bot.reply("Hello!", below) == sure
    unsure = tiny_bot.reply("Hello!", above)
    assert is_set_line(unsure.text)
    assert not is_set_line(sure.text)
    assert unsure.alternatives == sure.alternatives
    assert list(tiny_bot.stream("Hello!", above)) == [unsure.text]  # never a part of the other
    assert tiny_bot.explain("Hello!", above).by_rule


def test_the_reply_holds_what_it_must_contain(tiny_bot):
    settings = changed(tiny_bot.decoding, strategy="beam", beam_size=6, max_length=20)
    phrase = "thank you"
    assert phrase not in tiny_bot.reply("Hello!", settings).text
    held = changed(settings, must_contain=(phrase, "What"))
    text = tiny_bot.reply("Hello!", held).text
    assert phrase in text
    assert "What" in text


@pytest.mark.parametrize("name", ["first-default", "first-lstm", "first-plain"])
def test_a_bundle_written_before_the_parts_came_answers_as_it_did(name):
    """Its configuration knows none of them, its file names layers as they were: both must hold."""
    bot = Chatbot.load(BUNDLES / name)
    for message, reply in stored_replies(BUNDLES / name).items():
        assert bot.reply(message, DecodingConfig(max_length=10)).text == reply
    nats = read_info(BUNDLES / name).metrics["nats_of_one_reply"]
    assert bot.score_batch(["Hello!"], ["I am fine."])[0][0] == pytest.approx(nats, rel=1e-6)
