"""Joins: several branches become one tensor."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncalc.diagnostics import Fault
from cnncalc.geometry import Shape, dims
from cnncalc.layers.base import Layer


def _mismatch(kind: str, inputs: tuple[Shape, ...], rule: str) -> Fault:
    listed = ", ".join(dims(shape) for shape in inputs[:6]) + (", …" if len(inputs) > 6 else "")
    return Fault("branch-shapes", f"`{kind}` {rule}, but its branches give {listed}")


class Concat(Layer, kind="concat"):
    """Branches one after the other on the channel axis."""

    keeps = ()

    joins = True
    example = "concat: [[{conv: 64, kernel: 1}], [{conv: 64, kernel: 3, padding: same}]]"

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        if any(shape[1:] != inputs[0][1:] for shape in inputs):
            raise _mismatch(self.kind, inputs, "needs equal shapes off the channel axis")
        return (sum(shape[0] for shape in inputs), *inputs[0][1:])

    def execute(self, run: Any, *inputs: Any) -> Any:
        return run.concat(*inputs)


class Add(Layer, kind="add"):
    """Sum of branches of equal shape."""

    keeps = ()

    joins = True
    example = "add: [x, [{conv: x.channels, kernel: 3, padding: half}]]"

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        if any(shape != inputs[0] for shape in inputs):
            raise _mismatch(self.kind, inputs, "needs equal shapes")
        return inputs[0]

    def scalar(self, *values: float) -> float:
        return sum(values)


class Multiply(Layer, kind="multiply"):
    """Product of branches; sizes of 1 are broadcast, as a squeeze-and-excitation gate needs."""

    keeps = ("factors",)

    joins = True
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

    def scalar(self, *values: float) -> float:
        return prod(values)
