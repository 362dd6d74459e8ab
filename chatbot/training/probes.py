"""The fixed messages that a bot in training answers at each validation, so that one sees it learn.

Half are everyday messages, half come from the validation side. Knows no training loop.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chatbot.config import DecodingConfig, TrainingConfig
from chatbot.corpus.records import DialoguePair
from chatbot.decoding.engine import SearchEngine
from chatbot.model.live import LiveNetwork
from chatbot.model.network import Seq2Seq
from chatbot.text.source import pad, source_ids
from chatbot.text.tokenizer import CONTROL_IDS, Tokenizer

_EVERYDAY = {
    "zh": ("你好！", "你叫什么名字？", "我今天很难过。", "我喜欢吃火锅。", "再见！"),
    "en": ("Hello!", "What is your name?", "My cat died yesterday.", "I love pizza.", "Goodbye!"),
}
_GREEDY = DecodingConfig(strategy="greedy")


def probe_messages(validation: Sequence[DialoguePair], language: str) -> tuple[str, ...]:
    """Returns everyday messages of the language and as many first messages held out."""
    everyday = _EVERYDAY.get(language, ())
    firsts = dict.fromkeys(p.history[-1] for p in validation if len(p.history) == 1)
    messages = list(firsts) or [p.history[-1] for p in validation]
    chosen = np.random.default_rng(0).permutation(len(messages))[: 10 - len(everyday)]
    return tuple(dict.fromkeys((*everyday, *(messages[i] for i in chosen))))


class Prober:
    """Answers the probe messages greedily with the weights as they are."""

    def __init__(
        self,
        messages: Sequence[str],
        tokenizer: Tokenizer,
        config: TrainingConfig,
        shortlist: NDArray[np.int32] | None = None,
    ) -> None:
        """Takes the messages to answer each time, and the tokens to choose from; None: all."""
        self._messages, self._tokenizer = tuple(messages), tokenizer
        rows = [
            source_ids([ids], config.max_source_tokens) for ids in tokenizer.encode_batch(messages)
        ]
        self._sources = pad(rows)
        self._shortlist = shortlist
        self._engine: SearchEngine | None = None

    def __call__(self, seq2seq: Seq2Seq) -> dict[str, str]:
        """Returns message -> reply."""
        if self._engine is None:  # compiled once, for the one network of this training
            self._engine = SearchEngine(LiveNetwork(seq2seq, self._shortlist), CONTROL_IDS)
        found = self._engine.search(self._sources, _GREEDY, [0] * len(self._messages))
        replies = [self._tokenizer.decode(ids) for ids in found.token_ids[:, 0]]
        return dict(zip(self._messages, replies, strict=True))
