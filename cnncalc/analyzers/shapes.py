"""Output shapes, and the rows and columns that a stride leaves unread."""

from __future__ import annotations

from cnncalc.geometry import AXES, Window
from cnncalc.graph import Graph
from cnncalc.layers.base import Operation


def unread(operation: Operation) -> tuple[int, ...] | None:
    """Per spatial axis, how many positions of the padded input no window reads; None where nothing slides."""
    if "unread" not in operation.memo:
        reach = operation.reach if _slides(operation) else None
        found = None
        if isinstance(reach, tuple) and all(isinstance(axis, Window) for axis in reach):
            axes = zip(reach, operation.inputs[0][1:])
            found = tuple(axis.unread(width) for axis, width in axes if isinstance(axis, Window))
        operation.memo["unread"] = found
    return operation.memo["unread"]  # type: ignore[no-any-return]


def _slides(operation: Operation) -> bool:
    """Whether a layer has a stride at all: cropping leaves positions out on purpose."""
    return hasattr(operation.layer, "stride")


def unread_note(operation: Operation) -> str | None:
    """``the stride leaves 1 row and 1 column of the padded input unread``, or None where all are read."""
    counts = unread(operation)
    if not counts or not any(counts):
        return None
    if "unread note" not in operation.memo:
        words = {"height": "row", "width": "column", "depth": "slice", "length": "position"}
        parts = [
            f"{count} {words[name]}{'s' if count > 1 else ''}"
            for name, count in zip(AXES[len(counts)], counts)
            if count
        ]
        operation.memo["unread note"] = f"the stride leaves {' and '.join(parts)} of the padded input unread"
    return operation.memo["unread note"]  # type: ignore[no-any-return]


def output_shapes(graph: Graph) -> list[tuple[int, ...]]:
    """The shapes of the tensors that leave the network."""
    return [graph.shapes[number] for _, number in graph.outputs]
