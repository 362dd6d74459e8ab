"""`evaluate`: a bot's scores, alone or beside another bot's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatbot.commands.options import (
    Json,
    Settings,
    decoding_settings,
    print_json,
)
from chatbot.errors import CorpusError

if TYPE_CHECKING:
    from rich.table import Table

    from chatbot.corpus.records import DialoguePair


def evaluate(
    name: Annotated[str, typer.Argument(help="A model's name or folder.")],
    corpus: Annotated[
        str | None, typer.Argument(help="Held-out conversations; the model's own by default.")
    ] = None,
    against: Annotated[str | None, typer.Option(help="A second model, on the same pairs.")] = None,
    max_pairs: Annotated[int, typer.Option(min=1, help="Score at most so many pairs.")] = 1000,
    as_json: Json = False,
    settings: Settings = None,
) -> int:
    """Score a bot: perplexity, BLEU, distinct-1/2, length, beside simple baselines."""
    from rich.console import Console

    pairs = _pairs(name, corpus)[:max_pairs]
    results = {which: _evaluate(which, pairs, settings) for which in (name, against) if which}
    if as_json:
        print_json({"pairs": len(pairs), "models": results})
    else:
        Console().print(_table(results))
    return 0


def _evaluate(
    name: str, pairs: Sequence[DialoguePair], settings: list[str] | None
) -> dict[str, Any]:
    from chatbot.bot import Chatbot
    from chatbot.evaluation.evaluate import evaluate as evaluate_bot

    bot = Chatbot.load(name)
    return evaluate_bot(bot, pairs, decoding_settings(bot.decoding, settings)).as_dict()


def _pairs(name: str, corpus: str | None) -> list[DialoguePair]:
    """Returns the pairs of a corpus, or the validation side kept beside the model."""
    from chatbot.bundle import CORPUS, bundle_path
    from chatbot.config import CorpusConfig
    from chatbot.corpus.pair_table import read_pairs
    from chatbot.corpus.prepare import parse_source, prepare_corpus
    from chatbot.corpus.slots import filled

    if corpus is not None:
        whole = CorpusConfig(without_history=0)
        prepared = prepare_corpus([parse_source(corpus)], whole)
        return [*prepared.validation, *filled(prepared.train, whole.seed)]
    kept = bundle_path(name) / CORPUS
    if not kept.is_file():
        raise CorpusError(
            f"The held-out conversations of {name!r} do not lie beside it (they are never shared). "
            f"Name a corpus: python -m chatbot evaluate {name} CORPUS."
        )
    return read_pairs(kept, "validation")


def _table(results: dict[str, dict[str, Any]]) -> Table:
    from rich.table import Table

    first = next(iter(results.values()))
    table = Table("score", *results, "true replies", "commonest reply", "random reply")
    for key in ("nats_per_reply", "perplexity_per_token", "perplexity_per_word"):
        table.add_row(key, *(f"{found[key]:.2f}" for found in results.values()), "", "", "")
    for key in first["replies"]:
        columns = [found["replies"] for found in results.values()]
        columns += [first[k] for k in ("references", "constant_baseline", "random_baseline")]
        table.add_row(key, *(f"{column[key]:.3f}" for column in columns))
    return table
