"""What only moves data: most of it is no row but a view, until something needs the tensor as it is."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from cnncalc.convert.building import Translate
from cnncalc.convert.layout import Layout, layout
from cnncalc.convert.making import Making, unsupported
from cnncalc.convert.operators import Operator, Sizes
from cnncalc.convert.rows import MAX_AXES
from cnncalc.convert.shapes import (
    axis_of,
    broadcast,
    permutation,
    reshaped_sizes,
    squeezed_sizes,
    unsqueezed_sizes,
)
from cnncalc.convert.values import SHAPED, TURNED, Operand, Value, inverse
from cnncalc.diagnostics import Fault
from cnncalc.geometry import Pads
from cnncalc.records import NamedTuple


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
        even = len(set(amount)) == 1 and not isinstance(amount[0], tuple)  # one pair would be an amount per axis
        arguments: dict[str, Any] = {"amount": amount[0] if even else tuple(amount)}
        if self.channels != (0, 0):
            arguments["channels"] = self.channels
        mode = "zeros" if self.mode == "constant" and self.value == 0 else self.mode
        arguments["mode"] = mode
        if mode == "constant":
            arguments["value"] = self.value
        return "pad", arguments


# -- reshaping ---------------------------------------------------------------------------------------------------------


def reshape(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value):
        return None
    target = making.numbers(operator, operands, "shape", 1)
    if target is None:
        raise Fault("bad-model", "a Reshape needs a shape")
    shape = reshaped_sizes(x.shape, target, bool(operator.attributes.get("allowzero")))
    found = recognised(making, x, shape, operator) or gathered_blocks(making, x, shape, operator)
    return [found or making.straightened(making.shape(x, shape, operator), operator)]


def recognised(making: Making, x: Value, shape: Sizes, operator: Operator) -> Value | None:
    """The result of a Reshape that ends a shuffle of channels, or a move of channels to blocks of positions."""
    turned = x.view
    if turned is None or turned.kind != TURNED or x.tensor is not None or len(turned.of.shape) < 4:
        return None
    split = turned.of.view
    if split is None or split.kind != SHAPED or turned.of.tensor is not None:
        return None
    base = split.of
    if not (base.batch and turned.of.batch and x.batch):
        return None
    source, inner, order = base.sample, turned.of.sample, [axis - 1 for axis in turned.argument[1:]]
    sample = shape[1:] if shape[:1] == (making.batch,) else ()
    made = shuffled(source, inner, order, sample) or blocks(source, inner, order, sample)
    if made is None:
        return None
    kind, arguments = made
    row = making.append(operator, kind, [making.force(base)], arguments)
    return making.made(row.number, base)


def shuffled(source: Sizes, inner: Sizes, order: list[int], result: Sizes) -> tuple[str, dict[str, Any]] | None:
    """channel_shuffle: channels as groups x each, these two exchanged, and back.

    The positions may be one axis or several meanwhile.
    """
    if result != source or inner[0] * inner[1] != source[0]:
        return None
    return ("channel_shuffle", {"groups": inner[0]}) if order == [1, 0, *range(2, len(inner))] else None


def blocks(source: Sizes, inner: Sizes, order: list[int], result: Sizes) -> tuple[str, dict[str, Any]] | None:
    """depth_to_space, in both orders of channels: the split channels are `inner`, and behind them the positions."""
    rank = len(source) - 1
    if inner[rank + 1 :] != source[1:]:
        return None
    for how, first, sizes in (("crd", 0, inner[1 : rank + 1]), ("dcr", rank, inner[:rank])):
        behind = 1 if how == "crd" else 0
        pairs = [axis for place in range(rank) for axis in (rank + 1 + place, behind + place)]
        wide = (inner[first], *(size * sizes[0] for size in source[1:]))
        if order == [first, *pairs] and len(set(sizes)) == 1 and result == wide:
            return "depth_to_space", {"block": sizes[0], "order": how}
    return None


def gathered_blocks(making: Making, x: Value, shape: Sizes, operator: Operator) -> Value | None:
    """The result of a Reshape that ends a move of blocks to the channels, axis by axis, wherever the channels are.

    None where it ends something else.
    """
    if x.tensor is not None or x.view is None or x.view.kind != TURNED:
        return None
    found = layout(making.shape(x, shape, operator))
    if found is None or not found.base.batch or found.base.tensor is None or len(found.base.shape) != len(shape):
        return None
    channels, first = found.channels, found.base.first
    wide = next((axis for axis in found.axes if channels and channels[0] in axis), [])
    rest = [factor for factor in wide if factor not in channels]
    before = wide == [*rest, *channels]
    if not channels or not rest or (not before and wide != [*channels, *rest]):
        return None
    owners = [found.owners[factor] for factor in rest]
    inner = dict(zip(owners, rest))
    places = range(first + 1, len(shape))
    outer = {owner: [factor for factor in found.of(owner) if factor not in rest] for owner in places}
    order = {0: [], first: wide, **outer}
    ends = all(found.of(owner)[-1] == factor for owner, factor in inner.items())
    if len(inner) < len(rest) or not ends or sorted(map(tuple, found.axes)) != sorted(map(tuple, order.values())):
        return None
    runs: list[list[int]] = []
    for owner in owners:
        if runs and runs[-1][-1] < owner:
            runs[-1].append(owner)
        else:
            runs.append([owner])
    tensor = making.force(found.base)
    for run in reversed(runs) if before else runs:
        block = compact([found.sizes[inner[owner]] if owner in run else 1 for owner in places])
        arguments = {"block": block, "order": "dcr" if before else "crd"}
        tensor = making.append(operator, "space_to_depth", [tensor], arguments).number
    axes, left = [], dict(order)
    for axis in found.axes:
        owner = next(owner for owner, own in left.items() if own == axis)
        del left[owner]
        axes.append(owner)
    return making.turn(making.made(tensor, found.base), tuple(axes), operator)


def flatten(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value):
        return None
    rank, axis = len(x.shape), operator.attributes.get("axis", 1)
    axis = axis if axis == rank else axis_of(axis, rank)
    return [making.shape(x, (prod(x.shape[:axis]), prod(x.shape[axis:])), operator)]


def squeeze(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value):
        return None
    shape = squeezed_sizes(x.shape, making.numbers(operator, operands, "axes", 1))
    return [making.straightened(making.shape(x, shape, operator), operator)]


def unsqueeze(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value):
        return None
    axes = making.numbers(operator, operands, "axes", 1) or []
    return [making.straightened(making.shape(x, unsqueezed_sizes(x.shape, axes), operator), operator)]


def transpose(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value):
        return None
    axes = permutation(operator, len(x.shape))
    if making.batch > 1 and x.batch and axes[0] != 0:
        raise unsupported("the batch is no longer the first axis", "export the model with a batch of 1")
    return [making.straightened(making.turn(x, axes, operator), operator)]


def expand(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value):
        return None
    target = tuple(making.numbers(operator, operands, "shape", 1) or ())
    shape = broadcast([x.shape, target])
    if shape == x.shape:
        return [x]
    same_rank = len(shape) == len(x.shape) and not (x.batch and shape[0] != x.shape[0])
    return [making.expand(x, shape, operator)] if same_rank else making.opaque(operator, [x], [shape], 0)


# -- padding and blocks ------------------------------------------------------------------------------------------------

MODES = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


def pad(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value):
        return None
    rank = len(x.shape)
    given = making.numbers(operator, operands, "pads", 1) or []
    value = (making.decimals(operator, operands, "value", 2) or [0.0])[0]
    axes = making.numbers(operator, operands, "axes", 3) or list(range(rank))
    if len(given) != 2 * len(axes):
        raise Fault("bad-model", f"`pads` has {len(given)} entries for {len(axes)} axes")
    both: list[Pads] = [(0, 0)] * rank
    for axis, before, after in zip(axes, given, given[len(axes) :]):
        both[axis_of(axis, rank)] = (before, after)
    whole = tuple([size + before + after for size, (before, after) in zip(x.shape, both)])
    if not any(map(any, both)):
        return [x]
    mode = MODES.get(operator.attributes.get("mode", "constant"))
    base, order = x.turned()
    ours = [both[axis] for axis in inverse(order)]
    first = base.first
    cropped = any(side < 0 for pads in ours for side in pads)
    if mode is None or len(base.sample) > 4 or len(base.sample) < 2 or (base.batch and any(ours[0])):
        return making.opaque(operator, [x], [whole], 0)
    if cropped:
        padded = any(side > 0 for pads in ours for side in pads)
        if min(ours[first]) < 0 or (padded and mode != "constant"):
            return making.opaque(operator, [x], [whole], 0)
        cuts = tuple([(max(-before, 0), max(-after, 0)) for before, after in ours[first + 1 :]])
        base = making.made(making.append(operator, "crop", [making.force(base)], {"amount": cuts}).number, base)
        if not padded:
            return [making.turn(base, order, operator)]
        ours = [(max(before, 0), max(after, 0)) for before, after in ours]
    if any(ours[first]) and mode != "constant":
        return making.opaque(operator, [x], [whole], 0)
    padding = Padding(ours[first], tuple(ours[first + 1 :]), mode, value)
    shape = tuple([size + before + after for size, (before, after) in zip(base.shape, ours)])
    return [making.turn(making.pad(base, padding, shape, operator), order, operator)]


def blocked(kind: str) -> Translate:
    def translate(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
        x = operands[0]
        if not isinstance(x, Value):
            return None
        order = "dcr" if kind == "space_to_depth" else str(operator.attributes.get("mode") or "DCR").lower()
        arguments = {"block": operator.attributes.get("blocksize", 0), "order": order}
        return [making.made(making.append(operator, kind, [making.force(x)], arguments).number, x)]

    return translate


# -- no rows -----------------------------------------------------------------------------------------------------------


def passed(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """What changes no number that counts: the tensor itself."""
    for operand in operands[1:]:
        making.ignored(operand)
    return [operands[0]]


def dropout(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value):
        return None
    rate = (making.decimals(operator, operands, "ratio", 1) or [0.5])[0]
    if rate == 0:
        return [x]
    base, seen = making.front(x, operator)
    row = making.append(operator, "dropout", [making.force(base)], {"rate": rate})
    return [seen(making.made(row.number, base))]


def roll(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """A view of the tensor behind, where the axes are whole ones of it; else of the tensor as it is."""
    x = operands[0]
    if not isinstance(x, Value):
        return None
    for value in (x, Value(x.shape, x.batch, None, x.view)):
        if value is not x and len(x.sample) <= MAX_AXES:
            value.tensor = making.force(x)
        found = layout(value)
        shifts = behind(found, operator) if found is not None and len(found.base.sample) <= MAX_AXES else None
        if found is not None and shifts is not None:
            found.base = making.roll(found.base, shifts, operator)
            return [making.arranged(found, operator)]
    return making.opaque(operator, [x], [x.shape], 0)


def behind(found: Layout, operator: Operator) -> Sizes | None:
    """By how many places the axes of the tensor behind a view are rolled; None where they are no whole axes there."""
    shifts = [0] * len(found.base.shape)
    for axis, shift in zip(operator.attributes["axes"], operator.attributes["shifts"]):
        own = found.axes[axis_of(axis, len(found.axes))]
        if own:
            owner = found.owners[own[0]]
            if own != found.of(owner) or owner < found.base.first:
                return None
            shifts[owner] = shift
    return tuple(shifts)


MOVING: dict[str, Translate] = {
    "Reshape": reshape,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Transpose": transpose,
    "Expand": expand,
    "Pad": pad,
    "DepthToSpace": blocked("depth_to_space"),
    "SpaceToDepth": blocked("space_to_depth"),
    "Identity": passed,
    "Cast": passed,
    "CastLike": passed,
    "QuantizeLinear": passed,
    "DequantizeLinear": passed,
    "Dropout": dropout,
    "Roll": roll,
}
