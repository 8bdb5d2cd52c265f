"""Many networks, two networks, and one network as other tools count it: as tables, and as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.compare.conventions import Convention
from cnncalc.compare.diff import TOTALS, Difference
from cnncalc.compare.measures import BYTES, MEASURES
from cnncalc.compare.sweep import Row
from cnncalc.graph import Graph
from cnncalc.tables.table import DETAIL, Column, Line, Table, Total
from cnncalc.values import Bytes, Change, Factor, Sizes

TITLES = {
    "params": "Params",
    "state": "State",
    "macs": "MACs",
    "flops": "FLOPs",
    "field": "Field",
    "peak_memory": "Peak",
    "weights_memory": "Weights",
    "kept_memory": "Kept",
    "training_memory": "Training",
    "layers": "Layers",
    "size": "Size",
}
"""Column titles, by figure."""


def rows_to_dict(rows: Sequence[Row]) -> dict[str, Any]:
    """The rows under the keys of ``--format json``."""
    found = []
    for row in rows:
        each: dict[str, Any] = {
            "spec": row.spec,
            "variant": row.variant,
            "settings": row.settings,
            "input": {name: list(shape) for name, shape in row.inputs.items()},
        }
        for key, value in row.figures.items():
            each["peak_bytes" if key == "peak_memory" else key] = value
        field = row.receptive_field
        each["receptive_field"] = None if field is None else {"size": [_span(*size) for size in field.size]}
        each["lower_bound"] = list(row.lower_bound)
        each["error"] = None if row.error is None else row.error.message
        found.append(each)
    return {"rows": found}


def _span(low: int, high: int) -> Any:
    return low if low == high else {"min": low, "max": high}


def tabulate_rows(rows: Sequence[Row], keys: Sequence[str], total: int) -> Table:
    """A line per network; the first that builds is the baseline, the others show their factor."""
    swept = list(dict.fromkeys(name for row in rows for name in row.settings))
    columns = [Column("Network"), *(Column(name, True) for name in swept), Column("Input")]
    for key in keys:
        columns += [Column(TITLES[key], True), Column(f"{TITLES[key]} x", True, DETAIL)]
    baseline = next((row for row in rows if row.error is None), None)
    lines = []
    for row in rows:
        name = (
            row.spec if row.variant in (None, row.spec) or "variant" in row.settings else f"{row.spec} ({row.variant})"
        )
        cells: list[Any] = [name, *(_setting(row.settings.get(each)) for each in swept)]
        if row.error is not None:
            cells += [row.error.message, *[None] * (2 * len(keys))]
        else:
            cells.append(Sizes(next(iter(row.inputs.values()))))
            for key in keys:
                value = row.figures[key]
                cells += [_figure(key, value), _factor(value, baseline, row, key)]
        lines.append(Line(cells))
    several = len(rows) > 1
    kept = [place for place, column in enumerate(columns) if several or not column.title.endswith(" x")]
    lines = [Line([line.cells[place] for place in kept]) for line in lines]
    remarks = [f"{len(rows):,} of {total:,} settings"] if len(rows) < total else []
    return Table([columns[place] for place in kept], lines, remarks=tuple(remarks))


def _setting(value: Any) -> Any:
    return str(value) if isinstance(value, (list, tuple)) else value


def _figure(key: str, value: Any) -> Any:
    return Bytes(value) if value is not None and MEASURES[key].units is BYTES else value


def _factor(value: Any, baseline: Row | None, row: Row, key: str) -> Factor | None:
    base = baseline.figures.get(key) if baseline is not None else None
    return Factor(value / base) if value is not None and base and row is not baseline else None


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
        old, new = (_figure(key, value) for value in found.totals[key])
        totals.append(Total(TITLES[key], _pair((old, new))))
        if found.totals[key][0] and found.totals[key][1] is not None and old != new:
            share = found.totals[key][1] / found.totals[key][0] - 1
            totals[-1] = Total(f"{TITLES[key]} ({share:+.2%})", Change(old, new))
    remarks = [f"{found.unchanged:,} layers are the same"]
    if found.further:
        remarks.append(f"{found.further:,} of them see another stretch of the input")
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
        parts = " + ".join(f"{part} {number:,}" for part, number in each.parts.items()).replace("+ -", "- ")
        lines.append(Line([each.tool, each.label, each.value, parts, each.version]))
    remarks = [f"{each.tool}: {note}" for each in found for note in each.notes]
    return Table(columns, lines, (f"{graph.title}, as other tools count it",), graph.source, remarks=tuple(remarks))
