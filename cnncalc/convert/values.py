"""What a tensor of a source is in the graph: a graph tensor, seen in the source's axes.

A source's tensors have a batch and may have their axes in any order; the graph's are channels first and without the
batch.  A transposed, reshaped or padded tensor is no row until something needs it as it is: most are undone, or become
part of the layer that takes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.convert.operators import Constant, Operator, Sizes
from cnncalc.records import NamedTuple

TURNED, SHAPED, PADDED, EXPANDED, PART, ROLLED = "turned", "shaped", "padded", "expanded", "part", "rolled"


class View(NamedTuple):
    """How a tensor is made from another without computing anything."""

    kind: str
    """`TURNED`, `SHAPED`, `PADDED`, `EXPANDED`, `PART` or `ROLLED`."""
    of: Value
    argument: Any
    """The order of the axes (for each of the result, one of the other); None; the padding; the channels; by how many
    places each axis is rolled."""
    operator: Operator
    """What asked for it: its row is called after it, if it becomes one."""


class Value:
    """A tensor that depends on the network's inputs."""

    __slots__ = ("batch", "shape", "tensor", "view")

    def __init__(self, shape: Sizes, batch: bool, tensor: int | None = None, view: View | None = None) -> None:
        self.shape = shape
        """As in the source, with the batch."""
        self.batch = batch
        """Whether axis 0 is the batch."""
        self.tensor = tensor
        """The graph tensor that holds it, of shape `sample`; None as long as it is only a view."""
        self.view = view

    @property
    def sample(self) -> Sizes:
        """The shape without the batch; a scalar is one number."""
        return (self.shape[1:] if self.batch else self.shape) or (1,)

    @property
    def first(self) -> int:
        """The axis of the source that is the channels of the graph, unless the axes are turned."""
        return 1 if self.batch else 0

    def turned(self) -> tuple[Value, tuple[int, ...]]:
        """The tensor behind this one with its axes in the graph's order, and for each axis here the one there."""
        view = self.view
        if self.tensor is None and view is not None and view.kind == TURNED:
            return view.of, view.argument
        return self, tuple(range(len(self.shape)))

    def unrolled(self) -> tuple[Value, Sizes]:
        """The tensor behind one whose positions are rolled, and by how many places each axis is; by 0 if it is not."""
        view = self.view
        if self.tensor is None and view is not None and view.kind == ROLLED:
            return view.of, view.argument
        return self, (0,) * len(self.shape)


class Parts(NamedTuple):
    """A sequence of tensors, which only some exporters make of a split."""

    values: list[Value]


Operand = Value | Constant | Parts | None


def inverse(axes: Sequence[int]) -> tuple[int, ...]:
    """The order that undoes another."""
    found = [0] * len(axes)
    for place, axis in enumerate(axes):
        found[axis] = place
    return tuple(found)
