"""The layer graph: nodes in topological order, and the one walk over it.

Tensors are numbered: the network's inputs first, then the result of every node in order.  A graph knows no
YAML; a node keeps the origin it came from for messages and reports.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from cnncalc.diagnostics import Diagnostic, Note, Origin
from cnncalc.geometry import Shape
from cnncalc.layers.base import Operation

T = TypeVar("T")


class Node:
    """One layer at its place in the network."""

    __slots__ = ("frozen", "inputs", "name", "names", "operation", "origin", "shares", "written")

    def __init__(
        self,
        name: str,
        operation: Operation,
        inputs: tuple[int, ...],
        origin: Origin,
        frozen: bool = False,
    ) -> None:
        self.name = name
        """Unique and stable: ``layer1.0.conv2``."""
        self.operation = operation
        self.inputs = inputs
        """Numbers of the tensors it takes."""
        self.origin = origin
        self.frozen = frozen
        """Its weights are fixed, and count as state."""
        self.shares: Node | None = None
        """The node whose weights it uses, if they are not its own."""
        self.written: dict[str, list[Note]] = {}
        """Where each of its arguments that the spec gives was written, and the names in it given their values."""
        self.names: tuple[str, ...] = ()
        """Further names for its result: the step's own, a block's, an output's."""

    @property
    def kind(self) -> str:
        return self.operation.layer.kind


class Graph:
    """A network whose shapes are known."""

    def __init__(self, name: str, variant: str | None, source: str, inputs: Sequence[tuple[str, Shape]]) -> None:
        self.name = name
        self.variant = variant
        self.source = source
        """The paper, table or code that the numbers come from."""
        self.inputs = tuple(inputs)
        self.nodes: list[Node] = []
        self.outputs: list[tuple[str, int]] = []
        """Names and tensor numbers of what leaves the network."""
        self.warnings: list[Diagnostic] = []
        self.part: Callable[[str], tuple[int, list[int]]] | None = None
        """Finds the tensor that a name stands for, and the numbers of the layers it covers; raises `Fault`."""

    def shape(self, tensor: int) -> Shape:
        """The shape of a tensor by its number."""
        count = len(self.inputs)
        return self.inputs[tensor][1] if tensor < count else self.nodes[tensor - count].operation.output

    def tensor_name(self, tensor: int) -> str:
        """The name of an input, or of the node that gives a tensor."""
        count = len(self.inputs)
        return self.inputs[tensor][0] if tensor < count else self.nodes[tensor - count].name


def fold(graph: Graph, inputs: Sequence[T], step: Callable[[Node, list[T]], T]) -> list[T]:
    """Carry a value along the edges: `inputs` per network input, then ``step(node, values of its inputs)`` per node.

    Returns the value of every tensor by its number.  Linear, and a loop: no depth is too deep.
    """
    values = list(inputs)
    append = values.append
    for node in graph.nodes:
        append(step(node, [values[tensor] for tensor in node.inputs]))
    return values
