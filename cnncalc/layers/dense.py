"""Dense layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnncalc.diagnostics import Fault
from cnncalc.geometry import Shape, dims, elements
from cnncalc.layers.activation import ACT
from cnncalc.layers.base import Layer, Multiplies, Weight, field
from cnncalc.layers.convolution import with_bias
from cnncalc.layers.memory import Kept
from cnncalc.layers.normalisation import NORM
from cnncalc.layers.types import COUNT, FLAG, Follower

if TYPE_CHECKING:
    from cnncalc.layers.kernels import Kernels, T


class Linear(Layer, kind="linear"):
    """Fully connected layer on a flat tensor, with a normalisation and an activation after it."""

    keeps = ("input",)

    features: int = field(COUNT, "output features")
    bias: bool = field(FLAG, "a learned offset per feature", True)
    norm: Follower = NORM
    act: Follower = ACT

    example = "{linear: 1000}"
    shown_on = "[4096]"

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        if len(inputs[0]) > 1:
            channels, features = inputs[0][0], elements(inputs[0])
            pooled = f" or `global_avg_pool` and `flatten` ({channels:,} features)" if features > channels else ""
            raise Fault(
                "not-flat",
                f"`linear` needs a flat tensor, but its input is {dims(inputs[0])}",
                None,
                f"put `flatten` before it ({features:,} features){pooled}; "
                f"for one linear layer per position use `{{conv: {self.features}, kernel: 1}}`",
            )
        return (self.features,)

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Weight, ...]:
        return with_bias((Weight("weight", (self.features, inputs[0][0])),), self.bias, self.features)

    def multiplies(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[Multiplies, ...]:
        return (Multiplies("output", self.features, inputs[0][0]),)

    def execute(self, run: Kernels[T], x: T) -> T:
        return run.convolve(x, (), self.features, 1, "weight", "bias" if self.bias else "")

    def keeping(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(self.keeps, for_weights=True)
