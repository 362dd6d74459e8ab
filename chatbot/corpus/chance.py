"""Chance that depends on nothing but a seed and the text at hand, so not on the order of files."""

from __future__ import annotations

import hashlib


def draw(seed: int, purpose: str, *texts: str) -> float:
    """Returns a number in [0, 1) that depends on nothing but the arguments."""
    key = "\x1f".join((str(seed), purpose, *texts)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(key, digest_size=7).digest()) / 2**56
