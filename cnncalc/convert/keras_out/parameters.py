"""The parameters of a function: what its calls do not have alike, as names, flags and formulas of the input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cnncalc.convert.keras_out.bodies import ABSENT, Body, Function, Item, Parameter, free
from cnncalc.convert.keras_out.calls import REQUIRED, Argument, Expression
from cnncalc.convert.keras_out.likeness import stretches


def generalised(
    name: str, bodies: Sequence[Body], channels: dict[int, int]
) -> tuple[Function, list[tuple[Argument, ...]]]:
    """The function of bodies that `grouped` has put together, and the arguments of each call of it."""
    first = bodies[0]
    optional = stretches(bodies)
    assert optional is not None
    by_key = [{item.key: item for item in each.items} for each in bodies]
    values = Parameters([channels.get(each.inputs[0]) if each.inputs else None for each in bodies])
    flags: dict[tuple[bool, ...], str] = {}
    flag_of: dict[int, str] = {}
    for stretch in optional:
        flag = flags.get(stretch.present)
        if flag is None:
            stem = first.items[stretch.start].key.partition("/")[0].partition("_")[0].rstrip("0123456789")
            stem = "residual" if stem == "add" else stem
            flag = flags[stretch.present] = values.flag(f"has_{stem}", stretch.present)
        flag_of |= dict.fromkeys(range(stretch.start, stretch.end), flag)
    found: dict[tuple[int, int], Any] = {}
    slots = [(place, each) for place, item in enumerate(first.items) for each in range(len(item.call.arguments))]
    for place, each in sorted(slots, key=lambda slot: first.items[slot[0]].call.arguments[slot[1]].role == "padding"):
        item = first.items[place]
        vector = [keyed[item.key].call.arguments[each].value if item.key in keyed else ABSENT for keyed in by_key]
        found[place, each] = values.said(item, item.call.arguments[each], vector)
    values.named()
    written = []
    for place, item in enumerate(first.items):
        given = [
            argument._replace(value=values.written(found[place, each]))
            for each, argument in enumerate(item.call.arguments)
        ]
        written.append(Item(item.call._replace(arguments=tuple(given)), item.key, flag_of.get(place, "")))
    outputs: dict[Any, int] = {item.key: item.call.output for item in first.items} | dict(enumerate(first.inputs))
    bypass = {first.items[s.start].key: (outputs[s.leaves], outputs[s.instead]) for s in optional}
    made = Function(name, first._replace(items=written), values.parameters(), bypass)
    return made, [values.arguments(number) for number in range(len(bodies))]


class Place(Expression):
    """An expression of parameters that have no names yet: ``4 * {0}``."""


class Values:
    """What a parameter stands for in every call of its function."""

    def __init__(self, role: str, row: str, values: list[Any], name: str = "") -> None:
        self.role = role
        self.row = row
        """The row in which it stands first."""
        self.values = values
        self.name = name

    @property
    def default(self) -> Any:
        """The value of most calls, for what is no number of channels, or is absent from some calls."""
        if self.role == "flag":
            return False
        present = [value for value in self.values if value is not ABSENT]
        most = max(present, key=present.count)
        if len(present) < len(self.values) or (self.role != "filters" and 2 * present.count(most) >= len(present)):
            return most
        return REQUIRED


class Parameters:
    """The parameters of a function in the making."""

    def __init__(self, channels: list[Any]) -> None:
        self.channels = channels
        """The channels of each call's first input."""
        self.lists: list[Values] = []
        self.taken = {"inputs", "name"}

    def flag(self, name: str, present: tuple[bool, ...]) -> str:
        """A parameter that is true where a stretch is present."""
        found = free(name, self.taken)
        self.lists.append(Values("flag", "", list(present), found))
        return found

    def said(self, item: Item, argument: Argument, vector: list[Any]) -> Any:
        """A value that all calls share, or what says it by parameters; a new one if need be."""
        present = [value for value in vector if value is not ABSENT]
        if all(value == present[0] and type(value) is type(present[0]) for value in present):
            return present[0]
        role = argument.role or argument.keyword or "value"
        role = "filters" if role == "units" else role
        for number, each in enumerate(self.lists):
            if each.role == role and agree(each.values, vector):
                each.values = [mine if mine is not ABSENT else other for mine, other in zip(each.values, vector)]
                return Place(f"{{{number}}}")
        if role in ("filters", "padding", "groups", "stop", "start"):
            for text in self.derived(role, vector):
                return Place(text)
        self.lists.append(Values(role, item.key.partition("/")[0], list(vector)))
        return Place(f"{{{len(self.lists) - 1}}}")

    def derived(self, role: str, vector: list[Any]) -> Iterator[str]:
        """Whole numbers as multiples or parts of other parameters, or of the channels that come in."""
        for number, each in enumerate(self.lists):
            if role == "padding" and each.role == "kernel_size":
                if proportional(vector, each.values, lambda size: size // 2):
                    yield f"{{{number}}} // 2"
            elif role != "padding" and each.role == "filters":
                yield from ratios(vector, each.values, f"{{{number}}}")
        if role != "padding":
            if proportional(vector, self.channels, lambda channels: channels):
                yield "inputs.shape[-1]"
            yield from ratios(vector, self.channels, "inputs.shape[-1]")

    def named(self) -> None:
        """Give every parameter a name: its role, with its row where several have the role."""
        roles = [each.role for each in self.lists]
        for each in self.lists:
            if not each.name:
                name = each.role if roles.count(each.role) == 1 else f"{each.row}_{each.role}"
                each.name = free(name if name.isidentifier() else f"{each.role}_{each.row}", self.taken)

    def written(self, value: Any) -> Any:
        """An argument with the names of the parameters in it."""
        return Expression(value.format(*(each.name for each in self.lists))) if isinstance(value, Place) else value

    def parameters(self) -> list[Parameter]:
        """Those that must be given, then those with a default."""
        found = [Parameter(each.name, each.default) for each in self.lists]
        return sorted(found, key=lambda parameter: parameter.default is not REQUIRED)

    def arguments(self, number: int) -> tuple[Argument, ...]:
        """What the call of this number gives for them."""
        values = {each.name: each for each in self.lists}
        found = []
        for name, default in self.parameters():
            each = values[name]
            value = default if each.values[number] is ABSENT else each.values[number]
            found.append(Argument(value, "" if default is REQUIRED else name, default, each.role))
        return tuple(found)


def agree(values: list[Any], others: list[Any]) -> bool:
    """Whether lists are the same, wherever both have a value."""
    return all(mine == theirs or mine is ABSENT or theirs is ABSENT for mine, theirs in zip(values, others))


def proportional(vector: list[Any], values: list[Any], rule: Any) -> bool:
    """Whether a rule makes the one of the other, which must be there wherever the first is."""
    pairs = [(value, base) for value, base in zip(vector, values) if value is not ABSENT]
    return all(isinstance(base, int) and rule(base) == value for value, base in pairs)


def ratios(vector: list[Any], values: list[Any], name: str) -> Iterator[str]:
    """`vector` as a whole multiple of `values`, or as a whole part of it."""
    for factor in range(2, 9):
        if proportional(vector, values, lambda base, factor=factor: factor * base):
            yield f"{factor} * {name}"
    for divisor in (2, 3, 4, 8, 16):
        if proportional(vector, values, lambda base, divisor=divisor: base // divisor):
            yield f"{name} // {divisor}"
