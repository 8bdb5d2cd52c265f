"""Convolutions in Python's big integers, exact: the inner loops of the fast path.

A plane of pixels is packed into one integer, a pixel a slot of whole bytes (Kronecker substitution).  Multiplied by an
integer that holds a kernel row, every slot becomes that row's sum of products at its pixel.  No sum crosses into the
next slot: the bound |sum| <= weights per sum * greatest weight * 255 is known beforehand, and the slot made as wide as
it asks for.  A stride splits a plane into phases, each of which is then read at stride 1.
Where there are fewer positions than output channels, the channels are packed instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from math import prod
from operator import mul
from typing import Any

from cnncalc.executor.algebras import shift
from cnncalc.executor.sliding import inside, offsets, scattered
from cnncalc.executor.tensors import Tensor
from cnncalc.geometry import Slide
from cnncalc.records import NamedTuple


class Term(NamedTuple):
    """Taps that are one multiplication: of a phase of the plane, by slots of kernel values."""

    phase: tuple[int, int]
    rows: int
    """Rows by which the phase is read further on."""
    places: int
    """Slots by which the last of its taps is read further right."""
    row: int
    """The kernel row of its taps."""
    taps: tuple[int, ...]
    """Their columns, from the last backwards: multiplied, they meet in the slot where the last one reads."""


class Packed(NamedTuple):
    """How one convolution is laid out in big integers: bytes of a slot, and so on."""

    slot: int
    slots: int
    """Slots of a row of a phase."""
    width: int
    """Columns of the output."""
    terms: tuple[Term, ...]

    @property
    def row(self) -> int:
        """Bits of a row of a phase."""
        return self.slots * self.slot * 8


STRIP = 48_000
"""Bytes of a plane that are multiplied at a time: they stay in the cache."""


class KernelValues:
    """The weights of a convolution, and the bound that they give."""

    def __init__(self, raw: bytes, biases: list[int], channels: int, groups: int) -> None:
        self.raw = raw
        """The kernels, an output channel after the other, as signed bytes."""
        self.biases = biases
        self.count = len(raw) // channels
        """Weights of an output channel."""
        self.groups, self.per_group = groups, channels // groups
        self.greatest = max(abs(_signed(byte)) for byte in {1, *raw})
        """No weight is beyond it, in either direction; at least 1, so that a slot has more than 8 bits."""
        bound = 255 * self.greatest * self.count + max(map(abs, biases))
        self.slot = bound.bit_length() // 8 + 1
        """Bytes of a slot: a bit more than the bound has, for the sign."""
        self.bases: dict[tuple[int, int], int] = {}

    @cached_property
    def raised(self) -> bytes:
        """A table that makes weights positive; `clipped` takes it back."""
        return bytes((_signed(byte) + self.greatest) & 0xFF for byte in range(256))

    def clipped(self, total: int, values: int, first: int, last: int, count: int) -> bytes:
        """8-bit outputs from a sum of products of `count` values, which sum to `values`, and raised weights."""
        if (first, last) not in self.bases:
            numbers = (self.half + bias for bias in self.biases[first:last])
            joined = b"".join(number.to_bytes(self.slot, "little") for number in numbers)
            self.bases[first, last] = int.from_bytes(joined, "little")
        total += self.bases[first, last] - _ones(last - first, self.slot) * (self.greatest * values)
        return _clipped(total, last - first, self.slot, shift(count))

    def block(self, first: int, last: int, start: int, stop: int) -> list[int]:
        """For each weight from `start` up to `stop`: those of the output channels, raised above 0 and packed."""
        rows = range(first * self.count, last * self.count, self.count)
        near = b"".join(self.raw[row + start : row + stop] for row in rows).translate(self.raised)  # in the cache
        return [_packed(near[place :: stop - start], self.slot) for place in range(stop - start)]

    @property
    def half(self) -> int:
        """Half of a slot's range; added to a signed slot, it makes it positive."""
        return 1 << self.slot * 8 - 1


class ByChannel:
    """A convolution of few positions: slots are output channels, and a window's values multiply packed weights."""

    BLOCK = 64
    """Weights of an output channel that are packed at a time: it bounds the memory."""

    def __init__(self, x: Tensor, axes: list[Any], kernels: KernelValues) -> None:
        self.kernels = kernels
        self.windows = offsets(axes, x.shape[1:])
        self.planes = x.planes(0)

    def outputs(self, first: int, last: int) -> tuple[bytes, int]:
        """The output channels from `first` up to `last`, and the number of products made."""
        each, made, data = self.kernels.per_group, 0, []
        for group in range(first // each, -(-last // each)):
            planes = self.planes[group * len(self.planes) // self.kernels.groups :][
                : len(self.planes) // self.kernels.groups
            ]
            seen = [[plane[tap] for plane in planes for tap in window] for window in self.windows]
            part = max(first, group * each), min(last, (group + 1) * each)
            data.append(self._group(seen, *part))
            made += sum(map(len, seen)) * (part[1] - part[0])
        return b"".join(data), made

    def _group(self, seen: list[list[int]], first: int, last: int) -> bytes:
        """Output channels of one group, from the values that each position sees."""
        kernels, width, positions = self.kernels, last - first, len(seen)
        totals = [0] * positions
        for start in range(0, kernels.count, self.BLOCK):
            packed = kernels.block(first, last, start, min(start + self.BLOCK, kernels.count))
            for position, values in enumerate(seen):
                totals[position] += sum(map(mul, values[start : start + self.BLOCK], packed))
        data = bytearray(width * positions)
        for position, values in enumerate(seen):
            data[position::positions] = kernels.clipped(totals[position], sum(values), first, last, kernels.count)
        return bytes(data)


class Scattered:
    """A transposed convolution: slots are output channels, and every output sums what the inputs scatter to it."""

    def __init__(self, x: Tensor, sliding: Sequence[Slide], kernels: KernelValues) -> None:
        self.kernels = kernels
        self.planes = x.planes(0)
        self.size = prod(slide.size for slide in sliding)
        self.full, kept = scattered(sliding, x.shape[1:])
        self.axes = kept[0]
        self.full.append([])  # beyond the full output: output_padding
        self.kept = offsets(*kept)[0]

    def outputs(self, first: int, last: int) -> tuple[bytes, int]:
        """As `ByChannel.outputs`."""
        each, made, data = self.kernels.per_group, 0, []
        members = len(self.planes) // self.kernels.groups
        for group in range(first // each, -(-last // each)):
            begin, end = max(first, group * each), min(last, (group + 1) * each)
            inputs = range(group * members, (group + 1) * members)
            rows = [self._taps(channel, begin - group * each, end - group * each) for channel in inputs]
            planes = [self.planes[channel] for channel in inputs]
            found = bytearray(len(self.full) * (end - begin))
            for place, pairs in enumerate(self.full):
                values = [plane[position] for plane in planes for position, _ in pairs]
                total = sum(map(mul, values, [row[tap] for row in rows for _, tap in pairs]))
                made += len(values) * (end - begin)
                found[place :: len(self.full)] = self.kernels.clipped(total, sum(values), begin, end, len(values))
            for start in range(0, len(found), len(self.full)):
                plane = found[start : start + len(self.full)]
                data.append(bytes(plane[place] for place in self.kept))
        return b"".join(data), made

    def _taps(self, channel: int, begin: int, end: int) -> list[int]:
        """Per kernel position, the packed weights from an input channel to some outputs of its group."""
        first = channel * self.kernels.per_group
        near = self.kernels.raw[(first + begin) * self.size : (first + end) * self.size].translate(self.kernels.raised)
        return [_packed(near[tap :: self.size], self.kernels.slot) for tap in range(self.size)]


class ByPixel:
    """A convolution of many positions: slots are the pixels of a plane, and kernel rows multiply packed planes."""

    def __init__(self, x: Tensor, sliding: list[Slide], axes: list[Any], border: str, kernels: KernelValues) -> None:
        self.border, self.kernels = border, kernels
        self.sizes = x.shape[1:] if len(sliding) > 1 else (1, *x.shape[1:])
        self.depth = prod(self.sizes[:-2])
        if len(sliding) == 1:
            sliding, axes = [Slide(1, 1, 1, 0, 0), *sliding], [[[0]], *axes]
        self.leading = offsets(axes[:-2], self.sizes[:-2])
        """For every output position on the axes before the last two, the input positions it reads; -1 is padding."""
        self.data, self.channels = bytes(x.data), x.shape[0]
        self.rows, self.columns = sliding[-2:]
        self.packed = _layout(self.rows, self.columns, self.sizes[-1], len(axes[-1]), kernels.slot)
        height = max(1, STRIP // (self.packed.row // 8))
        self.strips = [(top, min(height, len(axes[-2]) - top)) for top in range(0, len(axes[-2]), height)]
        """First row, and number of rows, of the parts of an output plane."""

    def outputs(self, first: int, last: int) -> tuple[bytes, int]:
        """The output channels from `first` up to `last`, and the number of products made."""
        each, made, data = self.kernels.per_group, 0, []
        factors = [_Factors(term.taps, self.packed.slot * 8) for term in self.packed.terms]
        for group in range(first // each, -(-last // each)):
            outputs = range(max(first, group * each), min(last, (group + 1) * each))
            multipliers = [self._multipliers(output, factors) for output in outputs]
            parts: list[list[bytes]] = [[] for _ in outputs]
            for planes, height in self._inputs(group):
                used = sum(len(term.taps) * len(inputs) for term, inputs in zip(self.packed.terms, planes))
                for output, numbers, part in zip(outputs, multipliers, parts):
                    sums: dict[int, int] = {}
                    for term, inputs, multiplier in zip(self.packed.terms, planes, numbers):
                        sums[term.places] = sums.get(term.places, 0) + sum(map(mul, inputs, multiplier))
                    part.append(self._part(sums, self.kernels.half + self.kernels.biases[output], height))
                    made += used * len(part[-1])
            data += [b"".join(part) for part in parts]
        return b"".join(data), made

    def _multipliers(self, output: int, factors: list[_Factors]) -> list[list[int]]:
        """Per term, the integers that multiply the planes for an output channel."""
        count, width = self.kernels.count, self.columns.size
        weights = self.kernels.raw[output * count : (output + 1) * count]
        rows = [weights[start : start + width] for start in range(0, count, width)]
        return [
            [factor[row] for row in rows[term.row :: self.rows.size]]
            for term, factor in zip(self.packed.terms, factors)
        ]

    def _inputs(self, group: int) -> Iterator[tuple[list[list[int]], int]]:
        """Per output position on the leading axes, and strip: what each term reads of the planes, and the height."""
        packed: dict[tuple[int, int], dict[tuple[int, int], int]] = {}
        each = self.channels // self.kernels.groups
        for positions in self.leading:
            phases = []
            for member in range(group * each, (group + 1) * each):
                for position in positions:
                    key = (member, position)
                    if key not in packed:
                        packed[key] = self._pack(member, position)
                    phases.append(packed[key])
            for top, height in self.strips:
                mask = (1 << (height + 1) * self.packed.row) - 1
                terms = [(term.phase, (top + term.rows) * self.packed.row) for term in self.packed.terms]
                yield [[planes[phase] >> skip & mask for planes in phases] for phase, skip in terms], height

    def _pack(self, channel: int, position: int) -> dict[tuple[int, int], int]:
        """The phases of one padded plane as integers; a position in the padding (-1) is all zeros."""
        height, width = self.sizes[-2:]
        start = (channel * self.depth + position) * height * width
        plane = self.data[start : start + height * width] if position >= 0 else bytes(height * width)
        rows, columns, border = self.rows, self.columns, self.border
        across = [inside(place, width, border) for place in range(-columns.before, width + columns.after)]
        across += [-1] * (self.packed.slots * columns.stride - len(across))
        lines = []
        for place in range(-rows.before, height + rows.after):
            source = inside(place, height, border)
            line = plane[source * width : (source + 1) * width] + b"\0" if source >= 0 else bytes(width + 1)
            lines.append(bytes(map(line.__getitem__, across)))
        slot, found = self.packed.slot, {}
        for down, right in {term.phase for term in self.packed.terms}:
            pixels = b"".join(line[right :: columns.stride] for line in lines[down :: rows.stride])
            found[down, right] = _packed(pixels, slot)
        return found

    def _part(self, sums: dict[int, int], base: int, height: int) -> bytes:
        """Rows of an output plane: sums, each read some slots further on, and `base` in every slot; in 8 bits."""
        packed, far, total = self.packed, max(sums), 0
        for places, value in sums.items():
            total += value << (far - places) * packed.slot * 8
        count = (height - 1) * packed.slots + packed.width
        total += _ones(far + count, packed.slot) * base
        part = _clipped(total >> far * packed.slot * 8, count, packed.slot, shift(self.kernels.count))
        if packed.slots == packed.width:
            return part
        return b"".join(part[start : start + packed.width] for start in range(0, count, packed.slots))


class _Factors(dict[bytes, int]):
    """The integers that stand for a term's taps, by the bytes of their kernel row."""

    def __init__(self, taps: tuple[int, ...], bits: int) -> None:
        super().__init__()
        self.taps, self.bits = taps, bits

    def __missing__(self, row: bytes) -> int:
        total = 0
        for slot, tap in enumerate(self.taps):
            total += _signed(row[tap]) << (slot * self.bits)
        if len(self) < 1 << 16:
            self[row] = total
        return total


def _layout(rows: Slide, columns: Slide, width: int, output: int, slot: int) -> Packed:
    """The terms of a kernel: neighbouring taps of a row that fall into the same phase are one multiplication."""
    padded = columns.before + width + columns.after
    runs = [[tap] for tap in range(columns.size)]
    if columns.dilation == 1:
        runs = [list(range(first, columns.size, columns.stride)) for first in range(min(columns.stride, columns.size))]
    terms = []
    for row in range(rows.size):
        down = row * rows.dilation
        for run in runs:
            last = run[-1] * columns.dilation
            phase = (down % rows.stride, last % columns.stride)
            terms.append(Term(phase, down // rows.stride, last // columns.stride, row, tuple(reversed(run))))
    return Packed(slot, -(-padded // columns.stride), output, tuple(terms))


@lru_cache
def _ones(count: int, slot: int) -> int:
    """1 in every slot."""
    return int.from_bytes((b"\1" + bytes(slot - 1)) * count, "little")


@lru_cache
def _tables(sign: int) -> tuple[bytes, bytes]:
    """For the byte that holds the sign bit: which values are kept, and which are beyond 8 bits."""
    kept = bytes(255 if byte >> sign & 1 else 0 for byte in range(256))
    beyond = bytes(255 if byte & ((1 << sign) - 1) else 0 for byte in range(256))
    return kept, beyond


_NONZERO = bytes([0] + [255] * 255)


def _signed(byte: int) -> int:
    return (byte ^ 128) - 128


def _packed(values: bytes, slot: int) -> int:
    """The values, each in a slot."""
    slots = bytearray(len(values) * slot)
    slots[::slot] = values
    return int.from_bytes(slots, "little")


def _clipped(total: int, count: int, slot: int, by: int) -> bytes:
    """The first `count` slots, each half a slot's range too large: divided by 2**by and clipped to 8 bits.

    The top bit of a slot tells that its value is not negative; any other bit above the lowest 8, that it is beyond.
    """
    raw = ((total & (1 << count * slot * 8) - 1) >> by).to_bytes(count * slot, "little")
    top, sign = divmod(slot * 8 - 1 - by, 8)
    kept, beyond = _tables(sign)
    signs = raw[top::slot]
    value = int.from_bytes(raw[::slot], "little") | int.from_bytes(signs.translate(beyond), "little")
    for middle in range(1, top):
        value |= int.from_bytes(raw[middle::slot].translate(_NONZERO), "little")
    return (value & int.from_bytes(signs.translate(kept), "little")).to_bytes(count, "little")
