"""Convolutions: regular, depthwise, depthwise separable and transposed, on any number of spatial axes."""

from __future__ import annotations

from typing import Any

from cnncalc.diagnostics import Fault
from cnncalc.geometry import (
    Reach,
    Shape,
    Transposed,
    Window,
    dims,
    elements,
    resolve_padding,
    resolve_transposed_padding,
)
from cnncalc.layers.activation import ACT
from cnncalc.layers.base import Layer, Multiplies, Weight, check_pads, divides, field, per_axis, spatial
from cnncalc.layers.normalisation import NORM
from cnncalc.layers.types import COUNT, EXTRA, FLAG, NUMBERS, PADDING, SIZES, words

CHANNELS = field(COUNT, "output channels")
KERNEL = field(SIZES, "kernel size")
STRIDE = field(SIZES, "distance between windows", 1)
PADDING_FIELD = field(PADDING, "padding", "valid")
DILATION = field(SIZES, "distance between the taps of a kernel", 1)
GROUPS = field(COUNT, "groups of channels that are convolved apart", 1)
BIAS = field(FLAG, "a learned offset per output channel", True)
NORM_FIELD = field(NORM, "normalisation after it", "none")
ACT_FIELD = field(ACT, "activation after it, and after the normalisation", "none")
MODE = field(words("zeros", "replicate", "reflect", "circular"), "what the padding holds", "zeros")
FIXED = field(NUMBERS, "fixed kernel values for the executor, row-major", ())


def windows(layer: Any, shape: Shape) -> tuple[Window, ...]:
    """One window per spatial axis from a layer's kernel, stride, padding and dilation; raises `Fault`."""
    axes = spatial(shape, layer.kind)
    rank = len(axes)
    sizes = per_axis(layer.kernel, rank, "kernel")
    strides = per_axis(layer.kernel if layer.stride is None else layer.stride, rank, "stride")
    dilations = per_axis(layer.dilation, rank, "dilation")
    rule = check_pads(layer.padding, rank, "padding")
    ceil = getattr(layer, "ceil_mode", False)
    found = []
    for axis, width in enumerate(axes):
        size, stride, dilation = sizes[axis], strides[axis], dilations[axis]
        window = Window(size, stride, dilation, *resolve_padding(rule, axis, width, size, stride, dilation), ceil)
        if window.output(width) < 1:
            raise _too_large(window, width, axis, rank)
        found.append(window)
    return tuple(found)


def _too_large(window: Window, width: int, axis: int, rank: int) -> Fault:
    from cnncalc.geometry import AXES

    name = AXES[rank][axis] if rank in AXES else f"axis {axis}"
    padded = width + window.before + window.after
    spread = f" (extent {window.extent} at dilation {window.dilation})" if window.dilation > 1 else ""
    most = (padded - 1) // window.dilation + 1
    return Fault(
        "window-too-large",
        f"kernel {window.size}{spread} does not fit the {'padded ' if padded > width else ''}{name} {padded}",
        "kernel",
        f"use `padding: same`, or a kernel of at most {most}",
    )


class Convolution(Layer):
    """What the convolutions share: windows on every axis, and their kernel's tensor.

    A kernel is output channels by input channels per group by one size per axis.
    """

    kernel: Any
    stride: Any
    padding: Any
    dilation: Any
    bias: bool
    weights: tuple[float, ...] = ()
    padding_mode: str = "zeros"

    def split(self, channels: int) -> tuple[int, int]:
        """Output channels and groups for this number of input channels; raises `Fault`."""
        raise AssertionError(f"{self.kind} must state its groups")

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        return windows(self, inputs[0])

    def channels_out(self, inputs: tuple[Shape, ...]) -> int:
        channels, groups = self.split(inputs[0][0])
        divides(groups, inputs[0][0], "input")
        divides(groups, channels, "output")
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
        return with_bias((Weight("weight", shape),), self.bias, shape[0])

    def multiplies(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[Multiplies, ...]:
        return (Multiplies("output", elements(output), elements(self.kernel_shape(inputs)[1:])),)

    def execute(self, run: Any, x: Any) -> Any:
        sliding = run.slides(self, x.shape[1:])
        return run.convolve(
            x, sliding, *self.split(x.shape[0]), "weight", "bias" if self.bias else "", self.padding_mode
        )


def with_bias(tensors: tuple[Weight, ...], bias: bool, channels: int) -> tuple[Weight, ...]:
    """`tensors`, and a bias of one value per output channel where there is one."""
    return (*tensors, Weight("bias", (channels,))) if bias else tensors


class Conv(Convolution, kind="conv"):
    """Convolution (cross-correlation), with groups, and a normalisation and an activation after it."""

    channels: int = CHANNELS
    kernel: Any = KERNEL
    stride: Any = STRIDE
    padding: Any = PADDING_FIELD
    dilation: Any = DILATION
    groups: int = GROUPS
    bias: bool = BIAS
    norm: str = NORM_FIELD
    act: str = ACT_FIELD
    padding_mode: str = MODE
    weights: tuple[float, ...] = FIXED

    example = "{conv: 64, kernel: 3, padding: half, act: relu}"

    def split(self, channels: int) -> tuple[int, int]:
        return self.channels, self.groups


class DepthwiseConv(Convolution, kind="depthwise_conv"):
    """Depthwise convolution: `multiplier` kernels for each input channel, groups = input channels."""

    kernel: Any = KERNEL
    stride: Any = STRIDE
    padding: Any = PADDING_FIELD
    dilation: Any = DILATION
    multiplier: int = field(COUNT, "output channels per input channel", 1)
    bias: bool = BIAS
    norm: str = NORM_FIELD
    act: str = ACT_FIELD
    padding_mode: str = MODE
    weights: tuple[float, ...] = FIXED

    example = "{depthwise_conv: 3, padding: half}"

    def split(self, channels: int) -> tuple[int, int]:
        return channels * self.multiplier, channels


def separate(layer: Any, multiplier: int = 1) -> tuple[DepthwiseConv, Conv]:
    """A depthwise and a pointwise convolution in place of a regular one of the same fields.

    The bias stays once, on the pointwise (Howard et al. 2017, MobileNets, section 3.1); normalisation and
    activation stand after both.
    """
    shared = {"norm": layer.norm, "act": layer.act}
    window = {name: getattr(layer, name) for name in ("kernel", "stride", "padding", "dilation", "padding_mode")}
    return (
        DepthwiseConv(**window, **shared, multiplier=multiplier, bias=False),
        Conv(channels=layer.channels, kernel=1, bias=layer.bias, **shared),
    )


class SeparableConv(Layer, kind="separable_conv"):
    """Depthwise separable convolution: depthwise, then pointwise (1x1), which holds the bias (Chollet 2017).

    It is two layers, each with its own row; normalisation and activation follow both.
    """

    channels: int = CHANNELS
    kernel: Any = KERNEL
    stride: Any = STRIDE
    padding: Any = PADDING_FIELD
    dilation: Any = DILATION
    multiplier: int = field(COUNT, "depthwise output channels per input channel", 1)
    bias: bool = BIAS
    norm: str = NORM_FIELD
    act: str = ACT_FIELD
    padding_mode: str = MODE

    example = "{separable_conv: 32, kernel: 3, padding: same}"

    def parts(self) -> tuple[tuple[str, Layer], ...]:
        depthwise, pointwise = separate(self, self.multiplier)
        return ((".depthwise", depthwise), (".pointwise", pointwise))


class ConvTranspose(Convolution, kind="conv_transpose"):
    """Transposed convolution, also called deconvolution: each input position writes a window of outputs."""

    channels: int = CHANNELS
    kernel: Any = KERNEL
    stride: Any = field(SIZES, "distance between the windows of neighbouring inputs", 1)
    padding: Any = field(PADDING, "what is cut from the full output; `same` gives W*S", "valid")
    output_padding: Any = field(EXTRA, "positions added after the output", 0)
    dilation: Any = DILATION
    groups: int = GROUPS
    bias: bool = BIAS
    norm: str = NORM_FIELD
    act: str = ACT_FIELD

    example = "{conv_transpose: 64, kernel: 2, stride: 2}"

    def split(self, channels: int) -> tuple[int, int]:
        return self.channels, self.groups

    def kernel_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """PyTorch's layout: input channels by output channels per group by one size per axis."""
        return (inputs[0][0], self.channels // self.groups, *self.kernel_sizes(inputs))

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        axes = spatial(inputs[0], self.kind)
        rank = len(axes)
        sizes, strides = self.kernel_sizes(inputs), per_axis(self.stride, rank, "stride")
        dilations, extras = (
            per_axis(self.dilation, rank, "dilation"),
            per_axis(self.output_padding, rank, "output_padding"),
        )
        rule = check_pads(self.padding, rank, "padding")
        found = []
        for axis, width in enumerate(axes):
            size, stride, dilation, extra = sizes[axis], strides[axis], dilations[axis], extras[axis]
            pads = resolve_transposed_padding(rule, axis, size, stride, dilation, extra)
            window = Transposed(size, stride, dilation, *pads, extra)
            if window.output(width) < 1:
                raise Fault(
                    "empty-output",
                    f"padding {window.before} + {window.after} cuts all of the output, {window.output(width)} wide",
                    "padding",
                    "use less padding, or a larger kernel",
                )
            found.append(window)
        return tuple(found)

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Weight, ...]:
        return with_bias((Weight("weight", self.kernel_shape(inputs)),), self.bias, self.channels)

    def multiplies(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[Multiplies, ...]:
        """By input positions: each is multiplied by the whole kernel of its group, cropped taps included."""
        return (Multiplies("input", elements(inputs[0]), elements(self.kernel_shape(inputs)[1:])),)

    def execute(self, run: Any, x: Any) -> Any:
        sliding = run.slides(self, x.shape[1:])
        return run.scatter(x, sliding, self.channels, self.groups, "weight", "bias" if self.bias else "")
