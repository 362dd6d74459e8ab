"""Published corpora as people have them on disk, counted as their README counts them."""

import time
from pathlib import Path

import pytest

from chatbot.config import CorpusConfig
from chatbot.corpus.prepare import parse_source, prepare_corpus
from chatbot.corpus.readers import read_conversations
from chatbot.corpus.records import ReadingLog

SHARED = Path(__file__).parents[3] / "shared" / "corpora"
OWN = Path(__file__).parents[2] / "corpora"

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/corpora")


def read(path):
    return [conversation.turns for conversation in read_conversations(SHARED / path)]


@pytest.mark.parametrize(
    ("path", "conversations", "turns"),
    [
        ("personality-chat/raw/qna_chitchat_friendly.tsv.gz", 9_795, 19_590),
        ("tatoeba-cmn-eng/cmn-eng.tsv.gz", 24_818, 49_636),
        ("xiaohuangji-20k/raw/xiaohuangji_rebuilt.conv.gz", 20_092, 40_184),
        ("dailydialog/raw/dialogues_test.txt.gz", 1_000, 7_740),
        ("xdailydialog-zh/raw/dialogues_text_Zh.head1000.txt.gz", 1_000, 7_086),
        ("convai2-personachat/raw/valid_self_original_no_cands.txt.gz", 1_000, 15_602),
        ("lccc-base/raw/LCCC-base_test.json.gz", 10_000, 29_008),
        ("topical-chat/valid_freq.jsonl.gz", 539, 11_681),
        ("xpersona-zh/test.jsonl.gz", 222, 3_458),
        ("chatterbot-corpus/raw/chinese", 467, 1_019),
    ],
)
def test_a_corpus_is_read_whole(path, conversations, turns):
    found = read(path)
    assert (len(found), sum(map(len, found))) == (conversations, turns)


@pytest.mark.parametrize(
    ("raw", "neutral"),
    [
        ("chatterbot-corpus/raw/chinese", "chatterbot-corpus/chinese.jsonl.gz"),
        ("xdailydialog-zh/raw/dialogues_text_Zh.head1000.txt.gz", "xdailydialog-zh/train.jsonl.gz"),
        ("personality-chat/raw/qna_chitchat_friendly.tsv.gz", "personality-chat/friendly.jsonl.gz"),
    ],
)
def test_the_raw_file_gives_what_the_neutral_one_holds(raw, neutral):
    def plain(turns):
        return tuple("".join(turn.split()) for turn in turns)

    found, expected = {plain(t) for t in read(raw)}, {plain(t) for t in read(neutral)}
    assert len(found & expected) > 0.85 * len(found)


def test_cornell_reads_every_conversation_whose_lines_are_there():
    log = ReadingLog()
    path = SHARED / "cornell-movie-dialogs/raw/movie_conversations.full.txt.gz"
    found = list(read_conversations(path, log))
    assert len(found) >= 8_066  # of 83,097, as many as the lines at hand allow
    assert sum(log.notes.values()) == 304_713 - 28_675
    assert not any("<u>" in turn for conversation in found for turn in conversation.turns)


def test_tokenised_spacing_is_mended_nearly_everywhere():
    turns = [turn for talk in read("dailydialog/raw/dialogues_test.txt.gz") for turn in talk]
    spaced = sum(" ," in turn or " ’ " in turn or " ." in turn for turn in turns)
    assert spaced < 0.001 * len(turns)


def test_an_authentic_conv_file_of_mixed_line_ends_is_read():
    found = read("xiaohuangji-20k/raw/sample/tv_subtitles_prisonb.conv")
    assert found[0][:2] == ("你得想想办法 我弟弟是无辜的", "他可是美国公民啊")


def test_a_folder_of_corpora_skips_what_is_none():
    log = ReadingLog()
    assert len(list(read_conversations(SHARED / "chatterbot-corpus/raw", log))) > 2_400
    assert log.skipped_files == ["license.md"]


def test_a_large_corpus_is_read_in_seconds():
    start = time.perf_counter()
    assert sum(map(len, read("self-dialogue/train.jsonl.gz"))) == 356_676
    assert time.perf_counter() - start < 8


def test_the_corpus_of_this_project_is_kept_nearly_whole():
    path = OWN / "small-talk.en.yml"
    # The replies of its gists stand in many pairs, and more than the default are held out.
    config = CorpusConfig(max_reply_uses=100_000, max_validation_pairs=100_000)
    prepared = prepare_corpus([parse_source(str(path))], config)
    assert prepared.report.total.kept > 0.99 * prepared.report.total.extracted
    assert prepared.validation
