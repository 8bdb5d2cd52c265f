"""Products of two tensors as matrices: `matmul`, where they are ones of channels and positions."""

from __future__ import annotations

from cnncalc.convert.layout import Layout, layout
from cnncalc.convert.making import Making
from cnncalc.convert.operators import Operator, Sizes
from cnncalc.convert.rows import MAX_AXES
from cnncalc.convert.values import Value
from cnncalc.records import NamedTuple


class Matrices(NamedTuple):
    """A tensor as matrices of channels by positions, one per group of channels."""

    found: Layout
    groups: int
    turned: bool
    """Whether its rows are the positions."""


def matrices(value: Value) -> list[Matrices]:
    """In which order the last two axes of a value are channels and positions; both, where there is one of either."""
    found = layout(value)
    if found is None or not 2 <= len(found.base.sample) <= MAX_AXES:
        return []
    first, channels = found.base.first, found.channels
    positions = [factor for factor in found.order if found.owners[factor] > first]
    before = [factor for axis in found.axes[:-2] for factor in axis if found.owners[factor] >= first]
    groups = channels[: len(before)]
    rows, columns = found.axes[-2:]
    if before != groups:
        return []
    rest = channels[len(before) :]
    ways = [(False, rest, positions), (True, positions, rest)]
    return [Matrices(found, found.size(groups), turned) for turned, *own in ways if [rows, columns] == own]


def product(making: Making, operator: Operator, a: Value, b: Value) -> Value | None:
    """The row of a product of two tensors as matrices; None where they are none of channels and positions."""
    pairs = [(left, right) for left in matrices(a) for right in matrices(b) if left.groups == right.groups]
    same = [(left, right) for left, right in pairs if left.found.base.batch == right.found.base.batch]
    if not same:
        return None
    left, right = same[0]
    exchanged = left.turned and right.turned
    first, second = (right, left) if exchanged else (left, right)
    over = "none" if exchanged or first.turned == second.turned else "channels" if first.turned else "positions"
    tensors = [making.force(each.found.base) for each in (first, second)]
    names = tuple([making.rows.graph.tensor_name(tensor) for tensor in tensors])
    arguments = {"tensors": names, "over": over, "groups": left.groups}
    row = making.append(operator, "matmul", tensors, arguments)
    return grouped(making, operator, row.number, left, exchanged, (*a.shape[:-1], b.shape[-1]))


def grouped(making: Making, operator: Operator, tensor: int, like: Matrices, turned: bool, shape: Sizes) -> Value:
    """The result of a product in the shape that the source gives it: groups first, then rows and columns."""
    made = Layout(making.made(tensor, like.found.base))
    base = made.base
    channels = made.channels
    before: list[int] = []
    if like.groups > 1:
        if channels and made.sizes[channels[0]] > like.groups:
            outer, inner = made.split(channels[0], like.groups)
            before, channels = [outer], [inner]
        else:
            before, channels = channels, []
    positions = [factor for factor in made.order if made.owners[factor] > base.first]
    batch = made.of(0) if base.batch else []
    made.axes = [batch, before, positions, channels] if turned else [batch, before, channels, positions]
    return making.shape(making.arranged(made, operator), shape, operator)
