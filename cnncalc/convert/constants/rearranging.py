"""Known tensors in another shape or order, parts and joins of them, and those that operators make from nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

from cnncalc.convert.constants.arithmetic import spread
from cnncalc.convert.constants.evaluator import (
    Evaluate,
    Evaluator,
    Made,
    Operands,
    attribute_or_operand,
    given,
    merged,
    needed,
    whole_list,
)
from cnncalc.convert.operators import FLOATS, Constant, Operator, Sizes
from cnncalc.convert.shapes import (
    axis_of,
    bad,
    broadcast,
    permutation,
    reshaped_sizes,
    sliced,
    split_sizes,
    squeezed_sizes,
    strides,
    unsqueezed_sizes,
)
from cnncalc.diagnostics import Fault
from cnncalc.geometry import dims


def taken(evaluator: Evaluator, x: Constant, axes: Sequence[Sequence[int]], shape: Iterable[int] | None = None) -> Made:
    """The tensor with the given places of every axis, in another shape if one is given."""
    sizes = tuple(len(places) for places in axes)
    steps = strides(x.shape)

    def compute() -> list[Any]:
        values = x.values or ()
        rows = [[place * step for place in places] for places, step in zip(axes, steps)]
        return [values[sum(place)] for place in product(*rows)]

    return [evaluator.make(sizes if shape is None else shape, x.dtype, [x], compute, repeats=True)]


def same_values(evaluator: Evaluator, x: Constant, shape: Iterable[int]) -> Made:
    made = evaluator.make(shape, x.dtype, [x], lambda: x.values or (), roots=x.roots, repeats=True)
    made.norm, made.held = x.norm, x.held
    return [made]


def identity(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    return [needed(operands, 0)]


def reshape(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x = needed(operands, 0)
    target = attribute_or_operand(operator, operands, "shape", 1) or []
    return same_values(evaluator, x, reshaped_sizes(x.shape, target, bool(operator.attributes.get("allowzero"))))


def normed(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    """A kernel that is normalised, per output channel, with a gain or without; its values are not worked out."""
    x, gain = needed(operands, 0), given(operands, 1)
    made = Constant(x.shape, x.dtype, None, x.roots | (gain.roots if gain is not None else {}))
    made.norm = str(operator.attributes["norm"])
    if gain is not None and made.norm == "standardize":
        made.norm = "standardize_gain"
    return [made]


def flatten(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x = needed(operands, 0)
    axis = operator.attributes.get("axis", 1)
    axis = axis if axis == len(x.shape) else axis_of(axis, len(x.shape))
    return same_values(evaluator, x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))


def squeeze(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x = needed(operands, 0)
    return same_values(evaluator, x, squeezed_sizes(x.shape, attribute_or_operand(operator, operands, "axes", 1)))


def unsqueeze(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x = needed(operands, 0)
    axes = attribute_or_operand(operator, operands, "axes", 1) or []
    return same_values(evaluator, x, unsqueezed_sizes(x.shape, axes))


def transpose(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x = needed(operands, 0)
    axes = permutation(operator, len(x.shape))
    steps = strides(x.shape)

    def compute() -> list[Any]:
        values = x.values or ()
        return [values[sum(at)] for at in product(*([p * steps[a] for p in range(x.shape[a])] for a in axes))]

    return [evaluator.make([x.shape[axis] for axis in axes], x.dtype, [x], compute, x.roots, True)]


def gather(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x, indices = needed(operands, 0), needed(operands, 1)
    axis = axis_of(operator.attributes.get("axis", 0), len(x.shape))
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    if indices.values is None:
        return [Constant(shape, x.dtype, roots=merged([x], math.prod(shape)))]
    chosen = [axis_of(int(index), x.shape[axis]) for index in indices.values]
    axes = [range(size) for size in x.shape]
    return taken(evaluator, x, [*axes[:axis], chosen, *axes[axis + 1 :]], shape)


def gather_places(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    """GatherND; with axes in common only the shape is followed."""
    x, indices = needed(operands, 0), needed(operands, 1)
    batch, depth = operator.attributes.get("batch_dims", 0), indices.shape[-1]
    if not 0 < batch + depth <= len(x.shape):
        raise bad(f"places of {dims(indices.shape)} are none in {dims(x.shape)}")
    shape = (*indices.shape[:-1], *x.shape[batch + depth :])
    if batch:
        return [Constant(shape, x.dtype, roots=x.roots)]
    steps = strides(x.shape)
    inner = math.prod(x.shape[depth:])

    def compute() -> list[Any]:
        found: list[Any] = []
        rows, values = indices.values or (), x.values or ()
        for row in range(0, len(rows), depth):
            at = rows[row : row + depth]
            start = sum(axis_of(int(place), size) * step for place, size, step in zip(at, x.shape, steps))
            found += values[start : start + inner]
        return found

    return [evaluator.make(shape, x.dtype, [x, indices], compute, x.roots)]


def scatter_places(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    """ScatterND: the tensor with other elements, or parts, at some places."""
    x, indices, updates = (needed(operands, place) for place in range(3))
    depth = indices.shape[-1]
    steps = strides(x.shape)
    inner = math.prod(x.shape[depth:])
    if not 0 < depth <= len(x.shape) or updates.size != indices.size // depth * inner:
        raise bad(f"{dims(updates.shape)} elements do not fit the places {dims(indices.shape)} of {dims(x.shape)}")
    if operator.attributes.get("reduction", "none") != "none":
        return rewritten(evaluator, operator, operands)

    def compute() -> list[Any]:
        found, rows, given = list(x.values or ()), indices.values or (), updates.values or ()
        for row in range(len(rows) // depth):
            at = rows[row * depth : (row + 1) * depth]
            start = sum(axis_of(int(place), size) * step for place, size, step in zip(at, x.shape, steps))
            found[start : start + inner] = given[row * inner : (row + 1) * inner]
        return found

    return [evaluator.make(x.shape, x.dtype, [x, indices, updates], compute, merged([x, updates], x.size))]


def slice_places(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    """The tensor with another in place of a part of it."""
    x, part = needed(operands, 0), needed(operands, 1)
    bounds = [whole_list(needed(operands, place), "the bounds of a part") for place in range(2, 6)]
    axes = sliced(x.shape, *bounds)
    steps = strides(x.shape)
    sizes = tuple([len(places) for places in axes])
    if broadcast([sizes, part.shape]) != sizes:
        raise bad(f"{dims(part.shape)} does not fit a part of {dims(sizes)}")

    def compute() -> list[Any]:
        found = list(x.values or ())
        rows = [[place * step for place in places] for places, step in zip(axes, steps)]
        for place, value in zip(product(*rows), spread(part, sizes)):
            found[sum(place)] = value
        return found

    return [evaluator.make(x.shape, x.dtype, [x, part], compute, merged([x, part], x.size))]


def roll(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x = needed(operands, 0)
    axes: list[Sequence[int]] = [range(size) for size in x.shape]
    for axis, shift in zip(operator.attributes["axes"], operator.attributes["shifts"]):
        size = x.shape[axis]
        axes[axis] = [(place - shift) % size for place in range(size)]
    return taken(evaluator, x, axes)


def rewritten(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    """What keeps the shape of its first operand: ScatterElements, Trilu, CumSum; the values are not worked out."""
    x = needed(operands, 0)
    return [Constant(x.shape, x.dtype, roots=merged(operands, x.size))]


def slice_(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x = needed(operands, 0)
    arguments = [
        attribute_or_operand(operator, operands, name, place)
        for place, name in enumerate(("starts", "ends", "axes", "steps"), 1)
    ]
    return taken(evaluator, x, sliced(x.shape, *arguments))


def concat(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    tensors = [needed(operands, place) for place in range(len(operands))]
    rank = len(tensors[0].shape)
    axis = axis_of(operator.attributes.get("axis", 0), rank)
    if any(len(tensor.shape) != rank for tensor in tensors):
        raise bad("tensors of different ranks are joined")
    others = {(*tensor.shape[:axis], *tensor.shape[axis + 1 :]) for tensor in tensors}
    if len(others) > 1:
        raise bad("the tensors that are joined differ off the axis")
    shape = (*tensors[0].shape[:axis], sum(tensor.shape[axis] for tensor in tensors), *tensors[0].shape[axis + 1 :])

    def compute() -> list[Any]:
        found: list[Any] = []
        before = math.prod(shape[:axis])
        for place in range(before):
            for tensor in tensors:
                each = len(tensor.values or ()) // before
                found += (tensor.values or ())[place * each : (place + 1) * each]
        return found

    roots: dict[str, int] = {}
    for tensor in tensors:
        for name, count in tensor.roots.items():
            roots[name] = roots.get(name, 0) + count
    return [evaluator.make(shape, tensors[0].dtype, tensors, compute, roots)]


def split(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x = needed(operands, 0)
    axis = axis_of(operator.attributes.get("axis", 0), len(x.shape))
    found: Made = []
    start = 0
    for size in split_sizes(operator, attribute_or_operand(operator, operands, "split", 1), x.shape[axis]):
        axes: list[Sequence[int]] = [range(length) for length in x.shape]
        axes[axis] = range(start, start + size)
        found += taken(evaluator, x, axes)
        start += size
    return found


def expand(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x = needed(operands, 0)
    target = whole_list(needed(operands, 1), "`shape`")
    shape = broadcast([x.shape, tuple(target)])
    if shape == x.shape:
        return [x]
    return [evaluator.make(shape, x.dtype, [x], lambda: spread(x, shape))]


def tile(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x, repeats = needed(operands, 0), whole_list(needed(operands, 1), "`repeats`")
    if len(repeats) != len(x.shape) or any(count < 0 for count in repeats):
        raise bad(f"a tensor of {dims(x.shape)} is repeated {repeats} times")
    shape = [size * count for size, count in zip(x.shape, repeats)]

    def compute() -> list[Any]:
        values = x.values or ()
        rows = [
            [place * step for place in range(size)] * n for size, step, n in zip(x.shape, strides(x.shape), repeats)
        ]
        return [values[sum(place)] for place in product(*rows)]

    return [evaluator.make(shape, x.dtype, [x], compute, x.roots, True)]


def constant_of_shape(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    """A tensor of equal numbers; of decimals it may be weights, so it counts as one that the source holds."""
    shape = whole_list(needed(operands, 0), "the shape")
    given = operator.attributes.get("value")
    value = given if isinstance(given, Constant) else Constant((1,), "float", (0.0,))
    if value.size != 1:
        raise bad(f"a tensor is filled with one number, not with {value.size}")
    size = math.prod(shape)
    roots = {operator.outputs[0]: size} if value.dtype in FLOATS and shape else {}
    return [evaluator.make(shape, value.dtype, [value], lambda: list(value.values or ()) * size, roots)]


def range_(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    ends = [needed(operands, place) for place in range(3)]
    if any(end.values is None for end in ends):
        raise bad("the ends of a range are not in the file")
    start, limit, step = [(end.values or ())[0] for end in ends]
    if step == 0:
        raise bad("a range has the step 0")
    count = max(0, math.ceil((limit - start) / step))
    return [evaluator.make((count,), ends[0].dtype, ends, lambda: [start + place * step for place in range(count)])]


def nonzero(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x = needed(operands, 0)
    if x.values is None:
        raise Fault("unsupported", "how many elements are not 0 is not known without the weights")
    found = [place for place, value in enumerate(x.values) if value]
    steps = strides(x.shape)
    rows = [[place // step % size for place in found] for step, size in zip(steps, x.shape)]
    shape = (len(x.shape), len(found))
    return [evaluator.make(shape, "int", [x], lambda: [place for row in rows for place in row])]


def constant(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    """The value of a Constant node, in any of its attributes."""
    name = operator.outputs[0]
    for key, value in operator.attributes.items():
        if isinstance(value, Constant):
            value.roots = {name: value.size}
            return [value]
        entries = list(value) if isinstance(value, tuple) else [value]
        shape = (len(entries),) if isinstance(value, tuple) else ()
        if key.startswith("value_float"):
            return [Constant(shape, "float", [float(entry) for entry in entries], {name: len(entries)})]
        if key.startswith("value_int"):
            return [Constant(shape, "int", entries, {name: len(entries)})]
        if key.startswith("value_string"):
            return [Constant(shape, "text", None, {})]
    raise Fault("unsupported", "the constant has no value that cnncalc reads")


def shape_of(operator: Operator, shape: Sizes) -> Constant:
    """The result of Shape on a tensor of this shape."""
    start, end = operator.attributes.get("start", 0), operator.attributes.get("end")
    values = shape[start:end]
    return Constant((len(values),), "int", values)


def shape(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    return [shape_of(operator, needed(operands, 0).shape)]


def size(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    return [Constant((), "int", (math.prod(needed(operands, 0).shape),))]


REARRANGING: dict[str, Evaluate] = {
    "Constant": constant,
    "ConstantOfShape": constant_of_shape,
    "Range": range_,
    "Shape": shape,
    "Size": size,
    "Identity": identity,
    "Dropout": identity,
    "Reshape": reshape,
    "torch.Normed": normed,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Transpose": transpose,
    "Gather": gather,
    "GatherND": gather_places,
    "ScatterND": scatter_places,
    "torch.SliceScatter": slice_places,
    "Roll": roll,
    **dict.fromkeys(("ScatterElements", "Scatter", "Trilu", "CumSum"), rewritten),
    "Slice": slice_,
    "Concat": concat,
    "Split": split,
    "Expand": expand,
    "Tile": tile,
    "NonZero": nonzero,
}
"""By operator, how it is evaluated."""
