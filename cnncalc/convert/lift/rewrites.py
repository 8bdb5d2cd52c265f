"""Rewrites by their number, so that a wrong one can be found and left out."""

from __future__ import annotations


class Rewrites:
    """Numbers the rewrites, so that a wrong one can be found and left out."""

    def __init__(self, limit: int | None = None, left_out: frozenset[int] = frozenset()) -> None:
        self.limit = limit
        self.left_out = left_out
        self.count = 0

    def allow(self) -> bool:
        """Whether the next rewrite is made."""
        self.count += 1
        return self.count not in self.left_out and (self.limit is None or self.count <= self.limit)
