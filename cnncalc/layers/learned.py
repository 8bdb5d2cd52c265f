"""Learned tensors that stand by themselves, and constants: added, multiplied, or as they are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

from cnncalc.diagnostics import Fault
from cnncalc.geometry import AXES, Shape
from cnncalc.layers.base import Layer, Weight, field
from cnncalc.layers.memory import IN_PLACE, Kept
from cnncalc.layers.types import NUMBER, SHAPE, SIZES, SPREAD, Sizes, Value

if TYPE_CHECKING:
    from cnncalc.layers.kernels import Kernels, T


class Spread(Layer):
    """What an offset and a factor share: a tensor with some of the input's axes, the same along the others."""

    axes: Value = field(SPREAD, "axes along which it has values of its own")
    value: float | None = field(NUMBER, "a constant in place of a learned tensor", None)
    buffer = IN_PLACE
    weight_name = ""

    def wide(self, x: Shape) -> Shape:
        """The sizes of the learned tensor on all axes of the input; raises `Fault`."""
        names = ("channels", *AXES.get(len(x) - 1, ()))
        words = self.axes if isinstance(self.axes, tuple) else (self.axes,)
        own = {"one": (), "positions": names[1:], "all": names}
        chosen = {name for word in words for name in own.get(word, (word,))}
        strange = next((name for name in chosen if name not in names), None)
        if strange is not None:
            has = ", ".join(f"`{name}`" for name in names)
            raise Fault("wrong-axes", f"the input has no axis `{strange}`", "axes", f"it has {has}")
        return tuple(size if name in chosen else 1 for name, size in zip(names, x))

    def shape(self, x: Shape) -> Shape:
        """The shape of the learned tensor: without the sizes of 1 at its end."""
        sizes = list(self.wide(x))
        while len(sizes) > 1 and sizes[-1] == 1:
            sizes.pop()
        return tuple(sizes)

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        self.wide(inputs[0])
        if self.value is not None and self.axes != "one":
            raise Fault("wrong-form", "a constant is one for all", "axes", "write `one`")
        return inputs[0]

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Weight, ...]:
        return () if self.value is not None else (Weight(self.weight_name, self.shape(inputs[0])),)

    def execute(self, run: Kernels[T], x: T) -> T:
        if self.value is not None:
            constant = self.value
            return run.each(lambda number: self.combined(number, constant), x)
        own = run.learned(self.weight_name, self.shape(x.shape), self.wide(x.shape))
        return run.each(self.combined, x, aside=(own,))

    def combined(self, x: float, own: float) -> float:
        """A number of the input and its learned one together."""
        raise AssertionError(f"{self.kind} must state what it does")


class Offset(Spread, kind="offset"):
    """A learned tensor, or a constant, added to the input: position embeddings."""

    keeps = ()
    weight_name = "bias"
    example = "{offset: all}"

    def combined(self, x: float, own: float) -> float:
        return x + own


class Factor(Spread, kind="factor"):
    """A learned tensor, or a constant, by which the input is multiplied."""

    weight_name = "weight"
    example = "{factor: channels}"

    def keeping(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        """Its input, for what is learned: a constant asks for no gradient."""
        return Kept(("input",), for_weights=True) if self.value is None else Kept()

    def combined(self, x: float, own: float) -> float:
        return x * own


class LayerScale(Layer, kind="layer_scale"):
    """A learned factor per channel (Touvron et al. 2021)."""

    buffer = IN_PLACE
    keeps = ("input",)

    initial: float = field(NUMBER, "initial value", 1e-6)

    def keeping(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(self.keeps, for_weights=True)

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Weight, ...]:
        return (Weight("weight", (inputs[0][0],)),)

    def execute(self, run: Kernels[T], x: T) -> T:
        return run.each(lambda value, factor: value * factor, x, aside=(run.factors("weight", x),))


class Parameter(Layer, kind="parameter"):
    """A learned tensor that reads nothing: class tokens, queries.  It begins a branch of a `concat`."""

    shape: tuple[int, ...] = field(SHAPE, "its shape, channels first")

    keeps = ()
    takes = (0, 0)
    example = "{parameter: [768, 1]}"

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return self.shape

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Weight, ...]:
        return (Weight("weight", self.shape),)

    def execute_all(self, run: Kernels[T], inputs: Sequence[T]) -> T:
        return run.constants(self.shape, run.weight("weight", self.shape))


class Coordinates(Layer, kind="coordinates"):
    """A constant that reads nothing: a channel per axis, from -1 at its first position to 1 at its last."""

    sizes: Sizes = field(SIZES, "sizes of the map")

    keeps = ()
    takes = (0, 0)
    example = "{coordinates: [13, 13]}"

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return (len(self.map()), *self.map())

    def map(self) -> Shape:
        """The sizes of its axes."""
        return self.sizes if isinstance(self.sizes, tuple) else (self.sizes,)

    def execute_all(self, run: Kernels[T], inputs: Sequence[T]) -> T:
        sizes = self.map()
        lines = [[2 * place / (size - 1) - 1 if size > 1 else 0.0 for place in range(size)] for size in sizes]
        values = [place[axis] for axis in range(len(sizes)) for place in product(*lines)]
        return run.constants((len(sizes), *sizes), values)
