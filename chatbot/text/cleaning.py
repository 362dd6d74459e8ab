"""The one cleaning that every text passes, in a corpus and in a chat.

SentencePiece itself normalises nothing here (its default rule rewrites Chinese punctuation), so
what this module does is all that happens to a text. Knows nothing of corpora or tokens.
"""

from __future__ import annotations

import re
import unicodedata

# Tabs and line ends are white space; every other character of these categories is dropped:
# Cc controls (NUL), Cs lone surrogates, Co private use, Cn unassigned.
_DROPPED_CATEGORIES = frozenset({"Cc", "Cs", "Co", "Cn"})
# Invisible marks that reorder or hide text: bidi overrides and isolates, zero-width space, BOM.
# The zero-width joiner stays: emoji and several scripts are spelled with it.
_INVISIBLE = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200B, 0xFEFF, 0xFFFD])
_WHITE_SPACE = re.compile(r"\s+")


def clean_text(text: str) -> str:
    r"""Returns `text` composed (NFC), without unprintable characters, white space collapsed.

    Case, punctuation and full-width characters stay as they are.

    >>> clean_text("  Hello,\n\n  wor\x00ld! ")
    'Hello, world!'
    >>> clean_text("你好，我很好！")
    '你好，我很好！'
    """
    if text.isprintable() and "  " not in text and "\ufffd" not in text:  # as most texts are
        return unicodedata.normalize("NFC", text).strip()
    spaced = _WHITE_SPACE.sub(" ", text.translate(_INVISIBLE))
    if spaced.isascii() and spaced.isprintable():
        return spaced.strip()
    kept = "".join(c for c in spaced if unicodedata.category(c) not in _DROPPED_CATEGORIES)
    return unicodedata.normalize("NFC", kept).strip()
