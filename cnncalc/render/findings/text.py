"""The results of a check for people: a row per file, every finding at its place, and the sum in one sentence."""

from __future__ import annotations

from cnncalc.check.files import Checked
from cnncalc.render import plain
from cnncalc.render.findings import messages
from cnncalc.render.findings.common import sentence, unique
from cnncalc.render.layout import wrapped
from cnncalc.tables.checks import tabulate


def render(results: list[Checked], lints_fail: bool, colour: bool, width: int | None) -> str:
    """A row per file where there are several, then failures and lints, then the sum."""
    parts = ["\n".join(plain.grid(tabulate(results), width))] if len(results) > 1 else []
    found = unique([*(d for each in results for d in each.lints), *(d for each in results for d in each.failures)])
    parts += [messages.render(diagnostic, colour, width) for diagnostic in found]
    last = sentence(results) if width is None else wrapped(sentence(results), width)
    return "\n\n".join([*parts, last]) + "\n"
