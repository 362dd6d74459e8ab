"""Scores against numbers worked out by hand."""

import math

import pytest

from chatbot.corpus.records import DialoguePair
from chatbot.evaluation.evaluate import evaluate
from chatbot.evaluation.metrics import corpus_bleu, distinct, mean_length, perplexity
from chatbot.text.words import words


def test_distinct_counts_different_ngrams_among_all():
    texts = ["I like tea", "I like it"]
    assert distinct(texts, 1) == 4 / 6
    assert distinct(texts, 2) == 3 / 4
    assert distinct([], 2) == 0


def test_bleu_is_100_for_the_reference_and_0_for_other_words():
    references = ["this is a rather long reply", "and here is another one of them"]
    assert corpus_bleu(references, references) == pytest.approx(100)
    assert corpus_bleu(["x y z", "q"], references) == 0


def test_chinese_bleu_goes_by_characters():
    assert corpus_bleu(["我今天很好谢谢你"], ["我今天很好谢谢他"]) > 50


def test_length_is_in_words():
    assert mean_length(["I am fine.", "你好"]) == 3


def test_perplexity_of_a_uniform_guess_is_the_number_of_choices():
    assert perplexity(math.log(5000)) == pytest.approx(5000)
    assert perplexity(1e6) < math.inf


def test_perplexities_are_the_likelihood_over_tokens_and_over_words(tiny_bot):
    replies = ["I am fine, thank you.", "Hello! " * 20]  # one longer than training would cut it
    pairs = [DialoguePair(("How are you?",), reply.strip(), reply) for reply in replies]
    scores = tiny_bot.score_batch([p.history for p in pairs], [p.reply for p in pairs])
    nats, tokens = sum(n for n, _ in scores), sum(t for _, t in scores)
    found = evaluate(tiny_bot, pairs)
    assert tokens > 40
    assert found.perplexity_per_token == pytest.approx(math.exp(nats / tokens))
    ends_and_words = sum(len(words(pair.reply)) + 1 for pair in pairs)
    assert found.perplexity_per_word == pytest.approx(perplexity(nats / ends_and_words))
    assert found.references.bleu == pytest.approx(100)
    assert found.random_baseline.bleu < 50
    assert found.nats_per_reply == pytest.approx(nats / 2)
