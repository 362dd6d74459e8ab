"""The chat tab alone, with an owner and records that tests can follow: `judged_server.py --port N`.

Whoever has the cookie `owner=yes` is the owner. What is kept is printed, a line each; a judgement
of a reply that says "unwritable" cannot be kept. The bot `echo` has a corpus of one line.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import gradio as gr

from chatbot.corpus.pair_table import write_pairs
from chatbot.corpus.records import DialoguePair
from chatbot.shelf import BotCard, BotShelf
from chatbot.ui.chat import ChatTab
from chatbot.ui.desk import Desk
from chatbot.ui.page import STYLES, page_words
from tests.browser.fake_server import FakeBot


class Gate:
    """Tells the owner by a plain cookie."""

    def is_owner(self, request: gr.Request) -> bool:
        return "owner=yes" in request.headers.get("cookie", "")


class Records:
    """Prints what it is to keep."""

    def add_rating(self, *values: Any) -> None:
        self._add("rating", values)

    def add_correction(self, *values: Any) -> None:
        self._add("correction", values)

    def _add(self, kind: str, values: tuple[Any, ...]) -> None:
        if "unwritable" in values[2]:
            raise OSError("disk full")
        print(f"kept {kind} {json.dumps(values)}", flush=True)


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    (folder / "manifest.json").write_text("{}")
    pair = DialoguePair(("hello there",), "You said: hello <b>there</b>", "talk.csv:7")
    write_pairs(folder / "corpus.parquet", {"train": [pair], "validation": []})
    cards = [BotCard("echo", "en", source=str(folder)), BotCard("other", "en")]
    words = page_words(None)
    shelf = BotShelf(cards, lambda card: FakeBot(card.name))
    with gr.Blocks(fill_height=True) as blocks:
        ChatTab(Desk(shelf, words, Gate(), Records(), None)).connect_load(blocks)
    port = int(sys.argv[sys.argv.index("--port") + 1])
    styles = sorted(STYLES.glob("*.css"))
    options = {"css_paths": styles, "i18n": words, "footer_links": [], "run_history": False}
    blocks.launch(server_port=port, prevent_thread_lock=True, quiet=True, **options)
    print("The page is at", port, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
