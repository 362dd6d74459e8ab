"""What the shipped bots answer to messages that they never saw, and a reader's judgement of each.

    python benchmarks/replies.py english chinese      # writes docs/replies.md
    python benchmarks/replies.py english --bare       # only prints replies, a JSON object a line

The messages are tests/data/messages.<language>.jsonl. The judgements (`id`, `reply`, `fits`, `why`
in docs/judgements.<language>.jsonl) were given by reading; one that was given to another reply
than the bot's of today does not count, and the page says so.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from chatbot import Chatbot  # noqa: E402

_ROWS = 50  # messages answered at once
_HEAD = """# What the bots answer

Made by `python benchmarks/replies.py {names}`. Each message is one that no corpus holds
(`tests/data/messages.*.jsonl`, a test compares); it was written before the bots were trained and
serves for measuring alone. `c` numbers are the last turn of a conversation, which stands above it.
A reply fits when a sensible person would find it a good thing to say there: it does what the
message asks for and nothing that it must not (both stand in the file). Every reply was read
twice; where the readings differed, the stricter one counts.
"""


def main() -> int:
    """Writes the page, or prints the replies; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+")
    parser.add_argument("--bare", action="store_true")
    options = parser.parse_args()
    pages = [_HEAD.format(names=" ".join(options.names))]
    for name in options.names:
        answered = list(replies_of(Chatbot.load(name)))
        if options.bare:
            print("\n".join(json.dumps(one, ensure_ascii=False) for one in answered))
        else:
            pages.append(page(name, answered, judgements(answered[0]["language"])))
    if not options.bare:
        (ROOT / "docs" / "replies.md").write_text("\n".join(pages), encoding="utf-8")
    return 0


def replies_of(bot: Chatbot) -> Iterator[dict[str, Any]]:
    """Yields each test message with the reply that the page would show."""
    messages = _lines(ROOT / "tests" / "data" / f"messages.{bot.language}.jsonl")
    for start in range(0, len(messages), _ROWS):
        rows = messages[start : start + _ROWS]
        for row, reply in zip(rows, bot.reply_batch([r["history"] for r in rows]), strict=True):
            confidence = round(reply.confidence, 3)
            yield {**row, "language": bot.language, "reply": reply.text, "confidence": confidence}


def judgements(language: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Returns the judgements by message and reply."""
    path = ROOT / "docs" / f"judgements.{language}.jsonl"
    return {(one["id"], one["reply"]): one for one in (_lines(path) if path.is_file() else [])}


def page(name: str, answered: list[dict[str, Any]], judged: dict[Any, Any]) -> str:
    """Returns the section of one bot: the count, then every message."""
    verdicts = [judged.get((one["id"], one["reply"])) for one in answered]
    fitting = sum(bool(verdict and verdict["fits"]) for verdict in verdicts)
    unread = sum(verdict is None for verdict in verdicts)
    rows = "\n".join(_row(*pair) for pair in zip(answered, verdicts, strict=True))
    return (
        f"## {name}\n\n{fitting} of {len(answered)} replies fit "
        f"({fitting / len(answered):.0%}){_unread(unread)}.\n\n"
        f"| | message | reply | fits | why |\n|---|---|---|---|---|\n{rows}\n"
    )


def _unread(count: int) -> str:
    return f"; {count} of the others were not judged as they are now" if count else ""


def _row(one: dict[str, Any], verdict: dict[str, Any] | None) -> str:
    fits = "?" if verdict is None else "yes" if verdict["fits"] else "**no**"
    said = "<br>".join(map(_cell, one["history"]))
    why = _cell(verdict["why"]) if verdict else ""
    return f"| {one['id']} | {said} | {_cell(one['reply'])} | {fits} | {why} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _lines(path: Path) -> list[dict[str, Any]]:
    lines: Iterable[str] = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


if __name__ == "__main__":
    sys.exit(main())
