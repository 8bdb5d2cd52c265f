"""How a cell is written, whatever the form of the table."""

from __future__ import annotations

from typing import Any

from cnncalc.tables import Sized


def written(cell: Any) -> str:
    """A cell for people: thousands separators, ``64 x 112 x 112``, `-` for what does not apply."""
    if cell is None:
        return "-"
    if isinstance(cell, Sized):
        return " x ".join(map(str, cell)) or "-"
    if isinstance(cell, int):
        return f"{cell:,}"
    return str(cell)


def raw(cell: Any) -> str:
    """A cell for programs: plain digits, ``64x112x112``, nothing for what does not apply."""
    if cell is None:
        return ""
    return "x".join(map(str, cell)) if isinstance(cell, Sized) else str(cell)
