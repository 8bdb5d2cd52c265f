"""Rows of a comparison -> Chart: what is drawn against what; no scale, no colour, no file format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnncalc.compare.fronts import Aim, front
from cnncalc.compare.selection import Selection
from cnncalc.compare.sweep import Row, Sweep
from cnncalc.diagnostics import UsageFault
from cnncalc.records import NamedTuple
from cnncalc.tables.comparison import network_of, title

MAX_SERIES = 12
"""Lines of one panel that can be told apart."""


class Axis(NamedTuple):
    """What is measured along an axis."""

    title: str
    unit: str = ""
    """`bytes`, or nothing for counts."""


class Series(NamedTuple):
    """Points that belong together, in the order in which they are joined."""

    name: str
    points: tuple[tuple[float, float], ...]
    names: tuple[str, ...] = ()
    """What each point is; empty where it is just the series."""


class Panel(NamedTuple):
    """One drawing with its two axes."""

    x: Axis
    y: Axis
    lines: tuple[Series, ...]
    points: Series | None = None
    """Points that are not joined, each with its name; the lines are then what no other beats."""


class Chart(NamedTuple):
    """Panels that stand above each other."""

    title: str
    panels: tuple[Panel, ...]


def chart(found: Sweep, chosen: Selection) -> Chart:
    """What a comparison comes to in a picture.

    Two figures to choose by (``--front``), or nothing swept but two columns: a scatter, with its front drawn.  A swept
    number, that of the most values where there are several: a panel for each column, with a line for every network
    and every other setting.  Raises `UsageFault` where there is neither.
    """
    rows = [row for row in chosen.meeting(found.rows) if row.error is None]
    if not rows:
        raise UsageFault("no-plot", "no network is left to be drawn")
    swept = [name for name in rows[0].settings if all(_is_number(row.settings[name]) for row in rows)]
    if len(chosen.front) >= 2:
        return _scatter(rows, chosen.front[0], chosen.front[1])
    if swept:
        longest = max(swept, key=lambda name: len({row.settings[name] for row in rows}))
        return _lines(rows, longest, chosen.columns)
    if len(chosen.columns) >= 2:
        return _scatter(rows, chosen.columns[0], chosen.columns[1])
    help = "sweep one number with `--over`, or name two figures, for example `--front macs,params`"
    raise UsageFault("no-plot", "a plot is of one swept number, or of two figures", None, help)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float))


def _axis(aim: Aim) -> Axis:
    quantity = aim.formula.quantity
    return Axis(title(aim), quantity.unit if quantity is not None else "")


def _lines(rows: Sequence[Row], name: str, columns: Sequence[Aim]) -> Chart:
    """A panel for each figure, over the values of what is swept."""
    several = len({network_of(row) for row in rows}) > 1
    panels = []
    for aim in columns:
        series: dict[str, list[tuple[float, float]]] = {}
        for row in rows:
            value = aim.of(row.known)
            if _is_number(value):
                others = [f"{key}={value}" for key, value in row.settings.items() if key != name]
                label = ", ".join([network_of(row), *others] if several or not others else others)
                series.setdefault(label, []).append((row.settings[name], value))
        if len(series) > MAX_SERIES:
            raise UsageFault("no-plot", f"{len(series):,} lines are more than can be told apart ({MAX_SERIES})")
        if series:
            lines = tuple(Series(label, tuple(sorted(points))) for label, points in series.items())
            panels.append(Panel(Axis(name), _axis(aim), lines))
    if not panels:
        raise UsageFault("no-plot", "none of the figures applies")
    return Chart(f"{network_of(rows[0])} by {name}" if not several else f"by {name}", tuple(panels))


def _scatter(rows: Sequence[Row], x: Aim, y: Aim) -> Chart:
    """All rows by two figures, and those that no other beats in both."""
    known = [row for row in rows if _is_number(x.of(row.known)) and _is_number(y.of(row.known))]
    if not known:
        raise UsageFault("no-plot", f"`{x.key}` and `{y.key}` apply to none of the networks")
    points = [(x.of(row.known), y.of(row.known)) for row in known]
    names = [_named(row) for row in known]
    best = sorted(front([row.known for row in known], (x, y)), key=lambda place: points[place])
    line = Series("not beaten in both", tuple(points[p] for p in best), tuple(names[p] for p in best))
    panel = Panel(_axis(x), _axis(y), (line,), Series("", tuple(points), tuple(names)))
    return Chart(f"{title(y)} against {title(x)}", (panel,))


def _named(row: Row) -> str:
    """A network and its settings."""
    return ", ".join([network_of(row), *(f"{name}={value}" for name, value in row.settings.items())])
