"""A graph again, on inputs of other spatial sizes: the same layers, with their shapes inferred anew.

It stands for a new expansion where a spec asks for no spatial size, which its text tells; that costs a tenth.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cnncalc.diagnostics import Fault
from cnncalc.geometry import Shape
from cnncalc.graph import Graph, Node
from cnncalc.language.model import File

_ASKS = re.compile(r"\.\s*(?:height|width|depth|length|size)\b")


def is_resizable(file: File) -> bool:
    """Whether no expression of a file, or of what it imports, asks a tensor for a spatial size."""
    pending, seen = [file], set()
    while pending:
        each = pending.pop()
        if id(each) not in seen:
            seen.add(id(each))
            if _ASKS.search(each.source.text):
                return False
            pending += [entry.file for entry in each.imports.values()]
    return True


class Resizer:
    """Makes one graph again for other inputs; operations that recur are made once for all of them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.steps = [(graph.operations.layer(node.operation.layer), node) for node in graph.nodes]

    def graph_of(self, inputs: Sequence[Shape]) -> Graph | None:
        """The graph for inputs of these shapes; None where a layer does not fit, which a new expansion explains."""
        source = self.graph
        given = [(name, shape) for (name, _), shape in zip(source.inputs, inputs)]
        made = Graph(source.name, source.variant, source.source, given, source.operations)
        shapes, nodes = made.shapes, made.nodes
        for layer, old in self.steps:
            taken = tuple([shapes[tensor] for tensor in old.inputs])
            try:
                operation = source.operations.of(layer, taken)
            except Fault:
                return None
            node = Node(old.name, operation, old.inputs, old.place, old.number, old.origin)
            node.frozen = old.frozen
            if old.shares is not None:
                node.shares = nodes[old.shares.place]
                if operation.weights != node.shares.operation.weights:
                    return None
            nodes.append(node)
            shapes.append(operation.output)
        made.outputs = list(source.outputs)
        return made
