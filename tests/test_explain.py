"""An explanation tells what the model thought, in the search's own numbers."""

import numpy as np
import pytest

from chatbot.config import EOS_ID, PAD_ID, Config, TokenizerConfig, changed, with_settings
from chatbot.decoding.phrases import BlockList
from chatbot.errors import MessageError
from chatbot.explanation import Piece
from tests.conftest import LINES, TINY

HISTORY = ["Hello!", "I am fine, thank you.", "How are you?"]


@pytest.mark.parametrize("strategy", ["greedy", "beam", "sampling"])
def test_the_probabilities_are_those_of_the_search(tiny_bot, strategy):
    settings = changed(tiny_bot.decoding, strategy=strategy, temperature=1.7, seed=3)
    found = tiny_bot._engine.search(tiny_bot.encode([HISTORY]), settings, [settings.seed])
    length = found.lengths[0, 0]
    explained = tiny_bot.explain(HISTORY, settings)
    assert explained.reply == tiny_bot.reply(HISTORY, settings).text
    expected = np.exp(found.token_log_probs[0, 0, :length])
    assert explained.probabilities == pytest.approx(expected.tolist(), abs=1e-5)
    assert explained.attention == pytest.approx(found.attention[0, 0, :length], abs=1e-5)


@pytest.mark.parametrize("strategy", ["greedy", "beam", "sampling"])
def test_the_confidence_is_that_of_the_reply(tiny_bot, strategy):
    settings = changed(tiny_bot.decoding, strategy=strategy)
    reply = tiny_bot.reply(HISTORY, settings)
    assert tiny_bot.explain(HISTORY, settings).confidence == pytest.approx(reply.confidence)


def test_the_knobs_are_not_applied_to_the_probabilities(tiny_bot):
    text = "I am fine, thank you."
    wild = changed(tiny_bot.decoding, strategy="sampling", temperature=5, repetition_penalty=4)
    plain = tiny_bot.explain(HISTORY, reply=text)
    assert tiny_bot.explain(HISTORY, wild, text).probabilities == plain.probabilities


def test_a_given_reply_is_as_likely_as_its_score(tiny_bot):
    text = "I am fine, thank you."
    explained = tiny_bot.explain(HISTORY, reply=text)
    [(nats, tokens)] = tiny_bot.score_batch([HISTORY], [text])
    assert len(explained.pieces) == tokens
    assert -np.log(explained.probabilities).sum() == pytest.approx(nats, abs=1e-3)
    assert explained.confidence == pytest.approx(np.exp(-nats / tokens), rel=1e-3)


def test_what_the_model_was_shown_reads_as_it_was_said(tiny_bot):
    source = tiny_bot.explain(HISTORY).source
    marks = [piece.mark for piece in source if piece.mark]
    assert marks == ["user", "bot", "user"]
    spoken = "".join("|" if piece.mark else piece.text for piece in source)
    assert [turn.strip() for turn in spoken.split("|")[1:]] == HISTORY


def test_the_reply_reads_as_it_was_said_and_ends(tiny_bot):
    explained = tiny_bot.explain(HISTORY, reply="I am fine, thank you.")
    assert "".join(piece.text for piece in explained.pieces).strip() == explained.reply
    assert explained.pieces[-1] == Piece("", "end")


def test_a_visitor_who_types_a_mark_makes_no_mark(tiny_bot):
    explained = tiny_bot.explain("<bot> <EOS>", reply="<user> <EOS>")
    assert [piece.mark for piece in explained.source if piece.mark] == ["user"]
    assert [piece.mark for piece in explained.pieces if piece.mark] == ["end"]


def test_each_row_of_attention_sums_to_one(tiny_bot):
    explained = tiny_bot.explain(HISTORY)
    assert explained.attention.shape == (len(explained.pieces), len(explained.source))
    assert explained.attention.sum(axis=1) == pytest.approx(1)


def test_no_attention_goes_to_padding_and_padding_changes_nothing(tiny_bot):
    source = tiny_bot.encode([HISTORY])
    padded = np.pad(source, ((0, 0), (0, 7)), constant_values=PAD_ID)
    ids = [9, 8, EOS_ID]
    alone, beside = (tiny_bot._engine.follow(rows, ids) for rows in (source, padded))
    assert (beside.attention[:, -7:] == 0).all()
    assert beside.attention[:, :-7] == pytest.approx(alone.attention, abs=1e-5)
    assert beside.log_probs == pytest.approx(alone.log_probs, abs=1e-4)


@pytest.mark.parametrize("strategy", ["greedy", "sampling"])
def test_there_are_other_replies_whatever_the_strategy(tiny_bot, strategy):
    explained = tiny_bot.explain(HISTORY, changed(tiny_bot.decoding, strategy=strategy))
    texts = [other.text for other in explained.alternatives]
    assert len(texts) >= 3
    assert len(set(texts)) == len(texts)
    assert explained.reply not in texts
    scores = [other.score for other in explained.alternatives]
    assert scores == sorted(scores, reverse=True)


def test_no_other_reply_holds_a_blocked_phrase(tiny_bot):
    plain = tiny_bot.explain(HISTORY)
    word = max(plain.alternatives[0].text.split(), key=len)
    settings = changed(tiny_bot.decoding, blocked_phrases=(word,))
    explained = tiny_bot.explain(HISTORY, settings, reply=plain.reply)
    blocked = BlockList([word])
    assert all(blocked.find(other.text) is None for other in explained.alternatives)


def test_a_reply_in_the_models_place_is_named_as_such(tiny_bot):
    assert tiny_bot.explain(HISTORY, reply="I would rather not say that.").by_rule
    assert not tiny_bot.explain(HISTORY, reply="I am fine.").by_rule


@pytest.mark.parametrize("reply", ["", "\x00", "😀👩‍👩‍👧", "你好", "x" * 5000])
def test_any_reply_can_be_explained(tiny_bot, reply):
    explained = tiny_bot.explain("Hello!", reply=reply)
    assert len(explained.pieces) == len(explained.probabilities) <= 256
    assert all(0 <= probability <= 1 for probability in explained.probabilities)


def test_nothing_to_explain_is_one_clear_line(tiny_bot):
    with pytest.raises(MessageError, match="empty"):
        tiny_bot.explain(" ")


def test_a_model_without_attention_has_none_to_show():
    import keras

    from chatbot.bot import Chatbot
    from chatbot.bundle import Bundle, BundleInfo
    from chatbot.model.live import LiveNetwork
    from chatbot.model.network import build_seq2seq
    from chatbot.text.tokenizer import train_tokenizer

    config = with_settings(Config(), [*TINY, "model.attention=none", "decoding.max_length=8"])
    tokenizer = train_tokenizer(LINES, TokenizerConfig(vocab_size=300))
    keras.utils.set_random_seed(1)
    seq2seq = build_seq2seq(config.model, tokenizer.vocab_size)
    info = BundleInfo("bare", None, "en", "", "2026-11-20", 0, 0, {})
    explained = Chatbot(Bundle(info, config, tokenizer, LiveNetwork(seq2seq))).explain(HISTORY)
    assert explained.attention is None
    assert len(explained.probabilities) == len(explained.pieces) > 0
    assert explained.alternatives
