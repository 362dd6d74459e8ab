"""How much of a conversation a bot is shown. Knows the configuration alone."""

from __future__ import annotations

from chatbot.config import Config


def turns_shown(config: Config) -> int:
    """Returns how many turns a bot of this configuration is shown in a chat.

    >>> turns_shown(Config()) == Config().corpus.history_turns
    True
    """
    most = config.corpus.history_turns
    return min(config.decoding.history_turns or most, most)
