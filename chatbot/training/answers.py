"""What the network of a training answers, while it is no bundle yet. Knows no file and no loop."""

from __future__ import annotations

from collections.abc import Sequence

from chatbot.config import Config, DecodingConfig
from chatbot.decoding.engine import SearchEngine
from chatbot.decoding.likelihood import Likelihood
from chatbot.decoding.specific import SpecificFirst
from chatbot.decoding.state import Network
from chatbot.text.source import NOTHING, pad, source_ids
from chatbot.text.tokenizer import CONTROL_IDS, Tokenizer
from chatbot.training.turns import turns_shown

_BATCH = 64

History = Sequence[str]


class Answers:
    """Answers histories with the weights as they are when asked."""

    def __init__(self, network: Network, tokenizer: Tokenizer, config: Config) -> None:
        """Takes the network and what a bundle of it would say of itself."""
        self._tokenizer, self._config = tokenizer, config
        self._engine = SearchEngine(
            network,
            CONTROL_IDS,
            specific_first=SpecificFirst(Likelihood(network.logits), NOTHING),
        )

    def __call__(self, histories: Sequence[History], decoding: DecodingConfig) -> list[str]:
        """Returns the best reply to each history, shown as many turns as the bot is in a chat.

        Histories of one length are searched together, so that little is padded.
        """
        sources = [self.source(history) for history in histories]
        order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
        replies = [""] * len(sources)
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            found = self._engine.search(
                pad([sources[row] for row in rows]), decoding, [decoding.seed] * len(rows)
            )
            for row, ids in zip(rows, found.token_ids[:, 0], strict=True):
                replies[row] = self._tokenizer.decode(ids.tolist())
        return replies

    def source(self, history: History) -> list[int]:
        """Returns the token ids that the network is shown of a history."""
        turns = list(history[-turns_shown(self._config) :])
        limit = self._config.training.max_source_tokens
        return source_ids(self._tokenizer.encode_batch(turns), limit)
