"""A bundle as one file, to carry it elsewhere, and taken in again from anybody.

Nothing of a file is believed before it is checked: names, sizes, sums, and that the bot loads.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from chatbot.bundle.archive import read_archive, write_archive
from chatbot.bundle.reading import (
    LISTED,
    MANIFEST,
    MAY_BE_LISTED,
    TOKENIZER,
    WEIGHTS,
    BundleInfo,
    bundle_path,
    damaged,
    free_place,
    load_bundle,
    load_seq2seq,
    manifest_of,
    read_bundle_config,
    read_card,
    read_facts,
    read_info,
    read_tokenizer,
    stored_replies,
    verify_files,
)
from chatbot.bundle.staging import alone, staged_folder
from chatbot.bundle.writing import seal, write_recording
from chatbot.errors import BundleError, ChatbotError
from chatbot.files import models_folder

PACKED_ENDING = ".chatbot.zip"


def pack_bundle(name: str, path: Path) -> Path:
    """Writes a bundle as one file, without its training pairs; the same bundle, the same bytes.

    Args:
        name: of the bundle, or its folder.
        path: the file, or a folder in which it becomes `NAME.chatbot.zip`.

    Raises:
        BundleError: the bundle is damaged or too large, or the file exists or cannot be written.
    """
    source = bundle_path(name)
    verify_files(source)
    target = path / f"{source.name}{PACKED_ENDING}" if path.is_dir() else path
    if target.exists():
        raise BundleError(f"{target} exists already. Give another file, or remove it first.")
    files = {part: source / part for part in (MANIFEST, *manifest_of(source))}
    try:
        write_archive(target, source.name, files)
    except OSError as error:
        raise BundleError(
            f"Cannot write {target}: {error.strerror}. Give a place with room in it."
        ) from None
    return target


def unpack_bundle(path: Path, name: str | None = None) -> Path:
    """Takes a bundle in from one file, once it is known to be whole and harmless.

    Imports TensorFlow, since the bot is loaded once before it is let in.

    Args:
        path: what `pack_bundle` wrote; it may come from anybody.
        name: of the new bundle; by default the one that it had.

    Raises:
        BundleError: the file is not a whole bundle of this format, or the name is taken.
        ConfigError: the name cannot name a model.
    """
    root = models_folder()
    if name is not None:
        free_place(name)
    if not path.is_file():
        raise BundleError(f"There is no file {path}. Check the path.")
    folder = staged_folder(root, "unpacked")
    try:
        found = read_archive(path, folder, (MANIFEST, *LISTED, *MAY_BE_LISTED))
        free_place(name or found)
        _verify_foreign(folder, path.name)
        with alone(root):
            target = free_place(name or found)
            folder.rename(target)
        return target
    except OSError as error:
        raise BundleError(
            f"Cannot take {path.name[:80]} in: {error.strerror}. Make room on the disk, or let "
            f"this program write to {root}."
        ) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _verify_foreign(folder: Path, source: str) -> None:
    """Makes sure that a bundle from outside is whole and can be loaded.

    How its network is carried out is written anew, so that nothing of that is taken on trust.

    Raises:
        BundleError: naming the file it came from.
    """
    try:
        info = read_info(folder)
        verify_files(folder)
        read_facts(folder), read_card(folder), stored_replies(folder)
        _verify_size(folder, info)
        write_recording(folder, load_seq2seq(folder))
        seal(folder)
        load_bundle(folder)
    except ChatbotError as error:
        raise BundleError(str(error).replace(str(folder), source[:80])) from None


def _verify_size(folder: Path, info: BundleInfo) -> None:
    """Refuses weights that promise more than they are, before memory is taken for them."""
    from chatbot.model.size import size_of
    from chatbot.model.stored import stored_weights

    try:
        stored = stored_weights(folder / WEIGHTS)
        vocab_size = read_tokenizer(folder).vocab_size
    except (ValueError, RuntimeError):
        raise damaged(folder, f"{WEIGHTS} or {TOKENIZER}") from None
    least = size_of(read_bundle_config(folder).model, vocab_size).parameters
    if least > info.parameters or info.parameters > stored:
        raise BundleError(
            f"Cannot use {folder}: its weights are not those that its configuration asks for. "
            "Copy the whole folder again, or train it again."
        )
