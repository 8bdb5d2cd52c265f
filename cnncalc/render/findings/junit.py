"""The results of a check as JUnit XML: a test suite per file, a test case per network."""

from __future__ import annotations

import re

from cnncalc.check.files import Checked
from cnncalc.diagnostics import Diagnostic

_REFERENCES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\t": "&#9;", "\r": "&#13;"}
_SPECIAL = re.compile(r'[&<>"\n\t\r]')
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(results: list[Checked], lints_fail: bool, colour: bool, width: int | None) -> str:
    """The XML document; times are left at 0, so that equal results are equal text."""
    suites = [_suite(each, lints_fail) for each in results]
    tests, failures = sum(count for _, count, _ in suites), sum(failed for _, _, failed in suites)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append(f'<testsuites name="cnncalc check" tests="{tests}" failures="{failures}" errors="0" time="0">')
    lines += [line for text, _, _ in suites for line in text]
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _suite(each: Checked, lints_fail: bool) -> tuple[list[str], int, int]:
    """The lines of one file, and how many test cases it has and how many of them fail."""
    cases = [(case.name, case.problems) for case in each.cases]
    if each.problems or not each.cases:
        cases.append(("spec", each.problems))
    if lints_fail:
        cases.append(("lints", each.lints))
    failed = sum(bool(problems) for _, problems in cases)
    path = _escaped(each.path)
    lines = [f'  <testsuite name="{path}" tests="{len(cases)}" failures="{failed}" errors="0" skipped="0" time="0">']
    for name, problems in cases:
        start = f'    <testcase classname="{path}" name="{_escaped(name)}" time="0"'
        lines += [f"{start}>", _failure(problems), "    </testcase>"] if problems else [f"{start}/>"]
    if each.lints and not lints_fail:
        lines.append(f"    <system-out>{_text(each.lints)}</system-out>")
    return [*lines, "  </testsuite>"], len(cases), failed


def _failure(problems: list[Diagnostic]) -> str:
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    message, code = _escaped(first.message + more), _escaped(first.code)
    return f'      <failure message="{message}" type="{code}">{_text(problems)}</failure>'


def _text(problems: list[Diagnostic]) -> str:
    """Diagnostics as the text of an element, where line breaks stand as they are."""
    return _escaped("\n\n".join(map(str, problems))).replace("&#10;", "\n")


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: _REFERENCES[found[0]], _FORBIDDEN.sub("?", text))
