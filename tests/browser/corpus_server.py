"""The corpus panel alone, in a tab beside another: `corpus_server.py --port N`."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import gradio as gr
from starlette.middleware import Middleware

from chatbot.ui.corpus_panel import CorpusChoice, CorpusPanel
from chatbot.ui.desk import Desk
from chatbot.ui.guard import FirstScript, Guard
from chatbot.ui.owner import OwnerGate
from chatbot.ui.page import STYLES, _theme, page_words
from chatbot.ui.words import language_script


class Gate(OwnerGate):
    """Takes everybody for the owner who does not say to be a visitor."""

    def is_owner(self, request: gr.Request | None) -> bool:
        return request is not None and "visitor" not in request.headers


class FakeDesk:
    """As much of a desk as the panel needs."""

    words, owner, fixed = page_words(None), Gate(), None
    language, say = Desk.language, Desk.say


def told(choice: CorpusChoice | None) -> str:
    """Shows what a training would be started with."""
    return "nothing" if choice is None else " ".join([*choice.paths, *choice.settings])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--no-browser", action="store_true")
    port = parser.parse_args().port
    desk = FakeDesk()
    with gr.Blocks(title="Corpus", analytics_enabled=False) as blocks, gr.Tabs(selected="other"):
        with gr.Tab("Other", id="other"):
            gr.Textbox(label="Message", elem_id="message")
        with gr.Tab("Train", id="train") as tab:
            panel = CorpusPanel(desk)
            panel.connect(tab)
            chosen = gr.Textbox("nothing", label="Chosen", elem_id="chosen")
            panel.choice.change(told, panel.choice, chosen, queue=False)
    blocks.queue(default_concurrency_limit=4)
    guards = [Middleware(Guard), Middleware(FirstScript, script=language_script(None))]
    blocks.launch(
        server_port=port,
        quiet=True,
        prevent_thread_lock=True,
        theme=_theme(),
        css_paths=sorted(STYLES.glob("*.css")),
        i18n=desk.words,
        footer_links=[],
        max_file_size="1mb",
        run_history=False,
        app_kwargs={"middleware": guards},
    )
    print(f"The page is at http://127.0.0.1:{port} (Ctrl-C stops it).", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
