"""The gallery as a table, whose last column is the receptive field, and as JSON."""

from __future__ import annotations

from cnncalc.gallery import Entry
from cnncalc.tables.report import Axes, Column, Row, Sized, Table, ranged

COLUMNS = [
    Column("Name"),
    Column("Year", True),
    Column("Input"),
    Column("Params", True),
    Column("MACs", True),
    Column("Field", True),
]


def as_json(entries: list[Entry]) -> str:
    """A list with one object a network."""
    import json

    keys = ("name", "title", "source", "year", "input", "params", "macs")
    rows = [
        {
            **{key: getattr(entry, key) for key in keys},
            "receptive_field": [_size(*size) for size in entry.receptive_field],
        }
        for entry in entries
    ]
    return json.dumps(rows, ensure_ascii=False) + "\n"


def table(entries: list[Entry]) -> Table:
    """One line a network."""
    rows = [
        Row(
            [
                entry.name,
                None if entry.year is None else str(entry.year),
                Sized(entry.input),
                entry.params,
                entry.macs,
                Axes(ranged(*size) for size in entry.receptive_field),
            ]
        )
        for entry in entries
    ]
    return Table(
        f"{len(entries)} bundled networks",
        "",
        COLUMNS,
        rows,
        [],
        ["Field: the receptive field, in pixels of the input"],
        "",
    )


def _size(low: int, high: int) -> object:
    return low if low == high else {"min": low, "max": high}
