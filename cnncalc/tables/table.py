"""What every table is: columns, lines of raw values, totals and remarks; no terminal, no file, nothing formatted."""

from __future__ import annotations

from typing import Any, NamedTuple

from cnncalc.values import Prose


class Column(NamedTuple):
    """A column: its title, and whether its cells are numbers."""

    title: str
    numeric: bool = False


class Line(NamedTuple):
    """The cells of one row, which stands for so many layers."""

    cells: list[Any]
    layers: int = 1


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


class View(NamedTuple):
    """What the user asked of a report, in whatever form."""

    batch: int = 1
    depth: int | None = None
    sort: str | None = None
    top: int | None = None
    channels_last: bool = False
