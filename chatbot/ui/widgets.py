"""What the tabs have in common: quick events, small buttons, a line of text. Knows no tab."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from chatbot.ui.markup import escaped

# Quick events skip the queue, show no spinner, and are no part of the public API.
HIDDEN: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
QUICK: dict[str, Any] = {**HIDDEN, "queue": False}


def small_button(label: Any, elem_id: str, **options: Any) -> Any:
    """Returns a button as wide as its label."""
    return gr.Button(label, size="sm", scale=0, min_width=0, elem_id=elem_id, **options)


def line(said: str, kind: str = "") -> str:
    """Returns a line of text as HTML; nothing for an empty one."""
    return f'<p role="status" class="{kind}">{escaped(said)}</p>' if said else ""


def skipped(components: Sequence[Any]) -> list[Any]:
    """Returns what leaves these components as they are."""
    return [gr.skip()] * len(components)
