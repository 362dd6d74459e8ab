"""Settings are checked where they enter, and an error names what to do."""

import pytest

from chatbot.commands.options import decoding_settings
from chatbot.config import (
    Config,
    DecodingConfig,
    changed,
    kept_config,
    read_config,
    validated,
    with_settings,
)
from chatbot.errors import ConfigError


def test_a_setting_is_read_as_its_type():
    config = with_settings(Config(), ["training.learning_rate=1e-4", "model.tie_embeddings=false"])
    assert config.training.learning_rate == 1e-4
    assert config.model.tie_embeddings is False


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("model.droput=0.2", "Did you mean 'dropout'?"),
        ("modle.dropout=0.2", "Did you mean 'model'?"),
        ("model.dropout=1.5", "less than 1"),
        ("model.cell=tree", "'gru', 'lstm' or 'rnn'"),
        ("model.bidirectional=false", "take attention=additive"),
        ("training.minutes=.inf", "finite"),
        ("training.seed=2020-13-45", "integer"),
        ("dropout=0.2", "section.key=value"),
        ("model.dropout", "section.key=value"),
    ],
)
def test_a_wrong_setting_is_one_line_that_says_what_to_do(assignment, words):
    with pytest.raises(ConfigError) as caught:
        with_settings(Config(), [assignment])
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_steps_and_minutes_together_are_refused():
    with pytest.raises(ConfigError, match="one of steps, epochs and minutes"):
        with_settings(Config(), ["training.steps=5", "training.minutes=1"])


def test_n_best_needs_a_beam_that_wide():
    with pytest.raises(ConfigError, match="more than beam_size"):
        changed(DecodingConfig(strategy="beam", beam_size=2), n_best=3)


def test_a_configuration_survives_json():
    config = with_settings(Config(), ["decoding.blocked_phrases=[one, two]", "training.steps=9"])
    assert Config.model_validate_json(config.model_dump_json()) == config


def test_a_configuration_file_with_an_unknown_key_names_it(tmp_path):
    path = tmp_path / "config.yml"
    path.write_text("model:\n  unit: 3\n")
    with pytest.raises(ConfigError, match=r"model\.unit"):
        validated(Config, read_config(path))


@pytest.mark.parametrize("content", [b"[1, 2]", b"\xff\xfe\x00", b"a: [unclosed"])
def test_a_file_that_is_no_configuration_is_one_line(tmp_path, content):
    path = tmp_path / "config.yml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"config\.yml"):
        read_config(path)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("model.context=initial_state", "a summary alone"),
        ("model.attention=additive model.context=none", "a summary alone"),
        ("model.embedding=pretrained", "give model.embedding_file"),
        ("model.embedding_file=glove.txt", "take embedding=pretrained or frozen"),
        ("model.embedding=onehot", "set tie_embeddings=false"),
        ("model.readout=none", "make them equal"),
        ("model.attention=multi_head model.heads=7", "divided among 7 heads"),
        ("model.encoder=transformer model.encoder_units=510 model.attention=additive", "510"),
        ("model.attention=scaled_dot model.decoder_units=100", "make them equal"),
        ("model.encoder=convolutional", "make them equal"),
        ("model.attention=none model.coverage=true", "coverage needs attention"),
        ("model.attention=none model.hybrid=true", "hybrid needs attention"),
        ("model.source_deviation=0.1 model.share_embeddings=true", "set share_embeddings=false"),
        ("model.attention=none model.copying=true", "copying needs attention"),
        ("model.attention=none model.input_feeding=true", "input_feeding needs attention"),
        ("model.attention=none model.attention_positions=true", "needs attention"),
        ("model.coverage=true", "attention=additive or concat"),
        (
            "model.input_feeding=true model.readout=none model.tie_embeddings=false",
            "readout=maxout",
        ),
        ("model.share_cells=true", "bidirectional=false"),
        (
            "model.share_cells=true model.bidirectional=false model.attention=additive",
            "encoder_units 256 and decoder_units 512",
        ),
        (
            "model.share_cells=true model.bidirectional=false model.encoder_units=512 "
            "model.input_feeding=true",
            "input_feeding=false",
        ),
        ("model.bridge=copy model.decoder_layers=2", "make them equal"),
        ("model.bridge=copy model.encoder=transformer model.encoder_units=512", "bridge=dense"),
        ("model.decoder=transformer", "attention=multi_head"),
        (
            "model.decoder=transformer model.attention=multi_head model.context=output",
            "context=none",
        ),
        ("model.context=everywhere", "'initial_state', 'every_step' or 'output'"),
        ("model.attention=location model.max_positions=32", "max_source_tokens 64"),
        ("decoding.beam_size=400", "less than or equal to 64"),
        ("decoding.must_contain=[tea]", "strategy=beam"),
        ("training.sampling_rate=1", "less than 1"),
        ("training.scheduled_sampling=often", "'inverse_sigmoid'"),
    ],
)
def test_an_impossible_combination_is_one_line_that_says_what_to_do(settings, words):
    with pytest.raises(ConfigError) as caught:
        with_settings(Config(), settings.split())
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "places"),
    [("none", ()), ("output", ("output",)), ("initial_state,output", ("initial_state", "output"))],
)
def test_the_places_of_the_context_are_written_with_commas(text, places):
    settings = ["model.attention=none", f"model.context={text}"]
    assert with_settings(Config(), settings).model.places == places


def test_a_configuration_of_every_part_survives_json():
    config = with_settings(Config(), ["model.context=every_step,output", "model.copying=true"])
    assert Config.model_validate_json(config.model_dump_json()) == config


def test_options_and_settings_that_fit_only_together_are_taken_together():
    found = decoding_settings(
        DecodingConfig(), ["decoding.must_contain=[gnu]"], strategy="beam", n_best=2
    )
    assert (found.strategy, found.must_contain, found.n_best) == ("beam", ("gnu",), 2)
    over = decoding_settings(DecodingConfig(), ["decoding.strategy=beam"], strategy="sampling")
    assert over.strategy == "sampling"


def test_by_default_the_summary_joins_attention_where_there_is_any():
    alone = with_settings(Config(), ["model.attention=none"]).model
    shared = with_settings(Config(), ["model.share_embeddings=true"]).model
    assert (Config().model.joins_summary, Config().model.first_deviation) == (True, 0.05)
    assert (alone.joins_summary, shared.first_deviation) == (False, 1.0)


def test_what_was_kept_before_there_was_a_choice_stays_as_it_was():
    older = {"model": {"summary": "last", "share_embeddings": True}}
    kept = kept_config(older).model
    assert (kept.joins_summary, kept.first_deviation) == (False, 1.0)
    assert kept_config({"model": Config().model.model_dump()}).model.joins_summary
