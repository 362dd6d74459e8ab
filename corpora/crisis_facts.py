"""Gives a bot the replies of a corpus' crisis situations as fixed facts, so that these never vary.

    python corpora/crisis_facts.py english corpora/small-talk.en.yml

A network of this size mistakes one message in two, and here it must not: each wording of such a
situation gets the situation's first reply, word for word. Facts that the bot has already stay.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from chatbot.bundle import edit_bundle
from chatbot.errors import ChatbotError
from chatbot.text.facts import MAX_WORDINGS, Fact


def main() -> int:
    """Adds the facts; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("corpus", type=Path)
    options = parser.parse_args()
    try:
        new = list(crisis_facts(options.corpus))
        edit_bundle(options.name, facts=lambda old: [*(f for f in old if f not in new), *new])
    except (ChatbotError, OSError, yaml.YAMLError, KeyError, TypeError) as error:
        print(f"Error: no facts for {options.name}: {error!s:.200}.", file=sys.stderr)
        return 2
    print(f"{options.name} answers {sum(len(f.says) for f in new)} crisis messages word for word.")
    return 0


def crisis_facts(corpus: Path) -> Iterator[Fact]:
    """Yields the facts of each situation whose gist is `crisis`, as many as its wordings take."""
    document = yaml.load(corpus.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    for situation in document["situations"]:
        if situation.get("gist") == "crisis":
            says = situation["says"]
            for start in range(0, len(says), MAX_WORDINGS):
                yield Fact(tuple(says[start : start + MAX_WORDINGS]), situation["replies"][0])


if __name__ == "__main__":
    sys.exit(main())
