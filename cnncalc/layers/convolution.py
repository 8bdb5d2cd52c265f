"""Convolutions: regular, depthwise, depthwise separable and transposed, on any number of spatial axes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import sqrt
from typing import TYPE_CHECKING, Any

from cnncalc.diagnostics import Fault
from cnncalc.geometry import Reach, Shape, Slide, dims, elements
from cnncalc.layers.activation import ACT
from cnncalc.layers.base import Layer, Multiplies, Weight, divides, field
from cnncalc.layers.memory import Kept, kept_by_windows
from cnncalc.layers.normalisation import NORM
from cnncalc.layers.types import COUNT, EXTRA, FLAG, NUMBERS, PADDING, SIZES, Follower, Sizes, Value, words
from cnncalc.layers.windows import per_axis, slides, spatial, transposed_slides, transposed_windows, windows

if TYPE_CHECKING:
    from cnncalc.layers.kernels import Adjust, Kernels, T

CHANNELS = field(COUNT, "output channels", before="kernel")
GROUPS = field(COUNT, "groups of channels that are convolved apart", 1, before="bias")
BORDER = field(words("zeros", "replicate", "reflect", "circular"), "what the padding holds", "zeros")
NORMED = field(
    words("none", "standardize", "standardize_gain", "gain"),
    "kernels of mean 0 and variance 1 (times 1/fan-in with a gain), or of norm 1 with a gain per output channel",
    "none",
    before="norm",
)
FIXED = field(NUMBERS, "fixed kernel values for the executor, row-major", ())


class Convolution(Layer):
    """What the convolutions share: windows on every axis, and their kernel's tensor.

    A kernel is output channels by input channels per group by one size per axis.
    """

    keeps = ("input",)

    kernel: Sizes = field(SIZES, "kernel size")
    stride: Sizes = field(SIZES, "distance between windows", 1)
    padding: Value = field(PADDING, "padding", "valid")
    dilation: Sizes = field(SIZES, "distance between the taps of a kernel", 1)
    bias: bool = field(FLAG, "a learned offset per output channel", True)
    norm: Follower = NORM
    act: Follower = ACT
    padding_mode: str = "zeros"
    weight_norm: str = "none"
    weights: tuple[float, ...] = ()
    strided = True

    def split(self, channels: int) -> tuple[int, int]:
        """Output channels and groups for this number of input channels; raises `Fault`."""
        raise AssertionError(f"{self.kind} must state its groups")

    @property
    def border(self) -> str:
        return self.padding_mode

    def fixed(self, weight: str) -> tuple[float, ...]:
        return self.weights if weight == "weight" else ()

    def slides(self, sizes: Shape) -> tuple[Slide, ...]:
        """How it slides over axes of these sizes; raises `Fault`."""
        return slides(sizes, self.kernel, self.stride, self.dilation, self.padding)

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        sizes = spatial(inputs[0], self.kind)
        return windows(self.slides(sizes), sizes)

    def channels_out(self, inputs: tuple[Shape, ...]) -> int:
        channels, groups = self.split(inputs[0][0])
        divides(groups, input=inputs[0][0], output=channels)
        shape = self.kernel_shape(inputs)
        if self.weights and len(self.weights) != elements(shape):
            raise Fault(
                "wrong-shape",
                f"`weights` holds {len(self.weights):,} values for a kernel of {dims(shape)} = {elements(shape):,}",
                "weights",
            )
        return channels

    def kernel_sizes(self, inputs: tuple[Shape, ...]) -> tuple[int, ...]:
        """The kernel's size on every spatial axis."""
        return per_axis(self.kernel, len(inputs[0]) - 1, "kernel")

    def kernel_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        channels, groups = self.split(inputs[0][0])
        return (channels, inputs[0][0] // groups, *self.kernel_sizes(inputs))

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Weight, ...]:
        shape = self.kernel_shape(inputs)
        gain = (Weight("gain", shape[:1]),) if self.weight_norm.endswith("gain") else ()
        return (*with_bias((Weight("weight", shape),), self.bias, shape[0]), *gain)

    def multiplies(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[Multiplies, ...]:
        return (Multiplies("output", elements(output), elements(self.kernel_shape(inputs)[1:])),)

    def execute(self, run: Kernels[T], x: T) -> T:
        sliding = self.slides(x.shape[1:])
        channels, groups = self.split(x.shape[0])
        normed: Adjust | None = None
        if self.weight_norm != "none":
            gains = run.weight("gain", (channels,)) if self.weight_norm.endswith("gain") else ()
            normed = partial(self.normed, gains)
        return run.convolve(x, sliding, channels, groups, "weight", "bias" if self.bias else "", self.border, normed)

    def normed(self, gains: Sequence[float], channel: int, kernel: Sequence[float]) -> list[float]:
        """The kernel of an output channel: standardised (Qiao et al. 2019), with a gain over the root of its fan-in
        (Brock et al. 2021), or with a gain as its norm (Salimans and Kingma 2016)."""
        count = len(kernel)
        if self.weight_norm == "gain":
            norm = sqrt(sum(value * value for value in kernel)) or 1.0
            return [gains[channel] * value / norm for value in kernel]
        mean = sum(kernel) / count
        variance = sum((value - mean) ** 2 for value in kernel) / count
        if self.weight_norm == "standardize":
            return [(value - mean) / sqrt(variance + 1e-6) for value in kernel]
        return [gains[channel] * (value - mean) / sqrt(count * (variance + 1e-6)) for value in kernel]

    def keeping(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return kept_by_windows(self.reach(inputs), inputs[0], self.border)


def with_bias(tensors: tuple[Weight, ...], bias: bool, channels: int) -> tuple[Weight, ...]:
    """`tensors`, and a bias of one value per output channel where there is one."""
    return (*tensors, Weight("bias", (channels,))) if bias else tensors


class Conv(Convolution, kind="conv"):
    """Convolution (cross-correlation), with groups, and a normalisation and an activation after it."""

    channels: int = CHANNELS
    groups: int = GROUPS
    weight_norm: str = NORMED
    padding_mode: str = BORDER
    weights: tuple[float, ...] = FIXED

    example = "{conv: 64, kernel: 3, padding: half, act: relu}"

    def split(self, channels: int) -> tuple[int, int]:
        return self.channels, self.groups


class DepthwiseConv(Convolution, kind="depthwise_conv"):
    """Depthwise convolution: `multiplier` kernels for each input channel, groups = input channels."""

    multiplier: int = field(COUNT, "output channels per input channel", 1, before="bias")
    weight_norm: str = NORMED
    padding_mode: str = BORDER
    weights: tuple[float, ...] = FIXED

    example = "{depthwise_conv: 3, padding: half}"

    def split(self, channels: int) -> tuple[int, int]:
        return channels * self.multiplier, channels


SEPARATED = (".depthwise", ".pointwise")
"""What the rows of the two layers end with that stand in place of one."""


def separate(layer: Conv | SeparableConv, multiplier: int = 1) -> tuple[DepthwiseConv, Conv]:
    """A depthwise and a pointwise convolution in place of a regular one of the same fields.

    The bias stays once, on the pointwise (Howard et al. 2017, MobileNets, section 3.1); what follows it stands
    after both.
    """
    follows: dict[str, Any] = dict(layer.followers())
    depthwise = DepthwiseConv(
        kernel=layer.kernel,
        stride=layer.stride,
        padding=layer.padding,
        dilation=layer.dilation,
        padding_mode=layer.padding_mode,
        weight_norm=layer.weight_norm,
        multiplier=multiplier,
        bias=False,
        **follows,
    )
    pointwise = Conv(channels=layer.channels, kernel=1, bias=layer.bias, weight_norm=layer.weight_norm, **follows)
    return depthwise, pointwise


class SeparableConv(Convolution, kind="separable_conv"):
    """Depthwise separable convolution: depthwise, then pointwise (1x1), which holds the bias (Chollet 2017).

    It is two layers, each with its own row; normalisation and activation follow both.
    """

    channels: int = CHANNELS
    multiplier: int = field(COUNT, "depthwise output channels per input channel", 1, before="bias")
    weight_norm: str = NORMED
    padding_mode: str = BORDER

    example = "{separable_conv: 32, kernel: 3, padding: same}"

    def parts(self) -> tuple[tuple[str, Layer], ...]:
        return tuple(zip(SEPARATED, separate(self, self.multiplier)))


class ConvTranspose(Convolution, kind="conv_transpose"):
    """Transposed convolution, also called deconvolution: each input position writes a window of outputs."""

    channels: int = CHANNELS
    stride: Sizes = field(SIZES, "distance between the windows of neighbouring inputs", 1)
    padding: Value = field(PADDING, "what is cut from the full output; `same` gives W*S", "valid")
    output_padding: Sizes = field(EXTRA, "positions added after the output", 0, before="dilation")
    groups: int = GROUPS

    example = "{conv_transpose: 64, kernel: 2, stride: 2}"

    def split(self, channels: int) -> tuple[int, int]:
        return self.channels, self.groups

    def kernel_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """PyTorch's layout: input channels by output channels per group by one size per axis."""
        return (inputs[0][0], self.channels // self.groups, *self.kernel_sizes(inputs))

    def slides(self, sizes: Shape) -> tuple[Slide, ...]:
        declared = (self.kernel, self.stride, self.dilation, self.padding, self.output_padding)
        return transposed_slides(len(sizes), *declared)

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        sizes = spatial(inputs[0], self.kind)
        return transposed_windows(self.slides(sizes), sizes)

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Weight, ...]:
        return with_bias((Weight("weight", self.kernel_shape(inputs)),), self.bias, self.channels)

    def multiplies(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[Multiplies, ...]:
        """By input positions: each is multiplied by the whole kernel of its group, cropped taps included."""
        return (Multiplies("input", elements(inputs[0]), elements(self.kernel_shape(inputs)[1:])),)

    def execute(self, run: Kernels[T], x: T) -> T:
        sliding = self.slides(x.shape[1:])
        return run.scatter(x, sliding, self.channels, self.groups, "weight", "bias" if self.bias else "")
