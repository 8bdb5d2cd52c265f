"""Attention as exporters write it out, in an operator graph: MatMul, Softmax, MatMul, and numbers along the way.

It becomes ONNX's operator Attention, with `transposed` keys, and the numbers as further operands: what they are is
often known only when shapes are.  It knows no layer kind.
"""

from __future__ import annotations

from cnncalc.convert.matching import Match, Matcher, composite
from cnncalc.convert.operators import Operator

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
    if len(operator.inputs) != 2:
        return None
    covers: list[Operator] = []
    softmax = matcher.inside(operator.inputs[0], "Softmax", "Dropout", "Cast")
    while softmax is not None and softmax.kind != "Softmax":
        covers.append(softmax)
        softmax = matcher.inside(softmax.inputs[0], "Softmax", "Dropout", "Cast")
    if softmax is None or softmax.attributes.get("axis", -1) not in (-1, 3) or softmax.attributes.get("flattened"):
        return None
    covers.append(softmax)
    found, added = products(matcher, softmax.inputs[0])
    if found is None:
        return None
    product = matcher.inside(found.name, "MatMul")
    if product is None or len(product.inputs) != 2:
        return None
    q, k = (scaled(matcher, name) for name in product.inputs)
    parts = (q, k, found)
    factors = [name for part in parts for name in part.factors]
    divisors = [name for part in parts for name in part.divisors]
    divided = tuple(range(len(factors), len(factors) + len(divisors)))
    inputs = [q.name, k.name, operator.inputs[1], added, *factors, *divisors]
    made = composite(operator, "Attention", inputs, transposed=1, scale=1.0, divided=divided)
    covers += [product, *(cover for part in parts for cover in part.covers)]
    return made, covers


def products(matcher: Matcher, name: str) -> tuple[Scaled | None, str]:
    """The scaled products behind a softmax, and what is added to them; no name where nothing is."""
    add = matcher.inside(name, "Add")
    if add is None or len(add.inputs) != 2:
        return scaled(matcher, name), ""
    for inner, other in (add.inputs, add.inputs[::-1]):
        found = scaled(matcher, inner)
        if matcher.inside(found.name, "MatMul") is not None:
            found.covers.append(add)
            return found, other
    return None, ""


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
