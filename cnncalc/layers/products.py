"""Products of two tensors as matrices: channels by positions."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

from cnncalc.diagnostics import Fault
from cnncalc.geometry import GLOBAL, Reach, Shape, dims
from cnncalc.layers.base import Layer, Multiplies, divides, field
from cnncalc.layers.types import COUNT, TENSORS, words
from cnncalc.layers.windows import spatial

if TYPE_CHECKING:
    from cnncalc.layers.kernels import Kernels, T


class Matmul(Layer, kind="matmul"):
    """Product of two tensors, each a matrix of channels by positions: a*b.

    `over: positions` is a*b', which sums over the positions of both and leaves the channels of both; `over: channels`
    is a'*b, which sums over the channels and leaves the positions of both.
    """

    tensors: tuple[str, ...] = field(TENSORS, "the two tensors, by name; `x` is the current one")
    over: str = field(
        words("none", "channels", "positions"),
        "what both have and is summed over; of a*b the positions of a and the channels of b",
        "none",
    )
    groups: int = field(COUNT, "groups of channels that are multiplied apart", 1)

    keeps = ("factors",)
    takes = (0, 0)
    example = "{matmul: [x, input], over: channels}"

    def named(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        if len(self.tensors) != 2:
            raise Fault("wrong-form", "`matmul` takes two tensors", "tensors", f"for example `{self.example}`")
        return (("tensors", self.tensors),)

    def sizes(self, inputs: tuple[Shape, ...]) -> tuple[int, int, int]:
        """Rows of the result, what is summed over, and columns, for one group; raises `Fault`."""
        a, b = inputs
        for shape in inputs:
            spatial(shape, self.kind)
            divides(self.groups, input=shape[0])
        rows, inner = a[0] // self.groups, prod(a[1:])
        other, columns = b[0] // self.groups, prod(b[1:])
        if self.over == "positions":
            other, columns = columns, other
        elif self.over == "channels":
            rows, inner = inner, rows
        if inner != other:
            named = {"none": "a*b", "positions": "a*b'", "channels": "a'*b"}[self.over]
            message = f"{named} of {dims(a)} and {dims(b)} does not fit: it would sum over {inner} and {other}"
            raise Fault("matmul", message, "tensors", "`over` says what is summed over: `channels` or `positions`")
        return rows, inner, columns

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        rows, _, columns = self.sizes(inputs)
        return (self.groups * rows, *((columns,) if self.over == "positions" else inputs[1][1:]))

    def multiplies(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[Multiplies, ...]:
        return (Multiplies("output", prod(output), self.sizes(inputs)[1], True),)

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        return GLOBAL

    def reaches(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[tuple[int, Reach], ...]:
        return ((0, GLOBAL), (1, GLOBAL))

    def execute_all(self, run: Kernels[T], inputs: Sequence[T]) -> T:
        a, b = inputs
        return run.matmul(a, b, self.groups, "" if self.over == "none" else self.over, (True, True))
