"""Where does the time of a reply go? The operations of its graph, the dearest first.

    python benchmarks/profile_reply.py english --strategy beam      # about 30 seconds

Ten replies of 15 tokens under TensorFlow's profiler. An operation's time holds what interrupts it,
so measure on an idle machine; what one reply costs unprofiled, reply_latency.py tells.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from asked import loaded, of_one_length, refused
from machine import described
from reply_latency import MESSAGE

REPLIES = 10
_LONGEST = 60  # characters of an operation's name


def main() -> int:
    """Prints a table, then one JSON line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="english")
    parser.add_argument("--strategy", choices=["greedy", "beam"], default="beam")
    parser.add_argument("--rows", type=int, default=15, help="operations that are shown")
    options = parser.parse_args()
    if options.rows < 1:
        raise refused("--rows is a count from 1 on.")
    from chatbot.bot import Chatbot

    bot = Chatbot(loaded(options.model))
    decoding = of_one_length(bot.decoding, options.strategy)
    spent = profiled(lambda: bot.reply(MESSAGE, decoding))
    dearest = spent.most_common(options.rows)
    for name, milliseconds in dearest:
        print(f"{milliseconds:8.2f} ms  {name}")
    about = {"model": options.model, "strategy": options.strategy, **described()}
    print(json.dumps({**about, "milliseconds": {name: round(ms, 3) for name, ms in dearest}}))
    return 0


def profiled(reply: Callable[[], object]) -> Counter[str]:
    """Returns the milliseconds of each operation in one reply, the mean of ten."""
    import tensorflow as tf

    reply()  # compiles
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        for _ in range(REPLIES):
            reply()
        tf.profiler.experimental.stop()
        spent: Counter[str] = Counter()
        for name, milliseconds in _operations(Path(folder)):
            spent[name] += milliseconds / REPLIES
    return spent


def _operations(folder: Path) -> Iterator[tuple[str, float]]:
    """Yields each run of an operation; their names end in `:` and the kind, such as `:MatMul`."""
    from tensorflow.tsl.profiler.protobuf.xplane_pb2 import XSpace

    [path] = folder.rglob("*.xplane.pb")
    for plane in XSpace.FromString(path.read_bytes()).planes:
        for line in plane.lines:
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name
                place, mark, kind = name.rpartition(":")
                if mark and "/" in place:
                    yield f"{kind:16} {place[-_LONGEST:]}", event.duration_ps / 1e9


if __name__ == "__main__":
    sys.exit(main())
