"""The spec that is being written, as a tree of items: steps, joins, groups and loops.  It knows no graph and no text.

Tensors keep the numbers that they have in the graph; an item takes the current tensor unless it has a `source`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple


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
        "reference",
        "repeat",
        "result",
        "rows",
        "source",
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
        self.source: int | None = None
        """The tensor that it takes, if it is not the current one."""
        self.reference: int | None = None
        """The further tensor that a field names."""
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
        return made

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


def plain(item: Item) -> bool:
    """Whether a step stands for itself: no other tensor than the current one, and no weights of others, are in it."""
    return item.source is None and item.reference is None and item.owner is None


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
        *(item.source, item.reference, item.owner, item.frozen, item.repeat, item.condition),
    )


def by_name(entry: tuple[Any, ...]) -> str:
    return str(entry[0])


def size(items: list[Item]) -> int:
    """How many steps there are, those inside others too."""
    return sum(1 for _ in every(items))
