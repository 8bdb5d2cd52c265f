"""How windows are padded in Keras, and what every family of layers needs to say a call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.convert.keras_out.calls import Argument, Expression, Sketch
from cnncalc.diagnostics import Fault
from cnncalc.geometry import Window, resolve_padding
from cnncalc.graph import Node

A = Argument
E = Expression
INFINITY = float("inf")


def once(values: Sequence[Any]) -> Any:
    """A value per axis, written once where they agree."""
    return values[0] if len(set(values)) == 1 else tuple(values)


def ranked(name: str, node: Node) -> str:
    """The layer's name for the number of spatial axes: ``layers.Conv2D``; raises `Fault` where there are none."""
    rank = len(node.operation.inputs[0]) - 1
    if not rank:
        raise Fault("cannot-export", f"`{node.name}` has no spatial axes, which `{name}` needs in Keras")
    before, _, after = name.partition("#")
    return f"layers.{before}{rank}D{after}"


def ways(node: Node) -> list[str]:
    """How the padding of a convolution or pool can be said, the shortest first: `valid`, `same` or `explicit`.

    `same` depends on the input's size, so it is meant only where the spec says it, or the stride is 1.
    """
    layer: Any = node.operation.layer
    windows: list[Window] = list(node.operation.reach)  # type: ignore[arg-type]
    widths = node.operation.inputs[0][1:]
    pads = [needed_pads(window, width) for window, width in zip(windows, widths)]
    if layer.border != "zeros":
        return ["explicit"]
    found = [] if any(map(any, pads)) else ["valid"]
    same = [
        resolve_padding("same", axis, width, window.size, window.stride, window.dilation)
        for axis, (window, width) in enumerate(zip(windows, widths))
    ]
    meant = layer.padding == "same" or all(window.stride == 1 for window in windows)
    return [*found, *(["same"] if pads == same and meant else []), "explicit"]


def needed_pads(window: Window, width: int) -> tuple[int, int]:
    """The padding with which the size, rounded down, is the window's: more after the input where it is rounded up."""
    count = window.output(width)
    reach = (count - 1) * window.stride + window.extent
    return window.before, max(window.after, reach - width - window.before)


def zero_padded(s: Sketch, node: Node, x: int, pads: Sequence[tuple[int, int]], part: str = "_pad") -> int:
    """Zeros at the borders, on a line of their own."""
    pair = pads[0] if len(pads) == 1 else once(pads)
    value: Any = tuple(pads) if len(pads) > 1 else pair
    if all(before == after for before, after in pads):
        value = once([before for before, _ in pads])
    return s.layer(ranked("ZeroPadding", node), [x], A(value, role="padding"), part=part)


def cut(s: Sketch, node: Node, x: int, cuts: Sequence[tuple[int, int]], part: str = "") -> int:
    """Positions cut from the borders."""
    value: Any = tuple(cuts) if len(cuts) > 1 else cuts[0]
    if all(before == after for before, after in cuts):
        value = once([before for before, _ in cuts])
    return s.layer(ranked("Cropping", node), [x], A(value, role="cropping"), part=part)


def constant_padded(s: Sketch, x: int, pads: Sequence[tuple[int, int]], value: float, channels: Any = (0, 0)) -> int:
    """A constant at the borders, and channels of it."""
    widths = ((0, 0), *(tuple(pad) for pad in pads), tuple(channels))
    number: Any = E('float("-inf")') if value == -INFINITY else value
    return s.function("ops.pad", [x], A(widths, role="padding"), A(number, "constant_values", 0.0))


def bordered(s: Sketch, x: int, pads: Sequence[tuple[int, int]], mode: str) -> int:
    """Borders that hold values of the input."""
    for axis, (before, after) in enumerate(pads, 1):
        if before or after:
            x = s.function("border", [x], A(axis), A(before), A(after), A(mode))
    return x
