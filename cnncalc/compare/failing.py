"""``--fail-on``: limits on what a change may cost.

`macs > +2%` (more than 2 % more), `params > +10 k` (more than 10,000 more), `peak_memory > 256 KiB` (the new value);
several are parted by commas, and each that is met fails.
"""

from __future__ import annotations

import re
from fractions import Fraction

from cnncalc.analyzers.quantities import asked
from cnncalc.compare.conditions import ALL_UNITS
from cnncalc.compare.diff import TOTALS, Pair
from cnncalc.diagnostics import Fault, Source, Span, SpecError, suggestion
from cnncalc.records import NamedTuple

_LIMIT = re.compile(
    r"\s*(?P<key>[A-Za-z_]\w*)\s*(?P<compare><=|>=|<|>)\s*(?P<sign>[+-]?)\s*(?P<number>\d+(?:\.\d+)?)"
    r"\s*(?P<unit>%|[A-Za-z]*)\s*"
)


class Limit(NamedTuple):
    """What must not be met."""

    text: str
    key: str
    compare: str
    number: Fraction
    of: str
    """`value`: of the new network; `difference` or `percent`: of the change."""

    def is_met(self, totals: dict[str, Pair]) -> bool:
        """Whether the totals of old and new meet it; never where one of them is not known."""
        old, new = totals[self.key]
        if old is None or new is None:
            return False
        value = Fraction(new)
        if self.of == "difference":
            value = Fraction(new - old)
        elif self.of == "percent":
            if old == 0:
                return new > 0 and self.compare in (">", ">=")
            value = Fraction(100 * (new - old), old)
        if self.compare == ">":
            return value > self.number
        if self.compare == ">=":
            return value >= self.number
        return value < self.number if self.compare == "<" else value <= self.number


def limits(text: str, flag: str = "--fail-on") -> list[Limit]:
    """The limits in a text; raises `SpecError` at what is none."""
    source = Source(flag, text)
    found, start = [], 0
    for part in text.split(","):
        found.append(_limit(source, part, start))
        start += len(part) + 1
    return found


def _limit(source: Source, part: str, start: int) -> Limit:
    def fail(code: str, message: str, begin: int, end: int, help: str) -> SpecError:
        return SpecError([Fault(code, message, None, help).at(Span(source, 1, start + begin + 1, start + end + 1))])

    match = _LIMIT.fullmatch(part)
    if match is None:
        help = "for example `macs > +2%`, `params > +10 k` or `peak_memory > 256 KiB`"
        raise fail("no-condition", f"`{part.strip()}` is no limit", 0, len(part), help)
    key, unit, sign = match["key"], match["unit"], match["sign"]
    if key not in TOTALS:
        listed = ", ".join(f"`{known}`" for known in TOTALS)
        help = suggestion(key, TOTALS) or f"quantities are {listed}"
        raise fail("unknown-key", f"unknown quantity `{key}`", *match.span("key"), help)
    units = asked()[key].units
    if unit and unit != "%" and unit not in units:
        code, what = ("wrong-unit", "does not belong to") if unit in ALL_UNITS else ("unknown-unit", "is no unit of")
        help = f"units of `{key}` are %, {', '.join(units)}"
        raise fail(code, f"`{unit}` {what} `{key}`", *match.span("unit"), help)
    if unit == "%" and not sign:
        raise fail("value", "a share is of the change, and has a sign", *match.span("number"), f"write `{key} > +2%`")
    number = Fraction(match["number"]) * (1 if unit in ("", "%") else units[unit]) * (-1 if sign == "-" else 1)
    of = "percent" if unit == "%" else "difference" if sign else "value"
    return Limit(part.strip(), key, match["compare"], number, of)
