"""One file from the web, whole or not at all; a download that broke off goes on where it stopped.

What arrived stays in NAME.part, with the version that the server told in NAME.part.version: a
file that changed meanwhile begins anew. Knows no corpus. Read next: fetching.py.
"""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chatbot.errors import CorpusError

MAX_BYTES = 4 * 1024**3
TIMEOUT_SECONDS = 30.0
_CHUNK = 64 * 1024
# Some servers turn Python's own name away.
_AGENT = "Mozilla/5.0 (compatible; chatbot-corpus-fetch)"
_RANGE = re.compile(r"bytes (?P<start>\d+)-\d+/(?P<total>\d+)\Z")
_OUT_OF_RANGE = 416

Progress = Callable[[str, int, int | None], None]  # name, bytes here, bytes in all if known


class _BrokenOffError(Exception):
    """The connection failed; what arrived until then is kept."""


class _OtherPieceError(Exception):
    """The rest that was asked for is not to be had, so the file begins anew."""


def download(url: str, target: Path, progress: Progress) -> None:
    """Downloads a file; a connection that breaks is taken up again as long as something arrives.

    Args:
        url: where it lies.
        target: where it goes, once it is whole.
        progress: is told what is here so far.
    Raises:
        CorpusError: the server cannot be reached, has no such file, or sends too much; or there
            is no room for it.
    """
    part = _Part(target)
    while True:
        before = part.size
        try:
            _attempt(url, part, progress)
            break
        except _OtherPieceError:
            _kept(part.begin, "")
        except _BrokenOffError as broken:
            if part.size <= before:
                raise _unreachable(url, broken, part.size) from None
    part.path.replace(target)
    part.version_path.unlink(missing_ok=True)


class _Part:
    """What arrived so far of a file, and of which version of it."""

    def __init__(self, target: Path) -> None:
        self.name = target.name
        self.path = target.with_name(f"{target.name}.part")
        self.version_path = target.with_name(f"{target.name}.part.version")

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def version(self) -> str:
        try:
            return self.version_path.read_text(encoding="utf-8")
        except (OSError, ValueError):
            return ""

    def begin(self, version: str) -> None:
        """Empties it, and notes which version is to come."""
        self.path.write_bytes(b"")
        self.version_path.write_text(version, encoding="utf-8")

    def append(self, chunk: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(chunk)


def _attempt(url: str, part: _Part, progress: Progress) -> None:
    """Asks once, for the rest where there is a beginning that can be told from another version."""
    start, headers = 0, {"User-Agent": _AGENT, "Accept-Encoding": "identity"}
    if part.size and part.version:
        start = part.size
        headers |= {"Range": f"bytes={start}-", "If-Range": part.version}
    with _open(url, headers) as response:
        total = _place(response, part, start)
        _refuse_large(url, total or 0)
        _receive(url, response, part, total, progress)


def _open(url: str, headers: dict[str, str]) -> Any:
    request = urllib.request.Request(url, headers=headers)
    try:
        return urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == _OUT_OF_RANGE and "Range" in headers:
            raise _OtherPieceError from None
        raise _refused(url, error.code) from None
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenOffError(_reason(error)) from None


def _place(response: Any, part: _Part, start: int) -> int | None:
    """Makes `part` end where the response begins; returns the size of the whole, if told."""
    if start and response.status == http.HTTPStatus.PARTIAL_CONTENT:
        found = _RANGE.match(response.headers.get("Content-Range", ""))
        if found is None or int(found["start"]) != start:
            raise _OtherPieceError
        return int(found["total"])
    _kept(part.begin, _version(response))
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isascii() and length.isdigit() else None


def _version(response: Any) -> str:
    """Returns what tells this version from another, byte by byte; a weak tag does not."""
    tag = response.headers.get("ETag", "")
    return str(tag if tag.startswith('"') else response.headers.get("Last-Modified", ""))


def _receive(url: str, response: Any, part: _Part, total: int | None, progress: Progress) -> None:
    size = part.size
    progress(part.name, size, total)
    while chunk := _read(response):
        size += len(chunk)
        _refuse_large(url, size)
        _kept(part.append, chunk)
        progress(part.name, size, total)
    if total is not None and size < total:
        raise _BrokenOffError(f"it broke off after {size:,} of {total:,} bytes")


def _read(response: Any) -> bytes:
    try:
        return bytes(response.read(_CHUNK))
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenOffError(_reason(error)) from None


def _kept(write: Callable[[Any], None], what: Any) -> None:
    try:
        write(what)
    except OSError as error:
        raise CorpusError(
            f"Cannot store the download: {error.strerror or error}. Make room and fetch again; "
            "it goes on where it stopped."
        ) from None


def _refuse_large(url: str, size: int) -> None:
    if size > MAX_BYTES:
        raise CorpusError(
            f"{url} sends more than {MAX_BYTES >> 30} GB, which no public set needs. Look at the "
            "address in a browser."
        )


def _refused(url: str, status: int) -> CorpusError:
    if status == http.HTTPStatus.TOO_MANY_REQUESTS or status >= 500:
        return CorpusError(
            f"{_host(url)} cannot serve {url} now (HTTP {status}). Try again later; what is here "
            "of it is kept."
        )
    return CorpusError(
        f"{_host(url)} does not give out {url} (HTTP {status}); it may have moved. Look for it on "
        "its project page, download it by hand, and train on the file."
    )


def _unreachable(url: str, why: Exception, size: int) -> CorpusError:
    kept = f" The {size:,} bytes that are here are kept." if size else ""
    return CorpusError(f"Cannot download {url}: {why}.{kept} Check the connection and fetch again.")


def _reason(error: Exception) -> str:
    """Returns why a connection failed, in the fewest words there are."""
    inner = error.reason if isinstance(error, urllib.error.URLError) else error
    return str(getattr(inner, "strerror", None) or inner or type(inner).__name__).rstrip(".")


def _host(url: str) -> str:
    return urlsplit(url).hostname or url
