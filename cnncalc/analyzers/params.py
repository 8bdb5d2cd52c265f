"""Parameters: what is learned, and the state that is only kept.

Learned parameters are counted as papers and PyTorch count them, shared weights once; state is batch
normalisation's running statistics, and weights that are fixed.
"""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.geometry import elements
from cnncalc.graph import Graph, Node
from cnncalc.layers.base import Operation, once_per_operation


class Count(NamedTuple):
    """Learned and kept numbers of one layer; `unknown` where a layer does not tell."""

    params: int
    state: int
    unknown: bool = False


@once_per_operation
def of_operation(operation: Operation) -> Count:
    """The numbers of a layer that owns its weights, and learns what can be learned."""
    learned = sum(elements(weight.shape) for weight in operation.weights if weight.learned)
    kept = sum(elements(weight.shape) for weight in operation.weights if not weight.learned)
    return Count(learned, kept, "params" in operation.layer.unknown)


def count(node: Node) -> Count:
    """The numbers that one node owns: none of its own where it shares."""
    own = of_operation(node.operation)
    if node.shares is not None:
        return Count(0, 0, own.unknown)
    return Count(0, own.params + own.state, own.unknown) if node.frozen else own


def params(graph: Graph) -> list[Count]:
    """The count of every node, in order."""
    return [count(node) for node in graph.nodes]


def total(counts: list[Count]) -> Count:
    """Sums; a lower bound where a part is unknown."""
    return Count(
        sum(each.params for each in counts), sum(each.state for each in counts), any(each.unknown for each in counts)
    )
