"""The tabs for corrections and comparisons beside empty ones: `records_server.py --home FOLDER`.

Everybody is the owner. The bots are the fake server's, the trainings stand-ins, the records real.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import gradio as gr
from starlette.middleware import Middleware

from chatbot.errors import BundleError
from chatbot.shelf import BotCard, BotShelf
from chatbot.store import Store
from chatbot.ui.compare import CompareTab
from chatbot.ui.corrections import CorrectionsTab
from chatbot.ui.desk import Desk
from chatbot.ui.guard import FirstScript, Guard
from chatbot.ui.jobs import Jobs
from chatbot.ui.owner import OwnerGate
from chatbot.ui.page import STYLES, _theme, page_words
from chatbot.ui.words import language_script
from tests.browser.fake_server import FakeBot

TRAINER = Path(__file__).parents[1] / "ui" / "fake_trainer.py"


class Gate(OwnerGate):
    """Takes everybody for the owner."""

    def is_owner(self, request: gr.Request | None) -> bool:
        return request is not None


class Named(FakeBot):
    """Says who it is as well, so that two of them differ."""

    def stream(self, history, decoding=None):
        yield from (f"{self.name}: {said}" for said in super().stream(history, decoding))


def _load(card: BotCard) -> FakeBot:
    if card.name == "broken":
        raise BundleError("Cannot use broken: a file is missing. Copy the whole folder again.")
    return Named(card.name)


def _tabs(desk: Desk) -> gr.Blocks:
    built = {"corrections": CorrectionsTab, "compare": CompareTab}
    blocks = gr.Blocks(title="Records", analytics_enabled=False, fill_height=True)
    with blocks, gr.Tabs(selected="chat", elem_id="tabs"):
        with gr.Tab("Chat", id="chat", elem_id="tab-chat"):
            gr.Textbox(label="Message", elem_id="message")
        with gr.Tab(desk.words("tab_train"), id="train", elem_id="tab-train"):
            gr.HTML("The trainings stand here.")
        for name, build in built.items():
            label = desk.words(f"tab_{name}")
            with gr.Tab(label, id=name, elem_id=f"tab-{name}") as tab:
                build(desk).connect(tab)
    return blocks.queue(default_concurrency_limit=4)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument("--home")
    asked = parser.parse_args()
    os.environ["CHATBOT_HOME"] = asked.home
    shelf = BotShelf([BotCard(name, "en") for name in ("echo", "parrot", "broken")], _load, room=3)
    jobs = Jobs((sys.executable, str(TRAINER)))
    desk = Desk(shelf, page_words(None), Gate(), Store.open(), jobs)
    guards = [Middleware(Guard), Middleware(FirstScript, script=language_script(None))]
    _tabs(desk).launch(
        server_port=asked.port,
        quiet=True,
        prevent_thread_lock=True,
        theme=_theme(),
        css_paths=sorted(STYLES.glob("*.css")),
        i18n=desk.words,
        footer_links=[],
        run_history=False,
        app_kwargs={"middleware": guards},
    )
    print(f"The page is at http://127.0.0.1:{asked.port} (Ctrl-C stops it).", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
