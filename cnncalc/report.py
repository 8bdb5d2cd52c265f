"""A report: the figures of a graph as typed rows, computed when they are asked for.

Each command shows its own part of the same rows; drawing them is for `tables` and `render`.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

from cnncalc.analyzers import macs as mac_counts
from cnncalc.analyzers import params as param_counts
from cnncalc.analyzers.shapes import output_shapes, unread, unread_note
from cnncalc.diagnostics import Diagnostic
from cnncalc.geometry import Shape
from cnncalc.graph import Graph, Node

PARTS = {
    "shapes": ("shapes",),
    "params": ("params", "separable"),
    "rf": ("rf",),
    "summary": ("shapes", "params", "separable", "macs", "rf"),
}
"""What each command reports."""


class Totals(NamedTuple):
    """Sums over the network; `lower_bound` names those with an unknown part."""

    params: int
    state: int
    macs: int
    separable_params: int
    output: list[Shape]
    lower_bound: list[str]


class Layer(NamedTuple):
    """One row: the figures of one layer."""

    name: str
    kind: str
    inputs: list[str]
    input_shapes: tuple[Shape, ...]
    output_shape: Shape
    params: int | None
    """Learned parameters of its own; None for a layer that cannot have any."""
    state: int | None
    macs: int | None
    separable_params: int | None
    receptive_field: Any
    """A `receptive_field.ReceptiveField`, or None where the input is not seen at all."""
    shares: str | None
    names: tuple[str, ...]
    notes: list[str]


class Report:
    """The figures of a graph, for one command."""

    def __init__(self, graph: Graph, command: str, of: str | None = None) -> None:
        self.graph = graph
        self.command = command
        self.parts = PARTS[command]
        self.of = of

    @cached_property
    def params(self) -> list[param_counts.Count]:
        return param_counts.params(self.graph)

    @cached_property
    def separable(self) -> list[param_counts.Count]:
        """Parameters of the network with its standard convolutions made depthwise separable, by original layer."""
        from cnncalc.rewrite import separable

        rewritten, owners = separable(self.graph)
        parts: list[list[param_counts.Count]] = [[] for _ in self.graph.nodes]
        for owner, counted in zip(owners, param_counts.params(rewritten)):
            parts[owner].append(counted)
        return [part[0] if len(part) == 1 else param_counts.total(part) for part in parts]

    @cached_property
    def macs(self) -> list[int | None]:
        return mac_counts.macs(self.graph)

    @cached_property
    def fields(self) -> list[Any]:
        """Receptive fields; raises `Fault`."""
        from cnncalc.analyzers.receptive_field import receptive_fields

        return list(receptive_fields(self.graph, self.of))

    @property
    def field(self) -> Any:
        """The network's own receptive field."""
        from cnncalc.analyzers.receptive_field import network_field

        return network_field(self.fields)

    @property
    def warnings(self) -> list[Diagnostic]:
        return self.graph.warnings

    @cached_property
    def lower_bound(self) -> list[str]:
        """The totals with an unknown part, sorted."""
        return sorted({name for node in self.graph.nodes for name in node.operation.layer.unknown})

    @cached_property
    def totals(self) -> Totals:
        counted = param_counts.total(self.params)
        return Totals(
            counted.params,
            counted.state,
            mac_counts.total(self.macs),
            param_counts.total(self.separable).params,
            output_shapes(self.graph),
            self.lower_bound,
        )

    def notes(self, index: int) -> list[str]:
        """What is worth saying of one layer, among the parts that this command reports."""
        node = self.graph.nodes[index]
        found = []
        if "shapes" in self.parts:
            note = unread_note(node.operation)
            if note:
                found.append(note)
        if "rf" in self.parts and self.fields[index] is not None:
            found += self.fields[index].notes
        if node.operation.layer.unknown:
            found.append(f"not known to cnncalc: {', '.join(node.operation.layer.unknown)}")
        return found

    @property
    def layers(self) -> list[Layer]:
        """Every layer's row, in topological order."""
        return [self.layer(index) for index in range(len(self.graph.nodes))]

    def layer(self, index: int) -> Layer:
        """The row of one layer by its number."""
        node = self.graph.nodes[index]
        weighted = has_params(node)
        count = self.params[index]
        return Layer(
            node.name,
            node.kind,
            [self.graph.tensor_name(tensor) for tensor in node.inputs],
            node.operation.inputs,
            node.operation.output,
            count.params if weighted else None,
            count.state if weighted else None,
            self.macs[index],
            self.separable[index].params if weighted else None,
            self.fields[index],
            node.shares.name if node.shares else None,
            node.names,
            self.notes(index),
        )

    def unread(self, index: int) -> tuple[int, ...] | None:
        """Rows and columns of the padded input that no window of this layer reads."""
        return unread(self.graph.nodes[index].operation)


def has_params(node: Node) -> bool:
    """Whether parameters apply to this layer: it has weights, and tells how many."""
    return bool(node.operation.weights) and "params" not in node.operation.layer.unknown
