"""Comma-separated values: raw digits in every cell, one header line."""

from __future__ import annotations

import csv
import io

from cnncalc.render.cells import prose, raw
from cnncalc.tables.table import Table


def render(tables: list[Table]) -> str:
    """All tables in one sheet; with several, a first column tells the network, and one the batch if it is not 1."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    titles: list[str] = []
    for table in tables:
        titles += [column.title for column in table.columns if column.title not in titles]
    several, batched = len(tables) > 1, any(table.batch != 1 for table in tables)
    writer.writerow([*(["Network"] if several else []), *(["Batch"] if batched else []), *titles])
    for table in tables:
        places = {column.title: index for index, column in enumerate(table.columns)}
        for line in table.lines:
            cells = [raw(line.cells[places[title]]) if title in places else "" for title in titles]
            before = [*([prose(table.heading)] if several else []), *([str(table.batch)] if batched else [])]
            writer.writerow([*before, *cells])
    return out.getvalue()
