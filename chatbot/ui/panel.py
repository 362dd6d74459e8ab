"""The settings of a visitor, folded away: two plain sliders, then every knob by its own name.

The controls say what `settings` computes with; knows no conversation and no bot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from chatbot.config import DecodingConfig
from chatbot.ui.settings import KNOBS, RANGES, knobs_of
from chatbot.ui.words import Words


@dataclass(frozen=True)
class Panel:
    """The controls; `knobs` by name, in the order of KNOBS."""

    liveliness: Any
    knobs: dict[str, Any]
    problem: Any  # one line, where the settings do not fit together


def settings_panel(words: Words, decoding: DecodingConfig) -> Panel:
    """Builds the controls inside the surrounding container, showing a bot's own settings."""
    shown = knobs_of(decoding)
    with gr.Row():
        length_bonus = _slider(words, "length_bonus", RANGES["length_bonus"], shown["length_bonus"])
        liveliness = _slider(words, "liveliness", (0, 1, 0.05), 0)
    with gr.Accordion(words("more"), open=False, elem_id="more"):
        controls = {**_search_controls(words, shown), **_text_controls(words, shown)}
    problem = gr.HTML("", elem_id="problem", padding=False)
    controls["length_bonus"] = length_bonus
    return Panel(liveliness, {name: controls[name] for name in KNOBS}, problem)


def _search_controls(words: Words, shown: dict[str, Any]) -> dict[str, Any]:
    with gr.Row():
        strategy = gr.Radio(
            ["greedy", "beam", "sampling"],
            value=shown["strategy"],
            label="strategy",
            info=words("strategy"),
            elem_id="strategy",
        )
        beam_size = _knob(words, shown, "beam_size")
    with gr.Row():
        temperature = _knob(words, shown, "temperature")
        top_p = _knob(words, shown, "top_p")
    with gr.Row():
        top_k = _knob(words, shown, "top_k")
        seed = gr.Textbox(
            label="seed",
            info=words("seed"),
            placeholder=words("seed_empty"),
            max_length=10,
            elem_id="seed",
        )
    return {
        "strategy": strategy,
        "beam_size": beam_size,
        "temperature": temperature,
        "top_p": top_p,
        "top_k": top_k,
        "seed": seed,
    }


def _text_controls(words: Words, shown: dict[str, Any]) -> dict[str, Any]:
    with gr.Row():
        penalty = _knob(words, shown, "repetition_penalty")
        ngrams = _knob(words, shown, "no_repeat_ngram_size")
    with gr.Row():
        shortest = _knob(words, shown, "min_length")
        longest = _knob(words, shown, "max_length")
    return {
        "repetition_penalty": penalty,
        "no_repeat_ngram_size": ngrams,
        "min_length": shortest,
        "max_length": longest,
    }


def _slider(words: Words, key: str, reach: tuple[float, float, float], value: float) -> Any:
    """A plain slider with a sentence for a label."""
    low, high, step = reach
    return gr.Slider(
        low,
        high,
        value,
        step=step,
        label=words(key),
        info=words(f"{key}_info"),
        buttons=[],
        elem_id=key,
        elem_classes="plain",
        min_width=240,
    )


def _knob(words: Words, shown: dict[str, Any], name: str) -> Any:
    """A slider under the name that the setting has in DecodingConfig."""
    low, high, step = RANGES[name]
    return gr.Slider(
        low,
        high,
        shown[name],
        step=step,
        label=name,
        info=words(name),
        buttons=[],
        elem_id=name,
        min_width=240,
    )
