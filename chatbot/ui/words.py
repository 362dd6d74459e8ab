"""The choice between the texts of the page, which stand in `texts/`.

Gradio translates the labels in the browser (`page.page_words`); what the server says later is
looked up by the language that the browser asked for. Knows no component.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, Literal, Protocol

from chatbot.ui.texts import (
    chat,
    compare,
    corpus,
    corrections,
    feedback,
    models,
    owner,
    saved,
    share,
    train,
    understand,
)

Language = Literal["en", "zh"]
Words = Callable[[str], Any]  # a key to a text that the browser translates


class Say(Protocol):
    """Looks a text up in the language of whoever looks."""

    def __call__(self, key: str, /, **values: object) -> str:
        """Returns the text, filled in and not yet escaped."""


EXAMPLES: dict[str, tuple[str, ...]] = {  # in the language of the bot, since it must understand
    "en": ("Hello! How are you?", "What do you like to eat?", "Tell me a joke."),
    "zh": ("你好！你今天怎么样？", "你喜欢吃什么？", "讲个笑话吧。"),
}

_PARTS: tuple[ModuleType, ...] = (
    chat,
    compare,
    corpus,
    corrections,
    saved,
    understand,
    feedback,
    models,
    owner,
    share,
    train,
)
TEXTS: dict[Language, dict[str, str]] = {
    "en": {key: said for part in _PARTS for key, said in part.EN.items()},
    "zh": {key: said for part in _PARTS for key, said in part.ZH.items()},
}


def text(language: Language, key: str, **values: object) -> str:
    """Returns one text of the page, filled in.

    >>> text("en", "too_long", limit=2000, count=2001)
    'At most 2,000 characters; this has 2,001.'
    """
    return TEXTS[language][key].format(**values)


def language_of(accepted: str | None, fixed: Language | None = None) -> Language:
    """Returns the language to answer in, from an Accept-Language header.

    Only the first language counts, as it is the one that Gradio's browser side goes by.

    >>> language_of("zh-CN,zh;q=0.9,en;q=0.8"), language_of("fr,zh;q=0.5"), language_of(None)
    ('zh', 'en', 'en')
    """
    first = (accepted or "").split(",")[0].split(";")[0].split("-")[0].strip().lower()
    return fixed or ("zh" if first == "zh" else "en")


def examples_for(bot_language: str) -> list[dict[str, str]]:
    """Returns messages to begin with, in the language of the bot, as Gradio wants them."""
    return [{"text": example} for example in EXAMPLES.get(bot_language, EXAMPLES["en"])]


def language_script(fixed: Language | None) -> str:
    """Returns a script that makes Gradio pick one of our languages; it must run first.

    Gradio knows zh-CN and zh-TW by those exact names alone and shows English to zh, zh-HK or
    zh-Hans-CN; and it cannot be told a language at all. It reads `navigator.language`, so that is
    what the script answers with.
    """
    wanted = {"en": '"en"', "zh": '"zh-CN"', None: "navigator.language"}[fixed]
    return (
        f'<script>(()=>{{const asked={wanted}||"en";'
        'const shown=/^zh/i.test(asked)?(/TW|HK|MO|Hant/i.test(asked)?"zh-TW":"zh-CN"):asked;'
        'Object.defineProperty(navigator,"language",{get:()=>shown,configurable:true})})()</script>'
    )
