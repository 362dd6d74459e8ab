"""How long a person waits: for `--help`, a cold reply, the page, and the page's first reply.

Measures, never asserts: python benchmarks/start_up.py [MODEL]. Prints a table and, last, one JSON
line. Beside each stands the bare import of TensorFlow and Keras, measured in the same run, since
machines differ and are noisy: compare ratios. Also the memory of the idle page with one bot loaded
beside that of a process which only imports TensorFlow and Gradio (goal: at most 1.2 times that).
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from machine import memory_mb

ROOT = Path(__file__).resolve().parent.parent
REPEATS = 3
IDLE_SECONDS = 2.0  # after a reply, before memory is read
ENVIRONMENT = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False", "TF_CPP_MIN_LOG_LEVEL": "3"}


class Page(NamedTuple):
    """One start of the page: seconds until it is served and has replied; its memory then."""

    served: float
    replied: float
    memory_mb: float


def main() -> None:
    """Prints the medians of a few cold starts, in seconds, and of memory, in MB."""
    model = sys.argv[1] if len(sys.argv) > 1 else "english"
    cases: dict[str, Callable[[], float]] = {
        "import keras (bare)": lambda: command("-c", "import keras"),
        "--help": lambda: command("-m", "chatbot", "--help"),
        "cold reply": lambda: command("-m", "chatbot", "reply", model, "We went to the market."),
    }
    results = {
        name: statistics.median(run() for _ in range(REPEATS)) for name, run in cases.items()
    }
    pages = [page(model) for _ in range(REPEATS)]
    results["page served"] = statistics.median(one.served for one in pages)
    results["page's first reply"] = statistics.median(one.replied for one in pages)
    memory = {
        "imports alone": statistics.median(imported_mb() for _ in range(REPEATS)),
        "page, one bot, idle": statistics.median(one.memory_mb for one in pages),
    }
    for name, seconds in results.items():
        print(f"{name:22} {seconds:6.2f} s")
    for name, megabytes in memory.items():
        print(f"{name:22} {megabytes:6.0f} MB {megabytes / memory['imports alone']:5.2f}")
    rounded = {name: round(value, 3) for name, value in results.items()}
    print(json.dumps({**rounded, "megabytes": {k: round(v, 1) for k, v in memory.items()}}))


def command(*arguments: str) -> float:
    """Returns the seconds that one fresh process takes."""
    started = time.monotonic()
    subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=ENVIRONMENT, check=True, capture_output=True
    )
    return time.monotonic() - started


def imported_mb() -> float:
    """Returns the memory of a process that imports TensorFlow and Gradio and does nothing."""
    process = subprocess.Popen(
        [sys.executable, "-c", "import tensorflow, gradio; print(flush=True); input()"],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.stdout.readline()
        return memory_mb(process.pid)
    finally:
        process.communicate(b"\n", timeout=10)


def page(model: str) -> Page:
    """Starts the page, asks once, waits a moment, and ends it."""
    from gradio_client import Client

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}/"
    started = time.monotonic()
    server = subprocess.Popen(
        [sys.executable, "app.py", "--model", model, "--port", str(port), "--no-browser"],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(address, server)
        served = time.monotonic() - started
        Client(address, verbose=False).predict("We went to the market.", api_name="/chat")
        replied = time.monotonic() - started
        time.sleep(IDLE_SECONDS)
        return Page(served, replied, memory_mb(server.pid))
    finally:
        server.terminate()
        server.wait(10)


def wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    """Returns when the address answers."""
    while server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("The page's process ended before it served anything.")


if __name__ == "__main__":
    main()
