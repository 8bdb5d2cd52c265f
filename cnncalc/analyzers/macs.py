"""Multiply-accumulates of convolutions, transposed convolutions and linear layers, for one sample.

Padded taps are included; bias, normalisation, activation, pooling and joins are not.  FLOPs are twice the MACs.
"""

from __future__ import annotations

from typing import Any

from cnncalc.analyzers.measurement import Measurement
from cnncalc.values import AtLeast

CONVENTION = (
    "MACs: multiply-accumulates of convolutions and linear layers, batch 1, padded taps included, "
    "bias and all else excluded; FLOPs = 2 x MACs"
)


def macs(measured: Measurement) -> list[Any]:
    """The MACs of every node, in order; None where they do not apply, a lower bound where they are not known."""
    return [
        AtLeast(0) if "macs" in node.operation.layer.unknown else node.operation.macs for node in measured.graph.nodes
    ]


def flops(measured: Measurement) -> Any:
    """Floating-point operations of the network: two for each MAC."""
    total = measured.total("macs")
    return AtLeast(2 * total.value) if isinstance(total, AtLeast) else 2 * total
