"""What windows read: positions along an axis, and flat offsets of several axes.

It takes a window's declared geometry and slides until the kernel no longer fits; no formula for an output's size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product as combinations
from math import prod

from cnncalc.geometry import Shape, Slide, Taps
from cnncalc.records import NamedTuple


def taps(slide: Slide, width: int, ceil: bool = False, border: str = "zeros") -> Taps:
    """As `unbordered`, with what stands in the padding; taps beyond the padding are left out."""
    end = width + slide.after
    return [[inside(tap, width, border) for tap in window if tap < end] for window in unbordered(slide, width, ceil)]


def unbordered(slide: Slide, width: int, ceil: bool) -> Taps:
    """Slide over `width` positions and their padding until the kernel no longer fits: the taps of every window.

    With `ceil` one more window reaches beyond the padding, if positions are left and it starts in the input or the
    padding before it (PyTorch's rule).
    """
    end = width + slide.after
    reach = slide.dilation * (slide.size - 1)
    found = []
    start = -slide.before
    while start + reach < end:
        found.append(range(start, start + reach + 1, slide.dilation))
        start += slide.stride
    if ceil and start < width and start - slide.stride + reach < end - 1:
        found.append(range(start, start + reach + 1, slide.dilation))
    return found


def inside(tap: int, width: int, border: str) -> int:
    """The input position that stands at `tap` of the padded axis; -1 where a constant stands there."""
    if 0 <= tap < width:
        return tap
    if border == "replicate":
        return max(0, min(tap, width - 1))
    if border == "circular":
        return tap % width
    if border == "reflect":
        around = tap % max(1, 2 * (width - 1))
        return min(around, 2 * (width - 1) - around)
    return -1


def offsets(axes: Sequence[Taps], sizes: Shape) -> list[list[int]]:
    """Combine the axes: for every output position, row-major, the flat offsets it reads; -1 is padding."""
    flat = [[0]]
    for axis, width in zip(axes, sizes):
        flat = [
            [-1 if outer < 0 or tap < 0 else outer * width + tap for outer in before for tap in window]
            for before in flat
            for window in axis
        ]
    return flat


class Neighbours(NamedTuple):
    """Queries that have the same keys, as flat offsets."""

    queries: Sequence[int]
    keys: Sequence[int]
    hidden: Sequence[Sequence[int]] | None
    """For each query the places among the keys that are masked; None where none is."""


def neighbours(axes: Sequence[Taps] | None, queries: int, sizes: Shape) -> Iterator[Neighbours]:
    """Every query once, with its keys on a map of these sizes; without axes each has all of them.

    A key beyond an axis is masked, and stands for that of the other end.
    """
    if axes is None:
        yield Neighbours(range(queries), range(prod(sizes)), None)
        return
    alike = []
    for axis, width in zip(axes, sizes):
        by_keys: dict[tuple[int, ...], list[tuple[int, list[bool]]]] = {}
        for place, window in enumerate(axis):
            around = tuple(tap % width for tap in window)
            by_keys.setdefault(around, []).append((place, [not 0 <= tap < width for tap in window]))
        alike.append(list(by_keys.items()))
    for chosen in combinations(*alike):
        keys, found = [0], [(0, [False])]
        for (around, places), width in zip(chosen, sizes):
            keys = [outer * width + tap for outer in keys for tap in around]
            found = [
                (query * width + place, [one or other for one in masked for other in beyond])
                for query, masked in found
                for place, beyond in places
            ]
        hidden = [[at for at, masked in enumerate(row) if masked] for _, row in found]
        yield Neighbours([query for query, _ in found], keys, hidden if any(hidden) else None)


def scattered(sliding: Sequence[Slide], sizes: Shape) -> tuple[list[list[tuple[int, int]]], tuple[list[Taps], Shape]]:
    """Of the full output, row-major: the (input position, kernel position) pairs that meet there; and what is kept.

    The second is, per axis, the kept positions of the full output (-1: beyond it), and the full output's sizes.
    """
    targets = [
        [[s.stride * i + s.dilation * k for k in range(s.size)] for i in range(w)] for s, w in zip(sliding, sizes)
    ]
    wide = tuple(max(max(row) for row in axis) + 1 for axis in targets)
    full: list[list[tuple[int, int]]] = [[] for _ in range(prod(wide))]
    for position, rows in enumerate(offsets(targets, wide)):
        for tap, target in enumerate(rows):
            full[target].append((position, tap))
    kept: list[Taps] = []
    for slide, width in zip(sliding, wide):
        places = range(slide.before, width - slide.after + slide.extra)
        kept.append([[place if place < width else -1 for place in places]])
    return full, (kept, wide)
