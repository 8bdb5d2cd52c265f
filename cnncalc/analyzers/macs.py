"""Multiply-accumulates of convolutions, linear layers and products of tensors, for the samples of a batch.

Those of products between tensors, as in attention, are told apart too, since some papers leave them out.
Padded taps are included; bias, normalisation, activation, pooling and joins are not.  FLOPs are twice the MACs.
"""

from __future__ import annotations

from typing import Any

from cnncalc.analyzers.measurement import Measurement
from cnncalc.values import AtLeast, added


def convention(batch: int) -> str:
    """What counts, in a sentence."""
    return (
        f"MACs: those of convolutions, linear layers and products of tensors, batch {batch:,}, padded taps included, "
        "bias and all else excluded; FLOPs = 2 x MACs"
    )


def macs(measured: Measurement) -> list[Any]:
    """The MACs of every node, in order; None where they do not apply, a lower bound where they are not known."""
    if measured.counting is not None:
        return list(measured.counting.values)
    batch = measured.batch
    return [
        AtLeast(0) if "macs" in node.operation.layer.unknown else _of_batch(node.operation.macs, batch)
        for node in measured.graph.nodes
    ]


def total(measured: Measurement) -> Any:
    """Those of the network."""
    return measured.counting.total if measured.counting is not None else added(measured.values("macs")) or 0


def products(measured: Measurement) -> list[Any]:
    """Those MACs of every node that are products between tensors; None where there are none, or another tool counts."""
    if measured.counting is not None:
        return [None] * len(measured.graph.nodes)
    batch = measured.batch
    return [_of_batch(node.operation.products, batch) for node in measured.graph.nodes]


def _of_batch(count: int | None, batch: int) -> int | None:
    return None if count is None else count * batch


def all_products(measured: Measurement) -> Any:
    """Those of the network; None where no layer makes such products."""
    return added(measured.values("product_macs"))


def flops_of_layers(measured: Measurement) -> list[Any]:
    """Floating-point operations of every node: two for each MAC; none where another tool counts."""
    if measured.counting is not None:
        return [None] * len(measured.graph.nodes)
    return [None if value is None else doubled(value) for value in measured.values("macs")]


def flops(measured: Measurement) -> Any:
    """Floating-point operations of the network: two for each MAC; none where another tool counts."""
    return None if measured.counting is not None else doubled(measured.total("macs"))


def doubled(value: Any) -> Any:
    """Twice a count, or a lower bound."""
    return AtLeast(2 * value.value) if isinstance(value, AtLeast) else 2 * value
