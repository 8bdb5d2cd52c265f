"""Constants that a layer adds, multiplies by, or joins to a tensor: `offset`, `factor`, `parameter`."""

from __future__ import annotations

from typing import Any

from cnncalc.convert.making import Making, products_in
from cnncalc.convert.operators import Constant, Operator
from cnncalc.convert.values import Value, inverse
from cnncalc.geometry import AXES


def spread(x: Value, constant: Constant) -> Any:
    """Along which of the graph's axes a constant has values of its own, as fields say it; None where it does not fit.

    The result has the shape of `x`, and every sample has the same.
    """
    base, order = x.turned()
    offset = len(x.shape) - len(constant.shape)
    names = ("channels", *AXES.get(len(base.sample) - 1, ()))
    if len(names) != len(base.sample):
        return None
    own = []
    for axis, size in enumerate(constant.shape):
        place = order[offset + axis] - base.first
        if size != 1 and (place < 0 or size != x.shape[offset + axis]):
            return None
        if size != 1:
            own.append(place)
    chosen = tuple([names[place] for place in sorted(own)])
    wide = tuple([name for name, size in zip(names, base.sample) if size != 1])
    if len(chosen) < 2:
        return chosen[0] if chosen else "one"
    return "all" if chosen == wide else "positions" if chosen == names[1:] else chosen


def number(making: Making, constant: Constant) -> float | None:
    """The value of a constant that is one number, and is not learned."""
    learned = constant.roots.keys() & making.program.learned
    if constant.size != 1 or learned or constant.values is None or constant.dtype in ("text", "bool"):
        return None
    return float(constant.values[0])


def is_whole(constant: Constant) -> bool:
    """Whether a constant has just the elements of the source's tensors that it is made from, or of one of them.

    What products of matrices work out has not, whatever its size.
    """
    counts = constant.roots.values()
    return bool(counts) and constant.size in (sum(counts), *counts) and not products_in(constant)


def with_number(making: Making, operator: Operator, x: Value, kind: str, value: float) -> Value:
    """A row that adds one number to every element, or multiplies by it."""
    base, seen = making.front(x, operator)
    row = making.append(operator, kind, [making.force(base)], {"axes": "one", "value": value})
    return seen(making.made(row.number, base))


def with_constant(making: Making, operator: Operator, x: Value, kind: str, constant: Constant) -> Value | None:
    """A row that adds a constant, or multiplies by it: a number, or what counts as learned; None where it is neither.

    A factor per channel is a `layer_scale`.
    """
    value = number(making, constant)
    if value is not None:
        making.ignored(constant)
        return with_number(making, operator, x, kind, value)
    axes = spread(x, constant)
    if axes is None or not is_whole(constant):
        return None
    arguments: dict[str, Any] = {"axes": axes}
    if kind == "factor" and axes == "channels":
        kind, arguments = "layer_scale", {}
    base, order = x.turned()
    weights = {"bias" if kind == "offset" else "weight": constant}
    row = making.append(operator, kind, [making.force(base)], arguments, weights)
    return making.turn(making.made(row.number, base), order, operator)


def parameter(making: Making, operator: Operator, constant: Constant, like: Value) -> Value | None:
    """A row that is a constant, with the axes of `like` in the graph's order; None where that cannot be."""
    base, order = like.turned()
    if not is_whole(constant):
        return None
    sizes = [constant.shape[axis] for axis in inverse(order)]
    shape = tuple(sizes[1:] if base.batch else sizes)
    if base.batch and sizes[0] != 1:
        return None
    row = making.append(operator, "parameter", [], {"shape": shape}, {"weight": constant})
    return making.turn(making.made(row.number, base), order, operator)
