"""How threads share the processor: on a page NumPy multiplies in one, and turns are short.

In the trainings that a page starts, NumPy multiplies in as many as there are. A second thread makes
no reply faster and takes the processor from other visitors' requests (benchmarks/README.md).
NumPy's library reads the variable once, when it is loaded.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

_NAME = "OPENBLAS_NUM_THREADS"
_ASKED_FOR = os.environ.get(_NAME)  # by whoever started the page
_TURN = 0.001  # s; with Python's own 0.005 a search waits longer for its next turn


def multiply_in_one() -> None:
    """Leaves NumPy one thread, unless another number was asked for; call it before the import."""
    os.environ.setdefault(_NAME, "1")


def take_short_turns() -> None:
    """Lets threads take turns more often than Python's own default."""
    sys.setswitchinterval(_TURN)


def as_asked_for(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment of another process, with the threads that the page was given."""
    others = {name: value for name, value in environment.items() if name != _NAME}
    return others if _ASKED_FOR is None else {**others, _NAME: _ASKED_FOR}
