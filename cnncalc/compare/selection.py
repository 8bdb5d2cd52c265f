"""What is asked of the rows of a comparison: which are kept, in what order, and what of them is shown."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.compare.conditions import Formula, condition
from cnncalc.compare.fronts import Aim, aims, front, ordered
from cnncalc.compare.sweep import Row
from cnncalc.records import NamedTuple

COLUMNS = "params,macs,peak_memory,field"
"""What is shown where nothing is asked for."""


class Selection(NamedTuple):
    """What is asked of the rows."""

    columns: tuple[Aim, ...]
    where: Formula | None = None
    front: tuple[Aim, ...] = ()
    """Only rows that no other row beats in all of these."""
    sort: Aim | None = None
    top: int | None = None

    def keys(self, arguments: Sequence[str] = ()) -> list[str]:
        """The figures that have to be known, but for the swept `arguments`."""
        formulas = [aim.formula for aim in (*self.columns, *self.front, *([self.sort] if self.sort else []))]
        asked = [key for each in (*formulas, *([self.where] if self.where else [])) for key in each.keys]
        return [key for key in dict.fromkeys(asked) if key not in arguments]

    def meeting(self, rows: Sequence[Row]) -> list[Row]:
        """The rows that meet the condition, all of them where there is none."""
        where = self.where
        return [row for row in rows if where is None or (row.error is None and where.holds(row.known))]

    def of(self, rows: Sequence[Row]) -> list[Row]:
        """The rows that are kept, in order; what did not build meets no condition and is on no front."""
        found = self.meeting(rows)
        if self.front:
            found = [row for row in found if row.error is None]
            found = [found[place] for place in front([row.known for row in found], self.front)]
        if self.sort is not None:
            found = [found[place] for place in ordered([row.known for row in found], self.sort)]
        return found[: self.top] if self.top is not None else found


def selection(
    columns: str | None = None,
    where: str | None = None,
    front: str | None = None,
    sort: str | None = None,
    top: int | None = None,
    arguments: Sequence[str] = (),
) -> Selection:
    """What the flags of these names say; raises `SpecError` with the place of what is wrong."""
    return Selection(
        tuple(aims(columns or COLUMNS, "--columns", arguments)),
        condition(where, "--where", arguments) if where is not None else None,
        tuple(aims(front, "--front", arguments)) if front is not None else (),
        aims(sort, "--sort", arguments)[0] if sort is not None else None,
        top,
    )
