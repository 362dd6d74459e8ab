"""Gives a bot fixed replies to danger to life and to the plainest words, and tells it their tones.

    python corpora/fixed_replies.py english corpora/*.en.yml

A network of this size mistakes one message in five, and here it must not: each wording of a
crisis situation gets the situation's first reply, word for word, each single message of that gist
the gist's first reply, and what a file of `facts` lists gets the reply that stands with it:
crisis.*.yml has words of danger, wherever they stand, plain.*.yml greetings and goodbyes.
Facts that the bot has already stay. gists.*.yml tells which gists' replies are glad, which sorry:
where a glad one might meet bad news, the bot says a neutral line (`decoding.tact`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from chatbot.bundle import edit_bundle
from chatbot.errors import ChatbotError, CorpusError
from chatbot.text.facts import MAX_WORDINGS, Fact, facts_from
from chatbot.text.tones import Tones, tones_from

_OTHER_SHAPE = (AttributeError, TypeError, ValueError)  # YAML, but no corpus of ours


def main() -> int:
    """Adds the facts; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("corpora", type=Path, nargs="+", help="files as they lie in corpora/")
    options = parser.parse_args()
    try:
        given = [_of_file(corpus) for corpus in options.corpora]
        new = [fact for facts, _ in given for fact in facts]
        tones = _joined([tones for _, tones in given])
        edit_bundle(options.name, facts=lambda old: [*_others(old, new), *new], tones=tones)
    except (ChatbotError, OSError) as error:
        print(f"Error: no fixed replies for {options.name}: {error!s:.300}", file=sys.stderr)
        return 2
    told = f"; {len(tones.glad)} replies are glad and {len(tones.sorry)} sorry" if tones else ""
    print(f"{options.name} answers {sum(len(f.says) for f in new):,} messages word for word{told}.")
    return 0


def _others(old: Sequence[Fact], new: Sequence[Fact]) -> list[Fact]:
    """Returns the old facts that are not merely the new ones, perhaps grouped in another way."""
    said, replies = {w for fact in new for w in fact.says}, {fact.reply for fact in new}
    return [f for f in old if not (said.issuperset(f.says) and f.reply in replies)]


def _of_file(corpus: Path) -> tuple[list[Fact], Mapping[str, list[str]]]:
    """Returns what a file fixes, and its replies by their tone."""
    try:
        document = _read(corpus)
        return list(fixed_replies(document, corpus)), _tones(document)
    except (yaml.YAMLError, UnicodeError, LookupError, *_OTHER_SHAPE):
        raise CorpusError(
            f"{corpus} is not of the kinds that lie in corpora/. Compare it with one of them."
        ) from None


def fixed_replies(document: Any, corpus: Path) -> Iterator[Fact]:
    """Yields what a file fixes, in facts of as many wordings as one takes."""
    for situation in document.get("situations", []):
        if situation.get("gist") == "crisis":
            yield from _facts(situation["says"], situation["replies"][0])
    said = document.get("messages", {}).get("crisis", [])
    if alone := [message for message in said if isinstance(message, str)]:
        gists = _read(corpus.with_name(document["gists"]))["gists"]
        yield from _facts(alone, gists["crisis"][0])
    yield from facts_from(document.get("facts", []))


def _tones(document: Any) -> Mapping[str, list[str]]:
    return {
        tone: [reply for gist in gists for reply in document["gists"][gist]]
        for tone, gists in document.get("tones", {}).items()
    }


def _joined(given: Sequence[Mapping[str, list[str]]]) -> Tones | None:
    """Returns the tones of all files, None where none tells any: the bot's own then stay."""
    names = {tone for tones in given for tone in tones}
    joined = {name: [reply for tones in given for reply in tones.get(name, [])] for name in names}
    return tones_from(joined) if joined else None


def _facts(says: Sequence[str], reply: str) -> Iterator[Fact]:
    for start in range(0, len(says), MAX_WORDINGS):
        yield Fact(tuple(says[start : start + MAX_WORDINGS]), reply)


def _read(file: Path) -> Any:
    return yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


if __name__ == "__main__":
    sys.exit(main())
