"""Report -> Table: which columns, rows and totals a command shows, in raw values; no terminal, no file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from cnncalc.analyzers.macs import convention
from cnncalc.analyzers.notes import Remark
from cnncalc.analyzers.quantities import QUANTITIES, columns, reported
from cnncalc.analyzers.quantity import Fold, Nature, Quantity, function
from cnncalc.geometry import Shape, dims
from cnncalc.graph import Graph
from cnncalc.records import NamedTuple
from cnncalc.report import Report
from cnncalc.tables.outline import Stretch
from cnncalc.tables.rows import arranged, shown, sort_key, table_rows
from cnncalc.tables.table import DETAIL, KIND, ORIGIN, SHARE, Column, Line, Table, Total, View
from cnncalc.values import AtLeast, Compact, Described, Names, Prose, Share, Short, Sizes, Subtotal, known, shares

MOST_ALIKE = 5
"""Different notes of one kind that the command which they are about tells one by one."""

COSTLIEST = 3
"""Rows that stand out, by a quantity whose shares are told."""


def tabulate(report: Report, view: View | None = None) -> Table:
    """The table of a report; raises `Fault` where receptive fields cannot be worked out."""
    view = view or View()
    quantities = columns(report.command)
    if view.sort is not None:
        sorted_by = QUANTITIES.get(sort_key(view.sort))
        if sorted_by is not None and sorted_by not in quantities:
            quantities.append(sorted_by)
    rows, count = table_rows(report, view, quantities)
    sources = _sources(report.graph, rows, Graph.tensor_name if view.flat else _shortest_name)
    found = [
        _Column(Column("Layer"), [row.label for row in rows]),
        _Column(Column("Type", drop=KIND), [row.kind or f"{len(row.places):,} layers" for row in rows]),
        _Column(Column("From", drop=ORIGIN), sources),
    ]
    for quantity in quantities:
        found += _columns(report, view, rows, quantity)
    kept = [each for each in found if not each.optional or any(each.cells)]
    lines = []
    for number, (row, cells) in enumerate(zip(rows, zip(*(each.cells for each in kept)))):
        costly = tuple([place for place, each in enumerate(kept) if number in each.costly])
        lines.append(Line(list(cells), len(row.places), row.depth, row.heading, costly))
    remarks = _remarks(report)
    if len(rows) < count:
        remarks.insert(0, f"{len(rows):,} of {count:,} rows are shown; totals are of the whole network")
    return Table(
        [each.column for each in kept],
        lines,
        _heading(report, view),
        report.graph.source,
        tuple(_totals(report, view)),
        tuple(remarks),
        sentence(report, view),
        report.batch,
    )


# -- columns -----------------------------------------------------------------------------------------------------------


class _Column(NamedTuple):
    """A column with its cells."""

    column: Column
    cells: list[Any]
    optional: bool = True
    """Whether it is left out where no row has anything to say in it; every row has a name and a type."""
    costly: frozenset[int] = frozenset()
    """The rows whose figures stand out."""


def _columns(report: Report, view: View, rows: list[Stretch], quantity: Quantity) -> list[_Column]:
    """A quantity's column, and where rows are told as a paper does that of its shares."""
    folded = [report.folded(quantity, row.places) for row in rows]
    cells = [_cell(quantity, value, view) for value in folded]
    if quantity.fold == Fold.SUM:
        cells = [Subtotal(cell) if row.heading and cell is not None else cell for row, cell in zip(rows, cells)]
    numeric = quantity.nature not in (Nature.SHAPE, Nature.FLAG)
    column = Column(quantity.title, numeric, DETAIL if quantity.detail else 0)
    if not quantity.shared or view.flat or view.top is not None or not isinstance(report.total(quantity.key), int):
        return [_Column(column, cells, quantity.optional)]
    counted = [place for place, row in enumerate(rows) if not row.heading and folded[place] is not None]
    costly = frozenset(sorted(counted, key=lambda place: -folded[place])[:COSTLIEST])
    told: list[Any] = [None] * len(rows)
    for place, share in zip(counted, shares([folded[place] for place in counted])):
        told[place] = share
    _add_up(rows, told)
    return [
        _Column(column, cells, quantity.optional, costly),
        _Column(Column("%", True, SHARE), told, costly=costly),
    ]


def _add_up(rows: list[Stretch], told: list[Any]) -> None:
    """Give headings the sum of the shares below them."""
    around: list[tuple[int, int]] = []
    sums: dict[int, int] = {}
    for place, row in enumerate(rows):
        while around and around[-1][1] >= row.depth:
            around.pop()
        if row.heading:
            around.append((place, row.depth))
        elif told[place] is not None:
            for heading, _ in around:
                sums[heading] = sums.get(heading, 0) + told[place].tenths
    for heading, tenths in sums.items():
        told[heading] = Subtotal(Share(tenths))


def _cell(quantity: Quantity, value: Any, view: View) -> Any:
    if quantity.optional and isinstance(value, Sizes) and not any(value):
        return None
    return shown(quantity, value, view)


def _sources(graph: Graph, rows: list[Stretch], named: Callable[[Graph, int], str]) -> list[Names]:
    """The inputs of each row, where they are not the previous row's result; of a heading nothing: its rows tell."""
    found = []
    for row in rows:
        first = graph.nodes[row.places[0]]
        if row.heading or graph.follows(first):
            found.append(Names())
            continue
        names = Names(named(graph, tensor) for tensor in first.inputs)
        names.block = row.name.rpartition(".")[0]
        found.append(names)
    return found


def _shortest_name(graph: Graph, tensor: int) -> str:
    """The shortest of the names of a tensor: a block's rather than that of the last row in it."""
    node = graph.node(tensor)
    return graph.tensor_name(tensor) if node is None else min((node.name, *node.names), key=len)


# -- around the rows ---------------------------------------------------------------------------------------------------


def _heading(report: Report, view: View) -> Prose:
    """``ResNet (resnet50), input 3 x 224 x 224, 126 layers``."""
    graph = report.graph
    parts: list[Any] = [f"{graph.title}, input "]
    for number, (name, shape) in enumerate(graph.inputs):
        parts += [", " if number else "", f"{name} " if len(graph.inputs) > 1 else "", arranged(shape, view)]
    if report.batch != 1:
        parts += [", batch ", report.batch]
    return (*parts, ", ", len(graph.nodes), " layer" if len(graph.nodes) == 1 else " layers")


def _totals(report: Report, view: View) -> list[Total]:
    """The block below the rows: the totals of what the report has, the receptive field and the outputs last."""
    found = []
    for quantity in reported(report.command):
        if quantity.group or quantity.nature == Nature.SHAPE or report.command in quantity.untold:
            continue
        if (value := report.total(quantity.key)) is not None:
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
    found = [*_channels_last(report.graph.inputs), *_notes(report)]
    owners: dict[str, int] = {}
    for node in report.graph.nodes:
        if node.shares is not None:
            owners[node.shares.name] = owners.get(node.shares.name, 0) + 1
    if report.has("params") and owners:
        count = sum(owners.values())
        told = "1 layer uses" if count == 1 else f"{count:,} layers use"
        found.append(f"{told} the weights of {_listed(list(owners))}; they count once")
    if report.lower_bound:
        found.append(f"lower bounds, for layers that cnncalc does not know: {', '.join(report.lower_bound)}")
    if report.has("macs"):
        found.append(convention(report.batch) if report.counting is None else report.counting.text)
    others = [name for name in report.graph.variants if name != report.graph.like]
    if others:
        more = "other variants" if report.graph.like else "variants"
        found.append(f"{more}: {', '.join(others)}; `--variant NAME` shows one, `--variant '*'` all")
    return found


def _channels_last(inputs: Iterable[tuple[str, Shape]]) -> list[str]:
    """Inputs whose channels seem to come last: images of one to four columns, and far more channels."""
    return [
        f"{name}: {dims(shape)} is {shape[0]:,} channels; if they come last, the shape here is "
        f"{dims((shape[-1], *shape[:-1]))}"
        for name, shape in inputs
        if len(shape) == 3 and shape[-1] <= 4 and min(shape[:-1]) > 4 * shape[-1]
    ]


def _notes(report: Report) -> list[str]:
    """What is said of layers: each note once, and those of one kind in a line where another command tells each."""
    alike: dict[str, dict[str, list[str]]] = {}
    about: dict[str, Remark] = {}
    for node in report.graph.nodes:
        for note in report.notes(node):
            alike.setdefault(note.title, {}).setdefault(note.text, []).append(node.name)
            about[note.title] = note
    found = []
    for title, texts in alike.items():
        teller = _teller(about[title])
        if len(texts) == 1 or (teller in ("", report.command) and len(texts) <= MOST_ALIKE):
            found += [f"{_listed(names)}: {text}" for text, names in texts.items()]
        else:
            count = len({name for names in texts.values() for name in names})
            told = (
                "`explain` and `--format json` tell" if teller in ("", report.command) else f"`cnncalc {teller}` tells"
            )
            found.append(f"{count:,} layers: {title}; {told} each")
    return found


def _teller(note: Remark) -> str:
    """The command whose columns are what a note is about; none where every report says it."""
    parts = [quantity for quantity in QUANTITIES.values() if note.of in (quantity.key, quantity.group) and note.of]
    return next((command for quantity in parts for command in quantity.columns), "")


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
    inputs = ", ".join("x".join(map(str, arranged(shape, view))) for _, shape in graph.inputs)
    batch = () if report.batch == 1 else (", batch ", report.batch)
    parts: list[Any] = [f"{graph.variant or graph.like or graph.name} @ {inputs}", *batch, ": "]
    parts += [Short(report.total("params"), "params"), ", "]
    parts += [bound, Short(known(macs), "MACs")]
    counting = report.counting
    parts += [" (", Short(known(flops), "FLOPs"), ")"] if counting is None else [f" as {counting.tool} counts"]
    field = report.field
    if field is not None and field.size and field.is_local:
        sizes = report.total("size")
        parts += [", receptive field ", Compact(sizes)]
    return tuple(parts)
