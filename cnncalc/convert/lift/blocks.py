"""Runs of steps that are alike become a block, called with what differs; the most worthwhile first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from cnncalc.convert.lift.cost import ARGUMENT, BLOCK, CELL, REPEAT, STEP, VALUE, Costs
from cnncalc.convert.lift.explain import Argument, Explained, Explainer, Unexplained
from cnncalc.convert.lift.loops import Compressor
from cnncalc.convert.lift.members import Member, is_large, is_primitive, same_steps
from cnncalc.convert.lift.name import block_name
from cnncalc.convert.lift.residual import unwrap, wrap
from cnncalc.convert.lift.rewrites import Rewrites
from cnncalc.convert.lift.tree import (
    Block,
    Formula,
    Item,
    every,
    every_list,
    item_key,
    most_frequent,
    size,
    taken_by_name,
)
from cnncalc.convert.lift.unify import Tokens
from cnncalc.convert.lift.wires import LOCAL, Mentions, Wiring, mentioned
from cnncalc.layers import KINDS
from cnncalc.records import NamedTuple

MAX_WINDOW = 10
"""Steps of a block, those inside joins not counted."""

MAX_ARGUMENTS = 5
MAX_MODULE = 6
"""Arguments of a block, and of one that joins three branches or more."""

TRIED = 12
"""Windows that are worked out in a round, the most promising."""

MAX_BLOCKS = 50

MAX_WORK = 300_000
"""Steps that are looked at in all, as members of blocks that may be made."""

LEAST = 12
"""Tokens that a block has to save."""


class Plan(NamedTuple):
    """A block that may be made, and what it saves."""

    gain: int
    members: list[Member]
    explained: Explained
    wiring: Wiring


class BlockSearch:
    """Finds blocks in the steps of a file, and puts calls in their place."""

    def __init__(self, items: list[Item], leaving: Iterable[int], rewrites: Rewrites) -> None:
        """`leaving` are the tensors that the text names as outputs."""
        self.items = items
        self.leaving = frozenset(leaving)
        self.named = taken_by_name(items) | self.leaving
        """The tensors that the text has to name, as it is now."""
        self.rewrites = rewrites
        self.costs = Costs(items)
        self.blocks: list[Block] = []
        self.refused: set[Any] = set()
        """Skeletons of blocks that the rewrites leave out."""
        self.poor: set[tuple[Any, ...]] = set()
        """Windows that save too little."""
        self.work = MAX_WORK
        owners = {item.owner for item in every(items)}
        self.owners = owners - {None}
        self.tokens = Tokens(self.pinned, self.shares)
        self.mentions = Mentions(items, ())
        self.fresh = LOCAL
        self.stands_for: dict[int, int] = {}
        """The tensor of the graph that a number inside a block stands for, in some call of it."""

    def shares(self, item: Item) -> bool:
        """Whether weights of others are used in a step, or its own by others."""
        return any(here.owner is not None or here.result in self.owners for here in every([item]))

    def renew(self) -> None:
        """Find anew what is named where."""
        blocks = [block.items for block in self.blocks]
        self.mentions = Mentions(self.items, blocks)
        self.named.clear()
        self.named.update(self.leaving)
        for items in (self.items, *blocks):
            self.named.update(taken_by_name(items))

    def pinned(self, item: Item) -> bool:
        """Whether a step cannot go into a block: it names tensors, or weights are shared, or it has a name inside."""
        return self.shares(item) or any(
            mentioned(here) or (here is not item and here.result in self.named) for here in every([item])
        )

    def search(self) -> list[Block]:
        """Make blocks until none saves enough; returns them, those that others call first."""
        wrap(self.items, self.tokens)
        self.renew()
        while len(self.blocks) < MAX_BLOCKS:
            plan = self.best()
            if plan is None:
                break
            if self.rewrites.allow():
                self.apply(plan)
            else:
                self.refused.add(self.signature(plan.members[0]))
        unwrap(self.items)
        for block in self.blocks:
            unwrap(block.items)
        return self.blocks

    def lists(self) -> Iterator[list[Item]]:
        yield from every_list(self.items)
        for block in self.blocks:
            yield from every_list(block.items)

    # -- candidates

    def best(self) -> Plan | None:
        """The plan that saves most among the most promising windows."""
        plans = []
        for window in self.promising():
            members = self.occurrences(window)
            self.work -= len(window) * len(members)
            plan = self.plan(members) if self.work > 0 else None
            if plan is None or plan.gain < LEAST:
                self.poor.add(window)
            elif self.signature(plan.members[0]) not in self.refused:
                plans.append(plan)
        best = max(plans, key=lambda plan: plan.gain, default=None)
        return None if best is None else self.extended(best)

    def extended(self, plan: Plan) -> Plan:
        """The plan with what follows all members, and then with what stands before them all, as long as that is alike
        and needs no further argument."""
        for before, after in ((0, 1), (1, 0)):
            while True:
                wider = [member.wider(before, after) for member in plan.members]
                more = self.worked_out(wider) if self.fit(wider) else None
                if more is None or len(more.explained.arguments) > len(plan.explained.arguments):
                    break
                plan = more
        return plan

    def fit(self, members: list[Member]) -> bool:
        """Whether members are in their lists, do not overlap, and may be calls; not whether they are alike."""
        ends: dict[int, int] = {}
        for member in members:
            if member.start < ends.get(id(member.items), 0) or member.end > len(member.items):
                return False
            if member.width > MAX_WINDOW or self.cuts(member) or not self.closed(member.steps):
                return False
            ends[id(member.items)] = member.end
        return is_primitive(tuple(map(self.tokens.of, members[0].steps)))

    def signature(self, member: Member) -> tuple[Any, ...]:
        return self.tokens.skeleton(member.steps)

    def promising(self) -> list[tuple[Any, ...]]:
        """The windows of tokens that occur again, those first that would save most if all were equal."""
        counts: Counter[tuple[Any, ...]] = Counter()
        costs: dict[tuple[Any, ...], int] = {}
        for here in self.lists():
            tokens = [self.tokens.of(item) for item in here]
            prices = [self.costs.step(item) for item in here]
            for start in range(len(here)):
                price = 0
                for end in range(start, min(len(here), start + MAX_WINDOW)):
                    price += prices[end]
                    if not self.closed(here[start : end + 1]):
                        continue
                    window = tuple(tokens[start : end + 1])
                    counts[window] += 1
                    costs[window] = max(price, costs.get(window, 0))
        worth = [
            (costs[window] * (count - 1), -len(window), place, window)
            for place, (window, count) in enumerate(counts.items())
            if count > 1 and window not in self.poor and costs[window] > 2 * STEP + 2 * VALUE and is_primitive(window)
        ]
        worth.sort(key=lambda entry: (-entry[0], -entry[1], entry[2]))
        return [window for *_, window in worth[:TRIED]]

    def occurrences(self, window: tuple[Any, ...]) -> list[Member]:
        """Where a window is found, without overlap."""
        found = []
        width = len(window)
        for here in self.lists():
            tokens = [self.tokens.of(item) for item in here]
            start = 0
            while start + width <= len(here):
                if (
                    tuple(tokens[start : start + width]) == window
                    and self.closed(here[start : start + width])
                    and not self.cuts(Member(here, start, width))
                ):
                    found.append(Member(here, start, width))
                    start += width
                else:
                    start += 1
        return found

    def cuts(self, member: Member) -> bool:
        """Whether a member takes some of a row of equal joins or calls, and leaves others."""
        here, start, end = member.items, member.start, member.end
        if member.width == 1:
            return False
        return (start > 0 and self.equal(here[start - 1], here[start])) or (
            end < len(here) and self.equal(here[end - 1], here[end])
        )

    def equal(self, one: Item, other: Item) -> bool:
        token = self.tokens.of(one)
        return token == self.tokens.of(other) and is_large(token) and item_key(one) == item_key(other)

    def plan(self, members: list[Member]) -> Plan | None:
        """The best block for some of the members: all that are like the largest, or only those of one skeleton."""
        plans = []
        rest = sorted(members, key=lambda member: -size(member.steps))
        while len(rest) > 1:
            base = rest[0].steps
            alike = [member for member in rest if self.tokens.match(base, member.steps) is not None]
            plans.append(self.worked_out(alike))
            rest = [member for member in rest if self.tokens.match(base, member.steps) is None]
            skeletons: dict[Any, list[Member]] = {}
            for member in alike:
                skeletons.setdefault(self.tokens.skeleton(member.steps), []).append(member)
            if len(skeletons) > 1:
                plans += [self.worked_out(group) for group in skeletons.values()]
        return max(filter(None, plans), key=lambda plan: plan.gain, default=None)

    def worked_out(self, members: list[Member]) -> Plan | None:
        """The block for these members; None where they have too little in common."""
        if len(members) < 2:
            return None
        order = {id(here): place for place, here in enumerate(self.lists())}
        members = sorted(members, key=lambda member: (order[id(member.items)], member.start))
        slots = self.tokens.unify([member.steps for member in members])
        if slots is None:
            return None
        module = any(len(slot.twigs or ()) > 2 for slot in slots)
        channels = [member.items[member.start].channels for member in members]
        try:
            limit = MAX_MODULE if module else MAX_ARGUMENTS
            taken = [self.mentions.before[id(member.items[member.start])] for member in members]
            wiring = Wiring(slots, taken, self.fresh)
            explained = Explainer(len(members), channels, frozenset(), limit).explain(slots, wiring)
        except Unexplained:
            return None
        return Plan(self.gain(members, explained), members, explained, wiring)

    def closed(self, steps: list[Item]) -> bool:
        """Whether steps can be a block: nothing outside is named in them, nor what is inside elsewhere."""
        return self.mentions.closed(steps) and not any(
            tensor in self.leaving for step in steps for tensor in self.mentions.held(step).given - {steps[-1].result}
        )

    def gain(self, members: list[Member], explained: Explained) -> int:
        """What is saved: the members' own costs, less those of the block and of its calls."""
        before = after = 0
        rows = [tuple(argument.column[place] for argument in explained.arguments) for place in range(len(members))]
        previous: Member | None = None
        for member, row in zip(members, rows):
            joined = previous is not None and member.items is previous.items and member.start == previous.end
            inner = not joined and member.items is not self.items  # equal joins around them would be one, repeated
            again = previous is not None and (joined or inner) and same_steps(member, previous)
            previous = member
            if not again:
                before += self.costs.of(member.steps)
                after += CELL * (1 + len(row)) if joined else STEP + VALUE * len(row) + REPEAT
        body = self.costs.of(explained.items)
        return before - after - body - BLOCK - ARGUMENT * len(explained.arguments)

    # -- making a block

    def apply(self, plan: Plan) -> None:
        """Make the block, and put calls in place of its members."""
        name = self.free_name(block_name(plan.explained.items))
        arguments = {}
        for place, argument in enumerate(plan.explained.arguments):
            arguments[argument.name] = default(argument) if place else None
        self.blocks.append(Block(name, arguments, plan.explained.items))
        self.fresh = plan.wiring.fresh
        for number, tensor in plan.wiring.stands_for.items():
            self.stands_for[number] = self.stands_for.get(tensor, tensor)
        calls: dict[int, list[tuple[Member, Item]]] = {}
        for number, member in enumerate(plan.members):
            steps = member.steps
            call = Item(name, steps[-1].result, steps[0].channels, steps[0].order)
            for argument in plan.explained.arguments:
                value = argument.column[number]
                call.values[argument.name] = usual(argument) if value is None else value
            calls.setdefault(id(member.items), []).append((member, call))
        compressor = Compressor(self.tokens, self.named, frozenset([name]), self.costs, self.rewrites)
        for entries in calls.values():
            for member, call in reversed(entries):
                member.items[member.start : member.end] = [call]
        self.renew()
        for entries in calls.values():
            compressor.calls(entries[0][0].items)
        self.renew()

    def free_name(self, name: str) -> str:
        taken = {block.name for block in self.blocks}
        free, number = name, 2
        while free in taken or free in KINDS:
            free = f"{name}{number}"
            number += 1
        return free


def usual(argument: Argument) -> Any:
    """The value that most members have."""
    return most_frequent(value for value in argument.column if value is not None)


def default(argument: Argument) -> Any:
    """The value that more than half of the members have; None where there is none."""
    given = [value for value in argument.column if value is not None]
    value = usual(argument)
    return value if 2 * given.count(value) > len(given) and not isinstance(value, Formula) else None
