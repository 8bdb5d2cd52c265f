"""Activations: pointwise, without a shape of their own."""

from __future__ import annotations

from collections.abc import Sequence
from math import erf, exp, expm1, log, log1p, pi, sqrt, tanh
from typing import TYPE_CHECKING

from cnncalc.diagnostics import Fault
from cnncalc.geometry import GLOBAL, Reach, Shape
from cnncalc.layers import names
from cnncalc.layers.base import Layer, Weight, field
from cnncalc.layers.memory import IN_PLACE, OWN
from cnncalc.layers.types import COUNT, NOTHING, NUMBER, OVER, POSITIVE, follower, words

if TYPE_CHECKING:
    from cnncalc.layers.kernels import Kernels, T


def sigmoid(x: float) -> float:
    """1/(1 + exp(-x)), where no exponential grows too large."""
    return 0.5 * (1 + tanh(0.5 * x))


def softplus(x: float) -> float:
    """log(1 + exp(x)), where no exponential grows too large."""
    return max(x, 0.0) + log1p(exp(-abs(x)))


def log_sum(values: Sequence[float], count: int) -> float:
    """log(exp(x0) + exp(x1) + ...), where no exponential grows too large."""
    highest = max(values)
    return highest + log(sum(exp(value - highest) for value in values))


class Activation(Layer):
    """What the activations share: a number becomes a number, whatever the others are."""

    buffer = IN_PLACE
    keeps = ("input",)


class Relu(Activation, kind="relu"):
    """max(x, 0)."""

    keeps = ("output",)

    def scalar(self, x: float) -> float:
        return max(x, 0.0)


class Relu6(Activation, kind="relu6"):
    """min(max(x, 0), 6)."""

    def scalar(self, x: float) -> float:
        return min(max(x, 0.0), 6.0)


class LeakyRelu(Activation, kind="leaky_relu"):
    """x, and negative_slope*x below 0."""

    negative_slope: float = field(NUMBER, "slope below 0", 0.01)

    def scalar(self, x: float) -> float:
        return x if x >= 0 else self.negative_slope * x


class Prelu(Activation, kind="prelu"):
    """As leaky_relu, with learned slopes."""

    slopes: int = field(COUNT, "learned slopes: 1, or one per channel", 1)

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Weight, ...]:
        if self.slopes not in (1, inputs[0][0]):
            raise Fault(
                "wrong-shape",
                f"`slopes` is {self.slopes} for {inputs[0][0]} channels",
                "slopes",
                f"use 1, or {inputs[0][0]} for one per channel",
            )
        return (Weight("weight", (self.slopes,)),)

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        self.weight_shapes(inputs)
        return inputs[0]

    def execute(self, run: Kernels[T], x: T) -> T:
        slopes = run.factors("weight", x, self.slopes)
        return run.each(lambda value, slope: value if value >= 0 else slope * value, x, aside=(slopes,))


class Elu(Activation, kind="elu"):
    """x, and alpha*(exp(x) - 1) below 0."""

    alpha: float = field(NUMBER, "scale below 0", 1.0)

    def scalar(self, x: float) -> float:
        return x if x >= 0 else self.alpha * expm1(x)


class Selu(Activation, kind="selu"):
    """gamma*elu(x, alpha), self-normalising."""

    alpha: float = field(NUMBER, "scale below 0", 1.6732632423543772)
    gamma: float = field(NUMBER, "scale", 1.0507009873554805)

    def scalar(self, x: float) -> float:
        return self.gamma * (x if x >= 0 else self.alpha * expm1(x))


class Gelu(Activation, kind="gelu"):
    """x times the normal distribution function of x."""

    approximate: str = field(words("none", "tanh"), "exact, or its tanh approximation", "none")

    def scalar(self, x: float) -> float:
        if self.approximate == "tanh":
            return 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x)))
        return 0.5 * x * (1 + erf(x / sqrt(2)))


class Silu(Activation, kind="silu"):
    """x*sigmoid(x), also called swish."""

    def scalar(self, x: float) -> float:
        return x * sigmoid(x)


class Mish(Activation, kind="mish"):
    """x*tanh(softplus(x))."""

    def scalar(self, x: float) -> float:
        return x * tanh(softplus(x))


class Sigmoid(Activation, kind="sigmoid"):
    """1/(1 + exp(-x))."""

    keeps = ("output",)

    def scalar(self, x: float) -> float:
        return sigmoid(x)


class HardSigmoid(Activation, kind="hard_sigmoid"):
    """alpha*x + beta, clipped to 0..1."""

    alpha: float = field(NUMBER, "slope", 1 / 6)
    beta: float = field(NUMBER, "value at 0", 0.5)

    def scalar(self, x: float) -> float:
        return min(max(self.alpha * x + self.beta, 0.0), 1.0)


class HardSwish(Activation, kind="hard_swish"):
    """x*hard_sigmoid(x)."""

    def scalar(self, x: float) -> float:
        return x * min(max(x / 6 + 0.5, 0.0), 1.0)


class Tanh(Activation, kind="tanh"):
    """Hyperbolic tangent."""

    keeps = ("output",)

    def scalar(self, x: float) -> float:
        return tanh(x)


class Softplus(Activation, kind="softplus"):
    """log(1 + exp(beta*x))/beta."""

    beta: float = field(POSITIVE, "sharpness", 1.0)

    def scalar(self, x: float) -> float:
        return softplus(self.beta * x) / self.beta


class Normalised(Layer):
    """What the softmaxes share: the logarithm of a sum over the channels of a position, or over all positions."""

    over: str = field(OVER, "what sums to 1: the channels of a position, or the positions of a channel", "channels")

    def reaches(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[tuple[int, Reach], ...]:
        """Over positions each weighs itself against all others, as attention does."""
        return ((0, None),) if self.over == "channels" else ((0, None), (0, GLOBAL))

    buffer = OWN
    keeps = ("output",)

    def execute(self, run: Kernels[T], x: T) -> T:
        if self.over == "channels":
            return run.each(self.weighed, x, aside=(run.across(log_sum, x),))
        return run.each(self.weighed, x, run.whole(log_sum, x))

    def weighed(self, x: float, total: float) -> float:
        """A number against the logarithm of the sum."""
        raise AssertionError(f"{self.kind} must state its result")


class Softmax(Normalised, kind="softmax"):
    """exp(x) divided by its sum over the channels of a position, or over the positions of a channel."""

    def weighed(self, x: float, total: float) -> float:
        return exp(x - total)


class LogSoftmax(Normalised, kind="log_softmax"):
    """Logarithm of softmax."""

    def weighed(self, x: float, total: float) -> float:
        return x - total


ACT = field(
    follower("`none`, an activation's kind, or a call of one (`{leaky_relu: 0.1}`)", names("activation")),
    "activation after it, and after the normalisation",
    NOTHING,
)
"""The field of a kind that an activation may follow."""
