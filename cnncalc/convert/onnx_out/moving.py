"""Layers that move data, resample it, or join branches, in ONNX."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from cnncalc.convert.onnx_out.operators import (
    elementwise,
    mix,
    padded,
    reduced,
    reshaped,
    scalar,
    sliced,
    take,
    transposed,
)
from cnncalc.graph import Node
from cnncalc.layers.windows import per_axis

if TYPE_CHECKING:
    from fractions import Fraction

    from cnncalc.convert.onnx_out.model import Writer


def flatten(w: Writer, node: Node, x: str) -> None:
    """All in one axis, or all positions."""
    if len(node.operation.output) == 1:
        w.op("Flatten", [x], node.operation.output, axis=1)
    else:
        reshaped(w, x, node.operation.output)


def reshape(w: Writer, node: Node, x: str) -> None:
    reshaped(w, x, node.operation.output)


def permute(w: Writer, node: Node, x: str) -> None:
    layer: Any = node.operation.layer
    w.op("Transpose", [x], node.operation.output, perm=[0, *(axis + 1 for axis in layer.axes)])


def channel_shuffle(w: Writer, node: Node, x: str) -> None:
    layer: Any = node.operation.layer
    channels, *sizes = w.shapes[x]
    x = reshaped(w, x, (layer.groups, channels // layer.groups, *sizes))
    x = transposed(w, x, [1, 0, *range(2, len(sizes) + 2)])
    reshaped(w, x, (channels, *sizes))


def slice_(w: Writer, node: Node, x: str) -> None:
    layer: Any = node.operation.layer
    axis = 1 if layer.over == "positions" else 0
    start, stop = layer.bounds(w.shapes[x][axis])
    sliced(w, x, [axis], [start], [stop])


def pad(w: Writer, node: Node, x: str) -> None:
    """Added channels hold the constant whatever the mode."""
    layer: Any = node.operation.layer
    pads = [(axis.before, axis.after) for axis in node.operation.reach]  # type: ignore[union-attr]
    value = layer.value if layer.mode == "constant" else 0.0
    if layer.mode in ("zeros", "constant"):
        padded(w, x, [tuple(layer.channels), *pads], layer.mode, value)
    else:
        x = padded(w, x, [(0, 0), *pads], layer.mode)
        padded(w, x, [tuple(layer.channels), *((0, 0) for _ in pads)], "zeros")


def crop(w: Writer, node: Node, x: str, like: str = "") -> None:
    cuts: Any = node.operation.reach
    widths = w.shapes[x][1:]
    stops = [width + cut.after for cut, width in zip(cuts, widths)]
    sliced(w, x, range(1, len(widths) + 1), [-cut.before for cut in cuts], stops)


def space_to_depth(w: Writer, node: Node, x: str) -> None:
    """The operator in two dimensions and order `dcr`; else the blocks get axes of their own, and go to the channels."""
    layer: Any = node.operation.layer
    channels, *sizes = w.shapes[x]
    rank = len(sizes)
    blocks = per_axis(layer.block, rank, "block")
    if layer.order == "dcr" and rank == 2 and len(set(blocks)) == 1:
        w.op("SpaceToDepth", [x], node.operation.output, blocksize=blocks[0])
        return
    x = reshaped(w, x, (channels, *(part for size, block in zip(sizes, blocks) for part in (size // block, block))))
    outer, inner = [1 + 2 * axis for axis in range(rank)], [2 + 2 * axis for axis in range(rank)]
    x = transposed(w, x, [*inner, 0, *outer] if layer.order == "dcr" else [0, *inner, *outer])
    reshaped(w, x, node.operation.output)


def depth_to_space(w: Writer, node: Node, x: str) -> None:
    """As `space_to_depth`, the other way; the operator knows both orders."""
    layer: Any = node.operation.layer
    channels, *sizes = w.shapes[x]
    rank = len(sizes)
    blocks = per_axis(layer.block, rank, "block")
    if rank == 2 and len(set(blocks)) == 1:
        w.op("DepthToSpace", [x], node.operation.output, blocksize=blocks[0], mode=layer.order.upper())
        return
    left = channels // prod(blocks)
    first = [*blocks, left] if layer.order == "dcr" else [left, *blocks]
    x = reshaped(w, x, (*first, *sizes))
    start, kept = (0, rank) if layer.order == "dcr" else (1, 0)
    x = transposed(w, x, [kept, *(entry for axis in range(rank) for entry in (rank + 1 + axis, start + axis))])
    reshaped(w, x, node.operation.output)


def upsample(w: Writer, node: Node, x: str) -> None:
    """`Resize` where 32-bit arithmetic finds the same positions and opset and batch allow it to be said; else the
    positions themselves: `Gather`, or a matrix of shares per axis."""
    layer: Any = node.operation.layer
    inputs, output = node.operation.inputs[0], node.operation.output
    rank = len(inputs) - 1
    scales = None if layer.scale is None else per_axis(layer.scale, rank, "scale")
    whole = scales is not None and all(scale == int(scale) for scale in scales)
    single = array("f", scales or ())
    exact = all(int(width * scale) == length for scale, width, length in zip(single, inputs[1:], output[1:]))
    if layer.mode == "nearest":
        words: dict[str, Any] = {
            "mode": "nearest",
            "coordinate_transformation_mode": "asymmetric",
            "nearest_mode": "floor",
        }
    else:
        words = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    if layer.align_corners and layer.mode == "bilinear":
        words["coordinate_transformation_mode"] = "align_corners"
    if whole or (layer.mode == "bilinear" and scales is not None and exact and not layer.align_corners):
        factors = w.numbers("scales", [1.0, 1.0, *single])
        w.op("Resize", [x, "", factors], output, **words)
    elif layer.mode == "bilinear" and w.opset >= 18:
        sizes = w.integers("sizes", output[1:])
        w.op("Resize", [x, "", "", sizes], output, axes=list(range(2, rank + 2)), **words)
    else:
        for axis in range(1, rank + 1):
            sources = coordinates(layer, axis - 1, inputs[axis], output[axis], rank)
            if layer.mode == "nearest":
                x = take(w, x, axis, list(map(int, sources)))
            else:
                x = mix(w, x, axis, [neighbours(source, inputs[axis]) for source in sources])


def coordinates(layer: Any, axis: int, width: int, length: int, rank: int) -> list[Fraction]:
    """For every output position of an axis, the input coordinate that it stands for."""
    from fractions import Fraction

    if layer.align_corners and layer.mode == "bilinear":
        return [place * Fraction(width - 1, max(1, length - 1)) for place in range(length)]
    if layer.scale is None:
        ratio = Fraction(width, length)
    else:
        ratio = 1 / Fraction(str(per_axis(layer.scale, rank, "scale")[axis]))
    offset = Fraction(0) if layer.mode == "nearest" else (ratio - 1) / 2
    return [place * ratio + offset for place in range(length)]


def neighbours(source: Fraction, width: int) -> list[tuple[int, float]]:
    """The positions around a coordinate, kept within the axis, and the share of each."""
    low = source.numerator // source.denominator
    share = float(source - low)
    pairs = [(low, 1 - share), (low + 1, share)]
    return [(min(max(position, 0), width - 1), part) for position, part in pairs if part]


def concat(w: Writer, node: Node, *inputs: str) -> None:
    layer: Any = node.operation.layer
    given = [w.batched(x, inputs) for x in inputs]
    w.op("Concat", given, node.operation.output, axis=2 if layer.over == "positions" else 1)


def reduce(w: Writer, node: Node, x: str) -> None:
    layer: Any = node.operation.layer
    operator = {"mean": "ReduceMean", "max": "ReduceMax", "sum": "ReduceSum", "norm": "ReduceL2"}[layer.way]
    reduced(w, operator, x, [0] if layer.over == "channels" else range(1, len(w.shapes[x])))


def add(w: Writer, node: Node, *inputs: str) -> None:
    layer: Any = node.operation.layer
    if layer.weights != "none":
        weighted(w, layer.weights, inputs)
        return
    w.op("Add" if len(inputs) == 2 else "Sum", inputs, node.operation.output)


def weighted(w: Writer, way: str, inputs: Sequence[str]) -> None:
    """The sum of branches by their shares, which are made of the learned factors."""
    count = len(inputs)
    shares = w.op("Identity", [w.weight("weight", (1, count))], (count,), True)
    if way == "fast":
        shares = w.op("Relu", [shares], (count,))
        shares = w.op("Div", [shares, scalar(w, "Add", reduced(w, "ReduceSum", shares, [0]), 1e-4)], (count,))
    else:
        shares = w.op("Softmax", [shares], (count,), axis=1)
    parts = []
    for place, x in enumerate(inputs):
        share = reshaped(w, take(w, shares, 0, [place]), (1,) * len(w.shapes[x]))
        parts.append(w.op("Mul", [x, share], w.shapes[x]))
    x = parts[0]
    for other in parts[1:]:
        x = w.op("Add", [x, other], tuple(map(max, w.shapes[x], w.shapes[other])))


def multiply(w: Writer, node: Node, *inputs: str) -> None:
    """Two at a time, each broadcast over the other; `subtract` the same."""
    operator = {"multiply": "Mul", "subtract": "Sub"}[node.kind]
    x = inputs[0]
    for other in inputs[1:]:
        shape = tuple(map(max, w.shapes[x], w.shapes[other]))
        x = w.op(operator, [x, other], shape)


MOVING: dict[str, Callable[..., object]] = {
    "flatten": flatten,
    "reshape": reshape,
    "permute": permute,
    "channel_shuffle": channel_shuffle,
    "slice": slice_,
    "pad": pad,
    "crop": crop,
    "crop_like": crop,
    "space_to_depth": space_to_depth,
    "depth_to_space": depth_to_space,
    "identity": elementwise("Identity"),
    "upsample": upsample,
    "concat": concat,
    "add": add,
    "multiply": multiply,
    "subtract": multiply,
    "reduce": reduce,
}
