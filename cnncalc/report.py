"""A report: the quantities of a graph as typed rows and totals, computed when they are asked for.

Each command shows its own part of the same rows; what tabulates and renders them is loaded when a report is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnncalc.analyzers.measurement import Measurement
from cnncalc.analyzers.notes import UNKNOWN, Remark
from cnncalc.analyzers.quantities import GROUPS, QUANTITIES
from cnncalc.analyzers.quantity import function
from cnncalc.analyzers.shapes import unread_remark
from cnncalc.diagnostics import Diagnostic
from cnncalc.graph import Graph, Node
from cnncalc.values import AtLeast, PerAxis, Range, Ratio, Shapes, Sizes

if TYPE_CHECKING:
    from cnncalc.analyzers.memory import Setting

COMMANDS = ("summary", "shapes", "params", "rf")
"""The reports."""


class Report(Measurement):
    """The figures of a graph, for one command: rows in `layers`, sums in `totals`.

    As text it is the command's table, in a notebook the same as HTML, and `to_dict` gives what ``--format json``
    prints.  Of a `batch` the MACs are those of all its samples.  Raises `Fault` where the input `of` is not the
    network's.
    """

    def __init__(
        self,
        graph: Graph,
        command: str,
        of: str | None = None,
        setting: Setting | None = None,
        shared: dict[Any, Any] | None = None,
    ) -> None:
        super().__init__(graph, of, setting, shared)
        assert command in COMMANDS, f"there is no report called {command}"
        graph.input_number(of)
        self.command = command
        self._has: dict[str, bool] = {}

    @property
    def layers(self) -> list[Row]:
        """Every layer's row, in topological order."""
        return [Row(self, node) for node in self.graph.nodes]

    @property
    def totals(self) -> Totals:
        """What holds of the network as a whole."""
        return Totals(self)

    @property
    def fields(self) -> list[Any]:
        """The `ReceptiveField` of every layer, or None; raises `Fault`."""
        return self.values("receptive_field")

    @property
    def field(self) -> Any:
        """The network's own `ReceptiveField`: that of its last layer with a local path; raises `Fault`."""
        return self.totals.receptive_field

    @property
    def warnings(self) -> list[Diagnostic]:
        """What is suspicious about the network, such as a layer that reaches no output."""
        return self.graph.warnings

    def has(self, key: str) -> bool:
        """Whether this command reports a quantity, or a group of them."""
        if key not in self._has:
            named = [quantity for quantity in QUANTITIES.values() if key in (quantity.key, quantity.group)]
            self._has[key] = any(self.command in quantity.commands for quantity in named)
        return self._has[key]

    def notes(self, node: Node) -> list[Remark]:
        """What is worth saying of one layer, among what this command reports."""
        found = []
        unread = unread_remark(node.operation) if self.has("unread") else None
        if unread is not None:
            found.append(unread)
        if self.has("receptive_field") and (field := self.fields[node.place]) is not None:
            found += field.notes
        if node.operation.layer.unknown:
            found.append(Remark(UNKNOWN, node.operation.layer.unknown, ""))
        return found

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data, as ``--format json`` prints it."""
        from cnncalc.render.json import report_to_dict

        return report_to_dict(self)

    def __str__(self) -> str:
        from cnncalc.render.plain import render
        from cnncalc.tables.report import tabulate

        return render([tabulate(self)])

    def _repr_html_(self) -> str:
        from cnncalc.render.html import render
        from cnncalc.tables.report import tabulate

        return render([tabulate(self)])


class Row:
    """The figures of one layer: its place in the network, and every quantity under its key.

    `params`, `state`, `macs` and `separable_params` are numbers, or None where they do not apply or are not known;
    `receptive_field` has `size`, `stride`, `start`, `center`, `min_size`, and is None where nothing is seen.
    """

    def __init__(self, report: Report, node: Node) -> None:
        self._report = report
        self._node = node
        self.name = node.name
        """Unique and stable: ``layer1.0.conv2``."""
        self.kind = node.kind
        self.inputs = [report.graph.tensor_name(tensor) for tensor in node.inputs]
        """The names of the tensors that it takes."""
        self.shares = node.shares.name if node.shares else None
        """The layer whose weights it uses, if they are not its own."""
        self.names = node.names
        """Further names for its result."""

    @property
    def notes(self) -> list[str]:
        """What is worth saying of it."""
        return [remark.text for remark in self._report.notes(self._node)]

    def __getattr__(self, key: str) -> Any:
        """The value of a quantity; raises `AttributeError` for another name."""
        if key not in QUANTITIES and key not in GROUPS:
            raise AttributeError(f"a row has no {key}")
        value = self._report.values(key)[self._node.place]
        return None if is_unknown(value) else plain(value)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *QUANTITIES, *GROUPS]

    def __repr__(self) -> str:
        return f"<{self.name} ({self.kind}): {'x'.join(map(str, self.output_shape))}>"


class Totals:
    """What holds of the network as a whole: every quantity under its key, and `output`, the shapes of the outputs."""

    def __init__(self, report: Report) -> None:
        self._report = report

    @property
    def lower_bound(self) -> list[str]:
        """The totals with an unknown part, sorted; their figures are lower bounds."""
        return self._report.lower_bound

    def __getattr__(self, key: str) -> Any:
        """The total of a quantity; raises `AttributeError` for another name."""
        if key in GROUPS:
            return self._report.once(function(GROUPS[key].total))
        found = next((quantity for quantity in QUANTITIES.values() if quantity.word == key), None)
        if found is None:
            raise AttributeError(f"totals have no {key}")
        return plain(self._report.total(found.key))

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(quantity.word for quantity in QUANTITIES.values()), *GROUPS]

    def __repr__(self) -> str:
        return f"<totals: {self.params:,} parameters, {self.macs:,} MACs>"


def is_unknown(value: Any) -> bool:
    """Whether nothing is known of a count that applies."""
    return isinstance(value, AtLeast) and value.value == 0


def plain(value: Any) -> Any:
    """A value for programs: of a lower bound its number, a ratio as a `Fraction`, of a shape a plain tuple."""
    if isinstance(value, AtLeast):
        return value.value
    if isinstance(value, Ratio):
        from fractions import Fraction  # few networks have one, and it loads more than all of ours

        return Fraction(*value)
    if isinstance(value, Range):
        return Range(plain(value.low), plain(value.high))
    if isinstance(value, (Sizes, Shapes, PerAxis)):
        return tuple(map(plain, value))
    return [plain(each) for each in value] if isinstance(value, list) else value
