"""`corpus inspect|convert`: what a corpus holds, and the same in one neutral form."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatbot.commands.options import Json, Settings, print_json

if TYPE_CHECKING:
    from chatbot.corpus.report import CorpusReport

app = typer.Typer(help="Inspect and convert corpora.", no_args_is_help=True)


@app.command("inspect")
def inspect(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files or folders.")],
    as_json: Json = False,
    settings: Settings = None,
) -> int:
    """Print what a corpus holds, what would be trained on, and what was dropped and why."""
    from chatbot.config import Config, with_settings
    from chatbot.corpus.prepare import parse_source, prepare_corpus

    config = with_settings(Config(), settings or ()).corpus
    report = prepare_corpus([parse_source(path) for path in paths], config).report
    if as_json:
        print_json(report.as_dict())
    else:
        show_report(report)
    return 0


@app.command("convert")
def convert(
    path: Annotated[Path, typer.Argument(help="A corpus in any known format.")],
    out: Annotated[Path, typer.Argument(help="The JSONL file to write; .gz packs it.")],
) -> int:
    """Write a corpus as neutral JSONL, one conversation a line."""
    from chatbot.corpus.convert import convert as convert_corpus

    count = convert_corpus(path, out)
    print(f"Wrote {count:,} conversations to {out}.")
    return 0


def show_report(report: CorpusReport) -> None:
    """Prints a corpus report on the terminal."""
    from rich.console import Console

    from chatbot.corpus.report import render

    Console().print(render(report))
