"""Which rows a report has in a view: layers or blocks, sorted, the first so many.  Tables and JSON show the same."""

from __future__ import annotations

from typing import Any

from cnncalc.analyzers.quantities import QUANTITIES
from cnncalc.analyzers.quantity import Nature, Quantity
from cnncalc.diagnostics import UsageFault, suggestion
from cnncalc.report import Report
from cnncalc.tables.outline import Stretch, fused, outline
from cnncalc.tables.table import View
from cnncalc.values import Shapes, Sizes, magnitude

TEXTS = ("name", "kind")
"""What rows may be sorted by beside quantities."""


def table_rows(report: Report, view: View, shown: list[Quantity]) -> tuple[list[Stretch], int]:
    """The rows of a table in a view, and how many there are without `top`: below headings, unless they are sorted or
    only some are asked for; as data has them, where the view is flat.

    `shown` are the quantities of its columns.
    """
    if view.flat:
        return stretches(report, view)
    if view.sort is not None or view.top is not None:
        return _chosen(report, fused(report.graph, view.depth), view)
    values = [report.values(quantity.key) for quantity in shown]
    rows = outline(report.graph, lambda place: [column[place] for column in values], view.depth)
    return rows, len(rows)


def stretches(report: Report, view: View) -> tuple[list[Stretch], int]:
    """The rows of a view as data, and how many there are without `top`; every layer is in exactly one of them."""
    nodes = report.graph.nodes
    if view.depth is None:
        rows = [Stretch(node.name, [node.place], node.kind, node.name) for node in nodes]
    else:
        groups: dict[str, list[int]] = {}
        for node in nodes:
            groups.setdefault(".".join(node.name.split(".")[: view.depth]), []).append(node.place)
        rows = [
            Stretch(name, places, nodes[places[0]].kind if len(places) == 1 else "", name)
            for name, places in groups.items()
        ]
    return _chosen(report, rows, view)


def _chosen(report: Report, rows: list[Stretch], view: View) -> tuple[list[Stretch], int]:
    if view.sort is not None:
        rows = ordered(report, rows, view.sort)
    return rows[: view.top] if view.top is not None else rows, len(rows)


def ordered(report: Report, rows: list[Stretch], by: str) -> list[Stretch]:
    """Rows by name or kind from A to Z, or by a quantity, the greatest first."""
    key = sort_key(by)
    if key == "name":
        return sorted(rows, key=lambda row: row.name)
    if key == "kind":
        return sorted(rows, key=lambda row: row.kind)
    quantity = QUANTITIES[key]
    return sorted(rows, key=lambda row: magnitude(report.folded(quantity, row.places)), reverse=True)


def sort_key(word: str) -> str:
    """The key that ``--sort WORD`` means: a quantity's, or its word among the totals, or a beginning that only one of
    those in reports has; raises `UsageFault`."""
    known = [*TEXTS, *(key for key, quantity in QUANTITIES.items() if quantity.commands)]
    if word in known:
        return word
    meant = [key for key, quantity in QUANTITIES.items() if quantity.word == word]
    meant = meant or [key for key in known if key.startswith(word)]
    if len(meant) == 1:
        return meant[0]
    help = suggestion(word, known) or f"keys are {', '.join(known)}"
    raise UsageFault("unknown-key", f"rows cannot be sorted by `{word}`", None, help)


def shown(quantity: Quantity, value: Any, view: View) -> Any:
    """A value as the user's framework writes it: shapes with the channels last where that is asked for."""
    if quantity.nature != Nature.SHAPE or not view.channels_last:
        return value
    if isinstance(value, Shapes):
        return Shapes(arranged(shape, view) for shape in value)
    return [arranged(shape, view) for shape in value] if isinstance(value, list) else arranged(value, view)


def arranged(shape: tuple[int, ...], view: View) -> Sizes:
    """A shape with its channels first or last."""
    return Sizes((*shape[1:], shape[0]) if view.channels_last else shape)
