"""Equal steps one after the other become a `repeat`, and a row of alike ones a loop over a table."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from typing import Any

from cnncalc.convert.lift.cost import CELL, LOOP, Costs
from cnncalc.convert.lift.explain import SIZES_OF, Explained, Explainer, Unexplained
from cnncalc.convert.lift.rewrites import Rewrites
from cnncalc.convert.lift.tree import Block, Item, Turned, every, every_list, item_key
from cnncalc.convert.lift.unify import Tokens
from cnncalc.expansion.expand import MAX_TURNS
from cnncalc.records import NamedTuple

MAX_PERIOD = 12
"""Steps of a turn of a loop or of a repeated group."""

MAX_COLUMNS = 7


class Row(NamedTuple):
    """Turns that may become a loop: the steps from `start` to before `end`, `width` of them a turn."""

    gain: int
    start: int
    width: int
    end: int
    explained: Explained


class Compressor:
    """Shortens the lists of steps of one scope: a file's, or a block's."""

    def __init__(
        self, tokens: Tokens, named: set[int], blocks: frozenset[str], costs: Costs, rewrites: Rewrites
    ) -> None:
        self.tokens = tokens
        self.named = named
        self.blocks = blocks
        """Names of the blocks."""
        self.costs = costs
        self.rewrites = rewrites
        self.taken: frozenset[str] = frozenset()
        """Names that the scope has already."""

    def compress(self, items: list[Item], block: Block | None = None) -> None:
        """Shorten a list of steps, and those inside it, the innermost first."""
        self.taken = frozenset() if block is None else frozenset(block.arguments)
        for here in reversed(list(every_list(items))):
            self.repeats(here)
            self.first_turns(here)
            self.groups(here)
        for here in reversed(list(every_list(items))):
            while self.loops(here):
                pass

    def calls(self, items: list[Item]) -> None:
        """Shorten rows of calls of one block."""
        self.repeats(items, self.blocks)
        self.first_turns(items)

    def apart(self, items: list[Item], key: Callable[[Item], Any]) -> list[Any]:
        """What tells the steps of a list apart: a key of each, and for those that are written alone what is like no
        other."""
        return [object() if self.tokens.pinned(item) else key(item) for item in items]

    # -- repeat

    def repeats(self, items: list[Item], kinds: Container[str] | None = None) -> None:
        """Equal steps, of some kinds or of all, become one with `repeat`."""
        keys = self.apart(items, item_key)
        made: list[Item] = []
        start = 0
        while start < len(items):
            end = start + 1
            first = items[start]
            if first.repeat == 1 and not first.condition and (kinds is None or first.kind in kinds):
                while (
                    end < len(items)
                    and end - start < MAX_TURNS
                    and keys[end] == keys[start]
                    and items[end - 1].result not in self.named
                ):
                    end += 1
            if end - start > 1 and self.rewrites.allow():
                item = first.copy()
                item.repeat = end - start
                item.result = items[end - 1].result
                made.append(item)
            else:
                made += items[start:end]
            start = end
        items[:] = made

    def first_turns(self, items: list[Item]) -> None:
        """A call, and the same calls after it with one argument another, become one with ``a if i == 0 else b``."""
        place = 0
        while place + 1 < len(items):
            first, rest = items[place], items[place + 1]
            name = self.changed(first, rest)
            if name and self.rewrites.allow():
                item = rest.copy()
                item.order, item.channels = first.order, first.channels
                item.values[name] = Turned(first.values[name], rest.values[name])
                item.repeat = rest.repeat + 1
                items[place : place + 2] = [item]
            place += 1

    def changed(self, first: Item, rest: Item) -> str:
        """The argument that alone differs between two calls of a block, the first of them not repeated."""
        if first.kind != rest.kind or first.branches is not None or first.items is not None or first.repeat != 1:
            return ""
        if first.kind not in self.blocks or type(rest.repeat) is not int or first.result in self.named:
            return ""
        if self.tokens.pinned(first) or self.tokens.pinned(rest) or first.condition or rest.condition:
            return ""
        differing = [name for name, value in first.values.items() if rest.values[name] != value]
        if len(differing) != 1 or differing[0].rstrip("0123456789") in SIZES_OF:
            return ""
        values = first.values[differing[0]], rest.values[differing[0]]
        return "" if any(isinstance(value, Turned) for value in values) else differing[0]

    def groups(self, items: list[Item], least: int = 2) -> None:
        """Several steps that come again just so, `least` times or more, become a group with `repeat`."""
        keys = self.apart(items, item_key)
        start = 0
        while start < len(items):
            found = []
            for width in range(1 if items[start].repeat != 1 else 2, MAX_PERIOD + 1):
                turns = self.turns(items, keys, start, width)
                if turns >= least:
                    gain = self.costs.of(items[start : start + width]) * (turns - 1) - LOOP
                    found += [(gain, -width, turns)] if gain > 0 else []
            if found and self.rewrites.allow():
                _, width, turns = max(found)
                width = -width
                group = Item(
                    "group", items[start + width * turns - 1].result, items[start].channels, items[start].order
                )
                group.items = items[start : start + width]
                group.repeat = turns
                items[start : start + width * turns] = [group]
                keys[start : start + width * turns] = [object()]
            start += 1

    def turns(self, items: list[Item], keys: list[Any], start: int, width: int) -> int:
        """How many turns of `width` steps with equal keys stand one after the other, from `start` on."""
        first = keys[start : start + width]
        turns, place = 1, start + width
        while (
            keys[place : place + width] == first
            and turns < MAX_TURNS
            and not any(item.result in self.named for item in items[place - width : place + width - 1])
        ):
            turns += 1
            place += width
        return turns

    # -- loops

    def loops(self, items: list[Item]) -> bool:
        """Make the loops that save most; whether there were any."""
        found = sorted(self.candidates(items), key=lambda row: (-row.gain, row.width, row.start))
        chosen: list[Row] = []
        covered: set[int] = set()
        for row in found:
            places = range(row.start, row.end)
            if covered.isdisjoint(places) and self.rewrites.allow():
                chosen.append(row)
                covered.update(places)
        for row in sorted(chosen, key=lambda row: -row.start):
            made = Item("for", items[row.end - 1].result, items[row.start].channels, items[row.start].order)
            made.items = row.explained.items
            made.names = [argument.name for argument in row.explained.arguments]
            made.rows = list(zip(*(filled(argument.column) for argument in row.explained.arguments)))
            items[row.start : row.end] = [made]
        return bool(chosen)

    def candidates(self, items: list[Item]) -> Iterator[Row]:
        """The rows of alike turns that are shorter as a loop."""
        tokens = self.apart(items, self.tokens.of)
        for width in range(1, MAX_PERIOD + 1):
            start = 0
            while start < len(items):
                turns = self.turns(items, tokens, start, width)
                if turns < 2 or (turns < 3 and width < 3):
                    start += 1
                    continue
                explained = self.explained(items, start, width, turns)
                if explained is not None:
                    gain = self.gain(items, start, width, turns, explained)
                    if gain > 0:
                        yield Row(gain, start, width, start + width * turns, explained)
                start += width * (turns - 1)

    def explained(self, items: list[Item], start: int, width: int, turns: int) -> Explained | None:
        """The body of a loop over these turns, and its table; None where it would need too many columns, or none."""
        lists = [items[start + width * turn : start + width * (turn + 1)] for turn in range(turns)]
        slots = self.tokens.unify(lists)
        if slots is None:
            return None
        try:
            explained = Explainer(turns, None, self.taken | inner_names(lists), MAX_COLUMNS).explain(slots)
        except Unexplained:
            return None
        return explained if explained.arguments else None

    def gain(self, items: list[Item], start: int, width: int, turns: int, explained: Explained) -> int:
        before = self.costs.of(items[start : start + width * turns])
        table = CELL * turns * len(explained.arguments)
        return before - self.costs.of(explained.items) - table - LOOP


def inner_names(lists: list[list[Item]]) -> set[str]:
    """The variables of the loops in some steps."""
    return {name for items in lists for item in every(items) for name in item.names}


def filled(column: list[Any]) -> list[Any]:
    """A column with the value before in its empty places: no step asks for those."""
    found: list[Any] = []
    known = next(value for value in column if value is not None)
    for value in column:
        known = known if value is None else value
        found.append(known)
    return found
