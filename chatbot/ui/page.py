"""The page put together: its tabs, its texts, its look.

A visitor sees the chat; the owner's tabs are shown once the server has seen the owner's cookie,
and each of their events asks for it again.

Knows components and no server; `server` launches what `build_page` returns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import gradio as gr

from chatbot.ui.api import chat_function
from chatbot.ui.chat import REPLIES, ChatTab
from chatbot.ui.compare import CompareTab
from chatbot.ui.corrections import CorrectionsTab
from chatbot.ui.desk import Desk
from chatbot.ui.lean import no_application_yet
from chatbot.ui.models import ModelsTab
from chatbot.ui.share_tab import ShareTab
from chatbot.ui.train import TrainTab
from chatbot.ui.words import TEXTS, Language, language_script

STYLES = Path(__file__).parent / "styles"
_MAX_WAITING = 64  # events in the queue; more are refused with a line that says so


class OwnerTab(Protocol):
    """What a tab of the owner is: built from the desk, then told which tab it stands in."""

    def connect(self, tab: Any) -> None:
        """Fills the tab whenever it is selected; it holds no data before."""


@runtime_checkable
class LeadsToChat(Protocol):
    """An owner's tab from which one goes on to chat with a bot."""

    def connect_chat(self, take_up: Callable[..., Any], outputs: Any) -> None:
        """Lets `take_up(request, name)` follow the choice of a bot; it fills `outputs`."""


@dataclass(frozen=True)
class Page:
    """A page to be launched."""

    blocks: Any
    launch_options: dict[str, Any]  # for `blocks.launch`
    first_script: str  # to run in the browser before anything else (see `FirstScript`)


_OWNER_TABS: dict[str, Callable[[Desk], OwnerTab]] = {  # by name, in the order of the page
    "train": TrainTab,
    "models": ModelsTab,
    "corrections": CorrectionsTab,
    "compare": CompareTab,
    "share": ShareTab,
}


def page_words(fixed: Language | None) -> Any:
    """Returns what marks a text for translation in the browser."""
    chinese = TEXTS[fixed or "zh"]
    return gr.I18n(
        **{"en": TEXTS[fixed or "en"], "zh": chinese, "zh-CN": chinese, "zh-TW": chinese}
    )


def build_page(desk: Desk) -> Page:
    """Builds the page around what its tabs share."""
    with no_application_yet():
        blocks = _blocks(desk)
    options = {
        "theme": _theme(),
        "css_paths": sorted(STYLES.glob("*.css")),
        "i18n": desk.words,
        "footer_links": [],
    }
    return Page(blocks, options, language_script(desk.fixed))


def _blocks(desk: Desk) -> Any:
    """Builds every component with its events."""
    with gr.Blocks(title="Chatbot", fill_height=True, analytics_enabled=False) as blocks:
        with gr.Tabs(selected="chat", elem_id="tabs") as tabs:
            with gr.Tab(desk.words("tab_chat"), id="chat", elem_id="tab-chat"):
                chat = ChatTab(desk)
            owned = [_owner_tab(desk, name, build) for name, build in _OWNER_TABS.items()]
        chat.connect_load(blocks)
        _connect_owner(desk, blocks, [tab for tab, _ in owned])
        _connect_chat(chat, tabs, [built for _, built in owned])
        gr.api(chat_function(desk), api_name="chat", **REPLIES)
    return blocks.queue(max_size=_MAX_WAITING, default_concurrency_limit=4)


def _owner_tab(desk: Desk, name: str, build: Callable[[Desk], OwnerTab]) -> tuple[Any, OwnerTab]:
    with gr.Tab(desk.words(f"tab_{name}"), id=name, elem_id=f"tab-{name}", visible=False) as tab:
        built = build(desk)
        built.connect(tab)
    return tab, built


def _connect_owner(desk: Desk, blocks: Any, tabs: list[Any]) -> None:
    """Shows the owner's tabs to the owner, whenever the page is opened."""

    def shown(request: gr.Request) -> Any:
        visible = desk.owner.is_owner(request)
        return {tab: gr.update(visible=visible) for tab in tabs}

    if tabs:
        blocks.load(
            shown, None, tabs, queue=False, show_progress="hidden", api_visibility="private"
        )


def _connect_chat(chat: ChatTab, tabs: Any, built: list[OwnerTab]) -> None:
    """Lets the owner go on from a tab to the chat with a bot that was chosen there."""

    def take_up(request: gr.Request, name: str) -> Any:
        return gr.Tabs(selected="chat"), chat.picking(name)

    for tab in built:
        if isinstance(tab, LeadsToChat):
            tab.connect_chat(take_up, [tabs, chat.picker])


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
        button_primary_background_fill="*primary_700",  # white on it can be read
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_600",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark=muted_dark,
    )
