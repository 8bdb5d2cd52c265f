"""Attention as exporters write it out, in an operator graph: MatMul, Softmax, MatMul, and numbers along the way.

It becomes ONNX's operator Attention, with `transposed` keys; what is added to the products, the shapes that they have
on the way, and the numbers are further operands: what they are is often known only when shapes are.  It knows no layer
kind.
"""

from __future__ import annotations

import re
from math import exp, isclose, log

from cnncalc.convert.constants.evaluator import RESHAPING
from cnncalc.convert.matching import Match, Matcher, bounds, composite
from cnncalc.convert.operators import Constant, Operator
from cnncalc.records import NamedTuple

MAX_ADDED = 6
"""Operators between the products and their softmax: bias, shapes, mask."""

MAX_STEPS = 12
"""Operators between a shape and a number that is worked out from it."""

NUMERIC = frozenset(
    ("Cast", "Div", "Gather", "Mul", "Pow", "Reciprocal", "Shape", "Slice", "Sqrt", "Squeeze", "Unsqueeze")
)
"""What such operators are."""


LEAST = 1e-12
"""The least norm by which queries and keys are divided that are normalised: PyTorch's, and the layer's."""

MOST = log(100)
"""To which the logarithms of their scales are clipped (Liu et al. 2022, Swin Transformer V2, section 3.3)."""


class Scaled:
    """A tensor, and the numbers by which it is multiplied or divided."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.factors: list[str] = []
        self.divisors: list[str] = []
        self.by_head: list[str] = []
        """The constant with a number for each head by which it is multiplied, if there is one."""
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
    if softmax is None:
        return None
    rank = len(matcher.stated.get(softmax.inputs[0]) or ()) or weighted.rank
    if softmax.attributes.get("axis", -1) not in (-1, rank - 1):
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
    q, k = (scaled(matcher, name, False) for name in (product.left, product.right))
    parts = (q, k, steps.found)
    by_head, transposed = steps.found.by_head, product.plain
    attributes: dict[str, object] = {}
    if by_head:
        units = cosines(matcher, steps, product, q, k)
        if units is not None:
            q.name, k.name = (unit.name for unit in units)
            covers += [cover for unit in units for cover in unit.covers]
            transposed ^= units[1].turned
            attributes = {"by_head": 1}
        elif is_number(matcher, by_head[0]):  # the heads of a single one have a factor as any other
            steps.found.factors += by_head
            by_head = []
        else:
            return None
    factors = [name for part in parts for name in part.factors]
    divisors = [name for part in parts for name in part.divisors]
    first = len(steps.operands) + len(factors)
    divided = tuple(range(first, first + len(divisors)))
    inputs = [q.name, k.name, weighted.right, *steps.operands, *factors, *divisors, *by_head]
    attributes |= {"steps": tuple(steps.kinds), "transposed": transposed, "scale": 1.0, "divided": divided}
    made = composite(operator, "Attention", inputs, **attributes)
    covers += [steps.product, *steps.covers, *(cover for part in parts for cover in part.covers)]
    return made, covers


def cosines(matcher: Matcher, steps: Steps, product: Multiplied, q: Scaled, k: Scaled) -> tuple[Unit, Unit] | None:
    """Queries and keys that are divided by their norms, where their products have the scales of cosines."""
    queries, keys = normalised(matcher, q, -1), normalised(matcher, k, -2 if product.plain else -1)
    if queries is None or keys is None or queries.turned:
        return None
    has_bias = "Add" in steps.kinds
    return (queries, keys) if is_scale_of_cosines(matcher, steps.found.by_head[0], has_bias) else None


class Unit(NamedTuple):
    """A tensor that is divided by its Euclidean norm over an axis."""

    name: str
    turned: int
    """Whether it is behind an exchange of the last two axes."""
    covers: list[Operator]


def normalised(matcher: Matcher, found: Scaled, axis: int) -> Unit | None:
    """What is normalised over this axis, one of the last two, counted from the end; None where nothing is."""
    name, turned = found.name, 0
    covers: list[Operator] = []
    step = matcher.inside(name, "Transpose")
    rank = len(matcher.stated.get(name) or ())
    if step is not None:
        order = tuple(step.attributes.get("perm", ()))
        rank = len(order)
        if order != (*range(rank - 2), rank - 1, rank - 2):
            return None
        name, turned, axis = step.inputs[0], 1, -3 - axis
        covers.append(step)
    unit = matcher.inside(name, "LpNormalization")
    if unit is None or unit.attributes.get("axis", -1) not in (axis, axis + rank):
        return None
    if unit.attributes.get("p", 2) != 2 or not isclose(unit.attributes.get("epsilon", LEAST), LEAST, rel_tol=1e-4):
        return None
    return Unit(unit.inputs[0], turned, [*covers, unit])


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
    found = scaled(matcher, name, True)
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


def scaled(matcher: Matcher, name: str, by_head: bool) -> Scaled:
    """A tensor without the numbers by which it is multiplied; without a number for each head, where that may be."""
    found = Scaled(name)
    while (step := matcher.inside(found.name, "Mul", "Div")) is not None and len(step.inputs) == 2:
        a, b = step.inputs
        heads = (each for each in (b, a) if by_head and step.kind == "Mul" and is_by_head(matcher, each))
        head = None if found.by_head else next(heads, None)
        if head is not None:
            found.by_head.append(head)
            a = a if head == b else b
        elif is_number(matcher, b):
            (found.factors if step.kind == "Mul" else found.divisors).append(b)
        elif step.kind == "Mul" and is_number(matcher, a):
            found.factors.append(a)
            a = b
        else:
            break
        found.covers.append(step)
        found.name = a
    return found


def is_by_head(matcher: Matcher, name: str) -> bool:
    """Whether a tensor is a constant with a number for each head."""
    constant = matcher.constant(name)
    return constant is not None and constant.shape[-3:-2] == (constant.size,)


def is_scale_of_cosines(matcher: Matcher, name: str, has_bias: bool) -> bool:
    """Whether a number for each head is e to the power of a learned one, clipped before.

    Exporters may have worked that out: then it is any such number, if a bias is added to the products after it.
    """
    constant = still(matcher.constant(name))
    if constant.derivation is None:
        values = constant.values
        return has_bias and (values is None or all(0 < value <= exp(MOST) * 1.0001 for value in values))
    power = constant.derivation
    clip = still(power.operands[0]).derivation if power.operator.kind == "Exp" else None
    if clip is None or clip.operator.kind != "Clip":
        return False
    least, most = bounds(matcher, clip.operator)
    x = clip.operands[0]
    is_clipped = most is not None and isclose(most, MOST, rel_tol=1e-4) and (least is None or least <= -3e38)
    return is_clipped and x is not None and constant.size == x.size == sum(x.roots.values())


def still(constant: Constant | None) -> Constant:
    """A constant before its shape was changed."""
    assert constant is not None
    while (derivation := constant.derivation) is not None and derivation.operator.kind in RESHAPING:
        assert derivation.operands[0] is not None
        constant = derivation.operands[0]
    return constant


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
