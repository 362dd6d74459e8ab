"""From corpus files to a run folder: what a training starts from."""

import pytest

from chatbot.bundle import CORPUS
from chatbot.config import Config, with_settings
from chatbot.corpus.pair_table import write_pairs
from chatbot.corpus.prepare import CorpusSource
from chatbot.corpus.records import DialoguePair
from chatbot.errors import BundleError, TrainingError
from chatbot.training.job import Job, set_up


@pytest.fixture
def corpora(tmp_path):
    first, second = tmp_path / "first.tsv", tmp_path / "second.tsv"
    first.write_text("".join(f"say {i} now\tyes {i}\n" for i in range(300)), encoding="utf-8")
    second.write_text("".join(f"kažu {i} ž\tno {i} ž\n" for i in range(30)), encoding="utf-8")
    return [CorpusSource(first, 20.0), CorpusSource(second)]


def test_the_tokenizer_learns_from_every_corpus_whatever_the_weights(home, corpora):
    """A thousand sentences of twelve thousand: in order, it would see the first corpus alone."""
    settings = ["tokenizer.training_sentences=400", "tokenizer.character_coverage=1.0"]
    run, _ = set_up(Job("mixed", corpora, with_settings(Config(), settings)))
    tokenizer = run.tokenizer()
    assert "ž" in "".join(tokenizer.piece(i) for i in range(tokenizer.vocab_size))


def test_fine_tuning_keeps_a_copy_of_what_it_starts_from(home, tiny_bundle, corpora):
    known = [DialoguePair(("Hello!",), "Hi!", "x:1")]  # else it would be asked what it says
    write_pairs(home / "saved_models" / "tiny" / CORPUS, {"train": known, "validation": known})
    run, _ = set_up(Job("tuned", corpora, Config(), base="tiny"))
    assert run.initial_weights.read_bytes() == (tiny_bundle / "model.weights.h5").read_bytes()
    assert run.tokenizer().serialized == (tiny_bundle / "tokenizer.model").read_bytes()
    assert run.config().model.decoder_units == 16
    assert run.about()["base"] == "tiny"


def test_fine_tuning_refuses_another_architecture(home, corpora):
    config = with_settings(Config(), ["model.decoder_layers=2"])
    with pytest.raises(TrainingError, match=r"model\.decoder_layers cannot become 2"):
        set_up(Job("tuned", corpora, config, base="tiny"))


def test_a_missing_base_is_named_before_anything_is_written(home, corpora):
    with pytest.raises(BundleError, match="no model 'nobody'"):
        set_up(Job("tuned", corpora, Config(), base="nobody"))
    assert not (home / "runs" / "tuned").exists()


def test_a_set_up_that_was_cut_leaves_the_name_free(home, corpora, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("chatbot.training.run.json.dumps", lambda *a, **k: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            set_up(Job("cut", corpora, Config()))
    set_up(Job("cut", corpora, Config()))
