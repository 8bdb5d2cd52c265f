"""Which of many are worth choosing: those that no other beats, and the order of the rest.

Rows are mappings of figures; a figure of None is not known, and such a row is on no front and sorted last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cnncalc.compare.conditions import Formula, formula
from cnncalc.diagnostics import Fault, Source, Span, SpecError
from cnncalc.records import NamedTuple

Figures = Mapping[str, Any]


class Aim(NamedTuple):
    """What rows are shown, sorted or chosen by, and whether more of it is better."""

    formula: Formula
    more: bool

    @property
    def key(self) -> str:
        """A quantity's word, an argument's name, or the expression as it was written."""
        return self.formula.source.text

    def of(self, row: Figures) -> Any:
        """Its value for a row; None where it is not known, or does not apply."""
        return self.formula.value(row)


def aims(text: str, flag: str, arguments: Sequence[str] = ()) -> list[Aim]:
    """The aims in ``macs, params, +field, macs / params``, given with `flag`.

    Raises `SpecError` with its place for an unknown figure, or one that is given twice.
    """
    found: list[Aim] = []
    for end, part in _parts(text):
        more = part.startswith("+")
        inner = part[1:].lstrip() if part.startswith(("+", "-")) else part
        start = end - len(inner)
        aim = Aim(formula(inner, flag, arguments, text, start), more)
        if any(aim.key == other.key for other in found):
            span = Span(Source(flag, text), 1, start + 1, start + len(aim.key) + 1)
            raise SpecError([Fault("value", f"`{aim.key}` is given twice").at(span)])
        found.append(aim)
    return found


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """What stands between commas that are in no bracket, and where it ends, blanks around it left out."""
    depth = first = 0
    for place, char in enumerate(f"{text},"):
        depth += (char in "([") - (char in ")]")
        if place == len(text) or (char == "," and depth == 0):
            part = text[first:place].rstrip()
            yield first + len(part), part.lstrip()
            first = place + 1


def front(rows: Sequence[Figures], wanted: Sequence[Aim]) -> list[int]:
    """The rows, by number, that no other row beats: none is as good in all of the aims, and better in one."""
    scores = []
    for number, row in enumerate(rows):
        values = [(aim.of(row), aim.more) for aim in wanted]
        score = tuple(-value if more else value for value, more in values if value is not None)
        if len(score) == len(wanted):
            scores.append((score, number))
    scores.sort()  # what beats a row stands before it
    kept: list[tuple[tuple[Any, ...], int]] = []
    for score, number in scores:
        if not any(_beats(other, score) for other, _ in kept):
            kept.append((score, number))
    return sorted(number for _, number in kept)


def _beats(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    return a != b and all(x <= y for x, y in zip(a, b))


def ordered(rows: Sequence[Figures], aim: Aim) -> list[int]:
    """The rows, by number, from the least of a figure up, or from the most down; equal ones stay in order."""
    values = [aim.of(row) for row in rows]
    known = [number for number, value in enumerate(values) if value is not None]
    rest = [number for number, value in enumerate(values) if value is None]
    known.sort(key=lambda number: (isinstance(values[number], str), values[number]), reverse=aim.more)
    return known + rest
