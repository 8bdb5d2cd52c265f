"""Tables for notebooks."""

from __future__ import annotations

from functools import partial
from html import escape

from cnncalc.render.cells import brief, prose, written
from cnncalc.tables.table import Line, Table


def render(tables: list[Table]) -> str:
    """An HTML fragment; all text is escaped."""
    return "".join(map(_whole, tables))


def _whole(table: Table) -> str:
    head = "".join(f"<th>{escape(column.title)}</th>" for column in table.columns)
    body = "".join(map(partial(_row, table), table.lines))
    totals = "".join(f"<li>{escape(title)}: {_figure(value, unit)}</li>" for title, value, unit in table.totals)
    remarks = "".join(f"<p><small>{escape(remark)}</small></p>" for remark in table.remarks)
    return (
        f"<p><b>{escape(prose(table.heading))}</b><br>{escape(table.source)}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><ul>{totals}</ul>{remarks}"
    )


def _row(table: Table, line: Line) -> str:
    """A row, its name indented below its headings; figures that stand out are bold."""
    cells = []
    for place, (cell, column) in enumerate(zip(line.cells, table.columns)):
        style = f"text-align: {'right' if column.numeric else 'left'}"
        if place == 0 and line.depth:
            style += f"; padding-left: {line.depth + 1}em"
        text = escape(written(cell))
        bold = place in line.costly or (place == 0 and line.heading)
        cells.append(f'<td style="{style}">{f"<b>{text}</b>" if bold else text}</td>')
    return f"<tr>{''.join(cells)}</tr>"


def _figure(value: object, unit: str) -> str:
    short = escape(brief(value, unit))
    if unit == "bytes":
        return short
    return f"{escape(written(value))}{f' ({short})' if short else ''}"
