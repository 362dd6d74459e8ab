"""QQ's message manager, "export as text": a header, then blocks of time, name and message.

    2023-01-02 12:34:56 小明(12345678)
    在吗？

A group's members may rename themselves; their numbers or addresses tell them apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from chatbot.corpus.formats import chats
from chatbot.corpus.records import Conversation, ReadingLog
from chatbot.corpus.textfile import TextFile

_TITLE = re.compile(r"(?:消息记录|消息記錄|消息分组|消息分組|消息对象|消息對象)")
_CHAT = re.compile(r"消息(?:对象|對象)[:：]")
_FURNITURE = re.compile(r"消息(?:记录|記錄)（|消息(?:分组|分組|对象|對象)[:：]|={20,}\s*\Z")
_HEADER = re.compile(
    r"(?P<date>\d{4}[-/]\d{1,2}[-/]\d{1,2}) (?P<half>[^\d\s]{2}|) ?"
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d):(?P<second>\d\d)(?P<half_after> ?[AP]M|) "
    r"(?:【[^】]{1,20}】)?(?P<name>.{0,60}?)"
    r"(?:\((?P<number>\d{5,12})\)|<(?P<mail>[^<>\s]{1,80}@[^<>\s]{1,80})>)?\s*\Z"
)
_AFTERNOON = ("下午", "晚上", "PM")
_SYSTEM = frozenset({"10000", "1000000"})
_MADE_BY_QQ = re.compile(
    r"\[(?:图片|表情|动画表情|闪照|视频|语音|文件|短视频|位置|名片|QQ小程序.{0,40}|分享.{0,40})\]"
)
_NOT_SAID = re.compile(
    r"\[QQ红包\].*|.{0,40}撤回了一条消息.{0,40}|.{0,20}(?:暂不支持查看|使用(?:最新版|新版)手机QQ).*",
    re.DOTALL,
)


def is_qq(head: Sequence[str]) -> bool:
    """Tells an export by its title, or where that was cut off by its first message."""
    first = next((line.lstrip("\ufeff") for line in head if line.strip()), "")
    found = any(_HEADER.match(line) for line in head)
    return found and bool(_TITLE.match(first) or _HEADER.match(first))


def read_qq(file: TextFile, log: ReadingLog) -> Iterator[Conversation]:
    """Yields the conversations of each chat, cut at silences."""
    names = chats.Names()
    for chat in _chats(file, names, log):
        yield from chats.conversations(chat, file.name, log)


def _chats(
    file: TextFile, names: chats.Names, log: ReadingLog
) -> Iterator[Iterator[chats.Message]]:
    """Yields the messages of one chat after the other; take all of one before the next."""
    lines = _Lines(file)
    while not lines.ended:
        yield _messages(lines, names, file.name, log)


class _Lines:
    """The numbered lines of a file, stopping wherever another chat begins."""

    def __init__(self, file: TextFile) -> None:
        self._lines = file.numbered_lines()
        self.ended = False

    def __iter__(self) -> Iterator[tuple[int, str]]:
        for number, line in self._lines:
            if _CHAT.match(line):
                return
            if not _FURNITURE.match(line):
                yield number, line
        self.ended = True


def _messages(
    lines: _Lines, names: chats.Names, file_name: str, log: ReadingLog
) -> Iterator[chats.Message]:
    for number, header, body in chats.blocks(lines, _HEADER.match):
        name, account = header["name"].strip(), header["number"] or header["mail"]
        if account in _SYSTEM or name == "系统消息":
            log.notes[f"{file_name}: notices such as who joined, left out"] += 1
            continue
        text = _MADE_BY_QQ.sub("", "\n".join(body)).strip()
        said = "" if _NOT_SAID.fullmatch(text) else text
        yield chats.Message(number, names.of(account or name, name), said, _time(header))


def _time(header: re.Match[str]) -> float | None:
    year, month, day = (int(part) for part in re.split("[-/]", header["date"]))
    hour = int(header["hour"])
    half = header["half"] or header["half_after"].strip()
    if hour < 12 and half in _AFTERNOON:
        hour += 12
    moment = f"{year:04}-{month:02}-{day:02}T{hour:02}:{header['minute']}:{header['second']}"
    return chats.seconds(moment)
