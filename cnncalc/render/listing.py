"""The gallery in the forms of a table."""

from __future__ import annotations

from cnncalc.gallery import Entry
from cnncalc.render import csv, markdown, plain
from cnncalc.tables import Axes, Column, Row, Sized, Table, ranged

COLUMNS = [
    Column("Name"),
    Column("Year", True),
    Column("Input"),
    Column("Params", True),
    Column("MACs", True),
    Column("Receptive field", True),
]


def render(entries: list[Entry], format: str) -> str:
    """One line a network."""
    if format == "json":
        import json

        keys = ("name", "title", "source", "year", "input", "params", "macs")
        entries_as_data = [
            {
                **{key: getattr(entry, key) for key in keys},
                "receptive_field": [_size(*size) for size in entry.receptive_field],
            }
            for entry in entries
        ]
        return json.dumps(entries_as_data, ensure_ascii=False) + "\n"
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
    table = Table(f"{len(entries)} bundled networks", "", COLUMNS, rows, [], [], "")
    if format == "csv":
        return csv.render([table])
    return markdown.render(table) if format == "markdown" else plain.render(table)


def _size(low: int, high: int) -> object:
    return low if low == high else {"min": low, "max": high}
