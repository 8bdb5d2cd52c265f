"""Report -> Table: which columns, rows and totals a command shows, in raw values; no terminal, no file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.analyzers.macs import CONVENTION
from cnncalc.analyzers.quantities import QUANTITIES, columns, reported
from cnncalc.analyzers.quantity import Nature, Quantity, function
from cnncalc.graph import Node
from cnncalc.report import Report
from cnncalc.tables.rows import Stretch, arranged, shown, sort_key, stretches
from cnncalc.tables.table import Column, Line, Table, Total, View
from cnncalc.values import AtLeast, Described, Names, Prose, Short, Sizes

MAX_ALIKE = 5
"""Notes of one kind that are told one by one."""


def tabulate(report: Report, view: View | None = None) -> Table:
    """The table of a report; raises `Fault` where receptive fields cannot be worked out."""
    view = view or View()
    quantities = columns(report.command)
    if view.sort is not None:
        sorted_by = QUANTITIES.get(sort_key(view.sort))
        if sorted_by is not None and sorted_by not in quantities:
            quantities.append(sorted_by)
    rows, count = stretches(report, view)
    titles = [Column("Layer"), Column("Type"), Column("From"), *map(_column, quantities)]
    lines = [_line(report, view, row, quantities) for row in rows]
    optional = [False, False, True, *(quantity.optional for quantity in quantities)]
    titles, lines = _without_empty(titles, lines, optional)
    remarks = _remarks(report)
    if len(rows) < count:
        remarks.insert(0, f"{len(rows):,} of {count:,} rows are shown; totals are of the whole network")
    source = report.graph.source
    return Table(
        titles,
        lines,
        _heading(report, view),
        source,
        tuple(_totals(report, view)),
        tuple(remarks),
        sentence(report, view),
    )


def _column(quantity: Quantity) -> Column:
    return Column(quantity.title, quantity.nature not in (Nature.SHAPE, Nature.FLAG))


def _line(report: Report, view: View, row: Stretch, quantities: list[Quantity]) -> Line:
    first, last = report.graph.nodes[row.places[0]], report.graph.nodes[row.places[-1]]
    kind = last.kind if len(row.places) == 1 else f"{len(row.places)} layers"
    cells = [_cell(report, view, quantity, row.places) for quantity in quantities]
    return Line([row.name, kind, _source(report, first), *cells], len(row.places))


def _source(report: Report, node: Node) -> Names:
    """The inputs of a layer, where they are not the previous row's result."""
    if report.graph.follows(node):
        return Names()
    names = Names(report.graph.tensor_name(tensor) for tensor in node.inputs)
    names.block = node.name.rpartition(".")[0]
    return names


def _cell(report: Report, view: View, quantity: Quantity, places: list[int]) -> Any:
    value = report.folded(quantity, places)
    if quantity.optional and isinstance(value, Sizes) and not any(value):
        return None
    return shown(quantity, value, view)


def _without_empty(titles: list[Column], lines: list[Line], optional: Sequence[bool]) -> tuple[Any, list[Line]]:
    """Columns and lines without the optional columns in which no line has anything to say."""
    places = range(len(titles))
    kept = [place for place in places if not optional[place] or any(line.cells[place] for line in lines)]
    return [titles[place] for place in kept], [Line([line.cells[p] for p in kept], line.layers) for line in lines]


# -- around the rows ---------------------------------------------------------------------------------------------------


def _heading(report: Report, view: View) -> Prose:
    """``ResNet (resnet50), input 3 x 224 x 224, 126 layers``."""
    graph = report.graph
    parts: list[Any] = [f"{graph.name} ({graph.variant})" if graph.variant else graph.name, ", input "]
    for number, (name, shape) in enumerate(graph.inputs):
        parts += [", " if number else "", f"{name} " if len(graph.inputs) > 1 else "", arranged(shape, view)]
    if view.batch != 1:
        parts += [", batch ", view.batch]
    return (*parts, ", ", len(graph.nodes), " layer" if len(graph.nodes) == 1 else " layers")


def _totals(report: Report, view: View) -> list[Total]:
    """The block below the rows: the totals of what the report has, the receptive field and the outputs last."""
    found = []
    for quantity in reported(report.command):
        if not quantity.group and quantity.nature != Nature.SHAPE and (value := report.total(quantity.key)) is not None:
            found.append(Total(quantity.total_title or quantity.title, value, quantity.unit))
            for line in quantity.further:
                if (further := function(line.measure)(report)) is not None:
                    found.append(Total(line.title, further, line.unit))
    if report.has("receptive_field") and report.field is not None:
        found.append(Total("Receptive field", described(report.field)))
    if report.command not in ("params", "rf"):
        for name, number in report.graph.outputs:
            title = "Output" if len(report.graph.outputs) == 1 else f"Output {name}"
            found.append(Total(title, arranged(report.graph.shapes[number], view)))
    return found


def described(field: Any) -> Described | str:
    """``427 x 427, stride 32 x 32, start -213 x -213``."""
    from cnncalc.analyzers.receptive_field import size_of, start_of, stride_of

    if not field.size:
        return "none: the input is flat"
    sizes = "" if field.is_local else "the whole input"
    return Described(
        (
            ("", Sizes(size_of(field))),
            ("", sizes),
            ("stride", Sizes(stride_of(field))),
            ("start", Sizes(start_of(field))),
        )
    )


def _remarks(report: Report) -> list[str]:
    """Notes on layers, equal ones together, then the conventions that the columns follow."""
    by_text: dict[str, list[str]] = {}
    alike: dict[str, dict[str, None]] = {}
    for node in report.graph.nodes:
        for note in report.notes(node):
            by_text.setdefault(note.text, []).append(node.name)
            alike.setdefault(note.title, {})[note.text] = None
    found = []
    for title, texts in alike.items():
        if len(texts) > MAX_ALIKE:
            names = [name for text, layers in by_text.items() if text in texts for name in layers]
            found.append(f"{_listed(names)}: {title}; `explain` and `--format json` tell each")
        else:
            found += [f"{_listed(by_text[text])}: {text}" for text in texts]
    owners: dict[str, int] = {}
    for node in report.graph.nodes:
        if node.shares is not None:
            owners[node.shares.name] = owners.get(node.shares.name, 0) + 1
    if report.has("params") and owners:
        found.append(f"{sum(owners.values()):,} layers use the weights of {_listed(list(owners))}; they count once")
    if report.lower_bound:
        found.append(f"lower bounds, for layers that cnncalc does not know: {', '.join(report.lower_bound)}")
    if report.has("macs"):
        found.append(CONVENTION if report.counting is None else report.counting.text)
    return found


def _listed(names: list[str]) -> str:
    if len(names) <= 3:
        return ", ".join(names)
    return f"{len(names):,} layers, {names[0]} to {names[-1]}"


def sentence(report: Report, view: View) -> Prose:
    """``resnet50 @ 3x224x224: 25.56 M params, 4.09 GMACs (8.18 GFLOPs), …``, fit to paste."""
    if report.command != "summary":
        return ()
    graph = report.graph
    macs, flops = report.total("macs"), function("macs.flops")(report)
    bound = "at least " if isinstance(macs, AtLeast) else ""
    shapes = ", ".join("x".join(map(str, arranged(shape, view))) for _, shape in graph.inputs)
    parts: list[Any] = [f"{graph.variant or graph.name} @ {shapes}: ", Short(report.total("params"), "params"), ", "]
    parts += [bound, Short(_exact(macs), "MACs")]
    counting = report.counting
    parts += [" (", Short(_exact(flops), "FLOPs"), ")"] if counting is None else [f" as {counting.tool} counts"]
    field = report.field
    if field is not None and field.size and field.is_local:
        sizes = report.total("size")
        for number, size in enumerate(sizes):
            parts += ["x" if number else ", receptive field ", Sizes((size,))]
    return tuple(parts)


def _exact(value: Any) -> Any:
    return value.value if isinstance(value, AtLeast) else value
