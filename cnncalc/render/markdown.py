"""A GitHub-flavoured Markdown table."""

from __future__ import annotations

import re

from cnncalc.render.text import written
from cnncalc.tables.report import Table


def render(table: Table) -> str:
    """Heading, table, totals and remarks; text from the spec is escaped."""
    lines = [f"**{_escaped(table.heading)}**", ""]
    if table.source:
        lines += [_escaped(table.source), ""]
    lines.append("| " + " | ".join(column.title for column in table.columns) + " |")
    lines.append("| " + " | ".join("---:" if column.numeric else "---" for column in table.columns) + " |")
    for row in table.rows:
        lines.append("| " + " | ".join(_escaped(written(cell)) for cell in row.cells) + " |")
    lines.append("")
    for title, value, brief in table.totals:
        lines.append(f"- {title}: {' = '.join(filter(None, (_escaped(written(value)), brief)))}")
    if table.remarks:
        lines += ["", *(f"- {_escaped(remark)}" for remark in table.remarks)]
    if table.sentence:
        lines += ["", _escaped(table.sentence)]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", text) if re.search(r"[\\`*_\[\]<>|]", text) else text
