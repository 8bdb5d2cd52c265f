"""Plain text: aligned columns, never clipped, the same bytes from run to run."""

from __future__ import annotations

from cnncalc.render.cells import brief, prose, written
from cnncalc.render.layout import head, layout, rows
from cnncalc.tables.table import Table


def render(tables: list[Table]) -> str:
    """The whole tables as text that ends in a line break."""
    return "\n".join(map(_whole, tables))


def _whole(table: Table) -> str:
    head = list(filter(None, [prose(table.heading), table.source]))
    parts = [head, grid(table), totals(table), table.remarks, list(filter(None, [prose(table.sentence)]))]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def grid(table: Table, width: int | None = None) -> list[str]:
    """Header, rule and rows; in lines of at most `width`, if there is such a limit."""
    laid = layout(table, width)
    texts = [[cell.text for cell in cells] for cells in head(table, laid)]
    texts.append(["-" * width for width in laid.widths])
    texts += [[cell.text for cell in cells] for _, lines in rows(table, laid) for cells in lines]
    return [(" " * laid.gap).join(cells).rstrip() for cells in texts]


def totals(table: Table) -> list[str]:
    """The totals block: titles, exact figures, short forms."""
    entries = []
    for title, value, unit in table.totals:
        text = brief(value, unit)
        figure = "" if unit == "bytes" else written(value)
        entries.append((title, figure, text, text != "" or isinstance(value, int)))
    if not entries:
        return []
    wide = max(len(title) for title, *_ in entries)
    figures = max((len(value) for _, value, _, counted in entries if counted), default=0)
    return [
        f"{title:<{wide}}  {value:>{figures}}  {text}".rstrip() if counted else f"{title:<{wide}}  {value}"
        for title, value, text, counted in entries
    ]
