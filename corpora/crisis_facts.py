"""Gives a bot fixed replies to messages about danger to life, so that these never vary.

    python corpora/crisis_facts.py english corpora/small-talk.en.yml corpora/crisis.en.yml

A network of this size mistakes one message in three, and here it must not: each wording of a crisis
situation gets the situation's first reply, word for word, and whatever else holds the words that
a file of facts lists gets the reply that stands with them. Facts that the bot has already stay.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from chatbot.bundle import edit_bundle
from chatbot.errors import ChatbotError
from chatbot.text.facts import MAX_WORDINGS, Fact, facts_from


def main() -> int:
    """Adds the facts; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("corpus", type=Path, help="situations, some with the gist `crisis`")
    parser.add_argument("words", type=Path, help="facts, whose wordings hold stars")
    options = parser.parse_args()
    try:
        new = [*crisis_facts(options.corpus), *facts_from(_read(options.words)["facts"])]
        edit_bundle(options.name, facts=lambda old: [*(f for f in old if f not in new), *new])
    except (ChatbotError, OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        print(f"Error: no facts for {options.name}: {error!s:.200}.", file=sys.stderr)
        return 2
    print(f"{options.name} answers {sum(len(f.says) for f in new)} crisis messages word for word.")
    return 0


def crisis_facts(corpus: Path) -> Iterator[Fact]:
    """Yields the facts of each situation whose gist is `crisis`, as many as its wordings take."""
    for situation in _read(corpus)["situations"]:
        if situation.get("gist") == "crisis":
            says = situation["says"]
            for start in range(0, len(says), MAX_WORDINGS):
                yield Fact(tuple(says[start : start + MAX_WORDINGS]), situation["replies"][0])


def _read(file: Path) -> Any:
    return yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


if __name__ == "__main__":
    sys.exit(main())
