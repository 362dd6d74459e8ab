"""The model card: what a bot is, what it was made from, and what to expect of it. Plain text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatbot.config import Config


def model_card(facts: Mapping[str, Any], config: Config) -> str:
    """Returns the card as Markdown.

    Args:
        facts: `name`, `language`, `command`, `commit`, `corpora`, `base`, `metrics`, `replies`.
        config: the effective configuration.
    """
    return "\n".join([*_heading(facts), *_training(facts, config), *_replies(facts), *_limits()])


def _heading(facts: Mapping[str, Any]) -> list[str]:
    metrics = facts["metrics"]
    return [
        f"# {facts['name']}",
        "",
        "A small encoder-decoder that learnt to chat from written conversations.",
        "",
        f"- Language: {facts['language']}",
        f"- Weights: {metrics['parameters']:,}, stored as float16",
        f"- Validation: {metrics['nats']:.3f} nats per token, perplexity "
        f"{metrics['perplexity']:.1f} per token, on {metrics['validation_pairs']:,} pairs "
        "of conversations that it never saw",
        "",
    ]


def _training(facts: Mapping[str, Any], config: Config) -> list[str]:
    metrics, model = facts["metrics"], config.model
    corpora = [f"  - {c['name']} (weight {c['weight']:g})" for c in facts["corpora"]]
    base = [f"- Fine-tuned from: {facts['base']}"] if facts["base"] else []
    commit = facts.get("commit")
    return [
        "## How it was trained",
        "",
        "```",
        facts["command"],
        "```",
        "",
        *([f"- Code and corpora: as of commit {commit}"] if commit else []),
        f"- Steps: best at {metrics['best_step']:,} of {metrics['steps']:,}, "
        f"{config.training.batch_size} pairs each, in {metrics['minutes']:.0f} minutes",
        f"- Device: {metrics['device']}, {metrics['precision']}",
        f"- Architecture: {model.cell} encoder {model.encoder_layers} x {model.encoder_units}"
        f"{' in both directions' if model.bidirectional else ''}, decoder "
        f"{model.decoder_layers} x {model.decoder_units}, {model.attention} attention",
        *base,
        "- Corpora (their own licences apply):",
        *corpora,
        "",
    ]


def _replies(facts: Mapping[str, Any]) -> list[str]:
    rows = [f"| {_cell(m)} | {_cell(r)} |" for m, r in facts["replies"].items()]
    return ["## What it answers", "", "| message | reply (greedy) |", "|---|---|", *rows, ""]


def _limits() -> list[str]:
    return [
        "## What it cannot do",
        "",
        "It knows nothing but how people answered in its corpora: it makes things up, forgets, "
        "and can say something unfitting or untrue. Do not rely on it for advice of any kind.",
        "",
    ]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
