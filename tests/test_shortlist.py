"""A bot chooses among the tokens of the replies that it learned, and says more when it must."""

import json
import shutil

import numpy as np
import pytest

from chatbot.bot import Chatbot
from chatbot.bundle import (
    edit_bundle,
    load_bundle,
    pack_bundle,
    read_shortlist,
    rename_bundle,
    unpack_bundle,
)
from chatbot.bundle.writing import seal
from chatbot.config import EOS_ID, Config, TokenizerConfig, changed, with_settings
from chatbot.corpus.pair_table import write_pairs
from chatbot.corpus.prepare import CorpusSource
from chatbot.corpus.records import DialoguePair, SlotLists
from chatbot.errors import BundleError
from chatbot.text.tokenizer import CONTROL_IDS, train_tokenizer
from chatbot.training.draft import draft
from chatbot.training.job import Job, set_up
from chatbot.training.shortlist import shortlist_for

MESSAGES = ["Hello!", "How are you?", "What is your name?", "你好"]


@pytest.fixture
def corpora(tmp_path):
    path = tmp_path / "sums.tsv"
    lines = (f"what is {i} and {j}\tit is {i + j}\n" for i in range(20) for j in range(10))
    path.write_text("".join(lines), encoding="utf-8")
    return [CorpusSource(path)]


@pytest.fixture
def listed(tiny_bundle, tmp_path):
    """Returns a function that gives the tiny bundle a shortlist, as the text of its file."""

    def give(text):
        folder = tmp_path / "listed"
        shutil.copytree(tiny_bundle, folder)
        (folder / "shortlist.json").write_text(text, encoding="utf-8")
        seal(folder)
        return folder

    return give


def listing(ids):
    return json.dumps({"token_ids": sorted({EOS_ID, *ids})})


def said_by(bot, **settings):
    found = bot._engine.search(
        bot.encode(MESSAGES), changed(bot.decoding, **settings), [1] * len(MESSAGES)
    )
    return found.token_ids


def test_it_is_the_tokens_of_all_replies(home, corpora):
    run, _ = set_up(Job("sums", corpora, Config()))
    replies = {f"it is {i}" for i in range(29)}
    tokens = {token for row in run.tokenizer().encode_batch([*replies]) for token in row}
    assert run.shortlist().tolist() == sorted({*CONTROL_IDS, EOS_ID, *tokens})


@pytest.mark.parametrize(
    "setting",
    [
        "model.copying=true",  # says words of the message
        "training.subword_alpha=0.2",  # cuts a reply in many ways
    ],
)
def test_there_is_none_where_more_may_be_said(home, corpora, setting):
    run, _ = set_up(Job("sums", corpora, with_settings(Config(), [setting])))
    assert run.shortlist() is None


def test_there_is_none_where_it_saves_little(home, corpora, monkeypatch):
    monkeypatch.setattr("chatbot.training.shortlist._MOST", 0.01)
    run, _ = set_up(Job("sums", corpora, Config()))
    assert run.shortlist() is None


def test_all_that_can_fill_the_slots_of_a_reply_is_on_it(corpora):
    drafted = draft(Job("sums", corpora, Config()))
    tokenizer = train_tokenizer(["hello"] * 9, TokenizerConfig(vocab_size=600))
    lists = SlotLists("own", {"food": ("rice", "fox"), "drink": ("tea",), "tool": ("jazz",)})
    pair = DialoguePair(("A {tool}.",), "{food}, {food_2} and {drink}", "x:1", lists)
    said = ["Rice, rice and tea", "Fox, fox and tea"]
    expected = {EOS_ID, *(i for row in tokenizer.encode_batch(said) for i in row)}
    assert shortlist_for(drafted, {"train": [pair]}, tokenizer) == sorted(expected)


@pytest.mark.parametrize("base_has_one", [True, False])
def test_fine_tuning_adds_to_that_of_its_base(home, corpora, base_has_one):
    base = home / "saved_models" / "tiny"
    if base_has_one:
        (base / "shortlist.json").write_text(listing([5, 6, 250]), encoding="utf-8")
        seal(base)
    known = [DialoguePair(("Hello!",), "Hi!", "x:1")]
    write_pairs(base / "corpus.parquet", {"train": known, "validation": known})
    settings = with_settings(Config(), ["training.rehearsal=0"])
    run, _ = set_up(Job("tuned", corpora, settings, base="tiny"))
    if base_has_one:
        assert {5, 6, 250} < set(run.shortlist().tolist())
    else:
        assert run.shortlist() is None


@pytest.mark.parametrize("strategy", ["greedy", "beam", "sampling"])
def test_no_other_token_is_said_and_the_same_ones_are_where_they_are_on_it(
    tiny_bot, listed, strategy
):
    free = said_by(tiny_bot, strategy=strategy)
    used = Chatbot.load(listed(listing(free.ravel().tolist())))
    if strategy == "greedy":  # the others depend on what else there is
        assert (said_by(used, strategy=strategy) == free).all()
    allowed = used._bundle.network.shortlist
    assert set(said_by(used, strategy=strategy).ravel().tolist()) <= set(allowed.tolist())
    assert 6 < len(allowed) < tiny_bot._bundle.tokenizer.vocab_size / 2


def test_a_phrase_that_must_be_said_is_said_whatever_the_list(tiny_bot, listed):
    few = Chatbot.load(listed(listing(range(240, 250))))
    settings = changed(few.decoding, strategy="beam", must_contain=("What",))
    assert "What" in few.reply("Hello!", settings).text
    assert "What" not in few.reply("Hello!").text


def test_any_reply_can_be_explained_whatever_the_list(tiny_bot, listed):
    few = Chatbot.load(listed(listing(range(240, 250))))
    text = "Thank you very much!"
    one, other = (bot.explain("Hello!", reply=text) for bot in (few, tiny_bot))
    assert np.allclose(one.probabilities, other.probabilities, atol=1e-6)


def test_a_network_that_keras_carries_out_has_it_too(listed):
    folder = listed(listing(range(230, 260)))
    recorded = Chatbot.load(folder)
    (folder / "network.json").unlink()
    seal(folder)
    live = Chatbot.load(folder)
    assert type(live._bundle.network) is not type(recorded._bundle.network)
    assert (said_by(live, strategy="greedy") == said_by(recorded, strategy="greedy")).all()


def test_it_goes_along_with_a_bot_that_is_packed_edited_and_renamed(home, tmp_path):
    path = home / "saved_models" / "tiny"
    (path / "shortlist.json").write_text(listing([240]), encoding="utf-8")
    seal(path)
    unpacked = unpack_bundle(pack_bundle("tiny", tmp_path / "tiny.zip"), "twin")
    edit_bundle("tiny", blocked_phrases=["x"])
    for folder in (unpacked, rename_bundle("tiny", "other")):
        assert load_bundle(folder).network.shortlist.tolist() == [*range(6), 240]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"token_ids": []}',
        '{"token_ids": [4, 5]}',
        '{"token_ids": [-1, 3]}',
        '{"token_ids": [3, 5000]}',
        '{"token_ids": [3, 99999999999999999999]}',
        '{"token_ids": "3"}',
        '{"token_ids": [3, "x"]}',
        '{"token_ids": {"3": 3}}',
        '{"token_ids": [[3], [4, 5]]}',
    ],
)
def test_a_list_that_is_none_is_one_line(listed, text):
    folder = listed(text)
    with pytest.raises(BundleError, match=r"shortlist\.json is missing or differs"):
        load_bundle(folder)


def test_without_one_all_tokens_can_be_said(tiny_bundle):
    assert read_shortlist(tiny_bundle, 320) is None
    assert load_bundle(tiny_bundle).network.shortlist is None
