"""What networks are compared by: figures of a whole network, by their key, and the units that belong to each.

A figure is computed when it is asked for; they are numbers, never text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from cnncalc.analyzers import macs as mac_counts
from cnncalc.analyzers import params as param_counts
from cnncalc.analyzers.memory import Setting, memory
from cnncalc.analyzers.receptive_field import Memo, ReceptiveField, own_field
from cnncalc.analyzers.training import training
from cnncalc.graph import Graph

COUNTS = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
BYTES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
UNITS = COUNTS | BYTES
"""What may stand behind a number, by what it multiplies it with."""


class Figures:
    """The figures of one graph; what several of them need is computed once."""

    def __init__(self, graph: Graph, setting: Setting, optimizer: str = "sgd", memo: Memo | None = None) -> None:
        """`memo` is what the receptive fields of several graphs may share."""
        self.graph = graph
        self.memo = {} if memo is None else memo
        self.setting = setting
        self.optimizer = optimizer
        self._known: dict[str, Any] = {}

    def once(self, name: str, compute: Callable[[], Any]) -> Any:
        """What `compute` gives, computed once."""
        if name not in self._known:
            self._known[name] = compute()
        return self._known[name]

    @property
    def counted(self) -> param_counts.Count:
        """Parameters and state."""
        return self.once("counted", lambda: param_counts.total(param_counts.params(self.graph)))  # type: ignore[no-any-return]

    @property
    def field(self) -> ReceptiveField | None:
        """The network's receptive field."""
        return self.once("field", lambda: own_field(self.graph, self.memo))  # type: ignore[no-any-return]


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


def _macs(figures: Figures) -> int:
    return mac_counts.total(mac_counts.macs(figures.graph))


def _step(figures: Figures) -> Any:
    return figures.once("step", lambda: training(figures.graph, figures.setting, figures.optimizer))


def _memory(figures: Figures) -> Any:
    return figures.once("memory", lambda: memory(figures.graph, figures.setting))


MEASURES = {
    measure.key: measure
    for measure in (
        Measure("params", COUNTS, lambda figures: figures.counted.params, "params"),
        Measure("state", COUNTS, lambda figures: figures.counted.state),
        Measure("macs", COUNTS, _macs, "macs"),
        Measure("flops", COUNTS, lambda figures: 2 * _macs(figures), "macs"),
        Measure("field", COUNTS, _field, "receptive_field"),
        Measure("peak_memory", BYTES, lambda figures: _memory(figures).peak_bytes),
        Measure("weights_memory", BYTES, lambda figures: _memory(figures).weights_bytes, "params"),
        Measure("kept_memory", BYTES, lambda figures: _step(figures).kept_total),
        Measure("training_memory", BYTES, lambda figures: _step(figures).bytes, "params"),
        Measure("layers", COUNTS, lambda figures: len(figures.graph.nodes)),
        Measure("size", COUNTS, lambda figures: min(figures.graph.inputs[0][1][1:], default=None)),
    )
}
"""Every figure that conditions, fronts, columns and sorting know, by key."""
