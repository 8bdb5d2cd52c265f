"""The scalars that the reference executor computes with: numbers, or sets of input positions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import mul
from typing import Any

from cnncalc.diagnostics import Fault


class Floats:
    """Real numbers.  The operations of an algebra are sums of products, a function, one that sees the whole input,
    a statistic, where a maximum is, and the result of a layer that cannot be run."""

    def __init__(self) -> None:
        self.products = 0
        """Multiplications by a weight that were made."""

    def dot(self, weights: Sequence[float], values: Sequence[Any], bias: float) -> Any:
        """bias + w0*x0 + w1*x1 + ...: the one operation whose products are counted."""
        self.products += _same_length(weights, values)
        return sum(map(mul, weights, values), bias)

    def product(self, some: Sequence[Any], others: Sequence[Any]) -> Any:
        """x0*y0 + x1*y1 + ... of scalars of two tensors; these products are counted too."""
        self.products += _same_length(some, others)
        return sum(map(mul, some, others))

    def kernel(self, values: Sequence[float]) -> Sequence[float]:
        """A kernel that was made of weights, in the numbers that it multiplies with."""
        return values

    def far(self, values: Sequence[Any]) -> Sequence[Any]:
        """Scalars that count as the whole input, whatever they saw."""
        return values

    def highest(self, values: Sequence[Any]) -> Sequence[int]:
        """Where the greatest value is; every place where it cannot be told."""
        return (max(range(len(values)), key=values.__getitem__),)

    def call(self, function: Callable[..., Any], values: Sequence[Any], aside: Sequence[Any] = ()) -> Any:
        """``function(*values, *aside)``; `aside` are weights and statistics, which do not count as influence."""
        return function(*values, *aside)

    def whole(self, function: Callable[..., Any], values: Sequence[Any]) -> Any:
        """As `call`, for what sees the whole input by definition: a global pool, a flattened or permuted tensor."""
        return function(*values)

    def measure(self, function: Callable[..., Any], values: Sequence[Any]) -> Any:
        """A statistic to be used aside: ``function(values, count)``."""
        return function(values, len(values))

    def unknown(self) -> Any:
        """A scalar of a layer that cannot be run."""
        raise Fault("cannot-run", "an `opaque` layer cannot be executed", None, "stop before it with `--layer`")


class Bits(Floats):
    """Sets of input positions as the bits of an integer: the receptive field by its definition.

    What sees the whole input leaves the set: of such paths none is a window's.
    """

    def dot(self, weights: Sequence[float], values: Sequence[Any], bias: float) -> Any:
        self.products += _same_length(weights, values)
        return union(values)

    def product(self, some: Sequence[Any], others: Sequence[Any]) -> Any:
        self.products += _same_length(some, others)
        return union(some) | union(others)

    def far(self, values: Sequence[Any]) -> Sequence[Any]:
        return [0] * len(values)

    def highest(self, values: Sequence[Any]) -> Sequence[int]:
        return range(len(values))

    def call(self, function: Callable[..., Any], values: Sequence[Any], aside: Sequence[Any] = ()) -> Any:
        return union(values)

    def whole(self, function: Callable[..., Any], values: Sequence[Any]) -> Any:
        return 0

    def measure(self, function: Callable[..., Any], values: Sequence[Any]) -> Any:
        return None

    def unknown(self) -> Any:
        return 0


def union(sets: Sequence[int]) -> int:
    """All positions of some sets."""
    found = 0
    for positions in sets:
        found |= positions
    return found


def _same_length(weights: Sequence[float], values: Sequence[Any]) -> int:
    if len(weights) != len(values):
        raise AssertionError(f"{len(weights)} weights meet {len(values)} values")
    return len(weights)


SCALE = 16
"""Steps of an 8-bit number per unit: 0 to 255 stand for 0 to 15.9375."""


class Bytes(Floats):
    """8-bit numbers in steps of 1/16, clipped after every operation, and whole weights.

    Weighted sums are exact until they are clipped.  What 8 bits do not carry (norms, gates, averages, smooth
    activations) is the layer's own function, rounded to them: a stand-in that reads the same weights.
    """

    def dot(self, weights: Sequence[float], values: Sequence[Any], bias: float) -> Any:
        self.products += _same_length(weights, values)
        return clipped((sum(map(mul, weights, values)) + SCALE * int(bias)) >> shift(len(weights)))

    def product(self, some: Sequence[Any], others: Sequence[Any]) -> Any:
        self.products += _same_length(some, others)
        return min(sum(map(mul, some, others)) >> narrowing(len(some)), 255)

    def kernel(self, values: Sequence[float]) -> Sequence[float]:
        return [max(-128, min(round(SCALE * value), 127)) for value in values]  # signed bytes

    def call(self, function: Callable[..., Any], values: Sequence[Any], aside: Sequence[Any] = ()) -> Any:
        return rounded(function(*(value / SCALE for value in values), *aside))

    def whole(self, function: Callable[..., Any], values: Sequence[Any]) -> Any:
        return rounded(function(*(value / SCALE for value in values)))

    def measure(self, function: Callable[..., Any], values: Sequence[Any]) -> Any:
        return function([value / SCALE for value in values], len(values))

    def unknown(self) -> Any:
        return 128


def clipped(value: int) -> int:
    """`value` within 8 bits."""
    return max(0, min(value, 255))


def rounded(value: float) -> int:
    """A real number in 8 bits: 0 for what is below, or no number at all."""
    return round(max(0, min(SCALE * value, 255)))


def narrowing(count: int) -> int:
    """By how many bits a sum of so many products of 8-bit numbers is divided: they are all positive."""
    return 4 + count.bit_length()


def shift(count: int) -> int:
    """By how many bits a sum of so many products is divided, so that it mostly fits 8 bits."""
    return count.bit_length() // 2
