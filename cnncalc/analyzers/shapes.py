"""Output shapes, and the rows and columns that a stride leaves unread."""

from __future__ import annotations

from typing import Any

from cnncalc.analyzers.measurement import Measurement
from cnncalc.analyzers.notes import UNREAD, Remark
from cnncalc.geometry import Window
from cnncalc.layers.base import Operation, once_per_operation
from cnncalc.values import Shapes, Sizes


@once_per_operation
def unread_of(operation: Operation) -> tuple[int, ...] | None:
    """Per spatial axis, how many positions of the padded input no window reads; None without a stride.

    Cropping has none: it leaves positions out on purpose.
    """
    reach = operation.reach if operation.layer.strided else None
    if not isinstance(reach, tuple) or not all(isinstance(axis, Window) for axis in reach):
        return None
    axes = zip(reach, operation.inputs[0][1:])
    return tuple([axis.unread(width) for axis, width in axes if isinstance(axis, Window)])


@once_per_operation
def unread_remark(operation: Operation) -> Remark | None:
    """What is said of positions that a stride leaves unread; None where all are read."""
    counts = unread_of(operation)
    return Remark(UNREAD, counts, "unread") if counts and any(counts) else None


@once_per_operation
def reads_all(operation: Operation) -> bool:
    """Whether windows reach the last position of every axis, padding aside; what lies between them is not meant."""
    reach = operation.reach if operation.layer.strided else None
    if not isinstance(reach, tuple):
        return True
    for axis, width in zip(reach, operation.inputs[0][1:]):
        if isinstance(axis, Window) and axis.stride <= axis.extent:
            end = (axis.output(width) - 1) * axis.stride + axis.extent - axis.before
            if end < width:
                return False
    return True


@once_per_operation
def unread_sizes(operation: Operation) -> Sizes | None:
    """What `unread_of` says, as sizes."""
    counts = unread_of(operation)
    return None if counts is None else Sizes(counts)


@once_per_operation
def shapes_taken(operation: Operation) -> Shapes:
    """The shapes of its inputs."""
    return Shapes(map(Sizes, operation.inputs))


@once_per_operation
def shape_given(operation: Operation) -> Sizes:
    """The shape of its output."""
    return Sizes(operation.output)


def unread(measured: Measurement) -> list[Any]:
    """For every node what a stride leaves unread."""
    return [unread_sizes(node.operation) for node in measured.graph.nodes]


def input_shapes(measured: Measurement) -> list[Any]:
    """For every node the shapes that it takes."""
    return [shapes_taken(node.operation) for node in measured.graph.nodes]


def output_shapes(measured: Measurement) -> list[Any]:
    """For every node the shape that it gives."""
    return [shape_given(node.operation) for node in measured.graph.nodes]


def ones(measured: Measurement) -> list[int]:
    """Every node counts as one layer."""
    return [1] * len(measured.graph.nodes)


def input_sizes(measured: Measurement) -> list[int | None]:
    """The least spatial size that every node takes; None without spatial axes."""
    return [min(node.operation.inputs[0][1:], default=None) for node in measured.graph.nodes]


def size_of_first_input(measured: Measurement) -> int | None:
    """The least spatial size of the network's first input; None without spatial axes."""
    return min(measured.graph.inputs[0][1][1:], default=None)


def outputs(measured: Measurement) -> list[Sizes]:
    """The shapes of the tensors that leave the network."""
    return [Sizes(measured.graph.shapes[number]) for _, number in measured.graph.outputs]
