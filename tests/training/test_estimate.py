"""What a training will cost: counted by formula, told with warnings that say what to do."""

import json

import pytest

from chatbot.cli import main
from chatbot.config import Config, with_settings
from chatbot.corpus.records import DialoguePair
from chatbot.training.estimate import Plan, estimate
from chatbot.training.run import RunFolder

FAST, SLOW = 400e9, 20e9  # floating point operations a second
PAIRS = [DialoguePair((f"what is {i}?",), f"it is number {i}", f"x:{i}") for i in range(3000)]


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("CHATBOT_HOME", str(tmp_path))


def told(
    *settings, pairs=PAIRS, speed=FAST, new_pairs=None, language="en", base=None, old_pairs=5000
):
    config = with_settings(Config(), ["training.precision=float32", *settings])
    new = len(pairs) if new_pairs is None else new_pairs
    plan = Plan(config, pairs, validation=90, new_pairs=new, language=language, base=base,
                old_pairs=old_pairs)  # fmt: skip
    return estimate(plan, lambda: speed)


def test_steps_cost_time_and_a_slower_machine_takes_longer():
    short, long = told("training.steps=1000"), told("training.steps=10000")
    assert long.seconds > 5 * short.seconds
    assert told("training.steps=1000", speed=SLOW).seconds > 2 * short.seconds


def test_minutes_become_steps_and_the_time_is_about_what_was_asked_for():
    asked = told("training.minutes=10")
    assert 600 <= asked.seconds < 660  # libraries, compiling and saving come on top
    assert asked.steps > 2 * told("training.minutes=5").steps * 0.9


def test_a_training_on_this_machine_corrects_the_formula(tmp_path):
    before = told("training.steps=1000")
    run = RunFolder(tmp_path / "runs" / "earlier")
    run.path.mkdir(parents=True)
    run.log("setup", estimate={"seconds_per_step": before.seconds_per_step})
    twice = 2 * 1.1 * before.seconds_per_step
    run.log("estimate", seconds=500 * twice, steps=500, precision="float32",
            parameters=before.parameters)  # fmt: skip
    after = told("training.steps=1000")
    assert after.seconds - 25 == pytest.approx(2 * (before.seconds - 25), rel=0.02)
    assert "'earlier'" in after.basis


def test_few_pairs_are_warned_of_with_what_to_do():
    found = told("training.steps=9000", pairs=PAIRS[:300])
    assert found.warning_codes == ("few_pairs",)
    assert "add about 1,700 pairs" in found.warnings[0]
    assert "corpora/small-talk.en.yml" in found.warnings[0]
    assert "corpora/" not in told(pairs=PAIRS[:300], language="und").warnings[0]


def test_very_few_pairs_to_tune_on_are_better_taught_as_corrections():
    tune = told("training.steps=900", new_pairs=5, base="english")
    assert tune.warning_codes == ("few_to_tune_on",)
    assert "training.corrections=true" in tune.warnings[0]
    taught = told("training.corrections=true", new_pairs=5, base="english")
    assert taught.warning_codes == ()


def test_corrections_take_a_minute_or_two_whatever_the_budget():
    taught = told("training.corrections=true", "training.minutes=30", new_pairs=5, base="english")
    assert 60 < taught.seconds < 240


def test_a_base_with_nothing_to_rehearse_is_warned_of():
    found = told("training.steps=900", base="mine", old_pairs=0)
    assert found.warning_codes == ("nothing_old",)
    assert "'mine'" in found.warnings[0]


def test_a_short_budget_names_the_minutes_that_would_do():
    found = told("training.minutes=0.1")
    assert found.warning_codes == ("budget_short",)
    minutes = int(found.warnings[0].partition("Give it about ")[2].split()[0])
    assert told(f"training.minutes={minutes}").warnings == ()


def test_too_little_memory_is_warned_of(monkeypatch):
    monkeypatch.setattr("chatbot.training.advice.available_memory_bytes", lambda: 10**9)
    assert "memory_short" in told("training.steps=5000").warning_codes


def test_a_larger_network_takes_more_of_everything():
    small = told("model.embedding_units=64", "training.steps=5000")
    large = told("model.embedding_units=512", "training.steps=5000")
    assert large.bundle_bytes > 2 * small.bundle_bytes
    assert large.memory_bytes > small.memory_bytes
    assert large.seconds > small.seconds


def test_the_command_prints_one_json_object_and_trains_nothing(tmp_path, capsys):
    corpus = tmp_path / "talk.tsv"
    corpus.write_text("".join(f"say {i} now\tyes {i}\n" for i in range(300)), encoding="utf-8")
    arguments = ["train", str(corpus), "--name", "a", "--minutes", "2", "--estimate"]
    assert main([*arguments, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["pairs"] > 250
    assert 100 < facts["seconds"] < 200
    assert {"steps", "memory_bytes", "bundle_bytes", "basis"} <= set(facts)
    assert "few_pairs" in facts["warning_codes"]
    assert not (tmp_path / "runs").exists()
    assert main(arguments) == 0
    assert "Mind: " in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["--json"],
        ["--estimate", "--resume"],
        ["--estimate", "--json"],
        ["missing.csv", "--estimate"],
    ],
)
def test_an_estimate_of_nothing_is_one_line(arguments, capsys):
    assert main(["train", "--name", "a", *arguments]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
