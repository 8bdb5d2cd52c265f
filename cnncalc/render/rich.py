"""The table on a terminal; the only module that imports rich."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

from cnncalc.render.plain import totals
from cnncalc.render.text import written
from cnncalc.tables import Table

NAME_WIDTH = 12
"""Columns that a name keeps before it folds."""


def show(table: Table, console: Console | None = None) -> None:
    """Print a table; names fold where the terminal is narrow, numbers are never cut off."""
    console = console or Console(highlight=False)
    console.print(Text(table.heading, style="bold"))
    if table.source:
        console.print(Text(table.source, style="dim"))
    drawn = RichTable(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for index, column in enumerate(table.columns):
        widths = [len(column.title), *(len(written(row.cells[index])) for row in table.rows)]
        folds = column.title in ("Layer", "From", "Type")
        drawn.add_column(
            Text(column.title),
            justify="right" if column.numeric else "left",
            no_wrap=not folds,
            overflow="fold",
            min_width=min(max(widths), NAME_WIDTH) if folds else max(widths),
            style="cyan" if index == 0 else "",
        )
    for row in table.rows:
        drawn.add_row(
            *(Text(written(cell), style="dim" if cell in (None, 0) else "") for cell in row.cells),
            style="italic" if row.folded > 1 else "",
        )
    needed = Measurement.get(console, console.options.update(width=10_000), drawn).minimum
    console.print(drawn, width=max(console.width, needed), crop=False, no_wrap=False)
    for line in totals(table):
        console.print(Text(line), soft_wrap=True)
    if table.remarks:
        console.print()
    for remark in table.remarks:
        console.print(Text(remark, style="dim"))
    if table.sentence:
        console.print()
        console.print(Text(table.sentence, style="bold"))
