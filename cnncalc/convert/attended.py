"""Attention as exporters write it out, in an operator graph: MatMul, Softmax, MatMul, and numbers along the way.

It becomes ONNX's operator Attention, with `transposed` keys; what is added to the products, the shapes that they have
on the way, and the numbers are further operands: what they are is often known only when shapes are.  It knows no layer
kind.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cnncalc.convert.matching import Match, Matcher, composite
from cnncalc.convert.operators import Operator

MAX_ADDED = 6
"""Operators between the products and their softmax: bias, shapes, mask."""

MAX_STEPS = 12
"""Operators between a shape and a number that is worked out from it."""

NUMERIC = frozenset(
    ("Cast", "Div", "Gather", "Mul", "Pow", "Reciprocal", "Shape", "Slice", "Sqrt", "Squeeze", "Unsqueeze")
)
"""What such operators are."""


class Scaled:
    """A tensor, and the numbers by which it is multiplied or divided."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.factors: list[str] = []
        self.divisors: list[str] = []
        self.covers: list[Operator] = []


def attended(matcher: Matcher, operator: Operator) -> Match | None:
    """The product of values with a softmax of products of queries and keys."""
    weighted = multiplied(operator)
    if weighted is None or not weighted.plain:
        return None
    covers: list[Operator] = []
    softmax = matcher.inside(weighted.left, "Softmax", "Dropout", "Cast", "Identity")
    while softmax is not None and softmax.kind != "Softmax":
        covers.append(softmax)
        softmax = matcher.inside(softmax.inputs[0], "Softmax", "Dropout", "Cast", "Identity")
    if softmax is None or softmax.attributes.get("axis", -1) not in (-1, weighted.rank - 1):
        return None
    if softmax.attributes.get("flattened"):
        return None
    covers.append(softmax)
    steps = added(matcher, softmax.inputs[0], MAX_ADDED)
    if steps is None:
        return None
    product = multiplied(steps.product)
    if product is None:
        return None
    q, k = (scaled(matcher, name) for name in (product.left, product.right))
    parts = (q, k, steps.found)
    factors = [name for part in parts for name in part.factors]
    divisors = [name for part in parts for name in part.divisors]
    first = len(steps.operands) + len(factors)
    divided = tuple(range(first, first + len(divisors)))
    inputs = [q.name, k.name, weighted.right, *steps.operands, *factors, *divisors]
    made = composite(
        operator, "Attention", inputs, steps=tuple(steps.kinds), transposed=product.plain, scale=1.0, divided=divided
    )
    covers += [steps.product, *steps.covers, *(cover for part in parts for cover in part.covers)]
    return made, covers


class Multiplied(NamedTuple):
    """A product of matrices."""

    left: str
    right: str
    plain: int
    """1 where it is what MatMul does; 0 where the rows of the second are exchanged with its columns."""
    rank: int
    """Axes of the result; 4 where that is not said."""


def multiplied(operator: Operator) -> Multiplied | None:
    """The operands of a MatMul, or of an Einsum that is the same."""
    if len(operator.inputs) != 2:
        return None
    left, right = operator.inputs
    if operator.kind == "MatMul":
        return Multiplied(left, right, 1, 4)
    equation = str(operator.attributes.get("equation", "")).replace(" ", "")
    found = re.fullmatch(r"([A-Za-z]*)([A-Za-z])([A-Za-z]),\1([A-Za-z])([A-Za-z])->\1([A-Za-z])([A-Za-z])", equation)
    if found is None:
        return None
    lead, row, inner, *other, out, column = found.groups()
    if out != row or len({*lead, row, inner, column}) < len(lead) + 3:
        return None
    if other not in ([inner, column], [column, inner]):
        return None
    return Multiplied(left, right, int(other[0] == inner), len(lead) + 2)


class Steps(NamedTuple):
    """What is done to the scaled products before a softmax: `Add` and `Reshape`, the last one first."""

    found: Scaled
    product: Operator
    kinds: list[str]
    operands: list[str]
    """What is added, or the shape that is asked for, in the same order."""
    covers: list[Operator]


def added(matcher: Matcher, name: str, most: int) -> Steps | None:
    """How scaled products become this tensor, in so many steps."""
    found = scaled(matcher, name)
    product = matcher.inside(found.name, "MatMul", "Einsum")
    if product is not None:
        return Steps(found, product, [], [], [])
    step = matcher.inside(name, "Add", "Reshape", "Identity")
    if step is None or not most:
        return None
    if step.kind == "Identity":
        ways = [(step.inputs[0], "")]
    else:
        ways = [(step.inputs[0], step.inputs[1])] if len(step.inputs) == 2 else []
        ways += [(other, inner) for inner, other in ways if step.kind == "Add"]
    for inner, other in ways:
        steps = added(matcher, inner, most - 1)
        if steps is not None:
            own = ([step.kind], [other]) if other else ([], [])
            return steps._replace(
                kinds=own[0] + steps.kinds, operands=own[1] + steps.operands, covers=[step, *steps.covers]
            )
    return None


def scaled(matcher: Matcher, name: str) -> Scaled:
    """A tensor without the numbers by which it is multiplied."""
    found = Scaled(name)
    while (step := matcher.inside(found.name, "Mul", "Div")) is not None and len(step.inputs) == 2:
        a, b = step.inputs
        if is_number(matcher, b):
            (found.factors if step.kind == "Mul" else found.divisors).append(b)
        elif step.kind == "Mul" and is_number(matcher, a):
            found.factors.append(a)
            a = b
        else:
            break
        found.covers.append(step)
        found.name = a
    return found


def is_number(matcher: Matcher, name: str) -> bool:
    """Whether a tensor is one number: a constant, or worked out from shapes alone."""
    pending, steps = [name], 0
    while pending:
        tensor = pending.pop()
        constant = matcher.constant(tensor)
        if constant is not None:
            if constant.size != 1 and tensor == name:
                return False
            continue
        giver = matcher.givers.get(tensor)
        steps += 1
        if giver is None or giver.kind not in NUMERIC or steps > MAX_STEPS:
            return False
        if giver.kind != "Shape":
            pending += giver.inputs
    return True
