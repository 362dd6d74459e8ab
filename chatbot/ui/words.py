"""Every text of the page, in English and Chinese, and the choice between them.

Gradio translates the labels in the browser (`Words.mark`); what the server says later is looked
up by the language that the browser asked for. Knows no component.
"""

from __future__ import annotations

from typing import Literal

Language = Literal["en", "zh"]

EXAMPLES: dict[str, tuple[str, ...]] = {  # in the language of the bot, since it must understand
    "en": ("Hello! How are you?", "What do you like to eat?", "Tell me a joke."),
    "zh": ("你好！你今天怎么样？", "你喜欢吃什么？", "讲个笑话吧。"),
}

TEXTS: dict[Language, dict[str, str]] = {
    "en": {
        "tagline": "A small program that learnt to chat by example. It makes things up.",
        "conversation": "Conversation",
        "empty": "Say something, and it will answer.",
        "message": "Message",
        "type_here": "Type a message",
        "send": "Send",
        "stop": "Stop",
        "new": "New chat",
        "model": "Model",
        "settings": "Settings",
        "more": "More",
        "loading": "The bot is loading… You can write already.",
        "failed": "This bot could not be loaded.",
        "waiting": "The bot is loading. It answers as soon as it is ready.",
        "write_something": "Write something first.",
        "too_long": "At most {limit:,} characters; this has {count:,}.",
        "still_talking": "Wait for the reply, or press Stop.",
        "stopped": "Stopped before an answer.",
        "not_answered": "No answer: too many people are asking at once, or a setting is wrong. "
        "Try again in a moment.",
        "no_words": "The bot found no words. Try saying it differently.",
        "sorry": "Sorry, something went wrong here (reference {reference}). Please try again.",
        "same_again": "With this strategy the same words always get the same reply. "
        "Move the slider towards “livelier” for another.",
        "length_bonus": "Shorter — longer",
        "length_bonus_info": "How much a reply is pushed to go on.",
        "liveliness": "Safer — livelier",
        "liveliness_info": "Safer repeats itself, livelier surprises more and errs more.",
        "strategy": "greedy: the likeliest next piece; beam: the likeliest whole reply; "
        "sampling: by chance",
        "beam_size": "beam: replies kept side by side",
        "temperature": "sampling: above 1 is wilder",
        "top_k": "sampling: only so many likeliest pieces; 0 is off",
        "top_p": "sampling: only the likeliest pieces that make up this share; 1 is off",
        "repetition_penalty": "above 1 avoids pieces already said; 1 is off",
        "no_repeat_ngram_size": "so many pieces in a row never come twice; 0 is off",
        "min_length": "pieces, at least",
        "max_length": "pieces, at most",
        "seed": "sampling: the same number gives the same reply",
        "seed_empty": "another each time",
    },
    "zh": {
        "tagline": "一个从对话里学会聊天的小程序。它会胡编乱造。",
        "conversation": "对话",
        "empty": "说点什么，它会回答你。",
        "message": "消息",
        "type_here": "输入消息",
        "send": "发送",
        "stop": "停止",
        "new": "新对话",
        "model": "模型",
        "settings": "设置",
        "more": "更多",
        "loading": "机器人正在加载……你可以先写。",
        "failed": "这个机器人无法加载。",
        "waiting": "机器人正在加载，准备好后马上回答。",
        "write_something": "请先写点什么。",
        "too_long": "最多 {limit:,} 个字符，现在有 {count:,} 个。",
        "still_talking": "请等回答结束，或按“停止”。",
        "stopped": "还没回答就停止了。",
        "not_answered": "没有回答：现在提问的人太多，或者有设置不对。请稍后再试。",
        "no_words": "机器人无话可说。换个说法试试。",
        "sorry": "抱歉，这里出了点问题（编号 {reference}）。请再试一次。",
        "same_again": "用这种策略，同样的话总是得到同样的回答。"
        "把滑块移向“更活泼”，就会有别的回答。",
        "length_bonus": "更短 — 更长",
        "length_bonus_info": "让回答多说几句的力度。",
        "liveliness": "更稳妥 — 更活泼",
        "liveliness_info": "更稳妥会重复，更活泼会有惊喜，也更容易出错。",
        "strategy": "greedy：每步选最可能的词；beam：选最可能的整句；sampling：随机抽取",
        "beam_size": "beam：同时保留的候选回答数",
        "temperature": "sampling：大于 1 更随意",
        "top_k": "sampling：只考虑最可能的这么多个词；0 为关闭",
        "top_p": "sampling：只考虑合计占此比例的最可能的词；1 为关闭",
        "repetition_penalty": "大于 1 时避免说过的词；1 为关闭",
        "no_repeat_ngram_size": "连续这么多个词不会出现两次；0 为关闭",
        "min_length": "最少词数",
        "max_length": "最多词数",
        "seed": "sampling：同一个数得到同样的回答",
        "seed_empty": "每次不同",
    },
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
