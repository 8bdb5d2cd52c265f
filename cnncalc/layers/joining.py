"""Joins: several branches become one tensor."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

from cnncalc.diagnostics import Fault
from cnncalc.geometry import Shape, dims
from cnncalc.layers.base import Layer

if TYPE_CHECKING:
    from cnncalc.layers.kernels import Kernels, T


def _mismatch(kind: str, inputs: tuple[Shape, ...], rule: str) -> Fault:
    listed = ", ".join(dims(shape) for shape in inputs[:6]) + (", …" if len(inputs) > 6 else "")
    return Fault("branch-shapes", f"`{kind}` {rule}, but its branches give {listed}")


class Elementwise(Layer):
    """What the joins share that make a number of one from each of their branches."""

    joins = True

    def execute_all(self, run: Kernels[T], inputs: Sequence[T]) -> T:
        return run.each(self.combined, *inputs)

    def combined(self, *values: float) -> float:
        """What becomes of a number from each branch."""
        raise AssertionError(f"{self.kind} must state how it combines")


class Concat(Layer, kind="concat"):
    """Branches one after the other on the channel axis."""

    keeps = ()

    joins = True
    example = "concat: [[{conv: 64, kernel: 1}], [{conv: 64, kernel: 3, padding: same}]]"

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        if any(shape[1:] != inputs[0][1:] for shape in inputs):
            raise _mismatch(self.kind, inputs, "needs equal shapes off the channel axis")
        return (sum(shape[0] for shape in inputs), *inputs[0][1:])

    def execute_all(self, run: Kernels[T], inputs: Sequence[T]) -> T:
        return run.concat(*inputs)


class Add(Elementwise, kind="add"):
    """Sum of branches of equal shape."""

    keeps = ()

    example = "add: [x, [{conv: x.channels, kernel: 3, padding: half}]]"

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        if any(shape != inputs[0] for shape in inputs):
            raise _mismatch(self.kind, inputs, "needs equal shapes")
        return inputs[0]

    def combined(self, *values: float) -> float:
        return sum(values)


class Multiply(Elementwise, kind="multiply"):
    """Product of branches; sizes of 1 are broadcast, as a squeeze-and-excitation gate needs."""

    keeps = ("factors",)

    example = "multiply: [x, [global_avg_pool, {conv: x.channels, kernel: 1, act: sigmoid}]]"

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        if len({len(shape) for shape in inputs}) > 1:
            raise _mismatch(self.kind, inputs, "needs shapes of equal rank")
        sizes = []
        for axis in zip(*inputs):
            wide = {size for size in axis if size != 1}
            if len(wide) > 1:
                raise _mismatch(self.kind, inputs, "needs equal shapes, or sizes of 1")
            sizes.append(wide.pop() if wide else 1)
        return tuple(sizes)

    def combined(self, *values: float) -> float:
        return prod(values)
