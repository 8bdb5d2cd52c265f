"""Plain text: aligned columns, never clipped, the same bytes from run to run."""

from __future__ import annotations

from cnncalc.render.cells import brief, prose, written
from cnncalc.tables.table import Table


def render(tables: list[Table]) -> str:
    """The whole tables as text that ends in a line break."""
    return "\n".join(map(_whole, tables))


def _whole(table: Table) -> str:
    lines = [prose(table.heading)] if table.heading else []
    if table.source:
        lines.append(table.source)
    lines += ["", *grid(table), ""] if lines else [*grid(table), ""]
    lines += totals(table)
    if table.remarks:
        lines += ["", *table.remarks]
    if table.sentence:
        lines += ["", prose(table.sentence)]
    return "\n".join(lines).rstrip("\n") + "\n"


def grid(table: Table) -> list[str]:
    """Header, rule and rows."""
    head = [column.title for column in table.columns]
    rows = [cells(line.cells) for line in table.lines]
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    numeric = [column.numeric for column in table.columns]
    lines = []
    for texts in [head, ["-" * width for width in widths], *rows]:
        aligned = [
            text.rjust(width) if right else text.ljust(width) for text, width, right in zip(texts, widths, numeric)
        ]
        lines.append("  ".join(aligned).rstrip())
    return lines


def cells(values: list[object]) -> list[str]:
    """The texts of a row."""
    return [written(value) for value in values]


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
