"""A chart as SVG, for screens and print: lines are told apart by their dashes and marks as well as by colour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from math import ceil, floor, log10

from cnncalc.records import NamedTuple
from cnncalc.render.cells import size_in_bytes
from cnncalc.tables.chart import Axis, Chart, Panel, Series
from cnncalc.values import UNITS

WIDTH, HEIGHT = 760, 460
"""Of a panel, in pixels of 1/96 inch."""

LEFT, RIGHT, TOP, BOTTOM = 92, 24, 44, 58
"""Around what is drawn, for titles and the figures of the axes."""

SIZE = 13
"""Of letters."""

STYLES = (
    ("#1b4f8f", "", "circle"),
    ("#c0392b", "7 4", "square"),
    ("#1e8449", "2 3", "triangle"),
    ("#7d3c98", "9 3 2 3", "diamond"),
    ("#a04000", "4 2", "cross"),
    ("#34495e", "1 3", "circle"),
)
"""Colour, dashes and mark of a line; they come again in another order."""

LOGARITHMIC = 40
"""The greatest of an axis against its least, from which on it is drawn in powers of ten."""


class Scale(NamedTuple):
    """Where values lie along an axis."""

    low: float
    high: float
    logarithmic: bool
    first: float
    last: float
    """Pixels of `low` and `high`."""

    def at(self, value: float) -> float:
        """The pixel of a value."""
        share = (value - self.low) / (self.high - self.low)
        if self.logarithmic:
            share = log10(value / self.low) / log10(self.high / self.low)
        return self.first + share * (self.last - self.first)


def render(chart: Chart) -> str:
    """The chart as the text of an SVG file."""
    height = HEIGHT * len(chart.panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="Helvetica, Arial, sans-serif" font-size="{SIZE}">',
        f"<title>{escape(chart.title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
    ]
    for number, panel in enumerate(chart.panels):
        parts += _panel(panel, chart.title if number == 0 else "", number * HEIGHT)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel, title: str, top: int) -> list[str]:
    """One panel whose upper edge is `top`."""
    every = [point for series in (*panel.lines, *filter(None, [panel.points])) for point in series.points]
    x = _scale([point[0] for point in every], LEFT, WIDTH - RIGHT)
    y = _scale([point[1] for point in every], top + HEIGHT - BOTTOM, top + TOP)
    parts = [_text(LEFT, top + 22, title, weight="bold")] if title else []
    parts += _axes(panel, x, y, top)
    if panel.points is not None:
        for (px, py), name in zip(panel.points.points, panel.points.names):
            mark = f'<circle cx="{x.at(px):.1f}" cy="{y.at(py):.1f}" r="3.5" fill="none" stroke="#555">'
            parts.append(f"{mark}<title>{escape(name)}</title></circle>")
    for number, series in enumerate(panel.lines):
        parts += _line(series, number, x, y)
    if panel.points is not None:
        parts += _labels(panel.lines[0], x, y)
    return parts + _legend(panel, top)


def _scale(values: Sequence[float], first: float, last: float) -> Scale:
    """A scale for values, with some room around them."""
    low, high = min(values), max(values)
    if low > 0 and high / low >= LOGARITHMIC:
        return Scale(low / 1.3, high * 1.3, True, first, last)
    if 0 <= low <= high / 2:
        low = 0
    room = (high - low) * 0.05 or abs(high) * 0.1 or 1
    return Scale(low if low == 0 else low - room, high + room, False, first, last)


def _ticks(scale: Scale, steps: int = 6) -> list[float]:
    """Round values along a scale."""
    if scale.logarithmic:
        powers = range(floor(log10(scale.low)), ceil(log10(scale.high)))
        few = log10(scale.high / scale.low) < 3
        found = [factor * 10.0**power for power in powers for factor in ((1, 2, 5) if few else (1,))]
        found = found if few or len(found) <= 9 else found[::2]
    else:
        rough = (scale.high - scale.low) / steps
        power = 10.0 ** floor(log10(rough))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
        found = [step * number for number in range(ceil(scale.low / step), floor(scale.high / step) + 1)]
    return [value for value in found if scale.low <= value <= scale.high]


def _figure(axis: Axis, value: float) -> str:
    """A tick's figure."""
    if axis.unit == "bytes" and value:
        return size_in_bytes(round(value)).replace(".00", "")
    unit, size = next(((u, s) for u, s in reversed(UNITS.items()) if abs(value) >= s), ("", 1))
    return f"{value / size:.4g} {unit}".strip()


def _axes(panel: Panel, x: Scale, y: Scale, top: int) -> list[str]:
    """Grid, figures and titles."""
    bottom, parts = top + HEIGHT - BOTTOM, []
    for value in _ticks(x):
        at = f"{x.at(value):.1f}"
        parts.append(f'<path d="M{at} {top + TOP}V{bottom}" stroke="#ddd"/>')
        parts.append(_text(x.at(value), bottom + 18, _figure(panel.x, value), "middle"))
    for value in _ticks(y):
        at = f"{y.at(value):.1f}"
        parts.append(f'<path d="M{LEFT} {at}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(_text(LEFT - 8, y.at(value) + 4, _figure(panel.y, value), "end"))
    parts.append(f'<path d="M{LEFT} {top + TOP}V{bottom}H{WIDTH - RIGHT}" fill="none" stroke="black"/>')
    middle = (top + TOP + bottom) / 2
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, bottom + 42, _titled(panel.x, x), "middle"))
    parts.append(_text(18, middle, _titled(panel.y, y), "middle", turned=True))
    return parts


def _titled(axis: Axis, scale: Scale) -> str:
    return f"{axis.title} (logarithmic)" if scale.logarithmic else axis.title


def _line(series: Series, number: int, x: Scale, y: Scale) -> list[str]:
    """A line with a mark at every point."""
    colour, dashes, mark = _style(number)
    places = [(x.at(px), y.at(py)) for px, py in series.points]
    path = " ".join(f"{px:.1f},{py:.1f}" for px, py in places)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    parts = [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"{dashed}/>']
    if len(places) <= 60:  # more marks than that are a smear
        parts += [MARKS[mark](px, py, colour) for px, py in places]
    return parts


def _style(number: int) -> tuple[str, str, str]:
    """Colour, dashes and mark of the line of a number: no two of the first thirty have all in common."""
    count = len(STYLES)
    return STYLES[number % count][0], STYLES[(number + number // count) % count][1], STYLES[number % count][2]


def _path(shape: str) -> Callable[[float, float, str], str]:
    return lambda x, y, colour: f'<path d="M{x:.1f} {y:.1f}{shape}" fill="{colour}" stroke="{colour}"/>'


MARKS: dict[str, Callable[[float, float, str], str]] = {
    "circle": lambda x, y, colour: f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>',
    "square": _path("m-3 -3h6v6h-6z"),
    "triangle": _path("m0 -4l3.5 6.5h-7z"),
    "diamond": _path("m0 -4l4 4l-4 4l-4 -4z"),
    "cross": _path("m-3 -3l6 6m0 -6l-6 6"),
}
"""How a point is marked."""


def _labels(series: Series, x: Scale, y: Scale) -> list[str]:
    """The names beside points, but where they would lie over each other."""
    taken: list[tuple[float, float, float, float]] = []
    parts = []
    for (px, py), name in zip(series.points, series.names):
        wide = 0.56 * SIZE * len(name)
        left = x.at(px) + 7 if x.at(px) + 7 + wide <= WIDTH - 2 else x.at(px) - 7 - wide
        box = (left, y.at(py) - SIZE, left + wide, y.at(py) + 3)
        if not any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken):
            taken.append(box)
            parts.append(_text(left, y.at(py) - 3, name))
    return parts


def _legend(panel: Panel, top: int) -> list[str]:
    """What each line is, above the panel's right half; nothing for a single one that has no other beside it."""
    if len(panel.lines) == 1 and panel.points is None:
        return []
    parts = []
    for number, series in enumerate(panel.lines):
        colour, dashes, mark = _style(number)
        at = top + TOP + 14 + 18 * number
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        parts.append(f'<path d="M{LEFT + 12} {at}h30" stroke="{colour}" stroke-width="1.8"{dashed}/>')
        parts.append(MARKS[mark](LEFT + 27, at, colour))
        parts.append(_text(LEFT + 50, at + 4, series.name))
    return parts


def _text(x: float, y: float, text: str, anchor: str = "start", weight: str = "normal", turned: bool = False) -> str:
    """A line of text, white around its letters so that it can be read over a line."""
    turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
    halo = 'paint-order="stroke" stroke="white" stroke-width="3" stroke-linejoin="round"'
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}"{turn}'
    return f"<text {place} {halo}>{escape(text)}</text>"
