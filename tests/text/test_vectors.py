"""Word vectors from text files, brought to a tokenizer's pieces."""

import numpy as np
import pytest

from chatbot.config import ModelConfig
from chatbot.errors import ConfigError
from chatbot.text.vectors import check_vectors, piece_vectors

PIECES = ["<PAD>", "<UNK>", "<BOS>", "<EOS>", "<user>", "<bot>", "<0x0A>", "▁the", "▁sees",
          "▁Dog", "cat", "▁", "▁zzz"]  # fmt: skip
GLOVE = "the 1 0 0 0\nDOG 5 5 5 5\ndog 0 1 0 0\ncat 0 0 1 0\nse 0 0 0 2\nes 2 0 0 0\n"


class FakeTokenizer:
    """Knows its pieces and nothing else."""

    vocab_size = len(PIECES)

    def piece(self, token_id):
        return PIECES[token_id]


@pytest.fixture
def tokenizer():
    return FakeTokenizer()


def model(path, **settings):
    return ModelConfig(
        embedding="pretrained", embedding_file=str(path), **{"embedding_units": 4, **settings}
    )


@pytest.mark.parametrize("header", ["", "6 4\n"], ids=["glove", "word2vec and fastText"])
def test_a_piece_has_the_vector_of_its_word_or_the_mean_of_its_parts(tmp_path, tokenizer, header):
    path = tmp_path / "vectors.txt"
    path.write_text(header + GLOVE, encoding="utf-8")
    check_vectors(model(path))
    found = piece_vectors(path, tokenizer, 4)
    the, sees, dog = (found.vectors[PIECES.index(piece)] for piece in ("▁the", "▁sees", "▁Dog"))
    assert np.flatnonzero(the).tolist() == [0]
    np.testing.assert_allclose(sees / the[0], [1, 0, 0, 1])  # the mean of se and es
    np.testing.assert_allclose(dog / the[0], [0, 1, 0, 0])  # in small letters
    assert np.mean(np.square(found.vectors[found.known])) == pytest.approx(1, rel=1e-5)
    assert not found.vectors[~found.known].any()
    assert found.facts == {"pieces": 13, "whole": 3, "composed": 1, "coverage": 0.3077}


def test_a_word_may_hold_spaces(tmp_path, tokenizer):  # as in glove.840B.300d.txt
    path = tmp_path / "vectors.txt"
    path.write_text("the 1 0 0 0\n. . . 9 9 9 9\nat name@domain.com 9 9 9 9\ndog 0 1 0 0\n")
    found = piece_vectors(path, tokenizer, 4)
    known = {piece for piece, known in zip(PIECES, found.known, strict=True) if known}
    assert known == {"▁the", "▁Dog"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        (b"\xff\xfe\x00\x01", "not text"),
        (b"", "no word vectors"),
        (b"the 1 0 0\n", "model.embedding_units=3"),
        (b"6 4\nthe 1 0 0\n", "model.embedding_units=3"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(tmp_path, content, words):
    path = tmp_path / "vectors.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=words) as caught:
        check_vectors(model(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("line", ["dog 1 2 3", "dog 1 2 x 4", "dog 1 nan 3 4"])
def test_a_damaged_line_further_on_is_named(tmp_path, tokenizer, line):
    path = tmp_path / "vectors.txt"
    path.write_text(f"the 1 0 0 0\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="'dog'"):
        piece_vectors(path, tokenizer, 4)
