"""The bundled networks as a table, and as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.compare.fronts import Aim
from cnncalc.gallery import Entry
from cnncalc.tables.comparison import cell, row_figures, title
from cnncalc.tables.table import DETAIL, Column, Line, Table
from cnncalc.values import PerAxis, Sizes


def tabulate(entries: Sequence[Entry], shown: Sequence[Aim]) -> Table:
    """One line a network; the receptive field per axis."""
    columns = [
        Column("Name"),
        Column("Year", True, DETAIL),
        Column("Input"),
        *(Column(title(aim), True) for aim in shown),
    ]
    lines = []
    for entry in entries:
        year = None if entry.year is None else str(entry.year)
        figures = [PerAxis(entry.receptive_field) if aim.key == "field" else cell(aim, entry.row) for aim in shown]
        lines.append(Line([entry.name, year, Sizes(entry.input), *figures]))
    told = any(aim.key == "field" for aim in shown)
    remarks = ("Field: the receptive field, in pixels of the input",) if told else ()
    heading = (len(entries), f" bundled network{'s' * (len(entries) != 1)}")
    return Table(columns, lines, heading, remarks=remarks)


def to_dict(entry: Entry, shown: Sequence[Aim]) -> dict[str, Any]:
    """A network's line as data, values as they are; what was asked for beyond what every entry has comes last."""
    found = entry._asdict()
    del found["row"]
    further = row_figures(entry.row, shown)
    return found | {key: value for key, value in further.items() if key not in (*found, "field")}
