"""Parameters: what is learned, and the state that is only kept.

Learned parameters are counted as papers and PyTorch count them, shared weights once; state is batch
normalisation's running statistics, and weights that are fixed.
"""

from __future__ import annotations

from typing import Any

from cnncalc.analyzers.measurement import Measurement
from cnncalc.geometry import elements
from cnncalc.graph import Node
from cnncalc.layers.base import Operation, once_per_operation
from cnncalc.records import NamedTuple
from cnncalc.values import AtLeast, added, known


class Count(NamedTuple):
    """Learned and kept numbers of one layer."""

    params: Any
    """None for a layer that has no weights; a lower bound for one that does not tell."""
    state: Any


NONE = Count(None, None)
UNKNOWN = Count(AtLeast(0), AtLeast(0))
SHARED = Count(0, 0)


@once_per_operation
def of_operation(operation: Operation) -> Count:
    """The numbers of a layer that owns its weights, and learns what can be learned."""
    if "params" in operation.layer.unknown:
        return UNKNOWN
    if not operation.weights:
        return NONE
    learned = sum(elements(weight.shape) for weight in operation.weights if weight.learned)
    return Count(learned, sum(elements(weight.shape) for weight in operation.weights) - learned)


def count(node: Node) -> Count:
    """The numbers that one node owns."""
    return owned(of_operation(node.operation), node)


def owned(counted: Count, node: Node) -> Count:
    """What a node owns of what its layer has: 0 where it shares, all of it state where it is fixed."""
    if counted is NONE or counted is UNKNOWN:
        return counted
    if node.shares is not None:
        return SHARED
    return Count(0, counted.params + counted.state) if node.frozen else counted


def counts(measured: Measurement) -> list[Count]:
    """The count of every node, in order."""
    return [count(node) for node in measured.graph.nodes]


def learned(measured: Measurement) -> list[Any]:
    """The learned parameters of every node."""
    return [each.params for each in measured.once(counts)]


def separable(measured: Measurement) -> list[Any]:
    """The learned parameters of every node, standard convolutions replaced by depthwise and pointwise ones."""
    from cnncalc.rewrite import separable as parts_of

    found = []
    for node, counted in zip(measured.graph.nodes, measured.once(counts)):
        parts = parts_of(node.operation)
        found.append(added([owned(of_operation(part), node).params for part in parts]) if parts else counted.params)
    return found


def state(measured: Measurement) -> list[Any]:
    """What every node keeps without learning it."""
    return [each.state for each in measured.once(counts)]


def with_state(measured: Measurement) -> Any:
    """Learned and kept numbers together, as Keras counts them; None where nothing is kept."""
    kept = measured.total("state")
    return added([measured.total("params"), kept]) if known(kept) else None


def weight_bytes(measured: Measurement) -> Any:
    """Bytes of all weights as 32-bit numbers."""
    total = added([measured.total("params"), measured.total("state")])
    return AtLeast(4 * total.value) if isinstance(total, AtLeast) else 4 * total
