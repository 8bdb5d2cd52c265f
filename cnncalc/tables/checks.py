"""The results of a check, for people and as JSON."""

from __future__ import annotations

from typing import Any

from cnncalc.check.expectations import Verdict
from cnncalc.check.files import Checked
from cnncalc.diagnostics import Diagnostic
from cnncalc.render import plain
from cnncalc.render.findings import messages
from cnncalc.render.findings.common import sentence, unique
from cnncalc.tables.report import Column, Row, Table

COLUMNS = [
    Column("File"),
    Column("Networks", True),
    Column("Expectations", True),
    Column("Lints", True),
    Column("Result"),
]


FORMATS = ("table", "json", "junit", "github", "sarif")


def render(results: list[Checked], format: str, lints_fail: bool = False, colour: bool = False) -> str:
    """The results in one of `FORMATS`; `lints_fail` makes failures of the lints."""
    if format == "json":
        return as_json(results)
    if format == "junit":
        from cnncalc.render.findings import junit

        return junit.render(results, lints_fail)
    if format == "github":
        from cnncalc.render.findings import github

        return github.render(results, lints_fail)
    if format == "sarif":
        from cnncalc.render.findings import sarif

        return sarif.render(results, lints_fail)
    return as_text(results, colour)


def as_text(results: list[Checked], colour: bool = False) -> str:
    """A row per file, then every failure and lint at its place, then the sum in one sentence."""
    rows = [Row([each.path, len(each.cases), len(each.verdicts), len(each.lints), _result(each)]) for each in results]
    table = Table("", "", COLUMNS, rows, [], [], "")
    parts = ["\n".join(plain.grid(table))] if len(results) > 1 else []
    found = unique([*(d for each in results for d in each.lints), *(d for each in results for d in each.failures)])
    parts += [messages.render(diagnostic, colour) for diagnostic in found]
    return "\n\n".join([*parts, sentence(results)]) + "\n"


def _result(each: Checked) -> str:
    if not each.failures:
        return "ok" if each.cases else "ok (a library)"
    return f"{len(each.failures)} failed"


# -- JSON --------------------------------------------------------------------------------------------------------------


def as_json(results: list[Checked]) -> str:
    """One object: the files with their networks, verdicts, problems and lints, and the sums."""
    import json

    from cnncalc import __version__
    from cnncalc.render.json import SCHEMA

    encode = json.JSONEncoder(ensure_ascii=False).encode
    verdicts = [verdict for each in results for verdict in each.verdicts]
    totals = {
        "files": len(results),
        "networks": sum(len(each.cases) for each in results),
        "expectations": len(verdicts),
        "failed": sum(len(each.failures) for each in results),
        "lints": sum(len(each.lints) for each in results),
    }
    files = ",\n".join(encode(_file(each)) for each in results)
    head = encode({"cnncalc": __version__, "schema": SCHEMA})[:-1]
    return f'{head}, "files": [\n{files}\n], "totals": {encode(totals)}}}\n'


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


def _place(span: Any) -> dict[str, Any]:
    return {"file": span.source.path, "line": span.line, "column": span.column}
