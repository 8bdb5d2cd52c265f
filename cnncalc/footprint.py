"""What a network takes in memory: at inference, in a step of training, and against a budget."""

from __future__ import annotations

from typing import Any

from cnncalc.analyzers import memory, training
from cnncalc.analyzers.measurement import Measurement
from cnncalc.analyzers.memory import Budget, Memory, Setting
from cnncalc.analyzers.quantities import reported
from cnncalc.analyzers.quantity import Quantity
from cnncalc.analyzers.training import Training
from cnncalc.graph import Graph
from cnncalc.values import AtLeast, known


class Footprint(Measurement):
    """What a network takes, in one setting; raises `Fault` for one that means nothing, and a limit below 1."""

    def __init__(self, graph: Graph, setting: Setting, limit: int | None = None, trains: bool = False) -> None:
        super().__init__(graph, None, setting)
        self.live: Memory = self.once(memory.of)
        self.step: Training | None = self.once(training.of) if trains else None
        """A step of training, where it was asked for."""
        self.budget: Budget | None = None
        """Whether it fits, where a limit was given: a step of training where that was asked for."""
        if limit is not None:
            self.budget = training.budget(graph, setting, limit) if trains else memory.budget(graph, setting, limit)

    @property
    def reported(self) -> list[Quantity]:
        """The quantities that it tells."""
        return reported("memory") + (reported("training") if self.step is not None else [])

    def to_dict(self) -> dict[str, Any]:
        """Layers and totals, under the keys of ``--format json``."""
        rows = {quantity.key: self.values(quantity.key) for quantity in self.reported}
        layers = []
        for node in self.graph.nodes:
            row: dict[str, Any] = {"name": node.name, "kind": node.kind, "output_shape": list(node.operation.output)}
            for key, values in rows.items():
                value = values[node.place]
                row[key] = (value.value or None) if isinstance(value, AtLeast) else value
            layers.append(row)
        totals: dict[str, Any] = {quantity.word: known(self.total(quantity.key)) for quantity in self.reported}
        totals["peak_at"] = self.live.peak_at
        totals["lower_bound"] = [q.word for q in self.reported if isinstance(self.total(q.key), AtLeast)]
        found: dict[str, Any] = {"layers": layers, "totals": totals}
        if self.budget is not None:
            found["budget"] = self.budget.to_dict()
        return found
