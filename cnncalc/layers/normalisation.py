"""Normalisations: pointwise for the receptive field, with learned factors and running statistics per channel.

The statistics that some of them take over the whole input at run time do not count as a receptive field,
as they do not in the literature.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import TYPE_CHECKING, Any

from cnncalc.geometry import Shape, elements
from cnncalc.layers import names
from cnncalc.layers.base import Layer, Weight, divides, field
from cnncalc.layers.memory import IN_PLACE, OWN, Kept
from cnncalc.layers.types import COUNT, FLAG, NOT_NEGATIVE, NOTHING, NUMBER, follower, words

if TYPE_CHECKING:
    from cnncalc.layers.kernels import Kernels, T


def moments(values: Sequence[float], count: int) -> tuple[float, float]:
    """Mean and (biased) variance."""
    mean = sum(values) / count
    return mean, sum((value - mean) ** 2 for value in values) / count


def squares(values: Sequence[float], count: int) -> float:
    """Sum of squares."""
    return sum(value * value for value in values)


class Normalisation(Layer):
    """What the normalisations share: learned factors, and statistics where they are kept."""

    buffer = IN_PLACE
    keeps = ("input",)

    scale: bool = field(FLAG, "a learned factor per channel", True)
    shift: bool = field(FLAG, "a learned offset per channel", True)
    eps: float = field(NOT_NEGATIVE, "added to the variance", 1e-5)
    statistics: bool = False

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Weight, ...]:
        each = (inputs[0][0],)
        kept = []
        if self.scale:
            kept.append(Weight("weight", each))
        if self.shift:
            kept.append(Weight("bias", each))
        if self.statistics:
            kept += [Weight("running_mean", each, False), Weight("running_var", each, False)]
        return tuple(kept)

    def execute(self, run: Kernels[T], x: T) -> T:
        return run.each(self.normalise, x, aside=(*self.factors(run, x), self.measure(run, x)))

    def factors(self, run: Kernels[T], x: T) -> tuple[T, T]:
        """Factor and offset per channel; 1 and 0 where they are not learned."""
        scale = run.factors("weight", x) if self.scale else run.per_channel([1.0], x)
        return scale, run.factors("bias", x) if self.shift else run.per_channel([0.0], x)

    def measure(self, run: Kernels[T], x: T) -> T:
        """The statistics, as a tensor that broadcasts over `x`; here mean and variance."""
        raise AssertionError(f"{self.kind} must state what it measures")

    def kept(self, run: Kernels[T], x: T) -> T:
        """The running mean and variance per channel."""
        moments = zip(run.weight("running_mean", (x.shape[0],)), run.weight("running_var", (x.shape[0],)))
        return run.per_channel(list(moments), x)

    def normalise(self, x: float, scale: float, shift: float, measured: Any) -> float:
        """(x - mean)/sqrt(variance + eps)*scale + shift, or what else is made of what was measured."""
        mean: float
        variance: float
        mean, variance = measured
        return (x - mean) / sqrt(variance + self.eps) * scale + shift


class BatchNorm(Normalisation, kind="batch_norm"):
    """Batch normalisation: per channel, with running statistics (Ioffe and Szegedy 2015)."""

    statistics: bool = field(FLAG, "running mean and variance are kept, counted as state", True)

    def measure(self, run: Kernels[T], x: T) -> T:
        return self.kept(run, x) if self.statistics else run.over(moments, x, x.shape[0])

    def keeping(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        """Mean and deviation per channel, once."""
        return Kept(self.keeps, once=8 * inputs[0][0])


class LayerNorm(Normalisation, kind="layer_norm"):
    """Layer normalisation over the channels of a position, or over all of the tensor.

    Over all, there is a factor and an offset for every element.
    """

    over: str = field(words("channels", "all"), "what is normalised together", "channels")

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Weight, ...]:
        kept = super().weight_shapes(inputs)
        return kept if self.over == "channels" else tuple(weight._replace(shape=inputs[0]) for weight in kept)

    def factors(self, run: Kernels[T], x: T) -> tuple[T, T]:
        if self.over == "channels":
            return super().factors(run, x)
        scale = run.learned("weight", x.shape, x.shape) if self.scale else run.per_channel([1.0], x)
        return scale, run.learned("bias", x.shape, x.shape) if self.shift else run.per_channel([0.0], x)

    def measure(self, run: Kernels[T], x: T) -> T:
        return run.across(moments, x) if self.over == "channels" else run.over(moments, x, 1)

    def keeping(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        """Mean and deviation per position."""
        return Kept(self.keeps, bytes=8 * elements(inputs[0][1:]))


class GroupNorm(Normalisation, kind="group_norm"):
    """Group normalisation (Wu and He 2018)."""

    groups: int = field(COUNT, "groups of channels", before="scale")

    example = "{group_norm: 32}"

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        divides(self.groups, input=inputs[0][0])
        return inputs[0]

    def measure(self, run: Kernels[T], x: T) -> T:
        return run.over(moments, x, self.groups)

    def keeping(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        """Mean and deviation per group."""
        return Kept(self.keeps, bytes=8 * self.groups)


class InstanceNorm(Normalisation, kind="instance_norm"):
    """Instance normalisation: per channel and sample."""

    scale: bool = field(FLAG, "a learned factor per channel", False)
    shift: bool = field(FLAG, "a learned offset per channel", False)
    statistics: bool = field(FLAG, "running mean and variance are kept, counted as state", False)

    def measure(self, run: Kernels[T], x: T) -> T:
        return self.kept(run, x) if self.statistics else run.over(moments, x, x.shape[0])

    def keeping(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        """Mean and deviation per channel; its factors and running statistics are copied for every sample."""
        return Kept(self.keeps, bytes=(8 + 4 * self.scale + 8 * self.statistics) * inputs[0][0])


class L2Norm(Normalisation, kind="l2_norm"):
    """Division by the Euclidean norm over the channels of a position (Liu et al. 2015, ParseNet)."""

    buffer = OWN

    scale: bool = field(FLAG, "a learned factor per channel, as in SSD", False)
    eps: float = field(NOT_NEGATIVE, "least norm", 1e-12)
    shift = False

    def measure(self, run: Kernels[T], x: T) -> T:
        return run.across(squares, x)

    def normalise(self, x: float, scale: float, shift: float, measured: Any) -> float:
        """x/norm*scale, where the norm is at least eps."""
        return x / max(sqrt(measured), self.eps) * scale

    def keeping(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        """The norm, and the same where it is at least eps; what is scaled, where it is."""
        return Kept(self.keeps, numbers=2 * elements(inputs[0][1:]) + self.scale * elements(output))


class GlobalResponseNorm(Normalisation, kind="global_response_norm"):
    """x*(norm of its channel over the mean of all norms)*scale + shift + x (Woo et al. 2023, ConvNeXt V2)."""

    buffer = OWN

    eps: float = field(NOT_NEGATIVE, "added to the mean of the norms", 1e-6)

    def keeping(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        """Norms and their shares of the mean, that mean, and the input times its share, which is scaled."""
        return Kept(self.keeps, numbers=2 * inputs[0][0] + 1 + elements(output))

    def measure(self, run: Kernels[T], x: T) -> T:
        """Per channel its norm over all positions, and with it the mean of these norms."""
        channels = x.shape[0]

        def mean_norm(values: Sequence[float], count: int) -> float:
            each = count // channels
            return sum(sqrt(squares(values[start : start + each], each)) for start in range(0, count, each)) / channels

        return run.over(mean_norm, x, 1)

    def execute(self, run: Kernels[T], x: T) -> T:
        own = run.over(squares, x, x.shape[0])
        return run.each(self.respond, x, aside=(*self.factors(run, x), own, self.measure(run, x)))

    def respond(self, x: float, scale: float, shift: float, own: float, mean: float) -> float:
        """x by how strong its channel responds, and x again."""
        return scale * (x * sqrt(own) / (mean + self.eps)) + shift + x


class LocalResponseNorm(Layer, kind="local_response_norm"):
    """x / (k + alpha/size * sum of squares over `size` neighbouring channels)**beta (Krizhevsky et al. 2012)."""

    keeps = ("input",)

    size: int = field(COUNT, "neighbouring channels", 5)
    alpha: float = field(NOT_NEGATIVE, "weight of the squares", 1e-4)
    beta: float = field(NUMBER, "exponent", 0.75)
    k: float = field(NOT_NEGATIVE, "offset", 1.0)

    def execute(self, run: Kernels[T], x: T) -> T:
        return run.each(self.damped, x, aside=(run.across(squares, x, self.neighbours(x.shape[0])),))

    def neighbours(self, channels: int) -> list[range]:
        """For each channel those around it, itself included; of an even number one more before it, as PyTorch."""
        before, after = self.size // 2, (self.size - 1) // 2
        return [range(max(0, place - before), min(channels, place + after + 1)) for place in range(channels)]

    def damped(self, x: float, total: float) -> float:
        """x, divided by what the sum of squares around it makes."""
        return float(x / (self.k + self.alpha / self.size * total) ** self.beta)

    def keeping(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        """The squares with `size` - 1 channels added, their sums as offset, and the power that divides."""
        padded = (inputs[0][0] + self.size - 1) * elements(inputs[0][1:])
        return Kept(self.keeps, numbers=padded + 2 * elements(output))


NORM = field(
    follower(
        "`none`, `batch`, a normalisation's kind, or a call of one (`{group_norm: 32}`)",
        names("normalisation"),
        batch="batch_norm",
    ),
    "normalisation after it",
    NOTHING,
)
"""The field of a kind that a normalisation may follow."""
