"""Pools: windows that keep the channels; a mean is a convolution with fixed weights, a maximum is not."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan
from typing import TYPE_CHECKING

from cnncalc.diagnostics import Fault
from cnncalc.geometry import GLOBAL, Reach, Shape, Slide, adaptive, elements
from cnncalc.layers.base import Layer, field
from cnncalc.layers.memory import Kept, kept_by_windows
from cnncalc.layers.types import FLAG, PADDING, POSITIVE, SIZES, Sizes, Value
from cnncalc.layers.windows import per_axis, slides, spatial, windows

if TYPE_CHECKING:
    from cnncalc.layers.kernels import Kernels, Reduction, T


def mean(values: Sequence[float], count: int) -> float:
    """The mean over so many positions, those in the padding being 0."""
    return sum(values) / count


def mean_inside(values: Sequence[float], count: int) -> float:
    """The mean over the positions inside the input; not a number, as in PyTorch, where there are none."""
    return sum(values) / len(values) if values else nan


def highest(values: Sequence[float], count: int) -> float:
    """The greatest value of a window; minus infinity, as in PyTorch, where it reads nothing but padding."""
    return max(values, default=-inf)


class Pool(Layer):
    """What the sliding pools share."""

    keeps = ("input",)

    kernel: Sizes = field(SIZES, "window size")
    stride: Sizes | None = field(SIZES, "distance between windows; the kernel if left out", None)
    padding: Value = field(PADDING, "padding", "valid")
    dilation: Sizes = field(SIZES, "distance between the positions of a window", 1)
    ceil_mode: bool = field(FLAG, "round the output size up, as PyTorch does", False)
    strided = True

    def slides(self, sizes: Shape) -> tuple[Slide, ...]:
        """How it slides over axes of these sizes; raises `Fault`."""
        stride = self.kernel if self.stride is None else self.stride
        return slides(sizes, self.kernel, stride, self.dilation, self.padding)

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        sizes = spatial(inputs[0], self.kind)
        found = windows(self.slides(sizes), sizes, self.ceil_mode)
        for window in found:
            most = max(window.before, window.after)
            if most >= window.extent:
                raise Fault(
                    "padding-too-large",
                    f"padding {most} leaves a window of {window.extent} wholly in the padding",
                    "padding",
                    f"use padding of at most {window.extent // 2}",
                )
        return found

    def execute(self, run: Kernels[T], x: T) -> T:
        sizes = x.shape[1:]
        axes = [run.taps(slide, width, self.ceil_mode) for slide, width in zip(self.slides(sizes), sizes)]
        return run.reduce(self.pooled(), x, axes)

    def pooled(self) -> Reduction:
        """What becomes of a window's values, and of the number of its positions with the padding."""
        raise AssertionError(f"{self.kind} must state what it pools")

    def keeping(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return kept_by_windows(self.reach(inputs), inputs[0])


class MaxPool(Pool, kind="max_pool"):
    """Maximum over a window; padding never wins."""

    example = "{max_pool: 2}"

    def pooled(self) -> Reduction:
        return highest

    def keeping(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        """The position of every maximum, as an int64."""
        return super().keeping(inputs, output)._replace(bytes=8 * elements(output))


class AvgPool(Pool, kind="avg_pool"):
    """Mean over a window."""

    count_include_pad: bool = field(FLAG, "divide by the padded positions too", True)

    example = "{avg_pool: 2}"

    def pooled(self) -> Reduction:
        return mean if self.count_include_pad else mean_inside


class LpPool(Pool, kind="lp_pool"):
    """p-th root of the sum of p-th powers over a window."""

    p: float = field(POSITIVE, "the power", 2)

    example = "{lp_pool: 2}"

    def pooled(self) -> Reduction:
        return lambda values, count: float(sum(abs(value) ** self.p for value in values) ** (1 / self.p))

    def keeping(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        """The powers, and of their means four steps on the way to the root."""
        powers = elements(inputs[0]) + 4 * elements(output)
        return Kept(self.keeps, numbers=powers)


class GlobalPool(Layer):
    """What the global pools share: one position per channel is left."""

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        return GLOBAL

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return (inputs[0][0], *(1 for _ in spatial(inputs[0], self.kind)))

    def execute(self, run: Kernels[T], x: T) -> T:
        return run.whole(self.pooled(), x)

    def pooled(self) -> Reduction:
        """What becomes of a channel's values, and of their number."""
        raise AssertionError(f"{self.kind} must state what it pools")


class GlobalAvgPool(GlobalPool, kind="global_avg_pool"):
    """Mean over all positions of a channel."""

    keeps = ()

    def pooled(self) -> Reduction:
        return mean


class GlobalMaxPool(GlobalPool, kind="global_max_pool"):
    """Maximum over all positions of a channel."""

    keeps = ("input",)

    def pooled(self) -> Reduction:
        return highest

    def keeping(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        """The position of every maximum, as an int64."""
        return Kept(self.keeps, bytes=8 * elements(output))


class AdaptivePool(Layer):
    """What the adaptive pools share: the output's size is given, windows divide the input as evenly as they can."""

    keeps = ("input",)

    size: Sizes = field(SIZES, "output size")

    def _sizes(self, inputs: tuple[Shape, ...]) -> tuple[int, ...]:
        return per_axis(self.size, len(spatial(inputs[0], self.kind)), "size")

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        """A window where the size divides the input, position-dependent else; to a single position: everything."""
        sizes = self._sizes(inputs)
        if all(size == 1 for size in sizes):
            return GLOBAL
        return tuple(adaptive(width, size) for width, size in zip(inputs[0][1:], sizes))

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return (inputs[0][0], *self._sizes(inputs))

    def execute(self, run: Kernels[T], x: T) -> T:
        widths = x.shape[1:]
        sizes = per_axis(self.size, len(widths), "size")
        if set(sizes) == {1}:
            return run.whole(self.pooled(), x)
        axes = [
            [range(place * width // size, -(-(place + 1) * width // size)) for place in range(size)]
            for width, size in zip(widths, sizes)
        ]
        return run.reduce(self.pooled(), x, axes)

    def pooled(self) -> Reduction:
        """What becomes of a part's values, and of their number."""
        raise AssertionError(f"{self.kind} must state what it pools")


class AdaptiveAvgPool(AdaptivePool, kind="adaptive_avg_pool"):
    """Mean over windows that divide the input into `size` parts per axis."""

    example = "{adaptive_avg_pool: 7}"

    def pooled(self) -> Reduction:
        return mean

    def keeping(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        """Nothing where a single position is left: that is a mean."""
        return Kept() if self.reach(inputs) == GLOBAL else Kept(self.keeps)


class AdaptiveMaxPool(AdaptivePool, kind="adaptive_max_pool"):
    """Maximum over windows that divide the input into `size` parts per axis."""

    example = "{adaptive_max_pool: 7}"

    def pooled(self) -> Reduction:
        return highest

    def keeping(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        """The position of every maximum, as an int64."""
        return Kept(self.keeps, bytes=8 * elements(output))
