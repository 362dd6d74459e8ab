"""What the corpus report counts beyond the pairs themselves, as JSON and on a terminal."""

import csv
import json
import subprocess
import sys

import pytest

from chatbot.config import CorpusConfig
from chatbot.corpus.content import WordCounter, length_steps
from chatbot.corpus.prepare import parse_source, prepare_corpus
from chatbot.text.words import words
from tests.corpus.test_prepare import corpus, shown_on_a_terminal

CARD = "4111 1111 1111 1111"


def table(folder, rows, name="a.csv"):
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("question", "answer"), *rows])
    return path


def prepared(path, at_most=None, **settings):
    config = CorpusConfig(**{"validation_fraction": 0.2, **settings})
    return prepare_corpus([parse_source(str(path))], config, at_most=at_most)


@pytest.fixture
def private(tmp_path):
    """A corpus with a detail of each kind, one of them twice."""
    return table(
        tmp_path,
        [
            ("what is your address", "write to bob@example.com"),
            ("and the phone?", "call 138 1234 5678 or 13912345678"),
            ("how do i pay", f"with the card {CARD}"),
            ("where is the shop", "see https://example.com/shop?id=7"),
            ("when", "In 2019, on 2020-01-15, for 1,000,000"),
        ],
    )


def learned(result):
    return "\n".join(f"{p.history} {p.reply}" for p in (*result.train, *result.validation))


# Private details


def test_private_details_are_counted_and_shown_half_hidden(private):
    report = prepared(private).report
    assert {use.kind: use.uses for use in report.private} == {
        "email": 1,
        "phone": 2,
        "card": 1,
        "link": 1,
    }
    shown = json.dumps([use.examples for use in report.private], ensure_ascii=False)
    assert "write to b••@•••••••.•om" in shown
    assert "138 1234" not in shown
    assert CARD not in shown
    assert not report.private_masked
    assert "corpus.mask_private=true" in shown_on_a_terminal(prepared(private).report)


def test_one_switch_masks_them_and_the_counts_stay(private):
    plain, masked = prepared(private), prepared(private, mask_private=True)
    assert "bob@example.com" in learned(plain)
    text = learned(masked)
    for detail in ("bob", "1234", "4111", "example.com"):
        assert detail not in text
    assert "call [telephone number] or [telephone number]" in text
    assert "2020-01-15" in text
    assert masked.report.private == plain.report.private
    assert masked.report.private_masked


def test_a_corpus_without_private_details_says_nothing_of_them(tmp_path):
    report = prepared(corpus(tmp_path, "a.txt", 9)).report
    assert report.private == ()
    assert "Private" not in shown_on_a_terminal(report)


# What the texts hold


def test_lengths_are_counted_in_steps_that_cover_everything():
    steps = length_steps([0, 1, 2, 3, 9, 10, 49, 50, 5000], [1, 1])
    assert [(s.least, s.most) for s in steps][:3] == [(1, 2), (3, 4), (5, 6)]
    assert steps[-1].most is None
    assert sum(s.messages for s in steps) == 9
    assert (steps[0].messages, steps[0].replies, steps[-1].messages) == (3, 2, 2)


def test_words_are_counted_as_in_every_report_however_often_they_come():
    texts = ["I'm fine, 你好!", "i'm FINE, you?", "I'm fine, 你好!", " ", "很长的一句话" * 9]
    counter = WordCounter()
    assert counter.lengths(texts) == [len(words(text)) for text in texts]
    assert counter.vocabulary_words == len({w for text in texts for w in words(text.casefold())})


def test_languages_and_duplicates(tmp_path):
    english = [(f"what is the number {i}?", f"it is {i}, I think") for i in range(30)]
    chinese = [("你好吗", "我很好"), ("你好吗", "我很好"), ("你几岁", "我三岁")]
    report = prepared(table(tmp_path, english + chinese)).report
    assert list(report.languages) == ["en", "zh"]
    assert report.languages["zh"] == pytest.approx(4 / 64)
    assert report.duplicates == 1


def test_messages_with_many_different_replies(tmp_path):
    rows = [("why?", f"because {i}") for i in range(7)] + [("how?", "so")] * 7 + [("who?", "me")]
    report = prepared(table(tmp_path, rows)).report
    assert report.much_answered_messages == 1
    assert [(use.message, use.replies) for use in report.much_answered] == [("why?", 7)]
    assert "'why?'" in shown_on_a_terminal(report)


def test_blocked_words_are_counted_on_each_side(tmp_path):
    rows = [("oh shit", "no"), ("this is", "Shit, yes"), ("bull", "shit"), ("Scunthorpe", "town")]
    report = prepared(table(tmp_path, rows)).report
    assert [(use.word, use.messages, use.replies) for use in report.blocked_words] == [
        ("shit", 1, 2)
    ]


# Only the beginning


def test_a_report_in_a_hurry_reads_the_beginning_and_says_so(tmp_path):
    path = corpus(tmp_path, "a.txt", 40, turns=4)
    report = prepared(path, at_most=30).report
    assert report.total.extracted == 30
    assert not report.total.is_whole
    assert "only the first 30 pairs" in shown_on_a_terminal(report)
    assert prepared(path, at_most=120).report.total.is_whole
    assert prepared(path).report.total.is_whole


# On the command line


def test_inspect_gives_everything_as_json(private):
    command = [sys.executable, "-m", "chatbot", "corpus", "inspect", str(private), "--json"]
    command += ["--set", "corpus.mask_private=true"]
    run = subprocess.run(command, capture_output=True, check=True, encoding="utf-8")
    report = json.loads(run.stdout)
    assert report["private_masked"] is True
    assert report["private"][0]["kind"] == "email"
    wanted = {"length_steps", "languages", "duplicates", "much_answered", "blocked_words"}
    assert wanted <= set(report)
