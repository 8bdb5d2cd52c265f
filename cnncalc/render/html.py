"""Tables for notebooks."""

from __future__ import annotations

from html import escape

from cnncalc.render.cells import brief, prose, written
from cnncalc.tables.table import Table


def render(tables: list[Table]) -> str:
    """An HTML fragment; all text is escaped."""
    return "".join(map(_whole, tables))


def _whole(table: Table) -> str:
    head = "".join(f"<th>{escape(column.title)}</th>" for column in table.columns)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td style="text-align: {"right" if column.numeric else "left"}">{escape(written(cell))}</td>'
            for cell, column in zip(line.cells, table.columns)
        )
        + "</tr>"
        for line in table.lines
    )
    totals = "".join(f"<li>{escape(title)}: {_figure(value, unit)}</li>" for title, value, unit in table.totals)
    remarks = "".join(f"<p><small>{escape(remark)}</small></p>" for remark in table.remarks)
    return (
        f"<p><b>{escape(prose(table.heading))}</b><br>{escape(table.source)}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><ul>{totals}</ul>{remarks}"
    )


def _figure(value: object, unit: str) -> str:
    short = escape(brief(value, unit))
    if unit == "bytes":
        return short
    return f"{escape(written(value))}{f' ({short})' if short else ''}"
