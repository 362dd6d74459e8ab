"""A file of text, plain or packed, of which nothing is known yet: is it text, in which encoding?

`examine` reads the file once, in constant memory, so that whoever reads the lines afterwards
meets no torn archive, no bomb and no undecodable byte; `peek` reads its beginning. Knows no
corpus format.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from chatbot.errors import CorpusError

MAX_BYTES = 2 * 1024**3  # of text, unpacked
MAX_LINE_BYTES = 4 * 1024**2  # of one line, in formats that are read by lines
_MAX_RATIO = 150  # of unpacked to packed; text reaches 3 to 20, a bomb 1000
_RATIO_MATTERS_FROM = 64 * 1024**2  # bytes
_CHUNK = 1024**2
_PEEK_BYTES = 6 * 1024**2  # enough to meet a line that is too long
_ZIPPED_TEXTS = (".txt", ".json", ".jsonl")
_ENCRYPTED = 1  # bit of a ZIP archive's flags
_SHOWN_NAME = 200  # characters
_EVIDENCE_CHUNKS = 4  # with bytes beyond ASCII, kept to guess the encoding from

_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_ZIP = "a ZIP archive or an Office document"
_NOT_TEXT = {
    b"PK\x03\x04": _ZIP,
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
        is_whole: whether all of it was read; else the numbers are of the beginning.
    """

    path: Path
    name: str
    encoding: str
    lines: int
    long_line: int | None
    is_whole: bool = True

    def open(self) -> io.TextIOWrapper:
        """Opens the text; `\\r\\n` and `\\r` read as `\\n`, undecodable bytes as U+FFFD."""
        opened: Any = open_bytes(self.path)
        if not self.is_whole:
            opened = io.BufferedReader(_Guarded(opened, self.path, self.name), _CHUNK)
        return io.TextIOWrapper(opened, self.encoding, errors="replace")

    def numbered_lines(self) -> Iterator[tuple[int, str]]:
        """Yields each line without its end, and its number from 1 on.

        Raises:
            CorpusError: a line is longer than any conversation.
        """
        with self.open() as file:
            for number, line in enumerate(self.checked(file), start=1):
                yield number, line.rstrip("\n")

    def checked(self, opened: io.TextIOWrapper) -> Iterator[str]:
        """Yields the lines of the opened file; one that is too long is an error before it is read.

        Raises:
            CorpusError: a line is longer than any conversation.
        """
        self.check_lines()
        if self.is_whole:  # and so none of its lines is too long
            yield from opened
            return
        lines = iter(lambda: opened.readline(MAX_LINE_BYTES), "")
        for number, line in enumerate(lines, start=1):
            if len(line) == MAX_LINE_BYTES:
                raise self._too_long(number)
            yield line

    def check_lines(self) -> None:
        """Raises CorpusError when a line is longer than any conversation."""
        if self.long_line is not None:
            raise self._too_long(self.long_line)

    def _too_long(self, line: int) -> CorpusError:
        return CorpusError(
            f"{self.name} line {line} is longer than {MAX_LINE_BYTES >> 20} MB, "
            "which no conversation is. Check that this is the right file, "
            "and that each of its conversations or turns stands on its own line."
        )

    def beginning(self, characters: int) -> str:
        """Returns so many characters from the start."""
        with self.open() as file:
            return file.read(characters)

    def head(self) -> list[str]:
        """Returns the first 50 lines, or fewer where they are very long."""
        text = self.beginning(_CHUNK)
        lines = text.split("\n")
        if len(lines) > 1 and (not lines[-1] or len(text) == _CHUNK):
            lines.pop()  # nothing, or cut off
        return lines[:50]


def printable(name: object) -> str:
    """Returns a file's name as a message may show it, on one line; people name files anything.

    >>> printable(Path("a\\nb.csv"))
    'a?b.csv'
    """
    text = "".join(c if c.isprintable() else "?" for c in str(name))
    return text if len(text) <= _SHOWN_NAME else f"{text[:_SHOWN_NAME]}…"


def is_gzip(path: Path) -> bool:
    """Tells gzip by its first bytes, whatever the file is called."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def open_bytes(path: Path) -> gzip.GzipFile | IO[bytes]:
    """Opens a file for reading, unpacked; of a ZIP archive, the one text inside.

    An iPhone exports a chat as an archive of `_chat.txt` and its photos.
    """
    if is_gzip(path):
        return gzip.open(path, "rb")
    return _open_zipped(path) or path.open("rb")


def _open_zipped(path: Path) -> IO[bytes] | None:
    if not zipfile.is_zipfile(path) or first_bytes(path, 4) != b"PK\x03\x04":
        return None
    with zipfile.ZipFile(path) as archive:
        texts = [m for m in archive.infolist() if m.filename.lower().endswith(_ZIPPED_TEXTS)]
        own = [m for m in texts if not m.filename.startswith("__MACOSX/")]
        if len(own) != 1 or own[0].flag_bits & _ENCRYPTED:
            return None
        return archive.open(own[0])  # stays open when the archive is closed


def examine(path: Path, name: str | None = None) -> TextFile:
    """Reads a file once and returns it as text of a known encoding.

    Raises:
        CorpusError: it is missing, empty, not text, a torn archive, or unpacks to too much.
    """
    return _examined(path, printable(name or path.name), at_most=None)


def peek(path: Path, name: str | None = None) -> TextFile:
    """Does the same with no more than the beginning, for whoever reads no further either.

    What lies behind may still be torn: read it within `telling_torn`.

    Raises:
        CorpusError: see `examine`.
    """
    return _examined(path, printable(name or path.name), at_most=_PEEK_BYTES)


def is_folder(path: Path) -> bool:
    """Tells a folder from a file, and from a path that cannot even be."""
    try:
        return path.is_dir()
    except OSError:  # the name is too long
        return False


def first_bytes(path: Path, count: int) -> bytes:
    """Returns the first bytes of a file as they lie there, packed or not.

    Raises:
        CorpusError: it is missing or cannot be read.
    """
    try:
        if path.exists() and not path.is_file():
            raise CorpusError(
                f"{printable(path)} is no regular file. Save the conversations to a file first."
            )
        with path.open("rb") as file:
            return file.read(count)
    except (OSError, ValueError) as error:  # ValueError: NUL in the path
        raise _unreadable(path, error) from None


@contextmanager
def telling_torn(name: str) -> Iterator[None]:
    """Turns what an archive raises where it is torn into a CorpusError."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        raise _torn(name, error) from None


def _examined(path: Path, name: str, at_most: int | None) -> TextFile:
    first_bytes(path, 0)
    try:
        scan = _scan(path, name, at_most)
    except (gzip.BadGzipFile, zipfile.BadZipFile, NotImplementedError) as error:
        raise _torn(name, error) from None
    except OSError as error:
        raise _unreadable(path, error) from None
    if not scan.size:
        raise CorpusError(f"{name} is empty. Put conversations into it, or leave it out.")
    encoding = scan.encoding(name)
    return TextFile(path, name, encoding, scan.lines, scan.long_line, scan.is_whole)


def _unreadable(path: Path, error: Exception) -> CorpusError:
    reason = getattr(error, "strerror", None) or error
    return CorpusError(
        f"Cannot read {printable(path)}: {reason}. Check the path and your rights to read it."
    )


@dataclass
class _Scan:
    """What one pass over the bytes finds out."""

    size: int = 0  # bytes, unpacked
    lines: int = 0
    long_line: int | None = None
    head: bytes = b""
    evidence: list[bytes] = field(default_factory=list)
    is_utf8: bool = True
    is_whole: bool = True
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
        if self.is_utf8 and self.is_whole:
            self._try_utf8(b"", final=True)
        return (
            "utf-8" if self.is_utf8 else guess_encoding(b"".join(map(_whole_lines, self.evidence)))
        )

    def _refuse_binary(self, name: str) -> None:
        kind = next((k for magic, k in _NOT_TEXT.items() if self.head.startswith(magic)), None)
        controls = len(self.head) - len(self.head.translate(None, _CONTROLS))
        if kind is None and controls * 100 > len(self.head):
            kind = "binary"
        if kind == _ZIP:
            raise CorpusError(
                f"{name} is {kind}, not text. Unpack it and name the file or folder of "
                "conversations inside, or save the document as plain text."
            )
        if kind is not None:
            raise CorpusError(
                f"{name} is {kind}, not text. Save the conversations as CSV, JSON or plain text "
                "in UTF-8, or name another file."
            )


def _scan(path: Path, name: str, at_most: int | None) -> _Scan:
    scan, packed = _Scan(), path.stat().st_size
    with open_bytes(path) as file:
        while chunk := _read(file, name, scan):
            if at_most is not None and scan.size >= at_most:
                scan.is_whole = False
                break
            scan.take(chunk)
            _refuse_bomb(scan.size, packed, name)
    return scan


def _refuse_bomb(size: int, packed: int, name: str) -> None:
    if size > MAX_BYTES or (size > _RATIO_MATTERS_FROM and size > packed * _MAX_RATIO):
        raise CorpusError(
            f"{name} unpacks to more than {size >> 20} MB, too much for a corpus. "
            "Check that it is the right file, or split it into smaller ones."
        )


class _Guarded(io.RawIOBase):
    """The bytes of a file of which only the beginning was examined; a bomb ends in an error."""

    def __init__(self, opened: gzip.GzipFile | IO[bytes], path: Path, name: str) -> None:
        self._opened = opened
        self._packed = path.stat().st_size
        self._name = name
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._opened.read(len(buffer))
        self._size += len(chunk)
        _refuse_bomb(self._size, self._packed, self._name)
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        self._opened.close()
        super().close()


def _read(file: gzip.GzipFile | IO[bytes], name: str, scan: _Scan) -> bytes:
    try:
        return file.read(_CHUNK)
    except (EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise _torn(name, error, scan.lines) from None


def _torn(name: str, error: Exception, lines: int = 0) -> CorpusError:
    kind = "ZIP" if isinstance(error, (zipfile.BadZipFile, NotImplementedError)) else "gzip"
    return CorpusError(
        f"{name} is a damaged {kind} archive: it breaks off after line {lines} ({error}). "
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
