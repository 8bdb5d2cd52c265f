"""Runs of steps that a block's call may stand for."""

from __future__ import annotations

from typing import Any

from cnncalc.convert.lift.tree import Item, item_key
from cnncalc.layers import KINDS
from cnncalc.records import NamedTuple


class Member(NamedTuple):
    """Steps that a call may stand for: `width` of them in a list, from `start` on."""

    items: list[Item]
    start: int
    width: int

    @property
    def end(self) -> int:
        return self.start + self.width

    @property
    def steps(self) -> list[Item]:
        return self.items[self.start : self.end]

    def wider(self, before: int, after: int) -> Member:
        """The same with so many steps more before and after."""
        return Member(self.items, self.start - before, self.width + before + after)


def same_steps(member: Member, other: Member) -> bool:
    """Whether the steps of two members are equal."""
    return [item_key(item) for item in member.steps] == [item_key(item) for item in other.steps]


def is_primitive(window: tuple[Any, ...]) -> bool:
    """Whether a window is one turn: not a shorter one several times, nor are there several turns of a join in it.

    A call alone is none: a block of one would be that one by another name.
    """
    length = len(window)
    if length == 1 and window[0][0] not in KINDS:
        return False
    for period in range(1, length):
        if length % period == 0 and window[:period] * (length // period) == window:
            return False
        if window[period:] == window[:-period] and any(map(is_large, window[period:])):
            return False
        for start in range(length - 2 * period + 1):
            turn = window[start : start + period]
            if turn == window[start + period : start + 2 * period] and any(map(is_large, turn)):
                return False
    return True


def is_large(token: tuple[Any, ...]) -> bool:
    """Whether this is the token of a join or of a block's call."""
    kind = KINDS.get(token[0])
    return kind is None or kind.joins
