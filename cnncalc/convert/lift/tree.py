"""The spec that is being written, as a tree of items: steps, joins, groups and loops.  It knows no graph and no text.

Tensors keep the numbers that they have in the graph; an item takes the current tensor unless it has a `source`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from cnncalc.layers import KINDS
from cnncalc.records import NamedTuple

CURRENT = -1
"""Stands for the tensor that a step follows, which is called `x`."""


class Formula(NamedTuple):
    """A value that is an expression over arguments, loop variables or sizes."""

    text: str

    def tight(self) -> str:
        """The expression as an operand of a product."""
        return self.text if re.fullmatch(r"[\w.]+|\d+\*[\w.]+", self.text) else f"({self.text})"


class Turned(NamedTuple):
    """A value that is another in the first turn of a repeat than in the rest."""

    first: Any
    rest: Any


class Branch:
    """A branch of a join: steps that begin at the current tensor (none: the tensor itself), or an earlier tensor."""

    __slots__ = ("condition", "items", "tensor")

    def __init__(self, items: list[Item], tensor: int | None = None, condition: str = "") -> None:
        self.items = items
        self.tensor = tensor
        self.condition = condition


class Item:
    """One step of the spec, with everything that stands on it or in it."""

    __slots__ = (
        "branches",
        "channels",
        "condition",
        "frozen",
        "items",
        "kind",
        "names",
        "order",
        "owner",
        "references",
        "repeat",
        "result",
        "rows",
        "sources",
        "values",
    )

    def __init__(self, kind: str, result: int, channels: int, order: int) -> None:
        self.kind = kind
        """A layer kind, the name of a block, `group` or `for`."""
        self.values: dict[str, Any] = {}
        """Arguments of a layer that are not at its kind's default; all arguments of a block."""
        self.branches: list[Branch] | None = None
        """Of a join."""
        self.items: list[Item] | None = None
        """The steps of a group or loop."""
        self.names: list[str] = []
        """The variables of a loop, and below them its rows."""
        self.rows: list[tuple[Any, ...]] = []
        self.sources: tuple[int, ...] = ()
        """The tensors that it takes, if that is not just the current one; `CURRENT` among them is that one."""
        self.references: dict[str, tuple[int, ...]] = {}
        """The tensors that its fields name."""
        self.owner: int | None = None
        """The result of the step whose weights it uses."""
        self.frozen = False
        self.repeat: Any = 1
        self.condition = ""
        self.result = result
        """The tensor that it gives."""
        self.channels = channels
        """Channels of the tensor that it takes."""
        self.order = order
        """The place of its first node."""

    def copy(self) -> Item:
        """The same step, its values and lists its own, what stands in them not."""
        made = Item(self.kind, self.result, self.channels, self.order)
        for name in self.__slots__:
            setattr(made, name, getattr(self, name))
        made.values = dict(self.values)
        made.references = dict(self.references)
        return made

    @property
    def named(self) -> Iterator[int]:
        """The tensors that it takes by their names, those of its branches not counted."""
        for tensors in (self.sources, *self.references.values()):
            for tensor in tensors:
                if tensor != CURRENT:
                    yield tensor

    def begin_at(self, tensor: int) -> None:
        """Take `tensor` in place of the current one."""
        if self.sources:
            self.sources = tuple([tensor if source == CURRENT else source for source in self.sources])
        elif KINDS[self.kind].takes[1]:
            self.sources = (tensor,)
        for name, tensors in self.references.items():
            self.references[name] = tuple([tensor if entry == CURRENT else entry for entry in tensors])

    @property
    def lists(self) -> list[list[Item]]:
        """The lists of steps inside it."""
        inner = [branch.items for branch in self.branches or () if branch.tensor is None]
        return inner if self.items is None else [*inner, self.items]


class Block:
    """A block: its arguments with their defaults (None: required), and its steps."""

    def __init__(self, name: str, arguments: dict[str, Any], items: list[Item]) -> None:
        self.name = name
        self.arguments = arguments
        self.items = items


@cache
def defaults_of(kind: str) -> dict[str, Any]:
    """The defaults of a layer kind's fields, as steps have their values: what follows is a word."""
    layer = KINDS[kind]
    return {name: "none" if name in layer.following else value for name, value in layer.defaults.items()}


def every_list(items: list[Item]) -> Iterator[list[Item]]:
    """A list of steps, and all lists inside it, the outer before the inner."""
    pending = [items]
    while pending:
        here = pending.pop()
        yield here
        for item in here:
            pending += item.lists


def every(items: list[Item]) -> Iterator[Item]:
    """All steps, the outer before the inner."""
    for here in every_list(items):
        yield from here


def taken_by_name(items: list[Item]) -> set[int]:
    """The tensors that steps name."""
    found: set[int] = set()
    for item in every(items):
        found.update(item.named)
        found.update(() if item.owner is None else (item.owner,))
        found.update(branch.tensor for branch in item.branches or () if branch.tensor is not None)
    return found


def key(items: list[Item]) -> tuple[Any, ...]:
    """What tells lists of steps apart: equal keys are equal texts."""
    return tuple([item_key(item) for item in items])


def item_key(item: Item) -> tuple[Any, ...]:
    """What tells steps apart; tensors count by their numbers, since a name stands for one alone."""
    branches = tuple([(branch.tensor, branch.condition, key(branch.items)) for branch in item.branches or ()])
    inner = key(item.items) if item.items is not None else ()
    values = tuple(sorted([(name, type(value).__name__, value) for name, value in item.values.items()], key=by_name))
    return (
        *(item.kind, values, branches, inner, tuple(item.names), tuple(item.rows)),
        *(item.sources, tuple(item.references.items()), item.owner, item.frozen, item.repeat, item.condition),
    )


def by_name(entry: tuple[Any, ...]) -> str:
    return str(entry[0])


def size(items: list[Item]) -> int:
    """How many steps there are, those inside others too."""
    return sum(1 for _ in every(items))


def most_frequent(values: Iterable[Any]) -> Any:
    """The value that is there most often, the first of several."""
    counts = Counter(values)
    return max(counts, key=lambda value: counts[value])
