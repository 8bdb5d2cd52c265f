"""What slides: a layer's declared geometry, resolved per spatial axis, once for all who ask.

The kinds make axis maps of it, from which sizes and receptive fields follow; the executor slides by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from cnncalc.diagnostics import Fault
from cnncalc.geometry import (
    AXES,
    Pads,
    Shape,
    Slide,
    Transposed,
    Window,
    dims,
    explicit_padding,
    resolve_padding,
    resolve_transposed_padding,
)
from cnncalc.layers.types import Sizes, Value, show

_once = lru_cache(maxsize=10_000)
"""For what follows from sizes alone: a network slides alike in many places, and is asked how in several ways."""


def spatial(shape: Shape, kind: str) -> Shape:
    """The spatial axes of an input that must have some."""
    if len(shape) == 1:
        raise Fault(
            "no-spatial-axes",
            f"`{kind}` slides over spatial axes, but its input is flat: {dims(shape)}",
            None,
            "use `linear` on flat features, or `reshape` to channels and spatial axes",
        )
    return shape[1:]


def per_axis(value: Sizes, rank: int, name: str) -> tuple[int, ...]:
    """`value` once per spatial axis; raises `Fault` where a list has another length."""
    if not isinstance(value, tuple):
        return (value,) * rank
    if len(value) != rank:
        raise _wrong_rank(value, rank, name)
    return value


def amounts(value: Value, rank: int, name: str) -> tuple[Pads, ...]:
    """Positions before and after every axis, from numbers; raises `Fault` as `per_axis`."""
    _check_pads(value, rank, name)
    return tuple([explicit_padding(value, axis) for axis in range(rank)])


@_once
def slides(sizes: Shape, kernel: Sizes, stride: Sizes, dilation: Sizes, padding: Value) -> tuple[Slide, ...]:
    """Windows on axes of these sizes; raises `Fault` where a list has not one entry per axis."""
    found = []
    for axis, (size, step, apart) in enumerate(_declared(len(sizes), kernel, stride, dilation, padding)):
        before, after = resolve_padding(padding, axis, sizes[axis], size, step, apart)
        found.append(Slide(size, step, apart, before, after))
    return tuple(found)


def transposed_slides(
    rank: int, kernel: Sizes, stride: Sizes, dilation: Sizes, padding: Value, output_padding: Sizes
) -> tuple[Slide, ...]:
    """As `slides`, for windows that are written: their padding does not depend on the sizes of the axes."""
    found = []
    extras = per_axis(output_padding, rank, "output_padding")
    for axis, (size, step, apart) in enumerate(_declared(rank, kernel, stride, dilation, padding)):
        before, after = resolve_transposed_padding(padding, axis, size, step, apart, extras[axis])
        found.append(Slide(size, step, apart, before, after, extras[axis]))
    return tuple(found)


def _declared(
    rank: int, kernel: Sizes, stride: Sizes, dilation: Sizes, padding: Value
) -> Iterator[tuple[int, int, int]]:
    """Kernel, stride and dilation of every axis; raises `Fault` where they, or the padding, have not one entry each."""
    _check_pads(padding, rank, "padding")
    return zip(per_axis(kernel, rank, "kernel"), per_axis(stride, rank, "stride"), per_axis(dilation, rank, "dilation"))


@_once
def windows(sliding: tuple[Slide, ...], sizes: Shape, ceil: bool = False) -> tuple[Window, ...]:
    """The axis maps of what slides over axes of these sizes; raises `Fault` where a window does not fit."""
    found = []
    for axis, (slide, width) in enumerate(zip(sliding, sizes)):
        window = Window(slide.size, slide.stride, slide.dilation, slide.before, slide.after, ceil)
        if window.output(width) < 1:
            raise _too_large(window, width, AXES[len(sizes)][axis])
        found.append(window)
    return tuple(found)


def transposed_windows(sliding: tuple[Slide, ...], sizes: Shape) -> tuple[Transposed, ...]:
    """As `windows`, for windows that are written."""
    found = []
    for slide, width in zip(sliding, sizes):
        window = Transposed(*slide)
        if window.output(width) < 1:
            raise Fault(
                "empty-output",
                f"padding {window.before} + {window.after} cuts all of the output, {window.output(width)} wide",
                "padding",
                "use less padding, or a larger kernel",
            )
        found.append(window)
    return tuple(found)


# -- faults ------------------------------------------------------------------------------------------------------------


def _check_pads(value: Value, rank: int, name: str) -> None:
    """Raise `Fault` where padding or amounts are a list that has not one entry per axis."""
    if isinstance(value, tuple) and len(value) != rank:
        help = f"before and after one axis are a pair: [{show(value)}]" if rank == 1 and len(value) == 2 else ""
        raise _wrong_rank(value, rank, name, help)


def _wrong_rank(value: tuple[Value, ...], rank: int, name: str, help: str = "") -> Fault:
    axes = f"{rank} spatial ax{'is' if rank == 1 else 'es'}"
    help = help or (f"write `{name}: {show(value[0])}`" if rank == 1 and value else "write one number, or one per axis")
    return Fault("wrong-rank", f"`{name}` has {len(value)} entries for {axes}", name, help)


def _too_large(window: Window, width: int, name: str) -> Fault:
    padded = width + window.before + window.after
    spread = f" (extent {window.extent} at dilation {window.dilation})" if window.dilation > 1 else ""
    most = (padded - 1) // window.dilation + 1
    return Fault(
        "window-too-large",
        f"kernel {window.size}{spread} does not fit the {'padded ' if padded > width else ''}{name} {padded}",
        "kernel",
        f"use `padding: same`, or a kernel of at most {most}",
    )
