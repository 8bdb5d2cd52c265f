"""What is exported, letter by letter: texts that tests/frameworks builds, counts and computes in each framework."""

from __future__ import annotations

import pytest
from convert import exporting
from convert.standing_in import onnx_stands_in


@pytest.mark.parametrize("target", ["pytorch", "keras", "onnx"])
def test_what_is_exported(target: str, request: pytest.FixtureRequest) -> None:
    with onnx_stands_in():
        found = dict(exporting.sections(target))
    exporting.check(exporting.GOLDEN / f"{target}.txt", found, request.config.getoption("--rewrite"))
