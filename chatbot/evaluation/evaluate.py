"""A bot's scores on held-out pairs: how well it predicts replies, and what its own are like.

Beside them stand the scores of two baselines, the commonest reply and a random one, since BLEU
and overlap scores are easily fooled. Knows no terminal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from chatbot.bot import Chatbot
from chatbot.config import DecodingConfig
from chatbot.corpus.records import DialoguePair
from chatbot.evaluation.metrics import corpus_bleu, distinct, mean_length, perplexity
from chatbot.text.words import words

_BATCH = 64


@dataclass(frozen=True)
class ReplyScores:
    """What a list of replies is like beside the references."""

    bleu: float  # 0..100, sacrebleu
    distinct_1: float
    distinct_2: float
    mean_words: float
    commonest_share: float  # of the replies that are the single most frequent one


@dataclass(frozen=True)
class Evaluation:
    """All scores of a bot on one set of pairs."""

    pairs: int
    nats_per_reply: float
    perplexity_per_token: float  # subword tokens and <EOS>; not comparable across tokenizers
    perplexity_per_word: float  # words and one end a reply; comparable across tokenizers
    replies: ReplyScores
    references: ReplyScores  # the true replies, as a yardstick for diversity and length
    constant_baseline: ReplyScores  # the commonest true reply, always
    random_baseline: ReplyScores  # a random true reply of another pair

    def as_dict(self) -> dict[str, Any]:
        """Returns plain values for JSON."""
        return asdict(self)


def evaluate(
    bot: Chatbot, pairs: Sequence[DialoguePair], decoding: DecodingConfig | None = None
) -> Evaluation:
    """Scores `bot` on `pairs`: teacher-forced likelihood, then its own replies."""
    references = [pair.reply for pair in pairs]
    scores = [score for batch in batches(pairs) for score in _likelihood(bot, batch)]
    nats, tokens = sum(n for n, _ in scores), sum(t for _, t in scores)
    ends_and_words = sum(len(words(reference)) + 1 for reference in references)
    commonest = Counter(references).most_common(1)[0][0]
    return Evaluation(
        pairs=len(pairs),
        nats_per_reply=nats / len(pairs),
        perplexity_per_token=perplexity(nats / tokens),
        perplexity_per_word=perplexity(nats / ends_and_words),
        replies=score_replies(own_replies(bot, pairs, decoding), references),
        references=score_replies(references, references),
        constant_baseline=score_replies([commonest] * len(pairs), references),
        random_baseline=score_replies(_of_others(references), references),
    )


def own_replies(
    bot: Chatbot, pairs: Sequence[DialoguePair], decoding: DecodingConfig | None = None
) -> list[str]:
    """Returns the bot's replies to the histories, in order."""
    return [
        reply.text
        for batch in batches(pairs)
        for reply in bot.reply_batch([pair.history for pair in batch], decoding)
    ]


def score_replies(replies: Sequence[str], references: Sequence[str]) -> ReplyScores:
    """Scores replies against one reference each."""
    return ReplyScores(
        bleu=corpus_bleu(replies, references),
        distinct_1=distinct(replies, 1),
        distinct_2=distinct(replies, 2),
        mean_words=mean_length(replies),
        commonest_share=Counter(replies).most_common(1)[0][1] / len(replies),
    )


def batches(pairs: Sequence[DialoguePair]) -> Iterator[Sequence[DialoguePair]]:
    """Cuts the pairs into batches, in order."""
    for start in range(0, len(pairs), _BATCH):
        yield pairs[start : start + _BATCH]


def _likelihood(bot: Chatbot, batch: Sequence[DialoguePair]) -> list[tuple[float, int]]:
    return bot.score_batch([pair.history for pair in batch], [pair.reply for pair in batch])


def _of_others(references: Sequence[str]) -> list[str]:
    """Returns the references in a seeded order, no one's own but where there is only one."""
    order = np.random.default_rng(0).permutation(len(references))
    other = dict(zip(order, np.roll(order, 1), strict=True))
    return [references[other[i]] for i in range(len(references))]
