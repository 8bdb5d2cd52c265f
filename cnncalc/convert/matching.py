"""Looking around in an operator graph: what gives a tensor, whether anything else takes it, products of several.

Composites are described with it in `recognition`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from math import isclose

from cnncalc.convert.operators import Constant, Operator, Program
from cnncalc.records import NamedTuple

MAX_TERMS = 6
"""Factors of a product that are looked at: the longest composite has five."""


class Product(NamedTuple):
    """A product of tensors and one number."""

    scale: float
    terms: list[str]
    covers: list[Operator]


class Matcher:
    """Looks around in a program while composites are made of it."""

    def __init__(self, program: Program) -> None:
        self.constants = program.constants
        self.stated = program.stated
        self.givers = program.givers()
        self.uses = Counter(program.outputs)
        """How often each tensor is taken; leaving the network counts too."""
        for operator in program.operators:
            self.count(operator, 1)
        self.gone: set[int] = set()
        """Operators that have become part of another, by identity."""

    def count(self, operator: Operator, change: int) -> None:
        for name in dict.fromkeys(operator.inputs):
            self.uses[name] += change

    def inside(self, name: str, *kinds: str) -> Operator | None:
        """The operator of one of these kinds that gives a tensor which nothing else takes."""
        operator = self.givers.get(name)
        if operator is None or operator.kind not in kinds or self.uses.get(name) != 1:
            return None
        return operator if not any(operator.outputs[1:]) else None

    def scalar(self, name: str) -> float | None:
        """The value of a constant with one element."""
        constant = self.constants.get(name)
        if constant is None or constant.size != 1 or constant.values is None or constant.dtype == "text":
            return None
        return float(constant.values[0])

    def constant(self, name: str) -> Constant | None:
        return self.constants.get(name)

    def split(self, operator: Operator) -> tuple[str, Constant] | None:
        """The tensor and the constant that a Mul or an Add takes, in this order."""
        if len(operator.inputs) == 2:
            for x, other in (operator.inputs, operator.inputs[::-1]):
                constant = self.constants.get(other)
                if constant is not None and x not in self.constants:
                    return x, constant
        return None

    def shifted(self, operator: Operator | None, offset: float) -> str | None:
        """The tensor to which an Add adds this number."""
        if operator is None or operator.kind != "Add" or len(operator.inputs) != 2:
            return None
        for x, other in (operator.inputs, operator.inputs[::-1]):
            value = self.scalar(other)
            if value is not None and isclose(value, offset, rel_tol=1e-4):
                return x
        return None

    def product(self, operator: Operator) -> Product:
        """The factors of a Mul, a Div by a number or a power, through those inside it."""
        scale, covers = 1.0, [operator]
        terms: list[str] = []
        pending: list[str | Operator] = [operator]
        while pending:
            entry = pending.pop()
            if isinstance(entry, str):
                value = self.scalar(entry)
                inner = self.inside(entry, "Mul", "Div", "Pow") if len(terms) + len(pending) < MAX_TERMS else None
                if value is not None:
                    scale *= value
                    continue
                if inner is None or not self.opens(inner):
                    terms.append(entry)
                    continue
                covers.append(inner)
                entry = inner
            if entry.kind == "Mul" and len(entry.inputs) == 2:
                pending += entry.inputs
            elif self.opens(entry):
                value = self.scalar(entry.inputs[1]) or 1.0
                if entry.kind == "Div":
                    scale /= value
                    pending.append(entry.inputs[0])
                else:
                    pending += [entry.inputs[0]] * int(value)
            else:
                terms.append(entry.outputs[0])
        return Product(scale, terms, covers)

    def opens(self, operator: Operator) -> bool:
        """Whether it is a product: Mul, Div by a number, a square or a cube."""
        if len(operator.inputs) != 2:
            return False
        value = self.scalar(operator.inputs[1])
        if operator.kind == "Div":
            return value is not None and value != 0
        return operator.kind == "Mul" or (operator.kind == "Pow" and value in (2.0, 3.0))


Match = tuple[Operator, list[Operator]]
"""The composite, and the operators that it covers besides the one that it replaces."""

Recognise = Callable[[Matcher, Operator], Match | None]


def composite(last: Operator, kind: str, inputs: Sequence[str], **attributes: object) -> Operator:
    """An operator in place of `last`, with its result and name."""
    made = Operator(kind, inputs, last.outputs, dict(attributes), last.name)
    made.title = last.title
    return made


def bounds(matcher: Matcher, clip: Operator) -> tuple[float | None, float | None]:
    """The bounds of a Clip, as attributes or operands; None where there is none, or it is not known."""
    found: list[float | None] = []
    for place, name in enumerate(("min", "max"), 1):
        value = clip.attributes.get(name)
        if value is None and place < len(clip.inputs):
            value = matcher.scalar(clip.inputs[place])
        found.append(value)
    return found[0], found[1]
