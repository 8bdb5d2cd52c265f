"""Operators on constants are worked out as ONNX's reference evaluator does, which tests/data/convert/constants.py asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sampling import together

from cnncalc.convert.constants import EVALUATED
from cnncalc.convert.constants.evaluator import Evaluator
from cnncalc.convert.operators import Constant, Operator

CASES = json.loads((Path(__file__).parents[1] / "data" / "convert" / "constants.json").read_text(encoding="utf-8"))


@together("place", range(len(CASES)), lambda place: f"{place}, {CASES[place]['kind']}")
def test_results(place: int) -> None:
    case: dict[str, Any] = CASES[place]
    outputs = [f"out{number}" for number in range(len(case["outputs"]))]
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in case["attributes"].items()}
    operands = [Constant(tuple(each["shape"]), each["dtype"], each["values"]) for each in case["inputs"]]
    operator = Operator(case["kind"], [f"in{number}" for number in range(len(operands))], outputs, given, case["kind"])
    found = Evaluator(EVALUATED).run(operator, operands)
    assert found is not None
    if case["attributes"].get("batch_dims"):  # whose shape alone is followed
        assert [constant.shape for constant in found] == [tuple(each["shape"]) for each in case["outputs"]]
        return
    for constant, expected in zip(found, case["outputs"], strict=True):
        assert constant.shape == tuple(expected["shape"])
        assert constant.dtype.replace("double", "float") == expected["dtype"]
        assert constant.values is not None
        assert list(constant.values) == pytest.approx(expected["values"], rel=1e-6)
