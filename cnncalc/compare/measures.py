"""What networks are compared by: figures of a whole network, by their key, and the units that belong to each.

A figure is computed when it is asked for; they are numbers, never text.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

from cnncalc.analyzers.measurement import Measurement
from cnncalc.analyzers.memory import Memory, Setting, memory
from cnncalc.analyzers.receptive_field import Memo, ReceptiveField, field_alone
from cnncalc.analyzers.training import Training, training
from cnncalc.graph import Graph
from cnncalc.values import AtLeast

COUNTS = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
BYTES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
UNITS = COUNTS | BYTES
"""What may stand behind a number, by what it multiplies it with."""


class Figures(Measurement):
    """The figures of one graph; what several of them need is computed once."""

    def __init__(self, graph: Graph, setting: Setting, optimizer: str = "sgd", memo: Memo | None = None) -> None:
        """`memo` is what the receptive fields of several graphs may share."""
        super().__init__(graph)
        self.memo = {} if memo is None else memo
        self.setting = setting
        self.optimizer = optimizer

    def counted(self, key: str) -> int:
        """The total of a count; what is known of one with an unknown part."""
        found = self.total(key)
        return found.value if isinstance(found, AtLeast) else int(found)

    @cached_property
    def field(self) -> ReceptiveField | None:
        """The network's receptive field, without its notes."""
        return field_alone(self.graph, self.memo)

    @cached_property
    def live(self) -> Memory:
        """What exists at once at inference."""
        return memory(self.graph, self.setting)

    @cached_property
    def step(self) -> Training:
        """What a step of training takes."""
        return training(self.graph, self.setting, self.optimizer)


class Measure(NamedTuple):
    """One figure of a network."""

    key: str
    units: dict[str, int]
    """Those that may stand behind a number that it is compared with."""
    of: Callable[[Figures], int | None]
    """The figure; None where it does not apply."""
    unknown: str = ""
    """The quantity of `Layer.unknown` that makes it a lower bound."""


def _field(figures: Figures) -> int | None:
    """The field's size on the axis where it is smallest, at the position that sees least."""
    field = figures.field
    return min((least for least, _ in field.size), default=None) if field is not None else None


MEASURES = {
    measure.key: measure
    for measure in (
        Measure("params", COUNTS, lambda figures: figures.counted("params"), "params"),
        Measure("state", COUNTS, lambda figures: figures.counted("state")),
        Measure("macs", COUNTS, lambda figures: figures.counted("macs"), "macs"),
        Measure("flops", COUNTS, lambda figures: 2 * figures.counted("macs"), "macs"),
        Measure("field", COUNTS, _field, "receptive_field"),
        Measure("peak_memory", BYTES, lambda figures: figures.live.peak_bytes),
        Measure("weights_memory", BYTES, lambda figures: figures.live.weights_bytes, "params"),
        Measure("kept_memory", BYTES, lambda figures: figures.step.kept_total),
        Measure("training_memory", BYTES, lambda figures: figures.step.bytes, "params"),
        Measure("layers", COUNTS, lambda figures: len(figures.graph.nodes)),
        Measure("size", COUNTS, lambda figures: min(figures.graph.inputs[0][1][1:], default=None)),
    )
}
"""Every figure that conditions, fronts, columns and sorting know, by key."""
