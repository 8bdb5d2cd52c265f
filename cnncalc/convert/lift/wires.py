"""Tensors that steps name: what a run of steps keeps to itself, and so may name inside a block.

A block does not see its caller's names, nor its caller the block's: but for the block's input, which is `input` in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from cnncalc.convert.lift.tree import CURRENT, Item, every
from cnncalc.convert.lift.unify import Slot, every_slot
from cnncalc.records import NamedTuple

INPUT = -3
"""Stands for the tensor that a block takes."""

LOCAL = -10
"""From here downward numbers stand for tensors inside blocks."""


class Unlike(Exception):
    """Members name other tensors at the same place."""


def mentioned(item: Item) -> list[int]:
    """The tensors that a step and its branches name, those inside of them not counted."""
    return [*item.named, *(branch.tensor for branch in item.branches or () if branch.tensor is not None)]


class Held(NamedTuple):
    """What a step holds, with all that is inside it."""

    given: frozenset[int]
    """The tensors that it gives and that are named somewhere."""
    mentions: Counter[int]
    """How often it names which tensors."""


class Mentions:
    """Where the steps of some lists name tensors."""

    def __init__(self, items: list[Item], blocks: Iterable[list[Item]]) -> None:
        """`items` are the steps of the file, which begin at its first input."""
        self.total: Counter[int] = Counter()
        self.before: dict[int, int] = {}
        """The tensor that every step follows, by the step's identity: in a repeated group, which names none, that of
        the first turn."""
        self._held: dict[int, Held] = {}
        pending = [(items, 0), *((steps, INPUT) for steps in blocks)]
        while pending:
            here, current = pending.pop()
            for item in here:
                self.before[id(item)] = current
                self.total.update(mentioned(item))
                inner = item.sources[0] if item.sources else current
                pending += [(steps, inner) for steps in item.lists]
                current = item.result

    def held(self, item: Item) -> Held:
        found = self._held.get(id(item))
        if found is None:
            given: set[int] = set()
            mentions: Counter[int] = Counter()
            for inner in every([item]):
                mentions.update(mentioned(inner))
                if inner.result in self.total:
                    given.add(inner.result)
            found = self._held[id(item)] = Held(frozenset(given), mentions)
        return found

    def closed(self, steps: Sequence[Item]) -> bool:
        """Whether steps name only what is given among them, or what they take, and are named inside by nobody else."""
        held = [self.held(step) for step in steps]
        if not any(each.given or each.mentions for each in held):
            return True
        given = frozenset().union(*(each.given for each in held))
        mentions: Counter[int] = Counter()
        for each in held:
            mentions.update(each.mentions)
        taken = self.before[id(steps[0])]
        inside = given - {steps[-1].result}
        return all(tensor in given or tensor == taken for tensor in mentions) and all(
            mentions[tensor] == self.total[tensor] for tensor in inside
        )


class Wiring:
    """The tensors inside the members of a block, by their places: the same place in all has one number."""

    def __init__(self, slots: list[Slot], taken: Sequence[int], fresh: int) -> None:
        """`taken` is what each member takes; the numbers from `fresh` downward are free."""
        self.fresh = fresh
        self.local: dict[int, int] = {}
        """The number of a slot's result, by the slot's identity, where it is named."""
        self.stands_for: dict[int, int] = {}
        """The tensor of some member that a number stands for."""
        self._slots: list[dict[int, Slot | None]] = [{tensor: None} for tensor in taken]
        for slot in every_slot(slots):
            for known, cell in zip(self._slots, slot.cells):
                if cell is not None:
                    known[cell.result] = slot

    def agreed(self, entries: Sequence[tuple[int, ...] | None]) -> tuple[int, ...]:
        """The numbers for what each member names at a place (None: it has no such step); raises `Unlike`."""
        given = [(member, tensors) for member, tensors in enumerate(entries) if tensors is not None]
        found = []
        if len({len(tensors) for _, tensors in given}) > 1:
            raise Unlike
        for place in range(len(given[0][1])):
            numbers = {self.number(member, tensors[place]) for member, tensors in given}
            if len(numbers) > 1:
                raise Unlike
            found.append(numbers.pop())
        return tuple(found)

    def number(self, member: int, tensor: int) -> int:
        """The number of a tensor that a member names."""
        if tensor == CURRENT:
            return CURRENT
        if tensor not in self._slots[member]:
            raise Unlike
        slot = self._slots[member][tensor]
        if slot is None:
            return INPUT
        if id(slot) not in self.local:
            self.local[id(slot)] = self.fresh
            self.stands_for[self.fresh] = tensor
            self.fresh -= 1
        return self.local[id(slot)]
