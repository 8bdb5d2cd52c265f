"""Convolutions and dense layers in Keras."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.convert.keras_out.activations import following
from cnncalc.convert.keras_out.calls import Argument, Sketch
from cnncalc.convert.keras_out.padding import (
    A,
    E,
    bordered,
    cut,
    once,
    ranked,
    ways,
    zero_padded,
)
from cnncalc.diagnostics import Fault
from cnncalc.geometry import Window
from cnncalc.graph import Node


def kernel_value(node: Node, depthwise: bool) -> Argument:
    """The values that the spec fixes for the kernel."""
    layer: Any = node.operation.layer
    keyword = "depthwise_initializer" if depthwise else "kernel_initializer"
    fixed = layer.fixed("weight")
    if not fixed:
        return A(None, keyword, None)
    from cnncalc.convert.keras_out.weights import kernel_last, nested

    shape = node.operation.weights[0].shape
    values, shape = kernel_last(list(fixed), shape, node.operation.inputs[0][0] if depthwise else 0)
    return A(E(f"keras.initializers.Constant({nested(values, shape)})"), keyword, None)


def is_depthwise(node: Node) -> bool:
    """Whether Keras has a depthwise layer for it: on one or two axes, of equal strides."""
    windows: Any = node.operation.reach
    return node.kind == "depthwise_conv" and len(windows) < 3 and len({window.stride for window in windows}) == 1


def check_kernel(node: Node) -> None:
    """Raise `Fault` where a kernel is not used as it is learned."""
    layer: Any = node.operation.layer
    if layer.weight_norm != "none":
        raise Fault("cannot-export", f"`{node.name}` has kernels that are normed, which Keras cannot say")


def conv(s: Sketch, node: Node, x: int) -> int:
    """With stride and dilation, which Keras does not combine, the stride takes positions afterwards."""
    check_kernel(node)
    layer: Any = node.operation.layer
    windows: list[Window] = list(node.operation.reach)  # type: ignore[arg-type]
    way = s.choose(node, ways(node))
    pads = [(window.before, window.after) for window in windows]
    strides = [window.stride for window in windows]
    dilations = [window.dilation for window in windows]
    apart = max(strides) > 1 and max(dilations) > 1
    if way == "explicit" or (apart and way == "same"):
        zeros = layer.border == "zeros"
        x = zero_padded(s, node, x, pads) if zeros else bordered(s, x, pads, layer.border)
        way = "valid"
    sizes = A(once([window.size for window in windows]), role="kernel_size")
    depthwise = is_depthwise(node)
    channels, groups = layer.split(node.operation.inputs[0][0])
    if depthwise:
        callee, first = ranked("DepthwiseConv", node), [sizes]
        count = A(layer.multiplier, "depth_multiplier", 1)
    else:
        callee, first = ranked("Conv", node), [A(channels, role="filters"), sizes]
        count = A(groups, "groups", 1)
    x = s.layer(
        callee,
        [x],
        *first,
        A(1 if apart else once(strides), "strides", 1),
        A(way, "padding", "valid"),
        A(once(dilations), "dilation_rate", 1),
        count,
        A(layer.bias, "use_bias", True),
        A(None, "activation", None) if apart else following(s, node),
        kernel_value(node, depthwise),
    )
    return s.function("[]", [x], A(E(every(strides)))) if apart else x


def every(strides: Sequence[int]) -> str:
    """Every so many positions of each axis, as an index."""
    return ", ".join([":", *(f"::{stride}" if stride > 1 else ":" for stride in strides), ":"])


def conv_transpose(s: Sketch, node: Node, x: int) -> int:
    """Without padding, then cut to size; a zero behind the input gives the positions that no window writes."""
    layer: Any = node.operation.layer
    windows: Any = node.operation.reach
    strides, sizes = [window.stride for window in windows], [window.size for window in windows]
    dilations = [window.dilation for window in windows]
    if max(strides) > 1 and max(dilations) > 1:
        raise Fault("cannot-export", f"`{node.name}` has a stride and a dilation, which Keras does not transpose")
    widths = node.operation.inputs[0][1:]
    ends = [window.before + size for window, size in zip(windows, node.operation.output[1:])]

    def lengths(widths: Sequence[int]) -> list[int]:
        return [
            (width - 1) * window.stride + max(window.extent, window.stride) for window, width in zip(windows, widths)
        ]

    short = [max(0, -(-(end - full) // stride)) for end, full, stride in zip(ends, lengths(widths), strides)]
    arguments = [A(layer.channels, role="filters"), A(once(sizes), role="kernel_size")]
    plain = layer.groups == 1 and not any(short) and layer.padding == "same" and not any(w.extra for w in windows)
    if plain and max(dilations) == 1 and all(window.before <= window.after for window in windows):
        return s.layer(
            ranked("Conv#Transpose", node),
            [x],
            *arguments,
            A(once(strides), "strides", 1),
            A("same", "padding", "valid"),
            A(layer.bias, "use_bias", True),
            following(s, node),
        )
    if any(short):
        x = zero_padded(s, node, x, [(0, extra) for extra in short])
        widths = tuple(width + extra for width, extra in zip(widths, short))
    cuts = [(window.before, full - end) for window, full, end in zip(windows, lengths(widths), ends)]
    if layer.groups > 1:
        arguments[1] = A(tuple(sizes), role="kernel_size")
        given = [A(layer.groups, role="groups"), A(tuple(strides), role="strides"), A(tuple(dilations))]
        x = s.layer("GroupedConvTranspose", [x], *arguments, *given, A(layer.bias, "use_bias", True))
        return cut(s, node, x, cuts, "_crop") if any(map(any, cuts)) else x
    cropped = any(map(any, cuts))
    x = s.layer(
        ranked("Conv#Transpose", node),
        [x],
        *arguments,
        A(once(strides), "strides", 1),
        A(once(dilations), "dilation_rate", 1),
        A(layer.bias, "use_bias", True),
        following(s, node),
    )
    return cut(s, node, x, cuts, "_crop") if cropped else x


def linear(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    use_bias = A(layer.bias, "use_bias", True)
    return s.layer("layers.Dense", [x], A(layer.features, role="units"), use_bias, following(s, node))
