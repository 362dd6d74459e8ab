"""Options that several verbs share, and how their values become settings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatbot.errors import ConfigError

if TYPE_CHECKING:
    from chatbot.config import DecodingConfig

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting.")
]


def decoding_settings(
    base: DecodingConfig, assignments: Sequence[str] | None, **given: Any
) -> DecodingConfig:
    """Returns the bot's settings changed by `--set decoding.key=value` and by options.

    Raises:
        ConfigError: a setting is unknown, wrong, or of another section.
    """
    from chatbot.config import Config, validated, with_settings

    for assignment in assignments or ():
        if not assignment.startswith("decoding."):
            raise ConfigError(
                f"Cannot use the setting {assignment!r} here: a reply has decoding settings only. "
                "Write it as decoding.key=value."
            )
    config = validated(Config, {"decoding": base.model_dump()})
    # All at once: some settings fit only together.
    options = [f"decoding.{key}={value}" for key, value in given.items() if value is not None]
    return with_settings(config, [*(assignments or ()), *options]).decoding


def print_json(values: Mapping[str, Any]) -> None:
    """Prints one JSON object on one line."""
    print(json.dumps(values, ensure_ascii=False), flush=True)
