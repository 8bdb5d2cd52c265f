"""What a template's constructor takes, and what each value in its source is in terms of that.

A value that every instance has alike is written as it is.  One that differs is an argument, or a small formula of
arguments of the same kind of number that holds for every instance, so that the code is right whatever was found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from cnncalc.convert.torch_out.helpers import LOCAL
from cnncalc.convert.torch_out.leaf import FLAGS, NEVER
from cnncalc.convert.torch_out.names import free, identifier
from cnncalc.convert.torch_out.slots import slots
from cnncalc.convert.torch_out.templates import Argument, Place, Slot, Template, Templates
from cnncalc.records import NamedTuple

MAX_FACTOR = 64
MODULE_CHANNELS = ("in_channels", "out_channels", "num_features", "groups", "normalized_shape", "num_channels")
WORDS = ("true", "false", "none", "half", "same", "same_lower", "valid", "x", "input", "i")
"""What a spec may say that is no name of a value."""


class Expression(NamedTuple):
    """Text in which the names of arguments stand in braces."""

    text: str
    values: tuple[Any, ...] = ()
    """What it is worth in every instance."""


def literal(value: Any) -> str:
    """A value as Python source."""
    if isinstance(value, float):
        return repr(value).replace("e-0", "e-")
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, str):
        return f'"{value}"'
    return repr(value)


def constant(values: tuple[Any, ...]) -> Any:
    """The one value that all instances have; NEVER where they differ."""
    known = {(type(value), value) for value in values if value is not None}
    return next(iter(known))[1] if len(known) == 1 else NEVER


def agrees(values: tuple[Any, ...], wanted: tuple[Any, ...]) -> bool:
    """Whether an expression is worth what is wanted, where anything is."""
    return all(right is None or left == right for left, right in zip(values, wanted))


RENAMED = {"kernel": "kernel_size", "act": "activation", "input": "", "x": "", "self": "", "i": ""}
"""Arguments of specs under the names that PyTorch has for them."""

FIELDS = {"out_channels": "channels", "out_features": "features", "kernel_size": "kernel", "p": "rate"}
"""Fields of layer kinds behind arguments of modules, where their names differ."""


def solve(template: Template, templates: Templates) -> None:
    """Find a template's arguments, and the expression of every slot and condition."""
    _Solver(template, templates).solve()


class _Solver:
    def __init__(self, template: Template, templates: Templates) -> None:
        self.template = template
        self.count = len(template.bodies)
        self.slots = slots(template, templates)
        self.by_key = {slot.key: slot for slot in self.slots}
        self.arguments: list[Argument] = []
        self.expressions: dict[tuple[Any, ...], Expression] = {}

    def solve(self) -> None:
        """Complete slots choose the arguments; those of optional items, and conditions, are explained by them."""
        varying, later = [], []
        for slot in self.slots:
            if self.sibling(slot) is not None:
                later.append(slot)
                continue
            value = constant(slot.values)
            if value is NEVER:
                varying.append(slot)
            else:
                text = value if slot.unit == "module" else literal(value)
                self.expressions[slot.key] = Expression(text, (value,) * self.count)
        flags = [slot for slot in varying if slot.unit == "flag"]
        numbers = [slot for slot in varying if slot.unit != "flag"]
        numbers.sort(key=lambda slot: slot.unit == "padding")  # which kernels and dilations explain
        for slot in numbers:
            if None not in slot.values:
                self.expressions[slot.key] = self.explained(slot) or self.argument(slot)
        partial = [slot for slot in numbers if None in slot.values]
        for number, place in enumerate(self.template.places):
            mine = [slot for slot in partial if slot.key[0] == number]
            if place.optional:
                self.expressions[number, "present"] = self.presence(number, place, mine)
            for slot in mine:
                if slot.key not in self.expressions:
                    self.expressions[slot.key] = self.explained(slot) or self.argument(slot)
        for slot in flags:
            self.expressions[slot.key] = self.flag(slot) or self.argument(slot)
        for slot in later:
            first = self.sibling(slot)
            assert first is not None
            self.expressions[slot.key] = self.expressions[first.key]
            self.slots[self.slots.index(slot)] = slot._replace(usual=first.usual)
        self.template.expressions = self.expressions
        self.template.slots = {slot.key: slot for slot in self.slots}
        self.template.arguments = self.sorted()

    def presence(self, number: int, place: Place, mine: list[Slot]) -> Expression:
        """When an optional item is there: as arguments compare, or where a number of its own is not 0, or by a flag."""
        found = self.condition(place.present)
        if found is not None:
            if "{in_channels}" in found.text:
                self.known(self.input_channels(0))
            return found
        for slot in mine:
            if slot.unit == "channels" and self.explained(slot) is None:
                values = tuple(value or 0 for value in slot.values)
                made = Argument(self.name(slot), slot.unit, values, 0)
                self.arguments.append(made)
                self.expressions[slot.key] = Expression(f"{{{made.name}}}", values)
                return Expression(f"{{{made.name}}}", place.present)
        return self.argument(Slot((number, "present"), "flag", place.present, False, True))

    def sibling(self, slot: Slot) -> Slot | None:
        """The same argument of a chain's first call, where it has the value that the later calls have."""
        if slot.key[1:2] != ("rest",):
            return None
        first = self.by_key.get((slot.key[0], "first", *slot.key[2:]))
        return first if first is not None and agrees(first.values, slot.values) else None

    def flag(self, slot: Slot) -> Expression | None:
        """A flag that an argument is already."""
        for argument in self.arguments:
            if argument.unit == "flag" and agrees(argument.values, slot.values):
                return Expression(f"{{{argument.name}}}", argument.values)
        return None

    # -- arguments

    def argument(self, slot: Slot) -> Expression:
        """A new argument for a slot."""
        common = Counter(value for value in slot.values if value is not None).most_common(1)[0][0]
        values = tuple(common if value is None else value for value in slot.values)
        default = NEVER
        if slot.unit in ("stride", "dilation", "groups") and 1 in values:
            default = 1
        elif slot.unit == "flag" or None in slot.values:
            default = common
        made = Argument(self.name(slot), slot.unit, values, default)
        self.arguments.append(made)
        return Expression(f"{{{made.name}}}", values)

    def name(self, slot: Slot) -> str:
        """What an argument is called: what the spec calls it, or the module."""
        place = self.template.places[slot.key[0]]
        last = str(slot.key[-1])
        node = place.item.node
        label = FLAGS.get(place.leaf().joins, place.label) if node is not None else place.label
        own = {"present": label, "module": "activation", "count": "depth", "parts": "heads"}.get(last, last)
        candidates = []
        wide = tuple(out_channels(body) for body in self.template.bodies)
        if slot.unit == "channels":
            own = "hidden_channels" if own in MODULE_CHANNELS else own
            if agrees(wide, slot.values):
                candidates.append("out_channels")
        alike = [other for other in self.slots if other.unit == slot.unit and agrees(slot.values, other.values)]
        written = [self.hint(other) for other in [slot, *alike]] if last != "present" else []
        candidates += [RENAMED.get(name, name) for name in [*written, own]]
        if own == "hidden_channels":
            own = "channels"
        candidates.append(identifier(f"{place.label}_{own}"))
        taken = {argument.name for argument in self.arguments} | {"in_channels"} | LOCAL
        *earlier, last = [identifier(name) for name in candidates if name]
        return next((name for name in earlier if name not in taken), "") or free(last, taken)

    def hint(self, slot: Slot) -> str:
        """The name that a spec's author gave the value of a layer's field, where it is no more than a name."""
        item = self.template.places[slot.key[0]].item
        for step in slot.key[1:-1]:
            if not item.chain or not isinstance(step, int):
                break
            item = item.chain[step]
        last = str(slot.key[-1])
        field = FIELDS.get(last, last)
        if last == "parts":
            return ""
        if item.node is None:
            return field if item.body is not None or "first" in slot.key or "rest" in slot.key else ""
        for note in item.node.written().get(field, [])[:1]:
            span = note.span
            text = span.source.line(span.line)[span.column - 1 : span.end - 1] if span is not None else ""
            if text.isidentifier() and text.islower() and text not in WORDS:
                return text
        return ""

    def sorted(self) -> list[Argument]:
        """Arguments with defaults last, channels first, else as they stand in the source."""
        used = "\n".join(expression.text for _, expression in sorted(self.expressions.items(), key=self.position))
        place = {argument.name: used.find(f"{{{argument.name}}}") for argument in self.arguments}
        return sorted(
            self.arguments,
            key=lambda each: (
                each.default is not NEVER,
                each.unit != "channels",
                not each.name.startswith("in_channels"),
                place[each.name],
            ),
        )

    def position(self, entry: tuple[tuple[Any, ...], Expression]) -> int:
        keys = {slot.key: place for place, slot in enumerate(self.slots)}
        return keys.get(entry[0], len(keys))

    # -- formulas

    def explained(self, slot: Slot) -> Expression | None:
        """A slot as an argument, or as a formula of arguments of its unit; None where there is none."""
        if slot.unit == "channels":
            for number in range(len(self.template.largest.inputs)):
                given = self.input_channels(number)
                if agrees(given.values, slot.values):
                    return self.known(given)
        found = next((found for found in self.formulas(slot.unit) if agrees(found.values, slot.values)), None)
        if found is not None and "{in_channels}" in found.text:
            self.known(self.input_channels(0))
        return found

    def input_channels(self, number: int) -> Expression:
        """The channels of an input."""
        values = tuple(in_channels(body, number) for body in self.template.bodies)
        return Expression("{in_channels}" if not number else f"{{in_channels{number + 1}}}", values)

    def known(self, given: Expression) -> Expression:
        """The channels of an input, as an argument from now on."""
        name = given.text[1:-1]
        if all(argument.name != name for argument in self.arguments):
            self.arguments.append(Argument(name, "channels", given.values, NEVER))
        return given

    def formulas(self, unit: str) -> Iterator[Expression]:
        """What may explain a slot, the simplest first."""
        mine = [argument for argument in self.arguments if argument.unit == unit]
        for argument in mine:
            yield Expression(f"{{{argument.name}}}", argument.values)
        if unit == "channels":
            if all(argument.name != "in_channels" for argument in mine):
                mine.append(Argument("in_channels", "channels", self.input_channels(0).values, NEVER))
            yield from self.multiples(mine)
            yield from self.sums(mine)
        if unit == "padding":
            yield from self.paddings()
        if unit == "count":
            for argument in self.arguments:
                yield Expression(f"{{{argument.name}}}", argument.values)

    def multiples(self, mine: list[Argument]) -> Iterator[Expression]:
        for argument in mine:
            for factor in range(2, MAX_FACTOR + 1):
                yield self.made(f"{factor} * {{{argument.name}}}", lambda a, k=factor: k * a, argument)
                yield self.made(f"{{{argument.name}}} // {factor}", lambda a, k=factor: a // k, argument)

    def sums(self, mine: list[Argument]) -> Iterator[Expression]:
        for left in mine:
            for right in mine:
                if left is not right:
                    yield self.made(f"{{{left.name}}} + {{{right.name}}}", lambda a, b: a + b, left, right)
                    yield self.made(f"{{{left.name}}} - {{{right.name}}}", lambda a, b: a - b, left, right)

    def paddings(self) -> Iterator[Expression]:
        kernels = [each for each in self.arguments if each.unit == "kernel" and all(map(whole, each.values))]
        dilations = [each for each in self.arguments if each.unit == "dilation" and all(map(whole, each.values))]
        for dilation in dilations:
            yield Expression(f"{{{dilation.name}}}", dilation.values)
        for kernel in kernels:
            yield self.made(f"{{{kernel.name}}} // 2", lambda k: k // 2, kernel)
            yield self.made(f"({{{kernel.name}}} - 1) // 2", lambda k: (k - 1) // 2, kernel)
            for dilation in dilations:
                text = f"({{{kernel.name}}} - 1) // 2 * {{{dilation.name}}}"
                yield self.made(text, lambda k, d: (k - 1) // 2 * d, kernel, dilation)

    def made(self, text: str, function: Callable[..., Any], *arguments: Argument) -> Expression:
        return Expression(text, tuple(function(*values) for values in zip(*(each.values for each in arguments))))

    # -- conditions

    def condition(self, wanted: tuple[Any, ...]) -> Expression | None:
        """A comparison of arguments that holds where it should, or two of them; None where there is none."""
        if constant(wanted) is not NEVER:
            return None
        atoms = list(self.comparisons())
        for text, opposite, values in atoms:
            if agrees(values, wanted):
                return Expression(text, values)
            turned = tuple(not value for value in values)
            if agrees(turned, wanted):
                return Expression(opposite, turned)
        for place, (text, opposite, values) in enumerate(atoms):
            for other, other_opposite, others in atoms[place + 1 :]:
                either = tuple(a or b for a, b in zip(values, others))
                if agrees(either, wanted):
                    return Expression(f"{other} or {text}", either)
                neither = tuple(not value for value in either)
                if agrees(neither, wanted):
                    return Expression(f"{other_opposite} and {opposite}", neither)
        for argument in self.arguments:
            if argument.unit == "flag" and agrees(argument.values, wanted):
                return Expression(f"{{{argument.name}}}", argument.values)
        return None

    def comparisons(self) -> Iterator[tuple[str, str, tuple[bool, ...]]]:
        """Comparisons that PyTorch code makes: unequal channels, a stride; with the opposite, and their values."""
        first = self.input_channels(0)
        sides = {first.text: first}
        for slot in self.slots:
            expression = self.expressions.get(slot.key)
            if slot.unit == "channels" and expression is not None and "{" in expression.text:
                sides.setdefault(expression.text, expression)
        inputs = [each for each in sides.values() if each.text.startswith("{in_channels")]
        ends = tuple(out_channels(body) for body in self.template.bodies)
        others = sorted((each for each in sides.values() if each not in inputs), key=lambda each: each.values != ends)
        for left in inputs:
            for right in others:
                values = tuple(a != b for a, b in zip(left.values, right.values))
                yield f"{left.text} != {right.text}", f"{left.text} == {right.text}", values
        for argument in self.arguments:
            if argument.unit == "stride" and all(map(whole, argument.values)):
                values = tuple(value != 1 for value in argument.values)
                yield f"{{{argument.name}}} != 1", f"{{{argument.name}}} == 1", values


def whole(value: Any) -> bool:
    return isinstance(value, int)


def in_channels(body: Any, number: int) -> int:
    return int(body.shapes[body.inputs[number]][0])


def out_channels(body: Any) -> int:
    return int(body.shapes[body.results[0]][0])
