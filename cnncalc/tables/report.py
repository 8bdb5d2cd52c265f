"""Report -> Table: which columns and rows a command shows, in raw numbers; no terminal, no file.

A table's cells are numbers, shapes and text as they are; how they are written is for `render`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from cnncalc.analyzers.macs import CONVENTION
from cnncalc.geometry import Shape
from cnncalc.report import Report, has_params

UNKNOWN = "?"
"""A quantity that applies but is not known."""


class Column(NamedTuple):
    """A column: its title, and whether its cells are numbers."""

    title: str
    numeric: bool = False


class Sized(tuple[Any, ...]):
    """A cell that holds sizes, written with `x` between them."""


class Axes(Sized):
    """A cell with one value per axis, written once where they agree."""


class Names(tuple[str, ...]):
    """A cell with names of layers, written without the block that they share with the row's own layer."""

    block: str = ""


class Row(NamedTuple):
    """The cells of one layer, or of the `folded` layers of a block."""

    cells: list[Any]
    folded: int = 1


class Table(NamedTuple):
    """What a command shows: a heading, rows, totals, remarks, and one sentence to paste."""

    heading: str
    source: str
    columns: list[Column]
    rows: list[Row]
    totals: list[tuple[str, Any, str]]
    """Title, exact value, and its short form."""
    remarks: list[str]
    sentence: str


class View(NamedTuple):
    """What the user asked of a table."""

    batch: int = 1
    depth: int | None = None
    sort: str | None = None
    top: int | None = None
    channels_last: bool = False


def arranged(shape: Shape, channels_last: bool) -> Sized:
    """A shape as the user's framework writes it."""
    return Sized((*shape[1:], shape[0]) if channels_last else shape)


# -- columns -----------------------------------------------------------------------------------------------------------


class _Cells:
    """The cells of a report, by column; one index is one layer."""

    def __init__(self, report: Report, view: View) -> None:
        self.report = report
        self.view = view
        self.nodes = report.graph.nodes

    def shape(self, shape: Shape) -> Sized:
        return arranged(shape, self.view.channels_last)

    def source(self, index: int) -> Any:
        """Inputs that are not the previous row's result."""
        node, graph = self.nodes[index], self.report.graph
        if graph.follows(node):
            return ""
        names = Names(graph.tensor_name(tensor) for tensor in node.inputs)
        names.block = self.nodes[index].name.rpartition(".")[0]
        return names

    def input(self, index: int) -> Any:
        shapes = self.nodes[index].operation.inputs
        return self.shape(shapes[0]) if len(shapes) == 1 else ", ".join(map(joined, map(self.shape, shapes)))

    def output(self, index: int) -> Sized:
        return self.shape(self.nodes[index].operation.output)

    def unread(self, index: int) -> Any:
        counts = self.report.unread(index)
        return Sized(counts) if counts and any(counts) else None

    def params(self, index: int) -> Any:
        return self._count(index, self.report.params[index].params)

    def state(self, index: int) -> Any:
        return self._count(index, self.report.params[index].state)

    def separable(self, index: int) -> Any:
        return self._count(index, self.report.separable[index].params)

    def _count(self, index: int, value: int) -> Any:
        node = self.nodes[index]
        if "params" in node.operation.layer.unknown:
            return UNKNOWN
        return value if has_params(node) else None

    def macs(self, index: int) -> Any:
        return UNKNOWN if "macs" in self.nodes[index].operation.layer.unknown else self.report.macs[index]

    def size(self, index: int) -> Any:
        return self._field(index, lambda field: Axes(ranged(low, high) for low, high in field.size))

    def smallest(self, index: int) -> Any:
        return self._field(index, lambda field: Axes(field.min_size))

    def stride(self, index: int) -> Any:
        return self._field(index, lambda field: Axes(ranged(fraction(a), fraction(b)) for a, b in field.stride))

    def start(self, index: int) -> Any:
        return self._field(index, lambda field: Axes(field.start))

    def center(self, index: int) -> Any:
        return self._field(index, lambda field: Axes(f"{center:g}" for center in field.center))

    def is_global(self, index: int) -> Any:
        return self._field(index, lambda field: "yes" if field.is_global else "")

    def _field(self, index: int, show: Callable[[Any], Any]) -> Any:
        field = self.report.fields[index]
        return None if field is None else show(field)


def joined(sizes: tuple[Any, ...]) -> str:
    """``64x112x112``."""
    return "x".join(map(str, sizes))


def ranged(low: Any, high: Any) -> Any:
    """One value, or ``low..high``."""
    return low if low == high else f"{low}..{high}"


def fraction(ratio: tuple[int, int]) -> Any:
    """A stride as a whole number, or ``1/2``."""
    return ratio[0] if ratio[1] == 1 else f"{ratio[0]}/{ratio[1]}"


COLUMNS: dict[str, tuple[str, ...]] = {
    "summary": ("output", "params", "macs"),
    "shapes": ("input", "output", "unread"),
    "params": ("output", "params", "state", "separable"),
    "rf": ("output", "size", "stride", "start", "center", "smallest", "is_global"),
}
TITLES = {
    "input": Column("Input"),
    "output": Column("Output"),
    "unread": Column("Unread", True),
    "params": Column("Params", True),
    "state": Column("State", True),
    "separable": Column("Separable", True),
    "macs": Column("MACs", True),
    "size": Column("Size", True),
    "stride": Column("Stride", True),
    "start": Column("Start", True),
    "center": Column("Center", True),
    "smallest": Column("Least", True),
    "is_global": Column("Global"),
}
SUMMED = ("params", "state", "separable", "macs")
OPTIONAL = ("unread", "is_global", "state")
"""Columns that are left out where no row has anything to say in them."""
MAX_ALIKE = 5
"""Notes of one kind that are told one by one."""

SORTS = ("name", "kind", "output", "params", "state", "separable", "macs", "size")


def tabulate(report: Report, view: View | None = None) -> Table:
    """The table of a report; raises `Fault` where receptive fields cannot be worked out."""
    view = view or View()
    cells = _Cells(report, view)
    keys = list(COLUMNS[report.command])
    if view.sort in TITLES and view.sort not in keys:
        keys.append(view.sort)
    groups = _groups(report, view)
    rows = [_row(cells, keys, name, members) for name, members in groups]
    if view.sort:
        rows = _sorted(rows, keys, view.sort)
    shown = rows[: view.top] if view.top is not None else rows
    columns = [Column("Layer"), Column("Type"), Column("From"), *(TITLES[key] for key in keys)]
    columns, shown = _without_empty(columns, shown, ("From", *(TITLES[key].title for key in OPTIONAL)))
    graph = report.graph
    remarks = _remarks(report)
    if len(shown) < len(rows):
        remarks.insert(0, f"{len(shown):,} of {len(rows):,} rows are shown; totals are of the whole network")
    return Table(_heading(report, view), graph.source, columns, shown, _totals(report, view), remarks, sentence(report))


def _groups(report: Report, view: View) -> list[tuple[str, list[int]]]:
    """Names of rows with the layers in them; every layer is in exactly one row."""
    nodes = report.graph.nodes
    if view.depth is None:
        return [(node.name, [index]) for index, node in enumerate(nodes)]
    groups: dict[str, list[int]] = {}
    for index, node in enumerate(nodes):
        groups.setdefault(".".join(node.name.split(".")[: view.depth]), []).append(index)
    return list(groups.items())


def _row(cells: _Cells, keys: list[str], name: str, members: list[int]) -> Row:
    first, last = members[0], members[-1]
    kind = cells.nodes[last].kind if len(members) == 1 else f"{len(members)} layers"
    source = cells.source(first)
    if len(members) == 1:
        return Row([name, kind, source, *(getattr(cells, key)(last) for key in keys)])
    values: list[Any] = [name, kind, source]
    for key in keys:
        if key in SUMMED:
            values.append(_sum([getattr(cells, key)(index) for index in members]))
        elif key == "input":
            values.append(cells.input(first))
        elif key == "unread":
            values.append(None)
        else:
            values.append(getattr(cells, key)(last))
    return Row(values, len(members))


def _sum(values: list[Any]) -> Any:
    counted = [value for value in values if isinstance(value, int)]
    if UNKNOWN in values:
        return f">= {sum(counted):,}" if counted else UNKNOWN
    return sum(counted) if counted else None


def _sorted(rows: list[Row], keys: list[str], sort: str) -> list[Row]:
    index = {"name": 0, "kind": 1}.get(sort)
    if index is not None:
        return sorted(rows, key=lambda row: str(row.cells[index]))
    position = 3 + keys.index(sort)

    def weight(row: Row) -> int:
        cell = row.cells[position]
        if isinstance(cell, Sized):
            total = 1
            for size in cell:
                total *= size if isinstance(size, int) else int(str(size).rpartition("..")[2])
            return total
        return cell if isinstance(cell, int) else -1

    return sorted(rows, key=weight, reverse=True)


def _without_empty(columns: list[Column], rows: list[Row], optional: Sequence[str]) -> tuple[list[Column], list[Row]]:
    kept = [
        index
        for index, column in enumerate(columns)
        if column.title not in optional or any(row.cells[index] not in (None, "", 0) for row in rows)
    ]
    return [columns[index] for index in kept], [Row([row.cells[i] for i in kept], row.folded) for row in rows]


# -- around the rows ---------------------------------------------------------------------------------------------------


def _heading(report: Report, view: View) -> str:
    graph = report.graph
    name = f"{graph.name} ({graph.variant})" if graph.variant else graph.name
    shapes = [" x ".join(map(str, arranged(shape, view.channels_last))) for _, shape in graph.inputs]
    if len(shapes) > 1:
        shapes = [f"{input_name} {shape}" for (input_name, _), shape in zip(graph.inputs, shapes)]
    layers = len(graph.nodes)
    batch = f", batch {view.batch:,}" if view.batch != 1 else ""
    return f"{name}, input {', '.join(shapes)}{batch}, {layers:,} layer{'s' if layers != 1 else ''}"


def _totals(report: Report, view: View) -> list[tuple[str, Any, str]]:
    found: list[tuple[str, Any, str]] = []
    totals = report.totals if report.parts not in (("shapes",), ("rf",)) else None
    if totals and "params" in report.parts:
        found.append(_counted("Params", totals.params, "params", report))
        found.append(("State", totals.state, brief(totals.state)))
        if totals.state:
            found.append(_counted("Params + state", totals.params + totals.state, "params", report))
        found.append(_counted("Params, separable", totals.separable_params, "params", report))
    if totals and "macs" in report.parts:
        found.append(_counted("MACs", totals.macs, "macs", report))
        found.append(_counted("FLOPs (2 x MACs)", 2 * totals.macs, "macs", report))
        least = "at least " if "params" in report.lower_bound else ""
        found.append(("Weights, 32-bit", "", least + mebibytes(4 * (totals.params + totals.state))))
    if "rf" in report.parts and report.field is not None:
        found.append(("Receptive field", field_text(report.field), ""))
    if "shapes" in report.parts:
        for name, number in report.graph.outputs:
            title = "Output" if len(report.graph.outputs) == 1 else f"Output {name}"
            found.append((title, arranged(report.graph.shapes[number], view.channels_last), ""))
    return found


def _counted(title: str, value: int, quantity: str, report: Report) -> tuple[str, Any, str]:
    if quantity in report.lower_bound:
        return title, f">= {value:,}", brief(value) and f"at least {brief(value)}"
    return title, value, brief(value)


def brief(value: int) -> str:
    """The short form of a total; nothing where it is short already."""
    return short(value) if value >= 1_000 else ""


def _remarks(report: Report) -> list[str]:
    """Notes on layers, equal ones together, then the conventions that the columns follow."""
    by_note: dict[str, list[str]] = {}
    kinds: dict[str, set[str]] = {}
    for index, node in enumerate(report.graph.nodes):
        for note in report.notes(index):
            by_note.setdefault(note, []).append(node.name)
            kinds.setdefault(note.partition(":")[0], set()).add(note)
    found = []
    for kind, notes in kinds.items():
        if len(notes) > MAX_ALIKE:
            names = [name for note, layers in by_note.items() if note in notes for name in layers]
            found.append(f"{_listed(names)}: {kind}; `explain` and `--format json` tell each")
        else:
            found += [f"{_listed(names)}: {note}" for note, names in by_note.items() if note in notes]
    shared: dict[str, int] = {}
    for node in report.graph.nodes:
        if node.shares is not None:
            owner = node.shares.name
            shared[owner] = shared.get(owner, 0) + 1
    if "params" in report.parts and shared:
        found.append(f"{sum(shared.values()):,} layers use the weights of {_listed(list(shared))}; they count once")
    if report.lower_bound:
        found.append(f"lower bounds, for layers that cnncalc does not know: {', '.join(report.lower_bound)}")
    if "macs" in report.parts:
        found.append(CONVENTION)
    return found


def _listed(names: list[str]) -> str:
    if len(names) <= 3:
        return ", ".join(names)
    return f"{len(names):,} layers, {names[0]} to {names[-1]}"


def sentence(report: Report) -> str:
    """``resnet50 @ 3x224x224: 25.56 M params, 4.09 GMACs (8.18 GFLOPs), …``, fit to paste."""
    if report.command != "summary":
        return ""
    graph, totals = report.graph, report.totals
    shapes = ", ".join(joined(shape) for _, shape in graph.inputs)
    macs_bound = "at least " if "macs" in report.lower_bound else ""
    params_bound = "at least " if "params" in report.lower_bound else ""
    parts = [
        f"{params_bound}{short(totals.params)} params",
        f"{macs_bound}{_joined(totals.macs)}MACs ({_joined(2 * totals.macs)}FLOPs)",
    ]
    field = report.field
    if field is not None and field.size and field.is_local:
        parts.append(f"receptive field {'x'.join(str(ranged(*size)) for size in field.size)}")
    return f"{graph.variant or graph.name} @ {shapes}: {', '.join(parts)}"


def field_text(field: Any) -> str:
    """``427 x 427, stride 32 x 32, start -213 x -213``."""
    if not field.size:
        return "none: the input is flat"
    sizes = " x ".join(str(ranged(*size)) for size in field.size)
    strides = " x ".join(str(ranged(fraction(a), fraction(b))) for a, b in field.stride)
    starts = " x ".join(map(str, field.start))
    whole = " (the whole input)" if not field.is_local else ""
    return f"{sizes}{whole}, stride {strides}, start {starts}"


def short(value: int) -> str:
    """``25.56 M``: powers of 1000, four digits at most; small numbers as they are."""
    for unit, size in (("P", 10**15), ("T", 10**12), ("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if value >= size:
            return f"{value / size:.2f} {unit}"
    return str(value)


def _joined(value: int) -> str:
    """As `short`, with the unit before what follows: ``4.09 G``."""
    text = short(value)
    return text if text[-1].isalpha() else f"{text} "


def mebibytes(count: int) -> str:
    """Bytes in KiB or MiB."""
    return f"{count / 2**20:,.2f} MiB" if count >= 2**20 else f"{count / 2**10:,.2f} KiB"
