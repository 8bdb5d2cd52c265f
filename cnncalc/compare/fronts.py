"""Which of many are worth choosing: those that no other beats, and the order of the rest.

Rows are mappings of figures; a figure of None is not known, and such a row is on no front and sorted last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cnncalc.compare.measures import MEASURES
from cnncalc.diagnostics import Fault, suggestion

Figures = Mapping[str, Any]


class Aim(NamedTuple):
    """A figure, and whether more of it is better."""

    key: str
    more: bool = False


def aims(text: str, arguments: Sequence[str] = ()) -> list[Aim]:
    """The aims in ``macs,params,+field``; raises `Fault` for an unknown figure, or one that is given twice."""
    found: list[Aim] = []
    known = [*MEASURES, *arguments]
    for part in text.split(","):
        key = part.strip()
        aim = Aim(key.lstrip("+-").strip(), key.startswith("+"))
        if aim.key not in known:
            listed = ", ".join(f"`{each}`" for each in known)
            help = suggestion(aim.key, known) or f"quantities are {listed}"
            raise Fault("unknown-key", f"unknown quantity `{aim.key}`", None, help)
        if any(aim.key == other.key for other in found):
            raise Fault("value", f"`{aim.key}` is given twice")
        found.append(aim)
    return found


def front(rows: Sequence[Figures], wanted: Sequence[Aim]) -> list[int]:
    """The rows, by number, that no other row beats: none is as good in all of the aims, and better in one."""
    scores = []
    for number, row in enumerate(rows):
        values = [(row.get(aim.key), aim.more) for aim in wanted]
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
    known = [number for number, row in enumerate(rows) if row.get(aim.key) is not None]
    rest = [number for number, row in enumerate(rows) if row.get(aim.key) is None]
    known.sort(key=lambda number: rows[number][aim.key], reverse=aim.more)
    return known + rest
