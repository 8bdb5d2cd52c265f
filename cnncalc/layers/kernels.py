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


Adjust = Callable[[int, Sequence[float]], Sequence[float]]
"""The kernel of an output channel as it is used, from its number and what is learned of it."""


class Kernels(Protocol[T]):
    """Sliding windows, elementwise functions, reductions, and moved data."""

    # weights, used aside: they do not count as influence

    def weight(self, name: str, shape: Shape) -> Sequence[float]:
        """The values of a tensor of weights, flat and row-major; each is read once."""

    def factors(self, name: str, x: T, count: int | None = None) -> T:
        """A weight per channel of `x` (or `count` of them)."""

    def learned(self, name: str, shape: Shape, wide: Shape, order: Callable[[], Sequence[int]] | None = None) -> T:
        """A tensor of weights of this shape, to be used aside, as a tensor of the shape `wide` that may broadcast.

        With an `order` each of its scalars is the weight at this offset; -1 is 0.
        """

    def constants(self, shape: Shape, values: Sequence[float]) -> T:
        """Numbers, row-major, that no input influences, as a tensor of their own."""

    def per_channel(self, values: Sequence[Any], x: T) -> T:
        """One number or statistic per channel, or a single one, as a tensor that broadcasts over `x`."""

    def across(self, function: Statistic, x: T, windows: Taps | None = None) -> T:
        """A statistic per position over all channels, or over each of several `windows` of channels."""

    def over(self, function: Statistic, x: T, groups: int) -> T:
        """A statistic per group of channels over all of their positions."""

    # sliding windows

    def convolve(
        self,
        x: T,
        sliding: Sequence[Slide],
        channels: int,
        groups: int,
        weight: str,
        bias: str,
        border: str = "zeros",
        adjust: Adjust | None = None,
    ) -> T:
        """Cross-correlation: `channels` outputs in `groups`, each a weighted sum of its group's window.

        `weight` and `bias` name tensors of weights, an empty `bias` none; `border` is what stands in the padding;
        `adjust` makes of the kernel of an output channel what is used of it.
        """

    def scatter(self, x: T, sliding: Sequence[Slide], channels: int, groups: int, weight: str, bias: str) -> T:
        """Transposed convolution: every input position adds its products with the kernel to a window of outputs."""

    def taps(self, slide: Slide, width: int, ceil: bool = False) -> Taps:
        """What windows read of an axis of `width` positions; with `ceil` a last one may reach beyond its padding."""

    def reduce(self, function: Reduction, x: T, axes: Sequence[Taps]) -> T:
        """A number of every window of a channel; padding counts, but gives no value."""

    def whole(self, function: Reduction, x: T) -> T:
        """A number of all positions of a channel."""

    def fuse(self, function: Reduction, x: T) -> T:
        """A number of all channels of a position."""

    def unpool(self, x: T, like: T, sliding: Sequence[Slide]) -> T:
        """Zeros of the shape of `like`, and every value of `x` where the maximum of its window of `like` is."""

    def mix(self, x: T, axis: int, rows: Sequence[Sequence[tuple[int, float]]]) -> T:
        """Along one axis (0 is the channels), every output position as a fixed combination: (position, share) pairs.

        Positions beyond the axis stand for its ends.
        """

    # products between tensors

    def correlate(self, q: T, k: T, heads: int, axes: Sequence[Taps] | None, far: bool) -> T:
        """For every head and key a channel, at the positions of `q`: the product of the head's channels of both.

        `axes` are the keys of every query per axis, one beyond an axis masked: it is that of the other end, and its
        product is minus infinity.  None are all; `far` keys count as the whole input.
        """

    def blend(self, shares: T, v: T, heads: int, axes: Sequence[Taps] | None, far: bool) -> T:
        """The values of the keys, summed by the shares that `correlate` has led to; masked ones count nothing."""

    def relate(self, q: T, heads: int, name: str, shape: Shape, keys: int, rows: Sequence[Sequence[int]]) -> T:
        """For every head and each of `keys` a channel: products of the head's channels with rows of a learned table.

        `rows` are those of every position, in order of the keys; where there are none, the products are 0.
        """

    def matmul(self, a: T, b: T, groups: int, over: str, far: tuple[bool, bool]) -> T:
        """The product of matrices of channels by positions in `groups` of channels: a*b, over `positions` a*b', over
        `channels` a'*b; `far` tells of which of the two every position counts as the whole input."""

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

    def interleave(self, parts: Sequence[T], blocks: Sequence[int]) -> T:
        """The parts, one per position of a block in row-major order, interleaved on every spatial axis."""

    def rearrange(self, x: T, shape: Shape, order: Sequence[int] | Callable[[], Sequence[int]] | None = None) -> T:
        """Another shape of the same scalars, in another order, where -1 is 0."""

    def unknown(self, shape: Shape) -> T:
        """The result of a layer that cannot be run."""
