"""What the parts of the train tab have in common. Knows no training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from chatbot.ui.markup import escaped

# Quick events skip the queue, show no spinner, and are no part of the public API.
HIDDEN: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
QUICK: dict[str, Any] = {**HIDDEN, "queue": False}


def line(said: str, kind: str = "") -> str:
    """Returns a line of text as HTML; nothing for an empty one."""
    return f'<p role="status" class="{kind}">{escaped(said)}</p>' if said else ""


def skipped(components: Sequence[Any]) -> list[Any]:
    """Returns what leaves these components as they are."""
    return [gr.skip()] * len(components)


def name_in(shown: Mapping[str, Any]) -> str:
    """Returns the name of the training that a page shows, an empty text where it shows none."""
    return str(shown.get("name", ""))
