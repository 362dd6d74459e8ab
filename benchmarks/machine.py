"""What this machine is and what it can do at most: the yardstick of the other scripts.

    python benchmarks/machine.py      # about 10 seconds

The peaks are what plain library calls reach here. Knows no bot.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from chatbot.quiet import import_tensorflow

LARGE = 4096  # rows and columns of a product that no call's own cost can be seen in
_LEAST_SECONDS = 0.05  # of one measurement: a short product is run as often as fills it
_STREAMED = 2**28  # bytes, more than any cache holds


def main() -> int:
    """Prints the limits, then one JSON line; returns the exit status."""
    about, limits = described(), measured_limits()
    for name, value in {**about, **limits}.items():
        print(f"{name:24} {value}")
    print(json.dumps({**about, **limits}))
    return 0


def described() -> dict[str, Any]:
    """Returns the processor, the cores this process may use, and versions."""
    packages = ("tensorflow", "keras", "numpy")
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


def measured_limits() -> dict[str, float]:
    """Returns the large matrix product in GFLOP/s, and the memory bandwidth in GB/s."""
    large = (LARGE, LARGE, LARGE)
    return {
        "float32_gflops": round(product_peak(*large) / 1e9, 1),
        "bfloat16_gflops": round(product_peak(*large, "bfloat16") / 1e9, 1),
        "memory_gb_per_second": round(memory_bandwidth() / 1e9, 1),
    }


def median_seconds(run: Callable[[], object], repeats: int) -> float:
    """Returns the median of so many runs, after one that is not counted."""
    run()
    return statistics.median(seconds_of(run) for _ in range(repeats))


def seconds_of(run: Callable[[], object]) -> float:
    """Returns the seconds of one run."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def product_peak(
    rows: int, inner: int, columns: int, dtype: str = "float32", repeats: int = 7
) -> float:
    """Returns the floating-point operations per second of (rows,inner) x (inner,columns)."""
    import_tensorflow()
    import tensorflow as tf

    left = tf.cast(tf.random.normal([rows, inner]), dtype)
    right = tf.cast(tf.random.normal([inner, columns]), dtype)
    multiply = tf.function(tf.matmul).get_concrete_function(left, right)

    def product() -> None:
        multiply(left, right).numpy()

    times = max(1, int(_LEAST_SECONDS / median_seconds(product, 3)))
    seconds = median_seconds(lambda: [multiply(left, right) for _ in range(times)][-1], repeats)
    return 2 * rows * inner * columns * times / seconds


def memory_bandwidth(repeats: int = 7) -> float:
    """Returns the bytes read per second by a matrix-vector product, the form that a step has."""
    vector = np.ones(LARGE, np.float32)
    matrix = np.ones((_STREAMED // vector.nbytes, LARGE), np.float32)
    return matrix.nbytes / median_seconds(lambda: matrix @ vector, repeats)


def memory_mb(process: int | str = "self", field: str = "VmRSS") -> float:
    """Returns what a process holds in memory, in MB (10^6 bytes), from Linux' /proc.

    Args:
        process: its number.
        field: `VmRSS` is the memory now, `VmHWM` the most so far.
    """
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) * 1024 / 1e6  # the kernel's kB are 1,024 bytes


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    sys.exit(main())
