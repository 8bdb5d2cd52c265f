"""The results of a check as a table, and as data."""

from __future__ import annotations

from typing import Any

from cnncalc.check.expectations import Verdict
from cnncalc.check.files import Checked
from cnncalc.diagnostics import Diagnostic, Span
from cnncalc.tables.table import Column, Line, Table

COLUMNS = [
    Column("File"),
    Column("Networks", True),
    Column("Expectations", True),
    Column("Lints", True),
    Column("Result"),
]


def tabulate(results: list[Checked]) -> Table:
    """A line per file."""
    lines = [Line([each.path, len(each.cases), len(each.verdicts), len(each.lints), _result(each)]) for each in results]
    return Table(COLUMNS, lines)


def _result(each: Checked) -> str:
    if not each.failures:
        return "ok" if each.cases else "ok (a library)"
    return f"{len(each.failures)} failed"


def to_dict(results: list[Checked]) -> dict[str, Any]:
    """The files with their networks, verdicts, problems and lints, and the sums."""
    verdicts = [verdict for each in results for verdict in each.verdicts]
    totals = {
        "files": len(results),
        "networks": sum(len(each.cases) for each in results),
        "expectations": len(verdicts),
        "failed": sum(len(each.failures) for each in results),
        "lints": sum(len(each.lints) for each in results),
    }
    return {"files": [_file(each) for each in results], "totals": totals}


def _file(each: Checked) -> dict[str, Any]:
    return {
        "file": each.path,
        "ok": not each.failures,
        "networks": [
            {
                "name": case.name,
                "variant": case.variant,
                "ok": not case.problems,
                "params": case.params,
                "macs": case.macs,
                "expectations": [_verdict(verdict) for verdict in case.verdicts],
                "problems": [_diagnostic(problem) for problem in case.problems],
            }
            for case in each.cases
        ],
        "problems": [_diagnostic(problem) for problem in each.problems],
        "lints": [_diagnostic(lint) for lint in each.lints],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "what": verdict.what,
        "of": verdict.of or None,
        "expected": verdict.expected,
        "actual": verdict.actual,
        "difference": verdict.difference,
        "ok": verdict.ok,
        "at": _place(verdict.span),
    }


def _diagnostic(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "help": diagnostic.help or None,
        "notes": [str(note) for note in diagnostic.notes],
        "at": _place(diagnostic.span) if diagnostic.span else None,
    }


def _place(span: Span) -> dict[str, Any]:
    return {"file": span.source.path, "line": span.line, "column": span.column}
