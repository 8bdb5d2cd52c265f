"""Layers that only move data: they compute nothing and hold no weights."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from cnncalc.diagnostics import Fault
from cnncalc.geometry import GLOBAL, Pads, Reach, Shape, Transposed, Window, dims, elements, own
from cnncalc.layers.base import Layer, divides, field
from cnncalc.layers.memory import VIEW, Kept
from cnncalc.layers.types import AMOUNT, COUNT, INDICES, LAYER_NAME, NUMBER, PAIR, TARGET, Value, words
from cnncalc.layers.windows import amounts, spatial

if TYPE_CHECKING:
    from cnncalc.layers.kernels import Kernels, T

ORDER = field(
    words("crd", "dcr"), "channel order: `crd` is PyTorch's pixel_shuffle, `dcr` TensorFlow's and ONNX's default", "crd"
)


class Identity(Layer, kind="identity"):
    """The input itself."""

    buffer = VIEW
    keeps = ()


class Flatten(Layer, kind="flatten"):
    """All axes in one, channels first."""

    buffer = VIEW
    keeps = ()

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        return GLOBAL if len(inputs[0]) > 1 else None

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return (elements(inputs[0]),)

    def execute(self, run: Kernels[T], x: T) -> T:
        return run.rearrange(x, (x.size,)) if len(x.shape) > 1 else x


class Reshape(Layer, kind="reshape"):
    """The same elements in another shape, row-major."""

    buffer = VIEW
    keeps = ()

    shape: tuple[int, ...] = field(TARGET, "new shape, channels first")

    example = "{reshape: [256, 7, 7]}"

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        return GLOBAL

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        total = elements(inputs[0])
        known = elements(tuple(size for size in self.shape if size != -1))
        inferred = self.shape.count(-1)
        if 0 in self.shape or not 1 <= len(self.shape) <= 4 or inferred > 1:
            raise Fault("wrong-shape", "`shape` takes one to four sizes above 0, one of which may be -1", "shape")
        if inferred and total % known:
            message = f"the {total:,} elements of {dims(inputs[0])} are no multiple of {known:,}"
            raise Fault("wrong-shape", message, "shape")
        if not inferred and total != known:
            message = f"`shape` {dims(self.shape)} has {known:,} elements, the input {dims(inputs[0])} has {total:,}"
            raise Fault("wrong-shape", message, "shape")
        return tuple(total // known if size == -1 else size for size in self.shape)

    def execute(self, run: Kernels[T], x: T) -> T:
        known = -prod(self.shape) if -1 in self.shape else 0
        return run.rearrange(x, tuple(x.size // known if size == -1 else size for size in self.shape))


class Permute(Layer, kind="permute"):
    """The axes in another order; 0 is the channels."""

    keeps = ()

    axes: tuple[int, ...] = field(INDICES, "for each output axis, the input axis it comes from")

    example = "{permute: [0, 2, 1]}"

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        return GLOBAL

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        rank = len(inputs[0])
        if sorted(self.axes) != list(range(rank)):
            raise Fault(
                "wrong-axes", f"`axes` must name each of the {rank} axes 0 to {rank - 1} once (0: channels)", "axes"
            )
        return tuple(inputs[0][axis] for axis in self.axes)

    def execute(self, run: Kernels[T], x: T) -> T:
        steps = [prod(x.shape[axis + 1 :]) for axis in self.axes]
        order = [0]
        for axis, step in zip(self.axes, steps):
            order = [offset + place * step for offset in order for place in range(x.shape[axis])]
        return run.rearrange(x, tuple(x.shape[axis] for axis in self.axes), order)


class ChannelShuffle(Layer, kind="channel_shuffle"):
    """Channels of all groups interleaved (Zhang et al. 2017, ShuffleNet)."""

    keeps = ()

    groups: int = field(COUNT, "groups of channels")

    example = "{channel_shuffle: 2}"

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        divides(self.groups, inputs[0][0], "input")
        return inputs[0]

    def execute(self, run: Kernels[T], x: T) -> T:
        each = x.shape[0] // self.groups
        order = [(group * each + place,) for place in range(each) for group in range(self.groups)]
        return run.take(x, order, [own(size) for size in x.shape[1:]])


class Slice(Layer, kind="slice"):
    """The channels from `start` up to, not including, `stop`."""

    buffer = VIEW
    keeps = ()

    channels: tuple[int, ...] = field(INDICES, "[start, stop]")

    example = "{slice: [0, 32]}"

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        if len(self.channels) != 2:
            raise Fault("wrong-shape", "`channels` takes two numbers: [start, stop]", "channels")
        start, stop = self.channels
        if not start < stop <= inputs[0][0]:
            raise Fault(
                "out-of-range",
                f"channels {start} to {stop} are not within the {inputs[0][0]} input channels",
                "channels",
                "`start` is below `stop`, and `stop` is at most `x.channels`",
            )
        return (stop - start, *inputs[0][1:])

    def execute(self, run: Kernels[T], x: T) -> T:
        return run.take(x, [(place,) for place in range(*self.channels)], [own(size) for size in x.shape[1:]])


class Moves(Layer):
    """What padding and cropping share: windows of a single tap, shifted by what is added (or, below 0, cut)."""

    keeps = ()

    def shifts(self, inputs: tuple[Shape, ...]) -> tuple[Pads, ...]:
        """Positions added before and after each axis; negative where they are cut."""
        raise AssertionError(f"{self.kind} must state its shifts")

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        return tuple(Window(1, 1, 1, before, after) for before, after in self.shifts(inputs))


class Pad(Moves, kind="pad"):
    """Positions, or channels, added at the borders."""

    amount: Value = field(AMOUNT, "positions added, per side")
    channels: Pads = field(PAIR, "channels added, per side", (0, 0))
    mode: str = field(words("zeros", "constant", "replicate", "reflect", "circular"), "what is added", "zeros")
    value: float = field(NUMBER, "the constant that is added", 0.0)

    example = "{pad: 1}"

    @property
    def border(self) -> str:
        return self.mode

    def shifts(self, inputs: tuple[Shape, ...]) -> tuple[Pads, ...]:
        return amounts(self.amount, len(inputs[0]) - 1, "amount")

    def channels_out(self, inputs: tuple[Shape, ...]) -> int:
        return inputs[0][0] + sum(self.channels)

    def execute(self, run: Kernels[T], x: T) -> T:
        first, last = -self.channels[0], x.shape[0] + self.channels[1]
        channels = [(place if 0 <= place < x.shape[0] else -1,) for place in range(first, last)]
        axes = []
        for (before, after), width in zip(amounts(self.amount, len(x.shape) - 1, "amount"), x.shape[1:]):
            axes.append([(run.inside(tap, width, self.border),) for tap in range(-before, width + after)])
        return run.take(x, channels, axes, self.value if self.mode == "constant" else 0.0)

    def keeping(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        """Its input where the values that are added are found in it, but for a circle's, which are copied."""
        return Kept(("input",) if self.mode in ("reflect", "replicate") else ())


class Crop(Moves, kind="crop"):
    """Positions cut from the borders."""

    amount: Value = field(AMOUNT, "positions cut, per side")

    example = "{crop: 1}"

    def shifts(self, inputs: tuple[Shape, ...]) -> tuple[Pads, ...]:
        axes = spatial(inputs[0], self.kind)
        cuts = amounts(self.amount, len(axes), "amount")
        for (before, after), width in zip(cuts, axes):
            if before + after >= width:
                raise Fault("empty-output", f"cropping {before} + {after} leaves nothing of {width}", "amount")
        return tuple((-before, -after) for before, after in cuts)

    def execute(self, run: Kernels[T], x: T) -> T:
        axes = []
        for (before, after), width in zip(amounts(self.amount, len(x.shape) - 1, "amount"), x.shape[1:]):
            axes.append([(place,) for place in range(before, width - after)])
        return run.take(x, own(x.shape[0]), axes)


class CropLike(Moves, kind="crop_like"):
    """Cropped to the spatial size of another layer: centred, the odd position cut after."""

    layer: str = field(LAYER_NAME, "the layer whose size to take")

    example = "{crop_like: up64, from: down64}"

    def shifts(self, inputs: tuple[Shape, ...]) -> tuple[Pads, ...]:
        shape, like = inputs
        if len(shape) != len(like) or any(size < wanted for size, wanted in zip(shape[1:], like[1:])):
            raise Fault(
                "wrong-shape",
                f"{dims(shape[1:]) or 'a flat tensor'} cannot be cropped to {dims(like[1:]) or 'a flat one'}",
                "layer",
            )
        cuts = [size - wanted for size, wanted in zip(shape[1:], like[1:])]
        return tuple((-(cut // 2), -(cut - cut // 2)) for cut in cuts)

    def execute_all(self, run: Kernels[T], inputs: Sequence[T]) -> T:
        x, like = inputs
        first = [(size - wanted) // 2 for size, wanted in zip(x.shape[1:], like.shape[1:])]
        axes = [[(start + place,) for place in range(wanted)] for start, wanted in zip(first, like.shape[1:])]
        return run.take(x, own(x.shape[0]), axes)


class SpaceToDepth(Layer, kind="space_to_depth"):
    """Blocks of positions become channels: the inverse of depth_to_space."""

    keeps = ()

    block: int = field(COUNT, "block size on every axis")
    order: str = ORDER

    example = "{space_to_depth: 2}"

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        axes = spatial(inputs[0], self.kind)
        for width in axes:
            if width % self.block:
                raise Fault("wrong-shape", f"block {self.block} does not divide {dims(axes)}", "block")
        return tuple(Window(self.block, self.block) for _ in axes)

    def channels_out(self, inputs: tuple[Shape, ...]) -> int:
        return int(inputs[0][0] * self.block ** (len(inputs[0]) - 1))

    def execute(self, run: Kernels[T], x: T) -> T:
        """A tensor per place within a block, one after the other: that is `dcr`; `crd` takes channel by channel."""
        starts = product(range(self.block), repeat=len(x.shape) - 1)
        channels = own(x.shape[0])
        phases = [
            run.take(
                x,
                channels,
                [[(place,) for place in range(start, size, self.block)] for start, size in zip(at, x.shape[1:])],
            )
            for at in starts
        ]
        joined = run.concat(*phases)
        if self.order == "dcr":
            return joined
        order = [(phase * x.shape[0] + channel,) for channel in range(x.shape[0]) for phase in range(len(phases))]
        return run.take(joined, order, [own(size) for size in joined.shape[1:]])


class DepthToSpace(Layer, kind="depth_to_space"):
    """Channels become blocks of positions (Shi et al. 2016, sub-pixel convolution)."""

    keeps = ()

    block: int = field(COUNT, "block size on every axis")
    order: str = ORDER

    example = "{depth_to_space: 2}"

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        return tuple(Transposed(self.block, self.block) for _ in spatial(inputs[0], self.kind))

    def channels_out(self, inputs: tuple[Shape, ...]) -> int:
        parts = int(self.block ** (len(inputs[0]) - 1))
        if inputs[0][0] % parts:
            raise Fault(
                "wrong-shape", f"{parts} positions per block do not divide the {inputs[0][0]} input channels", "block"
            )
        return inputs[0][0] // parts

    def execute(self, run: Kernels[T], x: T) -> T:
        parts = self.block ** (len(x.shape) - 1)
        channels = x.shape[0] // parts
        axes = [own(size) for size in x.shape[1:]]
        step, across = (parts, 1) if self.order == "crd" else (1, channels)
        taken = [[(channel * step + part * across,) for channel in range(channels)] for part in range(parts)]
        return run.interleave([run.take(x, order, axes) for order in taken], self.block)
