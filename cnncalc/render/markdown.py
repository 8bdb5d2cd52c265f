"""GitHub-flavoured Markdown tables."""

from __future__ import annotations

import re

from cnncalc.render.cells import brief, prose, written
from cnncalc.tables.table import Table

INDENT = "&emsp;"


def render(tables: list[Table]) -> str:
    """Heading, table, totals and remarks of each; text from the spec is escaped."""
    return "\n".join(map(_whole, tables))


def _whole(table: Table) -> str:
    lines = [f"**{_escaped(prose(table.heading))}**", ""] if table.heading else []
    if table.source:
        lines += [_escaped(table.source), ""]
    lines.append("| " + " | ".join(column.title for column in table.columns) + " |")
    lines.append("| " + " | ".join("---:" if column.numeric else "---" for column in table.columns) + " |")
    for line in table.lines:
        texts = [_escaped(written(cell)) for cell in line.cells]
        lines.append(f"| {INDENT * line.depth}{' | '.join(texts)} |")
    if table.totals:
        lines.append("")
    for title, value, unit in table.totals:
        figure = "" if unit == "bytes" else _escaped(written(value))
        lines.append(f"- {title}: {' = '.join(filter(None, (figure, brief(value, unit))))}")
    if table.remarks:
        lines += ["", *(f"- {_escaped(remark)}" for remark in table.remarks)]
    if table.sentence:
        lines += ["", _escaped(prose(table.sentence))]
    return "\n".join(lines).rstrip("\n") + "\n"


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", text)
