"""Output shapes, and the rows and columns that a stride leaves unread."""

from __future__ import annotations

from cnncalc.geometry import AXES, Window
from cnncalc.graph import Graph
from cnncalc.layers.base import Operation, once_per_operation


@once_per_operation
def unread(operation: Operation) -> tuple[int, ...] | None:
    """Per spatial axis, how many positions of the padded input no window reads; None without a stride.

    Cropping has none: it leaves positions out on purpose.
    """
    reach = operation.reach if operation.layer.strided else None
    if not isinstance(reach, tuple) or not all(isinstance(axis, Window) for axis in reach):
        return None
    axes = zip(reach, operation.inputs[0][1:])
    return tuple([axis.unread(width) for axis, width in axes if isinstance(axis, Window)])


@once_per_operation
def unread_note(operation: Operation) -> str | None:
    """``the stride leaves 1 row and 1 column of the padded input unread``, or None where all are read."""
    counts = unread(operation)
    if not counts or not any(counts):
        return None
    words = {"height": "row", "width": "column", "depth": "slice", "length": "position"}
    parts = [
        f"{count} {words[name]}{'s' if count > 1 else ''}" for name, count in zip(AXES[len(counts)], counts) if count
    ]
    return f"the stride leaves {' and '.join(parts)} of the padded input unread"


def output_shapes(graph: Graph) -> list[tuple[int, ...]]:
    """The shapes of the tensors that leave the network."""
    return [graph.shape(number) for _, number in graph.outputs]
