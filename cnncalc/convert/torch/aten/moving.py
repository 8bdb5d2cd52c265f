"""What only moves data in ATen: shapes, axes, parts, padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.convert.constants.evaluator import MAX_VALUES
from cnncalc.convert.operators import Constant
from cnncalc.convert.torch.lowering import Given, Lower, Lowering, x_of
from cnncalc.convert.torch.program import NUMBERS, Tensor


def identity(low: Lowering, given: Given) -> None:
    low.emit("Identity", [low.operand(x_of(given))])


def cast(low: Lowering, given: Given) -> None:
    """Between numbers, whole numbers and truth values; how wide they are says nothing of a layer."""
    before, after = (low.exported.types.get(tensor, "float") for tensor in (x_of(given), low.output))
    if before == after or after not in NUMBERS:
        identity(low, given)
    else:
        low.emit("Cast", [low.operand(x_of(given))], None, to=NUMBERS[after])


def dropout(low: Lowering, given: Given) -> None:
    if given.get("train"):
        return low.unknown()
    low.emit("Dropout", [low.operand(x_of(given))], None, ratio=float(given.get("p", 0.5)))
    return None


def reshape(low: Lowering, given: Given) -> None:
    low.emit("Reshape", [low.operand(x_of(given)), low.ints(low.fixed(low.output))])


def expand(low: Lowering, given: Given) -> None:
    low.emit("Expand", [low.operand(x_of(given)), low.ints(low.fixed(low.output))])


def transposed(low: Lowering, x: Any, order: Sequence[int]) -> None:
    rank = len(low.shape(x))
    low.emit("Transpose", [low.operand(x)], None, perm=tuple([axis % rank for axis in order]))


def permute(low: Lowering, given: Given) -> None:
    transposed(low, x_of(given), given["dims"])


def exchange(first: str, second: str) -> Lower:
    def lower(low: Lowering, given: Given) -> None:
        rank = len(low.shape(x_of(given)))
        order = list(range(rank))
        a, b = given[first] % rank, given[second] % rank
        order[a], order[b] = b, a
        transposed(low, x_of(given), order)

    return lower


def movedim(low: Lowering, given: Given) -> None:
    """Some axes at other places; the rest in their order."""
    rank = len(low.shape(x_of(given)))
    source, destination = (
        [axis % rank for axis in (value if isinstance(value, list) else [value])]
        for value in (given["source"], given["destination"])
    )
    places = dict(zip(destination, source))
    rest = iter([axis for axis in range(rank) if axis not in source])
    transposed(low, x_of(given), [places[place] if place in places else next(rest) for place in range(rank)])


def turned(low: Lowering, given: Given) -> None:
    rank = len(low.shape(x_of(given)))
    transposed(low, x_of(given), list(range(rank))[::-1])


def concat(low: Lowering, given: Given) -> None:
    low.emit("Concat", low.tensors(given["tensors"]), None, axis=given.get("dim", 0))


def stack(low: Lowering, given: Given) -> None:
    """Each with an axis of one position more, and then one after the other."""
    rank = len(low.fixed(low.output))
    axis = given.get("dim", 0) % rank
    parts = [low.emit("Unsqueeze", [name, low.ints([axis])], [low.inner()]) for name in low.tensors(given["tensors"])]
    low.emit("Concat", parts, None, axis=axis)


def split(low: Lowering, given: Given) -> None:
    axis = given.get("dim", 0) % len(low.shape(x_of(given)))
    sizes = [low.fixed(output)[axis] for output in low.call.outputs]
    low.emit("Split", [low.operand(x_of(given)), low.ints(sizes)], low.call.outputs, axis=axis)


def unbind(low: Lowering, given: Given) -> None:
    """Single positions of an axis, which vanishes."""
    axis = given.get("dim", 0) % len(low.shape(x_of(given)))
    for place, output in enumerate(low.call.outputs):
        low.emit("Gather", [low.operand(x_of(given)), low.operand(place)], [output], axis=axis)


def slices(low: Lowering, given: Given) -> None:
    low.emit("Slice", [low.operand(x_of(given)), *low.bounds(given)])


def placed(low: Lowering, given: Given) -> None:
    low.emit("torch.SliceScatter", [low.operand(x_of(given)), low.operand(given["src"]), *low.bounds(given)])


def narrow(low: Lowering, given: Given) -> None:
    start, length = given["start"], given["length"]
    slices(low, {**given, "end": start + length})


def select(low: Lowering, given: Given) -> None:
    axis = given["dim"] % len(low.shape(x_of(given)))
    low.emit("Gather", [low.operand(x_of(given)), low.operand(given["index"])], None, axis=axis)


MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad(low: Lowering, given: Given) -> None:
    """ATen lists the last axis first."""
    pads, rank = list(given["pad"]), len(low.shape(x_of(given)))
    mode = MODES[given.get("mode", "constant")]
    pads += [0] * (2 * rank - len(pads))
    ordered = [*pads[::-1][1::2], *pads[::-1][0::2]]
    value = float(given.get("value") or 0.0)
    low.emit("Pad", [low.operand(x_of(given)), low.ints(ordered), low.operand(value)], None, mode=mode)


def pixels(low: Lowering, given: Given) -> None:
    low.emit("DepthToSpace", [low.operand(x_of(given))], None, blocksize=given["upscale_factor"], mode="CRD")


def rearranged(low: Lowering, given: Given, inner: Sequence[int], order: Sequence[int]) -> None:
    """Axes split, moved and joined again."""
    split = low.emit("Reshape", [low.operand(x_of(given)), low.ints(inner)], [low.inner()])
    moved = low.emit("Transpose", [split], [low.inner()], perm=tuple(order))
    low.emit("Reshape", [moved, low.ints(low.fixed(low.output))])


def unpixels(low: Lowering, given: Given) -> None:
    block, (batch, channels, *sizes) = given["downscale_factor"], low.shape(x_of(given))
    inner = [batch, channels, *[part for size in sizes for part in (size // block, block)]]
    places = range(len(sizes))
    rearranged(low, given, inner, [0, 1, *(3 + 2 * place for place in places), *(2 + 2 * place for place in places)])


def shuffle(low: Lowering, given: Given) -> None:
    groups, (batch, channels, *sizes) = given["groups"], low.shape(x_of(given))
    inner = [batch, groups, channels // groups, *sizes]
    rearranged(low, given, inner, [0, 2, 1, *range(3, len(inner))])


def roll(low: Lowering, given: Given) -> None:
    """Without axes all elements are rolled as if they were in one row."""
    shifts, axes = given["shifts"], given.get("dims") or []
    if len(shifts) != len(axes):
        return low.unknown()
    rank = len(low.shape(x_of(given)))
    found: dict[int, int] = {}
    for axis, shift in zip(axes, shifts):
        found[axis % rank] = found.get(axis % rank, 0) + shift
    low.emit("Roll", [low.operand(x_of(given))], None, axes=tuple(found), shifts=tuple(found.values()))
    return None


def index(low: Lowering, given: Given) -> None:
    """The places of one axis that a tensor of whole numbers says."""
    indices = given["indices"]
    axes = [axis for axis, entry in enumerate(indices) if entry is not None]
    if len(axes) != 1 or low.exported.types.get(indices[axes[0]]) != "int":
        return low.unknown()
    low.emit("Gather", [low.operand(x_of(given)), low.operand(indices[axes[0]])], None, axis=axes[0])
    return None


# -- made from nothing


def arange(low: Lowering, given: Given) -> None:
    """Whole numbers, or others, at equal distances."""
    start, step = given.get("start") or 0, given.get("step") or 1
    (count,) = low.fixed(low.output)
    kind = low.exported.types.get(low.output, "int")
    if count > MAX_VALUES or isinstance(start, Tensor) or isinstance(step, Tensor):
        return low.unknown()
    values = [start + place * step for place in range(count)]
    low.program.constants[low.output] = Constant((count,), kind, values)
    return None


def meshgrid(low: Lowering, given: Given) -> None:
    """For each of several rows a map on whose axis of the same number it is spread out."""
    if given.get("indexing") not in (None, "ij"):
        return low.unknown()
    rows = low.tensors(given["tensors"])
    for axis, (row, output) in enumerate(zip(rows, low.call.outputs)):
        sizes = low.fixed(output)
        shape = [size if place == axis else 1 for place, size in enumerate(sizes)]
        line = low.emit("Reshape", [row, low.ints(shape)], [low.inner()])
        low.emit("Expand", [line, low.ints(sizes)], [output])
    return None


def filled(value: float | None, key: str = "") -> Lower:
    """A tensor of equal numbers: this one, or what an argument says."""

    def lower(low: Lowering, given: Given) -> None:
        number = given[key] if value is None else value
        if isinstance(number, Tensor):
            return low.unknown()
        low.constants_of(low.output, number)
        return None

    return lower


def fill(low: Lowering, given: Given) -> None:
    """Every element becomes one number, which may be a tensor."""
    value = given["value"]
    if isinstance(value, Tensor):
        low.emit("Expand", [low.operand(value), low.ints(low.fixed(low.output))])
    else:
        low.constants_of(low.output, value)


def copied(low: Lowering, given: Given) -> None:
    """What is put in place of a tensor, and may be repeated."""
    low.emit("Expand", [low.operand(given["src"]), low.ints(low.fixed(low.output))])


def masked(low: Lowering, given: Given) -> None:
    low.emit("Where", [low.operand(given["mask"]), low.operand(given["value"]), low.operand(x_of(given))])
