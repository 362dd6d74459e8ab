"""A folder of files as one zip file, and back; the file may come from anybody.

Writing the same files gives the same bytes. Reading takes nothing but plain files of expected
names and refuses all else in one line. Knows not what the files mean.
"""

from __future__ import annotations

import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path

from chatbot.errors import BundleError

LIMIT_BYTES = 200_000_000  # of the file, and of what comes out of it
_MAX_ENTRIES = 64
_PLACE = re.compile(r"(?P<folder>[^/\\:]+)/(?P<name>[^/\\:]+)\Z")
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


def write_archive(path: Path, folder: str, files: Mapping[str, Path]) -> None:
    """Writes files as `folder/name` into a zip at `path`, which appears whole or not at all.

    Raises:
        BundleError: `read_archive` would refuse it for its size.
    """
    if sum(source.stat().st_size for source in files.values()) > LIMIT_BYTES:
        raise BundleError(
            f"Cannot pack {folder}: it holds more than {LIMIT_BYTES // 1_000_000} MB, which could "
            "not be unpacked again. Copy the folder itself instead."
        )
    beside = path.with_name(f".{path.name}.part")
    try:
        with zipfile.ZipFile(beside, "w") as archive:
            for name, source in sorted(files.items()):
                with source.open("rb") as data, archive.open(_entry(folder, name), "w") as entry:
                    shutil.copyfileobj(data, entry)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def read_archive(path: Path, target: Path, expected: Collection[str]) -> str:
    """Reads the files of an archive into the folder `target`, and returns its folder's name.

    Raises:
        BundleError: it is no zip, too large, or holds anything but one folder with plain files of
            the `expected` names.
        OSError: `target` cannot be written to.
    """
    if path.stat().st_size > LIMIT_BYTES:
        raise _too_large(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(path, archive, target, expected)
    except _UNREADABLE:
        raise _refused(path, "it is no whole zip file") from None


def _entry(folder: str, name: str) -> zipfile.ZipInfo:
    """Returns an entry that says nothing of when and where it was made."""
    entry = zipfile.ZipInfo(f"{folder}/{name}")
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    entry.create_system = 3  # Unix, wherever it is made
    return entry


def _read(path: Path, archive: zipfile.ZipFile, target: Path, expected: Collection[str]) -> str:
    entries = [entry for entry in archive.infolist() if not _is_folder(entry)]
    if not entries or len(entries) > _MAX_ENTRIES:
        raise _refused(path, f"it holds {len(entries)} files")
    if sum(entry.file_size for entry in entries) > LIMIT_BYTES:
        raise _too_large(path)
    places = [_place(path, entry, expected) for entry in entries]
    folders = {folder for folder, _ in places}
    if len(folders) > 1 or len(set(places)) < len(places):
        raise _refused(path, "it holds more than one folder, or a file twice")
    for entry, (_, name) in zip(entries, places, strict=True):
        with archive.open(entry) as data, (target / name).open("xb") as file:
            shutil.copyfileobj(data, file)  # never more than `file_size`, whatever is packed
    return folders.pop()


def _place(path: Path, entry: zipfile.ZipInfo, expected: Collection[str]) -> tuple[str, str]:
    """Returns the folder and the name of an entry, once it is known to be harmless."""
    place = _PLACE.match(entry.orig_filename)  # as it stands there, before zipfile mends it
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if (
        place is None
        or place["name"] not in expected
        or kind not in (0, stat.S_IFREG)
        or entry.compress_type not in _PACKED
        or entry.flag_bits & 1  # encrypted
    ):
        raise _refused(path, f"{entry.orig_filename[:80]!r} does not belong in it")
    return place["folder"], place["name"]


def _is_folder(entry: zipfile.ZipInfo) -> bool:
    """Tells whether an entry is the one folder itself, which other programs list as well."""
    return entry.file_size == 0 and re.fullmatch(r"[^/\\:.]+/", entry.orig_filename) is not None


def _too_large(path: Path) -> BundleError:
    return BundleError(
        f"Cannot read {path.name[:80]}: it holds more than {LIMIT_BYTES // 1_000_000} MB, which no "
        "model of this program needs. Choose another file."
    )


def _refused(path: Path, why: str) -> BundleError:
    return BundleError(
        f"Cannot read {path.name[:80]}: {why}. Choose a file that was downloaded from the models "
        "of this program, or made by `python -m chatbot models pack`."
    )
