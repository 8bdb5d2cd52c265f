"""A model file is a SPEC: every command takes it, and says what it is where it is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cnncalc

Run = Callable[..., Any]
DATA = Path(__file__).parents[1] / "data" / "convert"
KERAS = str(DATA / "keras" / "first.json")
ONNX = str(DATA / "act_relu.onnx")


@pytest.mark.parametrize("command", ["summary", "shapes", "params", "rf", "memory", "conventions", "expand", "verify"])
def test_every_command_takes_one(command: str, run: Run) -> None:
    done = run(command, ONNX)
    assert (done.code, done.err) == (0, "")
    assert done.out


def test_what_is_imported_is_a_spec_of_the_same_network(tmp_path: Path, run: Run) -> None:
    target = tmp_path / "net.yaml"
    done = run("import", KERAS, "--flat", "-o", str(target))
    assert done.code == 0
    assert "all accounted for" in done.err or "parameters" in done.err
    rows = json.loads(run("summary", KERAS, "--format", "json").out)["layers"]
    again = json.loads(run("summary", str(target), "--format", "json").out)["layers"]
    keys = ("name", "kind", "output_shape", "params", "state", "macs")
    assert [[row[key] for key in keys] for row in rows] == [[row[key] for key in keys] for row in again]


def test_the_account_is_at_hand_in_python() -> None:
    assert cnncalc.from_onnx(ONNX).account.sentence.startswith("act_relu.onnx: 1 node as 1 layer")
    assert cnncalc.load("lenet5").account is None


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("net.onnx", b"not a model", "no protocol buffer"),
        ("net.json", b"{", "net.json"),
        ("net.keras", b"PK", "net.keras"),
        ("net.cfg", b"[conv]\n", "[net]"),
    ],
)
def test_what_is_none_is_said_so(name: str, content: bytes, told: str, tmp_path: Path, run: Run) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    done = run("summary", str(path))
    assert done.code == 1
    assert told in done.err
    assert "Traceback" not in done.err


def test_a_model_has_no_variants_and_arguments(run: Run) -> None:
    for given, what in ((("--set", "width=2"), "arguments"), (("--variant", "small"), "variants")):
        done = run("summary", ONNX, *given)
        assert done.code == 2
        assert f"{ONNX} is a model file: it has no {what}" in done.err


def test_import_lifts_a_spec(run: Run) -> None:
    done = run("import", "lenet5")
    assert (done.code, done.err) == (0, "")
    assert cnncalc.loads(done.out).params().totals.params == cnncalc.load("lenet5").params().totals.params


def test_import_of_nothing_says_so(run: Run) -> None:
    done = run("import", "missing.onnx")
    assert done.code in (1, 2)
    assert "missing.onnx" in done.err
    assert "Traceback" not in done.err
