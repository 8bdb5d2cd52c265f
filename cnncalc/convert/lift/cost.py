"""What a text costs its reader, in tokens: an argument or a condition more than its characters, a table's cell less."""

from __future__ import annotations

from typing import Any

from cnncalc.convert.lift.tree import Formula, Item, Turned, defaults_of, every, most_frequent
from cnncalc.layers import KINDS

ARGUMENT = 12
CONDITION = 15
CELL = 2
STEP = 2
VALUE = 3
JOIN = 6
BLOCK = 8
LOOP = 12
REPEAT = 3


class Costs:
    """Costs of steps, where arguments that most steps of a kind have are defaults and cost nothing."""

    def __init__(self, items: list[Item]) -> None:
        values: dict[tuple[str, str], list[Any]] = {}
        for item in every(items):
            if item.kind in KINDS:
                for name in KINDS[item.kind].fields:
                    value = item.values.get(name, defaults_of(item.kind).get(name))
                    values.setdefault((item.kind, name), []).append(value)
        self.usual = {key: most_frequent(given) for key, given in values.items()}

    def of(self, items: list[Item]) -> int:
        """The cost of a list of steps."""
        return sum([self.step(item) for item in items])

    def step(self, item: Item) -> int:
        """The cost of a step, with all that is in it."""
        total = STEP + (REPEAT if item.repeat != 1 else 0) + (CONDITION if item.condition else 0)
        if item.branches is not None:
            total += JOIN
            for branch in item.branches:
                total += STEP + (CONDITION if branch.condition else 0) + self.of(branch.items)
        elif item.items is not None:
            total += LOOP * bool(item.names) + CELL * len(item.names) * len(item.rows) + self.of(item.items)
        elif item.kind in KINDS:
            defaults = defaults_of(item.kind)
            for name in KINDS[item.kind].fields:
                value = item.values.get(name, defaults.get(name))
                if name in item.values or self.usual.get((item.kind, name), defaults.get(name)) != value:
                    total += self.value(value, self.usual.get((item.kind, name)))
        else:
            total += VALUE * len(item.values)
        return total

    @staticmethod
    def value(value: Any, usual: Any) -> int:
        if isinstance(value, Turned):
            return VALUE + CONDITION
        if isinstance(value, Formula):
            return VALUE + (0 if value.text.isidentifier() else 2)
        return 0 if value == usual and type(value) is type(usual) else VALUE
