"""Graph -> graph: the depthwise-separable what-if.

Every standard convolution with a kernel larger than 1 and one group becomes depthwise plus pointwise; all else
stays as it is.
"""

from __future__ import annotations

from cnncalc.graph import Graph, Node
from cnncalc.layers.base import Operation, once_per_operation
from cnncalc.layers.convolution import SEPARATED, Conv, separate


def separable(graph: Graph) -> tuple[Graph, list[int]]:
    """`graph` with its standard convolutions made separable, and for each new node the number of its original.

    The analyzers run on it as on any other graph.
    """
    rewritten = Graph(graph.name, graph.variant, graph.source, graph.inputs)
    tensors = list(range(len(graph.inputs)))
    made: dict[Node, list[Node]] = {}
    owners: list[int] = []
    for index, node in enumerate(graph.nodes):
        taken = tuple([tensors[tensor] for tensor in node.inputs])
        shared = iter(made[node.shares]) if node.shares else None
        operations = replaced(node.operation)
        made[node] = []
        for suffix, operation in zip(SEPARATED if len(operations) > 1 else ("",), operations):
            copy = rewritten.place(operation, taken, rewritten.free_name(node.name + suffix), node.origin)
            copy.frozen = node.frozen
            copy.shares = next(shared) if shared else None
            made[node].append(copy)
            owners.append(index)
            taken = (copy.number,)
        tensors.append(taken[0])
    rewritten.outputs = [(name, tensors[number]) for name, number in graph.outputs]
    return rewritten, owners


def is_replaceable(operation: Operation) -> bool:
    """Whether this is a standard convolution with a kernel larger than 1."""
    return standard(operation) is not None


def standard(operation: Operation) -> Conv | None:
    """The standard convolution with a kernel larger than 1 that this is, if it is one."""
    layer = operation.layer
    if not isinstance(layer, Conv) or layer.groups > 1:
        return None
    return layer if any(size > 1 for size in layer.kernel_sizes(operation.inputs)) else None


@once_per_operation
def replaced(operation: Operation) -> tuple[Operation, ...]:
    """The operation, or the two in its place; equal operations are made once."""
    layer = standard(operation)
    if layer is None:
        return (operation,)
    depthwise, pointwise = separate(layer)
    first = Operation(depthwise, operation.inputs)
    return first, Operation(pointwise, (first.output,))
