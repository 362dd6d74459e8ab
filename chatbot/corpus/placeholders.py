"""Texts that stand where a turn was taken out or never filled in: nobody should learn to say them.

Knows no format. The list is what public corpora and chat exports leave behind.
"""

from __future__ import annotations

import re

# The whole turn is one of these.
_WHOLE = re.compile(
    r"""
    [\[(<]\s*(?:deleted|removed|redacted|empty|blank|null|none|image|photo|picture|video|audio
        |voice\ message|sticker|gif|file|attachment|link|url|图片|表情|语音|视频|链接)\s*[\])>]
    | <?\s*(?:media|image|photo|video|audio|sticker|gif|document|file)\ omitted\s*>?    # WhatsApp
    | (?:this\ message\ was|you)\ deleted(?:\ this\ message)?\.?
    | (?:n/a|nan|null|none|undefined|\#ref!|\#n/a|转发微博|轉發微博)
    """,
    re.IGNORECASE | re.VERBOSE,
)
# These make a turn unusable wherever they stand in it.
_ANYWHERE = re.compile(
    r"""
    [\[({<]\s*(?:your|my|user|bot|speaker|person|the)?\s*
        (?:name|first\ ?name|last\ ?name|username|user\ ?\d+|bot\ ?\d+|person\ ?\d+|speaker\ ?\d+)
        (?:['’]s\ name)?\s*[\])}>]                          # [name], (user 2), [User 1's name]
    | \[(?:insert|your|my|user|city|country|date|time|company|location|address|phone|email)
        \b[^\[\].!?]{0,25}\]                                # [insert city], [your job]
    | \{\{?\s*[a-z_][a-z0-9_.]*\s*\}?\}                     # {name}, {{ user.name }}
    | (?-i:__[A-Z][A-Z_]*__)                                    # __SILENCE__, __URL__
    | <\s*(?:url|user|unk|person|number|name|location)\s*>  # left by anonymisers
    """,
    re.IGNORECASE | re.VERBOSE,
)
_STARTS = frozenset("[({<_")


def is_placeholder(text: str) -> bool:
    """Tells whether a turn is, or holds, a placeholder.

    >>> [is_placeholder(t) for t in ("<Media omitted>", "my name is (user 2)", "I love [music]")]
    [True, True, False]
    """
    if len(text) < 40 and _WHOLE.fullmatch(text):
        return True
    return not _STARTS.isdisjoint(text) and _ANYWHERE.search(text) is not None
