"""What the units of one axis see of an input, by intervals: patterns, read through axis maps and united.

A pattern says that output position ``period*q + r`` sees inputs from ``step*q + low[r]`` to ``step*q + high[r]``.
Windows have period 1: size, stride and start follow (Araujo, Norris and Sim, "Computing receptive fields of
convolutional neural networks", Distill 2019); upsampling and transposed convolutions make it periodic.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd, lcm

from cnncalc.diagnostics import Fault
from cnncalc.geometry import AxisMap, Intervals, Transposed, Window, check_period
from cnncalc.records import NamedTuple

Spans = tuple[tuple[int, int] | None, ...]


class Pattern(NamedTuple):
    """What the units of one axis see; a span of None sees nothing."""

    step: int
    spans: Spans

    def at(self, position: int) -> tuple[int, int] | None:
        """The interval that a unit sees."""
        quotient, phase = divmod(position, len(self.spans))
        span = self.spans[phase]
        return None if span is None else (span[0] + quotient * self.step, span[1] + quotient * self.step)

    @property
    def ratio(self) -> tuple[int, int]:
        """The effective stride as numerator and denominator."""
        common = gcd(self.step, len(self.spans))
        return self.step // common, len(self.spans) // common

    @property
    def sizes(self) -> list[int]:
        return [0 if span is None else span[1] - span[0] + 1 for span in self.spans]

    @property
    def widest(self) -> int:
        """The greatest of the sizes."""
        return max(self.sizes)

    def drift(self) -> tuple[int, int]:
        """Where the centers lie apart from the stride: twice their sum over a period, and the number summed."""
        period = len(self.spans)
        total = counted = 0
        for phase, span in enumerate(self.spans):
            if span is not None:
                total += (span[0] + span[1]) * period - 2 * phase * self.step
                counted += 1
        return total, counted * period


IDENTITY = Pattern(1, ((0, 0),))

remembered = lru_cache(maxsize=2_000, typed=True)  # a `Window` and a `Transposed` may be equal as tuples
"""For what follows from patterns alone: the axes of a map mostly see alike, and so do the networks of a family."""

Alternatives = tuple[Pattern, ...]
"""Patterns of one axis that differ in stride; one of them, but for badly joined branches."""


# -- through axis maps -------------------------------------------------------------------------------------------------


@remembered
def read(pattern: Pattern, axis: AxisMap) -> Pattern:
    """The pattern of the units that read `pattern` through an axis map."""
    if isinstance(axis, Window):
        return _windowed(pattern, axis)
    if isinstance(axis, Transposed):
        return _scattered(pattern, axis)
    return _resampled(pattern, axis)


def _windowed(pattern: Pattern, axis: Window) -> Pattern:
    period = len(pattern.spans)
    if period == 1:
        span = pattern.spans[0]
        if span is None:
            return Pattern(pattern.step * axis.stride, (None,))
        low = span[0] - pattern.step * axis.before
        return Pattern(pattern.step * axis.stride, ((low, span[1] + pattern.step * (axis.extent - 1 - axis.before)),))
    common = gcd(period, axis.stride)
    units = period // common
    _check_work(units, axis.size, period)
    firsts = [unit * axis.stride - axis.before for unit in range(units)]
    spans = tuple([_over(pattern, first, axis.dilation, axis.size) for first in firsts])
    return _reduced(Pattern(pattern.step * (axis.stride // common), spans))


def _scattered(pattern: Pattern, axis: Transposed) -> Pattern:
    """The taps that meet unit u read sources (u + before - dilation*tap)/stride, where that is whole."""
    period = len(pattern.spans) * axis.stride
    common = gcd(axis.stride, axis.dilation)
    every, apart = axis.stride // common, axis.dilation // common
    _check_work(period, -(-axis.size // every), len(pattern.spans))
    inverse = pow(apart, -1, every)
    spans: list[tuple[int, int] | None] = []
    for unit in range(period):
        position = unit + axis.before
        tap = position // common * inverse % every
        count = 0 if position % common else -(-(axis.size - tap) // every)
        source = (position - axis.dilation * tap) // axis.stride
        spans.append(_over(pattern, source, -apart, count))
    return _reduced(Pattern(pattern.step, tuple(spans)))


def _resampled(pattern: Pattern, axis: Intervals) -> Pattern:
    common = gcd(len(pattern.spans), axis.step)
    turns = len(pattern.spans) // common
    widest = max(high - low + 1 for low, high in axis.spans)
    _check_work(turns * axis.period, widest, len(pattern.spans))
    spans: list[tuple[int, int] | None] = []
    for turn in range(turns):
        base = turn * axis.step
        for low, high in axis.spans:
            spans.append(_over(pattern, base + low, 1, high - low + 1))
    return _reduced(Pattern(pattern.step * (axis.step // common), tuple(spans)))


def _over(pattern: Pattern, first: int, step: int, count: int) -> tuple[int, int] | None:
    """What `count` positions from `first` on see together.

    Positions a period apart see the same, further on: those within a period of either end decide.
    """
    period = len(pattern.spans)
    indices = range(count) if count <= 2 * period else (*range(period), *range(count - period, count))
    return _union([pattern.at(first + step * index) for index in indices])


MAX_WORK = 1_000_000
"""Most positions that are looked at for one layer."""


def _check_work(units: int, count: int, period: int) -> None:
    """Refuse a pattern that is too long to be worked out: `count` positions for each of `units`; raises `Fault`."""
    check_period(units)
    if units * min(count, 2 * period) > MAX_WORK:
        message = f"the receptive field's pattern of {units:,} positions is too long to be worked out"
        raise Fault("too-large", message)


def _union(spans: list[tuple[int, int] | None]) -> tuple[int, int] | None:
    known = [span for span in spans if span is not None]
    return (min(span[0] for span in known), max(span[1] for span in known)) if known else None


def _reduced(pattern: Pattern) -> Pattern:
    """The same pattern with the shortest period."""
    period = len(pattern.spans)
    for short in range(1, period // 2 + 1):
        if period % short or pattern.step * short % period:
            continue
        step = pattern.step * short // period
        if all(_moved(pattern.spans[index], step) == pattern.spans[index + short] for index in range(period - short)):
            return Pattern(step, pattern.spans[:short])
    return pattern


def _moved(span: tuple[int, int] | None, by: int) -> tuple[int, int] | None:
    return None if span is None else (span[0] + by, span[1] + by)


# -- together ----------------------------------------------------------------------------------------------------------


def united(branches: tuple[Alternatives, ...]) -> Alternatives:
    """Patterns of equal stride united, the others side by side."""
    by_ratio: dict[tuple[int, int], Pattern] = {}
    for patterns in branches:
        for pattern in patterns:
            ratio = pattern.ratio
            by_ratio[ratio] = _both(by_ratio[ratio], pattern) if ratio in by_ratio else pattern
    return tuple(by_ratio.values())


@remembered
def _both(a: Pattern, b: Pattern) -> Pattern:
    """The union of two patterns of equal stride."""
    if a == b:
        return a
    if len(a.spans) == len(b.spans) == 1:
        return Pattern(a.step, (_union([a.spans[0], b.spans[0]]),))
    period = lcm(len(a.spans), len(b.spans))
    check_period(period)
    spans = tuple(_union([a.at(unit), b.at(unit)]) for unit in range(period))
    return _reduced(Pattern(a.step * (period // len(a.spans)), spans))


# -- in figures --------------------------------------------------------------------------------------------------------


class AlongAxis(NamedTuple):
    """The figures of a receptive field on one axis of the input.

    `size` and `stride` are least and greatest values, equal but for upsampling and branches of unequal stride;
    a stride is a numerator and a denominator.  `start` is the first pixel that unit 0 sees, `center` the middle.
    What units see repeats after `period` of them, that many strides further on.
    """

    size: tuple[int, int]
    stride: tuple[tuple[int, int], tuple[int, int]]
    period: int
    start: int | None
    center: float | None


@remembered
def along_axis(patterns: Alternatives) -> AlongAxis:
    every = [size for pattern in patterns for size in pattern.sizes]
    ratios = sorted((pattern.ratio for pattern in patterns), key=lambda ratio: ratio[0] / ratio[1])
    period = max(len(pattern.spans) for pattern in patterns)
    first = _union([pattern.at(0) for pattern in patterns])
    start, center = (first[0], (first[0] + first[1]) / 2) if first else (None, None)
    return AlongAxis((min(every), max(every)), (ratios[0], ratios[-1]), period, start, center)
