"""WhatsApp's "Export chat": a text file whose look depends on the phone and its language.

    31/12/2020, 22:15 - Anna: Hi!                  Android
    [12/31/20, 10:15:03 PM] Anna: Hi!              iPhone
    2020/12/31 下午10:15 - 小明: 你好               Android, Chinese

A message goes on until the next line that starts with a date. Knows the words for "deleted" and
"edited" in the languages most used; media is told by its look in all of them.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from chatbot.corpus.formats import chats
from chatbot.corpus.records import Conversation, ReadingLog
from chatbot.corpus.textfile import TextFile

# An iPhone puts a left-to-right mark before what it says itself: media, notices, "edited".
_BY_IPHONE = re.compile(r"(?:\A|(?<=\s))\u200e(?:<[^<>]*>|[^\n]*)")
_UNSEEN = dict.fromkeys([0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF])
_SPACES = dict.fromkeys([0xA0, 0x202F, 0x2009], " ")
_CLEAN = {**_UNSEEN, **_SPACES}
_HEADER_LENGTH = 70  # characters of a line in which its date and time stand

_DATE = r"(?P<a>\d{1,4}) ?[./\-年] ?(?P<b>\d{1,2}) ?[./\-月] ?(?P<c>\d{1,4})[.日]?"
_TIME = r"(?P<hour>\d{1,2})[:.](?P<minute>\d\d)(?:[:.](?P<second>\d\d))?"
_BETWEEN = r"(?P<before>[^\d\[\]]{1,20}?)"  # ", " or " 下午" or " klo "
_AFTER = r"(?P<after>[^\d\[\]:]{0,16}?)"  # " PM" or " p. m." or nothing
_HEADERS = (
    re.compile(rf"{_DATE}{_BETWEEN}{_TIME}{_AFTER}(?P<end> [-–—] )"),  # Android
    re.compile(rf"\[{_DATE}{_BETWEEN}{_TIME}{_AFTER}(?P<end>\] ?)"),  # iPhone
    re.compile(rf"{_TIME}{_AFTER},? {_DATE}(?P<before>)(?P<end> [-–—] )"),  # Vietnamese
    re.compile(rf"\[{_TIME}{_AFTER},? {_DATE}(?P<before>)(?P<end>\] ?)"),  # copied in a browser
    re.compile(rf"{_DATE}{_BETWEEN}{_TIME}{_AFTER}(?P<end>: )(?=[^:]{{1,80}}: )"),  # old iPhone
)
_AFTERNOON = re.compile(
    r"p\W*m\b|下午|晚上|오후|午後|μ\W*μ|(?:^|\s)م|(?:^|\s)ip\b|(?:^|\s)em\b|(?:^|\s)du\b|"
    r"(?:^|\s)ch\b|ös\b|अपराह्न|odp",
    re.IGNORECASE,
)
_MORNING = re.compile(r"a\W*m\b|上午|凌晨|오전|午前|π\W*μ|(?:^|\s)ص|öö\b", re.IGNORECASE)
_NOON = 12

# A colon in quotation marks ends no name: it stands in a notice that quotes a chat's subject.
_QUOTED = r'"[^":]{0,100}"|[“„][^“”:]{0,100}[“”]|«[^»:]{0,100}»|「[^」:]{0,100}」'
_NAME = re.compile(rf"(?P<name>(?:[^“”„\"«»「」]|{_QUOTED}){{1,100}}?):(?: |$)")
_THINGS = (
    "图像|图片|圖像|圖片|影像|视频|影片|音频|音訊|语音|贴图|貼圖|动图|動圖|文件|文档|文檔"
    "|GIF|多?媒体|多?媒體|联系人名片"
)
_MEDIA = re.compile(
    r"<[^<>]{3,60}>"  # <Media omitted>, in any language
    r"|null"  # what Android makes of a view-once photo
    r"|[\w-]+(?: [\w-]+){0,2} (?:omitted|weggelassen|omitid[oa]s?|omess[oa]|ocultad[oa]|omis|omise"
    r"|absente?|weggelaten|utelämnad|pominięto|опущено|пропущено|dahil edilmedi|tidak disertakan)"
    rf"|(?:{_THINGS})已(?:忽略|略去|省略)|已?(?:忽略|略去|省略)(?:{_THINGS})"
    r"|.{0,40}\bhttps://maps\.google\.com/\?q=\S+"
    r"|(?:Missed|Silenced) (?:group )?(?:voice|video) call.{0,40}",
    re.IGNORECASE,
)
_FILE = re.compile(  # IMG-20201231-WA0001.jpg (file attached)
    r"[^\n/]{1,120}\.\w{2,5} \([^()\n]{0,20}(?:attached|angehängt|adjunto|joint|allegato|anexado"
    r"|bijgevoegd|прикреп|ekli|ekte|załącz|bifogad|terlampir|附件|附加|添付|첨부|مرفق)"
    r"[^()\n]{0,20}\)(?:\n|\Z)",
    re.IGNORECASE,
)
_DELETED = re.compile(
    r"(?:waiting for this message|this message was deleted|you deleted this message).{0,40}"
    r"|diese nachricht wurde gelöscht|du hast diese nachricht gelöscht"
    r"|se eliminó este mensaje|eliminaste este mensaje|este mensaje fue eliminado"
    r"|ce message a été supprimé|vous avez supprimé ce message"
    r"|questo messaggio è stato eliminato|hai eliminato questo messaggio"
    r"|(?:esta )?mensagem (?:foi )?apagada|você apagou esta mensagem"
    r"|dit bericht is verwijderd|(?:je|u) hebt dit bericht verwijderd"
    r"|(?:данное |это )?сообщение (?:было )?удалено|вы удалили (?:данное|это) сообщение"
    r"|ta wiadomość została usunięta|usunięto tę wiadomość"
    r"|bu mesaj silindi|bu mesajı sildiniz|pesan ini (?:telah )?dihapus|anda menghapus pesan ini"
    r"|(?:此|这条|這則|该)?(?:消息|訊息)已(?:被)?(?:删除|刪除)|[您你](?:已)?(?:删除|刪除)了?(?:此|这条|這則)(?:消息|訊息)"
    r"|已刪除(?:此|這則)訊息|このメッセージは削除されました|(?:この)?メッセージを削除しました"
    r"|삭제된 메시지입니다|(?:이 )?메시지를 삭제했습니다|تم حذف هذه الرسالة|لقد حذفت هذه الرسالة"
    r"|הודעה זו נמחקה|(?:यह|इस) संदेश .{0,12}(?:हटा|मिटा).{0,12}",
    re.IGNORECASE,
)
_EDITED = re.compile(
    r"[\s\u200e]*<[^<>\n]{0,30}(?:edited|bearbeitet|edit[óo]|edita|modifi|bewerkt|измен|отредакт|edytowan"
    r"|düzenlen|diedit|redigera|编辑|編輯|編集|수정|تعديل|נערכה|संपादित)[^<>\n]{0,30}>\Z",
    re.IGNORECASE,
)


class _Opening(NamedTuple):
    """The first line of a message: who, when, and what it says so far; no speaker: a notice."""

    speaker: str
    text: str
    time: float | None
    is_iphone: bool


def is_whatsapp(head: Sequence[str]) -> bool:
    """Tells an export by its first lines: a date and time, and soon somebody who speaks."""
    starts = _Starts()
    openings = [starts.opening(line) for line in head]
    return any(openings[:3]) and any(opening and opening.speaker for opening in openings)


def read_whatsapp(file: TextFile, log: ReadingLog) -> Iterator[Conversation]:
    """Yields the conversations of a chat, cut at silences."""
    return chats.conversations(_messages(file, log), file.name, log)


def _messages(file: TextFile, log: ReadingLog) -> Iterator[chats.Message]:
    blocks = chats.blocks(file.numbered_lines(), _Starts().opening)
    for number, opening, lines in blocks:
        if not opening.speaker:
            log.notes[f"{file.name}: notices such as who joined, left out"] += 1
            continue
        text = "\n".join([opening.text, *lines]).rstrip()
        said = _said(text, opening.is_iphone)
        yield chats.Message(number, opening.speaker, said, opening.time)


def _said(text: str, is_iphone: bool) -> str:
    """Returns what a person said, "" where it was no text."""
    if is_iphone:
        text = _BY_IPHONE.sub("", text).strip()
    text = _EDITED.sub("", text)
    bare = text.translate(_CLEAN).strip()
    if _MEDIA.fullmatch(bare) or _DELETED.fullmatch(bare.rstrip(".。")):
        return ""
    attached = _FILE.match(bare)
    return bare[attached.end() :] if attached else text


class _Starts:
    """Finds the lines that start a message; learns on the way whether days or months come first."""

    def __init__(self) -> None:
        """Starts with the day first, as most of the world writes."""
        self._day_first = True
        self._header = _HEADERS[0]  # the one that matched last

    def opening(self, line: str) -> _Opening | None:
        """Returns what a line starts, or None when it goes on with the message before."""
        bare = line[:4].lstrip("\u200e\u200f\u202a\u202b\ufeff")
        if not bare or not (bare[0] == "[" or bare[0].isdecimal()):
            return None
        start = line[:_HEADER_LENGTH]
        cleaned = start if start.isascii() else start.translate(_CLEAN)
        match = self._header.match(cleaned) or self._other_match(cleaned)
        if match is None:
            return None
        rest = line[match.end() :] if cleaned is start else _after(line, match)
        speaker, text = _speaker_and_text(rest)
        return _Opening(speaker, text, self._time(match), match["end"].startswith("]"))

    def _other_match(self, start: str) -> re.Match[str] | None:
        for header in _HEADERS:
            if match := header.match(start):
                self._header = header
                return match
        return None

    def _time(self, match: re.Match[str]) -> float | None:
        a, b, c = (int(match[part]) for part in "abc")
        year, month, day = (a, b, c) if a > 31 else (c, *self._month_and_day(a, b))
        try:
            date = datetime.date(year + 2000 * (year < 100), month, day)
        except ValueError:
            return None
        minutes = _hour(match) * 60 + int(match["minute"])
        return date.toordinal() * 86_400.0 + minutes * 60 + int(match["second"] or 0)

    def _month_and_day(self, a: int, b: int) -> tuple[int, int]:
        if max(a, b) > _NOON:  # no month is above 12
            self._day_first = a > b
        return (b, a) if self._day_first else (a, b)


def _hour(match: re.Match[str]) -> int:
    hour, words = int(match["hour"]), f"{match['before']} {match['after']}"
    if hour < _NOON and _AFTERNOON.search(words):
        return hour + _NOON
    return 0 if hour == _NOON and _MORNING.search(words) else hour


def _after(line: str, match: re.Match[str]) -> str:
    """Returns what follows the header in the line as it is written, with its unseen marks."""
    seen = match.end()
    for place, character in enumerate(line):
        if seen == 0:
            return line[place:]
        seen -= ord(character) not in _UNSEEN
    return ""


def _speaker_and_text(rest: str) -> tuple[str, str]:
    """Parts "Anna: Hi!"; a notice such as "Anna left" has no speaker."""
    match = _NAME.match(rest)
    if match is None:
        return "", rest
    name = match["name"].translate(_CLEAN).strip().removeprefix("~").strip()
    text = rest[match.end() :]
    return name, text
