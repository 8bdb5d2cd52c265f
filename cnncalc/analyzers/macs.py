"""Multiply-accumulates of convolutions, transposed convolutions and linear layers, for one sample.

Padded taps are included; bias, normalisation, activation, pooling and joins are not.  FLOPs are twice the MACs.
"""

from __future__ import annotations

from cnncalc.graph import Graph

CONVENTION = (
    "MACs: multiply-accumulates of convolutions and linear layers, batch 1, padded taps included, "
    "bias and all else excluded; FLOPs = 2 x MACs"
)


def macs(graph: Graph) -> list[int | None]:
    """The MACs of every node, in order; None where they do not apply or are not known."""
    return [node.operation.macs for node in graph.nodes]


def total(counts: list[int | None]) -> int:
    """The sum of the known counts."""
    return sum(count for count in counts if count is not None)
