"""What only moves data: most of it is no row but a view, until something needs the tensor as it is."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

from cnncalc.convert.building import Builder, Translate, unsupported
from cnncalc.convert.constants import (
    axis_of,
    broadcast,
    permutation,
    reshaped_sizes,
    split_sizes,
    squeezed_sizes,
    unsqueezed_sizes,
)
from cnncalc.convert.operators import Constant, Operator, Sizes
from cnncalc.convert.values import SHAPED, TURNED, Operand, Parts, Value
from cnncalc.diagnostics import Fault
from cnncalc.geometry import Pads, dims


def compact(values: Sequence[Any]) -> Any:
    """One value where all axes have the same, else one per axis."""
    return values[0] if len(set(values)) == 1 else tuple(values)


class Padding(NamedTuple):
    """What a Pad puts around a tensor in the graph's axes."""

    channels: Pads
    pads: tuple[Pads, ...]
    mode: str
    value: float

    def row(self) -> tuple[str, dict[str, Any]]:
        """Kind and arguments of the row that it is where no layer takes it in."""
        amount = [before if before == after else (before, after) for before, after in self.pads]
        arguments: dict[str, Any] = {"amount": amount[0] if len(set(amount)) == 1 else tuple(amount)}
        if len(amount) == 1 and isinstance(amount[0], tuple):
            arguments["amount"] = tuple(amount)
        if self.channels != (0, 0):
            arguments["channels"] = self.channels
        mode = "zeros" if self.mode == "constant" and self.value == 0 else self.mode
        arguments["mode"] = mode
        if mode == "constant":
            arguments["value"] = self.value
        return "pad", arguments


# -- reshaping ---------------------------------------------------------------------------------------------------------


def reshape(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value):
        return None
    target = builder.numbers(operator, operands, "shape", 1)
    if target is None:
        raise Fault("bad-model", "a Reshape needs a shape")
    shape = reshaped_sizes(x.shape, target, bool(operator.attributes.get("allowzero")))
    return [recognised(builder, x, shape, operator) or builder.shape(x, shape, operator)]


def recognised(builder: Builder, x: Value, shape: Sizes, operator: Operator) -> Value | None:
    """The result of a Reshape that ends a shuffle of channels or a move of blocks between channels and positions."""
    turned = x.view
    if turned is None or turned.kind != TURNED or x.tensor is not None or len(turned.of.shape) < 4:
        return None
    split = turned.of.view
    if split is None or split.kind != SHAPED or turned.of.tensor is not None:
        return None
    base = split.of
    if not (base.batch and turned.of.batch and x.batch) or (base.view is not None and base.tensor is None):
        return None
    source, inner, order = base.sample, turned.of.sample, [axis - 1 for axis in turned.argument[1:]]
    sample = shape[1:] if shape[:1] == (builder.batch,) else ()
    made = shuffled(source, inner, order, sample) or blocks(source, inner, order, sample)
    if made is None:
        return None
    kind, arguments = made
    row = builder.append(operator, kind, [builder.force(base)], arguments)
    return builder.made(row.number, base)


def shuffled(source: Sizes, inner: Sizes, order: list[int], result: Sizes) -> tuple[str, dict[str, Any]] | None:
    """channel_shuffle: channels as groups x each, these two exchanged, and back.

    The positions may be one axis or several meanwhile.
    """
    if result != source or len(inner) < 2 or inner[0] * inner[1] != source[0]:
        return None
    return ("channel_shuffle", {"groups": inner[0]}) if order == [1, 0, *range(2, len(inner))] else None


def blocks(source: Sizes, inner: Sizes, order: list[int], result: Sizes) -> tuple[str, dict[str, Any]] | None:
    """depth_to_space and space_to_depth, in both orders of channels."""
    rank = len(source) - 1
    if rank < 1 or len(result) != rank + 1 or len(inner) != 2 * rank + 1:
        return None
    places = range(rank)
    if inner[rank + 1 :] == source[1:] and order == [0, *(axis for p in places for axis in (rank + 1 + p, 1 + p))]:
        found = "depth_to_space", "crd", inner[1 : rank + 1]
    elif inner[rank + 1 :] == source[1:] and order == [rank, *(a for p in places for a in (rank + 1 + p, p))]:
        found = "depth_to_space", "dcr", inner[:rank]
    elif inner[0] == source[0] and order == [0, *(2 + 2 * p for p in places), *(1 + 2 * p for p in places)]:
        found = "space_to_depth", "crd", inner[2::2]
    elif inner[0] == source[0] and order == [*(2 + 2 * p for p in places), 0, *(1 + 2 * p for p in places)]:
        found = "space_to_depth", "dcr", inner[2::2]
    else:
        return None
    kind, how, sizes = found
    block = sizes[0]
    if len(set(sizes)) != 1:
        return None
    wide = source[0] // block**rank if kind == "depth_to_space" else source[0] * block**rank
    widths = [size * block if kind == "depth_to_space" else size // block for size in source[1:]]
    # the split must be exact, and the result must put every pair of axes together again
    exact = prod(inner) == prod(source) and (kind == "depth_to_space" or list(inner[1::2]) == widths)
    return (kind, {"block": block, "order": how}) if result == (wide, *widths) and exact else None


def flatten(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value):
        return None
    rank, axis = len(x.shape), operator.attributes.get("axis", 1)
    axis = axis if axis == rank else axis_of(axis, rank)
    return [builder.shape(x, (prod(x.shape[:axis]), prod(x.shape[axis:])), operator)]


def squeeze(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value):
        return None
    return [builder.shape(x, squeezed_sizes(x.shape, builder.numbers(operator, operands, "axes", 1)), operator)]


def unsqueeze(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value):
        return None
    axes = builder.numbers(operator, operands, "axes", 1) or []
    return [builder.shape(x, unsqueezed_sizes(x.shape, axes), operator)]


def transpose(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value):
        return None
    axes = permutation(operator, len(x.shape))
    if builder.batch > 1 and x.batch and axes[0] != 0:
        raise unsupported("the batch is no longer the first axis", "export the model with a batch of 1")
    return [builder.turn(x, axes, operator)]


def expand(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value):
        return None
    target = tuple(builder.numbers(operator, operands, "shape", 1) or ())
    shape = broadcast([x.shape, target])
    return [x] if shape == x.shape else builder.opaque(operator, [x], [shape], 0)


# -- parts and joins ---------------------------------------------------------------------------------------------------


def concat(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """`concat`, where the axis is the channels of all."""
    values = [operand for operand in operands if isinstance(operand, Value)]
    rank = len(values[0].shape)
    axis = axis_of(operator.attributes.get("axis", 0), rank)
    shapes = [operand.shape for operand in operands if isinstance(operand, (Value, Constant))]
    if len({(*shape[:axis], *shape[axis + 1 :]) for shape in shapes if len(shape) == rank}) != 1:
        raise Fault("bad-model", f"{' and '.join(map(dims, shapes[:4]))} cannot be joined on axis {axis}")
    size = sum(shape[axis] for shape in shapes)
    whole = (*shapes[0][:axis], size, *shapes[0][axis + 1 :])
    batches = {value.batch for value in values}
    orders = {value.turned()[1] for value in values}
    if len(values) < len(operands) or len(batches) > 1 or (axis == 0 and values[0].batch):
        return builder.opaque(operator, operands, [whole], 0)
    order = orders.pop() if len(orders) == 1 else tuple(range(rank))
    bases = [value.turned()[0] if order != tuple(range(rank)) else value for value in values]
    if order[axis] != bases[0].first or len(bases[0].sample) > 4:
        return builder.opaque(operator, operands, [whole], 0)
    if len(bases) == 1:
        return [values[0]]
    row = builder.append(operator, "concat", [builder.force(base) for base in bases])
    return [builder.turn(builder.made(row.number, bases[0]), order, operator)]


def split(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value):
        return None
    axis = axis_of(operator.attributes.get("axis", 0), len(x.shape))
    for operand in operands[1:]:
        if operand is not None and not isinstance(operand, Constant):
            raise unsupported("the sizes of the parts are computed from the network's input")
    known = [operand if isinstance(operand, Constant) else None for operand in operands]
    sizes = split_sizes(operator, known, x.shape[axis])
    found: list[Operand] = []
    start = 0
    for name, size in zip(operator.outputs, sizes):
        found.append(part(builder, operator, x, axis, range(start, start + size)) if name else None)
        start += size
    return found


def slices(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value):
        return None
    starts = builder.numbers(operator, operands, "starts", 1)
    ends = builder.numbers(operator, operands, "ends", 2)
    if starts is None or ends is None:
        raise Fault("bad-model", "a Slice needs `starts` and `ends`")
    axes = builder.numbers(operator, operands, "axes", 3) or list(range(len(starts)))
    steps = builder.numbers(operator, operands, "steps", 4) or [1] * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise Fault("bad-model", "`starts`, `ends`, `axes` and `steps` of a Slice do not fit together")
    value = x
    for start, end, axis, step in zip(starts, ends, axes, steps):
        at = axis_of(axis, len(x.shape))
        value = part(builder, operator, value, at, range(value.shape[at])[start:end:step])
    return [value]


def part(builder: Builder, operator: Operator, x: Value, axis: int, places: range) -> Value:
    """The given places of one axis: a slice of the channels, or positions that are cropped or strided."""
    if places == range(x.shape[axis]):
        return x
    whole = (*x.shape[:axis], len(places), *x.shape[axis + 1 :])
    base, order = x.turned()
    at = order[axis]
    if len(places) == 0:
        raise Fault("empty-output", f"nothing is left of axis {axis} of {dims(x.shape)}")
    if places.step < 1 or at < base.first or len(base.sample) > 4 or (at == base.first and places.step > 1):
        found = builder.opaque(operator, [x], [whole], 0)[0]
        assert isinstance(found, Value)
        return found
    if at == base.first:
        row = builder.append(operator, "slice", [builder.force(base)], {"channels": (places.start, places[-1] + 1)})
        return builder.turn(builder.made(row.number, base), order, operator)
    rank, place = len(base.sample) - 1, at - base.first - 1
    tensor = builder.force(base)
    cut = (places.start, x.shape[axis] - 1 - places[-1] if places.step == 1 else 0)
    if any(cut):
        amount = tuple([cut if other == place else 0 for other in range(rank)])
        tensor = builder.append(operator, "crop", [tensor], {"amount": amount}).number
    if places.step > 1:
        # a window of one position is that position; its stride leaves out the others
        stride = compact([places.step if other == place else 1 for other in range(rank)])
        tensor = builder.append(operator, "max_pool", [tensor], {"kernel": 1, "stride": stride}).number
        left = builder.rows.graph.shapes[tensor][1 + place] - len(places)
        if left:
            amount = tuple([(0, left) if other == place else 0 for other in range(rank)])
            tensor = builder.append(operator, "crop", [tensor], {"amount": amount}).number
    return builder.turn(builder.made(tensor, base), order, operator)


def gather(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """One place of an axis, which is dropped, or neighbouring ones."""
    x, indices = operands[0], operands[1]
    if not isinstance(x, Value) or not isinstance(indices, Constant):
        return None
    axis = axis_of(operator.attributes.get("axis", 0), len(x.shape))
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    values = indices.values
    if values is None or indices.dtype != "int":
        return builder.opaque(operator, [x], [shape], 0)
    chosen = [axis_of(int(value), x.shape[axis]) for value in values]
    if not chosen or (x.batch and axis == 0) or chosen != list(range(chosen[0], chosen[0] + len(chosen))):
        return builder.opaque(operator, [x], [shape], 0)
    taken = part(builder, operator, x, axis, range(chosen[0], chosen[-1] + 1))
    return [builder.shape(taken, shape, operator)]


# -- padding and blocks ------------------------------------------------------------------------------------------------

MODES = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


def pad(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value):
        return None
    rank = len(x.shape)
    given = builder.numbers(operator, operands, "pads", 1) or []
    value = (builder.decimals(operator, operands, "value", 2) or [0.0])[0]
    axes = builder.numbers(operator, operands, "axes", 3) or list(range(rank))
    if len(given) != 2 * len(axes):
        raise Fault("bad-model", f"`pads` has {len(given)} entries for {len(axes)} axes")
    both: list[Pads] = [(0, 0)] * rank
    for place, axis in enumerate(axes):
        both[axis_of(axis, rank)] = (given[place], given[place + len(axes)])
    whole = tuple([size + before + after for size, (before, after) in zip(x.shape, both)])
    if not any(map(any, both)):
        return [x]
    mode = MODES.get(operator.attributes.get("mode", "constant"))
    base, order = x.turned()
    ours: list[Pads] = [(0, 0)] * rank
    for place, amount in enumerate(both):
        ours[order[place]] = amount
    first = base.first
    cropped = any(side < 0 for pads in ours for side in pads)
    if mode is None or len(base.sample) > 4 or len(base.sample) < 2 or (base.batch and any(ours[0])):
        return builder.opaque(operator, [x], [whole], 0)
    if cropped:
        if any(side > 0 for pads in ours for side in pads) or any(ours[first]):
            return builder.opaque(operator, [x], [whole], 0)
        cuts = tuple([(-before, -after) for before, after in ours[first + 1 :]])
        row = builder.append(operator, "crop", [builder.force(base)], {"amount": cuts})
        return [builder.turn(builder.made(row.number, base), order, operator)]
    if any(ours[first]) and mode != "constant":
        return builder.opaque(operator, [x], [whole], 0)
    padding = Padding(ours[first], tuple(ours[first + 1 :]), mode, value)
    shape = tuple([size + before + after for size, (before, after) in zip(base.shape, ours)])
    return [builder.turn(builder.pad(base, padding, shape, operator), order, operator)]


def blocked(kind: str) -> Translate:
    def translate(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
        x = operands[0]
        if not isinstance(x, Value):
            return None
        order = "dcr" if kind == "space_to_depth" else str(operator.attributes.get("mode") or "DCR").lower()
        arguments = {"block": operator.attributes.get("blocksize", 0), "order": order}
        return [builder.made(builder.append(operator, kind, [builder.force(x)], arguments).number, x)]

    return translate


# -- no rows -----------------------------------------------------------------------------------------------------------


def passed(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """What changes no number that counts: the tensor itself."""
    for operand in operands[1:]:
        builder.ignored(operand)
    return [operands[0]]


def dropout(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value):
        return None
    base, order = x.turned()
    rate = (builder.decimals(operator, operands, "ratio", 1) or [0.5])[0]
    row = builder.append(operator, "dropout", [builder.force(base)], {"rate": rate})
    return [builder.turn(builder.made(row.number, base), order, operator)]


def sequence(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """SplitToSequence: parts of equal size, or of given ones."""
    x = operands[0]
    if not isinstance(x, Value):
        return None
    axis = axis_of(operator.attributes.get("axis", 0), len(x.shape))
    size = x.shape[axis]
    given = builder.numbers(operator, operands, "split", 1)
    if given is None or not operator.attributes.get("keepdims", 1):
        return None
    scalar = isinstance(operands[1], Constant) and operands[1].shape == ()
    if scalar:
        if given[0] < 1:
            raise Fault("bad-model", f"parts of size {given[0]}")
        given = [min(given[0], size - start) for start in range(0, size, given[0])]
    if sum(given) != size or min(given) < 1:
        raise Fault("bad-model", f"an axis of size {size} is split into {given[:20]}")
    starts = [sum(given[:place]) for place in range(len(given))]
    return [Parts([part(builder, operator, x, axis, range(s, s + n)) for s, n in zip(starts, given)])]


def element(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """SequenceAt."""
    parts, place = operands[0], builder.numbers(operator, operands, "position", 1)
    if not isinstance(parts, Parts) or not place:
        return None
    return [parts.values[axis_of(place[0], len(parts.values))]]


def joined(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """ConcatFromSequence."""
    parts = operands[0]
    if not isinstance(parts, Parts) or operator.attributes.get("new_axis"):
        return None
    return concat(builder, operator, list(parts.values))


MOVING: dict[str, Translate] = {
    "Reshape": reshape,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Transpose": transpose,
    "Expand": expand,
    "Concat": concat,
    "Split": split,
    "Slice": slices,
    "Gather": gather,
    "Pad": pad,
    "DepthToSpace": blocked("depth_to_space"),
    "SpaceToDepth": blocked("space_to_depth"),
    "Identity": passed,
    "Cast": passed,
    "CastLike": passed,
    "QuantizeLinear": passed,
    "DequantizeLinear": passed,
    "Dropout": dropout,
    "SplitToSequence": sequence,
    "SequenceAt": element,
    "ConcatFromSequence": joined,
}
