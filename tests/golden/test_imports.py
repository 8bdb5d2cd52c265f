"""What is read, letter by letter: every file of tests/data/convert, and what the export to ONNX writes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from convert import exporting, importing
from convert.standing_in import onnx_stands_in


def check(name: str, found: Iterable[tuple[str, str]], request: pytest.FixtureRequest) -> None:
    exporting.check(importing.GOLDEN / f"{name}.txt", dict(found), request.config.getoption("--rewrite"))


@pytest.mark.parametrize("format", importing.SOURCES)
def test_files(format: str, request: pytest.FixtureRequest) -> None:
    check(format, importing.files(format), request)


@pytest.mark.parametrize("format", ["keras", "torch"])
def test_what_frameworks_saved_of_exports(format: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Files that tests/data/convert/exported.py made, with the framework's number of weights."""
    check(f"{format}_and_back", importing.saved(format, tmp_path), request)


def test_an_export_to_onnx_comes_back(request: pytest.FixtureRequest) -> None:
    """As the same network, or in other words where ONNX has no single operator for a layer."""
    with onnx_stands_in():
        check("onnx_and_back", importing.and_back(), request)
