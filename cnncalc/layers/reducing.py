"""Reductions of all channels or positions to one, and the inverse of a maximum."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import TYPE_CHECKING

from cnncalc.diagnostics import Fault
from cnncalc.geometry import GLOBAL, Reach, Shape, Slide, Transposed, dims, elements
from cnncalc.layers.base import Layer, field
from cnncalc.layers.memory import Kept
from cnncalc.layers.pooling import MaxPool, highest, mean
from cnncalc.layers.types import LAYER_NAME, OVER, PADDING, SIZES, Sizes, Value, words
from cnncalc.layers.windows import slides, spatial

if TYPE_CHECKING:
    from cnncalc.layers.kernels import Kernels, Reduction, T


def total(values: Sequence[float], count: int) -> float:
    """The sum."""
    return sum(values)


def euclidean(values: Sequence[float], count: int) -> float:
    """The square root of the sum of squares."""
    return sqrt(sum(value * value for value in values))


REDUCTIONS: dict[str, Reduction] = {"mean": mean, "max": highest, "sum": total, "norm": euclidean}


class Reduce(Layer, kind="reduce"):
    """One number of all channels of a position, or of all positions of a channel; the axis stays, with size 1."""

    way: str = field(words(*REDUCTIONS), "what becomes of the numbers; `norm` is the Euclidean")
    over: str = field(OVER, "what is reduced", "channels")

    example = "{reduce: mean, over: channels}"

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        return GLOBAL if self.over == "positions" else None

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        if self.over == "channels":
            return (1, *inputs[0][1:])
        return (inputs[0][0], *(1 for _ in spatial(inputs[0], self.kind)))

    def keeping(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        """The position of every maximum, as an int64; of a norm what it is made from, and itself."""
        if self.way == "max":
            return Kept(bytes=8 * elements(output))
        return Kept(("input", "output") if self.way == "norm" else ())

    def execute(self, run: Kernels[T], x: T) -> T:
        function = REDUCTIONS[self.way]
        return run.whole(function, x) if self.over == "positions" else run.fuse(function, x)


class MaxUnpool(Layer, kind="max_unpool"):
    """The inverse of an earlier max_pool: each value goes where its maximum was, all else is 0 (SegNet).

    The output has the size of that pool's input.
    """

    layer: str = field(LAYER_NAME, "the max_pool that it undoes")
    kernel: Sizes | None = field(SIZES, "window size; the pool's", None)
    stride: Sizes | None = field(SIZES, "distance between windows; the pool's", None)
    padding: Value = field(PADDING, "padding; the pool's", "valid")
    dilation: Sizes = field(SIZES, "distance between the positions of a window; the pool's", 1)

    keeps = ()
    inverts = True
    example = "{max_unpool: pool1}"
    shown_after = ("{max_pool: 2, name: pool1}",)

    def named(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        return (("layer", (self.layer,)),)

    def inverse(self, layer: Layer) -> Layer:
        if not isinstance(layer, MaxPool):
            help = "name a `max_pool`: what it leaves out is where its maxima were not"
            raise Fault("max-unpool", f"`{self.layer}` is no max_pool, but a `{layer.kind}`", "layer", help)
        stride = layer.kernel if layer.stride is None else layer.stride
        own = {"kernel": layer.kernel, "stride": stride, "padding": layer.padding, "dilation": layer.dilation}
        return MaxUnpool(layer=self.layer, **own)

    def slides(self, sizes: Shape) -> tuple[Slide, ...]:
        """How the pool slid over its input."""
        assert self.kernel is not None, "its pool is known"
        return slides(sizes, self.kernel, self.stride or self.kernel, self.dilation, self.padding)

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        found = []
        sizes = spatial(inputs[0], self.kind)
        for slide, width, wanted in zip(self.slides(inputs[1][1:]), sizes, inputs[1][1:]):
            full = (width - 1) * slide.stride + slide.dilation * (slide.size - 1) + 1
            after = full - slide.before - wanted
            window = Transposed(slide.size, slide.stride, slide.dilation, slide.before, max(0, after), max(0, -after))
            found.append(window)
        return tuple(found)

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        x, like = inputs
        spatial(x, self.kind)
        if x[0] != like[0] or len(x) != len(like):
            message = f"{dims(x)} cannot go where the maxima of {dims(like)} were"
            raise Fault("max-unpool", message, "layer", f"its input needs the {like[0]} channels of that pool")
        sizes = zip(self.slides(like[1:]), x[1:], like[1:])
        for slide, width, wide in sizes:
            least = (width - 1) * slide.stride - slide.before
            if least >= wide:
                raise Fault("max-unpool", f"{dims(x)} is larger than the pool of {dims(like)} gave", "layer")
        return like

    def execute_all(self, run: Kernels[T], inputs: Sequence[T]) -> T:
        x, like = inputs
        return run.unpool(x, like, self.slides(like.shape[1:]))
