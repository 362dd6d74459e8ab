"""64 visitors at once over plain HTTP, against one at a time.

    python benchmarks/many_visitors.py english      # 10,000 replies: 1 to 5 minutes
    python benchmarks/many_visitors.py english --replies 300 --alone 30

Starts `python -m chatbot serve` on a copy of the bot whose replies are greedy and 15 tokens long,
and asks on kept connections, each visitor as soon as their last reply has come. The client runs
on the same machine and takes its share of the processor, which is told beside the server's.
Goals: 5 times the replies per second of one visitor, 95 % of replies within 1.5 s, and a server
that grows by less than 20 MB over 10,000 replies.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
from asked import ROOT, TOKENS, messages, of_one_length, refused
from machine import described, memory_mb

from chatbot.bundle import bundle_path, manifest_of, read_bundle_config, read_info
from chatbot.config import changed
from chatbot.errors import ChatbotError
from chatbot.files import sha256_of

_START_SECONDS, _REPLY_SECONDS = 120.0, 60.0
_WARM_UP = 8  # replies for each visitor, so that threads and graphs are there before memory is read


class Phase(NamedTuple):
    """What some visitors met."""

    visitors: int
    replies: int
    per_second: float
    p50: float  # seconds from question to reply
    p95: float
    server_ms: float  # of processor time for each reply
    client_ms: float


class Server(NamedTuple):
    """A process that serves one bot."""

    process: int
    url: str
    model: str


def main() -> int:
    """Prints a table, then one JSON line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="english")
    parser.add_argument("--replies", type=int, default=10_000, help="of the crowd")
    parser.add_argument("--alone", type=int, default=300, help="replies of one visitor")
    parser.add_argument("--visitors", type=int, default=64)
    options = parser.parse_args()
    if min(options.replies, options.alone, options.visitors) < 1:
        raise refused("Replies and visitors are counts from 1 on.")
    with tempfile.TemporaryDirectory() as home:
        language = copied(options.model, Path(home))
        asked = messages(language, max(options.replies, options.alone))
        with serving(Path(home), Path(options.model).name) as server:
            phases, grown = measured(server, asked, options)
    print(table(phases, grown))
    told = {"model": options.model, "tokens": TOKENS, **described()}
    print(json.dumps({**told, **summary(phases, grown)}))
    return 0


def copied(model: str, home: Path) -> str:
    """Copies a bot into a home of its own, with replies of one length; returns its language."""
    try:
        path = bundle_path(model)
        config, sums = read_bundle_config(path), manifest_of(path)
    except ChatbotError as error:
        raise refused(str(error)) from None
    place = home / "saved_models" / path.name
    place.mkdir(parents=True)
    for name in sums:
        shutil.copyfile(path / name, place / name)
    about = json.loads((place / "config.json").read_text(encoding="utf-8"))
    fixed = changed(config, decoding=of_one_length(config.decoding))
    about["config"] = fixed.model_dump(mode="json")
    (place / "config.json").write_text(json.dumps(about), encoding="utf-8")
    sums["config.json"] = sha256_of(place / "config.json")
    (place / "manifest.json").write_text(json.dumps(sums), encoding="utf-8")
    return read_info(place).language


@contextmanager
def serving(home: Path, model: str) -> Iterator[Server]:
    """Starts the server and waits until its bot is loaded."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["-m", "chatbot", "serve", model, "--port", str(port)]
    environment = {**os.environ, "CHATBOT_HOME": str(home), "TF_CPP_MIN_LOG_LEVEL": "3"}
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment, **quiet)
    server = Server(process.pid, f"http://127.0.0.1:{port}", model)
    try:
        wait_until_ready(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(30)


def wait_until_ready(server: Server, process: subprocess.Popen[bytes]) -> None:
    """Returns when the bot is loaded."""
    until = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            if server.model in httpx.get(f"{server.url}/healthz").json()["ready"]:
                return
        except (httpx.TransportError, ValueError):
            pass
        time.sleep(0.1)
    raise refused(f"The server did not get ready within {_START_SECONDS:.0f} s.")


def measured(
    server: Server, asked: list[str], options: argparse.Namespace
) -> tuple[list[Phase], float]:
    """Returns one visitor's phase, the crowd's, and the MB that the latter cost the server."""
    crowd = options.visitors
    ask(server, asked[: crowd * _WARM_UP], crowd)
    alone = ask(server, asked[: options.alone], 1)
    before = memory_mb(server.process)
    together = ask(server, asked[: options.replies], crowd)
    return [alone, together], memory_mb(server.process) - before


def ask(server: Server, asked: list[str], visitors: int) -> Phase:
    """Lets so many visitors share the messages out, each with one question under way."""
    spent, own, started = cpu_seconds(server.process), time.process_time(), time.perf_counter()
    latencies = asyncio.run(asked_by(server, asked, visitors))
    seconds, count = time.perf_counter() - started, len(asked)
    return Phase(
        visitors,
        count,
        count / seconds,
        *np.percentile(latencies, [50, 95]).tolist(),
        server_ms=1000 * (cpu_seconds(server.process) - spent) / count,
        client_ms=1000 * (time.process_time() - own) / count,
    )


async def asked_by(server: Server, asked: list[str], visitors: int) -> list[float]:
    """Returns the seconds that each reply took; each visitor has a connection of their own."""
    left, latencies = iter(asked), []
    unused = ssl.create_default_context()  # made once; each client would make its own

    async def visit() -> None:
        # One client for all would look through all connections at each request.
        async with httpx.AsyncClient(timeout=_REPLY_SECONDS, verify=unused) as client:
            for message in left:
                body = {"model": server.model, "messages": [{"role": "user", "content": message}]}
                started = time.perf_counter()
                answered = await client.post(f"{server.url}/v1/chat/completions", json=body)
                latencies.append(time.perf_counter() - started)
                answered.raise_for_status()

    await asyncio.gather(*(visit() for _ in range(visitors)))
    return latencies


def cpu_seconds(process: int) -> float:
    """Returns the processor time that a process has used, from Linux' /proc."""
    after_name = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2]
    user, system = after_name.split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def summary(phases: list[Phase], grown: float) -> dict[str, Any]:
    """Returns what the JSON line tells."""
    alone, together = phases
    return {
        "alone": {name: round(value, 4) for name, value in alone._asdict().items()},
        "together": {name: round(value, 4) for name, value in together._asdict().items()},
        "times_as_many": round(together.per_second / alone.per_second, 2),
        "memory_grown_mb": round(grown, 1),
    }


def table(phases: list[Phase], grown: float) -> str:
    """Returns a line for each phase, then what has a goal."""
    head = "visitors  replies  replies/s   p50 ms   p95 ms  server ms  client ms"
    rows = [
        f"{p.visitors:8} {p.replies:8} {p.per_second:10.1f} {1000 * p.p50:8.1f} "
        f"{1000 * p.p95:8.1f} {p.server_ms:10.2f} {p.client_ms:10.2f}"
        for p in phases
    ]
    alone, together = phases
    goals = [
        f"replies per second, together over alone: {together.per_second / alone.per_second:.2f} "
        "(goal: at least 5)",
        f"p95 together: {together.p95:.3f} s (goal: below 1.5 s)",
        f"the server grew by {grown:.1f} MB over {together.replies:,} replies (goal: below 20 MB)",
        "server ms and client ms are processor time a reply, over all cores",
    ]
    return "\n".join([head, *rows, *goals])


if __name__ == "__main__":
    sys.exit(main())
