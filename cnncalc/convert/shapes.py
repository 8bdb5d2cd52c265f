"""The shapes that operators give, from those that they take and their arguments alone.

Both what is evaluated away and what becomes rows is shaped here; nothing knows a layer or a constant's values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from cnncalc.convert.operators import Operator, Sizes
from cnncalc.diagnostics import Fault
from cnncalc.geometry import dims


def bad(message: str) -> Fault:
    return Fault("bad-model", message)


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the front; raises `Fault` where there is none."""
    if not -rank <= axis < rank:
        raise bad(f"there is no axis {axis} among {rank}")
    return axis % rank


def broadcast(shapes: Sequence[Sizes]) -> Sizes:
    """The shape of a pointwise result, by NumPy's rule; raises `Fault`."""
    rank = max(map(len, shapes), default=0)
    found = []
    for place in range(rank):
        sizes = {shape[place - rank + len(shape)] for shape in shapes if place - rank + len(shape) >= 0}
        wide = sizes - {1}
        if len(wide) > 1:
            listed = " and ".join(dims(shape) or "a scalar" for shape in shapes)
            raise bad(f"{listed} do not go together")
        found.append(wide.pop() if wide else 1)
    return tuple(found)


def strides(shape: Sizes) -> list[int]:
    """Elements between neighbours along each axis."""
    found = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        found[axis] = found[axis + 1] * shape[axis + 1]
    return found


def reshaped_sizes(source: Sizes, target: Sequence[int], allow_zero: bool = False) -> Sizes:
    """The shape that Reshape gives: 0 keeps a size, -1 is inferred; raises `Fault` where it does not fit."""
    total = math.prod(source)
    sizes = []
    for axis, size in enumerate(target):
        kept = size == 0 and not allow_zero
        if kept and axis >= len(source):
            raise bad(f"the new shape {list(target)} keeps axis {axis} of {dims(source)}")
        sizes.append(source[axis] if kept else size)
    if sizes.count(-1) > 1 or any(size < -1 for size in sizes):
        raise bad(f"the new shape {list(target)} is none")
    if -1 in sizes:
        known = -math.prod(sizes)
        if known == 0 or total % known:
            raise bad(f"the {total:,} elements of {dims(source)} do not fit the new shape {list(target)}")
        sizes[sizes.index(-1)] = total // known
    if math.prod(sizes) != total:
        raise bad(f"the {total:,} elements of {dims(source)} do not fit the new shape {list(target)}")
    return tuple(sizes)


def squeezed_sizes(shape: Sizes, axes: Sequence[int] | None) -> Sizes:
    """The shape without the given axes of size 1, or without all of them."""
    if axes is None:
        return tuple(size for size in shape if size != 1)
    gone = {axis_of(axis, len(shape)) for axis in axes}
    if any(shape[axis] != 1 for axis in gone):
        raise bad(f"an axis of {dims(shape)} that is dropped is not of size 1")
    return tuple(size for axis, size in enumerate(shape) if axis not in gone)


def unsqueezed_sizes(shape: Sizes, axes: Sequence[int]) -> Sizes:
    """The shape with axes of size 1 at the given places of the result."""
    rank = len(shape) + len(axes)
    new = {axis_of(axis, rank) for axis in axes}
    rest = iter(shape)
    if len(new) != len(axes):
        raise bad(f"the axes {list(axes)} are inserted twice")
    return tuple(1 if axis in new else next(rest) for axis in range(rank))


def permutation(operator: Operator, rank: int) -> tuple[int, ...]:
    """The axes of a Transpose: reversed where none are given; raises `Fault` where they are no permutation."""
    axes = operator.attributes.get("perm") or tuple(range(rank))[::-1]
    if sorted(axes) != list(range(rank)):
        raise bad(f"the axes {list(axes)} are no order of {rank} axes")
    return tuple(axes)


def sliced(
    shape: Sizes,
    starts: Sequence[int] | None,
    ends: Sequence[int] | None,
    axes: Sequence[int] | None,
    steps: Sequence[int] | None,
) -> list[range]:
    """The places of every axis that a Slice keeps; raises `Fault`."""
    if starts is None or ends is None:
        raise bad("a slice needs `starts` and `ends`")
    axes = range(len(starts)) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise bad("`starts`, `ends`, `axes` and `steps` have different lengths")
    found = [range(size) for size in shape]
    for start, end, axis, step in zip(starts, ends, axes, steps):
        if step == 0:
            raise bad("a slice has the step 0")
        place = axis_of(axis, len(shape))
        found[place] = range(shape[place])[start:end:step]
    return found


def split_sizes(operator: Operator, sizes: Sequence[int] | None, size: int) -> Sequence[int]:
    """The sizes of the parts that a Split makes of an axis, given or equal; raises `Fault`."""
    if sizes is None:
        count = operator.attributes.get("num_outputs") or len(operator.outputs)
        each = -(-size // count)
        sizes = [max(0, min(each, size - place * each)) for place in range(count)]
    if sum(sizes) != size or any(part < 0 for part in sizes) or len(sizes) < len(operator.outputs):
        raise bad(f"an axis of size {size} is split into {list(sizes[:20])}")
    return sizes


def reduced(shape: Sizes, axes: Sequence[int] | None, keep: bool) -> tuple[set[int], Sizes]:
    """The axes over which a reduction goes (all, where none are given), and the shape of its result."""
    rank = len(shape)
    over = {axis_of(axis, rank) for axis in axes or range(rank)}
    return over, tuple([1 if axis in over else size for axis, size in enumerate(shape) if keep or axis not in over])


def product_sizes(a: Sizes, b: Sizes) -> Sizes:
    """The shape of a matrix product, by NumPy's rule; raises `Fault`."""
    if not a or not b:
        raise Fault("bad-model", "a single number is no matrix")
    if a[-1] != b[-2:][0]:
        raise Fault("bad-model", f"{dims(a)} cannot be multiplied by {dims(b)}")
    return (*broadcast([a[:-2], b[:-2]]), *a[:-1][-1:], *b[1:][-1:])  # rows of a and columns of b, if they have any
