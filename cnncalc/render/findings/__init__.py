"""The results of a check -> text: one module per form, and FORMS, the table of them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnncalc.check.files import Checked

FORMS = {
    "table": "text",
    "json": "json",
    "junit": "junit",
    "github": "github",
    "sarif": "sarif",
}
"""The forms of a check by the name that ``--format`` knows: the module whose `render` makes text of it."""


def render(results: list[Checked], form: str, lints_fail: bool, colour: bool, width: int | None) -> str:
    """The results in one of the forms; `lints_fail` makes failures of the lints, `colour` and `width` are a
    terminal's."""
    module = import_module(f"cnncalc.render.findings.{FORMS[form]}")
    return module.render(results, lints_fail, colour, width)  # type: ignore[no-any-return]
