"""The executor against ONNX's operator cases, whose numbers others computed (see tests/data/conformance/README.md)."""

from __future__ import annotations

import json
from collections import Counter
from math import prod
from pathlib import Path
from typing import Any

from executor.onnx_cases import RUNS, left_out, outcome
from sampling import together

FOLDER = Path(__file__).parents[1] / "data" / "conformance"
CASES = {case["name"]: case for path in sorted(FOLDER.glob("*.json")) for case in json.loads(path.read_text())}
RUN = [case for case in CASES.values() if not left_out(case)]


@together("case", RUN, lambda case: case["name"])
def test_case(case: dict[str, Any]) -> None:
    expected = [number for value in case["outputs"].values() for number in value["data"]]
    if case["op"] == "Split":
        actual = parts(case)
    else:
        actual = outcome(RUNS[case["op"]](case))
    assert len(actual) == len(expected)
    if case.get("exact"):
        assert actual == expected
    else:
        tolerance = 1e-4 if "ceil_last_window" in case["name"] else 1e-5
        assert all(abs(a - e) <= tolerance + 1e-4 * abs(e) for a, e in zip(actual, expected))


def parts(case: dict[str, Any]) -> list[float]:
    """The outputs of a split: one slice after the other."""
    base = RUNS["Split"](case)
    axis, _ = base.restore
    numbers: list[float] = []
    start = 0
    for value in case["outputs"].values():
        shape = tuple(value["shape"])
        run = base._replace(args={"channels": (start, start + shape[axis])}, restore=(axis, shape))
        numbers += outcome(run)
        start += shape[axis]
    return numbers


def test_the_table_says_what_runs() -> None:
    """Every operator's row in the README of the cases has the number of cases that run, and of all."""
    rows = {}
    for line in (FOLDER / "README.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 4 and cells[1].isdigit():
            rows[cells[0]] = (int(cells[1]), int(cells[2]))
    all_cases = Counter(case["op"] for case in CASES.values())
    run_cases = Counter(case["op"] for case in RUN)
    assert rows == {op: (run_cases[op], count) for op, count in all_cases.items()}
    assert len(CASES) == 347
    assert all(prod(value["shape"]) == len(value["data"]) for case in RUN for value in case["outputs"].values())
