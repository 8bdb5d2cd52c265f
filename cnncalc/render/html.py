"""A table for notebooks."""

from __future__ import annotations

from html import escape

from cnncalc.render.text import written
from cnncalc.tables.report import Table


def render(table: Table) -> str:
    """An HTML fragment; all text is escaped."""
    head = "".join(f"<th>{escape(column.title)}</th>" for column in table.columns)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td style="text-align: {"right" if column.numeric else "left"}">{escape(written(cell))}</td>'
            for cell, column in zip(row.cells, table.columns)
        )
        + "</tr>"
        for row in table.rows
    )
    totals = "".join(
        f"<li>{escape(title)}: {escape(written(value))}{f' ({escape(brief)})' if brief else ''}</li>"
        for title, value, brief in table.totals
    )
    remarks = "".join(f"<p><small>{escape(remark)}</small></p>" for remark in table.remarks)
    return (
        f"<p><b>{escape(table.heading)}</b><br>{escape(table.source)}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><ul>{totals}</ul>{remarks}"
    )
