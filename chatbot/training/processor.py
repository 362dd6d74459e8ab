"""What the processor and its memory can do, read from the system. Knows no Keras."""

from __future__ import annotations

from pathlib import Path


def has_bfloat16() -> bool:
    """Tells whether the processor multiplies bfloat16 numbers, as far as it says so."""
    flags = _read("/proc/cpuinfo")
    return "avx512_bf16" in flags or "amx_bf16" in flags


def available_memory_bytes() -> int:
    """Returns the memory that programs can still take, 0 where it is not known."""
    return _kilobytes("/proc/meminfo", "MemAvailable") * 1024


def peak_memory_bytes() -> int:
    """Returns the most memory this process has held so far, 0 where it is not known."""
    return _kilobytes("/proc/self/status", "VmHWM") * 1024


def _kilobytes(path: str, key: str) -> int:
    found = [line.split()[1] for line in _read(path).splitlines() if line.startswith(key)]
    return int(found[0]) if found else 0


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:  # not Linux: nothing is known, and nothing is assumed
        return ""
