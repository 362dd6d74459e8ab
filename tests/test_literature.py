"""benchmarks/literature.py: what needs no training, on made-up results."""

import json

import pytest

from benchmarks import literature, literature_page, literature_scores
from benchmarks.literature import Budget, Run, outstanding
from benchmarks.literature_page import verdict, verdict_line
from chatbot.config import Config, validated, with_settings
from chatbot.corpus.records import DialoguePair
from chatbot.errors import ChatbotError
from chatbot.model.size import size_of
from chatbot.presets import PRESETS, under


def result(variant="default", seed=1, perplexity=20.0, chrf=30.0, **changed):
    """A line of the results as a run writes it."""
    quarter = {"pairs": 25, "bleu": 5.0, "chrf": chrf, "perplexity_per_word": perplexity}
    shares = [0.9, 0.8, 0.7, 0.6, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    made = {
        "corpus": "tatoeba",
        "epochs": 3.0,
        "pairs": 0,
        "variant": variant,
        "seed": seed,
        "held_out": 100,
        "replies_seen": 7,
        "date": "2026-11-29",
        "cores": 2,
        "device": "a processor",
        "versions": {"Python": "3.11"},
        "parameters": 2_500_000,
        "tokens_per_second": 4000,
        "seconds": 120.0,
        "processor_seconds": 150.0,
        "padding": 0.1,
        "perplexity_per_word": perplexity,
        "perplexity_per_token": 15.0,
        "bleu": 5.0,
        "chrf": chrf,
        "lengths": [{"from": 5 * n + 1, "to": 5 * n + 5, **quarter} for n in range(4)],
        "positions": {"true": shares, "own": [share - 0.1 for share in shares]},
        "after_first": {kind: {"true": 0.5, "own": 0.3} for kind in ("right", "wrong")},
    }
    return {**made, **changed}


def page_of(results, tmp_path, monkeypatch):
    monkeypatch.setattr(literature_page, "_FIGURES", {})
    literature_page.write(results, tmp_path / "literature.md", literature.VARIANTS)
    return (tmp_path / "literature.md").read_text(encoding="utf-8")


def test_four_parts_by_length_are_about_equally_large():
    borders = literature_scores.length_borders(range(1, 101))
    parts = [literature_scores.part_of(length, borders) for length in range(1, 101)]
    assert [parts.count(part) for part in range(4)] == [25, 25, 25, 25]


@pytest.mark.parametrize("lengths", [[3] * 9, [1], [1, 1, 1, 1, 1, 1, 2], [2, 9]])
def test_equal_lengths_stay_in_one_part_and_no_part_is_empty(lengths):
    borders = literature_scores.length_borders(lengths)
    parts = {literature_scores.part_of(length, borders) for length in lengths}
    assert parts == set(range(len(borders) + 1))


@pytest.mark.parametrize(
    ("gains", "told"),
    [
        ([3.0], "holds here"),
        ([-3.0], "does not hold at this size"),
        ([1.5], "too close to tell"),  # below the noise of 2
        ([9.0, 1.0, 2.0], "too close to tell"),  # mean 4, half range 4
        ([9.0, 7.0, 8.0], "holds here"),
        ([], "not measured"),
    ],
)
def test_a_verdict_needs_more_than_noise_and_spread(gains, told):
    assert verdict(gains, 2.0) == told


def test_a_verdict_says_how_many_seeds_it_rests_on():
    assert "one seed" in verdict_line("chrF", [3.0], "points", 1.0)
    assert "2 seeds, ± 0.5" in verdict_line("chrF", [3.0, 4.0], "points", 1.0)


def test_runs_that_stand_in_the_results_under_the_same_budget_are_not_done_again():
    runs = [Run("default", 1), Run("default", 2), Run("cho2014", 1)]
    found = [result("default", 1), result("cho2014", 1, epochs=5.0)]
    assert outstanding(runs, Budget("tatoeba", 3.0, 0), found) == runs[1:]
    assert outstanding(runs, Budget("dailydialog", 3.0, 0), found) == runs


def test_no_held_out_source_is_learned_even_with_other_punctuation():
    pairs = [DialoguePair((f"第{n // 2}句" + "。！"[n % 2],), f"reply {n}", "x") for n in range(60)]
    learned, held_out = literature.hold_out(pairs, 1000, never=["第3句"])
    assert len(held_out) == 6
    assert len(learned) == 60 - 2 * 6
    sources = {pair.history[0][:-1] for pair in learned}
    assert not sources & {pair.history[0][:-1] for pair in held_out}
    assert "第3句" in sources


def test_accuracy_by_place_tells_own_output_from_true_prefix():
    def scored(reference, guesses, own):
        return literature_scores.Scored(None, 1.0, reference, guesses, own, "")

    found = literature_scores.accuracies(
        [scored([7, 8, 3], [7, 8, 3], [7, 9, 9]), scored([7, 3], [6, 3], [6, 3, 0])]
    )
    assert found["positions"]["true"][:4] == [0.5, 1.0, 1.0, None]
    assert found["positions"]["own"][:4] == [0.5, 0.5, 0.0, None]
    assert found["after_first"] == {
        "right": {"true": 1.0, "own": 0.0},
        "wrong": {"true": 1.0, "own": 1.0},
    }


def test_the_table_gives_means_over_seeds_the_best_perplexity_first():
    results = [result("cho2014", perplexity=40.0), result(seed=1), result(seed=2, perplexity=22.0)]
    first, second = literature_page.table(results).splitlines()[2:]
    assert first.startswith("| `default` | 2 | 2.50 ± 0.00 | 4,000 ± 0 |")
    assert "| 21.0 ± 1.0 |" in first
    assert second.startswith("| `cho2014` | 1 | 2.50 | 4,000 |")


def test_the_page_tells_what_was_not_run(tmp_path, monkeypatch):
    page = page_of([result()], tmp_path, monkeypatch)
    assert "Tatoeba, Chinese to English: 1 seed of 3, 1 of 24 variants; " in page
    assert "DailyDialog, English conversations: no seeds of 3" in page
    answered, _, left = page.partition("### Open questions\n")
    assert (
        "- Does reversing the source help a model without attention? "
        "Not measured here: it takes `sutskever2014` and `sutskever2014-forward`.\n"
    ) in left
    assert "reversing" not in answered
    assert "### How does an early error spread in free running?" in answered


def test_the_page_of_all_variants_answers_each_question_and_lists_who_is_behind(
    tmp_path, monkeypatch
):
    beams = {"beams": {w: {"bleu": 5.0, "chrf": 30.0, "seconds": 1.0} for w in "1 2 5 10".split()}}
    results = [
        result(name, perplexity=25.0 if name == "cho2014" else 10.0 + len(name), **beams)
        for name in literature.VARIANTS
    ]
    page = page_of(results, tmp_path, monkeypatch)
    assert "Not measured" not in page
    assert "Open questions" not in page
    assert "Not run" not in page
    assert "- `cho2014`: **does not hold at this size**" in page
    assert "- `default`:" not in page.partition("beat `rnn-basic`")[2]  # it beats the baseline


def test_the_page_names_what_is_another_network_now(tmp_path, monkeypatch):
    small = validated(Config, PRESETS["default"].values("small")).model
    now = size_of(small, literature_page.VOCABULARY).parameters
    page = page_of([result(parameters=now), result("cho2014")], tmp_path, monkeypatch)
    assert "to be measured again: `cho2014`." in page
    assert "to be measured again" not in page_of([result(parameters=now)], tmp_path, monkeypatch)


def test_without_results_or_with_a_broken_line_one_line_tells_it(tmp_path):
    with pytest.raises(ChatbotError, match="no results yet"):
        literature_page.write([], tmp_path / "literature.md", {})
    (tmp_path / "r.jsonl").write_text(json.dumps(result()) + "\n{", encoding="utf-8")
    with pytest.raises(ChatbotError, match="no JSON"):
        literature_page.read_results(tmp_path / "r.jsonl")


@pytest.mark.parametrize("name", literature.VARIANTS)
def test_each_variant_is_a_configuration(name):
    variant = literature.VARIANTS[name]
    values = under(variant.preset, {}, variant.settings)
    assert with_settings(validated(Config, values), variant.settings)


def test_a_place_without_the_corpus_is_told_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(literature, "CORPORA", tmp_path)
    monkeypatch.setattr("sys.argv", ["literature.py", "--results", str(tmp_path / "r.jsonl")])
    assert literature.main() == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
