"""Resampling to another spatial size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnncalc.diagnostics import Fault
from cnncalc.geometry import Reach, Shape, linear, nearest, own
from cnncalc.layers.base import Layer, field
from cnncalc.layers.types import FLAG, SCALE, SIZES, Sizes, words
from cnncalc.layers.windows import per_axis, spatial

if TYPE_CHECKING:
    from fractions import Fraction

    from cnncalc.layers.kernels import Kernels, T


class Upsample(Layer, kind="upsample"):
    """Nearest or linear interpolation to a multiple of the input's size, or to a given size.

    `bilinear` is linear on every axis, with half-pixel centres unless `align_corners`.
    """

    keeps = ()

    scale: Any = field(SCALE, "output size divided by input size", None)
    size: Sizes | None = field(SIZES, "output size, in place of a scale", None)
    mode: str = field(words("nearest", "bilinear"), "interpolation", "nearest")
    align_corners: bool = field(FLAG, "the first and last positions keep their values (bilinear only)", False)

    example = "{upsample: 2, mode: bilinear}"

    def _axes(self, inputs: tuple[Shape, ...]) -> list[tuple[int, int, Fraction]]:
        """Per axis: input size, output size, and input positions per output position."""
        from fractions import Fraction

        axes = spatial(inputs[0], self.kind)
        if (self.scale is None) == (self.size is None):
            both = self.scale is not None
            message = "`upsample` takes `scale` or `size`, not both" if both else "`upsample` needs `scale` or `size`"
            raise Fault("missing-argument", message, "size" if both else None, f"for example `{self.example}`")
        if self.size is not None:
            sizes = per_axis(self.size, len(axes), "size")
            return [(width, size, Fraction(width, size)) for width, size in zip(axes, sizes)]
        scales = [Fraction(str(scale)) for scale in per_axis(self.scale, len(axes), "scale")]
        for width, scale in zip(axes, scales):
            if width * scale < 1:
                raise Fault("empty-output", f"{width} positions times {float(scale):g} leave none", "scale")
        return [(width, int(width * scale), 1 / scale) for width, scale in zip(axes, scales)]

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """floor(W*scale), as PyTorch and ONNX."""
        return (inputs[0][0], *(length for _, length, _ in self._axes(inputs)))

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        if self.mode == "nearest":
            return tuple(nearest(length, ratio) for _, length, ratio in self._axes(inputs))
        return tuple(linear(*axis, self.align_corners) for axis in self._axes(inputs))

    def execute(self, run: Kernels[T], x: T) -> T:
        widths = x.shape[1:]
        axes = [self.sources(axis, width, len(widths)) for axis, width in enumerate(widths)]
        if self.mode == "nearest":
            return run.take(x, own(x.shape[0]), [[(int(source),) for source in sources] for sources in axes])
        for axis, sources in enumerate(axes, 1):
            x = run.mix(x, axis, [_neighbours(source) for source in sources])
        return x

    def sources(self, axis: int, width: int, rank: int) -> list[Fraction]:
        """For every output position of an axis, the input coordinate that it stands for."""
        from fractions import Fraction

        if self.size is not None:
            length = per_axis(self.size, rank, "size")[axis]
            ratio = Fraction(width, length)
        else:
            scale = Fraction(str(per_axis(self.scale, rank, "scale")[axis]))
            length, ratio = 1, 1 / scale
            while length + 1 <= width * scale:
                length += 1
        if self.mode == "nearest":
            return [place * ratio for place in range(length)]
        if self.align_corners:
            return [place * Fraction(width - 1, max(1, length - 1)) for place in range(length)]
        return [(place + Fraction(1, 2)) * ratio - Fraction(1, 2) for place in range(length)]


def _neighbours(source: Fraction) -> list[tuple[int, float]]:
    """The positions around a coordinate, and the share that each has."""
    low = source.numerator // source.denominator
    share = float(source - low)
    return [(low, 1 - share), (low + 1, share)] if share else [(low, 1.0)]
