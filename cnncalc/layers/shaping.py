"""Layers that only move data: they compute nothing and hold no weights."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

from cnncalc.diagnostics import Fault
from cnncalc.geometry import GLOBAL, Pads, Reach, Shape, Window, dims, elements, own
from cnncalc.layers.base import Layer, divides, field
from cnncalc.layers.memory import OWN, VIEW, Kept
from cnncalc.layers.types import (
    AMOUNT,
    COUNT,
    ENDS,
    INDICES,
    LAYER_NAME,
    NUMBER,
    OVER,
    PAIR,
    PARTS,
    TARGET,
    Value,
    words,
)
from cnncalc.layers.windows import amounts, spatial

if TYPE_CHECKING:
    from cnncalc.layers.kernels import Kernels, T


class Identity(Layer, kind="identity"):
    """The input itself."""

    buffer = VIEW
    keeps = ()


class Flatten(Layer, kind="flatten"):
    """All axes in one, channels first; over positions all spatial axes in one, as tokens."""

    over: str = field(words("all", "positions"), "`positions` keeps the channels", "all")

    buffer = VIEW
    keeps = ()

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        return GLOBAL if len(inputs[0]) > (1 if self.over == "all" else 2) else None

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        if self.over == "all":
            return (elements(inputs[0]),)
        return (inputs[0][0], elements(spatial(inputs[0], self.kind)))

    def execute(self, run: Kernels[T], x: T) -> T:
        shape = (x.size,) if self.over == "all" else (x.shape[0], prod(x.shape[1:]))
        return run.rearrange(x, shape) if len(x.shape) > len(shape) else x


class Reshape(Layer, kind="reshape"):
    """The same elements in another shape, row-major; over positions the channels stay."""

    buffer = VIEW
    keeps = ()

    shape: tuple[int, ...] = field(TARGET, "new shape, channels first; over positions its spatial sizes")
    over: str = field(words("all", "positions"), "`positions` keeps the channels", "all")

    example = "{reshape: [256, 7, 7]}"
    shown_on = "[12544]"

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        return GLOBAL

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        kept = 0 if self.over == "all" else 1
        if kept:
            spatial(inputs[0], self.kind)
        total = elements(inputs[0][kept:])
        known = elements(tuple(size for size in self.shape if size != -1))
        inferred = self.shape.count(-1)
        most = 4 - kept
        if 0 in self.shape or not 1 <= len(self.shape) <= most or inferred > 1:
            count = {3: "three", 4: "four"}[most]
            raise Fault("wrong-shape", f"`shape` takes one to {count} sizes above 0, one of which may be -1", "shape")
        what = "positions" if kept else "elements"
        if inferred and total % known:
            message = f"the {total:,} {what} of {dims(inputs[0])} are no multiple of {known:,}"
            raise Fault("wrong-shape", message, "shape")
        if not inferred and total != known:
            message = f"`shape` {dims(self.shape)} has {known:,} {what}, the input {dims(inputs[0])} has {total:,}"
            raise Fault("wrong-shape", message, "shape")
        return (*inputs[0][:kept], *(total // known if size == -1 else size for size in self.shape))

    def execute(self, run: Kernels[T], x: T) -> T:
        kept = 0 if self.over == "all" else 1
        known = -prod(self.shape) if -1 in self.shape else 0
        total = prod(x.shape[kept:])
        sizes = (total // known if size == -1 else size for size in self.shape)
        return run.rearrange(x, (*x.shape[:kept], *sizes))


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
        divides(self.groups, input=inputs[0][0])
        return inputs[0]

    def execute(self, run: Kernels[T], x: T) -> T:
        each = x.shape[0] // self.groups
        order = [(group * each + place,) for place in range(each) for group in range(self.groups)]
        return run.take(x, order, [own(size) for size in x.shape[1:]])


class Slice(Layer, kind="slice"):
    """The channels, or the positions, from `start` up to, not including, `stop`."""

    keeps = ()

    @property
    def buffer(self) -> str:  # type: ignore[override]
        """Channels lie one after the other, positions do not."""
        return VIEW if self.over == "channels" else OWN

    channels: tuple[int | None, int | None] = field(ENDS, "[start, stop]; below 0 from the end, `none` is open")
    over: str = field(OVER, "what is sliced; positions are those of a single axis", "channels")

    example = "{slice: [0, 32]}"

    def bounds(self, size: int) -> tuple[int, int]:
        """Start and stop among `size`; raises `Fault`."""
        start, stop = (
            default if end is None else end + size if end < 0 else end for end, default in zip(self.channels, (0, size))
        )
        if not 0 <= start < stop <= size:
            raise Fault(
                "out-of-range",
                f"{self.over} {start} to {stop} are not within the {size} input {self.over}",
                "channels",
                f"`start` is below `stop`, and `stop` is at most `x.{MEASURES[self.over]}`",
            )
        return start, stop

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        if self.over == "channels":
            return None
        size = single_axis(inputs[0], self.kind)
        start, stop = self.bounds(size)
        return (Window(1, before=-start, after=stop - size),)

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        if self.over == "positions":
            start, stop = self.bounds(single_axis(inputs[0], self.kind))
            return (inputs[0][0], stop - start)
        start, stop = self.bounds(inputs[0][0])
        return (stop - start, *inputs[0][1:])

    def settled(self, inputs: tuple[Shape, ...]) -> Layer:
        """From its start to as far from the end: a longer axis is cut as much."""
        if self.over == "channels":
            return self
        start, stop = self.bounds(inputs[0][1])
        return Slice(channels=(start, None if stop == inputs[0][1] else stop - inputs[0][1]), over=self.over)

    def execute(self, run: Kernels[T], x: T) -> T:
        places = [(place,) for place in range(*self.bounds(x.shape[self.over == "positions"]))]
        if self.over == "positions":
            return run.take(x, own(x.shape[0]), [places])
        return run.take(x, places, [own(size) for size in x.shape[1:]])


MEASURES = {"channels": "channels", "positions": "length"}


def single_axis(shape: Shape, kind: str) -> int:
    """The size of the only spatial axis; raises `Fault` where there are others."""
    axes = spatial(shape, kind)
    if len(axes) > 1:
        message = f"`{kind}` over positions takes those of a single axis, but its input is {dims(shape)}"
        raise Fault("not-flat", message, "over", "put `{flatten, over: positions}` before it")
    return axes[0]


class Split(Layer, kind="split"):
    """Parts of the channels, or of the positions, by name, beside each other: each is a `slice`.

    The current tensor stays the whole.  Parts of size `rest` share what is left equally.
    """

    sizes: tuple[tuple[str, int | None], ...] = field(PARTS, "names of the parts, with their sizes")
    over: str = field(OVER, "what is split; positions are those of a single axis", "channels")

    example = "{split: {q: 16, k: 16, v: rest}}"

    def pieces(self, inputs: tuple[Shape, ...]) -> tuple[tuple[str, Layer], ...]:
        whole = inputs[0][0] if self.over == "channels" else single_axis(inputs[0], self.kind)
        known = sum(size for _, size in self.sizes if size is not None)
        open_ = sum(size is None for _, size in self.sizes)
        left = whole - known
        listed = " + ".join("rest" if size is None else str(size) for _, size in self.sizes)
        message, help = f"the parts {listed} do not make the {whole} input {self.over}", ""
        if left < open_:
            help = f"make the parts smaller: together they have {whole}"
        elif left and not open_:
            help = "give the last part the size `rest`"
        elif open_ and left % open_:
            message = f"{open_} equal parts do not make the {left} of {whole} input {self.over} that are left"
            help = f"give all of them but one a size, such as {left // open_}, and leave that one `rest`"
        if help:
            raise Fault("split", message, "sizes", help)
        found: list[tuple[str, Layer]] = []
        start = 0
        for name, size in self.sizes:
            stop = start + (left // open_ if size is None else size)
            found.append((name, Slice(channels=(start, stop), over=self.over)))
            start = stop
        return tuple(found)


class Moves(Layer):
    """What padding and cropping share: windows of a single tap, shifted by what is added (or, below 0, cut)."""

    keeps = ()

    def shifts(self, inputs: tuple[Shape, ...]) -> tuple[Pads, ...]:
        """Positions added before and after each axis; negative where they are cut."""
        raise AssertionError(f"{self.kind} must state its shifts")

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        return tuple(Window(1, before=before, after=after) for before, after in self.shifts(inputs))


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
    shown_after = ("{max_pool: 2, name: up64}", "{identity, from: input, name: down64}")

    def named(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        return (("layer", (self.layer,)),)

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
