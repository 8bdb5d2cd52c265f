"""The results of a check as GitHub's workflow commands: an annotation on the line of every failure and lint."""

from __future__ import annotations

from cnncalc.check.files import Checked
from cnncalc.diagnostics import Diagnostic
from cnncalc.render.findings.common import sentence, unique

_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


def render(results: list[Checked], lints_fail: bool, colour: bool, width: int | None) -> str:
    """A command per finding, then the sum as a line of the log."""
    failures = unique([problem for each in results for problem in each.failures])
    lints = unique([lint for each in results for lint in each.lints])
    lines = [_command("error", failure) for failure in failures]
    lines += [_command("error" if lints_fail else "warning", lint) for lint in lints]
    return "\n".join([*lines, sentence(results)]) + "\n"


def _command(level: str, diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    entries = {"title": f"cnncalc {diagnostic.code}"}
    if span is not None:
        place = {"file": span.source.path, "line": span.line, "col": span.column, "endColumn": span.end}
        entries = {**{key: str(value) for key, value in place.items()}, **entries}
    properties = ",".join(f"{key}={_escaped(value, _PROPERTY)}" for key, value in entries.items())
    notes = [f"note: {note}" for note in diagnostic.notes] + ([f"help: {diagnostic.help}"] if diagnostic.help else [])
    return f"::{level} {properties}::{_escaped(chr(10).join([diagnostic.message, *notes]), _DATA)}"


def _escaped(text: str, table: dict[str, str]) -> str:
    return "".join(table.get(char, char) for char in text)
