"""`models list|show|verify|remove`: what lies in saved_models/."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatbot.commands.options import Json, print_json
from chatbot.errors import BundleError
from chatbot.quiet import import_tensorflow

if TYPE_CHECKING:
    from chatbot.bundle import BundleInfo

app = typer.Typer(help="List, show, verify and remove models.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="A model's name or folder.")]


@app.command("list")
def list_models(as_json: Json = False) -> int:
    """List the models."""
    from chatbot.bundle import list_bundles

    bundles = list_bundles()
    if as_json:
        print_json({"models": [_facts(info) for info in bundles]})
        return 0
    for info in bundles:
        perplexity = info.metrics.get("perplexity", float("nan"))
        print(
            f"{info.name:20} {info.language:4} {info.size_bytes / 1e6:6.1f} MB  {info.created}  "
            f"perplexity {perplexity:6.1f}  {info.description}"
        )
    if not bundles:
        print("There is no model yet. Train one with `python -m chatbot train`.")
    return 0


@app.command("show")
def show(name: Name, as_json: Json = False) -> int:
    """Show a model's card."""
    from chatbot.bundle import bundle_path, read_info

    path = bundle_path(name)
    if as_json:
        print_json(_facts(read_info(path)))
    else:
        print((path / "README.md").read_text(encoding="utf-8"))
    return 0


@app.command("verify")
def verify(name: Name) -> int:
    """Check a model's files, load it, and compare its replies with those it was saved with."""
    from chatbot.bundle import bundle_path, stored_replies, verify_files

    path = bundle_path(name)
    verify_files(path)
    import_tensorflow()
    from chatbot.bot import Chatbot
    from chatbot.config import DecodingConfig

    expected = stored_replies(path)
    replies = Chatbot.load(path).reply_batch(list(expected), DecodingConfig(strategy="greedy"))
    for (message, before), now in zip(expected.items(), replies, strict=True):
        if now.text != before:
            raise BundleError(
                f"{path.name} answers {message!r} with {now.text!r} but answered {before!r} when "
                "it was saved. Its libraries or processor differ: see config.json for the versions."
            )
    print(f"{path.name} holds: every file is whole, all {len(expected)} replies are the same.")
    return 0


@app.command("remove")
def remove(
    name: Annotated[str, typer.Argument(help="A model's name.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> int:
    """Delete a model and the training pairs beside it."""
    from chatbot.bundle import named_folder, remove_bundle

    path = named_folder(name)
    if not yes and not typer.confirm(f"Delete {path} for good?"):
        print("Nothing was deleted.")
        return 0
    remove_bundle(name)
    print(f"Deleted {path}.")
    return 0


def _facts(info: BundleInfo) -> dict[str, Any]:
    return {**asdict(info), "path": str(info.path)}
