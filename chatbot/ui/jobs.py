"""Trainings as processes of their own. (Being written.)"""

from __future__ import annotations


class Jobs:
    """Starts, watches and stops trainings."""
