"""Layers that move data, resample it, or join branches, and regularisers, in Keras."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from cnncalc.convert.keras_out.calls import Sketch
from cnncalc.convert.keras_out.padding import (
    A,
    E,
    bordered,
    constant_padded,
    cut,
    once,
    ranked,
    zero_padded,
)
from cnncalc.convert.keras_out.pooling import flattened
from cnncalc.geometry import Shape
from cnncalc.graph import Node
from cnncalc.layers.windows import per_axis


def channels_first(s: Sketch, x: int, shape: Shape) -> int:
    """The elements in the order that a flatten or reshape means: needed where both channels and positions are many."""
    if shape[0] == 1 or all(size == 1 for size in shape[1:]):
        return x
    return s.layer("layers.Permute", [x], A((len(shape), *range(1, len(shape)))), part="_permute")


def flatten(s: Sketch, node: Node, x: int) -> int:
    if len(node.operation.output) > 1:
        channels, positions = node.operation.output
        return s.layer("layers.Reshape", [x], A((positions, channels)))
    source = s.graph.node(node.inputs[0])
    if source is not None and flattened(s, source):
        return x
    return s.layer("layers.Flatten", [channels_first(s, x, node.operation.inputs[0])])


def reshape(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    if layer.over == "positions":
        return s.layer("layers.Reshape", [x], A((*node.operation.output[1:], node.operation.output[0])))
    x = channels_first(s, x, node.operation.inputs[0])
    channels, *sizes = node.operation.output
    if channels > 1 and any(size > 1 for size in sizes):
        x = s.layer("layers.Reshape", [x], A((channels, *sizes)), part="_reshape")
        return s.layer("layers.Permute", [x], A((*range(2, len(sizes) + 2), 1)))
    return s.layer("layers.Reshape", [x], A((*sizes, channels)))


def permute(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    rank = len(layer.axes)
    last = [axis or rank for axis in layer.axes]  # where Keras has the axis: the channels are the last
    return s.layer("layers.Permute", [x], A((*last[1:], last[0])))


def channel_shuffle(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    return s.function("channel_shuffle", [x], A(layer.groups, role="groups"))


def slice_(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    if layer.over == "positions":
        start, stop = layer.bounds(node.operation.inputs[0][1])
        return s.function("[]", [x], A(E(f":, {start}:{stop}")))
    start, stop = layer.bounds(node.operation.inputs[0][0])
    last = stop == node.operation.inputs[0][0]
    return s.function("[:]", [x], A(start or None, role="start"), A(None if last else stop, role="stop"))


def pad(s: Sketch, node: Node, x: int) -> int:
    """Added channels hold the constant whatever the mode."""
    layer: Any = node.operation.layer
    pads = [(axis.before, axis.after) for axis in node.operation.reach]  # type: ignore[union-attr]
    constant = layer.mode in ("zeros", "constant")
    value = layer.value if layer.mode == "constant" else 0.0
    if constant and (any(layer.channels) or value):
        return constant_padded(s, x, pads, value, layer.channels)
    if constant:
        return zero_padded(s, node, x, pads, "") if pads else s.layer("layers.Identity", [x])
    x = bordered(s, x, pads, layer.mode)
    return constant_padded(s, x, [(0, 0)] * len(pads), 0.0, layer.channels) if any(layer.channels) else x


def crop(s: Sketch, node: Node, x: int, *like: int) -> int:
    cuts = [(-axis.before, -axis.after) for axis in node.operation.reach]  # type: ignore[union-attr]
    return cut(s, node, x, cuts)


def blocks(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    sizes = per_axis(layer.block, len(node.operation.inputs[0]) - 1, "block")
    return s.function(node.kind, [x], A(sizes, role="blocks"), A(layer.order, "order", "crd"))


def identity(s: Sketch, node: Node, x: int) -> int:
    return s.layer("layers.Identity", [x])


def upsample(s: Sketch, node: Node, x: int) -> int:
    """`UpSampling2D` where the sizes are multiples; other ratios, and linear ones on one or three axes, per axis."""
    layer: Any = node.operation.layer
    inputs, output = node.operation.inputs[0], node.operation.output
    rank = len(inputs) - 1
    scales = None if layer.scale is None else [Fraction(str(each)) for each in per_axis(layer.scale, rank, "scale")]
    ratios = [1 / scale for scale in scales] if scales else list(map(Fraction, inputs[1:], output[1:]))
    linear = layer.mode == "bilinear"
    if all(ratio.numerator == 1 for ratio in ratios) and (not linear or (rank == 2 and not layer.align_corners)):
        size = once([ratio.denominator for ratio in ratios])
        given = [A(size, role="size")] + ([A("bilinear", "interpolation", "nearest")] if linear else [])
        return s.layer(ranked("UpSampling", node), [x], *given)
    for axis, (width, length, ratio) in enumerate(zip(inputs[1:], output[1:], ratios), 1):
        if ratio == 1:
            continue
        if not linear:
            text = f"[{_times('i', ratio)} for i in range({length})]".replace(" / ", " // ")
            x = s.function("ops.take", [x], A(E(text)), A(axis, "axis"))
            continue
        if layer.align_corners:
            place = _times("i", Fraction(width - 1, max(1, length - 1)))
        else:
            offset = f" - {float((1 - ratio) / 2)}" if ratio < 1 else f" + {float((ratio - 1) / 2)}"
            place = _times("i", ratio) + offset
        x = s.function("interpolate", [x], A(axis), A(E(f"[{place} for i in range({length})]")))
    return x


def _times(name: str, ratio: Fraction) -> str:
    """A variable times a fraction, in Python."""
    above = f"{name} * {ratio.numerator}" if ratio.numerator != 1 else name
    return f"{above} / {ratio.denominator}" if ratio.denominator != 1 else above


def joined(name: str) -> Callable[..., int]:
    """A layer that takes a list of tensors; of a single one, as a graph may have it, it is that tensor."""

    def calls(s: Sketch, node: Node, *inputs: int) -> int:
        return s.layer(f"layers.{name}" if len(inputs) > 1 else "layers.Identity", inputs)

    return calls


def concat(s: Sketch, node: Node, *inputs: int) -> int:
    layer: Any = node.operation.layer
    if len(inputs) == 1:
        return s.layer("layers.Identity", inputs)
    return s.layer("layers.Concatenate", inputs, A(1 if layer.over == "positions" else -1, "axis", -1))


def add(s: Sketch, node: Node, *inputs: int) -> int:
    layer: Any = node.operation.layer
    if layer.weights == "none":
        return joined("Add")(s, node, *inputs)
    return s.layer("WeightedSum", inputs, A(layer.weights == "softmax", "softmax", False))


def dropout(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    return s.layer("layers.Dropout", [x], A(layer.rate, role="rate"))


def drop_path(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    shape = (None, *(1 for _ in node.operation.output))
    return s.layer("layers.Dropout", [x], A(layer.rate, role="rate"), A(shape, "noise_shape", None))


def layer_scale(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    return s.layer("LayerScale", [x], A(layer.initial, "initial", 1e-6))
