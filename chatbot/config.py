"""Every setting that a user can give, checked where it enters and frozen afterwards.

Five sections (`tokenizer`, `corpus`, `model`, `training`, `decoding`) make one `Config`, read from
YAML or from `key=value` strings and stored whole in each bundle. Knows no other module but errors.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from chatbot.errors import ConfigError

PAD_ID, UNK_ID, BOS_ID, EOS_ID = range(4)  # the same in every vocabulary of this project
MAX_MESSAGE_CHARACTERS = 2000  # of a message to the bot; a longer one is refused

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
    min_reply_uses: int = Field(
        1,
        ge=1,
        description="a reply in fewer pairs is dropped: the rarer ones take longest to learn",
    )
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


Place = Literal["initial_state", "every_step", "output"]
AttentionKind = Literal[
    "none", "additive", "dot", "general", "concat", "scaled_dot", "multi_head", "location"
]


_FAINT = 0.05  # a source vector that begins wide stays what chance made it: docs/experiments.md


class ModelConfig(Settings):
    """The encoder-decoder; the defaults are the best measured here for bots on two cores.

    `python -m chatbot presets` lists combinations from the literature. What each part computes
    stands in chatbot/model/, in the module of its family.
    """

    size: Literal["laptop", "small", "paper"] = Field(
        "laptop", description="the widths of a --preset; small: half the laptop's"
    )
    embedding: Literal["trainable", "frozen", "onehot", "pretrained"] = "trainable"
    embedding_file: str | None = Field(
        None, description="vectors of words to begin with: word2vec, GloVe or fastText, as text"
    )
    embedding_units: int = Field(256, ge=4, le=4096)
    share_embeddings: bool = Field(False, description="source and target have one embedding")
    source_deviation: float | None = Field(
        None,
        gt=0,
        le=4,
        description="of a source vector's numbers at the start, where the source has its own "
        "embedding; by default 0.05 if that is learned from nothing, and 1 if not",
    )
    tie_embeddings: bool = Field(True, description="the output layer shares the embedding")
    reverse_source: bool = Field(False, description="read the source from its end")
    cell: Literal["gru", "lstm", "rnn"] = "gru"
    gru_reset: Literal["after", "before"] = Field(
        "after", description="the matrix product with the state, in a GRU"
    )
    encoder: Literal["recurrent", "convolutional", "transformer"] = "recurrent"
    encoder_layers: int = Field(1, ge=1, le=32)
    encoder_units: int = Field(256, ge=4, le=4096, description="in each direction")
    bidirectional: bool = Field(True, description="a recurrent encoder reads both ways")
    kernel_width: int = Field(3, ge=1, le=31, description="of a convolutional encoder")
    positions: Literal["sinusoids", "learned", "none"] = Field(
        "sinusoids", description="added to what a convolutional or Transformer part reads"
    )
    max_positions: int = Field(
        1024, ge=4, le=4096, description="of learned positions and of location attention"
    )
    summary: Literal["last", "mean", "max", "sum"] = Field(
        "sum", description="the source as one vector; sum: over the root of its length"
    )
    context: tuple[Place, ...] | None = Field(
        None,
        description="where the source enters the decoder: initial_state, every_step, output, "
        "several joined by commas, or none; by default what suits the attention",
    )
    bridge: Literal["dense", "copy"] = Field(
        "dense", description="how the initial state is made: of the summary, or each layer's own"
    )
    decoder: Literal["recurrent", "transformer"] = "recurrent"
    decoder_layers: int = Field(1, ge=1, le=32)
    decoder_units: int = Field(512, ge=4, le=4096)
    share_cells: bool = Field(False, description="encoder and decoder have the same cells")
    residual: bool = Field(False, description="recurrent layers add what they read")
    layer_norm: bool = Field(False, description="recurrent layers' outputs are normalised")
    attention: AttentionKind = "dot"
    attention_positions: bool = Field(False, description="sinusoids mark the keys")
    hybrid: bool | None = Field(
        None,
        description="the summary joins what attention hands over; by default in a recurrent "
        "decoder that attends",
    )
    input_feeding: bool = Field(False, description="the last attentional vector is read again")
    coverage: bool = Field(False, description="attention knows where it has looked already")
    coverage_loss: float = Field(1.0, ge=0, le=100, description="its weight in the loss, in nats")
    copying: bool = Field(False, description="tokens can be pointed at in the source")
    readout: Literal["tanh", "maxout", "none"] = Field(
        "maxout",
        description="the layer between decoder and output matrix; maxout reads the last token too",
    )
    heads: int = Field(4, ge=1, le=64)
    feed_forward_units: int = Field(0, ge=0, le=16_384, description="0: four times the units")
    dropout: float = Field(0.3, ge=0, lt=1)

    @field_validator("context", mode="before")
    @classmethod
    def _places(cls, value: Any) -> Any:
        """Reads `none` and `initial_state,output`, as a command line writes them."""
        if isinstance(value, str):
            names = [name.strip() for name in value.split(",")]
            return () if names == ["none"] else tuple(names)
        return value

    @property
    def places(self) -> tuple[Place, ...]:
        """Where the source enters the decoder."""
        if self.context is not None:
            return self.context
        if self.decoder == "transformer":
            return ()
        return ("initial_state",) if self.attention == "none" else ("initial_state", "output")

    @property
    def joins_summary(self) -> bool:
        """Whether the summary goes on with what attention found."""
        if self.hybrid is not None:
            return self.hybrid
        return self.attention != "none" and self.decoder == "recurrent"

    @property
    def first_deviation(self) -> float:
        """The standard deviation of a source vector's numbers at the start."""
        if self.source_deviation is not None:
            return self.source_deviation
        faint = not self.share_embeddings and self.embedding == "trainable"
        return _FAINT if faint else 1.0

    @property
    def memory_units(self) -> int:
        """The width of the encoder's outputs."""
        both = self.encoder == "recurrent" and self.bidirectional
        return self.encoder_units * (2 if both else 1)

    @property
    def context_units(self) -> int:
        """The width of the context: what attention, or the summary, hands to the decoder."""
        return self.decoder_units if self.attention == "multi_head" else self.value_units

    @property
    def value_units(self) -> int:
        """The width of what attention hands over of each position."""
        return self.memory_units * (2 if self.joins_summary else 1)

    @property
    def has_reverse_matrix(self) -> bool:
        """Whether the embedding layer holds the output matrix as well, tied or not."""
        learned = self.embedding in ("trainable", "pretrained")
        return self.tie_embeddings or (learned and self.readout != "none")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        checks = (_embedding_misfits, _recurrent_misfits, _transformer_misfits, _attention_misfits)
        for check in checks:
            for wrong, advice in check(self):
                if wrong:
                    raise ValueError(advice)
        return self


Misfits = Iterator[tuple[bool, str]]  # whether two settings exclude each other, and what to do


def _embedding_misfits(model: ModelConfig) -> Misfits:
    kind, file = model.embedding, model.embedding_file
    yield (
        kind == "pretrained" and file is None,
        "embedding=pretrained has no vectors to begin with: give model.embedding_file",
    )
    yield (
        kind in ("trainable", "onehot") and file is not None,
        f"embedding_file is not read with embedding={kind}: take embedding=pretrained or frozen",
    )
    yield (
        kind == "onehot" and model.tie_embeddings,
        "embedding=onehot has no matrix to tie: set tie_embeddings=false",
    )
    yield (
        model.share_embeddings and model.source_deviation not in (None, 1.0),
        "source_deviation is for an embedding of the source alone: set share_embeddings=false",
    )
    yield (
        model.tie_embeddings and model.readout == "none" and not _feature_width_is_embedding(model),
        f"tie_embeddings with readout=none multiplies the decoder's output of width "
        f"{_feature_width(model)} by embeddings of {model.embedding_units}: make them equal, or "
        "set tie_embeddings=false or readout=maxout",
    )


def _feature_width(model: ModelConfig) -> int:
    """Returns the width of what goes into the readout; maxout adds the last token to it."""
    joined = model.context_units if "output" in model.places else 0
    return model.decoder_units + joined


def _feature_width_is_embedding(model: ModelConfig) -> bool:
    return _feature_width(model) == model.embedding_units


def _recurrent_misfits(model: ModelConfig) -> Misfits:
    copied = model.bridge == "copy" and "initial_state" in model.places
    both = model.encoder == model.decoder == "recurrent"
    yield (
        copied and not both,
        "bridge=copy hands the states of recurrent layers over: take encoder=recurrent and "
        "decoder=recurrent, or bridge=dense",
    )
    yield (
        copied
        and (model.encoder_layers, model.memory_units)
        != (model.decoder_layers, model.decoder_units),
        f"bridge=copy hands each layer's state over, but the encoder has {model.encoder_layers} "
        f"layers of {model.memory_units} and the decoder {model.decoder_layers} of "
        f"{model.decoder_units}: make them equal, or take bridge=dense",
    )
    yield (
        model.share_cells and not (both and not model.bidirectional),
        "share_cells needs a recurrent encoder of one direction and a recurrent decoder: set "
        "bidirectional=false, or share_cells=false",
    )
    yield (
        model.share_cells and model.encoder_units != model.decoder_units,
        f"share_cells needs cells of one width, not encoder_units {model.encoder_units} and "
        f"decoder_units {model.decoder_units}: make them equal",
    )
    yield (
        model.share_cells and ("every_step" in model.places or model.input_feeding),
        "share_cells needs cells that read the same, and the decoder's read more: leave "
        "every_step out of context and set input_feeding=false",
    )


def _transformer_misfits(model: ModelConfig) -> Misfits:
    uses = []
    if model.encoder == "transformer":
        uses.append(("encoder", model.encoder_units))
    if model.attention == "multi_head":
        uses.append(("decoder", model.decoder_units))
    for name, units in uses:
        yield (
            units % model.heads != 0,
            f"{name}_units {units} cannot be divided among {model.heads} heads: take a multiple "
            "of heads",
        )
    decodes = model.decoder == "transformer"
    yield (
        decodes and model.attention != "multi_head",
        f"decoder=transformer looks at the source by attention=multi_head, not {model.attention}",
    )
    yield (
        decodes and bool(model.places),
        "decoder=transformer reads the source in each of its layers: set context=none",
    )


def _attention_misfits(model: ModelConfig) -> Misfits:
    kind, attends = model.attention, model.attention != "none"
    recurrent = model.decoder == "recurrent"
    yield (
        attends and recurrent and not {"every_step", "output"} & set(model.places),
        f"attention={kind} looks at the encoder's output of each step, but the context given to "
        "the decoder is a summary alone: add output or every_step to context, or take "
        "attention=none",
    )
    yield (
        kind in ("dot", "scaled_dot") and model.decoder_units != model.memory_units,
        f"{kind} attention compares decoder_units {model.decoder_units} with the encoder's width "
        f"{model.memory_units}: make them equal, or take attention=additive",
    )
    for name in ("attention_positions", "hybrid", "input_feeding", "coverage", "copying"):
        yield (
            bool(getattr(model, name)) and not attends,
            f"{name} needs attention: take attention=additive, or set {name}=false",
        )
    yield (
        model.input_feeding and (not recurrent or model.readout == "none"),
        "input_feeding reads the readout's vector again in a recurrent decoder: take "
        "decoder=recurrent and readout=maxout or tanh, or set input_feeding=false",
    )
    yield (
        model.coverage and (kind not in ("additive", "concat") or not recurrent),
        "coverage enters the hidden layer of attention=additive or concat in a recurrent decoder: "
        "take one of these, or set coverage=false",
    )


class TrainingConfig(Settings):
    """How the weights are learned."""

    batch_size: int = Field(64, ge=1, le=4096, description="pairs in a batch")
    max_source_tokens: int = Field(64, ge=4, le=1024)
    max_target_tokens: int = Field(32, ge=2, le=1024)
    steps: int | None = Field(None, ge=1, description="batches to train on")
    epochs: float | None = Field(None, gt=0, description="times that each pair is learned from")
    minutes: float | None = Field(None, gt=0, description="turned into steps early on")
    learning_rate: float = Field(2e-3, gt=0, le=1)
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
    bucketing: bool = Field(True, description="a batch holds pairs of about one length")
    scheduled_sampling: Literal["none", "constant", "linear", "exponential", "inverse_sigmoid"] = (
        Field("none", description="the decoder is fed some of its own tokens, more and more")
    )
    sampling_rate: float = Field(
        0.25, gt=0, lt=1, description="share of its own tokens, at the last step"
    )
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        if [self.steps, self.epochs, self.minutes].count(None) < 2:
            raise ValueError("give one of steps, epochs and minutes, not more")
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
    coverage_penalty: float = Field(0.0, ge=0, le=5, description="beta of Wu et al. 2016; 0 is off")
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
    tact: float = Field(
        15.0,
        ge=0,
        description="a beam gives a glad reply only where the glad ones together are this many "
        "times likelier than the sorry ones, of bots that know their replies' tones; 0 is off",
    )
    seed: int = Field(0, ge=0, lt=2**31)
    blocked_phrases: tuple[str, ...] = Field((), description="no reply holds any of these")

    must_contain: tuple[str, ...] = Field(
        (), max_length=8, description="the reply holds each of these; a beam finds it"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.must_contain and self.strategy != "beam":
            raise ValueError(
                f"must_contain is searched for by a beam, not by {self.strategy}: set strategy=beam"
            )
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

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        model, longest = self.model, self.training.max_source_tokens
        counted = model.attention == "location" or (
            model.positions == "learned" and model.encoder != "recurrent"
        )
        if counted and longest > model.max_positions:
            raise ValueError(
                f"training.max_source_tokens {longest} is more than model.max_positions "
                f"{model.max_positions}: raise the latter"
            )
        return self


def validated(section: type[Section], values: Mapping[str, Any]) -> Section:
    """Builds `section` from plain values.

    Raises:
        ConfigError: naming the first wrong key, and for an unknown key the nearest known one.
    """
    try:
        return section.model_validate(dict(values))
    except ValidationError as error:
        raise ConfigError(_explain(section, error)) from None


_BEFORE = {  # before there was a choice
    "hybrid": False,
    "source_deviation": 1.0,
    "summary": "last",
    "share_embeddings": True,
    "readout": "tanh",
}


def kept_config(values: Mapping[str, Any]) -> Config:
    """Builds the configuration that a model or a training was kept with.

    An older one does not say what could not be chosen then; that stays as it was.

    Raises:
        ConfigError: as `validated`.
    """
    model = values.get("model")
    known = {**_BEFORE, **model} if isinstance(model, Mapping) else model
    return validated(Config, {**values, "model": known} if known is not None else values)


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
            known = nearest(section, Config.model_fields)
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


def nearest(word: str, known: Iterable[str]) -> str:
    """Returns a sentence that names the known word most like one, or all of them."""
    names = list(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f" Did you mean {near[0]!r}?" if near else f" Known are: {', '.join(names)}."


def _explain(section: type[Settings], error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    path = [str(part) for part in first["loc"]]
    name = ".".join(path)
    if first["type"] == "extra_forbidden":
        return f"Unknown setting {name!r}.{nearest(path[-1], _keys(section, path[:-1]))}"
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
