"""Pools in Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnncalc.convert.keras_out.calls import Argument, Sketch
from cnncalc.convert.keras_out.padding import (
    INFINITY,
    A,
    E,
    constant_padded,
    needed_pads,
    once,
    ranked,
    ways,
    zero_padded,
)
from cnncalc.diagnostics import Fault
from cnncalc.geometry import GLOBAL, Intervals, Window
from cnncalc.graph import Node


def max_pool(s: Sketch, node: Node, x: int) -> int:
    windows: Any = node.operation.reach
    widths = node.operation.inputs[0][1:]
    if any(window.dilation > 1 for window in windows):
        return apart(s, node, x, "maximum")
    way = s.choose(node, ways(node))
    if way == "explicit":
        pads = [needed_pads(window, width) for window, width in zip(windows, widths)]
        if s.positive[node.inputs[0]]:
            x = zero_padded(s, node, x, pads)
        else:
            x = constant_padded(s, x, pads, -INFINITY)
        way = "valid"
    return sliding(s, node, x, "MaxPooling", way)


def sliding(s: Sketch, node: Node, x: int, name: str, way: str) -> int:
    windows: Any = node.operation.reach
    sizes, strides = [window.size for window in windows], [window.stride for window in windows]
    return s.layer(
        ranked(name, node),
        [x],
        A(once(sizes), role="pool_size"),
        A(once(strides), "strides", once(sizes)),
        A(way, "padding", "valid"),
    )


def avg_pool(s: Sketch, node: Node, x: int) -> int:
    """Keras' `same` leaves the padding out of the mean; zeros before the pool count in it."""
    layer: Any = node.operation.layer
    windows: Any = node.operation.reach
    widths = node.operation.inputs[0][1:]
    pads = [(window.before, window.after) for window in windows]
    rounded = any(needed_pads(window, width) != pad for window, width, pad in zip(windows, widths, pads))
    padding = any(map(any, pads))
    if any(window.dilation > 1 for window in windows) or rounded:
        return apart(s, node, x, "average", A(not layer.count_include_pad, "inside", True))
    way = s.choose(node, ways(node))
    if padding and not layer.count_include_pad and way != "same":
        return apart(s, node, x, "average", A(True, "inside", True))
    if padding and layer.count_include_pad:
        x = zero_padded(s, node, x, pads)
        way = "valid"
    return sliding(s, node, x, "AveragePooling", "valid" if way == "explicit" else way)


def lp_pool(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    windows: Any = node.operation.reach
    if all(window._replace(ceil=False) == Window(1) for window in windows):
        return s.function("ops.abs", [x])
    return apart(s, node, x, "lp_pool", A(layer.p))


def apart(s: Sketch, node: Node, x: int, callee: str, *arguments: Argument) -> int:
    """A pool one axis after the other, over windows that are written out."""
    windows: Any = node.operation.reach
    for axis, (window, width) in enumerate(zip(windows, node.operation.inputs[0][1:]), 1):
        if window._replace(ceil=False) == Window(1):
            continue
        count, end = window.output(width), width + window.after
        starts = range(-window.before, -window.before + count * window.stride, window.stride)
        for start in starts:
            if not any(0 <= tap < width for tap in range(start, start + window.extent, window.dilation)):
                raise Fault("cannot-export", f"a window of `{node.name}` reads nothing but padding")
        stop = f"i + {window.extent}" if starts[-1] + window.extent <= end else f"min(i + {window.extent}, {end})"
        step = f", {window.dilation}" if window.dilation > 1 else ""
        every = f", {window.stride}" if window.stride > 1 else ""
        text = f"[range(i, {stop}{step}) for i in range({starts.start}, {starts.stop}{every})]"
        x = s.function(callee, [x], A(axis), A(E(text)), *arguments)
    return x


def global_pool(name: str) -> Callable[[Sketch, Node, int], int]:
    """A pool over all positions; the axes of 1 that are left are not made where they are flattened at once."""

    def calls(s: Sketch, node: Node, x: int) -> int:
        return s.layer(ranked(name, node), [x], A(not flattened(s, node), "keepdims", False))

    return calls


def flattened(s: Sketch, node: Node) -> bool:
    """Whether a flatten alone takes what a global pool leaves."""
    takers = s.takers[node.number]
    pool = node.kind.endswith("_pool") and node.operation.reach == GLOBAL
    only = len(takers) == 1 and takers[0].kind == "flatten" and node.number not in s.leaving
    return pool and only


def adaptive(pool: str, snippet: str) -> Callable[[Sketch, Node, int], int]:
    """A sliding pool where the size divides the input, else one axis after the other."""

    def calls(s: Sketch, node: Node, x: int) -> int:
        reach: Any = node.operation.reach
        if reach == GLOBAL:
            return global_pool(f"Global{pool}")(s, node, x)
        if all(isinstance(axis, Window) for axis in reach):
            return sliding(s, node, x, pool, "valid")
        sizes = zip(node.operation.inputs[0][1:], node.operation.output[1:])
        for axis, (width, length) in enumerate(sizes, 1):
            if isinstance(reach[axis - 1], Intervals) or reach[axis - 1] != Window(1):
                text = f"[range(i * {width} // {length}, -(-(i + 1) * {width} // {length})) for i in range({length})]"
                x = s.function(snippet, [x], A(axis), A(E(text)))
        return x

    return calls
