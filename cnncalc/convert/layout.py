"""Where the elements of a reshaped and transposed tensor are in the graph tensor behind it.

Every axis of a view is a row of factors, each a part of one axis of that tensor: heads are the outer factor of its
channels, windows the inner ones of its positions.  What works on one axis alone, or on each element, can so be done
on the tensor itself, whatever the view looks like.  It appends nothing.
"""

from __future__ import annotations

from itertools import pairwise
from math import prod

from cnncalc.convert.operators import Sizes
from cnncalc.convert.values import SHAPED, TURNED, Value


class Layout:
    """A view of a tensor, axis by axis."""

    __slots__ = ("axes", "base", "order", "owners", "sizes")

    def __init__(self, base: Value) -> None:
        self.base = base
        """What the view is of: a graph tensor, or something that becomes one."""
        self.order: list[int] = []
        """The factors, in the row-major order of the base; none has the size 1."""
        self.sizes: dict[int, int] = {}
        self.owners: dict[int, int] = {}
        """The axis of the base that each factor is a part of."""
        self.axes: list[list[int]] = []
        """The factors of every axis of the view, the outermost first."""
        for axis, size in enumerate(base.shape):
            self.axes.append([self.add(size, axis)] if size != 1 else [])

    def add(self, size: int, owner: int, at: int | None = None) -> int:
        """A new factor, which stands at this place of the order, or last."""
        factor = len(self.sizes)
        self.sizes[factor] = size
        self.owners[factor] = owner
        self.order.insert(len(self.order) if at is None else at, factor)
        return factor

    def of(self, owner: int) -> list[int]:
        """The factors of an axis of the base, the outermost first."""
        return [factor for factor in self.order if self.owners[factor] == owner]

    @property
    def channels(self) -> list[int]:
        return self.of(self.base.first)

    def size(self, factors: list[int]) -> int:
        return prod(self.sizes[factor] for factor in factors)

    @property
    def shape(self) -> Sizes:
        """The shape of the view."""
        return tuple([self.size(axis) for axis in self.axes])

    @property
    def form(self) -> tuple[object, ...]:
        """What is equal where two views look at tensors of one shape in the same way."""
        after = {a: b for axis in self.axes for a, b in pairwise(axis)}
        heads: dict[int, int] = {}
        for a, b in pairwise([-1, *self.order]):
            whole = after.get(a) == b and self.owners[a] == self.owners[b]  # a part that was never taken apart
            heads[b] = heads[a] if whole else b
        numbers = {head: number for number, head in enumerate(dict.fromkeys(heads.values()))}
        sizes = [self.size([factor for factor in self.order if heads[factor] == head]) for head in numbers]
        seen = [tuple([numbers[factor] for factor in axis if factor in numbers]) for axis in self.axes]
        return self.base.shape, tuple(sizes), tuple(seen)

    def split(self, factor: int, outer: int) -> tuple[int, int]:
        """A factor as two, of which the first has this size."""
        at = self.order.index(factor)
        first = self.add(outer, self.owners[factor], at)
        self.sizes[factor] //= outer
        for axis in self.axes:
            if factor in axis:
                axis.insert(axis.index(factor), first)
        return first, factor

    def rebase(self, base: Value, axes: tuple[int, ...]) -> None:
        """Let the view be one of its base with the axes in this order."""
        self.base = base
        self.owners = {factor: axes.index(owner) for factor, owner in self.owners.items()}
        self.order.sort(key=lambda factor: self.owners[factor])

    def replace(self, axis: int, size: int) -> None:
        """Let an axis of the view, the inner factors of the channels, be a single factor of this size."""
        first = self.base.first
        for factor in self.axes[axis]:
            self.order.remove(factor)
        at = sum(self.owners[factor] <= first for factor in self.order)
        self.axes[axis] = [self.add(size, first, at)] if size > 1 else []

    def turn(self, axes: tuple[int, ...]) -> None:
        self.axes = [self.axes[axis] for axis in axes]

    def reshape(self, shape: Sizes) -> bool:
        """Row-major in another shape; whether each factor falls to one axis, where need be in parts."""
        self.axes = [[factor for axis in self.axes for factor in axis]]
        found: list[list[int]] = []
        for size in shape:
            axis: list[int] = []
            while (missing := size // self.size(axis)) > 1:
                if not self.axes[0]:
                    return False
                factor = self.axes[0][0]
                own = self.sizes[factor]
                if missing % own and own % missing:
                    return False
                if own > missing:
                    factor, _ = self.split(factor, missing)
                axis.append(factor)
                self.axes[0].remove(factor)
            if self.size(axis) != size:
                return False
            found.append(axis)
        rest = self.axes[0]
        self.axes = found
        return not rest


def layout(value: Value) -> Layout | None:
    """The layout of a value; None where it is no rearrangement of whole factors."""
    views = []
    base = value
    while base.tensor is None and base.view is not None and base.view.kind in (SHAPED, TURNED):
        views.append(base)
        base = base.view.of
    found = Layout(base)
    for made in reversed(views):
        assert made.view is not None
        if made.view.kind == TURNED:
            found.turn(made.view.argument)
        elif not found.reshape(made.shape):
            return None
    return found


def is_deep(value: Value, most: int) -> bool:
    """Whether a value is a view by way of a shape with more than so many axes, or one that mixes samples' axes."""
    found = value
    while found.tensor is None and found.view is not None:
        if len(found.sample) > most or found.batch != found.view.of.batch:
            return True
        found = found.view.of
    return False
