"""Architectures from the literature, by name: settings of the one builder in chatbot/model/.

Each has a width for a laptop, half of it under `model.size=small`, where minutes are few, and under
`model.size=paper` the published one. All are trained as `default` is (Adam, its schedule, its
batches), so that they can be compared; a published width may need a rate of its own.
tests/model/paper_equations.py reads each paper's equations with NumPy alone. Knows no network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chatbot.config import ModelConfig, nearest, validated
from chatbot.errors import ConfigError

SIZES = ("laptop", "small", "paper")
DEFAULT = "default"
_WIDTHS = ("embedding_units", "encoder_units", "decoder_units")

_SCALED = "embeddings are multiplied by the root of their width, which only scales where they start"
_ADAM = "trained with Adam and dropout, on subword pieces"
_ADAM_ALONE = "trained with Adam, on subword pieces"  # the paper has dropout as well


@dataclass(frozen=True)
class Preset:
    """One architecture."""

    name: str
    idea: str
    source: str
    model: Mapping[str, Any] = field(default_factory=dict)  # the parts, with widths for a laptop
    paper: Mapping[str, Any] = field(default_factory=dict)  # the published widths
    paper_training: Mapping[str, Any] = field(default_factory=dict)  # what these need
    differences: tuple[str, ...] = ()

    def values(self, size: str = "laptop") -> dict[str, dict[str, Any]]:
        """Returns plain settings by section, for `validated`."""
        widths = {"small": self._halved(), "paper": self.paper}.get(size, {})
        chosen = {"size": size} if size != "laptop" else {}
        model = {**self.model, **widths, **chosen}
        training = dict(self.paper_training) if size == "paper" else {}
        return {"model": model, **({"training": training} if training else {})}

    def _halved(self) -> dict[str, int]:
        laptop = validated(ModelConfig, self.model)
        return {width: getattr(laptop, width) // 2 for width in _WIDTHS}


def preset_named(name: str) -> Preset:
    """Returns a preset.

    Raises:
        ConfigError: there is none of this name; names the nearest.
    """
    if name not in PRESETS:
        raise ConfigError(f"There is no preset {name[:80]!r}.{nearest(name, PRESETS)}")
    return PRESETS[name]


def under(
    name: str | None, values: Mapping[str, Any], assignments: Iterable[str]
) -> dict[str, Any]:
    """Lays a preset under plain settings: what these say of a section is kept.

    Args:
        name: of the preset; None lays nothing, or the default where its small size is asked for.
        values: sections of settings, unchecked.
        assignments: `section.key=value` strings that come on top; only `model.size` is looked at.

    Raises:
        ConfigError: there is no such preset, or a size is asked for without one.
    """
    size = _size(values, assignments)
    if name is None and size != "small":
        if size == "paper":
            raise ConfigError(
                "model.size=paper is the width of a published architecture, and none is named. "
                "Add --preset NAME; `python -m chatbot presets` lists them."
            )
        return dict(values)
    laid = preset_named(name or DEFAULT).values(size)
    sections = {
        key: {**laid.get(key, {}), **value} if isinstance(value, Mapping) else value
        for key, value in values.items()
    }
    return {**laid, **sections}


def _size(values: Mapping[str, Any], assignments: Iterable[str]) -> str:
    model = values.get("model")
    asked = model.get("size") if isinstance(model, Mapping) else None
    for assignment in assignments:
        key, _, value = assignment.partition("=")
        asked = value.strip() if key.strip() == "model.size" else asked
    return asked if asked in SIZES else "laptop"


_PAPER = {"summary": "last", "hybrid": False, "readout": "tanh"}
_PLAIN = {**_PAPER, "attention": "none", "readout": "none", "tie_embeddings": False}
_ONE_WAY = {"bidirectional": False, "bridge": "copy"}
_ALL_PLACES = "initial_state,every_step,output"

_KNOWN = (
    Preset(
        "rnn-basic",
        "One layer of plain cells reads the source, another goes on from its last state.",
        "Elman 1990 (Cognitive Science 14:179), as an encoder-decoder",
        {**_PLAIN, **_ONE_WAY, "cell": "rnn", "context": "initial_state",
         "encoder_units": 512, "decoder_units": 512},
        differences=(
            "the baseline; no paper publishes its width, so that is the laptop's",
            "units are between -1 and 1 (tanh); Elman's are between 0 and 1",
        ),
    ),
    Preset(
        "cho2014",
        "The source as one vector, given to every step and to the output through maxout.",
        "Cho et al. 2014, Learning Phrase Representations using RNN Encoder-Decoder, "
        "arXiv:1406.1078",
        {**_PAPER, "cell": "gru", "gru_reset": "before", "bidirectional": False,
         "attention": "none",
         "context": _ALL_PLACES, "readout": "maxout", "tie_embeddings": False,
         "embedding_units": 256, "encoder_units": 512, "decoder_units": 512},
        {"embedding_units": 500, "encoder_units": 1000, "decoder_units": 1000},
        differences=(
            "the summary is the encoder's last state itself, without the layer c = tanh(V h)",
            "word vectors are as wide as the maxout layer (500), not 100",
            "cells and maxout have biases",
            _SCALED,
            _ADAM,
        ),
    ),
    Preset(
        "sutskever2014",
        "Four LSTM layers, the source read from its end, no attention.",
        "Sutskever et al. 2014, Sequence to Sequence Learning with Neural Networks, "
        "arXiv:1409.3215",
        {**_PLAIN, **_ONE_WAY, "cell": "lstm", "context": "initial_state", "reverse_source": True,
         "encoder_layers": 4, "decoder_layers": 4, "embedding_units": 256,
         "encoder_units": 256, "decoder_units": 256},
        {"embedding_units": 1000, "encoder_units": 1000, "decoder_units": 1000},
        differences=(
            _SCALED,
            _ADAM,
        ),
    ),
    Preset(
        "bahdanau2015",
        "Each step first looks for where in the source to read: additive attention.",
        "Bahdanau et al. 2015, Neural Machine Translation by Jointly Learning to Align and "
        "Translate, arXiv:1409.0473",
        {**_PAPER, "cell": "gru", "gru_reset": "before", "attention": "additive",
         "context": _ALL_PLACES,
         "readout": "maxout", "tie_embeddings": False, "embedding_units": 256,
         "encoder_units": 256, "decoder_units": 512},
        {"embedding_units": 620, "encoder_units": 1000, "decoder_units": 1000},
        differences=(
            "the output layer reads the new state s_i, not s_i-1",
            "the first state is made of both directions' last states, not of the backward one",
            "the maxout layer is as wide as word vectors (620), not 500",
            "cells and maxout have biases",
            _SCALED,
            _ADAM,
        ),
    ),
    Preset(
        "shang2015",
        "What attention found and the whole message at once, for replies in short talk (NRM-hyb).",
        "Shang et al. 2015, Neural Responding Machine for Short-Text Conversation, "
        "arXiv:1503.02364",
        {**_PAPER, "cell": "gru", "gru_reset": "before", "bidirectional": False,
         "attention": "additive", "hybrid": True, "context": _ALL_PLACES,
         "readout": "maxout", "tie_embeddings": False,
         "embedding_units": 256, "encoder_units": 512, "decoder_units": 512},
        {"embedding_units": 620, "encoder_units": 1000, "decoder_units": 1000},
        differences=(
            "one encoder gives both schemes; in the paper each has one, trained alone at first",
            "the output is Bahdanau's maxout",
            "cells and maxout have biases",
            _SCALED,
            _ADAM,
        ),
    ),
    Preset(
        "luong2015",
        "Attention by a bilinear form after each step; its result is fed to the next step.",
        "Luong et al. 2015, Effective Approaches to Attention-based Neural Machine Translation, "
        "arXiv:1508.04025",
        {**_PAPER, **_ONE_WAY, "cell": "lstm", "attention": "general", "input_feeding": True,
         "reverse_source": True, "tie_embeddings": False, "encoder_layers": 2,
         "decoder_layers": 2, "embedding_units": 256, "encoder_units": 256,
         "decoder_units": 256},
        {"encoder_layers": 4, "decoder_layers": 4, "embedding_units": 1000,
         "encoder_units": 1000, "decoder_units": 1000},
        differences=(
            "global attention: no window that moves over the source",
            "the layer of equation 5 has a bias",
            _SCALED,
            _ADAM_ALONE,
        ),
    ),
    Preset(
        "d2l",
        "Two GRU layers, the source's last state joined to every input of the decoder.",
        "Zhang et al. 2021, Dive into Deep Learning, section 10.7, arXiv:2106.11342",
        {**_PLAIN, **_ONE_WAY, "cell": "gru", "context": "initial_state,every_step",
         "encoder_layers": 2, "decoder_layers": 2, "embedding_units": 256,
         "encoder_units": 256, "decoder_units": 256},
        differences=(
            "the book's own width is the laptop's",
            "on subword pieces, not words",
            _SCALED,
        ),
    ),
    Preset(
        "cnn2017",
        "Convolutions read the whole source at once; an LSTM writes.",
        "Gehring et al. 2017, A Convolutional Encoder Model for Neural Machine Translation, "
        "arXiv:1611.02344",
        {**_PAPER, "encoder": "convolutional", "cell": "lstm", "positions": "learned",
         "attention": "general", "context": "initial_state,every_step", "summary": "mean",
         "readout": "none", "tie_embeddings": False, "encoder_layers": 4, "embedding_units": 256,
         "encoder_units": 256, "decoder_units": 256},
        {"encoder_layers": 8, "embedding_units": 256, "encoder_units": 512,
         "decoder_units": 512},
        differences=(
            "attention asks with W_d h_i; the paper adds a bias and the last word's vector",
            "the first state is made of the mean of the source's vectors",
            "CNN-c is as wide as CNN-a, not 256 between two linear layers",
            "the output matrix reads h_i itself, not 256 numbers made of it",
            _SCALED,
            _ADAM_ALONE,
        ),
    ),
    Preset(
        "transformer2017",
        "Attention alone: every position looks at every other, in several heads.",
        "Vaswani et al. 2017, Attention Is All You Need, arXiv:1706.03762",
        {**_PAPER, "share_embeddings": True, "encoder": "transformer", "decoder": "transformer",
         "attention": "multi_head",
         "readout": "none", "heads": 4, "encoder_layers": 2, "decoder_layers": 2,
         "embedding_units": 256, "encoder_units": 256, "decoder_units": 256, "dropout": 0.1},
        {"heads": 8, "encoder_layers": 6, "decoder_layers": 6, "embedding_units": 512,
         "encoder_units": 512, "decoder_units": 512},
        {"learning_rate": 7e-4, "warmup_steps": 4000},  # the highest rate of equation 3
        differences=(
            "the learning rate falls along a line, not with the root of the step",
            "dropout falls on word vectors before positions are added, not on their sum",
            "the output has a bias",
        ),
    ),
    Preset(
        DEFAULT,
        "A GRU reads both ways, another writes; dot attention, the sum of what was read and the "
        "last token meet in the output: what bots are trained with here.",
        "Luong et al. 2015, arXiv:1508.04025 (dot attention); Shang et al. 2015, arXiv:1503.02364 "
        "(the summary joins it); Cho et al. 2014, arXiv:1406.1078 (the output by maxout); Press "
        "and Wolf 2017, arXiv:1608.05859 (tied embeddings)",
        differences=(
            "no input feeding and no stack of layers: docs/experiments.md has what is measured",
            "the summary is the sum over the root of the length, which is our own",
        ),
    ),
)  # fmt: skip
PRESETS: Mapping[str, Preset] = {preset.name: preset for preset in _KNOWN}
