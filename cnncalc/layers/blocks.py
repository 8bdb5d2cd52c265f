"""Blocks of positions that become channels, and channels that become blocks."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING

from cnncalc.diagnostics import Fault
from cnncalc.geometry import Reach, Shape, Transposed, Window, dims, own
from cnncalc.layers.base import Layer, field
from cnncalc.layers.types import SIZES, Sizes, words
from cnncalc.layers.windows import per_axis, spatial

if TYPE_CHECKING:
    from cnncalc.layers.kernels import Kernels, T

ORDER = field(
    words("crd", "dcr"), "channel order: `crd` is PyTorch's pixel_shuffle, `dcr` TensorFlow's and ONNX's default", "crd"
)


class SpaceToDepth(Layer, kind="space_to_depth"):
    """Blocks of positions become channels: the inverse of depth_to_space."""

    keeps = ()

    block: Sizes = field(SIZES, "block size")
    order: str = ORDER

    example = "{space_to_depth: 2}"

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        axes = spatial(inputs[0], self.kind)
        sizes = per_axis(self.block, len(axes), "block")
        if any(width % size for width, size in zip(axes, sizes)):
            raise Fault(
                "wrong-shape",
                f"block {dims(sizes) if isinstance(self.block, tuple) else self.block} does not divide {dims(axes)}",
                "block",
                f"put `{{pad: [{', '.join(f'[0, {-width % size}]' for width, size in zip(axes, sizes))}]}}` before it",
            )
        return tuple(Window(size, size) for size in sizes)

    def channels_out(self, inputs: tuple[Shape, ...]) -> int:
        return inputs[0][0] * prod(per_axis(self.block, len(inputs[0]) - 1, "block"))

    def execute(self, run: Kernels[T], x: T) -> T:
        """A tensor per place within a block, one after the other: that is `dcr`; `crd` takes channel by channel."""
        blocks = per_axis(self.block, len(x.shape) - 1, "block")
        starts = product(*map(range, blocks))
        channels = own(x.shape[0])
        phases = [
            run.take(
                x,
                channels,
                [[(p,) for p in range(start, size, block)] for start, size, block in zip(at, x.shape[1:], blocks)],
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

    block: Sizes = field(SIZES, "block size")
    order: str = ORDER

    example = "{depth_to_space: 2}"

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        sizes = per_axis(self.block, len(spatial(inputs[0], self.kind)), "block")
        return tuple(Transposed(size, size) for size in sizes)

    def channels_out(self, inputs: tuple[Shape, ...]) -> int:
        parts = prod(per_axis(self.block, len(inputs[0]) - 1, "block"))
        if inputs[0][0] % parts:
            raise Fault(
                "wrong-shape",
                f"{parts} positions per block do not divide the {inputs[0][0]} input channels",
                "block",
                f"give it a multiple of {parts} channels: `{{conv: {-(-inputs[0][0] // parts) * parts}, kernel: 1}}`",
            )
        return inputs[0][0] // parts

    def execute(self, run: Kernels[T], x: T) -> T:
        blocks = per_axis(self.block, len(x.shape) - 1, "block")
        parts = prod(blocks)
        channels = x.shape[0] // parts
        axes = [own(size) for size in x.shape[1:]]
        step, across = (parts, 1) if self.order == "crd" else (1, channels)
        taken = [[(channel * step + part * across,) for channel in range(channels)] for part in range(parts)]
        return run.interleave([run.take(x, order, axes) for order in taken], blocks)
