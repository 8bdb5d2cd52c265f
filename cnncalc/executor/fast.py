"""The fast exact path: whole networks in 8 bits, at full size.

All results equal those of the plain path, `Machine(Bytes(), ...)`, which also runs what is too small to be worth
packing.
"""

from __future__ import annotations

import os
import signal
from array import array
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise, repeat
from math import prod
from operator import mul
from random import Random
from typing import Any

from cnncalc.executor.algebras import SCALE, Bytes, narrowing
from cnncalc.executor.machine import Machine, WeightValues, spread
from cnncalc.executor.packed import ByChannel, ByPixel, KernelValues, Scattered
from cnncalc.executor.sliding import offsets, taps
from cnncalc.executor.tensors import Tensor
from cnncalc.geometry import Shape, Slide, Taps
from cnncalc.graph import Node
from cnncalc.layers.kernels import Adjust, Reduction
from cnncalc.layers.pooling import highest

LARGEST = 3
"""Drawn weights are whole numbers from -3 to 3."""
WORTH = 20_000
"""Multiplications from which on a convolution is packed."""
MANY = 8
"""Positions from which on they are worth packing."""
FEW = 3
"""Output channels of a group below which those of a transposed convolution are not worth packing."""
WORTH_FORKING = 30_000_000
"""Multiplications from which on a convolution is shared among processes."""


def drawn(owner: Node, name: str, shape: Shape) -> memoryview:
    """Whole weights drawn for a tensor: -3 to 3, variances 1 to 3; always the same for a layer and tensor."""
    generator = Random(f"{owner.name}/{name}")
    span = 2 * LARGEST + 1
    low = -LARGEST
    if name == "running_var":
        span, low = LARGEST, 1
    table = bytes((byte % span + low) & 0xFF for byte in range(256))
    left, values = prod(shape), bytearray()
    while left:
        step = min(left, 1 << 20)
        values += generator.randbytes(step).translate(table)
        left -= step
    return memoryview(values).cast("b")


class Fast(Machine):
    """The machine of the fast path; `processes` share the large convolutions."""

    def __init__(self, weights: WeightValues = drawn, processes: int = 1) -> None:
        super().__init__(Bytes(), weights)
        self.processes = processes if hasattr(os, "fork") else 1

    def convolve(
        self,
        x: Tensor,
        sliding: Sequence[Slide],
        channels: int,
        groups: int,
        weight: str,
        bias: str,
        border: str = "zeros",
        adjust: Adjust | None = None,
    ) -> Tensor:
        axes = [taps(slide, width, False, border) for slide, width in zip(sliding, x.shape[1:])]
        each, positions = x.shape[0] // groups, prod(map(len, axes))
        products = channels * positions * each * prod(slide.size for slide in sliding)
        by_channel = positions < channels // groups or not sliding
        if products < WORTH or not (by_channel or positions >= MANY):
            return super().convolve(x, sliding, channels, groups, weight, bias, border, adjust)
        values = self.adjusted(weight, (channels, each, *(slide.size for slide in sliding)), adjust)
        raw = bytes(values) if adjust is None else array("b", values).tobytes()
        biases = self.weight(bias, (channels,)) if bias else [0] * channels
        kernels = KernelValues(raw, [SCALE * int(number) for number in biases], channels, groups)
        work: Any = ByChannel(x, axes, kernels) if by_channel else ByPixel(x, list(sliding), axes, border, kernels)
        data, made = shared(work.outputs, channels, self.processes if products >= WORTH_FORKING else 1)
        self.algebra.products += made
        return Tensor((channels, *map(len, axes)), data)

    def scatter(
        self, x: Tensor, sliding: Sequence[Slide], channels: int, groups: int, weight: str, bias: str
    ) -> Tensor:
        kernel = tuple(slide.size for slide in sliding)
        products = x.size * channels // groups * prod(kernel)
        if products < WORTH or channels // groups < FEW:
            return super().scatter(x, sliding, channels, groups, weight, bias)
        values = self.weight(weight, (x.shape[0], channels // groups, *kernel))
        biases = self.weight(bias, (channels,)) if bias else [0] * channels
        kernels = KernelValues(bytes(values), [SCALE * int(number) for number in biases], channels, groups)
        work = Scattered(x, sliding, kernels)
        data, made = shared(work.outputs, channels, self.processes if products >= WORTH_FORKING else 1)
        self.algebra.products += made
        return Tensor((channels, *(len(axis[0]) for axis in work.axes)), data)

    def blank(self, count: int) -> Any:
        return bytearray(count)

    def matrix(
        self,
        rows: Sequence[Sequence[Any]],
        table: Sequence[Sequence[Any]],
        hidden: Sequence[Sequence[int]] | None = None,
    ) -> list[Sequence[Any]]:
        """Columns packed into one integer per place: a row's numbers multiply them, and every slot is a product.

        What is hidden to a row has no share there, and so no product that counts.
        """
        count, wide = len(table), len(table[0])
        slot = 4 if count < 1 << 16 else 8  # bytes: so many products of 8-bit numbers are below 2**32
        packed = []
        for values in table:
            raw = bytearray(slot * wide)
            raw[::slot] = bytes(values)
            packed.append(int.from_bytes(raw, "little"))
        by, found = narrowing(count), list[Sequence[Any]]()
        for row in rows:
            whole = memoryview(sum(map(mul, row, packed)).to_bytes(slot * wide, "little"))
            slots = whole.cast("I") if slot == 4 else whole.cast("Q")
            found.append(bytes([value >> by if value >> by < 256 else 255 for value in slots]))
        self.algebra.products += len(rows) * count * wide
        return found

    def reduce(self, function: Reduction, x: Tensor, axes: Sequence[Taps]) -> Tensor:
        """Maxima as maxima of shifted planes, where all windows are alike; padding is 0, the least value."""
        if function is not highest:
            return super().reduce(function, x, axes)
        lengths = [max(map(len, axis)) for axis in axes]
        size = prod(x.shape[1:])
        data = b"".join(bytes(x.data[start : start + size]) + b"\0" for start in range(0, x.size, size))
        windows = [[*window, *[-1] * (prod(lengths) - len(window))] for window in offsets(axes, x.shape[1:])]
        columns = list(zip(*windows))
        planes = []
        for start in range(0, len(data), size + 1):
            plane = data[start : start + size + 1]
            planes.append(bytes(map(max, *(map(plane.__getitem__, column) for column in columns), repeat(0))))
        return Tensor((x.shape[0], *map(len, axes)), b"".join(planes))

    def each(self, function: Callable[..., Any], *tensors: Tensor, aside: Sequence[Tensor] = ()) -> Tensor:
        """Channel by channel: a function of one changing value is a table, of two a memory."""
        shape = tuple(map(max, zip(*(tensor.shape for tensor in tensors))))
        if len(tensors) == 1 and not aside:
            known = bytes(self.algebra.call(function, (value,)) for value in range(256))
            return Tensor(shape, bytes(tensors[0].data).translate(known))
        size = prod(shape[1:])
        call = lru_cache(1 << 17)(lambda *values: self.algebra.call(function, values[:many], values[many:]))
        many = len(tensors)
        columns = [_by_channel(tensor, shape) for tensor in (*tensors, *aside)]
        planes = []
        for channel in range(shape[0]):
            values = [column[channel] for column in columns]
            changing = [place for place, value in enumerate(values) if value[1]]
            if changing == [0]:
                plane, others = bytes(values[0][0]), [value[0] for value in values[1:]]
                table = bytearray(256)
                for value in set(plane):
                    table[value] = call(value, *others)
                planes.append(plane.translate(table))
            else:
                flows = [value if changes else repeat(value, size) for value, changes in values]
                planes.append(bytes(map(call, *flows)))
        return Tensor(shape, b"".join(planes))


def _by_channel(tensor: Tensor, shape: Shape) -> list[tuple[Any, bool]]:
    """Per channel of `shape`: one scalar, or the scalars of its positions; and whether they change."""
    size, channels = prod(shape[1:]), shape[0]
    if prod(tensor.shape[1:]) == 1:
        return [(tensor.data[channel * tensor.shape[0] // channels], False) for channel in range(channels)]
    data = spread(tensor, shape)
    return [(data[start : start + size], True) for start in range(0, channels * size, size)]


# -- processes ---------------------------------------------------------------------------------------------------------

Work = Callable[[int, int], tuple[bytes, int]]


def shared(work: Work, count: int, processes: int) -> tuple[bytes, int]:
    """``work(0, count)`` in several processes, each with a part of the range: the results joined, the counts added."""
    bounds = [count * place // processes for place in range(processes + 1)]
    if processes == 1:
        return work(0, count)
    from multiprocessing import get_context

    context = get_context("fork")
    children = []
    try:
        for first, last in pairwise(bounds[1:]):
            receiver, sender = context.Pipe(duplex=False)
            child = context.Process(target=_send, args=(sender, work, first, last), daemon=True)
            child.start()
            sender.close()
            children.append((child, receiver, first, last))
        parts = [work(0, bounds[1])]
        for _, receiver, first, last in children:
            try:
                parts.append(receiver.recv())
            except EOFError:  # the process was killed: its part is done here
                parts.append(work(first, last))
    finally:
        for child, receiver, _, _ in children:
            child.terminate()
            child.join()
            receiver.close()
    return b"".join(data for data, _ in parts), sum(made for _, made in parts)


def _send(sender: Any, work: Work, first: int, last: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the parent's to report
    sender.send(work(first, last))
