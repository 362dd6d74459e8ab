"""The command line: each verb parses, calls one library function, prints, and returns a status.

Status 0: done; 2: a user's mistake, told in one line; 130: stopped by Ctrl-C. TensorFlow is
imported inside the verbs that need it, so `--help` answers at once.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

import typer

from chatbot.commands import corpora, evaluating, models, presets, serving, talking, training
from chatbot.errors import ChatbotError

app = typer.Typer(
    name="python -m chatbot",
    help="A chatbot that anyone can train on their own conversations.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("chat")(talking.chat)
app.command("reply")(talking.reply)
app.command("train")(training.train)
app.command("presets")(presets.presets)
app.command("evaluate")(evaluating.evaluate)
app.command("serve")(serving.serve)
app.add_typer(corpora.app, name="corpus")
app.add_typer(models.app, name="models")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status."""
    _speak_utf8()
    try:
        status = app(args=arguments, standalone_mode=False)
        return int(status or 0)
    except ChatbotError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    except typer.Exit as leave:
        return leave.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except OSError as error:  # a full disk, a folder that may not be written
        where = f" at {error.filename}" if error.filename else ""
        print(f"Error: {error.strerror or error}{where}. Make room or mend it.", file=sys.stderr)
        return 2
    except typer.TyperException as error:  # an unknown verb or option, a missing argument
        print(f"Error: {error.format_message()} Add --help to see what is known.", file=sys.stderr)
        return 2


def _speak_utf8() -> None:
    """Reads and prints any text, whatever the terminal or the pipe is set to."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
