"""What works element by element: activations, joins of equal shapes, and factors per channel."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, isclose
from typing import Any

from cnncalc.convert.building import Builder, Translate
from cnncalc.convert.constants import axis_of
from cnncalc.convert.operators import Constant, Operator
from cnncalc.convert.values import Operand, Value
from cnncalc.layers import KINDS


def row_on(
    builder: Builder,
    operator: Operator,
    x: Value,
    kind: str,
    arguments: Mapping[str, Any] | None = None,
    weights: Mapping[str, Constant] | None = None,
) -> Value:
    """A row that keeps the shape, on the tensor behind `x`, whatever the order of the axes."""
    base, order = x.turned()
    row = builder.append(operator, kind, [builder.force(base)], arguments, weights)
    return builder.turn(builder.made(row.number, base), order, operator)


def near(kind: str, name: str, value: float) -> float:
    """A constant, or the default of the kind's field where it is that in 32 bits."""
    default = KINDS[kind].defaults.get(name)
    return default if isinstance(default, float) and isclose(value, default, rel_tol=1e-6) else value


def activation(kind: str, **fields: tuple[str, float]) -> Translate:
    """The translation of an activation; `fields` give for each field ONNX's attribute and its default there."""

    def translate(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
        x = operands[0]
        if not isinstance(x, Value):
            return None
        arguments = {
            field: near(kind, field, float(operator.attributes.get(name, default)))
            for field, (name, default) in fields.items()
        }
        return [row_on(builder, operator, x, kind, arguments)]

    return translate


def gelu(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    how = operator.attributes.get("approximate") or "none"
    return [row_on(builder, operator, x, "gelu", {"approximate": how})] if isinstance(x, Value) else None


def swish(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value) or operator.attributes.get("alpha", 1.0) != 1.0:
        return builder.pointwise(operator, operands)
    return [row_on(builder, operator, x, "silu")]


def clip(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """relu6 and relu; other bounds have no kind."""
    x = operands[0]
    if not isinstance(x, Value):
        return None
    if any(isinstance(operand, Value) for operand in operands[1:]):
        return builder.opaque(operator, operands, [x.shape], 0)
    low = (builder.decimals(operator, operands, "min", 1) or [-inf])[0]
    high = (builder.decimals(operator, operands, "max", 2) or [inf])[0]
    if low == 0 and (high == 6 or high >= 3e38):
        return [row_on(builder, operator, x, "relu6" if high == 6 else "relu")]
    if low <= -3e38 and high >= 3e38:
        return [x]
    return builder.opaque(operator, [x], [x.shape], 0)


def prelu(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x, slope = operands[0], operands[1]
    if not isinstance(x, Value) or not isinstance(slope, Constant):
        return builder.pointwise(operator, operands)
    if slope.size == 1 or per_channel(x, slope):
        return [row_on(builder, operator, x, "prelu", {"slopes": slope.size}, {"weight": slope})]
    return builder.pointwise(operator, operands)


def per_channel(x: Value, constant: Constant) -> bool:
    """Whether a constant has one element per channel of `x`, and is spread over the positions."""
    base, order = x.turned()
    offset = len(x.shape) - len(constant.shape)
    if offset < 0 or constant.size != base.sample[0]:
        return False
    return all(size == 1 or order[offset + axis] == base.first for axis, size in enumerate(constant.shape))


def softmax(kind: str) -> Translate:
    def translate(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
        x = operands[0]
        if not isinstance(x, Value):
            return None
        rank = len(x.shape)
        flattened = bool(operator.attributes.get("flattened"))
        axis = axis_of(operator.attributes.get("axis", 1 if flattened else -1), rank)
        if flattened:  # before opset 13: over all axes from this one on
            wide = [place for place in range(axis, rank) if x.shape[place] != 1]
            if len(wide) > 1:
                return builder.opaque(operator, operands, [x.shape], 0)
            axis = wide[0] if wide else axis
        found = builder.channels(x, axis, operator)
        if found is None:
            return builder.opaque(operator, operands, [x.shape], 0)
        base, order = found
        row = builder.append(operator, kind, [builder.force(base)])
        return [builder.turn(builder.made(row.number, base), order, operator)]

    return translate


# -- joins -------------------------------------------------------------------------------------------------------------


def together(values: list[Value]) -> tuple[list[Value], tuple[int, ...]]:
    """The tensors behind values whose axes are in one order, with that order; else the values as they are."""
    orders = {value.turned()[1] for value in values}
    if len(orders) == 1 and len({value.turned()[0].batch for value in values}) == 1:
        return [value.turned()[0] for value in values], orders.pop()
    return values, tuple(range(len(values[0].shape)))


def add(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """`add` of equal shapes; a constant offset and a broadcast sum have no kind."""
    values = [operand for operand in operands if isinstance(operand, Value)]
    if (
        len(values) == 1
        and len(operands) > 1
        and all(neutral(operand, 0) for operand in operands if operand not in values)
    ):
        for operand in operands:
            builder.ignored(operand)
        return [values[0]]
    shapes = {value.shape for value in values}
    if len(values) < len(operands) or len(shapes) > 1 or len({value.batch for value in values}) > 1:
        return builder.pointwise(operator, operands)
    if len(values) == 1:
        return [values[0]]
    bases, order = together(values)
    row = builder.append(operator, "add", [builder.force(base) for base in bases])
    return [builder.turn(builder.made(row.number, bases[0]), order, operator)]


def multiply(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """`multiply` of tensors of equal rank, `layer_scale` by a constant per channel."""
    values = [operand for operand in operands if isinstance(operand, Value)]
    constants = [operand for operand in operands if isinstance(operand, Constant)]
    if len(values) == len(constants) == 1:
        x, constant = values[0], constants[0]
        if neutral(constant, 1):
            builder.ignored(constant)
            return [x]
        if constant.size > 1 and per_channel(x, constant):
            return [row_on(builder, operator, x, "layer_scale", {}, {"weight": constant})]
        return builder.pointwise(operator, operands)
    ranks = {(len(value.shape), value.batch) for value in values}
    if constants or len(ranks) > 1 or len(values) < 2:
        return builder.pointwise(operator, operands)
    bases, order = together(values)
    if any(len(base.sample) > 4 for base in bases):
        return builder.pointwise(operator, operands)
    row = builder.append(operator, "multiply", [builder.force(base) for base in bases])
    return [builder.turn(builder.made(row.number, bases[0]), order, operator)]


def neutral(operand: Operand, number: int) -> bool:
    """Whether a constant is one number that changes nothing."""
    return (
        isinstance(operand, Constant)
        and operand.size == 1
        and operand.values is not None
        and operand.values[0] == number
    )


def unchanged(number: int) -> Translate:
    """The translation of Sub or Div: nothing where it is by the number that changes nothing, else opaque."""

    def translate(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
        if isinstance(operands[0], Value) and neutral(operands[1], number):
            builder.ignored(operands[1])
            return [operands[0]]
        return builder.pointwise(operator, operands)

    return translate


def opaque(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    return builder.pointwise(operator, operands)


def rewritten(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """What keeps the shape of its first operand and has no kind."""
    x = operands[0]
    return builder.opaque(operator, operands, [x.shape], 0) if isinstance(x, (Value, Constant)) else None


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
    "Neg",
    "Not",
    "Or",
    "Pow",
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
    **dict.fromkeys(("MeanVarianceNormalization", "RMSNormalization", "Hardmax"), rewritten),
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
    "Softplus": activation("softplus"),
    "Softmax": softmax("softmax"),
    "LogSoftmax": softmax("log_softmax"),
    "Clip": clip,
    "Add": add,
    "Sum": add,
    "Sub": unchanged(0),
    "Mul": multiply,
    "Div": unchanged(1),
}
