"""`chat` and `reply`: talking to a bot in the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from chatbot.commands.options import Json, Settings, decoding_settings, print_json
from chatbot.errors import BundleError, ChatbotError, MessageError

if TYPE_CHECKING:
    from chatbot.bot import Chatbot, Reply
    from chatbot.config import DecodingConfig

_BATCH = 64  # lines answered at once when messages come from a file
_COMMANDS = "/quit ends, /new forgets the conversation"

Strategy = Annotated[
    str | None, typer.Option(help="greedy, beam or sampling; the bot's own by default.")
]


def chat(
    name: Annotated[str | None, typer.Argument(help="A model; the first one by default.")] = None,
    strategy: Strategy = None,
    settings: Settings = None,
) -> int:
    """Chat with a bot in the terminal."""
    bot = _load(name)
    decoding = decoding_settings(bot.decoding, settings, strategy=strategy)
    print(f"{bot.name} is listening ({_COMMANDS}).", file=sys.stderr)
    history: list[str] = []
    while (message := _ask()) not in (None, "/quit"):
        if message == "/new":
            history = []
        elif message:
            history = _answer(bot, [*history, message], decoding)
    return 0


def reply(
    name: Annotated[str, typer.Argument(help="A model's name or folder.")],
    message: Annotated[
        str | None, typer.Argument(help="What you say; without it, lines from standard input.")
    ] = None,
    strategy: Strategy = None,
    n_best: Annotated[int | None, typer.Option(help="So many replies, the best first.")] = None,
    as_json: Json = False,
    settings: Settings = None,
) -> int:
    """Print the bot's reply to one message, or to each line of standard input.

    A line is a message or a JSON list of turns, the oldest first.
    """
    bot = _load(name)
    decoding = decoding_settings(bot.decoding, settings, strategy=strategy, n_best=n_best)
    if message is not None:
        _show(bot.reply(message, decoding), as_json)
        return 0
    for lines in _batches(sys.stdin):
        for found in _reply_lines(bot, lines, decoding):
            _show(found, as_json)
    return 0


def _load(name: str | None) -> Chatbot:
    from chatbot.bundle import default_model, list_bundles, ordered

    if name is None:
        bundles = list_bundles()
        if not bundles:
            raise BundleError("There is no model yet. Train one with `python -m chatbot train`.")
        name = default_model() or ordered(bundles)[0].name
    from chatbot.bot import Chatbot

    return Chatbot.load(name)


def _ask() -> str | None:
    try:
        return input("> " if sys.stdin.isatty() else "").strip()
    except EOFError:
        return None


def _answer(bot: Chatbot, history: list[str], decoding: DecodingConfig) -> list[str]:
    """Streams the reply to the terminal; returns the history with it."""
    said = ""
    try:
        for text in bot.stream(history, decoding):
            # The text grows, but a joined mark may change its end: then the line is written anew.
            print(text[len(said) :] if text.startswith(said) else f"\r{text}", end="", flush=True)
            said = text
    except MessageError as error:
        print(error)
        return history[:-1]
    print()
    return [*history, said]


def _batches(lines: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for line in lines:
        batch.append(line.rstrip("\r\n"))
        if len(batch) == (1 if sys.stdin.isatty() else _BATCH):
            yield batch
            batch = []
    if batch:
        yield batch


def _reply_lines(
    bot: Chatbot, lines: Sequence[str], decoding: DecodingConfig
) -> Iterator[Reply | ChatbotError]:
    """Yields one result a line, in order; a line that cannot be answered gets its error."""
    histories = [_history(line) for line in lines]
    good = [h for h in histories if not isinstance(h, MessageError)]
    try:
        replies: Iterator[Reply] | None = iter(bot.reply_batch(good, decoding))
    except MessageError:  # one of them is empty or too long: find out which
        replies = None
    for history in histories:
        if isinstance(history, MessageError):
            yield history
        elif replies is not None:
            yield next(replies)
        else:
            yield _one(bot, history, decoding)


def _one(bot: Chatbot, history: list[str], decoding: DecodingConfig) -> Reply | MessageError:
    try:
        return bot.reply(history, decoding)
    except MessageError as error:
        return error


def _history(line: str) -> list[str] | MessageError:
    if not line.lstrip().startswith("["):
        return [line]
    try:
        turns = json.loads(line)
    except (ValueError, RecursionError):
        return [line]  # a message that merely begins with a bracket
    if turns and all(isinstance(turn, str) for turn in turns):
        return list(turns)
    return MessageError('This line is a JSON list but not one of texts. Write ["turn", ...].')


def _show(found: Reply | ChatbotError, as_json: bool) -> None:
    if isinstance(found, ChatbotError):  # keeps its line in the output: one reply line a message
        print(f"Error: {found}", file=sys.stderr)
        print_json({"error": str(found)}) if as_json else print(flush=True)
    elif as_json:
        print_json(asdict(found))
    elif len(found.alternatives) > 1:
        for alternative in found.alternatives:
            print(f"{alternative.confidence:.2f}  {alternative.text}")
    else:
        print(found.text, flush=True)
