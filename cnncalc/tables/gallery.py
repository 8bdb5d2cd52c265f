"""The bundled networks as a table, and as data."""

from __future__ import annotations

from typing import Any

from cnncalc.gallery import Entry
from cnncalc.tables.table import DETAIL, Column, Line, Table
from cnncalc.values import PerAxis, Sizes

COLUMNS = [
    Column("Name"),
    Column("Year", True, DETAIL),
    Column("Input"),
    Column("Params", True),
    Column("MACs", True),
    Column("Field", True),
]


def tabulate(entries: list[Entry]) -> Table:
    """One line a network; the last column is the receptive field."""
    lines = [
        Line(
            [
                entry.name,
                None if entry.year is None else str(entry.year),
                Sizes(entry.input),
                entry.params,
                entry.macs,
                PerAxis(entry.receptive_field),
            ]
        )
        for entry in entries
    ]
    heading = (len(entries), " bundled networks")
    return Table(COLUMNS, lines, heading, remarks=("Field: the receptive field, in pixels of the input",))


def to_dict(entry: Entry) -> dict[str, Any]:
    """A network's line as data, values as they are."""
    return entry._asdict()
