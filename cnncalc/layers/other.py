"""Regularisers, and layers that cnncalc does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.geometry import GLOBAL, Reach, Shape, elements
from cnncalc.layers.base import Layer, Multiplies, Weight, field
from cnncalc.layers.memory import VIEW, Kept
from cnncalc.layers.types import SHAPE, SHARE, WHOLE

if TYPE_CHECKING:
    from cnncalc.layers.kernels import Kernels, T

RATE = field(SHARE, "share dropped in training", 0.5)


class Dropout(Layer, kind="dropout"):
    """Random zeros in training; the identity in inference."""

    buffer = VIEW
    keeps = ()

    rate: float = RATE

    def keeping(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        """A factor, 0 or 1/(1 - rate), for every element."""
        return Kept(numbers=elements(output) if self.rate else 0)


class DropPath(Layer, kind="drop_path"):
    """Stochastic depth: whole branches dropped in training; the identity in inference."""

    buffer = VIEW
    keeps = ()

    rate: float = RATE

    def keeping(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        """A factor, 0 or 1/(1 - rate), for every sample."""
        return Kept(numbers=1 if self.rate else 0)


class Opaque(Layer, kind="opaque"):
    """A layer that cnncalc does not know: its output's shape is given; counts left out make totals lower bounds."""

    output: tuple[int, ...] = field(SHAPE, "output shape, channels first")
    params: int | None = field(WHOLE, "learned parameters, if known", None)
    macs: int | None = field(WHOLE, "multiply-accumulates, if known", None)

    takes = (1, 1_000)
    example = "{opaque: [256, 14, 14], params: 12000}"

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        return GLOBAL

    def reaches(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[tuple[int, Reach], ...]:
        return tuple((number, GLOBAL) for number in range(len(inputs)))

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return self.output

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Weight, ...]:
        return () if self.params is None else (Weight("weight", (self.params,)),)

    def multiplies(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[Multiplies, ...]:
        return () if self.macs is None else (Multiplies("declaration", 1, self.macs),)

    def execute(self, run: Kernels[T], x: T) -> T:
        return run.unknown(self.output)

    @property
    def unknown(self) -> tuple[str, ...]:
        counts = [name for name, count in (("params", self.params), ("macs", self.macs)) if count is None]
        return (*counts, "receptive_field")
