"""Text to ids and back: what a user types is text, whatever it looks like."""

import pytest

from chatbot.config import BOS_ID, EOS_ID, PAD_ID, UNK_ID, TokenizerConfig
from chatbot.errors import BundleError, CorpusError
from chatbot.text.tokenizer import BOT_ID, CONTROL_IDS, USER_ID, Tokenizer, train_tokenizer

LINES = [
    "Hello, how are you?",
    "I am fine, thank you!",
    "你好，我很好！",
    "What is your name?",
] * 20


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(LINES, TokenizerConfig(vocab_size=400))


def test_the_special_ids_are_fixed(tokenizer):
    pieces = [tokenizer.piece(i) for i in (PAD_ID, UNK_ID, BOS_ID, EOS_ID, USER_ID, BOT_ID)]
    assert pieces == ["<PAD>", "<UNK>", "<BOS>", "<EOS>", "<user>", "<bot>"]


@pytest.mark.parametrize(
    "text",
    [
        "Hello, how are you?",
        "你好，我很好！",
        "😀👩‍👩‍👧",
        "שלום עולם",
        "<EOS> <turn> <user> <PAD>",
        "a  b",
    ],
)
def test_any_text_comes_back_and_never_becomes_a_control_symbol(tokenizer, text):
    ids = tokenizer.encode(text)
    assert not {*CONTROL_IDS, EOS_ID} & set(ids)
    assert tokenizer.decode(ids) == " ".join(text.split())


def test_nul_and_lone_surrogates_are_dropped(tokenizer):
    assert tokenizer.decode(tokenizer.encode("a\x00b\ud800c")) == "abc"


def test_decoding_stops_at_the_first_eos(tokenizer):
    hello, name = tokenizer.encode("Hello"), tokenizer.encode("name")
    assert tokenizer.decode([*hello, EOS_ID, *name]) == "Hello"


def test_a_half_finished_character_is_held_back(tokenizer):
    ids = tokenizer.encode("Hello 😀")
    texts = [tokenizer.decode(ids[:end]) for end in range(len(ids) + 1)]
    assert texts[-1] == "Hello 😀"
    assert all(text in ("Hello 😀"[: len(text)], "Hello") for text in texts)


def test_the_same_lines_give_the_same_tokenizer(tokenizer):
    again = train_tokenizer(LINES, TokenizerConfig(vocab_size=400))
    assert again.fingerprint == tokenizer.fingerprint


def test_a_small_corpus_gets_as_many_pieces_as_it_supports():
    assert train_tokenizer(["hi", "hello"], TokenizerConfig(vocab_size=5000)).vocab_size < 400


def test_no_text_is_one_clear_line():
    with pytest.raises(CorpusError, match="nothing to learn from"):
        train_tokenizer(["  ", "\x00"], TokenizerConfig())


def test_more_characters_than_pieces_are_one_clear_line():
    characters = [chr(0x4E00 + i) for i in range(500)]
    with pytest.raises(CorpusError, match=r"vocab_size=300 is too small .* need 7\d\d pieces"):
        train_tokenizer(["".join(characters)] * 3, TokenizerConfig(vocab_size=300))


def test_bytes_that_are_no_tokenizer_are_one_clear_line():
    with pytest.raises(BundleError, match="tokenizer"):
        Tokenizer(b"not a model")
