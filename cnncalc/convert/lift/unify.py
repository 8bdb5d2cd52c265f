"""Lists of steps that are alike -> one list of slots: what is at the same place in each, aligned to the largest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cnncalc.convert.lift.tree import Branch, Item, size
from cnncalc.records import NamedTuple

MAX_TABLE = 2_000
"""Pairs that an alignment may compare; longer lists have to be alike place by place."""


class Twig(NamedTuple):
    """A branch of a slot's join: in which members it is there, and its slots."""

    present: list[bool]
    slots: list[Slot]
    tensors: list[int | None]
    """What each member names in place of steps."""


class Slot(NamedTuple):
    """A place in all members: its step in each, None where the member has none."""

    cells: list[Item | None]
    twigs: list[Twig] | None
    """Of a join."""

    @property
    def first(self) -> Item:
        return next(cell for cell in self.cells if cell is not None)


def every_slot(slots: list[Slot]) -> list[Slot]:
    """All slots in the order of the text."""
    found = []
    pending = slots[::-1]
    while pending:
        slot = pending.pop()
        found.append(slot)
        for twig in reversed(slot.twigs or ()):
            pending += twig.slots[::-1]
    return found


def token(item: Item, alone: Callable[[Item], bool]) -> Any:
    """What steps have in common that may stand at the same place, but for those that are to stand alone.

    Pointwise and other convolutions play different parts, and are told apart.
    """
    if alone(item):
        return ("alone", item.result, item.order)
    if item.items is not None:
        return ("group", item.order)
    return (item.kind, item.values.get("kernel") == 1, item.frozen)


class Tokens:
    """The tokens of steps, asked once each."""

    def __init__(self, pinned: Callable[[Item], bool], alone: Callable[[Item], bool]) -> None:
        self.pinned = pinned
        """Whether a step cannot be one of several that are written once."""
        self.alone = alone
        self._known: dict[int, tuple[Item, Any]] = {}

    def of(self, item: Item) -> Any:
        found = self._known.get(id(item))
        if found is None:
            found = self._known[id(item)] = (item, token(item, self.alone))
        return found[1]

    def skeleton(self, items: Sequence[Item]) -> tuple[Any, ...]:
        """The tokens of steps and of all that is in them."""
        found = []
        for item in items:
            inner = [
                None if branch.tensor is not None else self.skeleton(branch.items) for branch in item.branches or ()
            ]
            found.append((self.of(item), *inner) if inner else self.of(item))
        return tuple(found)

    # -- alignment

    def unify(self, lists: Sequence[Sequence[Item] | None]) -> list[Slot] | None:
        """The slots of several lists (None: the member has none); None where they are not alike."""
        base = max((items for items in lists if items is not None), key=size_of)
        columns: list[list[Item | None]] = [[None] * len(lists) for _ in base]
        for member, items in enumerate(lists):
            if items is None:
                continue
            places = self.match(base, items)
            if places is None:
                return None
            for place, item in zip(places, items):
                columns[place][member] = item
        slots = []
        for cells in columns:
            twigs = None
            if next(cell for cell in cells if cell is not None).branches is not None:
                twigs = self.twigs([None if cell is None else cell.branches for cell in cells])
                if twigs is None:
                    return None
            slots.append(Slot(cells, twigs))
        return slots

    def twigs(self, lists: Sequence[list[Branch] | None]) -> list[Twig] | None:
        """The branches of joins at the same place."""
        base = max((branches for branches in lists if branches is not None), key=len_and_size)
        columns: list[list[Branch | None]] = [[None] * len(lists) for _ in base]
        for member, branches in enumerate(lists):
            if branches is None:
                continue
            places = self.pairing(base, branches)
            if places is None:
                return None
            for place, branch in zip(places, branches):
                columns[place][member] = branch
        twigs = []
        for column in columns:
            slots = self.unify([None if branch is None else branch.items for branch in column])
            if slots is None:
                return None
            tensors = [None if branch is None else branch.tensor for branch in column]
            twigs.append(Twig([branch is not None for branch in column], slots, tensors))
        return twigs

    def match(self, base: Sequence[Item], items: Sequence[Item]) -> list[int] | None:
        """For each step its place in `base`, in order; None where one has none."""
        if len(base) == len(items) and all(self.alike(one, other) for one, other in zip(base, items)):
            return list(range(len(base)))
        if len(items) >= len(base):
            return None
        return best_places(len(base), len(items), lambda place, other: self.score(base[place], items[other]))

    def pairing(self, base: Sequence[Branch], branches: Sequence[Branch]) -> list[int] | None:
        """For each branch its place in `base`."""
        if len(base) == len(branches):
            close = all(
                (one.tensor is None) == (other.tensor is None) and self.fits(one.items, other.items)
                for one, other in zip(base, branches)
            )
            return list(range(len(base))) if close else None
        return best_places(len(base), len(branches), lambda place, other: self.near(base[place], branches[other]))

    def near(self, branch: Branch, other: Branch) -> float:
        if (branch.tensor is None) != (other.tensor is None):
            return -1.0
        if not branch.items or not other.items:
            return 1.0 if branch.items == other.items else -1.0
        return float(min(len(branch.items), len(other.items))) if self.fits(branch.items, other.items) else -1.0

    def fits(self, one: Sequence[Item], other: Sequence[Item]) -> bool:
        """Whether one of two lists can be found in the other."""
        small, large = sorted((one, other), key=len)
        return self.match(large, small) is not None

    def alike(self, one: Item, other: Item) -> bool:
        """Whether two steps may be one with other arguments."""
        if self.of(one) != self.of(other):
            return False
        if one.branches is None or other.branches is None:
            return True
        small, large = sorted((one.branches, other.branches), key=len)
        return self.pairing(large, small) is not None

    def score(self, one: Item, other: Item) -> float:
        """How alike two steps are; below 0 not at all."""
        if not self.alike(one, other):
            return -1.0
        same: int = sum(other.values.get(name) == value for name, value in one.values.items())
        return 1.0 + 0.1 * same


def best_places(width: int, count: int, score: Callable[[int, int], float]) -> list[int] | None:
    """`count` things put into `width` places in order, each at one where its score is not negative; the best total."""
    if width * count > MAX_TABLE:
        return None
    best: list[list[float]] = [[0.0] * (width + 1)]
    for thing in range(count):
        row = [-1.0] * (width + 1)
        for place in range(width):
            row[place + 1] = row[place]
            here = score(place, thing) if best[thing][place] >= 0 else -1.0
            if here >= 0:
                row[place + 1] = max(row[place + 1], best[thing][place] + here)
        best.append(row)
    if best[count][width] < 0:
        return None
    places: list[int] = []
    place = width
    for thing in range(count, 0, -1):
        while place > 0 and best[thing][place - 1] == best[thing][place]:
            place -= 1
        places.append(place - 1)
        place -= 1
    return places[::-1]


def size_of(items: Sequence[Item]) -> int:
    return size(list(items))


def len_and_size(branches: list[Branch]) -> tuple[int, int]:
    return len(branches), sum(size_of(branch.items) for branch in branches)
