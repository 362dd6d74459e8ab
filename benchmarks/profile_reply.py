"""Where does the time of a reply go? The operations of its network, the dearest first.

    python benchmarks/profile_reply.py english --strategy beam      # about 5 seconds

Ten replies of 15 tokens, each operation of the network timed; what is left of the whole reply is
the search. An operation's time holds what interrupts it, so measure on an idle machine; what one
reply costs untimed, reply_latency.py tells.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from asked import loaded, of_one_length, refused
from machine import described
from reply_latency import MESSAGE

REPLIES = 10
WHOLE = "the whole reply"
_LOOPS = ("While", "Pair")


def main() -> int:
    """Prints a table, then one JSON line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="english")
    parser.add_argument("--strategy", choices=["greedy", "beam"], default="beam")
    parser.add_argument("--rows", type=int, default=15, help="operations that are shown")
    options = parser.parse_args()
    if options.rows < 1:
        raise refused("--rows is a count from 1 on.")
    spent = profiled(options.model, options.strategy)
    dearest = spent.most_common(options.rows)
    for name, milliseconds in dearest:
        print(f"{milliseconds:8.2f} ms  {name}")
    about = {"model": options.model, "strategy": options.strategy, **described()}
    print(json.dumps({**about, "milliseconds": {name: round(ms, 3) for name, ms in dearest}}))
    return 0


def profiled(model: str, strategy: str) -> Counter[str]:
    """Returns the milliseconds of each operation in one reply, the mean of ten."""
    from chatbot.bot import Chatbot

    spent: Counter[str] = Counter()
    with timed_operations(spent):
        bot = Chatbot(loaded(model))
    decoding = of_one_length(bot.decoding, strategy)
    bot.reply(MESSAGE, decoding)  # what is computed once
    spent.clear()
    started = time.perf_counter()
    for _ in range(REPLIES):
        bot.reply(MESSAGE, decoding)
    spent[WHOLE] = time.perf_counter() - started
    return Counter({name: 1000 * seconds / REPLIES for name, seconds in spent.items()})


@contextmanager
def timed_operations(spent: Counter[str]) -> Iterator[None]:
    """Lets each operation of the networks that are loaded meanwhile add its seconds."""
    from chatbot.model.programs import Program

    plain = Program.ready

    def timed(program: Program) -> Any:
        """Times what carries out the steps alone: loops are the time of what is in them."""
        steps = (
            step if step.kind in _LOOPS else step._replace(run=_timed(step.kind, step.run, spent))
            for step in program.steps
        )
        return plain(replace(program, steps=tuple(steps)))

    Program.ready = timed
    try:
        yield
    finally:
        Program.ready = plain


def _timed(kind: str, function: Callable[..., Any], spent: Counter[str]) -> Callable[..., Any]:
    def run(*inputs: Any) -> Any:
        started = time.perf_counter()
        made = function(*inputs)
        seconds = time.perf_counter() - started
        shapes = " by ".join(str(x.shape) for x in inputs) if "MatMul" in kind else ""
        spent[f"{kind} {shapes}".strip()] += seconds
        return made

    return run


if __name__ == "__main__":
    sys.exit(main())
