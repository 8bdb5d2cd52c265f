"""Arithmetic on known numbers: element by element, and over axes; in the precision of their type."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from itertools import product
from typing import Any

from cnncalc.convert.constants.evaluator import (
    Evaluate,
    Evaluator,
    Made,
    Operands,
    attribute_or_operand,
    given,
    needed,
    within,
)
from cnncalc.convert.operators import Constant, Operator, Sizes
from cnncalc.convert.shapes import bad, broadcast, reduced, strides
from cnncalc.diagnostics import Fault


def spread(constant: Constant, shape: Sizes) -> list[Any]:
    """The values of a tensor, broadcast to `shape`."""
    values = list(constant.values or ())
    if constant.shape == shape:
        return values
    if len(values) == 1:
        return values * math.prod(shape)
    own = (1,) * (len(shape) - len(constant.shape)) + constant.shape
    steps = strides(own)
    axes = [[place * step if size > 1 else 0 for place in range(long)] for size, step, long in zip(own, steps, shape)]
    return [values[sum(place)] for place in product(*axes)]


def fitted(value: Any, dtype: str) -> Any:
    """A result in the precision of its type."""
    if dtype == "float":
        try:
            return struct.unpack("<f", struct.pack("<f", value))[0]
        except OverflowError:
            return math.copysign(math.inf, value)
    return int(value) if dtype == "int" else value


SIGNED = ("Div", "Pow", "Reciprocal")
"""Operators that tell zeros apart by their sign, which are equal."""


def pointwise(function: Callable[..., Any], dtype: str | None = None) -> Evaluate:
    """The evaluation of an operator that works element by element; `dtype` is the result's, else the operands'."""

    def evaluate(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
        tensors = [operand for operand in operands if operand is not None]
        shape = broadcast([tensor.shape for tensor in tensors])
        own = tensors[-1].dtype if operator.kind == "Where" else tensors[0].dtype
        result = dtype or own

        def compute() -> list[Any]:
            rows = list(zip(*(spread(tensor, shape) for tensor in tensors)))
            different = rows if operator.kind in SIGNED else set(rows)
            evaluator.spend(len(different))
            found = [fitted(function(*row), result) for row in different]
            if result == "int":
                within(found)
            if different is rows:
                return found
            known = dict(zip(different, found))
            return [known[row] for row in rows]

        return [evaluator.make(shape, result, tensors, compute, repeats=True)]

    return evaluate


def divide(a: Any, b: Any) -> Any:
    """Whole numbers are cut towards zero, as in C."""
    if isinstance(a, int):
        if b == 0:
            raise bad("a whole number is divided by 0")
        quotient, rest = divmod(a, b)
        return quotient + 1 if quotient < 0 and rest else quotient
    return a * math.copysign(math.inf, b) if b == 0 else a / b


def power(a: Any, b: Any) -> Any:
    if isinstance(a, int) and isinstance(b, int):
        if abs(a) > 1 and b > 64:
            raise Fault("too-large", f"{a}**{b} is beyond 64 bits")
        if a == 0 and b < 0:
            raise bad("a whole number is divided by 0")
        return a**b
    is_odd = b % 2 == 1
    if a == 0 and b < 0:
        return math.copysign(math.inf, a) if is_odd else math.inf
    if a < 0 and is_odd:  # its sign stays where it is too large, too
        return -power(-a, b)
    return real(lambda: float(a) ** float(b))


def real(function: Callable[[], Any]) -> float:
    """A decimal result; not a number where there is no real one, infinite where it is too large (IEEE 754)."""
    try:
        value = function()
    except (ValueError, ZeroDivisionError):
        return math.nan
    except OverflowError:
        return math.inf
    return math.nan if isinstance(value, complex) else value


def decimal(function: Callable[[float], float]) -> Evaluate:
    return pointwise(lambda a: real(lambda: function(a)))


def logarithm(a: float) -> float:
    return math.log(a) if a else -math.inf


def half_even(a: float) -> float:
    return float(round(a)) if math.isfinite(a) else a


def modulo(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    fmod = operator.attributes.get("fmod", 0)

    def function(a: Any, b: Any) -> Any:
        if b == 0:
            raise bad("a number is divided by 0")
        return math.fmod(a, b) if fmod else a % b

    return pointwise(function)(evaluator, operator, operands)


def clip(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x = needed(operands, 0)
    bounds: list[float] = []
    for place, (name, default) in enumerate((("min", -math.inf), ("max", math.inf)), 1):
        bound = given(operands, place)
        if bound is not None and bound.values is None:
            return [Constant(x.shape, x.dtype, roots=x.roots)]
        bounds.append(bound.values[0] if bound is not None and bound.values else operator.attributes.get(name, default))
    low, high = bounds
    return [evaluator.make(x.shape, x.dtype, [x], lambda: [min(max(value, low), high) for value in x.values or ()])]


DTYPES = {1: "float", 10: "float", 16: "float", 11: "double", 9: "bool", 8: "text"}


def cast(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x = needed(operands, 0)
    like = given(operands, 1)
    dtype = like.dtype if like is not None else DTYPES.get(operator.attributes["to"], "int")
    if dtype == "text" or x.dtype == "text":
        raise Fault("unsupported", "a text is made from numbers, or numbers from a text")

    def compute() -> list[Any]:
        if dtype == "bool":
            return [bool(value) for value in x.values or ()]
        if dtype == "int":
            return [int(value) for value in x.values or ()]
        return [fitted(float(value), dtype) for value in x.values or ()]

    return [evaluator.make(x.shape, dtype, [x], compute, roots=x.roots)]


def dequantize(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    """Whole numbers that stand for weights: their tensor is the weight, scale and zero point are constants."""
    x = needed(operands, 0)
    return [Constant(x.shape, "float", roots=x.roots)]


def reduce(function: Callable[[list[Any]], Any]) -> Evaluate:
    """The evaluation of a reduction over axes."""

    def evaluate(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
        x = needed(operands, 0)
        axes = attribute_or_operand(operator, operands, "axes", 1)
        if not axes and operator.attributes.get("noop_with_empty_axes"):
            return [x]
        rank = len(x.shape)
        over, shape = reduced(x.shape, axes, operator.attributes.get("keepdims") != 0)
        inner = [1 if axis in over else size for axis, size in enumerate(x.shape)]
        steps = strides(x.shape)

        def compute() -> list[Any]:
            values = x.values or ()
            offsets = [sum(at) for at in product(*([p * steps[a] for p in range(x.shape[a])] for a in sorted(over)))]
            starts = [sum(at) for at in product(*([p * steps[a] for p in range(inner[a])] for a in range(rank)))]
            return [fitted(function([values[s + o] for o in offsets]), x.dtype) for s in starts]

        return [evaluator.make(shape, x.dtype, [x], compute)]

    return evaluate


def _sign(value: Any) -> Any:
    return type(value)((value > 0) - (value < 0))


ARITHMETIC: dict[str, Evaluate] = {
    "Cast": cast,
    "CastLike": cast,
    "DequantizeLinear": dequantize,
    "Clip": clip,
    "Mod": modulo,
    "Add": pointwise(lambda a, b: a + b),
    "Sub": pointwise(lambda a, b: a - b),
    "Mul": pointwise(lambda a, b: a * b),
    "Div": pointwise(divide),
    "Pow": pointwise(power),
    "Min": pointwise(lambda *row: min(row)),
    "Max": pointwise(lambda *row: max(row)),
    "Sum": pointwise(lambda *row: sum(row)),
    "Neg": pointwise(lambda a: -a),
    "Abs": pointwise(abs),
    "Sign": pointwise(_sign),
    "Sqrt": decimal(math.sqrt),
    "Exp": decimal(math.exp),
    "Log": decimal(logarithm),
    "Reciprocal": pointwise(lambda a: divide(1.0, a)),
    "Floor": pointwise(lambda a: float(math.floor(a)) if math.isfinite(a) else a),
    "Ceil": pointwise(lambda a: float(math.ceil(a)) if math.isfinite(a) else a),
    "Round": pointwise(half_even),
    "Equal": pointwise(lambda a, b: a == b, "bool"),
    "Less": pointwise(lambda a, b: a < b, "bool"),
    "LessOrEqual": pointwise(lambda a, b: a <= b, "bool"),
    "Greater": pointwise(lambda a, b: a > b, "bool"),
    "GreaterOrEqual": pointwise(lambda a, b: a >= b, "bool"),
    "And": pointwise(lambda a, b: bool(a and b), "bool"),
    "Or": pointwise(lambda a, b: bool(a or b), "bool"),
    "Not": pointwise(lambda a: not a, "bool"),
    "Where": pointwise(lambda chosen, a, b: a if chosen else b),
    "ReduceSum": reduce(sum),
    "ReduceProd": reduce(math.prod),
    "ReduceMax": reduce(max),
    "ReduceMin": reduce(min),
    "ReduceMean": reduce(lambda row: sum(row) / len(row)),
}
"""By operator, how it is evaluated."""
