"""A quantity is one entry of a table: one that nobody knows is put in, and found in every place."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cnncalc
from cnncalc import schema
from cnncalc.analyzers.measurement import Measurement
from cnncalc.analyzers.quantities import QUANTITIES
from cnncalc.analyzers.quantity import Quantity
from cnncalc.values import AtLeast

SPEC = """\
input: [3, 8, 8]
layers:
  - {conv: 4, kernel: 3, act: relu, name: a}
  - {max_pool: 2}
  - {layers: [{conv: 2, kernel: 1}, relu], repeat: 2, name: b}
expect: {inputs_read: %s}
"""
ELEMENTS = [192, 144, 144, 36, 18, 18, 18]
"""Elements that go into each row: 3 x 8 x 8, then twice 4 x 6 x 6, 4 x 3 x 3 and 2 x 3 x 3."""


def elements(measured: Measurement) -> list[Any]:
    shapes = [node.operation.inputs[0] for node in measured.graph.nodes]
    return [shape[0] * shape[1] * shape[2] for shape in shapes]


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> Quantity:
    quantity = Quantity(
        "inputs_read",
        "Read",
        "Numbers that a layer takes.",
        elements,
        expected=True,
        commands=("summary",),
        columns=("summary",),
    )
    monkeypatch.setitem(QUANTITIES, quantity.key, quantity)
    return quantity


def test_in_rows_and_totals(made_up: Quantity) -> None:
    report = cnncalc.loads(SPEC % 570).summary()
    assert [row.inputs_read for row in report.layers] == ELEMENTS
    assert report.totals.inputs_read == 570
    assert "inputs_read" in dir(report.totals)
    assert "inputs_read" in dir(report.layers[0])


def test_in_every_form(made_up: Quantity, tmp_path: Path, run: Callable[..., Any]) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(SPEC % 570)
    table = run("summary", str(path)).out
    assert "Read" in table
    assert "570" in table
    sheet = run("summary", str(path), "--format", "csv").out.splitlines()
    assert [line.split(",")[-1] for line in sheet] == ["Read", *map(str, ELEMENTS)]
    data = json.loads(run("summary", str(path), "--format", "json").out)
    assert [row["inputs_read"] for row in data["layers"]] == ELEMENTS
    assert data["totals"]["inputs_read"] == 570
    folded = json.loads(run("summary", str(path), "--depth", "1", "--format", "json").out)
    assert [row["inputs_read"] for row in folded["layers"]] == [336, 144, 90]


def test_rows_are_sorted_by_it(made_up: Quantity, tmp_path: Path, run: Callable[..., Any]) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(SPEC % 570)
    sheet = run("summary", str(path), "--format", "csv", "--sort", "inputs_read", "--top", "2").out.splitlines()
    assert [line.split(",")[0] for line in sheet] == ["Layer", "a", "a.act"]


@pytest.mark.parametrize(("expected", "code"), [("570", 0), ("571", 1), ("<= 600", 0), ("< 570", 1)])
def test_it_can_be_expected(
    made_up: Quantity, expected: str, code: int, tmp_path: Path, run: Callable[..., Any]
) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(SPEC % expected)
    done = run("check", str(path))
    assert done.code == code
    assert ("`inputs_read` of net is 570" in done.out) == bool(code)


def test_the_schema_and_the_reference_tell_of_it(made_up: Quantity) -> None:
    from cnncalc import reference

    described = schema.schema()["definitions"]["expectation"]["properties"]["inputs_read"]
    assert described["description"] == made_up.doc
    assert f"| `inputs_read` | Read | {made_up.doc} |" in reference.quantities()


def test_without_the_entry_nothing_knows_it(run: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(SPEC % 570)
    assert "unknown key `inputs_read`" in run("check", str(path)).out
    assert run("summary", str(path), "--sort", "inputs_read").code == 2
    report = cnncalc.loads("input: [1, 4]\nlayers: [relu]\n").summary()
    for of in (report.totals, report.layers[0]):
        assert of.receptive_field.size == ((1, 1),)
        assert not hasattr(of, "inputs_read")


def test_folded_blocks_are_sorted_by_lower_bounds_as_numbers(tmp_path: Path, run: Callable[..., Any]) -> None:
    """9 known parameters of one block are fewer than 100 of the other, though `9` is after `1` as text."""
    path = tmp_path / "net.yaml"
    path.write_text(
        "input: [1, 8, 8]\nlayers:\n"
        "  - {layers: [{opaque: [1, 8, 8]}, {conv: 1, kernel: 3, bias: false}], name: small, repeat: 1}\n"
        "  - {layers: [{opaque: [1, 8, 8]}, {conv: 10, kernel: 3, bias: true}], name: large, repeat: 1}\n"
    )
    done = run("params", str(path), "--depth", "1", "--sort", "params", "--format", "csv")
    found = [(row["Layer"], row["Params"]) for row in csv.DictReader(io.StringIO(done.out))]
    assert found == [("large", "100"), ("small", "9")]
    report = cnncalc.load(str(path)).params()
    assert report.total("params") == AtLeast(109)
    assert report.totals.lower_bound == ["macs", "params", "receptive_field"]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("input: [1, 9, 7]\nlayers: [{conv: 1, kernel: [3, 2]}]\n", "2"),  # of its least axis
        ("input: [1, 9, 9]\nlayers: [{conv: 1, kernel: 3}, {opaque: [1, 2, 2]}]\n", ">= 3"),
        ("input: [4]\nlayers: [{linear: 2}]\n", "-"),
        ("input: [4]\nlayers: [{linear: 2}, {opaque: [3]}]\n", "-"),
    ],
)
def test_the_field_that_networks_are_compared_by(
    text: str, field: str, tmp_path: Path, run: Callable[..., Any]
) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(text)
    row = run("compare", str(path), "--columns", "field").out.splitlines()[2]
    assert re.split(r" {2,}", row)[-1] == field


def test_rows_are_sorted_by_all_the_shapes_that_they_take(tmp_path: Path, run: Callable[..., Any]) -> None:
    """By hand: 12, 24, 24, 24 + 24 and 2 x 2 elements."""
    path = tmp_path / "net.yaml"
    path.write_text("input: [1, 12]\nlayers: [{conv: 2, kernel: 1}, relu, {add: [x, conv1]}, {max_pool: 6}, sigmoid]\n")
    sheet = run("shapes", str(path), "--format", "csv", "--sort", "input_shapes").out.splitlines()
    assert [line.split(",")[0] for line in sheet[1:]] == ["add1", "relu1", "max_pool1", "conv1", "sigmoid1"]


def test_what_a_block_leaves_unread_is_told_of_its_layers_alone(tmp_path: Path, run: Callable[..., Any]) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: [1, 8]\nlayers: [{layers: [{max_pool: 3}, {max_pool: 2}], name: block, repeat: 1}]\n")
    found = {}
    for depth in ("1", "3"):
        sheet = run("shapes", str(path), "--depth", depth, "--format", "json").out
        found |= {row["name"]: row["unread"] for row in json.loads(sheet)["layers"]}
    assert found == {"block": None, "block.0.max_pool1": [2], "block.0.max_pool2": [0]}


def test_figures_of_rows_that_no_table_has() -> None:
    """By hand: the least of 6 x 8 and of 4 x 6 positions, none of a flat tensor; two operations for each MAC."""
    network = cnncalc.loads("input: [1, 6, 8]\nlayers: [{conv: 2, kernel: 3}, relu, flatten, {linear: 3}]\n")
    rows = network.summary().layers
    assert [row.input_size for row in rows] == [6, 4, 4, None]
    assert [row.flops for row in rows] == [2 * 9 * 2 * 24, None, None, 2 * 48 * 3]
    counted = network.summary(counted_as="fvcore")
    assert [(row.flops, row.product_macs) for row in counted.layers] == [(None, None)] * 4
    assert counted.totals.flops is None
