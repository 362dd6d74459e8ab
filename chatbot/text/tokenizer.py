"""SentencePiece pieces with this project's fixed ids.

`<PAD>` 0, `<UNK>` 1, `<BOS>` 2, `<EOS>` 3, then the speaker marks `<user>` 4 and `<bot>` 5. All
six are control symbols: added by id alone, so a person who types `<EOS>` gets ordinary text.
Knows nothing of models. How a history becomes ids stands in source.py.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable, Sequence

import numpy as np
import sentencepiece
from numpy.typing import NDArray

from chatbot.config import BOS_ID, EOS_ID, PAD_ID, UNK_ID, TokenizerConfig
from chatbot.errors import BundleError, CorpusError
from chatbot.text.cleaning import clean_text

USER_ID, BOT_ID = 4, 5
CONTROL_IDS = (PAD_ID, UNK_ID, BOS_ID, USER_ID, BOT_ID)  # no reply may hold these; <EOS> ends one
_WAYS_TO_CUT = 16
_WORTH_THREADS = 32  # texts: SentencePiece's threads take 150 us to start, a text takes 6


class Tokenizer:
    """Text to token ids and back, the same way on every machine."""

    def __init__(self, serialized: bytes) -> None:
        """Reads a serialised SentencePiece model.

        Raises:
            BundleError: the bytes are no SentencePiece model, or one of another project.
        """
        self.serialized = serialized
        try:
            self._pieces = sentencepiece.SentencePieceProcessor(model_proto=serialized)
        except RuntimeError:
            raise BundleError(
                "The tokenizer cannot be read: its file is damaged or no SentencePiece model. "
                "Copy the whole model folder again."
            ) from None
        if [self._pieces.piece_to_id(mark) for mark in ("<user>", "<bot>")] != [USER_ID, BOT_ID]:
            raise BundleError(
                "The tokenizer was not made by this program: its speaker marks are missing. "
                "Train one with `python -m chatbot train`."
            )

    @property
    def vocab_size(self) -> int:
        """The number of pieces, control symbols and bytes included."""
        return int(self._pieces.get_piece_size())

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the model: two tokenizers with one fingerprint give the same ids."""
        return hashlib.sha256(self.serialized).hexdigest()

    def encode(self, text: str) -> list[int]:
        """Returns the token ids of one text; never a control symbol, so never `<EOS>`."""
        return list(self._pieces.encode(clean_text(text)))

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns the token ids of many texts at once; of few without starting threads."""
        if len(texts) < _WORTH_THREADS:
            return [self.encode(text) for text in texts]
        return list(self._pieces.encode([clean_text(text) for text in texts]))

    def sample(self, text: str, alpha: float, chance: np.random.Generator) -> list[int]:
        """Returns one of the likeliest ways to cut a text, x with a chance of P(x)^alpha.

        Subword regularisation (Kudo 2018, arXiv:1804.10959, section 3.2). SentencePiece's own
        sampling takes a seed only once in the life of a thread.
        """
        found = self._pieces.nbest_encode_as_proto(clean_text(text), _WAYS_TO_CUT)
        scores = alpha * np.array([way.score for way in found.nbests])
        odds = np.exp(scores - scores.max())
        way = found.nbests[int(chance.choice(len(odds), p=odds / odds.sum()))]
        return [piece.id for piece in way.pieces]

    def decode(self, token_ids: Sequence[int]) -> str:
        """Returns the text up to the first `<EOS>`; a half-finished character is left out.

        A reply cut inside a character of several byte pieces would end in U+FFFD; it is dropped,
        so a stream holds it back until it is whole.
        """
        ids = [int(token_id) for token_id in token_ids]
        ids = ids[: ids.index(EOS_ID)] if EOS_ID in ids else ids
        return clean_text(self._pieces.decode([i for i in ids if i not in CONTROL_IDS]))

    def piece(self, token_id: int) -> str:
        """Returns one piece as it is written in the vocabulary (`▁` marks a word's start)."""
        return str(self._pieces.id_to_piece(int(token_id)))


def with_control(token_ids: Iterable[int]) -> NDArray[np.int32]:
    """Returns a shortlist: the ids sorted, the control symbols first, whose places are their ids.

    >>> with_control([9, 3, 7]).tolist()
    [0, 1, 2, 3, 4, 5, 7, 9]
    """
    return np.array(sorted({*CONTROL_IDS, EOS_ID, *token_ids}), np.int32)


def train_tokenizer(texts: Iterable[str], config: TokenizerConfig) -> Tokenizer:
    """Learns a unigram vocabulary (Kudo 2018, arXiv:1804.10959) with byte fallback from `texts`.

    A corpus too small for `vocab_size` pieces gets as many as it supports.

    Raises:
        CorpusError: there is no text to learn from.
    """
    sentences = [cleaned for text in texts if (cleaned := clean_text(text))]
    if not sentences:
        raise CorpusError("The tokenizer has nothing to learn from: the corpus holds no text.")
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences),
            model_writer=model,
            model_type="unigram",
            vocab_size=config.vocab_size,
            hard_vocab_limit=False,  # a small corpus gets fewer pieces instead of an error
            character_coverage=config.character_coverage,
            input_sentence_size=config.training_sentences,
            shuffle_input_sentence=False,  # its shuffle takes no seed
            normalization_rule_name="identity",
            byte_fallback=True,
            split_digits=True,
            pad_id=PAD_ID,
            unk_id=UNK_ID,
            bos_id=BOS_ID,
            eos_id=EOS_ID,
            pad_piece="<PAD>",
            unk_piece="<UNK>",
            bos_piece="<BOS>",
            eos_piece="<EOS>",
            control_symbols=["<user>", "<bot>"],
            unk_surface="",
            num_threads=1,  # the same pieces on every run
            minloglevel=2,
        )
    except RuntimeError as error:
        raise CorpusError(_why_not_learned(str(error), config)) from None
    return Tokenizer(model.getvalue())


def _why_not_learned(error: str, config: TokenizerConfig) -> str:
    """Says what SentencePiece's error means for the user."""
    needed = re.search(r"smaller than required_chars\. \d+ vs (\d+)", error)
    if needed:  # each character that is kept has a piece of its own
        return (
            f"tokenizer.vocab_size={config.vocab_size} is too small for this corpus: its "
            f"characters alone need {int(needed[1]):,} pieces. Set it to twice as many, or lower "
            "tokenizer.character_coverage."
        )
    return (
        f"The tokenizer cannot be learned: {error.splitlines()[-1].strip()} "
        "Give a larger corpus or a smaller tokenizer.vocab_size."
    )
