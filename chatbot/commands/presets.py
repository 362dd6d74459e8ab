"""`presets`: the architectures from the literature, and what each is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from chatbot.commands.options import Json, print_json


def presets(
    name: Annotated[str | None, typer.Argument(help="One of them, in detail.")] = None,
    as_json: Json = False,
) -> int:
    """List the architectures that `train --preset` knows, or show one."""
    from chatbot.presets import PRESETS, preset_named

    chosen = [preset_named(name)] if name else list(PRESETS.values())
    if as_json:
        print_json({"presets": [_facts(preset.name) for preset in chosen]})
    elif name:
        _show(_facts(name))
    else:
        for preset in chosen:
            print(f"{preset.name:16} {preset.idea}")
        print("\nDetails: python -m chatbot presets NAME. Use: train ... --preset NAME")
    return 0


def _show(facts: Mapping[str, Any]) -> None:
    print(f"{facts['name']}: {facts['idea']}\n\nSource: {facts['source']}\n")
    for size, found in facts["sizes"].items():
        print(f"{size} ({found['parameters'] / 1e6:.1f} million weights, 5,000 pieces):")
        for key, value in found["settings"].items():
            print(f"  {key}={value}")
    print("\nDiffers from the paper:" if facts["differences"] else "")
    for difference in facts["differences"]:
        print(f"  - {difference}")


def _facts(name: str) -> dict[str, Any]:
    from chatbot.config import Config, validated
    from chatbot.model.size import size_of
    from chatbot.presets import SIZES, preset_named

    preset = preset_named(name)
    sizes = {}
    for size in SIZES:
        config = validated(Config, preset.values(size))
        settings = {
            f"{section}.{key}": value
            for section, values in preset.values(size).items()
            for key, value in values.items()
        }
        count = size_of(config.model, config.tokenizer.vocab_size).parameters
        sizes[size] = {"parameters": count, "settings": settings}
    return {
        "name": preset.name,
        "idea": preset.idea,
        "source": preset.source,
        "differences": list(preset.differences),
        "sizes": sizes,
    }
