"""How a cell is written, whatever the form of the table."""

from __future__ import annotations

from typing import Any

from cnncalc.tables.report import Axes, Names, Sized

MAX_NAMES = 12
"""Inputs that a cell lists."""


def written(cell: Any) -> str:
    """A cell for people: thousands separators, ``64 x 112 x 112``, `-` for what does not apply."""
    if cell is None:
        return "-"
    if isinstance(cell, Axes) and len(set(cell)) == 1:
        return str(cell[0])
    if isinstance(cell, Sized):
        return " x ".join(map(str, cell)) or "-"
    if isinstance(cell, Names):
        inside = f"{cell.block}."
        names = [
            name[len(cell.block) :] if cell.block and name.startswith(inside) else name for name in cell[:MAX_NAMES]
        ]
        more = [f"and {len(cell) - MAX_NAMES:,} more"] if len(cell) > MAX_NAMES else []
        return ", ".join(names + more)
    if isinstance(cell, int):
        return f"{cell:,}"
    return str(cell)


def raw(cell: Any) -> str:
    """A cell for programs: plain digits, ``64x112x112``, nothing for what does not apply."""
    if cell is None:
        return ""
    if isinstance(cell, Names):
        return " ".join(cell)
    return "x".join(map(str, cell)) if isinstance(cell, Sized) else str(cell)
