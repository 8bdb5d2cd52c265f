"""The kernels that layers execute in: what every machine of the executor offers, and no more.

How a kind executes is written against `Kernels` alone.  What a tensor is, the machine decides: numbers, sets of input
positions, or what a unit sees of an axis; so a layer asks a tensor for its shape, and leaves the rest to the kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from cnncalc.geometry import Shape, Slide, Taps


class Shaped(Protocol):
    """All that a layer may ask of a tensor."""

    @property
    def shape(self) -> Shape:
        """Channels first, without the batch."""

    @property
    def size(self) -> int:
        """How many scalars it has."""


T = TypeVar("T", bound=Shaped)
"""A machine's tensors."""

Reduction = Callable[[Sequence[float], int], float]
"""One number from the values of a window inside the input, and the number of its positions with the padding."""

Statistic = Callable[[Sequence[float], int], Any]
"""A statistic from some values and their number."""


class Kernels(Protocol[T]):
    """Sliding windows, elementwise functions, reductions, and moved data."""

    # weights, used aside: they do not count as influence

    def weight(self, name: str, shape: Shape) -> Sequence[float]:
        """The values of a tensor of weights, flat and row-major; each is read once."""

    def factors(self, name: str, x: T, count: int | None = None) -> T:
        """A weight per channel of `x` (or `count` of them)."""

    def per_channel(self, values: Sequence[Any], x: T) -> T:
        """One number or statistic per channel, or a single one, as a tensor that broadcasts over `x`."""

    def across(self, function: Statistic, x: T, windows: Taps | None = None) -> T:
        """A statistic per position over all channels, or over each of several `windows` of channels."""

    def over(self, function: Statistic, x: T, groups: int) -> T:
        """A statistic per group of channels over all of their positions."""

    # sliding windows

    def convolve(
        self, x: T, sliding: Sequence[Slide], channels: int, groups: int, weight: str, bias: str, border: str = "zeros"
    ) -> T:
        """Cross-correlation: `channels` outputs in `groups`, each a weighted sum of its group's window.

        `weight` and `bias` name tensors of weights, an empty `bias` none; `border` is what stands in the padding.
        """

    def scatter(self, x: T, sliding: Sequence[Slide], channels: int, groups: int, weight: str, bias: str) -> T:
        """Transposed convolution: every input position adds its products with the kernel to a window of outputs."""

    def taps(self, slide: Slide, width: int, ceil: bool = False) -> Taps:
        """What windows read of an axis of `width` positions; with `ceil` a last one may reach beyond its padding."""

    def reduce(self, function: Reduction, x: T, axes: Sequence[Taps]) -> T:
        """A number of every window of a channel; padding counts, but gives no value."""

    def whole(self, function: Reduction, x: T) -> T:
        """A number of all positions of a channel."""

    def mix(self, x: T, axis: int, rows: Sequence[Sequence[tuple[int, float]]]) -> T:
        """Along one axis (0 is the channels), every output position as a fixed combination: (position, share) pairs.

        Positions beyond the axis stand for its ends.
        """

    # elementwise

    def each(self, function: Callable[..., float], *tensors: T, aside: Sequence[T] = ()) -> T:
        """``function(*scalars, *aside)`` at every position; sizes of 1, and groups of channels, are broadcast."""

    # moved data

    def inside(self, tap: int, width: int, border: str) -> int:
        """The input position that stands at `tap` of a padded axis; -1 where a constant stands there."""

    def concat(self, *tensors: T) -> T:
        """One after the other on the channel axis."""

    def take(self, x: T, channels: Taps, axes: Sequence[Taps], pad: float = 0.0) -> T:
        """Single positions of every axis; -1 takes `pad`."""

    def interleave(self, parts: Sequence[T], block: int) -> T:
        """The parts, one per position of a block in row-major order, interleaved on every spatial axis."""

    def rearrange(self, x: T, shape: Shape, order: Sequence[int] | None = None) -> T:
        """Another shape of the same scalars, in another order."""

    def unknown(self, shape: Shape) -> T:
        """The result of a layer that cannot be run."""
