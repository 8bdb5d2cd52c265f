"""The executor against PyTorch, torchvision and timm: attention, learned tensors and what stands around them.

tests/data/attention/make.py says how each case was computed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import cnncalc
from cnncalc.executor.session import outputs

CASES = json.loads((Path(__file__).parents[1] / "data" / "attention" / "cases.json").read_text(encoding="utf-8"))


def flat(value: Any) -> list[float]:
    return [number for entry in value for number in flat(entry)] if isinstance(value, list) else [value]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_numbers_as_the_framework(case: dict[str, Any]) -> None:
    (found,) = outputs(cnncalc.loads(case["spec"]).graph, case["input"], case["weights"]).values()
    expected = flat(case["output"])
    assert len(found.data) == len(expected)
    assert max(abs(a - b) for a, b in zip(found.data, expected)) < 1e-5


def test_the_cases_are_whole() -> None:
    assert len(CASES) > 50
    assert len({case["name"] for case in CASES}) == len(CASES)
