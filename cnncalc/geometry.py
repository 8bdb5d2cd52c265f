"""Shapes, windows and padding rules: integers only, one axis at a time, no layer kinds.

An *axis map* says which input positions an output position reads along one spatial axis.  Output
sizes, receptive fields and unread positions all follow from it, so each rule stands here once.
The arithmetic follows Dumoulin and Visin, "A guide to convolution arithmetic for deep learning"
(2016), and, for `same`, TensorFlow's definition.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import TYPE_CHECKING, Literal

from cnncalc.diagnostics import Fault
from cnncalc.records import NamedTuple

if TYPE_CHECKING:  # loaded by resampling alone: it costs start-up some milliseconds
    from fractions import Fraction

Shape = tuple[int, ...]
"""Channels first, then the spatial axes, without the batch: ``(64, 112, 112)``; ``(features,)`` is flat."""

Pads = tuple[int, int]
"""Positions before and after an axis."""

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""Names of the spatial axes by their number."""

LIMIT = 2**63 - 1
"""Sizes and counts of one tensor stay within 64 bits."""


class Slide(NamedTuple):
    """A window's declared geometry on one axis, its padding resolved; nothing is worked out yet."""

    size: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0
    extra: int = 0
    """Transposed only: positions added after the output."""


Taps = Sequence[Sequence[int]]
"""Along one axis, for every output position the input positions that it reads; -1 is padding."""


def own(size: int) -> Taps:
    """Every position reads itself."""
    return [(position,) for position in range(size)]


class Window(NamedTuple):
    """A sliding window: output `o` reads inputs ``stride*o - before + dilation*k`` for k < size."""

    size: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0
    ceil: bool = False

    @property
    def extent(self) -> int:
        """K_eff: positions from the first to the last tap, ``dilation*(size - 1) + 1``."""
        return self.dilation * (self.size - 1) + 1

    def output(self, width: int) -> int:
        """floor((W + P - K_eff)/S) + 1; with `ceil` rounded up, as long as the last window starts in the input or
        its padding before (PyTorch's rule).  Zero or less where the window does not fit."""
        room = width + self.before + self.after - self.extent
        if not self.ceil:
            return room // self.stride + 1
        count = -(-room // self.stride) + 1
        return count - 1 if (count - 1) * self.stride >= width + self.before else count

    def reads(self, unit: int) -> list[int]:
        """The input positions that an output position reads, those in the padding among them."""
        first = self.stride * unit - self.before
        return [first + self.dilation * tap for tap in range(self.size)]

    def unread(self, width: int) -> int:
        """How many positions of the padded axis no window reads.

        Taps o*S + k*D of the output positions o < O and the kernel positions k < K meet where o differs by D/g and k
        by S/g (g = gcd(S, D)), so O*K - (O - D/g)*(K - S/g) of them are distinct.
        """
        count = self.output(width)
        padded = width + self.before + self.after
        common = gcd(self.stride, self.dilation)
        again = max(0, count - self.dilation // common) * max(0, self.size - self.stride // common)
        last = (count - 1) * self.stride
        outside = max(0, self.size - -(-(padded - last) // self.dilation))  # taps of the last window, with `ceil` alone
        return padded - (count * self.size - again - outside)


class Transposed(NamedTuple):
    """A scattered window: input `i` writes outputs ``stride*i - before + dilation*k`` for k < size."""

    size: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0
    extra: int = 0

    @property
    def extent(self) -> int:
        return self.dilation * (self.size - 1) + 1

    def output(self, width: int) -> int:
        """(W - 1)*S - P + K_eff + output_padding."""
        return (width - 1) * self.stride - self.before - self.after + self.extent + self.extra

    def reads(self, unit: int) -> list[int]:
        """The input positions that write an output position, those beyond the input among them."""
        places = [unit + self.before - self.dilation * tap for tap in range(self.size)]
        return [place // self.stride for place in places if place % self.stride == 0]


class Intervals(NamedTuple):
    """Output ``period*q + r`` reads inputs from ``step*q + spans[r][0]`` to ``step*q + spans[r][1]``.

    Border clamping is left out: this is the interior's rule everywhere.
    """

    length: int
    step: int
    spans: tuple[tuple[int, int], ...]

    @property
    def period(self) -> int:
        return len(self.spans)

    def output(self, width: int) -> int:
        return self.length

    def reads(self, unit: int) -> list[int]:
        """The input positions that an output position reads, border clamping left out."""
        turn, phase = divmod(unit, self.period)
        low, high = self.spans[phase]
        return list(range(self.step * turn + low, self.step * turn + high + 1))


AxisMap = Window | Transposed | Intervals

GLOBAL: Literal["global"] = "global"
"""In place of axis maps: every output reads every input position."""

Reach = tuple[AxisMap, ...] | Literal["global"] | None
"""What a layer reads: a map per axis, everything (`GLOBAL`), or its own position only (None)."""


def resolve_padding(rule: object, axis: int, width: int, size: int, stride: int, dilation: int) -> Pads:
    """The padding of a window on one axis of `width`, in positions before and after.

    `rule` is a word (`layers.types.PADDING_WORDS`), a number per side, or a sequence with one number or pair per axis.
    """
    extent = dilation * (size - 1) + 1
    if rule in ("same", "same_lower"):
        return _split(max(0, (-(-width // stride) - 1) * stride + extent - width), rule == "same_lower")
    return _fixed_padding(rule, axis, extent)


def resolve_transposed_padding(rule: object, axis: int, size: int, stride: int, dilation: int, extra: int) -> Pads:
    """As `resolve_padding` for a transposed window, where `same` and `same_lower` give ``W*S`` (TensorFlow's, ONNX's
    SAME_UPPER and SAME_LOWER)."""
    extent = dilation * (size - 1) + 1
    if rule in ("same", "same_lower"):
        total = extent + extra - stride
        before, _ = _split(max(0, total), rule == "same_lower")
        return before, total - before
    return _fixed_padding(rule, axis, extent)


def _fixed_padding(rule: object, axis: int, extent: int) -> Pads:
    """The padding of a rule by which it does not depend on the size of the axis."""
    if rule == "valid":
        return 0, 0
    if rule == "half":
        return (extent - 1) // 2, (extent - 1) // 2
    return explicit_padding(rule, axis)


def explicit_padding(rule: object, axis: int) -> Pads:
    """Padding given in numbers: one for all, one per axis, or a pair (before, after) per axis."""
    entry = rule[axis] if isinstance(rule, tuple) else rule
    if isinstance(entry, tuple):
        return entry[0], entry[1]
    assert isinstance(entry, int)
    return entry, entry


def _split(total: int, lower: bool) -> Pads:
    """Half on each side, the odd position after, or before with `lower`."""
    small = total // 2
    return (total - small, small) if lower else (small, total - small)


MAX_PERIOD = 65_536
"""Longest period of a position-dependent map that is worked out."""


def check_period(period: int) -> None:
    """Refuse a resampling whose pattern repeats only after more than `MAX_PERIOD` positions."""
    if period > MAX_PERIOD:
        raise Fault("too-large", f"the pattern of positions repeats only after {period:,}; the limit is {MAX_PERIOD:,}")


def adaptive(width: int, length: int) -> AxisMap:
    """Adaptive pooling from `width` to `length`: output o reads [floor(o*W/L), ceil((o+1)*W/L)) (PyTorch's rule)."""
    if width % length == 0:
        return Window(width // length, width // length)
    period, step = length // gcd(length, width), width // gcd(length, width)
    check_period(period)
    return Intervals(length, step, tuple((r * step // period, -(-(r + 1) * step // period) - 1) for r in range(period)))


def nearest(length: int, ratio: Fraction) -> AxisMap:
    """Nearest-neighbour resampling: output o reads ``floor(o*ratio)``, `ratio` input positions per output position."""
    check_period(ratio.denominator)
    spans = tuple((r * ratio.numerator // ratio.denominator,) * 2 for r in range(ratio.denominator))
    return Intervals(length, ratio.numerator, spans)


def linear(width: int, length: int, ratio: Fraction, align_corners: bool) -> AxisMap:
    """Linear resampling: output o reads the neighbours of its source coordinate.

    Half-pixel: ``(o + 1/2)*ratio - 1/2``; with `align_corners`: ``o*(W - 1)/(L - 1)``.  A coordinate that falls on a
    position reads that position alone.
    """
    from fractions import Fraction

    offset = Fraction(0)
    if align_corners:
        ratio = Fraction(width - 1, length - 1) if length > 1 else Fraction(0)
    else:
        offset = (ratio - 1) / 2
    period = ratio.denominator
    check_period(period)
    spans = []
    for r in range(period):
        source = r * ratio + offset
        low = source.numerator // source.denominator
        spans.append((low, low if source == low else low + 1))
    return Intervals(length, ratio.numerator, tuple(spans))


def bounded(shape: Shape) -> Shape:
    """`shape`, checked: every size at least 1 and the whole within 64 bits."""
    total = 1
    for size in shape:
        if size < 1:
            raise Fault("empty-output", f"the output {dims(shape)} would be empty")
        total *= size
    if total > LIMIT:
        raise Fault("too-large", f"a tensor of {dims(shape)} has more than 2**63 elements")
    return shape


def elements(shape: Shape) -> int:
    """How many numbers a tensor of this shape holds."""
    total = 1
    for size in shape:
        total *= size
    return total


def dims(shape: tuple[int, ...]) -> str:
    """``64 x 112 x 112``."""
    return " x ".join(map(str, shape))
