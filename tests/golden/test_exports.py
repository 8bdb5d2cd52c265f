"""What is exported, letter by letter: texts that tests/frameworks builds, counts and computes in each framework."""

from __future__ import annotations

import pytest
from convert import exporting
from convert.standing_in import onnx_stands_in


@pytest.mark.parametrize("target", ["pytorch", "keras", "onnx"])
def test_what_is_exported(target: str, request: pytest.FixtureRequest) -> None:
    with onnx_stands_in():
        found = dict(exporting.sections(target))
    if request.config.getoption("--rewrite"):
        text = "".join(f"{exporting.MARK}{name}\n{text}" for name, text in found.items())
        (exporting.GOLDEN / f"{target}.txt").write_text(text, encoding="utf-8")
    kept = exporting.kept(target)
    assert list(found) == list(kept)
    for name, text in found.items():
        assert text == kept[name], name
