"""The results of a check as SARIF 2.1.0 (OASIS 2020), for code scanning."""

from __future__ import annotations

import os
from typing import Any

from cnncalc.check.files import Checked
from cnncalc.diagnostics import Diagnostic, Note, Span
from cnncalc.language.lint import LINTS
from cnncalc.render.findings.common import unique

SCHEMA_URI = "https://json.schemastore.org/sarif-2.1.0.json"


def render(results: list[Checked], lints_fail: bool, colour: bool, width: int | None) -> str:
    """One log with one run; rules are the codes that occur."""
    import json

    from cnncalc import __version__

    found = [(each, "error") for each in unique([problem for each in results for problem in each.failures])]
    level = "error" if lints_fail else "warning"
    found += [(each, level) for each in unique([lint for each in results for lint in each.lints])]
    codes = sorted({diagnostic.code for diagnostic, _ in found})
    driver = {"name": "cnncalc", "version": __version__, "rules": [_rule(code) for code in codes]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(diagnostic, level, codes) for diagnostic, level in found],
    }
    log = {"$schema": SCHEMA_URI, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=1, ensure_ascii=False) + "\n"


def _rule(code: str) -> dict[str, Any]:
    text = LINTS.get(code) or ("a figure is not what is expected" if code == "expectation" else code.replace("-", " "))
    return {"id": code, "shortDescription": {"text": text}}


def _result(diagnostic: Diagnostic, level: str, codes: list[str]) -> dict[str, Any]:
    parts = [diagnostic.message, *(f"note: {note.text}" for note in diagnostic.notes)]
    if diagnostic.help:
        parts.append(f"help: {diagnostic.help}")
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": codes.index(diagnostic.code),
        "level": level,
        "message": {"text": "\n".join(parts)},
    }
    if diagnostic.span is not None:
        result["locations"] = [{"physicalLocation": _location(diagnostic.span)}]
    related = [_related(note) for note in diagnostic.notes if note.span is not None]
    if related:
        result["relatedLocations"] = related
    return result


def _related(note: Note) -> dict[str, Any]:
    assert note.span is not None
    return {"physicalLocation": _location(note.span), "message": {"text": note.text}}


def _location(span: Span) -> dict[str, Any]:
    region = {"startLine": span.line, "startColumn": span.column, "endColumn": span.end}
    return {"artifactLocation": {"uri": uri(span.source.path)}, "region": region}


def uri(path: str) -> str:
    """A path as a URI reference: relative as it is, absolute as ``file:``."""
    from urllib.parse import quote

    text = quote(path.replace(os.sep, "/"))
    return f"file://{text}" if os.path.isabs(path) else text
