"""The web app: `python app.py` opens a page in which to chat with a bot.

Only reads the command line; `chatbot.ui.server` does the work.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from chatbot.errors import ChatbotError
from chatbot.ui.server import ServeOptions, serve
from chatbot.ui.visitors import MOST_MESSAGES


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves the page. Returns 0, 130 after Ctrl-C, or 2 after one line on a user's mistake."""
    options = options_of(arguments)
    try:
        return serve(options)
    except ChatbotError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2


def options_of(arguments: Sequence[str] | None = None) -> ServeOptions:
    """Reads the command line; leaves with status 2 and a line where it is wrong."""
    return ServeOptions(**vars(_parser().parse_args(arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python app.py", description="Chat with a bot.")
    add = parser.add_argument
    add("--model", metavar="NAME", help="a model's name or folder; the first one by default")
    add("--host", help="address to serve on (127.0.0.1: this machine alone; 0.0.0.0: all)")
    add("--port", type=int, help="port to serve on (the first free one from 7860 on)")
    add("--share", action="store_true", help="ask for a public link")
    add(
        "--owner-password",
        metavar="P",
        help="opens /owner to you from elsewhere; the variable CHATBOT_OWNER_PASSWORD, which "
        "other users of this machine do not see, does the same",
    )
    add("--visitor-password", metavar="P", help="ask visitors for this password")
    add(
        "--limit",
        type=_messages,
        metavar="N",
        help="messages per visitor and minute (30 where strangers can come; 0: no limit)",
    )
    add("--store", metavar="URL", help="database of the records (SQLite in records.db)")
    add("--language", choices=("en", "zh"), help="of the page; each browser's own by default")
    add(
        "--no-browser",
        dest="browser",
        action="store_false",
        help="do not open the page in a browser",
    )
    return parser


def _messages(text: str) -> int:
    number = int(text) if text.isdigit() else -1
    if not 0 <= number <= MOST_MESSAGES:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to {MOST_MESSAGES}")
    return number


if __name__ == "__main__":
    sys.exit(main())
