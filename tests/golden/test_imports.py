"""What is read, letter by letter: every file of tests/data/convert, and what the export to ONNX writes."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from convert import exporting, importing
from convert.standing_in import onnx_stands_in


def check(name: str, found: Iterable[tuple[str, str]], request: pytest.FixtureRequest) -> None:
    exporting.check(importing.GOLDEN / f"{name}.txt", dict(found), request.config.getoption("--rewrite"))


@pytest.mark.parametrize("format", importing.SOURCES)
def test_files(format: str, request: pytest.FixtureRequest) -> None:
    check(format, importing.files(format), request)


def test_an_export_to_onnx_comes_back(request: pytest.FixtureRequest) -> None:
    """As the same network, or in other words where ONNX has no single operator for a layer."""
    with onnx_stands_in():
        check("onnx_and_back", importing.and_back(), request)
