"""What a person can do wrong, as exceptions. Each message says what happened, why, and what to do.

The command line prints the message on one line and exits with status 2; the page shows it as a
line where it happened. Any other exception is a bug of ours. Knows nothing; everything else may
import it.
"""


class ChatbotError(Exception):
    """A mistake that a user can mend; the message is one readable line."""


class ConfigError(ChatbotError):
    """A setting is unknown, out of range, or does not fit the others."""


class CorpusError(ChatbotError):
    """A corpus is missing, unreadable, empty, or in no known format."""


class BundleError(ChatbotError):
    """A saved model is missing, incomplete, damaged, or made by a newer version."""


class TrainingError(ChatbotError):
    """A training cannot start, resume, or go on."""


class StoreError(ChatbotError):
    """The records cannot be read or written."""


class MessageError(ChatbotError):
    """A message to the bot is empty or too long."""
