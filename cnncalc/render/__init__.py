"""Tables -> text: one module per form, and FORMS, the table of them.  Only `rich` imports rich."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnncalc.tables.table import Table

FORMS = {
    "table": "plain",
    "csv": "csv",
    "markdown": "markdown",
    "latex": "latex",
    "html": "html",
}
"""The forms that every table has, by the name that ``--format`` knows: the module whose `render` makes text of it."""

DATA = ("csv", "json")
"""The formats that programs read: whole and flat, whatever the others leave to the reader."""


def render(tables: list[Table], form: str) -> str:
    """Tables as text in one of the forms."""
    return import_module(f"cnncalc.render.{FORMS[form]}").render(tables)  # type: ignore[no-any-return]
