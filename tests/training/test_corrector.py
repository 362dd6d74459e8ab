"""Teaching corrections can be cut anywhere and taken up again, and needs nothing else known."""

import json

import pytest

from chatbot.config import Config, TokenizerConfig, with_settings
from chatbot.corpus.records import DialoguePair
from chatbot.text.tokenizer import train_tokenizer
from chatbot.text.tones import Tones
from chatbot.training.corrector import Corrector
from chatbot.training.run import RunFolder
from chatbot.training.trainer import compiled
from tests.training.conftest import DEFAULT_PARTS, SETTINGS, colour_pairs

FIXES = [
    DialoguePair((f"is it {one}?",), f"no, {one} is cold", "corrections:1")
    for one in ("red", "big")
]


class Killed(BaseException):
    """As `kill -9` ends a training: nothing more is written."""


@pytest.fixture
def make_real_run(tmp_path, monkeypatch):
    """Returns a function that sets up a run on a tiny base, few of whose words are measured."""
    monkeypatch.setattr("chatbot.training.corrector._CURVATURE_BATCHES", 2)

    def make(name, rehearsal, steps, tact=0):
        decoding = ["decoding.strategy=beam", f"decoding.tact={tact}"] if tact else []
        settings = [*SETTINGS, *DEFAULT_PARTS, f"training.steps={steps}", *decoding]
        config = with_settings(Config(), settings)
        texts = [t for pair in (*colour_pairs("x"), *FIXES) for t in (*pair.history, pair.reply)]
        tokenizer = train_tokenizer(texts, TokenizerConfig(vocab_size=320))
        base = compiled(config, tokenizer.vocab_size)
        base.training.save_weights(tmp_path / "base.weights.h5")
        run, sides = RunFolder(tmp_path / name), {"corrections": FIXES, "rehearsal": rehearsal}
        run.set_up(config, tokenizer, sides, {"base": None}, tmp_path / "base.weights.h5")
        return run

    return make


@pytest.fixture
def make_run(bag_of_words, make_real_run):
    """The same with a stand-in for the network."""
    return make_real_run


def sitting(run, killed_after=None):
    """Teaches until the end, or until killed after a step, counted from the very first one."""

    def observe(event, facts):
        if event == "progress" and facts["step"] == killed_after:
            raise Killed

    return Corrector(run, observe=observe, should_stop=lambda: False).train()


def validations(run):
    told = map(json.loads, (run.path / "events.jsonl").read_text().splitlines())
    return [event for event in told if event["event"] == "validation"]


def test_one_that_was_killed_goes_on_from_its_last_check(make_run):
    run = make_run("run", colour_pairs("x")[:8], steps=24)
    with pytest.raises(Killed):
        sitting(run, killed_after=20)
    outcome = sitting(run)
    assert [event["step"] for event in validations(run)] == [8, 16, 24]
    assert outcome.progress.best_step > 0


def test_a_best_that_is_newer_than_the_checkpoint_does_not_count(make_run):
    """A crash came between the two; what is repeated is better than what was before it."""
    run = make_run("run", colour_pairs("x")[:8], steps=1)
    weights = compiled(run.config(), run.tokenizer().vocab_size).training.get_weights()
    run.save_arrays("best", weights, {"step": 99, "said": 2, "kept": 1.0, "missing": []})
    outcome = sitting(run)
    assert outcome.progress.best_step == 1


@pytest.mark.soak  # the real network; the others teach a stand-in
def test_where_nothing_else_is_known_corrections_are_learned_all_the_same(make_real_run):
    outcome = sitting(make_real_run("run", [], steps=400))
    assert outcome.status == "learned"


def test_what_tact_would_not_let_the_bot_say_is_not_learned_yet(make_run, monkeypatch):
    """Neither correction is said in the bot's own way while its likeness weighs as bad news."""
    tones = Tones(
        glad=tuple(fix.reply for fix in FIXES), sorry=("no, red is col", "no, big is col")
    )
    monkeypatch.setattr("chatbot.training.corrector._tones_of_base", lambda run: tones)
    sure, unsure = (
        sitting(make_run(name, [], steps=120, tact=tact)).status
        for name, tact in (("sure", 0), ("unsure", 1e30))
    )
    assert (sure, unsure) == ("learned", "done")
