"""The owner's records: corrections, ratings, votes, visits. (Being written.)"""

from __future__ import annotations


class Store:
    """A database of records."""
