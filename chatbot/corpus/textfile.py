"""A file of text, plain or gzip, of which nothing is known yet: is it text, and in which encoding?

`examine` reads the file once, in constant memory, so that whoever reads the lines afterwards
meets no torn archive, no bomb and no undecodable byte. Knows no corpus format.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from chatbot.errors import CorpusError

MAX_BYTES = 2 * 1024**3  # of text, unpacked
MAX_LINE_BYTES = 4 * 1024**2  # of one line, in formats that are read by lines
_MAX_RATIO = 150  # of unpacked to packed; text reaches 3 to 20, a bomb 1000
_RATIO_MATTERS_FROM = 64 * 1024**2  # bytes
_CHUNK = 1024**2
_EVIDENCE_CHUNKS = 4  # with bytes beyond ASCII, kept to guess the encoding from

_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_NOT_TEXT = {
    b"PK\x03\x04": "a ZIP archive or an Office document",
    b"%PDF": "a PDF document",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"SQLite format 3": "a database",
    b"PAR1": "a Parquet table",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\xd0\xcf\x11\xe0": "an old Office document",
}
_CONTROLS = bytes(c for c in range(32) if c not in b"\t\n\r\f\x1a\x1b")
_BEYOND_ASCII = bytes(range(0x80, 0x100))


@dataclass(frozen=True, slots=True)
class TextFile:
    """A readable file of text.

    Attributes:
        path: where it lies.
        name: what ids and messages call it; inside a folder, the path from there.
        encoding: a codec that Python knows.
        lines: the number of line ends.
        long_line: the number of the first line above `MAX_LINE_BYTES`, or None.
    """

    path: Path
    name: str
    encoding: str
    lines: int
    long_line: int | None

    def open(self) -> io.TextIOWrapper:
        """Opens the text; `\\r\\n` and `\\r` read as `\\n`, undecodable bytes as U+FFFD."""
        return io.TextIOWrapper(open_bytes(self.path), self.encoding, errors="replace")

    def numbered_lines(self) -> Iterator[tuple[int, str]]:
        """Yields each line without its end, and its number from 1 on.

        Raises:
            CorpusError: a line is longer than any conversation.
        """
        self.check_lines()
        with self.open() as file:
            for number, line in enumerate(file, start=1):
                yield number, line.rstrip("\n")

    def check_lines(self) -> None:
        """Raises CorpusError when a line is longer than any conversation."""
        if self.long_line is not None:
            raise CorpusError(
                f"{self.name} line {self.long_line} is longer than {MAX_LINE_BYTES >> 20} MB, "
                "which no conversation is. Check that this is the right file, "
                "and that each of its conversations or turns stands on its own line."
            )

    def head(self) -> list[str]:
        """Returns the first 50 lines, or fewer where they are very long."""
        with self.open() as file:
            lines = file.readlines(_CHUNK) if self.long_line is None else [file.read(_CHUNK)]
        return [line.rstrip("\n") for line in lines[:50]]


def is_gzip(path: Path) -> bool:
    """Tells gzip by its first bytes, whatever the file is called."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def open_bytes(path: Path) -> gzip.GzipFile | io.BufferedReader:
    """Opens a file for reading, unpacked."""
    return gzip.open(path, "rb") if is_gzip(path) else path.open("rb")


def examine(path: Path, name: str | None = None) -> TextFile:
    """Reads a file once and returns it as text of a known encoding.

    Raises:
        CorpusError: it is missing, empty, not text, a torn archive, or unpacks to too much.
    """
    called = name or path.name
    if path.exists() and not path.is_file():
        raise CorpusError(f"{path} is no regular file. Save the conversations to a file first.")
    try:
        scan = _scan(path, called)
    except OSError as error:
        if isinstance(error, gzip.BadGzipFile):
            raise _torn(called, error) from None
        raise CorpusError(
            f"Cannot read {path}: {error.strerror}. Check the path and your rights to read it."
        ) from None
    if not scan.size:
        raise CorpusError(f"{called} is empty. Put conversations into it, or leave it out.")
    return TextFile(path, called, scan.encoding(called), scan.lines, scan.long_line)


@dataclass
class _Scan:
    """What one pass over the bytes finds out."""

    size: int = 0  # bytes, unpacked
    lines: int = 0
    long_line: int | None = None
    head: bytes = b""
    evidence: list[bytes] = field(default_factory=list)
    is_utf8: bool = True
    _run: int = 0  # bytes since the last line end
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=codecs.getincrementaldecoder("utf-8")
    )

    def take(self, chunk: bytes) -> None:
        if not self.size:
            self.head = chunk
        self.size += len(chunk)
        self._measure_lines(chunk)
        if self.is_utf8:
            self._try_utf8(chunk)
        if len(self.evidence) < _EVIDENCE_CHUNKS and not chunk.isascii():
            self.evidence.append(chunk)

    def _measure_lines(self, chunk: bytes) -> None:
        mark = b"\n" if b"\n" in chunk else b"\r"
        first, last = chunk.find(mark), chunk.rfind(mark)
        self._run += len(chunk) if first < 0 else first
        if self._run > MAX_LINE_BYTES and self.long_line is None:
            self.long_line = self.lines + 1
        if first >= 0:
            self._run = len(chunk) - last - 1
        self.lines += chunk.count(mark)

    def _try_utf8(self, chunk: bytes, final: bool = False) -> None:
        try:
            self._decoder.decode(chunk, final)
        except UnicodeDecodeError:
            self.is_utf8 = False

    def encoding(self, name: str) -> str:
        for mark, encoding in _BOMS.items():
            if self.head.startswith(mark):
                return encoding
        self._refuse_binary(name)
        if self.is_utf8:
            self._try_utf8(b"", final=True)
        return (
            "utf-8" if self.is_utf8 else guess_encoding(b"".join(map(_whole_lines, self.evidence)))
        )

    def _refuse_binary(self, name: str) -> None:
        kind = next((k for magic, k in _NOT_TEXT.items() if self.head.startswith(magic)), None)
        controls = len(self.head) - len(self.head.translate(None, _CONTROLS))
        if kind is None and controls * 100 > len(self.head):
            kind = "binary"
        if kind is not None:
            raise CorpusError(
                f"{name} is {kind}, not text. Save the conversations as CSV, JSON or plain text "
                "in UTF-8, or name another file."
            )


def _scan(path: Path, name: str) -> _Scan:
    scan, packed = _Scan(), path.stat().st_size
    with open_bytes(path) as file:
        while chunk := _read(file, name, scan):
            scan.take(chunk)
            if scan.size > MAX_BYTES or (
                scan.size > _RATIO_MATTERS_FROM and scan.size > packed * _MAX_RATIO
            ):
                raise CorpusError(
                    f"{name} unpacks to more than {scan.size >> 20} MB, too much for a corpus. "
                    "Check that it is the right file, or split it into smaller ones."
                )
    return scan


def _read(file: gzip.GzipFile | io.BufferedReader, name: str, scan: _Scan) -> bytes:
    try:
        return file.read(_CHUNK)
    except (EOFError, zlib.error) as error:
        raise _torn(name, error, scan.lines) from None


def _torn(name: str, error: Exception, lines: int = 0) -> CorpusError:
    return CorpusError(
        f"{name} is a damaged gzip archive: it breaks off after line {lines} ({error}). "
        "Copy or download it again."
    )


def _whole_lines(chunk: bytes) -> bytes:
    """Leaves out the first and last line of a chunk that may have been cut inside a character."""
    if len(chunk) < _CHUNK:
        return chunk
    return chunk[chunk.find(b"\n") + 1 : chunk.rfind(b"\n") + 1] or chunk


def guess_encoding(text: bytes) -> str:
    """Guesses the encoding of bytes that are not valid UTF-8.

    UTF-8 with a few broken bytes is still UTF-8. GB18030 is told from Windows-1252 by what it
    decodes to: Chinese in it is mostly GB 2312 (two bytes above 0xA0 each), while a lone accented
    letter is followed by ASCII and decodes to nothing or to a character hardly ever used.

    >>> guess_encoding("你好，我很好！".encode("gb18030"))
    'gb18030'
    >>> guess_encoding("A café with crème brûlée is “naïve”.".encode("cp1252"))
    'cp1252'
    """
    beyond = len(text) - len(text.translate(None, _BEYOND_ASCII))
    as_utf8 = text.decode("utf-8", errors="replace")
    broken = as_utf8.count("\ufffd")
    if sum(c > "\x7f" for c in as_utf8) - broken > 9 * broken:
        return "utf-8"
    return "gb18030" if beyond and _is_gb18030(text) else "cp1252"


def _is_gb18030(text: bytes) -> bool:
    characters = [c for c in text.decode("gb18030", errors="replace") if c > "\x7f"]
    broken = characters.count("\ufffd")
    common = "".join(characters).encode("gb2312", errors="ignore")  # two bytes each
    return broken * 50 < len(characters) and len(common) // 2 > 0.4 * len(characters)
