"""Residual blocks whose input does not fit their output have no skip: they are made like those that do, and back.

A join of one branch is that branch, and so the steps of such a block may stand in one.
"""

from __future__ import annotations

from typing import Any

from cnncalc.convert.lift.tree import Branch, Item, every, every_list
from cnncalc.convert.lift.unify import Tokens

MAX_BRANCH = 10
"""Steps of the branch of such a block."""


def wrap(items: list[Item], tokens: Tokens) -> None:
    """Put the steps of a residual block without its skip into a join of one branch: the join is that branch.

    They are known by the residual blocks beside them; the first step may be missing.
    """
    patterns = residual_patterns(items, tokens)
    if not patterns:
        return
    for here in list(every_list(items)):  # not those that are made here
        if not any(is_residual(item) for item in here):
            continue
        place = 0
        while place < len(here):
            for pattern, kind in patterns:
                steps = here[place : place + len(pattern)]
                if tokens.skeleton(steps) == pattern:
                    join = Item(kind, steps[-1].result, steps[0].channels, steps[0].order)
                    join.branches = [Branch(steps)]
                    here[place : place + len(pattern)] = [join]
                    break
            place += 1


def is_residual(item: Item) -> bool:
    """Whether a step adds the current tensor to what one branch makes of it."""
    return item.kind == "add" and sorted(bool(branch.items) for branch in item.branches or ()) == [False, True]


def residual_patterns(items: list[Item], tokens: Tokens) -> list[tuple[tuple[Any, ...], str]]:
    """The skeletons of residual branches, and after them those without their first step."""
    whole: dict[tuple[Any, ...], str] = {}
    for item in every(items):
        if is_residual(item) and not tokens.pinned(item):
            branch = next(branch for branch in item.branches or () if branch.items)
            if 2 <= len(branch.items) <= MAX_BRANCH:
                whole[tokens.skeleton(branch.items)] = item.kind
    ordered = sorted(whole.items(), key=lambda entry: -len(entry[0]))
    begun = [(pattern[1:], kind) for pattern, kind in ordered if len(pattern) > 2 and pattern[1:] not in whole]
    return [*ordered, *begun]


def unwrap(items: list[Item]) -> None:
    """Take the joins of one branch, with no condition in them, apart again."""
    for here in every_list(items):
        place = 0
        while place < len(here):
            branches = here[place].branches
            if branches is not None and len(branches) == 1 and branches[0].tensor is None:
                here[place : place + 1] = branches[0].items
            else:
                place += 1
