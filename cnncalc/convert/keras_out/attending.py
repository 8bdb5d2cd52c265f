"""Attention, products of matrices, reductions and learned tensors in Keras."""

from __future__ import annotations

from typing import Any

from cnncalc.convert.keras_out.calls import Sketch
from cnncalc.convert.keras_out.padding import A
from cnncalc.diagnostics import Fault
from cnncalc.graph import Node


def attention(s: Sketch, node: Node, *inputs: int) -> int:
    """A layer that is written into the source; a function where nothing is learned and sums go first."""
    layer: Any = node.operation.layer
    if layer.mode == "linear":
        return s.function("linear_attention", inputs, A(layer.heads, "heads"))
    named = bool(layer.named())
    if layer.bias in ("distance", "decomposed") or (layer.bias != "none" and layer.maps is not None):
        raise Fault("cannot-export", f"`{node.name}` has a bias that is not written for Keras: `{layer.bias}`")
    shapes = node.operation.inputs
    frames = layer.frames(shapes)
    given = [A(layer.heads, role="heads")]
    if frames is not None:
        given.append(A(tuple(frame.keys for frame in frames), "window", None))
        given.append(A(tuple(frame.shift for frame in frames), "shift", (0,) * len(frames)))
        given.append(A(layer.grid is not None, "grid", False))
    if layer.bias == "relative":
        wide = tuple(size // 2 + 1 for size in layer.tables(shapes))
        given.append(A(wide, "table", None))
    given.append(A(named, "given", False))
    given.append(A(layer.mode == "cosine", "cosine", False))
    given.append(A(layer.scale, "scale", None))
    return s.layer("PositionAttention", inputs, *given)


def matmul(s: Sketch, node: Node, *inputs: int) -> int:
    layer: Any = node.operation.layer
    return s.function("matmul", inputs, A(layer.over, "over", "none"), A(layer.groups, "groups", 1))


def global_response_norm(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    if not layer.scale or not layer.shift:
        raise Fault("cannot-export", f"`{node.name}` has no learned factor and offset, which is not written for Keras")
    return s.layer("GlobalResponseNormalization", [x], A(layer.eps, "epsilon", 1e-6))


def reduce(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    rank = len(node.operation.inputs[0]) - 1
    axes: Any = -1 if layer.over == "channels" else 1 if rank == 1 else tuple(range(1, rank + 1))
    if layer.way == "norm":
        return s.function("euclidean", [x], A(axes, "axis"))
    return s.function(f"ops.{layer.way}", [x], A(axes, "axis"), A(True, "keepdims"))


def spread(s: Sketch, node: Node, x: int) -> int:
    """A learned tensor, or a constant, that is added or multiplied."""
    layer: Any = node.operation.layer
    adds = node.kind == "offset"
    if layer.value is not None:
        return s.function("ops.add" if adds else "ops.multiply", [x], A(float(layer.value)))
    return s.layer("Offset" if adds else "Factor", [x], A(wide_last(node), role="shape"))


def wide_last(node: Node) -> tuple[int, ...]:
    """The shape of a learned tensor that is added or multiplied, with all axes of the input, channels last."""
    layer: Any = node.operation.layer
    own = layer.shape(node.operation.inputs[0])
    wide = (*own, *(1,) * (len(node.operation.inputs[0]) - len(own)))
    return (*wide[1:], wide[0])


def parameter(s: Sketch, node: Node) -> int:
    """It takes what stands before it, for its batch."""
    channels, *sizes = node.operation.output
    return s.layer("Learned", [s.values[s.graph.before(node)]], A((*sizes, channels), role="shape"))


def coordinates(s: Sketch, node: Node) -> int:
    """The same, of a constant."""
    return s.layer("Coordinates", [s.values[s.graph.before(node)]], A(tuple(node.operation.output[1:]), role="sizes"))


def subtract(s: Sketch, node: Node, *inputs: int) -> int:
    """Two at a time."""
    x, *others = inputs
    for place, other in enumerate(others, 1):
        x = s.layer("layers.Subtract", [x, other], part="" if place == len(others) else f"_{place}")
    return x if others else s.layer("layers.Identity", inputs)
