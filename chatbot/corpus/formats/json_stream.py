"""A JSON document, value by value: a large export never lies in memory as a whole.

The caller walks down by `fields` and `items` and takes the values it wants; the rest is skipped.
Knows no format.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from chatbot.corpus.textfile import TextFile
from chatbot.errors import CorpusError

_CHUNK = 1 << 16  # characters
_MAX_VALUE = 1 << 24  # characters of one value that is read as a whole; a message has a thousand
_SPACES = " \t\n\r"
_NEAR_END = 20  # an error this close to the end of what was read may be due to that end


@contextmanager
def open_json(file: TextFile) -> Iterator[JsonStream]:
    """Opens a file of JSON at its first value.

    Raises:
        CorpusError: where the document is torn, no JSON, or nested beyond all reason.
    """
    with file.open() as text:
        try:
            yield JsonStream(text, file.name)
        except RecursionError:
            raise CorpusError(
                f"{file.name} is JSON that cannot be read: nested too deep. "
                "Check that this is the right file."
            ) from None


class JsonStream:
    """A place in a JSON document; every method moves it on past what it returned."""

    def __init__(self, text: TextIO, name: str) -> None:
        """Takes the opened text; `name` is what messages call it."""
        self._text = text
        self._name = name
        self._buffer = ""
        self._at = 0
        self._lines_before = 0  # the buffer
        self.characters = 0  # read so far
        self._ended = False
        self._decode = json.JSONDecoder().raw_decode

    def peek(self) -> str:
        """Returns the next character that is no space, without moving past it; "" at the end."""
        while True:
            while self._at < len(self._buffer):
                if self._buffer[self._at] not in _SPACES:
                    return self._buffer[self._at]
                self._at += 1
            if not self._read_on():
                return ""

    def value(self) -> Any:
        """Returns the next value as a whole."""
        self.peek()
        while True:
            try:
                value, end = self._decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                if self._ended or not self._may_be_cut(error):
                    raise self._invalid(error.msg, error.pos) from None
            except ValueError:  # a number with too many digits
                raise self._invalid("a number is too long", self._at) from None
            else:
                if end < len(self._buffer) or self._ended:
                    self._at = end
                    return value
            if len(self._buffer) - self._at > _MAX_VALUE:
                raise self._invalid(f"a value is longer than {_MAX_VALUE >> 20} MB", self._at)
            self._read_on()

    def items(self) -> Iterator[None]:
        """Stops before each item of the list that is next; the caller takes or skips it."""
        self._expect("[")
        if self.peek() == "]":
            self._at += 1
            return
        while True:
            yield
            if self._comma_or("]"):
                return

    def fields(self) -> Iterator[str]:
        """Yields each key of the object that is next; the caller takes or skips its value."""
        self._expect("{")
        if self.peek() == "}":
            self._at += 1
            return
        while True:
            if self.peek() != '"':
                raise self._invalid("Expecting property name enclosed in double quotes", self._at)
            key = str(self.value())
            self._expect(":")
            yield key
            if self._comma_or("}"):
                return

    def skip(self) -> None:
        """Moves past the next value, keeping none of it."""
        first = self.peek()
        if first == "[":
            for _ in self.items():
                self.skip()
        elif first == "{":
            for _ in self.fields():
                self.skip()
        else:
            self.value()

    def end(self) -> None:
        """Raises CorpusError when anything follows."""
        if self.peek():
            raise self._invalid("Extra data", self._at)

    def _expect(self, mark: str) -> None:
        if self.peek() != mark:
            raise self._invalid(f"Expecting {mark!r}", self._at)
        self._at += 1

    def _comma_or(self, closing: str) -> bool:
        mark = self.peek()
        if mark not in (",", closing) or not mark:
            raise self._invalid(f"Expecting ',' or {closing!r}", self._at)
        self._at += 1
        return mark == closing

    def _read_on(self) -> bool:
        """Reads at least as much again as is not used up; False at the end of the file."""
        self._lines_before += self._buffer.count("\n", 0, self._at)
        rest = self._buffer[self._at :]
        more = self._text.read(max(_CHUNK, len(rest)))
        self._buffer, self._at = rest + more, 0
        self.characters += len(more)
        self._ended = not more
        return bool(more)

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        near_end = error.pos >= len(self._buffer) - _NEAR_END
        return near_end or error.msg.startswith(("Unterminated string", "Invalid \\"))

    def _invalid(self, message: str, at: int) -> CorpusError:
        before = self._buffer[:at]
        line = self._lines_before + before.count("\n") + 1
        return CorpusError(
            f"{self._name} line {line} is no valid JSON: {message}. "
            "The file may be cut off; mend that line or copy the file again."
        )
