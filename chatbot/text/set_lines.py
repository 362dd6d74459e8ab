"""What a bot says in its model's place, by language. Knows no model."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence

_DECLINED = {"zh": "这个我不太想说。", "en": "I would rather not say that."}
_ASKED = re.compile(
    r"[?？]\s*$|[吗呢么嘛]\W*$|什么|怎么|怎样|为什么|为啥|咋|谁|哪|多少|能不能|是不是|会不会|有没有|"
    r"^(who|when|where|why|which|how|what(?! an? ))\b|"
    r"^(is|are|am|was|were|do|does|did|can|could|will|would|should|have|has) "
    r"(you|i|we|he|she|it|they|there|this|that|the|my|your|anyone|people)\b",
    re.IGNORECASE,
)
# To a question the bot owns that it does not know; to anything else that it would like to follow.
# Neither is glad nor sorry, since the bot has not understood which it should be.
_UNSURE_OF_QUESTION = {
    "zh": (
        "这个我不太清楚，你是怎么想的？",
        "我只是个小程序，这个我答不上来。你觉得呢？",
        "这题难住我了。你怎么会想到问这个？",
    ),
    "en": (
        "I'm only a small program, so I don't know. What do you think?",
        "That's more than I know, I'm afraid. What would you say yourself?",
        "I'm not sure about that one. What makes you ask?",
    ),
}
_UNSURE = {
    "zh": (
        "我不太确定该怎么接，不过我在听，你再多说一点？",
        "这句我没太听懂，能再多讲讲吗？",
        "我是个小程序，一时不知怎么接，但想听你往下说。",
    ),
    "en": (
        "I'm not sure I follow every word, but I'd like to. Can you tell me more?",
        "I don't quite follow yet. Can you tell me a bit more?",
        "I'm a small program and not sure what to say, but I'm listening. Please go on.",
    ),
}
# These fit good news as well as bad.
_NEITHER = {
    "zh": (
        "哎呀！快跟我说说，我听着呢。",
        "哎哟，真的呀！多跟我讲讲吧。",
    ),
    "en": (
        "Oh my! Tell me all about it, I'm listening.",
        "Oh, goodness! Will you tell me more about it?",
    ),
}
_ALL = frozenset(_DECLINED.values()).union(
    *_UNSURE.values(), *_UNSURE_OF_QUESTION.values(), *_NEITHER.values()
)


def declined(language: str) -> str:
    """Returns what is said where every reply holds a blocked phrase."""
    return _DECLINED.get(language, _DECLINED["en"])


def unsure(language: str, message: str) -> str:
    """Returns what is said where no reply is likely enough; the same to the same message."""
    known = _UNSURE_OF_QUESTION if asks(message) else _UNSURE
    return _one(known, language, message.encode("utf-8", "replace"))


def neither(language: str, message: bytes) -> str:
    """Returns what is said where it is not sure whether a message is good news or bad."""
    return _one(_NEITHER, language, message)


def _one(lines: Mapping[str, Sequence[str]], language: str, message: bytes) -> str:
    of_language = lines.get(language, lines["en"])
    return of_language[zlib.crc32(message) % len(of_language)]


def asks(message: str) -> bool:
    """Tells a question, in English or Chinese, by how it begins, ends or asks.

    >>> [asks(text) for text in ("what's that", "do you eat", "你叫什么", "你好吗！")]
    [True, True, True, True]
    >>> [asks(text) for text in ("I see", "can't wait", "what a day", "have to go", "知道了")]
    [False, False, False, False, False]
    """
    return _ASKED.search(message.strip()) is not None


def is_set_line(text: str) -> bool:
    """Tells these lines from what a model says.

    >>> is_set_line(unsure("en", "qwerty")), is_set_line("Hello!")
    (True, False)
    """
    return text in _ALL
