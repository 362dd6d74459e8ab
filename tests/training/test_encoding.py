"""What is drawn for an epoch: things in slots, hasty typing, other subjects, other cuts."""

import numpy as np
import pytest

from chatbot.config import TokenizerConfig, TrainingConfig
from chatbot.corpus.records import DialoguePair, SlotLists
from chatbot.text.tokenizer import BOT_ID, train_tokenizer
from chatbot.training.encoding import EpochEncoder
from chatbot.training.noise import mistyped

FOODS = SlotLists("slots.yml", {"food": ("pizza", "soup", "rice", "beans", "cheese", "bread")})
PAIRS = [
    DialoguePair(("I like {food} a lot.",), "Why {food}?", "x:1", FOODS),
    DialoguePair(("Hello there, friend!",), "Hello to you too.", "x:2"),
    DialoguePair(("Hi", "Hello!", "How are you doing today?"), "Fine, thank you.", "x:3"),
]


@pytest.fixture(scope="module")
def tokenizer():
    texts = [t for pair in PAIRS for t in (*pair.history, pair.reply)] + list(FOODS.things["food"])
    return train_tokenizer(texts * 20, TokenizerConfig(vocab_size=400))


def encoder(tokenizer, **settings):
    return EpochEncoder(PAIRS, tokenizer, TrainingConfig(**settings))


def rows(pairs):
    return [[list(row) for row in side] for side in pairs]


def replies(tokenizer, pairs):
    return [tokenizer.decode(ids) for ids in pairs.targets]


def test_slots_are_filled_anew_each_epoch_and_the_same_way_for_a_resumed_run(tokenizer):
    one, resumed = encoder(tokenizer), encoder(tokenizer)
    said = [replies(tokenizer, one(epoch))[0] for epoch in range(8)]
    assert len(set(said)) > 2
    assert replies(tokenizer, resumed(5))[0] == said[5]
    assert {replies(tokenizer, one(epoch))[1] for epoch in range(3)} == {"Hello to you too."}


def test_where_nothing_is_drawn_an_epoch_costs_nothing(tokenizer):
    plain = EpochEncoder(PAIRS[1:], tokenizer, TrainingConfig())
    assert plain(0) is plain(1)


def test_texts_are_cut_in_other_ways_that_read_the_same(tokenizer):
    one = encoder(tokenizer, subword_alpha=0.2)
    cuts = [one(epoch) for epoch in range(6)]
    assert {replies(tokenizer, cut)[1] for cut in cuts} == {"Hello to you too."}
    assert len({tuple(cut.targets[1]) for cut in cuts}) > 1
    assert rows(one(3)) == rows(encoder(tokenizer, subword_alpha=0.2)(3))


def test_a_first_message_may_follow_an_exchange_of_others(tokenizer):
    one = encoder(tokenizer, unrelated_history=0.999)
    assert all(BOT_ID in source for source in one(0).sources)
    alone = encoder(tokenizer)(0)
    assert [BOT_ID in source for source in alone.sources] == [False, False, True]
    assert alone.targets[1:] == one(0).targets[1:]  # the replies stay as they are


def test_only_the_message_is_mistyped(tokenizer):
    plain, noisy = encoder(tokenizer)(0), encoder(tokenizer, message_noise=1.0)
    assert all(noisy(epoch).targets[1:] == plain.targets[1:] for epoch in range(5))
    assert any(noisy(epoch).sources[1] != plain.sources[1] for epoch in range(5))


def test_hasty_typing_changes_little_and_never_everything():
    chance = np.random.default_rng(0)
    typed = {mistyped("I don't know, Anna.", chance) for _ in range(200)}
    assert {"i don't know, anna.", "I don't know, Anna", "i dont know, anna"} <= typed
    assert all(len("I dont know Anna") - 2 <= len(text) <= 22 for text in typed)
    assert {mistyped("吃了吗？", chance) for _ in range(50)} == {"吃了吗？", "吃了吗", "吃了吗?"}
    assert {mistyped("?", chance) for _ in range(20)} == {"?"}


def test_the_same_news_is_shouted_or_trails_off():
    chance = np.random.default_rng(0)
    typed = {mistyped("Tom failed.", chance) for _ in range(300)}
    assert {"Tom failed!", "Tom failed!!!", "Tom failed..."} <= typed
    assert {mistyped("算了，累！", chance) for _ in range(300)} == {
        *("算了，累！", "算了，累", "算了，累！！！", "算了，累。。。", "算了,累!")
    }
    asked = {mistyped("Did Tom fail?", chance) for _ in range(300)}
    assert not any(text.endswith(("!", "...")) for text in asked)
