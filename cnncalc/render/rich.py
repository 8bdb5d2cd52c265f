"""The table on a terminal; the only module that imports rich.

Colour repeats what is there in words and figures: headings are indented and their subtotals stand in brackets, the
costliest figures are the largest.
"""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from cnncalc.render.cells import prose
from cnncalc.render.layout import Cell, Layout, head, layout, rows, wrapped
from cnncalc.render.plain import totals
from cnncalc.tables.table import Line, Table
from cnncalc.values import Subtotal

NAME = "cyan"
COSTLY = "bold magenta"
"""Of the greatest figures of a column; to be read on dark and on light."""


def show(tables: list[Table]) -> None:
    """Print tables one below the other."""
    console = Console(highlight=False)
    for number, table in enumerate(tables):
        if number:
            console.print()
        show_one(table, console)


def show_one(table: Table, console: Console) -> None:
    """Print a table in the width of the console: numbers are never cut off."""
    if table.heading:
        print_text(console, prose(table.heading), "bold")
    if table.source:
        print_text(console, table.source, "dim")
    if table.heading:
        console.print()
    laid = layout(table, console.width)
    for cells in head(table, laid):
        print_line(console, cells, laid, ["bold underline"] * len(table.columns))
    for line, lines in rows(table, laid):
        styles = [_style(line, at) for at in range(len(table.columns))]
        for cells in lines:
            print_line(console, cells, laid, styles)
    if laid.dropped:
        print_text(console, f"no room here for {', '.join(laid.dropped)}", "dim")
    if table.totals:
        console.print()
    for text in totals(table):
        print_text(console, text, "")
    if table.remarks:
        console.print()
    for remark in table.remarks:
        print_text(console, remark, "dim", indent=2)
    if table.sentence:
        console.print()
        print_text(console, prose(table.sentence), "bold")


def _style(line: Line, at: int) -> str:
    """How a cell looks: names and headings, what counts most, and what is nothing."""
    if at == 0:
        return f"bold {NAME}" if line.heading else NAME
    if at in line.costly:
        return COSTLY
    value = line.cells[at]
    return "dim" if value in (None, 0) or isinstance(value, Subtotal) else ""


def print_line(console: Console, cells: list[Cell], laid: Layout, styles: list[str]) -> None:
    """One line of a table."""
    text = Text()
    for number, cell in enumerate(cells):
        text.append(" " * laid.gap if number else "")
        text.append(cell.text, styles[cell.column])
    text.rstrip()
    console.print(text, soft_wrap=True)


def print_text(console: Console, text: str, style: str, indent: int = 0) -> None:
    """A line of text, wrapped between words; nothing in it is markup."""
    console.print(Text(wrapped(text, console.width, indent), style=style), soft_wrap=True)
