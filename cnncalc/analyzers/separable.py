"""The parameters of the depthwise-separable what-if, by original layer."""

from __future__ import annotations

from typing import Any

from cnncalc.analyzers.measurement import Measurement
from cnncalc.values import added


def params(measured: Measurement) -> list[Any]:
    """The learned parameters of every layer, standard convolutions replaced by depthwise and pointwise ones."""
    from cnncalc.rewrite import separable

    rewritten, owners = separable(measured.graph)
    parts: list[list[Any]] = [[] for _ in measured.graph.nodes]
    for owner, counted in zip(owners, Measurement(rewritten).values("params")):
        parts[owner].append(counted)
    return [part[0] if len(part) == 1 else added(part) for part in parts]
