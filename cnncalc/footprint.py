"""What a network takes in memory: at inference, in a step of training, and against a budget."""

from __future__ import annotations

from typing import Any, NamedTuple

from cnncalc.analyzers.memory import Budget, Memory, Setting, memory
from cnncalc.analyzers.memory import budget as fitting
from cnncalc.analyzers.training import Training, training
from cnncalc.graph import Graph


class Footprint(NamedTuple):
    """What a network takes."""

    graph: Graph
    live: Memory
    step: Training | None
    """A step of training, where it was asked for."""
    budget: Budget | None
    """Whether it fits, where a limit was given."""

    def to_dict(self) -> dict[str, Any]:
        """Layers and totals, under the keys of ``--format json``."""
        layers = []
        for node, output, live in zip(self.graph.nodes, self.live.output_bytes, self.live.live_bytes):
            row: dict[str, Any] = {"name": node.name, "kind": node.kind, "output_shape": list(node.operation.output)}
            row |= {"output_bytes": output, "live_bytes": live}
            if self.step is not None:
                row["kept_bytes"] = self.step.kept_bytes[node.place]
            layers.append(row)
        found: dict[str, Any] = {"layers": layers, "totals": self.live.to_dict()}
        if self.step is not None:
            found["totals"] |= self.step.to_dict()
        if self.budget is not None:
            found["budget"] = self.budget.to_dict()
        return found


def footprint(graph: Graph, setting: Setting, limit: int | None, optimizer: str | None) -> Footprint:
    """Live bytes; with a limit whether they fit, with an optimizer what a step of training takes.

    Raises `Fault` for an unknown type or optimizer, and a limit below 1.
    """
    step = training(graph, setting, optimizer) if optimizer is not None else None
    return Footprint(graph, memory(graph, setting), step, fitting(graph, setting, limit) if limit is not None else None)
