"""Private details in a text: e-mail addresses, telephone and card numbers, links.

Finds them, writes placeholders over them, and shows them to the owner half hidden. What it finds
is told by its shape alone, so it leaves years, dates, prices and times where they are, and knows
nothing of names or street addresses. Knows no pair and no file.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

Kind = Literal["email", "phone", "card", "link"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_EXAMPLES, _AROUND = 5, 40  # texts shown of each kind, and characters on either side

# What a bot says instead; none of them is a placeholder that `placeholders` throws away inside a
# sentence, and a turn that is nothing but "[link]" is thrown away, as it says nothing.
_IN_ENGLISH: dict[Kind, str] = {
    "email": "[e-mail]",
    "phone": "[telephone number]",
    "card": "[card number]",
    "link": "[link]",
}
_IN_CHINESE: dict[Kind, str] = {
    "email": "[邮箱]",
    "phone": "[电话号码]",
    "card": "[卡号]",
    "link": "[链接]",
}
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
# One of these signs stands in all that is searched for. They come first, and no case is ignored,
# since `re` then skips to the first sign: three times as fast on small talk.
_HINT = re.compile(r"[@:.\d](?:(?<=@)|(?<=\d)\d|(?<=:)//|(?<=\.)[^\W_])")

_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}"
    r"@(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,24}(?![A-Za-z0-9-])"
)
_URL = r"[!#-&(-;=?-Z_a-z~]"  # what a link may hold: ASCII without quotes, brackets, spaces
_LINK = re.compile(
    rf"(?<![A-Za-z0-9])(?:https?|ftp)://{_URL}+"
    rf"|(?<![A-Za-z0-9])www\.{_URL}+"
    # Without any mark of a link, only the commonest endings, in small letters.
    r"|(?<![A-Za-z0-9.@-])(?:[A-Za-z0-9-]{1,63}\.){1,4}"
    rf"(?:com|net|org|edu|gov|info|io|cn)(?![A-Za-z0-9-])(?:/{_URL}*)?"
)
_LINK_ENDS_BEFORE = ".,;:!?)"  # signs that belong to the sentence around a link
_CARD = re.compile(r"(?<![\d.-])[2-6]\d{3}(?:[ -]?\d){9,15}(?![ -]?\d)")
_MONEY = r"(?<![\d$€£¥￥.,])"
_PHONE = re.compile(
    r"(?<![A-Za-z0-9+])\+[ ]?[1-9](?:[ ().-]{0,2}\d){7,14}(?!\d)"  # +44 20 7946 0958
    r"|(?<![\d.])00[1-9](?:[ ().-]{0,2}\d){8,13}(?!\d)"  # 0086 138 1234 5678
    rf"|{_MONEY}(?:86[ -]?)?1[3-9]\d(?:\d{{8}}|[ -]\d{{4}}[ -]\d{{4}})(?!\d|[.,]\d)"  # Chinese
    r"|(?<![\d.-])(?:\(0\d{2,3}\)|0\d{2,3})[ -]?\d{7,8}(?![\d-])"  # 010-62345678
    r"|(?<![\d.-])\(\d{3}\)[ ]?\d{3}[ .-]\d{4}(?!\d)"  # (555) 123-4567
    r"|(?<![\d.-])(?:1[ .-])?[2-9]\d{2}([ .-])\d{3}\1\d{4}(?![\d-])"  # 555-123-4567
    r"|(?<![\d.:-])0\d{2,4}[ /-]\d{3,4}[ -]?\d{3,4}(?![\d-])"  # 020 7946 0958
    r"|(?<![\d.:-])0\d(?:([ .])\d\d)(?:\2\d\d){3}(?!\d)"  # 06 12 34 56 78
)


class Found(NamedTuple):
    """A private detail, and where in the text it stands."""

    kind: Kind
    start: int
    end: int


def find_private(text: str) -> list[Found]:
    """Returns the private details of a text, in order; none overlaps another.

    >>> [f.kind for f in find_private("Write to me@example.com or call 138 1234 5678")]
    ['email', 'phone']
    >>> find_private("In 2019-2020 it cost 1,000,000 at 12:30 on 2020-01-15.")
    []
    """
    if not _HINT.search(text):
        return []
    found = list[Found]()
    for kind, search in _SEARCHES.items():
        for start, end in search(text):
            if all(end <= other.start or start >= other.end for other in found):
                found.append(Found(kind, start, end))
    return sorted(found, key=lambda one: one.start)


def mask_private(text: str) -> str:
    """Returns the text with a placeholder, in its own language, over each private detail.

    >>> mask_private("Write to me@example.com!"), mask_private("打我电话13812345678")
    ('Write to [e-mail]!', '打我电话[电话号码]')
    """
    placeholders = _IN_CHINESE if _HAN.search(text) else _IN_ENGLISH
    return _replaced(text, find_private(text), lambda one: placeholders[one.kind])


def half_hidden(text: str) -> str:
    """Returns the text with its private details made unreadable but still to be told apart.

    >>> half_hidden("call 138 1234 5678"), half_hidden("see https://example.com/a?b=c now")
    ('call 1•• •••• ••78', 'see https://example.com/… now')
    """
    return _replaced(text, find_private(text), lambda one: _hidden(text, one))


@dataclass
class PrivateLog:
    """Counts the private details of the texts that pass through it, masked or not.

    Attributes:
        uses: how many were found of each kind.
        examples: the surroundings of the first few of each kind, half hidden.
    """

    uses: Counter[Kind] = field(default_factory=Counter)
    examples: dict[Kind, list[str]] = field(default_factory=lambda: defaultdict(list))

    def passed(self, text: str, *, masked: bool) -> str:
        """Returns the text, masked if asked for, and counts what was found in it."""
        for one in find_private(text):
            self.uses[one.kind] += 1
            known = self.examples[one.kind]
            if len(known) < _EXAMPLES and (shown := _surroundings(text, one)) not in known:
                known.append(shown)
        return mask_private(text) if masked else text

    def add(self, other: PrivateLog) -> None:
        """Takes over what another log counted."""
        self.uses += other.uses
        for kind, shown in other.examples.items():
            self.examples[kind] = [*self.examples[kind], *shown][:_EXAMPLES]


def _surroundings(text: str, found: Found) -> str:
    before, after = half_hidden(text[: found.start]), half_hidden(text[found.end :])
    start = f"…{before[-_AROUND:]}" if len(before) > _AROUND else before
    end = f"{after[:_AROUND]}…" if len(after) > _AROUND else after
    return f"{start}{_hidden(text, found)}{end}"


def _links(text: str) -> Iterator[tuple[int, int]]:
    for match in _LINK.finditer(text):
        yield match.start(), match.start() + len(match[0].rstrip(_LINK_ENDS_BEFORE))


def _cards(text: str) -> Iterator[tuple[int, int]]:
    for match in _CARD.finditer(text):
        if _luhn_holds([int(sign) for sign in match[0] if sign.isdigit()]):
            yield match.span()


def _luhn_holds(digits: list[int]) -> bool:
    """Tells whether the last digit checks the others (ISO/IEC 7812-1, annex B)."""
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


# Links first: an address inside a link is a part of it.
_SEARCHES: dict[Kind, Callable[[str], Iterator[tuple[int, int]]]] = {
    "link": _links,
    "email": lambda text: (match.span() for match in _EMAIL.finditer(text)),
    "card": _cards,
    "phone": lambda text: (match.span() for match in _PHONE.finditer(text)),
}


def _replaced(text: str, found: list[Found], instead: Callable[[Found], str]) -> str:
    for one in reversed(found):
        text = text[: one.start] + instead(one) + text[one.end :]
    return text


def _hidden(text: str, found: Found) -> str:
    detail = text[found.start : found.end]
    if found.kind == "link":
        host = re.match(r"(?:\w+://)?[^/?#]*", detail)
        return f"{host[0]}/…" if host and host[0] != detail else detail
    return re.sub(r"(?<!^)[^\W_](?!.?$)", "•", detail)
