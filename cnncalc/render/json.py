"""JSON: exact figures under the same keys in every command, behind the same header."""

from __future__ import annotations

import json as encoder
from collections.abc import Iterable
from typing import Any

from cnncalc.analyzers.quantities import GROUPS, reported
from cnncalc.analyzers.quantity import Fold, Quantity, function
from cnncalc.diagnostics import Origin
from cnncalc.graph import Graph
from cnncalc.render.cells import data
from cnncalc.report import Report
from cnncalc.tables.outline import Stretch
from cnncalc.tables.rows import arranged, shown, stretches
from cnncalc.tables.table import View
from cnncalc.values import known

SCHEMA = 1
encode = encoder.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def document(content: dict[str, Any]) -> str:
    """A result under the header that every JSON output has."""
    return encode({**header(), **content}) + "\n"


def documents(contents: list[dict[str, Any]]) -> str:
    """One result as an object, several as a list."""
    texts = [document(content).rstrip("\n") for content in contents]
    return texts[0] + "\n" if len(texts) == 1 else "[" + ",\n".join(texts) + "]\n"


def header() -> dict[str, Any]:
    """What every JSON output begins with."""
    from cnncalc import __version__  # the package imports this module's callers

    return {"cnncalc": __version__, "schema": SCHEMA}


def network_header(graph: Graph, view: View | None = None) -> dict[str, Any]:
    """Which network it is."""
    view = view or View()
    inputs = {name: data(arranged(shape, view)) for name, shape in graph.inputs}
    return {"name": graph.name, "variant": graph.variant, "input": inputs}


def report_header(report: Report, view: View) -> dict[str, Any]:
    """What stands before a report's layers: which network it is, and the batch if it is not 1."""
    batch = {} if report.batch == 1 else {"batch": report.batch}
    return {**header(), **network_header(report.graph, view), **batch}


def report_to_dict(report: Report, view: View | None = None) -> dict[str, Any]:
    """A report as plain data: strings, numbers, lists and dictionaries."""
    view = view or View()
    return {
        **report_header(report, view),
        "layers": list(layers(report, view)),
        "totals": totals(report, view),
    }


def render(reports: list[Report], view: View | None = None) -> str:
    """One report as an object, several as a list; one layer a line."""
    view = view or View()
    texts = []
    for report in reports:
        head = encode(report_header(report, view))[:-1]
        rows = ",\n".join(map(encode, layers(report, view)))
        texts.append(f'{head}, "layers": [\n{rows}\n], "totals": {encode(totals(report, view))}}}')
    return texts[0] + "\n" if len(texts) == 1 else "[" + ",\n".join(texts) + "]\n"


# -- rows --------------------------------------------------------------------------------------------------------------


def layers(report: Report, view: View) -> Iterable[dict[str, Any]]:
    """One dictionary per row of the view, with the quantities that the report has."""
    entries = [_Entry(report, view, key, parts) for key, parts in _entries(report.command).items()]
    names = [*(name for name, _ in report.graph.inputs), *(node.name for node in report.graph.nodes)]
    rows, _ = stretches(report, view)
    for row in rows:
        first, last = report.graph.nodes[row.places[0]], report.graph.nodes[row.places[-1]]
        alone = len(row.places) == 1
        found: dict[str, Any] = {"name": row.name, "kind": last.kind if alone else None}
        if not alone:
            found["layers"] = len(row.places)
        found["inputs"] = [names[tensor] for tensor in first.inputs]
        for entry in entries:
            found[entry.key] = entry.alone[row.places[0]] if alone else entry.folded(row)
        found["shares"] = last.shares.name if last.shares and alone else None
        found["names"] = last.names
        notes = [note.text for at in row.places for note in report.notes(report.graph.nodes[at])]
        found["notes"] = notes if alone else list(dict.fromkeys(notes))
        found["at"] = place(first.origin)
        yield found


def _entries(command: str) -> dict[str, list[Quantity]]:
    """The quantities of a report by the key that they stand under: their own, or that of their group."""
    found: dict[str, list[Quantity]] = {}
    for quantity in reported(command):
        found.setdefault(quantity.group or quantity.key, []).append(quantity)
    return found


class _Entry:
    """What stands under one key of a row: a quantity, or a group of them as an object."""

    def __init__(self, report: Report, view: View, key: str, parts: list[Quantity]) -> None:
        self.report = report
        self.view = view
        self.key = key
        self.parts = parts
        self.values = report.values(key)
        places = {id(value): place for place, value in enumerate(self.values)}
        distinct = {own: self._data(place) for own, place in places.items()}
        self.alone = [distinct[id(value)] for value in self.values]
        """The data of every layer in order; where layers have one value, that is worked out once."""

    def _data(self, at: int) -> Any:
        value = self.values[at]
        if value is None or type(value) is int:
            return value
        if self.key in GROUPS:
            return {part.key: data(function(part.measure)(value)) for part in self.parts}
        return data(shown(self.parts[0], value, self.view))

    def folded(self, row: Stretch) -> Any:
        """The data of several layers together."""
        values = {part.key: self.report.folded(part, row.places) for part in self.parts}
        if self.key not in GROUPS:
            return data(shown(self.parts[0], values[self.key], self.view))
        return None if self.values[row.places[-1]] is None else {key: data(value) for key, value in values.items()}


def place(origin: Origin | None) -> dict[str, Any] | None:
    """Where something is written; a model file has no lines."""
    if origin is None:
        return None
    span = origin.span
    return {"file": span.source.path, "line": span.line or None, "column": span.column or None}


def totals(report: Report, view: View) -> dict[str, Any]:
    """The totals of the quantities that the report has; `lower_bound` names those with an unknown part."""
    found: dict[str, Any] = {}
    for key, parts in _entries(report.command).items():
        if key in GROUPS:
            own = getattr(report.totals, key)
            found[key] = None if own is None else {part.key: data(report.total(part.key)) for part in parts}
        elif parts[0].fold == Fold.SUM:
            found[parts[0].word] = known(report.total(key))
        elif parts[0].total is not None:
            found[parts[0].word] = data(shown(parts[0], report.total(key), view))
    return {**found, "lower_bound": report.lower_bound}
