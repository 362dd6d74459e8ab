"""How corrections, thumbs, votes and replies look: HTML of texts that strangers wrote.

Knows no component.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from chatbot.store import Correction, RatingCount, VoteCount
from chatbot.ui.history import safe_text
from chatbot.ui.markup import escaped
from chatbot.ui.talk import Said
from chatbot.ui.words import Say

_SHORT = 60  # characters of a text in the list


# --- corrections --------------------------------------------------------------------------------


def choice_of(correction: Correction) -> tuple[str, str]:
    """Returns a correction as a choice of the list: what it is called, and its number."""
    asked, better = _short(correction.history[-1]), _short(correction.better)
    return f"{asked} → {better}", str(correction.id)


def correction_html(correction: Correction, say: Say) -> str:
    """Returns the conversation up to the reply that was found wrong, and when it was."""
    speakers = [("", say("corrections_visitor")), ("bot", say("corrections_bot"))]
    count = len(correction.history)  # the last of them is the visitor's
    said = [
        _turn(*speakers[(count - place) % 2], turn)
        for place, turn in enumerate(correction.history, start=1)
    ]
    bad = _turn("bot bad", say("corrections_bad"), correction.reply)
    return f'<p class="meta">{_meta(correction, say)}</p><ol>{"".join(said)}{bad}</ol>'


def ratings_html(ratings: Sequence[RatingCount], say: Say) -> str:
    """Returns a table of thumbs by model."""
    if not ratings:
        return _empty(say("corrections_no_ratings"))
    heads = [say(f"corrections_{name}") for name in ("model", "up", "down", "share")]
    rows = [(one.model, f"{one.good:,}", f"{one.bad:,}", _liked(one)) for one in ratings]
    return _table(say("corrections_ratings"), heads, rows)


def _meta(correction: Correction, say: Say) -> str:
    said = say("corrections_meta", model=correction.model, when=_when(correction.created))
    if correction.used_by:
        said = f"{said}; {say('corrections_learned_by', model=correction.used_by)}"
    return escaped(said)


def _when(moment: datetime) -> str:
    """Returns a moment as this computer's clock shows it."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def _liked(count: RatingCount) -> str:
    return f"{count.good / (count.good + count.bad):.0%}"


# --- comparisons --------------------------------------------------------------------------------


def talk_html(turns: Sequence[str], say: Say) -> str:
    """Returns what was said so far, the owner's turns and the bots' in turn."""
    speakers = [("", say("compare_you")), ("bot", say("compare_bot"))]
    items = [_turn(*speakers[place % 2], turn) for place, turn in enumerate(turns)]
    return f"<ol>{''.join(items)}</ol>" if items else ""


def pane_html(title: str, said: Said) -> str:
    """Returns one reply under its title."""
    spoken = f'<p class="{said.kind}">{escaped(said.text)}</p>'
    return f'<section aria-live="polite"><h3>{escaped(title)}</h3>{spoken}</section>'


def votes_html(votes: Sequence[VoteCount], say: Say) -> str:
    """Returns a table of votes by pair of models."""
    if not votes:
        return _empty(say("compare_votes_none"))
    names = ("first", "second", "first_better", "equal", "second_better")
    heads = [say(f"compare_votes_{name}") for name in names]
    rows = [
        (one.first, one.second, *map(str, (one.first_better, one.equal, one.second_better)))
        for one in votes
    ]
    return _table(say("compare_votes"), heads, rows)


# --- what they have in common -------------------------------------------------------------------


def _turn(kind: str, speaker: str, text: str) -> str:
    return f'<li class="{kind}"><small>{escaped(speaker)}</small><p>{escaped(text)}</p></li>'


def _table(caption: str, heads: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table whose rows each begin with a model's name."""
    top = "".join(f'<th scope="col">{escaped(head)}</th>' for head in heads)
    body = "".join(map(_row, rows))
    return (
        f"<table><caption>{escaped(caption)}</caption>"
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    )


def _row(cells: Sequence[str]) -> str:
    first, *others = map(escaped, cells)
    return f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in others)}</tr>'


def _empty(said: str) -> str:
    return f'<p class="meta">{escaped(said)}</p>'


def _short(text: str) -> str:
    line = " ".join(safe_text(text).split())
    return line if len(line) <= _SHORT else f"{line[:_SHORT]}…"
