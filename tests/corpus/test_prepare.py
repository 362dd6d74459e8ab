"""The way from files to both sides and the report, with its promises."""

import io
import json
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from chatbot.config import CorpusConfig
from chatbot.corpus.prepare import CorpusSource, parse_source, prepare_corpus
from chatbot.corpus.report import render, verdict_on
from chatbot.errors import CorpusError


def corpus(folder, name, conversations, turns=4):
    """Writes conversations of distinct turns, such as "a.txt 3.0"."""
    texts = ("\n".join(f"{name} {c}.{t}" for t in range(turns)) for c in range(conversations))
    path = folder / name
    path.write_text("\n\n".join(texts) + "\n")
    return path


def prepared(*sources, **settings):
    config = CorpusConfig(**{"validation_fraction": 0.2, **settings})
    return prepare_corpus([parse_source(str(source)) for source in sources], config)


def shown_on_a_terminal(report):
    terminal = io.StringIO()
    Console(file=terminal, width=120).print(render(report))
    return terminal.getvalue()


def keys(pairs):
    return [(pair.history, pair.reply) for pair in pairs]


# Naming sources


@pytest.mark.parametrize(
    ("text", "path", "weight"),
    [
        ("a.csv", "a.csv", 1.0),
        ("a.csv@0.2", "a.csv", 0.2),
        ("a@b.csv@8", "a@b.csv", 8.0),
        ("folder/@.5", "folder", 0.5),
        ("me@home.csv", "me@home.csv", 1.0),
        ("a.csv@", "a.csv@", 1.0),
    ],
)
def test_a_source_is_a_path_and_perhaps_a_weight(text, path, weight):
    assert parse_source(text) == CorpusSource(Path(path), weight)


def test_a_path_that_exists_as_written_has_no_weight(tmp_path):
    path = corpus(tmp_path, "a@2", 3)
    assert parse_source(str(path)) == CorpusSource(path)


@pytest.mark.parametrize("weight", ["0", "-1", "1000.5", "99999999999"])
def test_a_weight_out_of_range_is_an_error(weight):
    with pytest.raises(CorpusError, match=f"weight {weight}"):
        parse_source(f"a.csv@{weight}")


# Promises


def test_same_sources_settings_and_seed_give_the_same(tmp_path):
    path = corpus(tmp_path, "a.txt", 40)
    settings = {"without_history": 0.5, "max_validation_pairs": 5}
    assert prepared(f"{path}@1.5", **settings) == prepared(f"{path}@1.5", **settings)
    assert prepared(path, seed=1).validation != prepared(path, seed=2).validation


def test_every_pair_is_kept_or_counted_once(tmp_path):
    first = corpus(tmp_path, "a.txt", 40)
    second = tmp_path / "b.csv"
    faulty = ["q,[deleted]", ",x", "hi,Hi", f"q,{'x' * 300}", *(f"q{i},ok" for i in range(60))]
    second.write_text("\n".join(["question,answer", *faulty, *faulty]))
    report = prepared(first, second, max_validation_pairs=5).report
    for counts in (*report.sources, report.total):
        assert counts.extracted == counts.kept + sum(counts.rejected.values())
    assert report.total.extracted == 40 * 3 + 2 * len(faulty)
    assert report.total.kept == report.sides.distinct_train + report.sides.validation
    assert set(report.total.rejected) == {
        "empty",
        "placeholder",
        "same_as_source",
        "too_long",
        "duplicate",
        "reply_used_too_often",
        "over_validation_limit",
    }


def test_no_pair_stands_on_both_sides(tmp_path):
    path = tmp_path / "a.jsonl"
    talks = [["x", "how are you?", "fine"], ["how are you?", "fine"], ["y", "how are you?", "fine"]]
    path.write_text("\n".join(json.dumps(talk) for talk in talks * 20))
    for seed in range(20):
        result = prepared(path, seed=seed)
        assert not set(keys(result.train)) & set(keys(result.validation))


def test_a_shortened_pair_that_the_validation_side_holds_is_held_back_and_counted(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('["how are you?", "fine"]\n["x", "how are you?", "fine"]\n')
    held_back = Counter(prepared(path, seed=s).report.sides.held_out_copies for s in range(40))
    assert set(held_back) == {0, 1}  # as the seed puts the short one on either side


def test_the_validation_side_has_its_limit(tmp_path):
    path = corpus(tmp_path, "a.txt", 60)
    free, limited = prepared(path), prepared(path, max_validation_pairs=7)
    assert len(limited.validation) == 7
    assert set(limited.validation) < set(free.validation)
    assert set(limited.train) == set(free.train)


def test_of_a_single_conversation_the_end_is_measured_on(tmp_path):
    result = prepared(corpus(tmp_path, "a.txt", 1, turns=11), history_turns=1)
    assert [pair.reply for pair in result.validation] != []
    assert {pair.reply for pair in result.validation} == {"a.txt 0.9", "a.txt 0.10"}
    assert len(result.train) == 8


# Without history


@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_a_share_of_pairs_is_added_with_the_last_message_alone(tmp_path, share):
    result = prepared(corpus(tmp_path, "a.txt", 80), without_history=share)
    long = [pair for pair in result.train if len(pair.history) > 1]
    added = result.report.sides.added_without_history
    assert added == len(result.train) - result.report.sides.distinct_train
    assert abs(added - share * len(long)) <= 0.2 * len(long) * (share % 1)
    shortened = {(pair.history[-1:], pair.reply) for pair in long}
    assert len(shortened & set(keys(result.train))) == added


def test_the_validation_side_is_not_shortened(tmp_path):
    result = prepared(corpus(tmp_path, "a.txt", 50))
    assert Counter(len(pair.history) for pair in result.validation).keys() == {1, 2, 3}
    assert len(set(result.validation)) == len(result.validation)


# Weights


def test_a_weight_above_one_repeats_training_pairs_alone(tmp_path):
    path = corpus(tmp_path, "a.txt", 60)
    once, result = prepared(path), prepared(f"{path}@2.5")
    uses = Counter(result.train)
    assert set(uses) == set(once.train)
    assert set(uses.values()) == {2, 3}
    assert 0.35 < sum(n == 3 for n in uses.values()) / len(uses) < 0.65
    assert result.validation == once.validation


def test_a_weight_below_one_keeps_that_share_of_conversations_whole(tmp_path):
    path = corpus(tmp_path, "a.txt", 300)
    part = prepared(f"{path}@0.3", without_history=0)
    origins = Counter(pair.origin for pair in (*part.train, *part.validation))
    assert 60 < len(origins) < 120
    assert set(origins.values()) == {3}
    counts = part.report.sources[0]
    assert (counts.conversations, counts.left_out) == (len(origins), 300 - len(origins))


def test_each_source_has_its_own_weight(tmp_path):
    first, second = corpus(tmp_path, "a.txt", 30), corpus(tmp_path, "b.txt", 30)
    result = prepared(f"{first}@3", second)
    uses = {(pair.origin[0], n) for pair, n in Counter(result.train).items()}
    assert uses == {("a", 3), ("b", 1)}


def test_caps_count_before_repetition_and_over_all_sources(tmp_path):
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path in paths:
        rows = "\n".join(f"{path.name} {i},ok" for i in range(10))
        path.write_text(f"question,answer\n{rows}\n")
    result = prepared(f"{paths[0]}@4", f"{paths[1]}@4", max_reply_uses=5)
    assert result.report.total.kept == 5
    assert len(result.train) == 4 * (5 - len(result.validation))


# Errors and the report


def test_sources_without_two_usable_pairs_are_an_error_that_says_why(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("question,answer\nq,[deleted]\nr,[removed]\ns,fine\n")
    with pytest.raises(CorpusError, match="placeholder 2"):
        prepared(path)


def test_no_source_is_an_error():
    with pytest.raises(CorpusError, match="No corpus"):
        prepared()


def test_the_report_counts_words_replies_and_repairs(tmp_path):
    path = tmp_path / "a.csv"
    rows = ["one two,a cafÃ©", "three,A cafÃ©", "你好,我很好", "four five six,A CAT"]
    path.write_text("\n".join(["question,answer", *rows]), encoding="utf-8")
    report = prepared(path).report
    assert report.total.mended == 2
    assert (report.distinct_replies, report.reply_words.longest) == (4, 3)
    assert report.vocabulary_words == len(
        "one two three four five six a café cat 你 好 我 很".split()
    )
    assert report.verdict == "small"
    assert "--from english" in report.advice[0]


def test_a_reply_that_dominates_is_told(tmp_path):
    path = tmp_path / "a.csv"
    rows = [f"message {i},{'I do not know.' if i % 4 else i}" for i in range(40)]
    path.write_text("\n".join(["question,answer", *rows]))
    report = prepared(path).report
    assert report.top_replies[0].reply == "I do not know."
    assert report.top_replies[0].share == 0.75
    assert any("75%" in line for line in report.advice)


def test_the_report_is_json_and_shows_what_was_skipped(tmp_path):
    corpus(tmp_path, "a.txt", 9)
    (tmp_path / "README.md").write_text("[bold]about[/bold]")
    report = prepared(tmp_path).report
    assert json.loads(json.dumps(report.as_dict()))["total"]["conversations"] == 9
    shown = shown_on_a_terminal(report)
    assert "README.md" in shown
    assert "small" in shown


def test_text_in_brackets_is_shown_as_it_is(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("question,answer\n[bold]hi,[/red]\nhello,[i]yes\n")
    assert "[/red]" in shown_on_a_terminal(prepared(path).report)


@pytest.mark.parametrize(
    ("pairs", "verdict"), [(1999, "small"), (2000, "medium"), (50_000, "large")]
)
def test_the_verdict_follows_the_number_of_pairs(pairs, verdict):
    assert verdict_on(pairs) == verdict
