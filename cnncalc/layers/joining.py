"""Joins: several branches become one tensor."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, prod
from typing import TYPE_CHECKING, Any

from cnncalc.diagnostics import Fault
from cnncalc.geometry import GLOBAL, Reach, Shape, dims
from cnncalc.layers.base import Layer, Weight, field
from cnncalc.layers.memory import Kept
from cnncalc.layers.types import OVER, words

if TYPE_CHECKING:
    from cnncalc.layers.kernels import Kernels, T


def _mismatch(kind: str, inputs: tuple[Shape, ...], rule: str, help: str = "") -> Fault:
    """The fault of branches that do not fit each other; without a `help`, with what usually brings them together."""
    listed = ", ".join(dims(shape) for shape in inputs[:6]) + (", …" if len(inputs) > 6 else "")
    help = help or _matched(kind, inputs)
    return Fault("branch-shapes", f"`{kind}` {rule}, but its branches give {listed}", None, help)


def _matched(kind: str, inputs: tuple[Shape, ...]) -> str:
    """What brings branches of unequal shapes together."""
    if len({len(shape) for shape in inputs}) > 1:
        return "flat branches and branches with positions do not join: `flatten`, or `global_avg_pool`"
    if len({shape[1:] for shape in inputs}) > 1:
        odd = "an odd kernel keeps sizes with `padding: half`; `{crop_like: name}` cuts to those of a layer"
        return _scaled(kind, inputs) or odd
    return _widened(inputs)


def _widened(inputs: tuple[Shape, ...]) -> str:
    """What brings branches of unequal channels together."""
    return f"bring a branch to as many channels with `{{conv: {max(shape[0] for shape in inputs)}, kernel: 1}}`"


def _scaled(kind: str, inputs: tuple[Shape, ...]) -> str:
    """What brings branches of two sizes together, one a multiple of the other; nothing where they are none."""
    small, large = (pick(inputs, key=lambda shape: prod(shape[1:])) for pick in (min, max))
    times = {big // less if big % less == 0 else 0 for big, less in zip(large[1:], small[1:])}
    factor = max(times)
    if len(times) > 1 or factor < 2 or not {shape[1:] for shape in inputs} <= {small[1:], large[1:]}:
        return ""
    if kind != "concat" and large[0] != small[0]:
        step = f"{{conv: {small[0]}, kernel: 1, stride: {factor}}}"
        return f"end the branch of {dims(large)} with `{step}`"
    up, down = f"{{upsample: {factor}}}", f"{{max_pool: {factor}}}"
    return f"end the branch of {dims(small)} with `{up}`, or that of {dims(large)} with `{down}`"


class Join(Layer):
    """What the joins share: a branch that is broadcast is the same for every position."""

    joins = True

    def reaches(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[tuple[int, Reach], ...]:
        return tuple((number, None if x[1:] == output[1:] else GLOBAL) for number, x in enumerate(inputs))


class Concat(Join, kind="concat"):
    """Branches one after the other on the channel axis, or on a single axis of positions, as tokens are."""

    keeps = ()

    over: str = field(OVER, "the axis; positions are those of a single axis", "channels")
    example = "concat: [[{conv: 64, kernel: 1}], [{conv: 64, kernel: 3, padding: same}]]"

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        if self.over == "positions":
            tokens = all(len(shape) == 2 for shape in inputs)
            if not tokens or len({shape[0] for shape in inputs}) > 1:
                help = "put `{flatten, over: positions}` at the end of a branch that has a map"
                if tokens:
                    help = _widened(inputs)
                elif single := next((shape[0] for shape in inputs if len(shape) == 1), 0):
                    help = f"a single token has a position, too: shape `[{single}, 1]`, as of a `parameter`"
                raise _mismatch(self.kind, inputs, "over positions needs a single axis, and equal channels", help)
            return (inputs[0][0], sum(shape[1] for shape in inputs))
        if any(shape[1:] != inputs[0][1:] for shape in inputs):
            raise _mismatch(self.kind, inputs, "needs equal shapes off the channel axis")
        return (sum(shape[0] for shape in inputs), *inputs[0][1:])

    def reaches(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[tuple[int, Reach], ...]:
        """Tokens are no map: after them each position counts as seeing what all of them see."""
        return tuple((number, GLOBAL if self.over == "positions" else None) for number in range(len(inputs)))

    def execute_all(self, run: Kernels[T], inputs: Sequence[T]) -> T:
        if self.over == "channels":
            return run.concat(*inputs)
        turned = [run.rearrange(x, (x.shape[1], x.shape[0]), transposed(x.shape)) for x in inputs]
        joined = run.concat(*turned)
        return run.rearrange(joined, (joined.shape[1], joined.shape[0]), transposed(joined.shape))


def transposed(shape: Shape) -> list[int]:
    """Rows and columns of a matrix exchanged: its offsets in the new order."""
    rows, columns = shape
    return [row * columns + column for column in range(columns) for row in range(rows)]


class Elementwise(Join):
    """What the joins share that make a number of one from each of their branches; sizes of 1 are broadcast."""

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

    def execute_all(self, run: Kernels[T], inputs: Sequence[T]) -> T:
        return run.each(self.combined, *inputs)

    def combined(self, *values: float) -> float:
        """What becomes of a number from each branch."""
        raise AssertionError(f"{self.kind} must state how it combines")


class Add(Elementwise, kind="add"):
    """Sum of branches; sizes of 1 are broadcast, as an offset per channel needs."""

    weights: str = field(
        words("none", "fast", "softmax"),
        "a learned factor per branch, normalised: `fast` is relu over the sum (Tan et al. 2020, BiFPN)",
        "none",
    )
    example = "add: [x, [{conv: x.channels, kernel: 3, padding: half}]]"

    def keeping(self, inputs: tuple[Shape, ...], output: Shape) -> Kept | None:
        """Nothing; with learned factors it does not tell."""
        return Kept() if self.weights == "none" else None

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Weight, ...]:
        return () if self.weights == "none" else (Weight("weight", (len(inputs),)),)

    def execute_all(self, run: Kernels[T], inputs: Sequence[T]) -> T:
        if self.weights == "none":
            return run.each(self.combined, *inputs)
        given = run.per_channel([tuple(run.weight("weight", (len(inputs),)))], inputs[0])
        return run.each(self.weighted, *inputs, aside=(given,))

    def weighted(self, *values: Any) -> float:
        """The sum of values by their shares; the last of what is given are the learned factors."""
        *numbers, learned = values
        if self.weights == "fast":
            factors = [max(factor, 0.0) for factor in learned]
            whole = sum(factors) + 1e-4
        else:
            highest = max(learned)
            factors = [exp(factor - highest) for factor in learned]
            whole = sum(factors)
        return float(sum(number * factor for number, factor in zip(numbers, factors)) / whole)

    def combined(self, *values: float) -> float:
        return sum(values)


class Subtract(Elementwise, kind="subtract"):
    """The first branch less the others; sizes of 1 are broadcast."""

    keeps = ()
    example = "subtract: [[{avg_pool: 3, stride: 1, padding: 1}], x]"

    def combined(self, *values: float) -> float:
        return values[0] - sum(values[1:])


class Multiply(Elementwise, kind="multiply"):
    """Product of branches; sizes of 1 are broadcast, as a squeeze-and-excitation gate needs."""

    keeps = ("factors",)

    example = "multiply: [x, [global_avg_pool, {conv: x.channels, kernel: 1, act: sigmoid}]]"

    def combined(self, *values: float) -> float:
        return prod(values)
