"""What a visitor may set, and how it becomes a `DecodingConfig`.

Plain functions over plain values; knows no component and no bot.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from chatbot.config import DecodingConfig, changed
from chatbot.errors import ConfigError

# What the page and its API let visitors change; blocked phrases are the owner's.
KNOBS = (
    "length_bonus",
    "strategy",
    "beam_size",
    "temperature",
    "top_k",
    "top_p",
    "repetition_penalty",
    "no_repeat_ngram_size",
    "min_length",
    "max_length",
    "seed",
)
# Lower than DecodingConfig allows: one visitor must not keep the machine busy.
LIMITS = {"beam_size": 16, "min_length": 50, "max_length": 200}
# What the sliders of the page reach: lowest, highest, step.
RANGES = {
    "length_bonus": (-2.0, 2.0, 0.1),
    "beam_size": (1, LIMITS["beam_size"], 1),
    "temperature": (0.1, 2.0, 0.05),
    "top_k": (0, 200, 1),
    "top_p": (0.05, 1.0, 0.05),
    "repetition_penalty": (0.5, 2.0, 0.05),
    "no_repeat_ngram_size": (0, 8, 1),
    "min_length": (0, LIMITS["min_length"], 1),
    "max_length": (1, LIMITS["max_length"], 1),
}
_SEEDS = 2**31


def decoding_from(base: DecodingConfig, knobs: Mapping[str, Any]) -> DecodingConfig:
    """Returns the bot's own settings `base` with those changed that a visitor set.

    A value of None keeps the bot's own. One reply is asked for, whatever the bot's `n_best`.

    Raises:
        ConfigError: a setting is unknown, out of range, too costly, or does not fit the others.
    """
    for name in knobs:
        if name not in KNOBS:
            raise ConfigError(f"Unknown setting {name!r}. Known here are: {', '.join(KNOBS)}.")
    given = {name: value for name, value in knobs.items() if value is not None}
    made = changed(base, **{**given, "n_best": 1})
    for name, limit in LIMITS.items():  # all read as numbers by now, however they were typed
        value = getattr(made, name)
        if name in given and value > limit:
            raise ConfigError(
                f"The setting {name!r} is wrong: {value} is more than the {limit} that "
                "this page allows, since others wait meanwhile. Lower it."
            )
    return made


def knobs_of(decoding: DecodingConfig) -> dict[str, Any]:
    """Returns what the controls show for a bot's own settings, within reach of their sliders.

    The seed is empty, which stands for a fresh one each time.
    """
    shown = {name: getattr(decoding, name) for name in KNOBS}
    within = {name: min(max(shown[name], low), high) for name, (low, high, _) in RANGES.items()}
    return {**shown, **within, "seed": ""}


def livelier(base: DecodingConfig, liveliness: float) -> dict[str, Any]:
    """Turns one slider into settings: 0 is the bot's own way, 1 samples at temperature 1.3.

    >>> livelier(DecodingConfig(), 0.5)
    {'strategy': 'sampling', 'temperature': 0.9, 'top_p': 0.9}
    """
    if liveliness <= 0:
        own = knobs_of(base)
        return {name: own[name] for name in ("strategy", "temperature", "top_p")}
    temperature = round(0.5 + 0.8 * min(liveliness, 1.0), 3)
    return {"strategy": "sampling", "temperature": temperature, "top_p": 0.9}


def seeded(knobs: Mapping[str, Any], *, again: bool = False) -> dict[str, Any]:
    """Returns the settings with a seed: the visitor's, or a fresh one.

    Args:
        knobs: as in `decoding_from`.
        again: the same message is answered anew, for which even a given seed is replaced.
    """
    fresh = again or knobs.get("seed") is None
    return {**knobs, "seed": secrets.randbelow(_SEEDS) if fresh else knobs["seed"]}
