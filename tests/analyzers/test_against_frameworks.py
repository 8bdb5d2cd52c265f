"""Shapes, counts and receptive fields against PyTorch's and ONNX Runtime's (see tests/data/frameworks/README.md)."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sampling import together

import cnncalc
from cnncalc.geometry import resolve_padding, resolve_transposed_padding

DATA = Path(__file__).parents[1] / "data" / "frameworks"


def read(name: str) -> list[Any]:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


LAYERS = read("layers.json")
SAME = read("same.json")
FIELDS = read("receptive_fields.json")
KINDS = sorted({case["step"].strip("{}").split(":")[0].split(",")[0] for case in LAYERS})
COUNTED = ("conv", "depthwise_conv", "separable_conv", "conv_transpose", "linear")


def kind_of(case: dict[str, Any]) -> str:
    return case["step"].strip("{}").split(":")[0].split(",")[0]


def report(case: dict[str, Any]) -> cnncalc.Report:
    shape = ", ".join(map(str, case["input"]))
    return cnncalc.loads(f"input: [{shape}]\nlayers:\n  - {case['step']}\n").summary()


def test_the_data_is_whole() -> None:
    ranks = Counter(len(case["input"]) - 1 for case in LAYERS)
    assert len(LAYERS) > 1000
    assert min(ranks[1], ranks[2], ranks[3]) > 300
    assert sum(case["output"] is None for case in LAYERS) > 20
    assert sum("ceil_mode: true" in case["step"] for case in LAYERS) > 100
    assert len(FIELDS) > 150


@pytest.mark.parametrize("kind", KINDS)
def test_layers_as_pytorch(kind: str) -> None:
    """Output shapes, parameters, state and MACs of every case of a kind."""
    wrong = []
    for case in LAYERS:
        if kind_of(case) != kind or case["output"] is None:
            continue
        found = report(case)
        figures = {
            "output": list(found.layers[-1].output_shape),
            "params": found.totals.params,
            "state": found.totals.state,
            "macs": found.totals.macs,
        }
        if figures != {name: case[name] for name in figures}:
            wrong.append((case, figures))
    assert wrong == []


def test_what_pytorch_refuses_is_refused() -> None:
    for case in LAYERS:
        if case["output"] is None:
            with pytest.raises(cnncalc.SpecError, match=r"window-too-large|padding-too-large"):
                report(case)


def taps_inside(width: int, count: int, kernel: int, stride: int, dilation: int, before: int) -> list[int]:
    """How many taps of each window fall into the input, counted one by one."""
    starts = [stride * position - before for position in range(count)]
    return [sum(0 <= start + dilation * tap < width for tap in range(kernel)) for start in starts]


def reaching(width: int, count: int, kernel: int, stride: int, before: int) -> list[int]:
    """How many input positions write to each output position, counted one by one."""
    written = Counter(stride * source + tap - before for source in range(width) for tap in range(kernel))
    return [written[position] for position in range(count)]


def written(op: str, rule: str, kernel: int, stride: int, dilation: int) -> str:
    kind = {"Conv": "conv", "ConvTranspose": "conv_transpose"}[op]
    word = {"SAME_UPPER": "same", "SAME_LOWER": "same_lower"}[rule]
    return f"{{{kind}: 1, kernel: {kernel}, stride: {stride}, dilation: {dilation}, padding: {word}}}"


@pytest.mark.parametrize("op", ["Conv", "ConvTranspose"])
@pytest.mark.parametrize("rule", ["SAME_UPPER", "SAME_LOWER"])
def test_same_as_onnx_runtime(op: str, rule: str) -> None:
    cases = [case for case in SAME if case[:2] == [op, rule]]
    if op == "ConvTranspose":  # with a kernel below the stride ONNX gives (W - 1)*S + K, TensorFlow and we W*S
        cases = [case for case in cases if case[3] >= case[4]]
    assert len(cases) > 80
    for _, _, width, kernel, stride, dilation, taps in cases:
        step = written(op, rule, kernel, stride, dilation)
        assert report({"input": [1, width], "step": step}).layers[-1].output_shape == (1, len(taps)), step
        word = "same" if rule == "SAME_UPPER" else "same_lower"
        if op == "Conv":
            before, _ = resolve_padding(word, 0, width, kernel, stride, dilation)
            assert taps_inside(width, len(taps), kernel, stride, dilation, before) == taps, step
        else:
            before, _ = resolve_transposed_padding(word, 0, kernel, stride, dilation, 0)
            assert reaching(width, len(taps), kernel, stride, before) == taps, step


def both(value: Any) -> list[int]:
    """Least and greatest of a size."""
    return [value["min"], value["max"]] if isinstance(value, dict) else [value, value]


@together("case", FIELDS, lambda case: case["spec"])
def test_receptive_fields_as_pytorchs_gradients(case: dict[str, Any]) -> None:
    rows = {
        row["name"]: row["receptive_field"] for row in cnncalc.loads(case["spec"]).receptive_field().to_dict()["layers"]
    }
    for name, measured in case["fields"].items():
        field = rows[name]
        assert field["global"] == measured["global"], name
        for axis, seen in enumerate(measured["axes"]):
            assert both(field["size"][axis]) == seen["size"], name
            stride = field["stride"][axis]
            numerator, denominator = stride if isinstance(stride, list) else (stride, 1)
            assert numerator * seen["step"][1] == denominator * seen["step"][0], name
            if seen["unit"] is None:
                assert field["start"][axis] is None
            else:
                first, last = seen["unit"]
                assert (field["start"][axis], field["center"][axis]) == (first, (first + last) / 2), name
