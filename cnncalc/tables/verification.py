"""A verification as a table, and as data."""

from __future__ import annotations

from typing import Any

from cnncalc.tables.table import DETAIL, Column, Line, Table
from cnncalc.values import Sizes
from cnncalc.verify.network import Verification

COLUMNS = [
    Column("Layer"),
    Column("Type", drop=DETAIL),
    Column("Executed output"),
    Column("Params", True),
    Column("State", True, DETAIL),
    Column("Products", True),
    Column("Receptive field"),
    Column("Agrees"),
]


def tabulate(found: Verification) -> Table:
    """A line per layer, then what differs, how it was run, and a closing sentence."""
    lines = []
    for layer in found.layers:
        agrees = "NO" if layer.differences else "yes" if layer.ran else None
        figures = [layer.params or None, layer.state or None, layer.products or None]
        lines.append(Line([layer.name, layer.kind, Sizes(layer.shape), *figures, layer.field, agrees]))
    remarks = (*differing(found), *found.remarks)
    return Table(COLUMNS, lines, (f"{found.title}, executed",), remarks=remarks, sentence=(found.sentence,))


def differing(found: Verification) -> list[str]:
    """What differs, a line each."""
    return [f"{name}: {difference}" for name, difference in found.differences]


def to_dict(found: Verification) -> dict[str, Any]:
    """The same as data."""
    return {
        "title": found.title,
        "agrees": not found.differences,
        "layers": [layer._asdict() for layer in found.layers],
        "sentence": found.sentence,
        "remarks": found.remarks,
    }
