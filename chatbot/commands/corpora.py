"""`corpus list|fetch|inspect|convert`: public sets, what a corpus holds, and its neutral form."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatbot.commands.options import Json, Settings, print_json

if TYPE_CHECKING:
    from chatbot.corpus.catalogue import PublicSet
    from chatbot.corpus.fetching import Fetched
    from chatbot.corpus.report import CorpusReport
    from chatbot.corpus.survey import Survey

app = typer.Typer(help="Fetch, inspect and convert corpora.", no_args_is_help=True)


@app.command("list")
def list_sets(as_json: Json = False) -> int:
    """List the public sets that can be fetched, and which are here."""
    from chatbot.corpus.catalogue import public_sets

    sets = list(public_sets().values())
    if as_json:
        print_json({"sets": [_facts(one) for one in sets]})
    else:
        _show_sets(sets)
    return 0


@app.command("fetch")
def fetch_set(
    id_: Annotated[str, typer.Argument(metavar="ID", help="As `corpus list` shows it.")],
    again: Annotated[bool, typer.Option("--again", help="Even if it is here.")] = False,
) -> int:
    """Download a public set, check it, and unpack it; goes on where an earlier try broke off."""
    from chatbot.commands.progress import DownloadDisplay
    from chatbot.corpus.catalogue import public_set
    from chatbot.corpus.fetching import fetch

    wanted = public_set(id_)
    _show_terms(wanted)
    record = wanted.record()
    if record is not None and not again:
        print(f"It is here since {record.get('date')}: {wanted.folder} (--again fetches it anew).")
        return 0
    with DownloadDisplay() as display:
        fetched = fetch(wanted, display)
    _show_fetched(wanted, fetched)
    return 0


@app.command("inspect")
def inspect(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files, folders or ids.")],
    as_json: Json = False,
    settings: Settings = None,
) -> int:
    """Print what a corpus holds, what would be trained on, and what was dropped and why."""
    from chatbot.config import Config, with_settings
    from chatbot.corpus.prepare import parse_source, prepare_corpus
    from chatbot.corpus.survey import survey

    config = with_settings(Config(), settings or ()).corpus
    sources = [parse_source(path) for path in paths]
    surveys = [survey(source.path, config) for source in sources]
    if not as_json:
        show_surveys(surveys)
    report = prepare_corpus(sources, config).report
    if as_json:
        print_json({**report.as_dict(), "surveys": [dataclasses.asdict(one) for one in surveys]})
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


def show_surveys(surveys: Iterable[Survey]) -> None:
    """Prints what each corpus is: its format, the columns of a table, who speaks in a chat."""
    from rich.console import Console

    from chatbot.corpus.survey import render

    for survey in surveys:
        Console().print(render(survey))


def show_report(report: CorpusReport) -> None:
    """Prints a corpus report on the terminal."""
    from rich.console import Console

    from chatbot.corpus.report import render

    Console().print(render(report))


def _facts(one: PublicSet) -> dict[str, Any]:
    fetched = one.record() is not None
    return {
        **one.model_dump(mode="json", exclude={"parts"}),
        "bytes": one.bytes,
        "urls": [part.url for part in one.parts],
        "fetched": fetched,
        "path": str(one.folder) if fetched else None,
    }


def _show_sets(sets: Sequence[PublicSet]) -> None:
    """Prints two lines for each, as a terminal is narrow and ids are to be copied whole."""
    width = max(len(one.id) for one in sets)
    print(f"  {'ID':{width}}  LANGUAGE  COMMERCIAL USE  LICENCE")
    for one in sets:
        mark = "*" if one.record() is not None else " "
        print(f"{mark} {one.id:{width}}  {one.language:8}  {one.commercial:14}  {one.licence}")
        print(f"      {one.about}; {one.holds}")
    print(
        "* is here. `python -m chatbot corpus fetch ID` brings one here; `train ID` learns from it."
    )


_COMMERCIAL = {
    "yes": "commercial use is allowed",
    "no": "NO COMMERCIAL USE, nor of a bot trained on it",
    "unclear": "commercial use is unclear: ask its publisher first",
}


def _show_terms(one: PublicSet) -> None:
    size = f", {one.bytes / 1e6:,.0f} MB" if one.bytes else ""
    print(f"{one.id}: {one.about} ({one.language}; {one.holds}{size}).")
    print(f"Licence: {one.licence}; {_COMMERCIAL[one.commercial]}.")
    print(f"From {one.page}", flush=True)


def _show_fetched(one: PublicSet, fetched: Fetched) -> None:
    for file in fetched.files:
        verdict = "as it should be" if file.checked else "no sum is published to compare it with"
        print(f"{file.url}: {file.bytes:,} bytes, SHA-256 {file.sha256}, {verdict}.")
    print(
        f"{fetched.conversations:,} conversations, {fetched.turns:,} turns in {fetched.path}.\n"
        f"Train on it with `python -m chatbot train {one.id} --name NAME`."
    )
