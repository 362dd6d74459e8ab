"""What a fine-tuned model rehearses: the pairs beside its base, or what the base says."""

import pytest

from chatbot.bundle import CORPUS, read_bundle_config
from chatbot.config import Config, changed, with_settings
from chatbot.corpus.pair_table import write_pairs
from chatbot.corpus.prepare import CorpusSource
from chatbot.corpus.records import DialoguePair
from chatbot.errors import TrainingError
from chatbot.training.draft import Job, draft, fine_tuned
from chatbot.training.job import set_up
from chatbot.training.rehearsal import OldPairs, mixture, old_pairs


def pairs(name, count):
    return [DialoguePair((f"{name} {i}?",), f"{name} is {i}.", f"{name}:{i}") for i in range(count)]


OLD = OldPairs(pairs("old", 6000), pairs("held", 300), are_own=True)


def mixed(new, validation=(), old=OLD, *settings):
    return mixture(new, validation, old, with_settings(Config(), settings))


def test_half_of_what_is_learned_is_old():
    found = mixed(pairs("new", 3000), pairs("other", 100))
    assert (len(found.new), len(found.old)) == (3000, 3000)
    assert (len(found.validation), len(found.old_validation)) == (100, 100)


def test_the_share_can_be_chosen():
    found = mixed(pairs("new", 3000), pairs("other", 90), OLD, "training.rehearsal=0.25")
    assert (len(found.new), len(found.old)) == (6000, 2000)  # at least 2,000 old ones
    assert len(found.old_validation) == 30
    assert mixed(pairs("new", 30), (), OLD, "training.rehearsal=0").old == []


def test_few_new_pairs_are_repeated_and_measured_on_as_well():
    """Five pairs beside two thousand old ones would be drowned; none of them is held out."""
    new = pairs("new", 5)
    found = mixed(new)
    assert len(found.new) == len(found.old) == 2000
    assert set(found.new) == set(new) == set(found.validation)


def test_corrections_that_the_base_was_taught_are_kept_in_any_case():
    taught = pairs("taught", 3)
    found = mixed(pairs("new", 40), (), OLD._replace(corrections=taught))
    assert set(taught) <= set(found.old)


@pytest.fixture
def few(tmp_path):
    path = tmp_path / "few.tsv"
    path.write_text("".join(f"say {i} now\tyes {i}\n" for i in range(5)), encoding="utf-8")
    return [CorpusSource(path)]


def test_all_of_five_pairs_are_learned(home, tiny_bundle, few):
    write_pairs(home / "saved_models" / "tiny" / CORPUS, {"train": OLD.train, "validation": []})
    run, _ = set_up(Job("tuned", few, Config(), base="tiny"))
    learned = {pair.reply for pair in run.pairs("train")}
    assert {f"yes {i}" for i in range(5)} <= learned
    assert any(reply.startswith("old is") for reply in learned)
    assert {pair.reply for pair in run.pairs("validation")} == {f"yes {i}" for i in range(5)}


@pytest.fixture
def small_checkout(tmp_path, monkeypatch):
    """A checkout whose small talk is small: preparing the real one takes most of a minute."""
    path = tmp_path / "checkout" / "corpora" / "small-talk.en.yml"
    path.parent.mkdir(parents=True)
    talk = "".join(f'  - says: ["say {i} then"]\n    replies: ["then {i}"]\n' for i in range(200))
    path.write_text(f"language: en\nsituations:\n{talk}", encoding="utf-8")
    monkeypatch.setattr("chatbot.training.rehearsal._CHECKOUT", path.parents[1])


def test_a_base_without_its_corpus_is_asked_what_it_says(
    home, tiny_bundle, few, small_checkout, monkeypatch
):
    monkeypatch.setattr("chatbot.training.rehearsal.ANSWERED_AT_MOST", 30)
    from chatbot.bot import Chatbot

    run, _ = set_up(Job("tuned", few, Config(), base="tiny"))
    own = [pair for pair in run.pairs("train") if pair.origin == "tiny:own"]
    assert 0 < len(own) <= 30
    assert all(pair.history[-1].endswith(" then") for pair in own)  # of the small talk
    bot = Chatbot.load(tiny_bundle)
    replies = bot.reply_batch([pair.history for pair in own])
    assert [reply.text for reply in replies] == [pair.reply for pair in own]


def test_what_a_corrected_bot_rehearsed_is_known_to_the_next_one(tmp_path):
    sides = {"train": pairs("fix", 2), "validation": [], "corrections": pairs("fix", 2),
             "rehearsal": pairs("own", 9), "held": pairs("kept", 4)}  # fmt: skip
    write_pairs(tmp_path / CORPUS, sides)
    found = old_pairs(tmp_path)
    assert (len(found.train), len(found.corrections), found.are_own) == (15, 2, True)


def test_tuning_takes_over_how_the_base_speaks_unless_asked_otherwise(home, tiny_bundle):
    base = home / "saved_models" / "tiny"
    plain = fine_tuned(Config(), base)
    assert plain.decoding.max_length == 12  # the tiny bundle's own
    assert plain.training.learning_rate < Config().training.learning_rate
    assert plain.model == read_bundle_config(base).model
    asked = ["decoding.max_length=30", "training.learning_rate=0.001", "model.dropout=0.15"]
    chosen = fine_tuned(with_settings(Config(), asked), base)
    assert chosen.decoding.max_length == 30
    assert chosen.training.learning_rate == 0.001
    assert chosen.model == changed(plain.model, dropout=0.15)


def test_corrections_without_a_bot_to_teach_are_one_line(home, few):
    config = with_settings(Config(), ["training.corrections=true"])
    with pytest.raises(TrainingError, match="--from NAME"):
        draft(Job("taught", few, config))
