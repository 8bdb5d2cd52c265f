"""What every table is: columns, lines of raw values, totals and remarks; no terminal, no file, nothing formatted."""

from __future__ import annotations

from typing import Any

from cnncalc.records import NamedTuple
from cnncalc.values import Prose


class Column(NamedTuple):
    """A column: its title, and whether its cells are numbers."""

    title: str
    numeric: bool = False
    drop: int = 0
    """Where there is no room for all columns, the least go first; 0 stays."""


SHARE, ORIGIN, DETAIL, KIND = 1, 2, 3, 4
"""The order in which columns go: shares of a total, where a layer takes its input from, what others nearly tell; and
what a layer is, only where words would have to break."""


class Line(NamedTuple):
    """The cells of one row, which stands for so many layers."""

    cells: list[Any]
    layers: int = 1
    depth: int = 0
    """Headings above it, by which its first cell is indented."""
    heading: bool = False
    """Whether it is a heading: its sums are subtotals of the rows below it."""
    costly: tuple[int, ...] = ()
    """Positions of the cells that are among the greatest of their column."""


class Total(NamedTuple):
    """One line below the table."""

    title: str
    value: Any
    unit: str = ""
    """`bytes`, or nothing for counts; what is no number has none."""


class Table(NamedTuple):
    """What a command shows: a heading, lines, totals, remarks, and one sentence to paste."""

    columns: list[Column]
    lines: list[Line]
    heading: Prose = ()
    source: str = ""
    totals: tuple[Total, ...] = ()
    remarks: tuple[str, ...] = ()
    sentence: Prose = ()
    batch: int = 1
    """The samples that the figures are of."""


class View(NamedTuple):
    """What the user asked of a report, in whatever form."""

    flat: bool = False
    """Every layer in a row of its own, as data has it."""
    depth: int | None = None
    sort: str | None = None
    top: int | None = None
    channels_last: bool = False
