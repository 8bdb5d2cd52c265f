"""ONNX models of a few nodes: what they are read as, letter by letter, and what that computes.

``tests/data/convert/written.json`` has what ONNX Runtime computes for each; ``written.py`` beside it asks for that.
"""

from __future__ import annotations

import json
from math import prod
from typing import Any

import pytest
from convert import exporting, importing
from convert.executing import weights_of
from convert.written import FILE, REFUSED, Lines, drawn, models, nested, written
from sampling import together

from cnncalc.convert import Imported
from cnncalc.convert.onnx import read_bytes
from cnncalc.diagnostics import SpecError
from cnncalc.executor.session import outputs

MODELS = models()
EXPECTED = json.loads(FILE.with_suffix(".json").read_text(encoding="utf-8"))


def read(name: str) -> Imported:
    sizes, opset, lines = MODELS[name]
    shape = None if name.startswith(REFUSED) else EXPECTED[name]["shape"]
    return read_bytes(written(lines, sizes, shape, opset), "model.onnx")


def test_what_they_are_read_as(request: pytest.FixtureRequest) -> None:
    found = {name: importing.told(lambda source, name=name: read(name), name) for name in MODELS}  # type: ignore[misc]
    exporting.check(importing.GOLDEN / "written.txt", found, request.config.getoption("--rewrite"))


@together("name", [name for name in MODELS if name.startswith(REFUSED)])
def test_what_is_no_model_is_an_error_at_its_node(name: str) -> None:
    with pytest.raises(SpecError, match=r"model\.onnx: node "):
        read(name)


@together("name", [name for name in MODELS if not name.startswith(REFUSED)])
def test_they_compute_what_onnx_runtime_computes(name: str) -> None:
    """Where no row is opaque; of the others the shape is compared, which the file states."""
    found, expected = read(name), EXPECTED[name]
    assert found.account.compared
    if found.account.opaque:
        return
    sizes, _, lines = MODELS[name]
    samples = sizes[0] if expected["shape"][:1] == sizes[:1] else 1  # of which one is computed
    data: Any = drawn("x", prod(sizes))[: prod(sizes) // samples]
    wanted = expected["values"][: len(expected["values"]) // samples]
    ((label, shape),) = found.graph.inputs
    if shape != tuple(sizes[1:]):  # channels last in the file
        count = sizes[-1]
        data = [value for channel in range(count) for value in data[channel::count]]
    given = {name: nested(values, shape) for name, (shape, values) in Lines(lines).values.items()}
    for root in found.account.roles:
        base, _, count = root.partition("*")
        given[root] = given[base] * int(count or 1)
    (result,) = outputs(found.graph, {label: nested(data, shape)}, weights_of(found, given)).values()
    assert list(result.data) == pytest.approx(wanted, rel=1e-4, abs=1e-5)
