"""Steps that name their tensors -> a chain of steps with branches in it: the series-parallel parts are taken together.

A chain holds the steps between two tensors that nobody else takes.  A join hoists its branches, whole chains, to the
tensor where they fork; steps move, and are never copied.  What does not reduce stays a tensor with a name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from heapq import heapify, heappop, heappush

from cnncalc.convert.lift.fuse import Steps
from cnncalc.convert.lift.tree import Branch, Item, every
from cnncalc.layers import KINDS

FREE = -2
"""Where a chain begins that takes no tensor."""

MAX_BRANCH = 14
"""Steps in a branch; a longer one becomes the chain, and the others name the tensor that they begin at."""

MAX_DEPTH = 3
"""How deep joins stand inside each other."""


class Chain:
    """Steps from the tensor `source` to the result of the last."""

    __slots__ = ("depth", "items", "size", "source")

    def __init__(self, source: int) -> None:
        self.source = source
        self.items: list[Item] = []
        self.size = 0
        """Steps in it, those inside joins too."""
        self.depth = 0
        """How deep its joins stand inside each other."""

    @property
    def end(self) -> int:
        return self.items[-1].result

    def add(self, other: Chain) -> None:
        """Put another chain behind it."""
        self.items += other.items
        self.size += other.size
        self.depth = max(self.depth, other.depth)


class Reducer:
    """Takes the steps in their order, and keeps the chains so far by their ends."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.uses: Counter[int] = Counter(tensor for taken in steps.inputs.values() for tensor in taken)
        self.uses.update(tensor for _, tensor in steps.outputs)
        self.uses.update(tensor for item in steps.items for tensor in set(item.named))
        self.chains: dict[int, Chain] = {}

    def chain(self) -> list[Item]:
        """All steps in one list; a step that does not take the tensor before it has a `source`."""
        for item in self.steps.items:
            taken = self.steps.inputs[item.result]
            if not KINDS[item.kind].joins:
                self.weave(item, taken[0] if taken else FREE)
            else:
                self.join(item, taken)
        return ordered(list(self.chains.values()), self.steps.outputs[0][1])

    def weave(self, item: Item, main: int) -> None:
        """Add a step that follows `main`, behind the chains that it alone names, if they begin where `main`'s does."""
        single = {tensor: self.chains[tensor] for tensor in (*item.named, main) if self.is_single(tensor)}
        start = single[main].source if main in single else main
        self.gather(single, main, start)
        along = [chain for end, chain in single.items() if end != main and chain.source == start]
        aside = [chain for end, chain in single.items() if end != main and chain.source == FREE != start]
        parts = [*along, *([single[main]] if main in single else ()), *aside]
        if not (along or aside) or any(part.size > MAX_BRANCH for part in parts):
            self.append(item, main)
            return
        self.uses[start] -= len(along)
        for part in parts:
            self.chains.pop(part.end, None)
        whole = self.chains.pop(start) if self.is_single(start) else Chain(start)
        current = start
        for part in parts:
            if part.source not in (current, FREE):
                part.items[0] = begun_at(part.items[0], part.source)
            whole.add(part)
            current = part.end
        if current != main:
            item.begin_at(main)
        whole.items.append(item)
        whole.size += 1
        self.chains[item.result] = whole

    def gather(self, single: dict[int, Chain], main: int, start: int) -> None:
        """Put chains that begin at one tensor, and are all that takes it, behind the chain of that, if that begins at
        `start`."""
        forks: dict[int, list[int]] = {}
        for end, chain in single.items():
            if end != main and chain.source not in (start, FREE):
                forks.setdefault(chain.source, []).append(end)
        for fork, ends in forks.items():
            before = self.chains.get(fork)
            if before is None or before.source != start or self.uses[fork] != len(ends):
                continue
            whole = Chain(start)
            whole.add(self.chains.pop(fork))
            current = fork
            for end in ends:
                part = single.pop(end)
                del self.chains[end]
                if part.source != current:
                    part.items[0] = begun_at(part.items[0], part.source)
                whole.add(part)
                current = end
            single[current] = self.chains[current] = whole

    def is_single(self, tensor: int) -> bool:
        """Whether a chain ends at a tensor that is taken once."""
        return self.uses[tensor] == 1 and tensor in self.chains

    def append(self, item: Item, tensor: int, size: int = 1, depth: int = 0) -> None:
        """Add a step to the chain that ends at `tensor`, if nobody else takes that, or begin a new one."""
        chain = self.chains.pop(tensor) if self.uses[tensor] == 1 and tensor in self.chains else Chain(tensor)
        chain.items.append(item)
        chain.size += size
        chain.depth = max(chain.depth, depth)
        self.chains[item.result] = chain

    def join(self, item: Item, taken: tuple[int, ...]) -> None:
        """Hoist the branches of a join to where they fork."""
        whole = [self.chains.get(tensor) if self.uses[tensor] == 1 else None for tensor in taken]
        starts = [tensor if chain is None else chain.source for tensor, chain in zip(taken, whole)]
        sizes = [0 if chain is None else chain.size for chain in whole]
        depth = 1 + max((0 if chain is None else chain.depth for chain in whole), default=0)
        longest = max(range(len(taken)), key=lambda place: sizes[place])
        start = max(starts)
        if whole[longest] is not None and (sizes[longest] > MAX_BRANCH or depth > MAX_DEPTH):
            start = taken[longest]
            whole[longest] = None
        if start != FREE:
            item.channels = self.steps.channels[start]
        item.branches = []
        for tensor, chain in zip(taken, whole):
            if chain is None:
                item.branches.append(Branch([], None if tensor == start else tensor))
                continue
            del self.chains[tensor]
            item.branches.append(Branch(chain.items))
            if chain.source == start:
                self.uses[start] -= 1
            elif chain.source != FREE:
                chain.items[0] = begun_at(chain.items[0], chain.source)
        here = sum(1 for branch in item.branches if branch.tensor is None and not branch.items)
        self.uses[start] -= here - 1
        total = 1 + sum(0 if chain is None else chain.size for chain in whole)
        deep = 1 + max((0 if chain is None else chain.depth for chain in whole), default=0)
        self.append(item, start, total, deep)


def ordered(chains: list[Chain], final: int) -> list[Item]:
    """The chains one after the other, each behind those whose results it takes, those that `final` needs first."""
    ends = {chain.end: chain for chain in chains}
    home = {item.result: chain.end for chain in chains for item in every(chain.items)}
    waits = {chain.end: {home[tensor] for tensor in needs(chain) if tensor in home} - {chain.end} for chain in chains}
    followers: dict[int, list[int]] = {}
    for end, needed in waits.items():
        for tensor in needed:
            followers.setdefault(tensor, []).append(end)
    needed_last = reaching(final, waits)
    ready = [(end not in needed_last, ends[end].items[0].order, end) for end, needed in waits.items() if not needed]
    heapify(ready)
    items: list[Item] = []
    current = 0
    while ready:
        chain = ends[heappop(ready)[2]]
        if chain.source not in (current, FREE):
            chain.items[0] = begun_at(chain.items[0], chain.source)
        items += chain.items
        current = chain.end
        for follower in followers.get(current, ()):
            waits[follower].discard(current)
            if not waits[follower]:  # one that goes on from here comes before the others
                goes_on = ends[follower].source == current
                rank = -1 - len(items) if goes_on and follower in needed_last else ends[follower].items[0].order
                heappush(ready, (follower not in needed_last, rank, follower))
    return items


def reaching(final: int, waits: dict[int, set[int]]) -> set[int]:
    """The ends of the chains that `final` depends on, itself among them."""
    found: set[int] = set()
    pending = [final]
    while pending:
        end = pending.pop()
        if end not in found:
            found.add(end)
            pending += waits.get(end, ())
    return found


def begun_at(item: Item, tensor: int) -> Item:
    """The step, made to take `tensor`; a join takes no `from`, so that a group around it does."""
    if item.branches is None:
        item.begin_at(tensor)
        return item
    group = Item("group", item.result, item.channels, item.order)
    group.items = [item]
    group.sources = (tensor,)
    item.result = -1
    return group


def needs(chain: Chain) -> set[int]:
    """The tensors that the steps of a chain take by name, and its source."""
    found = {chain.source}
    pending = list(chain.items)
    while pending:
        item = pending.pop()
        found.update(item.named)
        for branch in item.branches or ():
            if branch.tensor is not None:
                found.add(branch.tensor)
            pending += branch.items
        pending += item.items or ()
    return found


def reduced(steps: Steps) -> list[Item]:
    """The steps of a graph as one list, series-parallel parts nested."""
    return own_first(Reducer(steps).chain())


def one_by_one(steps: Steps) -> list[Item]:
    """The steps as they are, every join with the names of its tensors."""
    current = 0
    for item in steps.items:
        taken = steps.inputs[item.result]
        if not KINDS[item.kind].joins:
            if taken and taken[0] != current:
                item.begin_at(taken[0])
        else:
            item.branches = [Branch([], None if tensor == current else tensor) for tensor in taken]
        current = item.result
    return list(steps.items)


def own_first(items: list[Item]) -> list[Item]:
    """The same steps, where weights are shared so that the first in the text has them."""
    owners: dict[int, int] = {}
    groups = {item.owner for item in every(items) if item.owner is not None}
    for item in in_order(items):
        group = item.result if item.owner is None else item.owner
        if group in groups:
            first = owners.setdefault(group, item.result)
            item.owner = None if first == item.result else first
    return items


def in_order(items: list[Item]) -> Iterator[Item]:
    """All steps in the order of the text."""
    pending = items[::-1]
    while pending:
        item = pending.pop()
        yield item
        for inner in reversed(item.lists):
            pending += inner[::-1]
