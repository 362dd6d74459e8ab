"""Stand-ins for a trained model: a table of next-token probabilities that acts as a step.

Symbols are single characters. Knows the search's step interface and nothing of Keras.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chatbot.config import BOS_ID, EOS_ID, DecodingConfig
from chatbot.decoding.drivers import search
from chatbot.decoding.state import Hypotheses
from chatbot.decoding.strategies import strategy_for

SPECIALS = ("<PAD>", "<UNK>", "<BOS>", "<EOS>")
ALPHABET = "abcdefgh"
SYMBOLS = (*SPECIALS, *ALPHABET)
END = {"<EOS>": 1.0}

Table = Mapping[str, Mapping[str, float]]


def log_table(table: Table, symbols: Sequence[str] = SYMBOLS) -> np.ndarray:
    """Returns log P(next | last) as (V, V), -inf where the table is silent."""
    probabilities = np.zeros((len(symbols), len(symbols)), np.float32)
    for last, following in table.items():
        for symbol, probability in following.items():
            probabilities[symbols.index(last), symbols.index(symbol)] = probability
    with np.errstate(divide="ignore"):
        return np.log(probabilities)


def matrix_step(log_probs: np.ndarray) -> Callable[..., Any]:
    """A step that looks the last token up in (V, V) log-probabilities; attends to that token.

    Its state (N, 1) counts the steps that each row has seen.
    """
    rows, one_hot = np.asarray(log_probs, np.float32), np.eye(len(log_probs), dtype=np.float32)

    def step(token_ids: Any, state: Any) -> Any:
        return rows[token_ids], [array + 1 for array in state], one_hot[token_ids]

    return step


def table_step(table: Table) -> Callable[..., Any]:
    """A step over a table such as {"<BOS>": {"a": 0.6, "b": 0.4}, "a": END, "b": END}."""
    return matrix_step(log_table(table))


def decode(step: Callable[..., Any], sources: int = 1, **settings: Any) -> Hypotheses:
    """Searches with `DecodingConfig` settings; n-grams may repeat unless told otherwise."""
    config = DecodingConfig(**{"no_repeat_ngram_size": 0, "min_length": 0, **settings})
    strategy = strategy_for(config, forbidden_ids=())
    return search(
        strategy,
        step,
        [np.zeros((sources * strategy.rows_per_source, 1))],
        seeds=[config.seed] * sources,
        source_length=len(SYMBOLS),
    )


def word(token_ids: Sequence[int]) -> str:
    """Writes token ids as symbols up to `<EOS>` or padding."""
    letters = ""
    for token_id in token_ids:
        if token_id < BOS_ID or token_id == EOS_ID:
            break
        letters += SYMBOLS[token_id]
    return letters


def spell(step: Callable[..., Any], **settings: Any) -> str:
    """Returns the best reply of a search as a word."""
    return word(decode(step, **settings).token_ids[0, 0])
