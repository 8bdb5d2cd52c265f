"""The executor against PyTorch, torchvision and timm: attention, learned tensors and what stands around them.

tests/data/attention/make.py says how each case was computed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sampling import together

import cnncalc
from cnncalc.analyzers.receptive_field import receptive_fields
from cnncalc.executor.machine import run
from cnncalc.executor.session import outputs
from cnncalc.executor.sights import Sights, own_positions, span
from cnncalc.verify.network import verify

CASES = json.loads((Path(__file__).parents[1] / "data" / "attention" / "cases.json").read_text(encoding="utf-8"))


SWIN = """
input: [3, 72, 72]
blocks:
  unit:
    args: {shift: required}
    layers:
      - add:
          - x
          - - layer_norm
            - {conv: 3*x.channels, kernel: 1}
            - {attention: 2, window: 3, shift: shift, bias: relative}
            - {conv: input.channels, kernel: 1}
      - {add: [x, [layer_norm, {conv: 4*x.channels, kernel: 1, act: gelu}, {conv: input.channels, kernel: 1}]]}
layers:
  - {conv: 8, kernel: 2, stride: 2, norm: layer_norm}
  - for: k
    in: 3
    layers:
      - {layers: [{space_to_depth: 2}, layer_norm, {conv: x.channels//2, kernel: 1}], if: k > 0}
      - {unit, shift: i, repeat: 2, name: stage$k}
"""
GRADIENTS = json.loads((Path(__file__).parents[1] / "data" / "attention" / "gradients.json").read_text("utf-8"))


@pytest.mark.thorough
def test_a_swin_sees_what_its_gradients_see() -> None:
    """Two blocks of three stages: every row of every block, exactly, and the reported fields by its interior rows."""
    graph = cnncalc.loads(SWIN).graph
    sights = {node.name: sight for node, sight in run(graph, Sights(), [own_positions((3, 72, 72))])}
    fields = {node.name: field for node, field in zip(graph.nodes, receptive_fields(graph))}
    sizes = []
    for number, rows in enumerate(GRADIENTS):
        name = f"stage{number // 2}.{number % 2}.add2"
        sets = sights[name].axes
        assert sets is not None
        assert [span(seen) for seen in sets[0]] == [tuple(row) for row in rows]
        field = fields[name]
        assert field is not None
        assert field.size[0][1] >= max(last - first + 1 for first, last in rows)
        sizes.append(field.size[0])
    assert sizes == sorted(sizes)
    assert verify(graph).differences == []


def flat(value: Any) -> list[float]:
    return [number for entry in value for number in flat(entry)] if isinstance(value, list) else [value]


@together("case", CASES)
def test_numbers_as_the_framework(case: dict[str, Any]) -> None:
    (found,) = outputs(cnncalc.loads(case["spec"]).graph, case["input"], case["weights"]).values()
    expected = flat(case["output"])
    assert len(found.data) == len(expected)
    assert max(abs(a - b) for a, b in zip(found.data, expected)) < 1e-5


def test_the_cases_are_whole() -> None:
    assert len(CASES) > 50
    assert len({case["name"] for case in CASES}) == len(CASES)
