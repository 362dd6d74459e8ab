"""Every setting that a user can give, checked where it enters and frozen afterwards.

Five sections (`tokenizer`, `corpus`, `model`, `training`, `decoding`) make one `Config`, read from
YAML or from `key=value` strings and stored whole in each bundle. Knows no other module but errors.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from chatbot.errors import ConfigError

PAD_ID, UNK_ID, BOS_ID, EOS_ID = range(4)  # the same in every vocabulary of this project

Section = TypeVar("Section", bound="Settings")


class Settings(BaseModel):
    """A frozen group of settings in which an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class TokenizerConfig(Settings):
    """How text is cut into subword pieces (SentencePiece unigram with byte fallback)."""

    vocab_size: int = Field(5000, ge=300, le=64_000, description="pieces, 262 of them fixed")
    character_coverage: float = Field(0.9995, gt=0.9, le=1.0)
    training_sentences: int = Field(200_000, ge=100, description="at most so many turns are read")


class CorpusConfig(Settings):
    """How conversations become clean (history, reply) pairs."""

    history_turns: int = Field(4, ge=1, le=32, description="turns before the reply, at most")
    without_history: float = Field(
        1.0, ge=0, le=1, description="share of pairs also trained on their last message alone"
    )
    max_turn_characters: int = Field(
        240, ge=10, le=2000, description="of message or reply; longer is dropped"
    )
    max_reply_uses: int = Field(40, ge=1, description="one reply stands in so many pairs, at most")
    reply_speaker: str | None = Field(None, description="learn only this speaker's replies")
    join_turns: bool = Field(True, description="what a speaker says in a row is one turn")
    message_column: str | None = Field(None, description="of a table, by name or number")
    reply_column: str | None = Field(None, description="of a table, by name or number")
    mask_private: bool = Field(
        False, description="put [e-mail], [link] and the like over private details"
    )
    validation_fraction: float = Field(0.03, gt=0, lt=1, description="of the conversations")
    max_validation_pairs: int = Field(2000, ge=1)
    seed: int = Field(0, ge=0)


class ModelConfig(Settings):
    """The encoder-decoder; the defaults are the best measured here on two cores."""

    cell: Literal["gru", "lstm"] = "gru"
    embedding_units: int = Field(256, ge=4, le=4096)
    encoder_layers: int = Field(1, ge=1, le=8)
    encoder_units: int = Field(256, ge=4, le=4096, description="in each direction")
    bidirectional: bool = True
    decoder_layers: int = Field(1, ge=1, le=8)
    decoder_units: int = Field(512, ge=4, le=4096)
    attention: Literal["dot", "additive", "none"] = "dot"
    tie_embeddings: bool = Field(True, description="the output layer shares the embedding")
    dropout: float = Field(0.3, ge=0, lt=1)

    @model_validator(mode="after")
    def _widths_fit(self) -> Self:
        width = self.encoder_units * (2 if self.bidirectional else 1)
        if self.attention == "dot" and self.decoder_units != width:
            raise ValueError(
                f"dot attention compares decoder_units {self.decoder_units} with the encoder's "
                f"width {width}: make them equal, or take attention=additive"
            )
        return self


class TrainingConfig(Settings):
    """How the weights are learned."""

    batch_size: int = Field(64, ge=1, le=4096, description="pairs in a batch")
    max_source_tokens: int = Field(64, ge=4, le=1024)
    max_target_tokens: int = Field(32, ge=2, le=1024)
    steps: int | None = Field(None, ge=1, description="batches to train on")
    minutes: float | None = Field(None, gt=0, description="turned into steps at the start")
    learning_rate: float = Field(1e-3, gt=0, le=1)
    warmup_steps: int = Field(300, ge=0)
    clip_norm: float = Field(1.0, gt=0)
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    subword_alpha: float = Field(
        0.0, ge=0, le=1, description="texts are cut anew each epoch, evenly near 0; 0 itself is off"
    )
    message_noise: float = Field(
        0.0, ge=0, le=1, description="share of messages typed carelessly, anew each epoch"
    )
    unrelated_history: float = Field(
        0.0, ge=0, lt=1, description="share of first messages shown after an exchange of others"
    )
    precision: Literal["auto", "float32", "mixed_bfloat16"] = "auto"
    validate_every: int = Field(0, ge=0, description="steps between validations; 0: about twenty")
    patience: int = Field(5, ge=1, description="validations without gain before it stops early")
    checkpoint_seconds: float = Field(60.0, ge=0)
    rehearsal: float = Field(
        0.5, ge=0, lt=1, description="share of the base's old pairs when a model is fine-tuned"
    )
    corrections: bool = Field(
        False, description="the corpora are corrections of the base: learned until it says each"
    )
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        if self.steps is not None and self.minutes is not None:
            raise ValueError("give steps or minutes, not both")
        return self


class DecodingConfig(Settings):
    """How a reply is searched for; the same words in configuration, command line and page."""

    history_turns: int = Field(
        0, ge=0, le=32, description="turns the bot is shown; 0: as many as it was trained with"
    )
    strategy: Literal["greedy", "beam", "sampling"] = "greedy"
    beam_size: int = Field(5, ge=1, le=64)
    n_best: int = Field(1, ge=1, le=64, description="replies to return, the best first")
    length_penalty: float = Field(1.0, ge=-5, le=5, description="alpha of Wu et al. 2016; 0 is off")
    temperature: float = Field(0.8, gt=0, le=10)
    top_k: int = Field(0, ge=0, description="0 is off")
    top_p: float = Field(0.9, gt=0, le=1, description="1 is off")
    repetition_penalty: float = Field(1.0, ge=0.1, le=10, description="1 is off")
    length_bonus: float = Field(
        0.0, ge=-5, le=5, description="nats for each token that goes on: shorter < 0 < longer"
    )
    no_repeat_ngram_size: int = Field(3, ge=0, le=16, description="0 is off")
    min_length: int = Field(1, ge=0, le=1000, description="tokens before the reply may end")
    max_length: int = Field(40, ge=1, le=1000, description="tokens")
    generic_penalty: float = Field(
        0.0,
        ge=0,
        le=1,
        description="what would be said to anything comes later in a beam; 0 is off",
    )
    min_confidence: float = Field(
        0.0, ge=0, lt=1, description="below it the bot says that it is not sure; 0 is off"
    )
    seed: int = Field(0, ge=0, lt=2**31)
    blocked_phrases: tuple[str, ...] = Field((), description="no reply holds any of these")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.strategy == "beam" and self.n_best > self.beam_size:
            raise ValueError(f"n_best {self.n_best} is more than beam_size {self.beam_size}")
        if self.strategy == "greedy" and self.n_best > 1:
            raise ValueError(
                "greedy finds one reply; for n_best take the strategy beam or sampling"
            )
        if self.min_length >= self.max_length:
            raise ValueError(f"min_length {self.min_length} leaves no room below max_length")
        return self


class Config(Settings):
    """The effective configuration of a training, stored in its run folder and bundle."""

    tokenizer: TokenizerConfig = TokenizerConfig()
    corpus: CorpusConfig = CorpusConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    decoding: DecodingConfig = DecodingConfig()


def validated(section: type[Section], values: Mapping[str, Any]) -> Section:
    """Builds `section` from plain values.

    Raises:
        ConfigError: naming the first wrong key, and for an unknown key the nearest known one.
    """
    try:
        return section.model_validate(dict(values))
    except ValidationError as error:
        raise ConfigError(_explain(section, error)) from None


def with_settings(config: Config, assignments: Iterable[str]) -> Config:
    """Returns `config` changed by `section.key=value` strings; values are read as YAML.

    >>> with_settings(Config(), ["model.dropout=0.2"]).model.dropout
    0.2
    """
    values = config.model_dump(exclude_unset=True)  # what was not asked for stays so
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        section, dot, key = path.strip().partition(".")
        if not (equals and dot and key):
            raise ConfigError(
                f"Cannot read the setting {assignment!r}: it has no section, key and value. "
                "Write it as section.key=value, for instance model.dropout=0.2."
            )
        if section not in Config.model_fields:
            known = _near(section, Config.model_fields)
            raise ConfigError(f"Unknown section {section!r} in {assignment!r}.{known}")
        values.setdefault(section, {})[key] = (
            _name(text) if _is_name(section, key) else _scalar(text)
        )
    return validated(Config, values)


def changed(section: Section, **changes: Any) -> Section:
    """Returns a copy of a section with some settings changed and all of them checked again."""
    return validated(type(section), {**section.model_dump(exclude_unset=True), **changes})


def read_config(path: Path) -> dict[str, Any]:
    """Reads a YAML configuration file into plain values, unchecked.

    Raises:
        ConfigError: the file is missing, not text, or not a YAML mapping.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"Cannot read {path}: {error.strerror}. Check the path.") from None
    except (ValueError, yaml.YAMLError):  # ValueError: no UTF-8, or no date
        raise ConfigError(f"Cannot read {path}: it is not YAML in UTF-8. Mend the file.") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds no settings. Write sections such as `model:` into it.")
    return values


def _scalar(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except (ValueError, yaml.YAMLError):  # such as 2020-13-45
        return text


def _is_name(section: str, key: str) -> bool:
    """Tells settings that hold somebody's or something's name, which YAML could misread."""
    fields = Config.model_fields[section].default.__class__.model_fields
    return key in fields and fields[key].annotation == str | None


def _name(text: str) -> str | None:
    """Reads a name as it is written, `yes`, `2` and `Ann: x` too; quotation marks are left off."""
    name = text.strip()
    quoted = _scalar(name) if name[:1] in ("'", '"') else None
    if isinstance(quoted, str):
        return quoted
    return None if name in ("", "null", "~") else name


def _near(word: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f" Did you mean {near[0]!r}?" if near else f" Known are: {', '.join(names)}."


def _explain(section: type[Settings], error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    path = [str(part) for part in first["loc"]]
    name = ".".join(path)
    if first["type"] == "extra_forbidden":
        return f"Unknown setting {name!r}.{_near(path[-1], _keys(section, path[:-1]))}"
    reason = first["msg"].removeprefix("Value error, ")
    if not name:
        return f"These settings do not fit together: {reason}. Correct one and try again."
    received = "" if isinstance(first["input"], dict) else f" (received {first['input']!r})"
    return f"The setting {name!r} is wrong: {reason}{received}. Correct it and try again."


def _keys(section: type[Settings], path: Iterable[str]) -> list[str]:
    for key in path:
        annotation = section.model_fields[key].annotation
        if isinstance(annotation, type) and issubclass(annotation, Settings):
            section = annotation
    return list(section.model_fields)
