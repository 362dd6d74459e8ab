"""An explanation as HTML: pieces with their numbers, a heat map, tables.

Everything said or learned is hostile text and escaped here. Pure functions; knows no component.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from chatbot.explanation import Alternative, Explanation, Piece
from chatbot.ui.markup import escaped
from chatbot.ui.words import Say

if TYPE_CHECKING:
    from chatbot.corpus.nearest import NearPair

SURE, FAIRLY_SURE = 0.75, 0.6  # of the confidence; the shipped bot is sure of its greetings


def explained_html(explained: Explanation, model: str, say: Say) -> str:
    """Returns all that is known of a reply, as sections under headings."""
    return "".join(
        [
            line_html(say("understand_about", reply=explained.reply, model=model)),
            f"<p class='verdict' role='status'>{escaped(verdict(explained.confidence, say))}</p>",
            line_html(say("understand_by_rule")) if explained.by_rule else "",
            _section(say("understand_pieces"), _likely(explained, say)),
            _section(say("understand_shown"), _chips(explained.source, say)),
            _section(say("understand_attention"), _attention(explained, say)),
            _section(say("understand_others"), _others(explained.alternatives, say)),
        ]
    )


def verdict(confidence: float, say: Say) -> str:
    """Returns a confidence in words, with its number."""
    sure = "fairly" if confidence >= FAIRLY_SURE else "guessing"
    name = say(f"understand_{'sure' if confidence >= SURE else sure}")
    return say("understand_confidence", verdict=name, percent=percent(confidence))


def taught_html(pairs: Sequence[NearPair], say: Say) -> str:
    """Returns the training pairs nearest to an exchange, each with where it comes from."""
    if not pairs:
        return _section(say("understand_taught"), line_html(say("understand_no_pairs")))
    items = "".join(f"<li>{_taught(near, say)}</li>" for near in pairs)
    note = _note(say("understand_taught_note"))
    return _section(say("understand_taught"), f"{note}<ol class='taught'>{items}</ol>")


def line_html(said: str) -> str:
    """Returns one sentence, in an explanation or in place of one."""
    return f"<p>{escaped(said)}</p>"


def percent(share: float) -> str:
    """Writes a share as whole percents.

    >>> percent(0.834), percent(0.001), percent(0.0), percent(0.9999)
    ('83%', '<1%', '0%', '>99%')
    """
    if 0 < share < 0.005:
        return "<1%"
    return ">99%" if 0.995 < share < 1 else f"{round(100 * share)}%"


def _likely(explained: Explanation, say: Say) -> str:
    chips = zip(explained.pieces, explained.probabilities, strict=True)
    items = "".join(
        f"<li class='{_kind(piece)}' style='--share:{share:.3f}'>"
        f"<span>{escaped(_name(piece, say))}</span><small>{escaped(percent(share))}</small></li>"
        for piece, share in chips
    )
    return f"{_note(say('understand_pieces_note'))}<ol class='pieces likely'>{items}</ol>"


def _chips(pieces: Iterable[Piece], say: Say) -> str:
    items = (f"<li class='{_kind(piece)}'>{escaped(_name(piece, say))}</li>" for piece in pieces)
    return f"<ol class='pieces'>{''.join(items)}</ol>"


def _attention(explained: Explanation, say: Say) -> str:
    if explained.attention is None:
        return line_html(say("understand_no_attention"))
    columns = [_name(piece, say) for piece in explained.source]
    head = "".join(f"<th scope='col'>{escaped(name)}</th>" for name in columns)
    names = [_name(piece, say) for piece in explained.pieces]
    body = "".join(
        f"<tr><th scope='row'>{escaped(name)}</th>{_heat(name, columns, weights, say)}</tr>"
        for name, weights in zip(names, explained.attention, strict=True)
    )
    label = escaped(say("understand_attention"))
    return (
        f"{_note(say('understand_attention_note'))}"
        f"<div class='sideways' tabindex='0' role='region' aria-label='{label}'>"
        f"<table class='heat'><thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table>"
        "</div>"
    )


def _heat(piece: str, columns: Sequence[str], weights: Iterable[float], say: Say) -> str:
    """Returns the cells of one row of the heat map."""
    cells = []
    for source, weight in zip(columns, weights, strict=True):
        title = say("understand_looked", piece=piece, source=source, percent=percent(float(weight)))
        cells.append(
            f"<td style='--share:{weight:.3f}' title='{escaped(title)}'>{round(100 * weight)}</td>"
        )
    return "".join(cells)


def _others(others: Sequence[Alternative], say: Say) -> str:
    if not others:
        return line_html(say("understand_no_others"))
    keys = ("understand_reply", "understand_confidence_head", "understand_score")
    head = "".join(f"<th scope='col'>{escaped(say(key))}</th>" for key in keys)
    rows = "".join(
        f"<tr><td>{escaped(other.text)}</td><td>{escaped(percent(other.confidence))}</td>"
        f"<td>{other.score:.2f}</td></tr>"
        for other in others
    )
    table = f"<table class='others'><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return table + _note(say("understand_score_note"))


def _taught(near: NearPair, say: Say) -> str:
    said = "".join(
        f"<dt>{escaped(say(f'understand_{who}'))}</dt><dd>{escaped(text)}</dd>"
        for who, text in (("user", near.message), ("bot", near.pair.reply))
    )
    return (
        f"<dl>{said}</dl><small><code>{escaped(near.pair.origin)}</code> · "
        f"{escaped(percent(near.score))}</small>"
    )


def _name(piece: Piece, say: Say) -> str:
    """Returns what a piece says or marks."""
    if piece.mark:
        return say(f"understand_{piece.mark}")
    return piece.text.strip() or say("understand_space")


def _kind(piece: Piece) -> str:
    return "mark" if piece.mark or not piece.text.strip() else "piece"


def _section(title: str, body: str) -> str:
    return f"<section><h3>{escaped(title)}</h3>{body}</section>"


def _note(said: str) -> str:
    return f"<p class='note'>{escaped(said)}</p>"
