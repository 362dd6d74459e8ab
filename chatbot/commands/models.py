"""`models list|show|verify|rename|pack|unpack|default|remove`: what lies in saved_models/."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatbot.commands.options import Json, print_json
from chatbot.errors import BundleError
from chatbot.quiet import import_tensorflow

if TYPE_CHECKING:
    from chatbot.bundle import BundleInfo

app = typer.Typer(help="List, show, verify, rename, pack and remove models.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="A model's name or folder.")]


@app.command("list")
def list_models(as_json: Json = False) -> int:
    """List the models."""
    from chatbot.bundle import default_model, list_bundles

    bundles, default = list_bundles(), default_model()
    if as_json:
        print_json({"models": [_facts(info) for info in bundles], "default": default})
        return 0
    for info in bundles:
        mark = "*" if info.name == default else " "
        print(
            f"{mark}{info.name:20} {info.language:4} {info.size_bytes / 1e6:6.1f} MB  "
            f"{info.created}  perplexity {info.perplexity:6.1f}  {info.description}"
        )
    if not bundles:
        print("There is no model yet. Train one with `python -m chatbot train`.")
    return 0


@app.command("show")
def show(name: Name, as_json: Json = False) -> int:
    """Show a model's card."""
    from chatbot.bundle import bundle_path, read_card, read_info

    path = bundle_path(name)
    if as_json:
        print_json(_facts(read_info(path)))
    else:
        print(read_card(path))
    return 0


@app.command("verify")
def verify(name: Name) -> int:
    """Check a model's files, load it, and compare its replies with those it was saved with."""
    from chatbot.bundle import bundle_path, stored_replies, verify_files

    path = bundle_path(name)
    verify_files(path)
    from chatbot.bot import Chatbot
    from chatbot.config import DecodingConfig

    expected = stored_replies(path)
    replies = Chatbot.load(path).reply_batch(list(expected), DecodingConfig(strategy="greedy"))
    for (message, before), now in zip(expected.items(), replies, strict=True):
        if now.text != before and not now.fact:  # a fact may have been added since
            raise BundleError(
                f"{path.name} answers {message!r} with {now.text!r} but answered {before!r} when "
                "it was saved. Its libraries or processor differ: see config.json for the versions."
            )
    print(f"{path.name} holds: every file is whole, all {len(expected)} replies are the same.")
    return 0


@app.command("rename")
def rename(
    old: Annotated[str, typer.Argument(help="A model's name.")],
    new: Annotated[str, typer.Argument(help="Its new name.")],
) -> int:
    """Give a model another name."""
    from chatbot.bundle import rename_bundle

    print(f"{old} is now {rename_bundle(old, new).name}.")
    return 0


@app.command("pack")
def pack(
    name: Name,
    file: Annotated[Path, typer.Argument(help="The file to write, or a folder to put it in.")],
) -> int:
    """Write a model as one file, without the training pairs, to carry it elsewhere."""
    from chatbot.bundle import pack_bundle

    path = pack_bundle(name, file)
    print(f"Wrote {path} ({path.stat().st_size / 1e6:.1f} MB).")
    return 0


@app.command("unpack")
def unpack(
    file: Annotated[Path, typer.Argument(help="A file that `models pack` wrote.")],
    name: Annotated[str | None, typer.Option("--name", help="Instead of its own name.")] = None,
) -> int:
    """Take a model in from one file, after checking it."""
    from chatbot.bundle import unpack_bundle

    import_tensorflow()
    print(f"{unpack_bundle(file, name).name} is here now, and holds.")
    return 0


@app.command("default")
def default(name: Annotated[str, typer.Argument(help="A model's name.")]) -> int:
    """Choose the model that the page begins with."""
    from chatbot.bundle import set_default_model

    set_default_model(name)
    print(f"The page begins with {name}.")
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
