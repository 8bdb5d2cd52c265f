"""What works element by element: activations, joins of equal shapes, and factors per channel."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, isclose
from typing import Any

from cnncalc.convert.building import Translate
from cnncalc.convert.layout import layout
from cnncalc.convert.making import Making
from cnncalc.convert.operators import Constant, Operator
from cnncalc.convert.rows import MAX_AXES
from cnncalc.convert.shapes import axis_of, broadcast
from cnncalc.convert.translation.learned import number, with_constant, with_number
from cnncalc.convert.values import EXPANDED, Operand, Value
from cnncalc.layers import KINDS


def row_on(
    making: Making,
    operator: Operator,
    x: Value,
    kind: str,
    arguments: Mapping[str, Any] | None = None,
    weights: Mapping[str, Constant] | None = None,
) -> Value:
    """A row that keeps the shape, on the tensor behind `x`, whatever the order of the axes."""
    base, seen = making.front(x, operator)
    row = making.append(operator, kind, [making.force(base)], arguments, weights)
    return seen(making.made(row.number, base))


def near(kind: str, name: str, value: float) -> float:
    """A constant, or the default of the kind's field where it is that in 32 bits."""
    default = KINDS[kind].defaults.get(name)
    return default if isinstance(default, float) and isclose(value, default, rel_tol=1e-6) else value


def activation(kind: str, **fields: tuple[str, float]) -> Translate:
    """The translation of an activation; `fields` give for each field ONNX's attribute and its default there."""

    def translate(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
        x = operands[0]
        if not isinstance(x, Value):
            return None
        arguments = {
            field: near(kind, field, float(operator.attributes.get(name, default)))
            for field, (name, default) in fields.items()
        }
        return [row_on(making, operator, x, kind, arguments)]

    return translate


def gelu(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    how = operator.attributes.get("approximate") or "none"
    return [row_on(making, operator, x, "gelu", {"approximate": how})] if isinstance(x, Value) else None


def swish(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value) or operator.attributes.get("alpha", 1.0) != 1.0:
        return making.pointwise(operator, operands)
    return [row_on(making, operator, x, "silu")]


def clip(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """relu6 and relu; other bounds have no kind."""
    x = operands[0]
    if not isinstance(x, Value):
        return None
    if any(isinstance(operand, Value) for operand in operands[1:]):
        return making.opaque(operator, operands, [x.shape], 0)
    low = (making.decimals(operator, operands, "min", 1) or [-inf])[0]
    high = (making.decimals(operator, operands, "max", 2) or [inf])[0]
    if low == 0 and (high == 6 or high >= 3e38):
        return [row_on(making, operator, x, "relu6" if high == 6 else "relu")]
    if low <= -3e38 and high >= 3e38:
        return [x]
    return making.opaque(operator, [x], [x.shape], 0)


def prelu(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x, slope = operands[0], operands[1]
    if not isinstance(x, Value) or not isinstance(slope, Constant):
        return making.pointwise(operator, operands)
    if slope.size == 1 or per_channel(x, slope):
        return [row_on(making, operator, x, "prelu", {"slopes": slope.size}, {"weight": slope})]
    return making.pointwise(operator, operands)


def per_channel(x: Value, constant: Constant) -> bool:
    """Whether a constant has one element per channel of `x`, and is spread over the positions."""
    base, order = x.turned()
    offset = len(x.shape) - len(constant.shape)
    if offset < 0 or constant.size != base.sample[0]:
        return False
    return all(size == 1 or order[offset + axis] == base.first for axis, size in enumerate(constant.shape))


def softmax(kind: str) -> Translate:
    def translate(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
        x = operands[0]
        if not isinstance(x, Value):
            return None
        rank = len(x.shape)
        flattened = bool(operator.attributes.get("flattened"))
        axis = axis_of(operator.attributes.get("axis", 1 if flattened else -1), rank)
        if flattened:  # before opset 13: over all axes from this one on
            wide = [place for place in range(axis, rank) if x.shape[place] != 1]
            if len(wide) > 1:
                return making.opaque(operator, operands, [x.shape], 0)
            axis = wide[0] if wide else axis
        base, order = x.turned()
        arguments = {}
        if len(base.sample) == 2 and order[axis] == base.first + 1:
            arguments["over"] = "positions"
        else:
            found = making.channels(x, axis, operator)
            if found is None:
                return making.opaque(operator, operands, [x.shape], 0)
            base, order = found
        row = making.append(operator, kind, [making.force(base)], arguments)
        return [making.turn(making.made(row.number, base), order, operator)]

    return translate


# -- joins -------------------------------------------------------------------------------------------------------------


def together(values: list[Value]) -> tuple[list[Value], tuple[int, ...]]:
    """The tensors behind values whose axes are in one order, with that order; else the values as they are."""
    orders = {value.turned()[1] for value in values}
    if len(orders) == 1 and len({value.turned()[0].batch for value in values}) == 1:
        return [value.turned()[0] for value in values], orders.pop()
    return values, tuple(range(len(values[0].shape)))


def narrow(values: list[Value]) -> list[Value]:
    """The values without repetitions along axes along which another has its own numbers: joins broadcast."""
    found = list(values)
    for place, value in enumerate(values):
        view = value.view
        if value.tensor is None and view is not None and view.kind == EXPANDED:
            others = [other.shape for other in found if other is not value]
            if broadcast([*others, view.of.shape]) == broadcast([*others, value.shape]):
                found[place] = view.of
    return found


def joined_behind(making: Making, operator: Operator, values: list[Value], kind: str) -> Value | None:
    """As `joined`, on the tensors behind views that look at them in the same way; None where they do not."""
    if all(making.far(value) is None for value in values):
        return None
    found = [each for value in values if (each := layout(value)) is not None and len(each.base.sample) <= MAX_AXES]
    if len(found) < len(values):
        return None
    first = found[0]
    if any(other.form != first.form or other.base.unrolled()[1] != first.base.unrolled()[1] for other in found[1:]):
        return None
    base, seen = making.rebuilding(first, operator)
    row = making.append(operator, kind, [making.force(other.base.unrolled()[0]) for other in found])
    return seen(making.made(row.number, base))


def joined(making: Making, operator: Operator, values: list[Value], kind: str) -> Value | None:
    """A row that joins tensors of equal rank element by element; None where their shapes do not let it."""
    ranks = {(len(value.shape), value.batch) for value in values}
    if len(ranks) > 1:
        return None
    far = joined_behind(making, operator, values, kind)
    if far is not None:
        return far
    bases, order = together(narrow(values))
    if any(len(base.sample) > 4 for base in bases):
        return None
    whole = broadcast([base.shape for base in bases])
    if kind != "subtract":  # a gate comes after what it gates, as in a spec
        bases.sort(key=lambda base: base.shape != whole)
    row = making.append(operator, kind, [making.force(base) for base in bases])
    return making.turn(making.made(row.number, Value(whole, any(base.batch for base in bases))), order, operator)


def combined(kind: str, alone: str, neutral: int) -> Translate:
    """The translation of Add or Mul: a join of tensors, and a row for every constant among them."""

    def translate(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
        values = [operand for operand in operands if isinstance(operand, Value)]
        constants = [operand for operand in operands if isinstance(operand, Constant)]
        if len(values) + len(constants) < len(operands):
            return making.pointwise(operator, operands)
        found: Value | None = values[0]
        if len(values) > 1:
            found = joined(making, operator, values, kind)
        for constant in constants:
            if found is None or number(making, constant) == neutral:
                making.ignored(constant)
                continue
            shape = broadcast([found.shape, constant.shape])
            found = with_constant(making, operator, found, alone, constant) if shape == found.shape else None
        return [found] if found is not None else making.pointwise(operator, operands)

    return translate


def subtract(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """`subtract`; of a number a negative `offset`, from one the negative, and an `offset`."""
    a, b, *_ = operands
    found: Value | None = None
    if isinstance(a, Value) and isinstance(b, Value):
        found = joined(making, operator, [a, b], "subtract")
    elif isinstance(a, Value) and isinstance(b, Constant):
        value = number(making, b)
        if value is not None:
            making.ignored(b)
            found = with_number(making, operator, a, "offset", -value) if value else a
    elif isinstance(b, Value) and isinstance(a, Constant):
        value = number(making, a)
        if value is not None:
            making.ignored(a)
            found = with_number(making, operator, b, "factor", -1.0)
            found = with_number(making, operator, found, "offset", value) if value else found
    return [found] if found is not None else making.pointwise(operator, operands)


def divide(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """A `factor`, where it is by a number."""
    a, b, *_ = operands
    value = number(making, b) if isinstance(b, Constant) else None
    if not isinstance(a, Value) or not value:
        return making.pointwise(operator, operands)
    making.ignored(b)
    return [with_number(making, operator, a, "factor", 1 / value) if value != 1 else a]


def negative(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    return [with_number(making, operator, x, "factor", -1.0)] if isinstance(x, Value) else None


MAX_POWER = 4


def power(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """A product with itself, where the exponent is a small whole number."""
    x, exponent, *_ = operands
    value = number(making, exponent) if isinstance(exponent, Constant) else None
    if not isinstance(x, Value) or value is None or value not in range(1, MAX_POWER + 1) or len(x.sample) > MAX_AXES:
        return making.pointwise(operator, operands)
    making.ignored(exponent)
    found = joined(making, operator, [x] * int(value), "multiply") if value > 1 else x
    return [found] if found is not None else making.pointwise(operator, operands)


def opaque(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    return making.pointwise(operator, operands)


def rewritten(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """What keeps the shape of its first operand and has no kind."""
    x = operands[0]
    return making.opaque(operator, operands, [x.shape], 0) if isinstance(x, (Value, Constant)) else None


OTHERS = [
    "Abs",
    "Acos",
    "Acosh",
    "And",
    "Asin",
    "Asinh",
    "Atan",
    "Atanh",
    "BitShift",
    "BitwiseAnd",
    "BitwiseNot",
    "BitwiseOr",
    "BitwiseXor",
    "Ceil",
    "Celu",
    "Cos",
    "Cosh",
    "Equal",
    "Erf",
    "Exp",
    "Floor",
    "Greater",
    "GreaterOrEqual",
    "IsInf",
    "IsNaN",
    "Less",
    "LessOrEqual",
    "Log",
    "Max",
    "Mean",
    "Min",
    "Mod",
    "Not",
    "Or",
    "Reciprocal",
    "Round",
    "Shrink",
    "Sign",
    "Sin",
    "Sinh",
    "Softsign",
    "Sqrt",
    "Tan",
    "ThresholdedRelu",
    "Where",
    "Xor",
]
"""Operators without a kind that work element by element: their results' shapes follow from their operands'."""

POINTWISE: dict[str, Translate] = {
    **dict.fromkeys(OTHERS, opaque),
    **dict.fromkeys(("ScatterND", "ScatterElements", "Scatter", "Trilu", "CumSum"), rewritten),
    **dict.fromkeys(("MeanVarianceNormalization", "Hardmax"), rewritten),
    "Relu": activation("relu"),
    "LeakyRelu": activation("leaky_relu", negative_slope=("alpha", 0.01)),
    "PRelu": prelu,
    "Elu": activation("elu", alpha=("alpha", 1.0)),
    "Selu": activation("selu", alpha=("alpha", 1.6732632), gamma=("gamma", 1.050701)),
    "Gelu": gelu,
    "Silu": activation("silu"),
    "Swish": swish,
    "Mish": activation("mish"),
    "Sigmoid": activation("sigmoid"),
    "HardSigmoid": activation("hard_sigmoid", alpha=("alpha", 0.2), beta=("beta", 0.5)),
    "HardSwish": activation("hard_swish"),
    "Tanh": activation("tanh"),
    "Softplus": activation("softplus", beta=("beta", 1.0)),
    "Softmax": softmax("softmax"),
    "LogSoftmax": softmax("log_softmax"),
    "Clip": clip,
    "Add": combined("add", "offset", 0),
    "Sum": combined("add", "offset", 0),
    "Sub": subtract,
    "Mul": combined("multiply", "factor", 1),
    "Div": divide,
    "Neg": negative,
    "Pow": power,
}
