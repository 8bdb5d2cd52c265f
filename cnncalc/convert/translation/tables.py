"""Tables of a bias that layers work out: from the coordinates of their elements, or from a learned table.

What a source does to the elements that it has gathered from a table is done to the table here: each operator becomes
a row, and the last one gives the table to the layer that takes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product
from math import isclose, prod
from typing import Any

from cnncalc.convert.constants.evaluator import EACH, FOLLOWED, RESHAPING
from cnncalc.convert.making import Making
from cnncalc.convert.operators import FLOATS, Constant, Derivation, Operator, Sizes
from cnncalc.convert.shapes import strides
from cnncalc.convert.translation.dense import project
from cnncalc.convert.translation.learned import is_whole, number
from cnncalc.convert.translation.pointwise import POINTWISE
from cnncalc.convert.translation.sliding import biased
from cnncalc.convert.values import Operand, Value
from cnncalc.records import NamedTuple

MOVING = FOLLOWED | RESHAPING | {"CastLike", "Concat", "DequantizeLinear"}
"""Operators whose results are the elements of what they take."""


class Table(NamedTuple):
    """How a table is worked out."""

    sizes: Sizes
    """Of its positions."""
    leaf: Constant
    """What it begins with."""
    is_coordinates: bool
    """Whether that are coordinates, not what is learned."""
    steps: list[Derivation]
    """What is done to it, in order: each takes the result before it as the first of its operands that is no number."""
    channels_first: bool
    """Whether its channels are before its positions in the source, not behind them."""


def worked_out(making: Making, table: Constant, sizes: Sizes, channels_first: bool) -> Table | None:
    """How a table is worked out, whose first or last axis is its channels, and the others its positions.

    None where it is worked out in some other way, or not at all.
    """
    steps: list[Derivation] = []
    found = table
    while (derivation := found.derivation) is not None and not are_coordinates(making, found, sizes, channels_first):
        inner = taken(derivation)
        if inner is None:
            return None
        channels = inner.size // prod(sizes)
        if not has_axis_of(channels, inner.shape, channels_first):
            return None
        if derivation.operator.kind in EACH:
            others = [operand for operand in derivation.operands if operand is not None and operand is not inner]
            own = None if channels_first else channels
            if not all(is_per_channel(making, other, own) for other in others):
                return None
            is_turned = inner is not derivation.operands[0]
            if derivation.operator.kind in ("Div", "Sub") and (is_turned or not all_numbers(making, others)):
                return None
        elif derivation.operator.kind in (("Conv",) if channels_first else ("MatMul", "Gemm")):
            if projection(making, derivation) is None:
                return None
        elif derivation.operator.kind not in RESHAPING:
            return None
        if derivation.operator.kind not in RESHAPING:
            steps.insert(0, derivation)
        found = inner
    if are_coordinates(making, found, sizes, channels_first):
        return Table(sizes, found, True, steps, channels_first)
    # a table that is learned begins with a number for each head, unless the source says that it is one
    unsaid = found.roots.keys() - making.program.learned
    if unsaid and steps[0].operator.kind not in EACH:
        return None
    if not is_whole(found) or found.roots.keys() & making.program.buffers:
        return None
    return Table(sizes, found, False, steps, channels_first)


def has_axis_of(channels: int, shape: Sizes, first: bool) -> bool:
    """Whether the channels are an axis of their own: the first one, after those of size 1, or the last."""
    if not first:
        return shape[-1:] == (channels,)
    return channels in shape and prod(shape[: shape.index(channels)]) == 1


def is_per_channel(making: Making, constant: Constant, channels: int | None) -> bool:
    """Whether a constant is one number, or learned, with one for each of so many channels."""
    return number(making, constant) is not None or (constant.shape == (channels,) and is_whole(constant))


def all_numbers(making: Making, others: list[Constant]) -> bool:
    """Whether constants are numbers that may be subtracted, or divided by."""
    return all(number(making, other) for other in others)


def is_moved(table: Constant) -> bool:
    """Whether a table is one that the source holds, whatever its shape: not worked out."""
    while (derivation := table.derivation) is not None:
        if derivation.operator.kind not in MOVING:
            return False
        inner = derivation.operands[0]
        assert inner is not None
        table = inner
    return True


def taken(derivation: Derivation) -> Constant | None:
    """The operand that an operator works on: the first one, or the one that is larger than all others."""
    operands = [operand for operand in derivation.operands if operand is not None]
    if derivation.operator.kind in EACH:
        operands.sort(key=lambda operand: -operand.size)
        if len(operands) > 1 and operands[0].size == operands[1].size:
            return None
    return operands[0] if operands else None


def are_coordinates(making: Making, constant: Constant, sizes: Sizes, channels_first: bool) -> bool:
    """Whether a constant holds, for each position of a map, a number per axis that grows along this axis alone.

    They are odd about the middle.  Where the source does not hold the numbers, the sizes decide.
    """
    rank = len(sizes)
    shape = (rank, *sizes) if channels_first else (rank,)
    if constant.dtype not in FLOATS or constant.size != rank * prod(sizes) or constant.shape[-len(shape) :] != shape:
        return False
    if constant.roots.keys() & making.program.learned:
        return False
    values = constant.values
    if values is None:
        return constant.derivation is None
    values = turned(values, sizes, channels_first)
    lines = [lines_of(values, sizes, axis) for axis in range(rank)]
    for axis, line in enumerate(lines):
        if any(a >= b for a, b in pairwise(line)):
            return False
        if not all(isclose(a, -b, rel_tol=1e-4, abs_tol=1e-6) for a, b in zip(line, reversed(line))):
            return False
        expected = [line[place[axis]] for place in product(*map(range, sizes))]
        if list(values[axis::rank]) != expected:
            return False
    return True


def turned(values: Sequence[Any], sizes: Sizes, channels_first: bool) -> Sequence[Any]:
    """The numbers of coordinates, all of a position together."""
    if not channels_first:
        return values
    count = prod(sizes)
    return [values[axis * count + place] for place in range(count) for axis in range(len(sizes))]


def lines_of(values: Sequence[Any], sizes: Sizes, axis: int) -> list[Any]:
    """The numbers of one axis along it, at the first position of the others."""
    step = strides(sizes)[axis]
    return [values[place * step * len(sizes) + axis] for place in range(sizes[axis])]


class Projection(NamedTuple):
    """A product with a constant matrix."""

    channels: int
    weights: dict[str, Constant]


def projection(making: Making, derivation: Derivation) -> Projection | None:
    """What a MatMul, a Gemm or a Conv multiplies the channels by; None where it does something else."""
    _, weight, bias = (*derivation.operands, None)[:3]
    attributes = derivation.operator.attributes
    if derivation.operator.kind == "Conv":  # one that multiplies channels, or it is not worked out
        assert weight is not None
        return Projection(weight.shape[0], {"weight": weight, **biased(making, bias, weight.shape[0])})
    if weight is None or len(weight.shape) != 2 or attributes.get("transA"):
        return None
    if attributes.get("alpha", 1.0) != 1 or attributes.get("beta", 1.0) != 1:
        return None
    channels = weight.shape[0 if attributes.get("transB") else 1]
    if bias is not None and bias.shape != (channels,):
        return None
    return Projection(channels, {"weight": weight, **biased(making, bias, channels)})


def rows_of(making: Making, operator: Operator, table: Table) -> int:
    """The graph tensor of a table, channels first, after rows that work it out."""
    leaf = table.leaf
    title = next(iter(leaf.roots), operator.title)
    if table.is_coordinates:
        tell(making, leaf, table, operator)
        tensor = making.append(operator, "coordinates", [], {"sizes": table.sizes}, None, title).number
        making.ignored(leaf)
    else:
        shape = (leaf.size // prod(table.sizes), *table.sizes)
        tensor = making.append(operator, "parameter", [], {"shape": shape}, {"weight": leaf}, title).number
    rank = len(table.sizes)
    value = Value(making.rows.graph.shapes[tensor], False, tensor)
    if not table.channels_first:
        value = making.turn(value, (*range(1, rank + 1), 0), operator)
    for step in table.steps:
        inner = taken(step)
        product = projection(making, step) if step.operator.kind not in EACH else None
        if product is not None:
            value = project(making, step.operator, value, 0 if table.channels_first else rank, *product)
            continue
        operands: list[Operand] = [value if operand is inner else operand for operand in step.operands]
        made = (POINTWISE[step.operator.kind](making, step.operator, operands) or [None])[0]
        assert isinstance(made, Value)
        value = made
    base, _ = value.turned()
    return making.force(base)


def tell(making: Making, leaf: Constant, table: Table, operator: Operator) -> None:
    """Note what is not certain about coordinates, or not kept."""
    values = leaf.values
    if values is None:
        making.account.note(
            f"the file does not hold the coordinates for the bias of {operator.name}: they are taken as such, whose "
            "sizes it has"
        )
        return
    sizes = table.sizes
    values = turned(values, sizes, table.channels_first)
    even = [2 * place / (size - 1) - 1 for size in sizes for place in range(size)]
    own = [value for axis in range(len(sizes)) for value in lines_of(values, sizes, axis)]
    if not all(isclose(a, b, rel_tol=1e-4, abs_tol=1e-6) for a, b in zip(own, even)):
        making.account.note(
            "biases by relative position are worked out from coordinates that are evenly spaced here, from -1 to 1, "
            "and have other numbers in the file"
        )
