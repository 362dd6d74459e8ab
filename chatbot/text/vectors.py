"""Vectors of words from a text file (word2vec, GloVe, fastText), brought to a tokenizer's pieces.

Each line is a word and its numbers, after an optional first line that counts words and numbers. A
piece has the vector of its own text, or else the mean of those of the words' parts that it is made
of: the fewest words of the file, longest first, that it is cut into. Knows no network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chatbot.config import ModelConfig
from chatbot.errors import ConfigError
from chatbot.text.tokenizer import CONTROL_IDS, Tokenizer

_WORD_START = "▁"


class PieceVectors(NamedTuple):
    """What a file of word vectors says of a vocabulary."""

    vectors: NDArray[np.float32]  # (V,E), zero where it says nothing
    known: NDArray[np.bool_]  # (V,)
    whole: int  # pieces that are words of the file
    composed: int  # pieces made of several

    @property
    def facts(self) -> dict[str, float]:
        """How much of the vocabulary is covered."""
        total = len(self.known)
        return {
            "pieces": total,
            "whole": self.whole,
            "composed": self.composed,
            "coverage": round((self.whole + self.composed) / total, 4),
        }


def check_vectors(model: ModelConfig) -> None:
    """Looks at the first vector of `embedding_file`, where one is named.

    Raises:
        ConfigError: it is missing, no text, holds no vectors, or those of another width.
    """
    if model.embedding_file is None:
        return
    path = Path(model.embedding_file)
    first = next(_lines(path), None)
    if first is None:
        raise ConfigError(f"{path} holds no word vectors: a line is a word and its numbers.")
    width = len(first[1])
    if width != model.embedding_units:
        raise ConfigError(
            f"The vectors in {path} have {width} numbers, but model.embedding_units is "
            f"{model.embedding_units}. Set model.embedding_units={width}, or take another file."
        )


def piece_vectors(path: Path, tokenizer: Tokenizer, width: int) -> PieceVectors:
    """Reads the vectors of a tokenizer's pieces.

    Known vectors are multiplied by one number, so that their numbers' mean square is 1, as a
    network's own are.

    Raises:
        ConfigError: as in `check_vectors`.
    """
    pieces = [_text(tokenizer, token_id) for token_id in range(tokenizer.vocab_size)]
    words = _wanted_words(path, {part for piece in pieces for part in _parts(piece)}, width)
    vectors = np.zeros((len(pieces), width), np.float32)
    counts = np.zeros(len(pieces), np.int64)
    for token_id, piece in enumerate(pieces):
        parts = _cut(piece, words)
        counts[token_id] = len(parts)
        if parts:
            vectors[token_id] = np.mean([words[part] for part in parts], axis=0)
    known = counts > 0
    size = np.sqrt(np.mean(np.square(vectors[known]))) if known.any() else 1.0
    return PieceVectors(
        vectors / max(float(size), 1e-12), known, int((counts == 1).sum()), int((counts > 1).sum())
    )


def _text(tokenizer: Tokenizer, token_id: int) -> str:
    """Returns what a piece stands for; nothing for control symbols and single bytes."""
    piece = tokenizer.piece(token_id)
    is_byte = piece.startswith("<0x") and piece.endswith(">")
    return "" if token_id in CONTROL_IDS or is_byte else piece.removeprefix(_WORD_START)


def _parts(piece: str) -> Iterator[str]:
    """Yields every run of characters of a piece, as written and in small letters."""
    for start in range(len(piece)):
        for end in range(start + 1, len(piece) + 1):
            yield piece[start:end]
            yield piece[start:end].lower()


def _cut(piece: str, words: Mapping[str, NDArray[np.float32]]) -> list[str]:
    """Cuts a piece into words, the longest first from its start; empty where that fails.

    >>> _cut("ofthe", {"of": None, "the": None, "o": None})
    ['of', 'the']
    >>> _cut("ofx", {"of": None})
    []
    """
    found, start = [], 0
    while start < len(piece):
        tries = (piece[start:end] for end in range(len(piece), start, -1))
        forms = ((text, form) for text in tries for form in (text, text.lower()))
        match = next(((text, form) for text, form in forms if form in words), None)
        if match is None:
            return []
        found.append(match[1])
        start += len(match[0])
    return found


def _wanted_words(path: Path, wanted: set[str], width: int) -> dict[str, NDArray[np.float32]]:
    words: dict[str, NDArray[np.float32]] = {}
    for word, numbers in _lines(path):
        if len(numbers) != width:
            raise ConfigError(
                f"The vector of {word[:40]!r} in {path} has {len(numbers)} numbers, not {width}. "
                "The file is damaged, or model.embedding_units is wrong."
            )
        if word in wanted and word not in words:
            words[word] = _vector(path, word, numbers)
    return words


def _vector(path: Path, word: str, numbers: Sequence[str]) -> NDArray[np.float32]:
    try:
        vector = np.array(numbers, np.float32)
    except ValueError:
        vector = np.array([np.nan], np.float32)
    if not np.isfinite(vector).all():
        raise ConfigError(
            f"The vector of {word[:40]!r} in {path} is made of other than numbers. Mend the file."
        )
    return vector


def _lines(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Yields each word with its numbers as text; passes over a first line of two counts."""
    try:
        with path.open(encoding="utf-8") as file:
            width = -1  # yet unknown; once known, a word may hold spaces
            for number, line in enumerate(file):
                word, *numbers = line.rstrip().rsplit(" ", width)
                counts = number == 0 and len(numbers) == 1 and (word + numbers[0]).isdigit()
                if numbers and not counts:
                    width = max(width, len(numbers))
                    yield word, numbers
    except OSError as error:
        raise ConfigError(
            f"Cannot read the word vectors {path}: {error.strerror}. Correct model.embedding_file."
        ) from None
    except ValueError:
        raise ConfigError(
            f"Cannot read the word vectors {path}: it is not text in UTF-8. Take the text format "
            "of word2vec, GloVe or fastText, unpacked."
        ) from None
