"""Two files side by side: line n of the one is the message, line n of the other the reply.

`partner_names` knows by which names they find each other. Knows nothing of folders.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from chatbot.corpus.records import Conversation
from chatbot.corpus.textfile import TextFile
from chatbot.errors import CorpusError

_WORDS = (
    ("source", "target"),
    ("src", "tgt"),
    ("questions", "answers"),
    ("question", "answer"),
    ("enc", "dec"),
    ("from", "to"),
    ("input", "output"),
    ("context", "response"),
)
_LETTERS = ("a", "b")  # only as the ending of a name: train.a and train.b
_PART = re.compile(r"([._-])")


def partner_names(name: str) -> tuple[list[str], list[str]]:
    """Returns the file names that would hold the replies to `name`, and the messages to it.

    >>> partner_names("src-train.txt")
    (['tgt-train.txt'], [])
    >>> partner_names("train.b")
    ([], ['train.a'])
    """
    parts = _PART.split(name)
    replies, messages = list[str](), list[str]()
    last = len(parts) - (3 if parts[-1] == "gz" else 1)
    for index, part in enumerate(parts):
        for message, reply in (*_WORDS, *((_LETTERS,) if 0 < index == last else ())):
            if part.lower() in (message, reply):
                other = reply if part.lower() == message else message
                partner = "".join([*parts[:index], other, *parts[index + 1 :]])
                (replies if part.lower() == message else messages).append(partner)
    return replies, messages


def read_parallel(source: TextFile, target: TextFile) -> Iterator[Conversation]:
    """Yields a conversation of two turns for each line of `source` and of `target`.

    Raises:
        CorpusError: one file has more lines than the other.
    """
    both = itertools.zip_longest(source.numbered_lines(), target.numbered_lines())
    for number, (message, reply) in enumerate(both, start=1):
        if message is None or reply is None:
            longer = target if message is None else source
            shorter = source if message is None else target
            raise CorpusError(
                f"{shorter.name} ends after line {number - 1} but {longer.name} goes on, so "
                "their lines do not belong together. Give both the same number of lines."
            )
        yield Conversation(f"{source.name}:{number}", (message[1], reply[1]))
