"""Normalisations in ONNX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from cnncalc.convert.onnx_out.operators import (
    mix,
    reduced,
    reshaped,
    scalar,
    transposed,
)
from cnncalc.geometry import Shape
from cnncalc.graph import Node

if TYPE_CHECKING:
    from cnncalc.convert.onnx_out.model import Writer


def batch_norm(w: Writer, node: Node, x: str) -> None:
    """With running statistics the operator; without, statistics of the batch, or of the sample (`instance_norm`)."""
    layer: Any = node.operation.layer
    axes = list(range(1, len(w.shapes[x])))
    if layer.statistics:
        factors = [w.weight("weight") if layer.scale else constant_factors(w, x, 1.0)]
        factors.append(w.weight("bias") if layer.shift else constant_factors(w, x, 0.0))
        kept = [w.weight("running_mean"), w.weight("running_var")]
        w.op("BatchNormalization", [x, *factors, *kept], node.operation.output, epsilon=float(layer.eps))
    elif node.kind == "instance_norm" and axes:
        factors = [w.weight("weight") if layer.scale else constant_factors(w, x, 1.0)]
        factors.append(w.weight("bias") if layer.shift else constant_factors(w, x, 0.0))
        w.op("InstanceNormalization", [x, *factors], node.operation.output, epsilon=float(layer.eps))
    else:
        scaled(w, layer, standardised(w, x, [-1, *axes] if node.kind == "batch_norm" else axes, layer.eps))


def constant_factors(w: Writer, x: str, value: float) -> str:
    """A value per channel that is not learned."""
    return w.numbers("ones" if value else "zeros", [value] * w.shapes[x][0])


def standardised(w: Writer, x: str, axes: Sequence[int], eps: float) -> str:
    """(x - mean)/sqrt(variance + eps), with the statistics over some axes (-1: the batch)."""
    centred = w.op("Sub", [x, reduced(w, "ReduceMean", x, axes) if axes else x], w.shapes[x])
    squares = w.op("Mul", [centred, centred], w.shapes[x])
    variance = reduced(w, "ReduceMean", squares, axes) if axes else squares
    deviation = w.op("Sqrt", [scalar(w, "Add", variance, eps)], w.shapes[variance])
    return w.op("Div", [centred, deviation], w.shapes[x])


def scaled(w: Writer, layer: Any, x: str) -> str:
    """The learned factor and offset per channel, where there are any."""
    return learned(w, layer, x, (w.shapes[x][0],) + (1,) * (len(w.shapes[x]) - 1))


def learned(w: Writer, layer: Any, x: str, shape: Shape) -> str:
    """The learned factor and offset of this shape, where there are any."""
    if layer.scale:
        x = w.op("Mul", [x, w.weight("weight", shape)], w.shapes[x])
    if layer.shift:
        x = w.op("Add", [x, w.weight("bias", shape)], w.shapes[x])
    return x


def global_response_norm(w: Writer, node: Node, x: str) -> None:
    """Channels by their norm over the map against the mean of all norms, and the input again."""
    layer: Any = node.operation.layer
    axes = list(range(1, len(w.shapes[x])))
    norm = reduced(w, "ReduceL2", x, axes) if axes else w.op("Abs", [x], w.shapes[x])
    mean = scalar(w, "Add", reduced(w, "ReduceMean", norm, [0]), layer.eps)
    share = w.op("Div", [norm, mean], w.shapes[norm])
    w.op("Add", [x, scaled(w, layer, w.op("Mul", [x, share], w.shapes[x]))], w.shapes[x])


def layer_norm(w: Writer, node: Node, x: str) -> None:
    """Over the channels: the operator (opset 17) norms the last axes, so they go there and back."""
    layer: Any = node.operation.layer
    if layer.over == "all":
        axes = range(len(w.shapes[x]))
        learned(w, layer, standardised(w, x, axes, layer.eps), w.shapes[x])
        return
    if w.opset < 17:
        scaled(w, layer, standardised(w, x, [0], layer.eps))
        return
    rank = len(w.shapes[x])
    x = transposed(w, x, [*range(1, rank), 0])
    factors = [w.weight("weight") if layer.scale else constant_factors_of(w, node, 1.0)]
    if layer.shift:
        factors.append(w.weight("bias"))
    x = w.op("LayerNormalization", [x, *factors], w.shapes[x], axis=-1, epsilon=float(layer.eps))
    transposed(w, x, [rank - 1, *range(rank - 1)])


def constant_factors_of(w: Writer, node: Node, value: float) -> str:
    return w.numbers("ones", [value] * node.operation.output[0])


def group_norm(w: Writer, node: Node, x: str) -> None:
    """An instance norm of the groups: the operator has factors per channel since opset 21 alone, and no shape yet."""
    layer: Any = node.operation.layer
    shape = w.shapes[x]
    x = reshaped(w, x, (layer.groups, prod(shape) // layer.groups))
    factors = [constant_factors(w, x, 1.0), constant_factors(w, x, 0.0)]
    x = w.op("InstanceNormalization", [x, *factors], w.shapes[x], epsilon=float(layer.eps))
    scaled(w, layer, reshaped(w, x, shape))


def l2_norm(w: Writer, node: Node, x: str) -> None:
    layer: Any = node.operation.layer
    norm = reduced(w, "ReduceL2", x, [0])
    norm = w.op("Clip", [norm, w.numbers("least", [layer.eps], ())], w.shapes[norm])
    scaled(w, layer, w.op("Div", [x, norm], w.shapes[x]))


def local_response_norm(w: Writer, node: Node, x: str) -> None:
    """The operator centres its window as PyTorch where the size is odd; an even one is a sum by a banded matrix."""
    layer: Any = node.operation.layer
    shape = w.shapes[x]
    if layer.size % 2 and len(shape) == 3:
        factors: dict[str, Any] = {"alpha": float(layer.alpha), "beta": float(layer.beta), "bias": float(layer.k)}
        w.op("LRN", [x], shape, size=layer.size, **factors)
        return
    before, after = layer.size // 2, (layer.size - 1) // 2
    rows = [
        [(place, layer.alpha / layer.size) for place in range(max(0, own - before), min(shape[0], own + after + 1))]
        for own in range(shape[0])
    ]
    sums = scalar(w, "Add", mix(w, w.op("Mul", [x, x], shape), 0, rows), layer.k)
    w.op("Div", [x, scalar(w, "Pow", sums, layer.beta)], shape)


NORMALISING: dict[str, Callable[..., object]] = {
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "instance_norm": batch_norm,
    "local_response_norm": local_response_norm,
    "l2_norm": l2_norm,
    "global_response_norm": global_response_norm,
}
