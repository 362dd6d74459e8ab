"""TensorFlow without its start-up notes on the terminal. Knows nothing else."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator


def import_tensorflow() -> None:
    """Imports TensorFlow; what it says of missing graphics cards while it loads is dropped.

    It writes these lines before its own log level holds, so the stream itself is turned away for
    the seconds of the import. An exception passes as ever.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "tensorflow" not in sys.modules:
        with _without_standard_error():
            import tensorflow  # noqa: F401


@contextlib.contextmanager
def _without_standard_error() -> Iterator[None]:
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
