"""Comma-separated values: raw digits in every cell, one header line."""

from __future__ import annotations

import csv
import io

from cnncalc.render.cells import prose, raw
from cnncalc.tables.table import Table


def render(tables: list[Table]) -> str:
    """All tables in one sheet; with several, a first column tells the network."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    titles: list[str] = []
    for table in tables:
        titles += [column.title for column in table.columns if column.title not in titles]
    several = len(tables) > 1
    writer.writerow([*(["Network"] if several else []), *titles])
    for table in tables:
        places = {column.title: index for index, column in enumerate(table.columns)}
        for line in table.lines:
            cells = [raw(line.cells[places[title]]) if title in places else "" for title in titles]
            writer.writerow([*([prose(table.heading)] if several else []), *cells])
    return out.getvalue()
