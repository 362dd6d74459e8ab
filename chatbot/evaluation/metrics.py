"""Scores of texts alone: diversity, overlap with references, length. Knows no model."""

from __future__ import annotations

import math
from collections.abc import Sequence

from chatbot.text.words import main_language, words


def distinct(texts: Sequence[str], n: int) -> float:
    """Distinct n-grams divided by all n-grams (Li et al. 2016, arXiv:1510.03055, section 5).

    Falls as the number of texts grows, so compare equal numbers only.

    >>> distinct(["i do not know", "i do not care"], 1)
    0.625
    """
    grams = [
        tuple(found[i : i + n])
        for text in texts
        for found in [words(text.lower())]
        for i in range(len(found) - n + 1)
    ]
    return len(set(grams)) / len(grams) if grams else 0.0


def corpus_bleu(replies: Sequence[str], references: Sequence[str]) -> float:
    """BLEU in 0..100 by sacrebleu (Post 2018), one reference each; Chinese by its characters."""
    import sacrebleu

    tokenize = "zh" if main_language(references[:500]) == "zh" else "13a"
    return float(sacrebleu.corpus_bleu(list(replies), [list(references)], tokenize=tokenize).score)


def mean_length(texts: Sequence[str]) -> float:
    """Mean number of words (see text/words.py)."""
    return sum(len(words(text)) for text in texts) / max(1, len(texts))


def perplexity(nats: float) -> float:
    """exp of the mean nats per unit; bounded, so that a hopeless model has one too."""
    return math.exp(min(nats, 700.0))
