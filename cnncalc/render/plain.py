"""Plain text: aligned columns, never clipped, the same bytes from run to run."""

from __future__ import annotations

from cnncalc.render.text import written
from cnncalc.tables.report import Table


def render(table: Table) -> str:
    """The whole table as text that ends in a line break."""
    lines = [table.heading]
    if table.source:
        lines.append(table.source)
    lines += ["", *grid(table), ""]
    lines += totals(table)
    if table.remarks:
        lines += ["", *table.remarks]
    if table.sentence:
        lines += ["", table.sentence]
    return "\n".join(lines).rstrip("\n") + "\n"


def grid(table: Table) -> list[str]:
    """Header, rule and rows."""
    head = [column.title for column in table.columns]
    rows = [[written(cell) for cell in row.cells] for row in table.rows]
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    numeric = [column.numeric for column in table.columns]
    lines = []
    for cells in [head, ["-" * width for width in widths], *rows]:
        aligned = [
            cell.rjust(width) if right else cell.ljust(width) for cell, width, right in zip(cells, widths, numeric)
        ]
        lines.append("  ".join(aligned).rstrip())
    return lines


def totals(table: Table) -> list[str]:
    """The totals block: titles, exact figures, short forms."""
    entries = [
        (title, written(value), brief, brief != "" or isinstance(value, int)) for title, value, brief in table.totals
    ]
    if not entries:
        return []
    wide = max(len(title) for title, *_ in entries)
    figures = max((len(value) for _, value, _, counted in entries if counted), default=0)
    return [
        f"{title:<{wide}}  {value:>{figures}}  {brief}".rstrip() if counted else f"{title:<{wide}}  {value}"
        for title, value, brief, counted in entries
    ]
