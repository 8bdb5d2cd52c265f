"""The table on a terminal; the only module that imports rich."""

from __future__ import annotations

import re

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from cnncalc.render.cells import prose, written
from cnncalc.render.plain import totals
from cnncalc.tables.table import Table

LEAST = {"From": 14, "Layer": 14, "Name": 14, "Type": 10}
"""Columns of text, which fold on a narrow terminal, in this order, and the width that they keep."""


def show(tables: list[Table]) -> None:
    """Print tables one below the other."""
    for number, table in enumerate(tables):
        if number:
            Console().print()
        show_one(table)


def show_one(table: Table, console: Console | None = None) -> None:
    """Print a table; names fold where the terminal is narrow, numbers are never cut off."""
    console = console or Console(highlight=False)
    if table.heading:
        print_text(console, prose(table.heading), "bold")
    if table.source:
        print_text(console, table.source, "dim")
    if table.heading:
        console.print()
    cells = [[written(cell) for cell in line.cells] for line in table.lines]
    widths, gap = column_widths(table, cells, console.width)
    drawn = RichTable(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="bold underline")
    for index, (column, width) in enumerate(zip(table.columns, widths)):
        drawn.add_column(
            column.title,
            justify="right" if column.numeric else "left",
            width=width,
            no_wrap=True,
            style="cyan" if index == 0 else "",
        )
    for line, texts in zip(table.lines, cells):
        wrapped = [folded(text, width) for text, width in zip(texts, widths)]
        dimmed = ["dim" if cell in (None, 0) else "" for cell in line.cells]
        drawn.add_row(*map(Text, wrapped, dimmed), style="italic" if line.layers > 1 else "")
    needed = sum(widths) + gap * (len(widths) - 1)
    if needed > console.width:  # rather lines that the terminal wraps than a number cut off
        console = Console(highlight=False, width=needed)
    console.print(drawn)
    if table.totals:
        console.print()
    for text in totals(table):
        print_text(console, text, "")
    if table.remarks:
        console.print()
    for remark in table.remarks:
        print_text(console, remark, "dim")
    if table.sentence:
        console.print()
        print_text(console, prose(table.sentence), "bold")


def print_text(console: Console, text: str, style: str) -> None:
    """A line of text, wrapped between words; nothing in it is markup."""
    console.print(Text(text, style=style))


def column_widths(table: Table, cells: list[list[str]], available: int) -> tuple[list[int], int]:
    """The width of each column and the gap between them, so that the table fits if it can."""
    titles = [column.title for column in table.columns]
    widths = [max(map(len, column)) for column in zip(titles, *cells)]
    gap = 2
    for title, least in LEAST.items():
        excess = sum(widths) + gap * (len(widths) - 1) - available
        if excess > 0 and title in titles:
            index = titles.index(title)
            widths[index] = max(min(widths[index], least), widths[index] - excess)
    if sum(widths) + gap * (len(widths) - 1) > available:
        gap = 1
    return widths, gap


def folded(text: str, width: int) -> str:
    """`text` in lines of at most `width`, broken after dots, commas and underscores where that is possible."""
    if len(text) <= width:
        return text
    lines = [""]
    for part in re.findall(r"[^., _]*[., _]*", text):
        if len(lines[-1]) + len(part.rstrip()) > width and lines[-1]:
            lines.append("")
        rest = lines[-1] + part
        while len(rest.rstrip()) > width:
            lines[-1], rest = rest[:width], rest[width:]
            lines.append("")
        lines[-1] = rest
    return "\n".join(line.rstrip() for line in lines)
