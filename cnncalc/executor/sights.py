"""Which input positions influence a unit, at full size: the executor's dependency sets, one axis at a time.

Windows are separable, and all channels of a tensor count together; so a tensor is, per axis of the input, one set for
every position on it.  A set is the bits of an integer.  `Sights` is a machine like the others: the layers execute in
it as they do with numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from cnncalc.executor.sliding import unbordered
from cnncalc.geometry import Shape, Slide, Taps, own
from cnncalc.graph import Node
from cnncalc.layers.kernels import Adjust, Reduction, Statistic
from cnncalc.records import NamedTuple

PADDED = 1
"""In a set: some of what was read is padding, or beyond the axis."""


class Sight(NamedTuple):
    """A tensor by what its units see."""

    shape: Shape
    axes: tuple[list[int], ...] | None
    """Per axis, for every position the set that it sees by windows alone; bit p + 1 is position p, bit 0 `PADDED`."""
    is_global: bool = False
    """Whether it also depends on the whole input, on paths that no window describes."""
    is_unknown: bool = False
    """Whether it depends on a layer that cannot be run."""

    @property
    def size(self) -> int:
        """How many scalars the tensor has."""
        return prod(self.shape)


def own_positions(shape: Shape) -> Sight:
    """An input, every position of which sees itself."""
    axes = {size: [2 << position for position in range(size)] for size in shape[1:]}
    return Sight(shape, tuple(axes[size] for size in shape[1:]))


def no_positions(shape: Shape) -> Sight:
    """What nothing of the input counts for: another input, weights and statistics."""
    return Sight(shape, None)


def span(positions: int) -> tuple[int, int] | None:
    """The first and the last position of a set."""
    positions >>= 1
    return ((positions & -positions).bit_length() - 1, positions.bit_length() - 1) if positions else None


class Sights:
    """The machine whose tensors are sights: the kernels of `layers.kernels`, where weights are not looked at."""

    def execute(self, node: Node, inputs: Sequence[Sight]) -> Sight:
        """What the units of one node see."""
        return node.operation.layer.settled(node.operation.inputs).execute_all(self, inputs)

    def weight(self, name: str, shape: Shape) -> Sequence[float]:
        return ()

    def factors(self, name: str, x: Sight, count: int | None = None) -> Sight:
        return no_positions(x.shape)

    def learned(self, name: str, shape: Shape, wide: Shape, order: Callable[[], Sequence[int]] | None = None) -> Sight:
        return no_positions(wide)

    def constants(self, shape: Shape, values: Sequence[float]) -> Sight:
        return no_positions(shape)

    def per_channel(self, values: Sequence[Any], x: Sight) -> Sight:
        return no_positions(x.shape)

    def across(self, function: Statistic, x: Sight, windows: Taps | None = None) -> Sight:
        return no_positions(x.shape)

    def over(self, function: Statistic, x: Sight, groups: int) -> Sight:
        return no_positions(x.shape)

    def taps(self, slide: Slide, width: int, ceil: bool = False) -> Taps:
        """Windows as they are, beyond the axis too, where other machines have what stands there."""
        return unbordered(slide, width, ceil)

    def inside(self, tap: int, width: int, border: str) -> int:
        """A tap beyond the axis as it is."""
        return tap

    def convolve(
        self,
        x: Sight,
        sliding: Sequence[Slide],
        channels: int,
        groups: int,
        weight: str,
        bias: str,
        border: str = "zeros",
        adjust: Adjust | None = None,
    ) -> Sight:
        axes = [self.taps(slide, width) for slide, width in zip(sliding, x.shape[1:])]
        return _read(x, channels, axes)

    def scatter(self, x: Sight, sliding: Sequence[Slide], channels: int, groups: int, weight: str, bias: str) -> Sight:
        """An output position sees the inputs whose windows reach it."""
        axes = []
        for slide, width in zip(sliding, x.shape[1:]):
            full = slide.stride * (width - 1) + slide.dilation * (slide.size - 1) + 1
            places = range(slide.before, full - slide.after + slide.extra)
            axes.append([_writers(place, slide) for place in places])
        return _read(x, channels, axes)

    def reduce(self, function: Reduction, x: Sight, axes: Sequence[Taps]) -> Sight:
        return _read(x, x.shape[0], axes)

    def whole(self, function: Reduction, x: Sight) -> Sight:
        return _globally(x, (x.shape[0],) + (1,) * (len(x.shape) - 1))

    def fuse(self, function: Reduction, x: Sight) -> Sight:
        return x._replace(shape=(1, *x.shape[1:]))

    def unpool(self, x: Sight, like: Sight, sliding: Sequence[Slide]) -> Sight:
        """A position sees the windows that may have had their maximum there."""
        found = []
        for slide, wide in zip(sliding, like.shape[1:]):
            found.append([_writers(place + slide.before, slide) for place in range(wide)])
        return _read(x, x.shape[0], found)

    def correlate(self, q: Sight, k: Sight, heads: int, axes: Sequence[Taps] | None, far: bool) -> Sight:
        """A query sees itself and its keys; one that a mask cuts off is beyond the axis.  How many channels that
        makes does not count."""
        return self._with(q, k, q.shape, axes, far)

    def blend(self, shares: Sight, v: Sight, heads: int, axes: Sequence[Taps] | None, far: bool) -> Sight:
        return self._with(shares, v, (v.shape[0], *shares.shape[1:]), axes, far)

    def _with(self, own: Sight, others: Sight, shape: Shape, axes: Sequence[Taps] | None, far: bool) -> Sight:
        """What sees itself, and others of another tensor."""
        seen = _globally(others, shape) if far or axes is None else _read(others, shape[0], axes)
        return _joined((own._replace(shape=shape), seen), shape)

    def relate(self, q: Sight, heads: int, name: str, shape: Shape, keys: int, rows: Sequence[Sequence[int]]) -> Sight:
        return q

    def matmul(self, a: Sight, b: Sight, groups: int, over: str, far: tuple[bool, bool]) -> Sight:
        rows = prod(a.shape[1:]) if over == "channels" else a.shape[0] // groups
        shape = (groups * rows, *((b.shape[0] // groups,) if over == "positions" else b.shape[1:]))
        seen = [_globally(x, shape) if beyond else x._replace(shape=shape) for x, beyond in zip((a, b), far)]
        return _joined(seen, shape)

    def mix(self, x: Sight, axis: int, rows: Sequence[Sequence[tuple[int, float]]]) -> Sight:
        axes = [own(size) for size in x.shape[1:]]
        axes[axis - 1] = [[position for position, _ in row] for row in rows]
        return _read(x, x.shape[0], axes)

    def each(self, function: Callable[..., float], *tensors: Sight, aside: Sequence[Sight] = ()) -> Sight:
        shape = tuple(map(max, zip(*(tensor.shape for tensor in tensors))))
        return _joined(tensors, shape)

    def concat(self, *tensors: Sight) -> Sight:
        sizes = map(max, zip(*(tensor.shape[1:] for tensor in tensors)))
        return _joined(tensors, (sum(tensor.shape[0] for tensor in tensors), *sizes))

    def take(self, x: Sight, channels: Taps, axes: Sequence[Taps], pad: float = 0.0) -> Sight:
        return _read(x, len(channels), axes)

    def interleave(self, parts: Sequence[Sight], blocks: Sequence[int]) -> Sight:
        sizes = zip(parts[0].shape[1:], blocks)
        axes = [[(place // block,) for place in range(size * block)] for size, block in sizes]
        return _read(parts[0], parts[0].shape[0], axes)

    def rearrange(
        self, x: Sight, shape: Shape, order: Sequence[int] | Callable[[], Sequence[int]] | None = None
    ) -> Sight:
        return _globally(x, shape)

    def unknown(self, shape: Shape) -> Sight:
        return Sight(shape, None, True, True)


def _read(x: Sight, channels: int, axes: Sequence[Taps]) -> Sight:
    """The units that read `x` through taps per axis."""
    shape = (channels, *map(len, axes))
    if x.axes is None or len(x.axes) != len(axes):
        return Sight(shape, None, x.is_global or x.axes is not None, x.is_unknown)
    found: list[list[int]] = []
    for place, (sets, axis) in enumerate(zip(x.axes, axes)):
        if place and sets is x.axes[place - 1] and axis == axes[place - 1]:
            found.append(found[-1])  # as on the axis before
            continue
        width, units = len(sets), []
        for window in axis:
            unit = 0
            for tap in window:
                unit |= sets[tap] if 0 <= tap < width else PADDED
            units.append(unit)
        found.append(units)
    return x._replace(shape=shape, axes=tuple(found))


def _writers(place: int, slide: Slide) -> list[int]:
    """The input positions that write a place of the full output of a transposed window, inside the axis or beyond."""
    shifted = [place - slide.dilation * tap for tap in range(slide.size)]
    return [source // slide.stride for source in shifted if source % slide.stride == 0]


def _globally(x: Sight, shape: Shape) -> Sight:
    """Units that see all that `x` sees, if it sees anything."""
    return Sight(shape, None, x.is_global or x.axes is not None, x.is_unknown)


def _joined(tensors: Sequence[Sight], shape: Shape) -> Sight:
    """The union of branches; one that is broadcast is the same for every unit, and so global."""
    branches = [_globally(tensor, shape) if tensor.shape[1:] != shape[1:] else tensor for tensor in tensors]
    axes: tuple[list[int], ...] | None = None
    for branch in branches:
        if branch.axes is not None:
            axes = branch.axes if axes is None else _either(axes, branch.axes)
    is_global, is_unknown = (any(flags) for flags in zip(*(branch[2:] for branch in branches)))
    return Sight(shape, axes, is_global, is_unknown)


def _either(some: tuple[list[int], ...], others: tuple[list[int], ...]) -> tuple[list[int], ...]:
    """The union of two branches; axes that are one list stay one."""
    pairs = {(id(a), id(b)): (a, b) for a, b in zip(some, others)}
    united = {key: a if a is b else [one | other for one, other in zip(a, b)] for key, (a, b) in pairs.items()}
    return tuple(united[id(a), id(b)] for a, b in zip(some, others))
