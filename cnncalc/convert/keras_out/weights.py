"""A graph's weights in Keras' layouts: channels last, kernels with their output channels last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.geometry import Shape, elements
from cnncalc.graph import Node


def keras_weights(
    node: Node, name: str, values: Sequence[float], shape: Shape, layer: Any
) -> tuple[list[float], Shape]:
    """The values of a tensor of weights as the node's Keras `layer` has them, flat and row-major, and their shape."""
    if node.kind in ("offset", "factor"):
        wide = (*shape, *(1,) * (len(node.operation.inputs[0]) - len(shape)))
        return moved(values, wide, (*range(1, len(wide)), 0))
    if len(shape) > 1 and node.kind in ("parameter", "layer_norm"):
        return moved(values, shape, (*range(1, len(shape)), 0))
    if name != "weight" or node.kind == "parameter":
        return list(values), shape
    if node.kind == "depthwise_conv":
        depthwise = "Depthwise" in type(layer).__name__
        return kernel_last(values, shape, node.operation.inputs[0][0] if depthwise else 0)
    if len(shape) > 1:
        return kernel_last(values, shape)
    if node.kind == "prelu":
        return list(values), tuple(layer.alpha.shape)
    return list(values), shape


def kernel_last(values: Sequence[float], shape: Shape, channels: int = 0) -> tuple[list[float], Shape]:
    """A kernel with its first two axes behind the others, in reverse order.

    That of a depthwise convolution of so many `channels` has them and the multiplier last.
    """
    if channels:
        shape = (channels, shape[0] // channels, *shape[2:])
        return moved(values, shape, (*range(2, len(shape)), 0, 1))
    return moved(values, shape, (*range(2, len(shape)), 1, 0))


def moved(values: Sequence[float], shape: Shape, axes: Sequence[int]) -> tuple[list[float], Shape]:
    """The axes of a tensor in another order."""
    order = [0]
    for axis in axes:
        step = elements(shape[axis + 1 :])
        order = [offset + place * step for offset in order for place in range(shape[axis])]
    return [values[offset] for offset in order], tuple(shape[axis] for axis in axes)


def nested(values: Sequence[float], shape: Shape) -> Any:
    """A flat tensor as nested lists."""
    level: list[Any] = list(values)
    for size in reversed(shape[1:]):
        level = [level[start : start + size] for start in range(0, len(level), size)]
    return level
