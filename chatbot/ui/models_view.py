"""Models, facts and a model card as HTML.

A bundle may come from anybody, so all that it says of itself is hostile text and escaped here.
Pure functions; knows no component.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from chatbot.bundle import BundleInfo
from chatbot.text.facts import Fact
from chatbot.ui.history import safe_text
from chatbot.ui.markup import escaped, note
from chatbot.ui.words import Say

_MAX_SHOWN = 300  # characters of a description
_WORDINGS_SHOWN = 3  # of a fact, in the table
_MAX_CARD = 20_000
_COLUMNS = ("name", "language", "size", "date", "perplexity", "corpus")
_HEADING = re.compile(r"(#{1,6})\s+(.*)")
_ITEM = re.compile(r"\s*[-*]\s+(.*)")
_RULE = re.compile(r"\|[\s:|-]+\|\s*\Z")
_CELLS = re.compile(r"(?<!\\)\|")


def models_html(bundles: Sequence[BundleInfo], default: str | None, say: Say) -> str:
    """Returns the table of all models."""
    if not bundles:
        return note(say("models_none"))
    head = "".join(f'<th scope="col"{_title(key, say)}>{_label(key, say)}</th>' for key in _COLUMNS)
    rows = "".join(_row(info, info.name == default, say) for info in bundles)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def facts_html(facts: Sequence[Fact], say: Say) -> str:
    """Returns the table of a bot's facts."""
    if not facts:
        return f'<p class="small">{escaped(say("models_facts_none"))}</p>'
    head = "".join(
        f'<th scope="col">{escaped(say(key))}</th>'
        for key in ("models_fact_says", "models_fact_reply")
    )
    rows = "".join(
        f"<tr><td>{_first_wordings(fact)}</td><td>{escaped(fact.reply)}</td></tr>" for fact in facts
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _first_wordings(fact: Fact) -> str:
    """Returns a few wordings and how many more there are; whoever picks the fact sees them all."""
    more = len(fact.says) - _WORDINGS_SHOWN
    shown = [*map(escaped, fact.says[:_WORDINGS_SHOWN]), *([f"… +{more}"] if more > 0 else [])]
    return "<br>".join(shown)


def card_html(markdown: str) -> str:
    """Returns a model card: headings, lists, tables and code; all other marks are shown as text.

    No link and no picture comes of it, so opening a stranger's card asks nobody for anything.
    """
    return "".join(_blocks(safe_text(markdown[:_MAX_CARD].replace("\r\n", "\n")).split("\n")))


def _row(info: BundleInfo, is_default: bool, say: Say) -> str:
    mark = f' <span class="mark">{escaped(say("models_is_default"))}</span>' if is_default else ""
    language = info.language if info.language in ("en", "zh") else "other"
    perplexity = "–" if math.isnan(info.perplexity) else f"{info.perplexity:.1f}"
    corpus = info.corpus if len(info.corpus) <= _MAX_SHOWN else f"{info.corpus[:_MAX_SHOWN]}…"
    values = {
        "language": say(f"models_language_{language}"),
        "size": say("models_megabytes", size=info.size_bytes / 1e6),
        "date": info.created[:10],
        "perplexity": perplexity,
        "corpus": corpus,
    }
    cells = "".join(
        f'<td class="{key}" data-label="{_label(key, say)}">{escaped(value)}</td>'
        for key, value in values.items()
    )
    return f'<tr><th scope="row" class="name">{escaped(info.name)}{mark}</th>{cells}</tr>'


def _label(column: str, say: Say) -> str:
    return escaped(say(f"models_{column}"))


def _title(column: str, say: Say) -> str:
    return f' title="{escaped(say("models_perplexity_title"))}"' if column == "perplexity" else ""


def _blocks(lines: list[str]) -> Iterator[str]:
    """Yields the parts of a card, each from the lines that belong together."""
    place = 0
    while place < len(lines):
        kind = _kind(lines[place])
        end = place + 1
        while end < len(lines) and (_kind(lines[end]) == kind or kind == "code"):
            end += 1
            if kind == "code" and _kind(lines[end - 1]) == "code":
                break
        yield _block(kind, lines[place:end])
        place = end


def _kind(written: str) -> str:
    if written.startswith("```"):
        return "code"
    if _HEADING.match(written):
        return "heading"
    if _ITEM.match(written):
        return "list"
    if written.startswith("|"):
        return "table"
    return "text" if written.strip() else "blank"


def _block(kind: str, lines: list[str]) -> str:
    if kind == "heading":
        return "".join(map(_heading, lines))
    if kind == "list":
        return f"<ul>{''.join(map(_item, lines))}</ul>"
    if kind == "table":
        return f"<table>{''.join(map(_table_row, filter(_is_row, lines)))}</table>"
    if kind == "code":
        inside = lines[1:-1] if len(lines) > 1 and _kind(lines[-1]) == "code" else lines[1:]
        return f"<pre>{escaped(chr(10).join(inside))}</pre>"
    return f"<p>{escaped(' '.join(lines))}</p>" if kind == "text" else ""


def _heading(written: str) -> str:
    found = _HEADING.match(written)
    level = 3 if found and len(found[1]) == 1 else 4
    return f"<h{level}>{escaped(found[2] if found else written)}</h{level}>"


def _item(written: str) -> str:
    found = _ITEM.match(written)
    deeper = ' class="deeper"' if written.startswith(" ") else ""
    return f"<li{deeper}>{escaped(found[1] if found else written)}</li>"


def _is_row(written: str) -> bool:
    return not _RULE.match(written)


def _table_row(written: str) -> str:
    cells = _CELLS.split(written.strip())[1:-1]
    texts = (cell.strip().replace("\\|", "|").replace("&lt;", "<") for cell in cells)
    return f"<tr>{''.join(f'<td>{escaped(text)}</td>' for text in texts)}</tr>"
