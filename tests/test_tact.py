"""A bot is not glad at what may be bad news: a small network, and the shipped ones."""

import shutil

import numpy as np
import pytest

from chatbot.bot import Chatbot
from chatbot.bundle import edit_bundle, load_bundle, read_tones
from chatbot.config import changed
from chatbot.decoding.likelihood import Likelihood, token_by_token
from chatbot.errors import BundleError
from chatbot.tact import Tact
from chatbot.text.set_lines import is_set_line
from chatbot.text.tones import Tones

MESSAGE = "Hello!"


@pytest.fixture(scope="module")
def hypotheses(tiny_bot):
    """The two likeliest replies to the message, the best first."""
    beam = changed(tiny_bot.decoding, strategy="beam", n_best=2)
    return [a.text for a in tiny_bot.reply(MESSAGE, beam).alternatives]


@pytest.fixture(scope="module")
def tactful_bot(tiny_bundle, hypotheses):
    """The tiny bot, whose best reply is glad and the next one sorry."""
    tones = Tones(*((text,) for text in hypotheses))
    return Chatbot(load_bundle(tiny_bundle)._replace(tones=tones))


def reply(bot, **settings):
    return bot.reply(MESSAGE, changed(bot.decoding, **{"strategy": "beam", **settings}))


def test_a_glad_reply_gives_way_where_a_sorry_one_is_nearly_as_likely(tactful_bot, hypotheses):
    assert reply(tactful_bot, tact=0).text == hypotheses[0]
    assert reply(tactful_bot, tact=1e-6).text == hypotheses[0]  # sure enough
    said = reply(tactful_bot, tact=1e6).text
    assert said not in hypotheses
    assert is_set_line(said)


def test_the_explanation_names_the_rule_and_the_reply_that_gave_way(tactful_bot, hypotheses):
    settings = changed(tactful_bot.decoding, strategy="beam", tact=1e6)
    explained = tactful_bot.explain(MESSAGE, settings)
    assert explained.by_rule
    assert hypotheses[0] in [a.text for a in explained.alternatives]


def test_of_several_replies_none_is_glad_either(tactful_bot, hypotheses):
    said = reply(tactful_bot, tact=1e6, n_best=3)
    texts = [a.text for a in said.alternatives]
    assert texts[0] == said.text
    assert hypotheses[0] not in texts
    assert hypotheses[1] in texts


def test_the_line_in_its_place_holds_no_blocked_phrase(tactful_bot):
    said = reply(tactful_bot, tact=1e6, blocked_phrases=("oh",)).text
    assert said == "I would rather not say that."


def test_greedy_search_and_a_bot_without_tones_are_as_before(tactful_bot, tiny_bot):
    greedy = reply(tiny_bot, strategy="greedy").text
    assert reply(tactful_bot, strategy="greedy", tact=1e6).text == greedy
    assert reply(tiny_bot, tact=1e6) == reply(tiny_bot, tact=0)


def test_a_batch_is_judged_one_by_one(tactful_bot):
    settings = changed(tactful_bot.decoding, strategy="beam", tact=1e6)
    histories = [MESSAGE, "What is your name?", "你好"]
    together = [r.text for r in tactful_bot.reply_batch(histories, settings)]
    assert together == [tactful_bot.reply(h, settings).text for h in histories]


def test_tones_are_kept_in_the_bundle_and_damage_is_told(tiny_bundle, tmp_path, monkeypatch):
    monkeypatch.setenv("CHATBOT_HOME", str(tmp_path))
    (tmp_path / "saved_models").mkdir()
    kept = tmp_path / "saved_models" / "kept"
    shutil.copytree(tiny_bundle, kept)
    tones = Tones(("How nice!",), ("Oh dear.",))
    edit_bundle("kept", tones=tones)
    assert load_bundle("kept").tones == tones
    edit_bundle("kept", blocked_phrases=["x"])  # another change leaves them
    assert read_tones(kept) == tones
    (kept / "tones.json").write_text("{", encoding="utf-8")
    with pytest.raises(BundleError, match=r"tones\.json"):
        load_bundle("kept")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("english", "my pizza fell face down lol"),
        ("chinese", "相亲又黄了哈哈"),
    ],
)
def test_a_shipped_bot_is_not_glad_at_a_mishap_told_laughing(name, message):
    bundle = load_bundle(name)
    assert bundle.tones.glad
    bot = Chatbot(bundle)
    assert bot.reply(message, changed(bot.decoding, tact=0)).text in bundle.tones.glad
    assert bot.reply(message).text not in bundle.tones.glad


def test_tact_reads_no_more_of_the_replies_than_it_needs(tactful_bot, monkeypatch):
    """Its answer is that of all of their tokens, which only a close call makes it read."""
    bundle, steps = tactful_bot._bundle, []

    def counted(*about):
        for begun in token_by_token(*about):
            steps.append(len(begun.nats))
            yield begun

    monkeypatch.setattr("chatbot.tact.token_by_token", counted)
    tact = Tact(bundle.tones, bundle.tokenizer.encode_batch, bundle.network)
    source, glad = tactful_bot.encode([MESSAGE]), bundle.tones.glad[0]
    nats = Likelihood(bundle.network.logits)(source, tact._ids)
    even = float(np.exp(nats[1] - nats[0]))  # how many times likelier the glad one is
    read = {}
    for asked in (even * 1e-9, even * 0.99, even * 1.01, even * 1e9):
        steps.clear()
        settings = changed(tactful_bot.decoding, strategy="beam", tact=asked)
        assert tact.forbids(glad, source, settings) is (asked > even)
        read[asked] = steps.count(2)
    assert min(read.values()) < max(read.values()) <= tact._ids.shape[1]
