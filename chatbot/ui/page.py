"""The page put together: its tabs, its texts, its look. One tab so far: the chat.

Knows components and no server; `server` launches what `build_page` returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from chatbot.ui.api import chat_function
from chatbot.ui.bots import BotShelf
from chatbot.ui.chat import REPLIES, ChatTab
from chatbot.ui.words import TEXTS, Language, language_script

STYLE = Path(__file__).parent / "style.css"
_MAX_WAITING = 64  # events in the queue; more are refused with a line that says so


@dataclass(frozen=True)
class Page:
    """A page to be launched."""

    blocks: Any
    launch_options: dict[str, Any]  # for `blocks.launch`
    first_script: str  # to run in the browser before anything else (see `FirstScript`)


def build_page(shelf: BotShelf, fixed: Language | None = None) -> Page:
    """Builds the page for these bots, in a fixed language or in that of each visitor."""
    chinese = TEXTS[fixed or "zh"]
    words = gr.I18n(
        **{"en": TEXTS[fixed or "en"], "zh": chinese, "zh-CN": chinese, "zh-TW": chinese}
    )
    with gr.Blocks(title="Chatbot", fill_height=True, analytics_enabled=False) as blocks:
        ChatTab(shelf, words, fixed).connect_load(blocks)
        gr.api(chat_function(shelf), api_name="chat", **REPLIES)
    blocks.queue(max_size=_MAX_WAITING, default_concurrency_limit=4)
    options = {"theme": _theme(), "css_paths": STYLE, "i18n": words, "footer_links": []}
    return Page(blocks, options, language_script(fixed))


def _theme() -> Any:
    """One accent on grey, the system's own fonts, and greys dark enough to read."""
    base = gr.themes.Base(
        primary_hue="teal",
        secondary_hue="teal",
        neutral_hue="slate",
        radius_size="lg",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )
    muted, muted_dark = "*neutral_600", "*neutral_400"
    return base.set(
        body_text_color_subdued=muted,
        body_text_color_subdued_dark=muted_dark,
        block_info_text_color=muted,
        block_info_text_color_dark=muted_dark,
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark=muted_dark,
    )
