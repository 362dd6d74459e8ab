"""The model card: what a bot is, what it was made from, and what to expect of it. Plain text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from chatbot.config import Config, ModelConfig

_COMMANDS = re.compile(r"^## How it was trained\n\n```\n(?P<commands>[^`]*)\n```$", re.MULTILINE)
_COMMIT = re.compile(r"as of commit (?P<commit>[\w-]+)")
_MOST_COMMANDS = 20  # a bot that is taught again and again keeps the last of them


def model_card(facts: Mapping[str, Any], config: Config) -> str:
    """Returns the card as Markdown.

    Args:
        facts: `name`, `language`, `command`, `commit`, `corpora`, `base`, `metrics`, `replies`,
            `licences`, the terms of the public sets behind it, and `before`, the commands that
            made the bot it is from, the first first.
        config: the effective configuration.
    """
    sections = (
        _heading(facts),
        _licences(facts.get("licences") or ()),
        _training(facts, config),
        _replies(facts),
        _limits(),
    )
    return "\n".join(line for section in sections for line in section)


def commands_in(card: str) -> list[str]:
    """Returns the commands that a card says a bot was trained by, in order, with the commit.

    A card may come from anybody: what is no plain command is left out.
    """
    block = _COMMANDS.search(card)
    commands = block["commands"].splitlines()[-_MOST_COMMANDS:] if block else []
    commit = _COMMIT.search(card, block.end()) if block else None
    if commands and commit:
        commands[-1] += f"  # as of commit {commit['commit']}"
    return commands


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


def _licences(licences: Sequence[Mapping[str, str]]) -> list[str]:
    """Says what the public sets behind a bot allow; names from a base may come from anybody."""
    if not licences:
        return []
    listed = [f"- {_cell(terms['set'])}: {_cell(terms['licence'])}" for terms in licences]
    return ["## What it may be used for", "", *_warnings(licences), *listed, ""]


def _warnings(licences: Sequence[Mapping[str, str]]) -> list[str]:
    forbidden = ", ".join(_cell(t["set"]) for t in licences if t["commercial"] == "no")
    unclear = ", ".join(_cell(t["set"]) for t in licences if t["commercial"] == "unclear")
    lines = []
    if forbidden:
        lines += [
            f"**Not for commercial use.** It learned from {forbidden}, whose licence forbids it.",
            "",
        ]
    if unclear:
        lines += [
            f"Unclear for commercial use: nobody states a licence for {unclear}. "
            "Ask its publisher first.",
            "",
        ]
    return lines


def _training(facts: Mapping[str, Any], config: Config) -> list[str]:
    metrics, model = facts["metrics"], config.model
    corpora = [f"  - {c['name']} (weight {c['weight']:g})" for c in facts["corpora"]]
    base = [f"- Fine-tuned from: {facts['base']}"] if facts["base"] else []
    commit = facts.get("commit")
    return [
        "## How it was trained",
        "",
        "```",
        *(facts.get("before") or ()),
        facts["command"],
        "```",
        "",
        *([f"- Code and corpora: as of commit {commit}"] if commit else []),
        f"- Steps: best at {metrics['best_step']:,} of {metrics['steps']:,}, "
        f"{config.training.batch_size} pairs each, in {metrics['minutes']:.0f} minutes",
        f"- Device: {metrics['device']}, {metrics['precision']}",
        f"- Architecture: {_architecture(model)}",
        *base,
        "- Corpora (their own licences apply):",
        *corpora,
        "",
    ]


def _architecture(model: ModelConfig) -> str:
    kind = model.cell if model.encoder == "recurrent" else model.encoder
    both = " in both directions" if model.memory_units > model.encoder_units else ""
    return (
        f"{kind} encoder {model.encoder_layers} x {model.encoder_units}{both}, decoder "
        f"{'transformer ' if model.decoder == 'transformer' else ''}"
        f"{model.decoder_layers} x {model.decoder_units}, {model.attention} attention"
        f"{' joined by the summary' if model.joins_summary else ''}"
    )


def _replies(facts: Mapping[str, Any]) -> list[str]:
    rows = [f"| {_cell(m)} | {_cell(r)} |" for m, r in facts["replies"].items()]
    return [
        "## What it answers",
        "",
        "| message | reply (greedy, without fixed facts) |",
        "|---|---|",
        *rows,
        "",
    ]


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
