"""What a bot says in its model's place, by language. Knows no model."""

from __future__ import annotations

import zlib

_DECLINED = {"zh": "这个我不太想说。", "en": "I would rather not say that."}
_UNSURE = {
    "zh": (
        "这个我没太听懂，能换个说法吗？",
        "我不太确定该怎么接，你再多说一点？",
        "这句我拿不准，能说得具体些吗？",
    ),
    "en": (
        "I'm not sure I understand. Can you say it another way?",
        "I don't quite follow. Can you tell me a bit more?",
        "I'm only a small program, and you lost me there. What do you mean?",
    ),
}
_ALL = frozenset(_DECLINED.values()).union(*_UNSURE.values())


def declined(language: str) -> str:
    """Returns what is said where every reply holds a blocked phrase."""
    return _DECLINED.get(language, _DECLINED["en"])


def unsure(language: str, message: str) -> str:
    """Returns what is said where no reply is likely enough; the same to the same message."""
    lines = _UNSURE.get(language, _UNSURE["en"])
    return lines[zlib.crc32(message.encode("utf-8", "replace")) % len(lines)]


def is_set_line(text: str) -> bool:
    """Tells these lines from what a model says.

    >>> is_set_line(unsure("en", "qwerty")), is_set_line("Hello!")
    (True, False)
    """
    return text in _ALL
