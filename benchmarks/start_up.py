"""How long a person waits: for `--help`, a cold reply, the page, and the page's first reply.

Measures, never asserts: python benchmarks/start_up.py [MODEL]. Prints a table and, last, one JSON
line. Beside each stands the bare import of TensorFlow and Keras, measured in the same run, since
machines differ and are noisy: compare ratios.
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

ROOT = Path(__file__).resolve().parent.parent
REPEATS = 3
ENVIRONMENT = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False", "TF_CPP_MIN_LOG_LEVEL": "3"}


def main() -> None:
    """Prints the medians of a few cold starts, in seconds."""
    model = sys.argv[1] if len(sys.argv) > 1 else "english"
    cases: dict[str, Callable[[], float]] = {
        "import keras (bare)": lambda: command("-c", "import keras"),
        "--help": lambda: command("-m", "chatbot", "--help"),
        "cold reply": lambda: command("-m", "chatbot", "reply", model, "Hello!"),
    }
    results = {
        name: statistics.median(run() for _ in range(REPEATS)) for name, run in cases.items()
    }
    pages = [page(model) for _ in range(REPEATS)]
    results["page served"] = statistics.median(served for served, _ in pages)
    results["page's first reply"] = statistics.median(replied for _, replied in pages)
    for name, seconds in results.items():
        print(f"{name:22} {seconds:6.2f} s")
    print(json.dumps({name: round(seconds, 3) for name, seconds in results.items()}))


def command(*arguments: str) -> float:
    """Returns the seconds that one fresh process takes."""
    started = time.monotonic()
    subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=ENVIRONMENT, check=True, capture_output=True
    )
    return time.monotonic() - started


def page(model: str) -> tuple[float, float]:
    """Returns the seconds until the page is served, and until its first reply has come."""
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
        Client(address, verbose=False).predict("Hello!", api_name="/chat")
        return served, time.monotonic() - started
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
