"""A chatbot that anyone can train on their own conversations.

Public names are resolved on first use, so `import chatbot` imports no TensorFlow:

    from chatbot import Chatbot
    bot = Chatbot.load("english")
    print(bot.reply("Hello!").text)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatbot.bot import Chatbot, Reply
    from chatbot.config import Config, DecodingConfig
    from chatbot.errors import ChatbotError

__version__ = "0.1.0"
__all__ = ["Chatbot", "ChatbotError", "Config", "DecodingConfig", "Reply", "__version__"]

_HOMES = {
    "Chatbot": "chatbot.bot",
    "Reply": "chatbot.bot",
    "Config": "chatbot.config",
    "DecodingConfig": "chatbot.config",
    "ChatbotError": "chatbot.errors",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'chatbot' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
