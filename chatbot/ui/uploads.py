"""The corpora an owner can choose from: what was uploaded, and what comes with this program.

A corpus goes by a key such as "uploads/chat.txt"; only keys of files that are really listed lead
to a path, so nothing that a browser sends names another file. Knows no component.
"""

from __future__ import annotations

import re
import shutil
import unicodedata
from pathlib import Path

from chatbot.errors import CorpusError
from chatbot.files import sha256_of, uploads_folder

_SHIPPED = Path(__file__).resolve().parents[2] / "corpora"
_NOT_SAFE = re.compile(r"[^\w.-]+")
_MAX_NAME = 80  # characters; a file system holds 255 bytes
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|\Z)", re.IGNORECASE)  # of Windows


def corpora() -> dict[str, Path]:
    """Returns every corpus there is by its key: the uploads, newest first, then the shipped."""
    newest = sorted(_files(uploads_folder()), key=lambda path: (-path.stat().st_mtime, path.name))
    shipped = [path for path in _files(_SHIPPED) if _is_shipped_corpus(path.name)]
    return {
        **{f"uploads/{path.name}": path for path in newest},
        **{f"corpora/{path.name}": path for path in shipped},
    }


def is_upload(key: str) -> bool:
    """Tells whether a corpus was uploaded, and so may be deleted."""
    return key.startswith("uploads/")


def name_of(key: str) -> str:
    """Returns what a corpus is called.

    >>> name_of("uploads/chat.txt")
    'chat.txt'
    """
    return key.partition("/")[2]


def keep_upload(path: Path) -> str:
    """Moves a file that Gradio received to the uploads, and returns its key there.

    The same file under the same name is kept once; another one of that name gets a number.

    Raises:
        OSError: it cannot be written, for instance as the disk is full; nothing is left of it.
    """
    folder = uploads_folder()
    folder.mkdir(parents=True, exist_ok=True)
    target = _free_place(folder, safe_name(path.name), path)
    if not target.exists():
        _moved_whole(path, target)
    path.unlink(missing_ok=True)
    return f"uploads/{target.name}"


def forget_upload(key: str) -> None:
    """Deletes an upload; one that is gone already is no mistake.

    Raises:
        CorpusError: the file cannot be deleted.
    """
    path = corpora().get(key)
    if path is None or not is_upload(key):
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise CorpusError(
            f"{path.name} cannot be deleted: {error.strerror}. Delete it in {path.parent}."
        ) from None


def safe_name(name: str) -> str:
    r"""Returns a file name without folders, spaces and signs that mean something somewhere.

    >>> safe_name("../../WhatsApp Chat with <b>Änne</b>.txt")
    'b_.txt'
    >>> safe_name("WhatsApp Chat - 小明.txt"), safe_name(".htaccess"), safe_name("\x00")
    ('WhatsApp_Chat_-_小明.txt', 'htaccess', 'corpus')
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    plain = _NOT_SAFE.sub("_", last).lstrip("._-").rstrip("._")
    stem, ending = _split(plain or "corpus")
    stem = stem[: _MAX_NAME - len(ending)]
    return f"_{stem}{ending}" if _DEVICES.match(stem) else f"{stem}{ending}"


def _split(name: str) -> tuple[str, str]:
    """Parts a name from its endings, both of them in "chat.json.gz"."""
    endings = "".join(Path(name).suffixes[-2 if name.endswith(".gz") else -1 :])[:20]
    return name.removesuffix(endings), endings


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))


def _is_shipped_corpus(name: str) -> bool:
    return name.endswith(".yml") and not name.startswith("slot")


def _free_place(folder: Path, name: str, path: Path) -> Path:
    """Returns where to put a file: where it lies already, or the first place that is free."""
    stem, ending = _split(name)
    number = 1
    place = folder / name
    while place.exists() and sha256_of(place) != sha256_of(path):
        number += 1
        place = folder / f"{stem}-{number}{ending}"
    return place


def _moved_whole(path: Path, target: Path) -> None:
    beside = target.with_name(f".{target.name}.part")
    try:
        shutil.copyfile(path, beside)  # no rename: the temporary folder may be on another disk
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
