"""Many networks, two networks, and one network as other tools count it: as tables, and as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.analyzers.quantities import asked
from cnncalc.analyzers.quantity import Fold, Quantity
from cnncalc.compare.conventions import TOOLS, Convention
from cnncalc.compare.diff import TOTALS, Difference
from cnncalc.compare.fronts import Aim
from cnncalc.compare.sweep import Row, Sweep
from cnncalc.graph import Graph
from cnncalc.tables.table import DETAIL, Column, Line, Table, Total
from cnncalc.values import AtLeast, Bytes, Change, Factor, Sizes


def sweep_to_dict(found: Sweep, rows: Sequence[Row], shown: Sequence[Aim]) -> dict[str, Any]:
    """The rows under the keys of ``--format json``."""
    every = []
    for row in rows:
        each: dict[str, Any] = {
            "spec": row.spec,
            "variant": row.variant,
            "settings": row.settings,
            "input": {name: list(shape) for name, shape in row.inputs.items()},
        }
        each |= row_figures(row, shown)
        field = row.receptive_field
        each["receptive_field"] = None if field is None else {"size": [_span(*size) for size in field.size]}
        each["lower_bound"] = [_json_key(word) for word in row.lower_bound]
        each["error"] = None if row.error is None else row.error.message
        every.append(each)
    return {"rows": every, "settings": found.total, "left_out": list(found.left_out)}


def row_figures(row: Row, shown: Sequence[Aim]) -> dict[str, Any]:
    """The figures of a row as data, and what is worked out from them, under the keys of ``--format json``."""
    found = {_json_key(word): value for word, value in row.figures.items()}
    for aim in shown:
        if aim.formula.quantity is None and aim.key not in row.settings:
            found[aim.key] = aim.of(row.known)
    return found


def _json_key(word: str) -> str:
    """Where a figure stands in JSON: as among the totals of a report."""
    quantity = asked()[word]
    return word if quantity.group or quantity.fold == Fold.FIRST else quantity.word


def _span(low: int, high: int) -> Any:
    return low if low == high else {"min": low, "max": high}


def tabulate_sweep(found: Sweep, rows: Sequence[Row], shown: Sequence[Aim]) -> Table:
    """A line per network; the first that builds is the baseline, the others show their factor."""
    swept = list(dict.fromkeys(name for row in rows for name in row.settings))
    columns = [Column("Network"), *(Column(name, True) for name in swept), Column("Input")]
    baseline = next((row for row in rows if row.error is None), None)
    for aim in shown:
        columns.append(Column(title(aim), True))
        columns += [Column(f"{title(aim)} x", True, DETAIL)] if len(rows) > 1 else []
    lines = []
    for row in rows:
        cells: list[Any] = [network_of(row), *(row.settings[each] for each in swept)]
        cells.append(row.error.message if row.error is not None else Sizes(next(iter(row.inputs.values()))))
        for aim in shown:
            cells.append(cell(aim, row))
            cells += [_factor(aim, baseline, row)] if len(rows) > 1 else []
        lines.append(Line(cells))
    nothing = [] if rows else [f"none of {len(found.rows):,} meets the condition"]
    return Table(columns, lines, remarks=(*nothing, *_remarks(found)))


def network_of(row: Row) -> str:
    """What a row is called."""
    plain = row.variant in (None, row.spec) or "variant" in row.settings
    return row.spec if plain else f"{row.spec} ({row.variant})"


def _remarks(found: Sweep) -> list[str]:
    """What is not in the table, and why."""
    remarks = []
    if found.counted_as is not None:
        tool = TOOLS[found.counted_as]
        remarks.append(f"MACs: what {found.counted_as} {tool.version} counts, and calls `{tool.label}`")
    if found.interrupted:
        remarks.append(f"interrupted: {len(found.rows):,} of {found.total:,} settings were measured")
    if found.left_out:
        count = len(found.left_out)
        names = ", ".join(found.left_out[:4]) + (", …" if count > 4 else "")
        told = ("network has", "is") if count == 1 else ("networks have", "are")
        remarks.append(f"{count:,} {told[0]} not what is swept over, and {told[1]} left out: {names}")
    return remarks


def title(aim: Aim) -> str:
    """Of the column of an aim."""
    quantity = aim.formula.quantity
    return aim.key if quantity is None else figure_title(quantity)


def figure_title(quantity: Quantity) -> str:
    """Of the column of a quantity where networks are compared."""
    return quantity.figure.title if quantity.figure is not None else quantity.title


def cell(aim: Aim, row: Row) -> Any:
    """What is shown of a row: nothing where it was not built, a lower bound where a part is not known."""
    value = aim.of(row.known) if row.error is None else None
    if value is not None and any(key in row.lower_bound for key in aim.formula.keys):
        return AtLeast(value) if isinstance(value, int) else None
    return in_unit(aim.formula.quantity, value)


def in_unit(quantity: Quantity | None, value: Any) -> Any:
    """A figure in the unit of its quantity."""
    return Bytes(value) if value is not None and quantity is not None and quantity.unit == "bytes" else value


def _factor(aim: Aim, baseline: Row | None, row: Row) -> Factor | None:
    """A figure as a multiple of the baseline's."""
    if baseline is None or row is baseline or row.error is not None:
        return None
    base, value = aim.of(baseline.known), aim.of(row.known)
    if not isinstance(base, (int, float)) or not isinstance(value, (int, float)) or not base:
        return None
    return Factor(value / base)


def tabulate_diff(found: Difference, names: tuple[str, str]) -> Table:
    """A line per layer that differs; then the totals of both."""
    columns = [Column("Change"), Column("Layer"), Column("What"), Column("Output"), Column("Params"), Column("MACs")]
    lines = []
    for change in found.changes:
        name = change.new if change.old in (None, change.new) else change.old
        if change.old and change.new and change.old != change.new:
            name = f"{change.old} -> {change.new}"
        fields = ", ".join(f"{field}: {_text(pair[0])} -> {_text(pair[1])}" for field, pair in change.fields.items())
        old_shape, new_shape = (None if shape is None else Sizes(shape) for shape in change.output_shape)
        cells: list[Any] = [change.change, name, fields or None]
        cells += [_pair(pair) for pair in ((old_shape, new_shape), change.params, change.macs)]
        lines.append(Line(cells))
    totals = []
    for key in TOTALS:
        quantity = asked()[key]
        old, new = (in_unit(quantity, value) for value in found.totals[key])
        totals.append(Total(figure_title(quantity), _pair((old, new))))
        if found.totals[key][0] and found.totals[key][1] is not None and old != new:
            share = found.totals[key][1] / found.totals[key][0] - 1
            totals[-1] = Total(f"{figure_title(quantity)} ({share:+.2%})", Change(old, new))
    remarks = [f"{found.unchanged:,} layer{' is' if found.unchanged == 1 else 's are'} the same"]
    if found.further:
        remarks.append(f"{found.further:,} of them see{'s' * (found.further == 1)} another stretch of the input")
    return Table(columns, lines, (f"{names[0]} -> {names[1]}",), totals=tuple(totals), remarks=tuple(remarks))


def _text(value: Any) -> str:
    return "none" if value in (None, ()) else str(value).lower() if isinstance(value, bool) else str(value)


def _pair(pair: tuple[Any, Any]) -> Any:
    old, new = pair
    if old is None or new is None or old == new:
        return new if old is None else old
    return Change(old, new)


def tabulate_conventions(graph: Graph, found: Sequence[Convention]) -> Table:
    """A line per tool with the parts that its total adds to ours."""
    columns = [
        Column("Tool"),
        Column("Calls it"),
        Column("Total", True),
        Column("Parts"),
        Column("Checked with", drop=DETAIL),
    ]
    lines = []
    for each in found:
        parts = "".join(f" {'+-'[number < 0]} {part} {abs(number):,}" for part, number in each.parts.items())
        lines.append(Line([each.tool, each.label, each.value, parts.removeprefix(" + "), each.version]))
    remarks = [f"{each.tool}: {note}" for each in found for note in each.notes]
    return Table(columns, lines, (f"{graph.title}, as other tools count it",), graph.source, remarks=tuple(remarks))
