"""Other tools' totals, rebuilt from tables, against what they print for torchvision's networks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sampling import some, together

import cnncalc
from cnncalc.compare.conventions import TOOLS, by_layer, conventions
from cnncalc.compare.writings import _written, written
from cnncalc.diagnostics import Fault
from cnncalc.language.library import bundled_folder

DATA = Path(__file__).parents[1] / "data" / "conventions"
PRINTED = json.loads((DATA / "torchvision.json").read_text(encoding="utf-8"))
GIVEN = json.loads((DATA / "given.json").read_text(encoding="utf-8"))
SINGLE = json.loads((DATA / "layers.json").read_text(encoding="utf-8"))["cases"]
ATTENTION = json.loads((DATA / "transformers.json").read_text(encoding="utf-8"))
CASES = [(name, case) for source in (PRINTED, GIVEN, ATTENTION) for name, case in source["networks"].items()]


def printed(case: dict[str, Any], tool: str) -> int:
    """The one figure that a tool prints beside parameters."""
    (found,) = (value for key, value in case[tool].items() if key != "params")
    return int(found)


@pytest.mark.parametrize(("name", "case"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_as_the_tools_print(name: str, case: dict[str, Any]) -> None:
    network = cnncalc.load(name, inputs=tuple(case["input"]))
    found = {each.tool: each for each in conventions(network.graph, written(network.file.source.location))}
    assert {tool: found[tool].value for tool in TOOLS} == {tool: printed(case, tool) for tool in TOOLS}
    assert found["keras"].value == network.params().totals.params + network.params().totals.state
    for each in found.values():
        assert sum(each.parts.values()) == each.value
        assert next(iter(each.parts)) == ("params" if each.tool == "keras" else "macs")
    assert found["fvcore"].parts["macs"] == network.summary().totals.macs


def test_products_of_tensors_are_counted_by_what_multiplies_matrices() -> None:
    """fvcore and FlopCounterMode see a product of matrices as what it is; torchinfo and thop see modules alone."""
    text = "input: [4, 6]\nlayers:\n  - {matmul: [x, x], over: positions}\n"
    found = {each.tool: each for each in conventions(cnncalc.loads(text).graph)}
    macs = 4 * 4 * 6
    assert [found[tool].value for tool in ("fvcore", "ptflops_aten", "torch_flop_counter")] == [macs, macs, 2 * macs]
    assert [found[tool].value for tool in ("torchinfo", "thop")] == [0, 0]
    assert any("products of tensors" in note for note in found["thop"].notes)


@pytest.mark.thorough
def test_by_the_plain_tables_most_come_out() -> None:
    right = []
    for name, case in PRINTED["networks"].items():
        found = {each.tool: each.value for each in conventions(cnncalc.load(name, inputs=tuple(case["input"])).graph)}
        right += [found[tool] == printed(case, tool) for tool in TOOLS]
    assert (sum(right), len(right)) == (113, 138)


@together("case", SINGLE)
def test_single_layers(case: dict[str, Any]) -> None:
    graph = cnncalc.loads(f"input: {case['input']}\nlayers:\n  - {case['step']}\n").graph
    found = {each.tool: each.value for each in conventions(graph)}
    assert {tool: found[tool] for tool in case["counted"]} == case["counted"]


def test_a_stride_per_axis_counts_as_one_for_all() -> None:
    """fvcore counts 0 for `padding="same"` in PyTorch, however its stride of 1 is written."""
    step = "input: [3, 32, 32]\nlayers: [{conv: 16, kernel: 3, padding: same, stride: %s}]\n"
    found = [
        {each.tool: each.value for each in conventions(cnncalc.loads(step % one).graph)} for one in ("1", "[1, 1]")
    ]
    assert found[0] == found[1]
    assert found[0]["fvcore"] == 0


def test_the_versions_are_those_that_were_run() -> None:
    versions = PRINTED["versions"]
    for name, tool in TOOLS.items():
        package = {"torch_flop_counter": "torch"}.get(name, name.partition("_")[0])
        assert versions[package].startswith(tool.version)


def test_layers_add_up() -> None:
    graph = cnncalc.load("resnet18").graph
    for tool in TOOLS:
        total = next(each.value for each in conventions(graph) if each.tool == tool)
        assert sum(by_layer(graph, tool)) == total
    with pytest.raises(Fault, match="no convention `fvcor`"):
        by_layer(graph, "fvcor")


def test_writings_hold_for_bundled_files_alone(tmp_path: Path) -> None:
    for stem in _written():
        assert written(f"{bundled_folder()}/{stem}.yaml")
    assert written(str(tmp_path / "vgg.yaml")) == ()


@pytest.mark.thorough
@pytest.mark.every
def test_every_writing_is_of_a_layer() -> None:
    for stem, writings in _written().items():
        variants = cnncalc.load(stem).file.variants if stem not in ("regnet",) else {}
        for variant in some(list(variants), each=3):
            nodes = cnncalc.load(variant).graph.nodes
            for each in writings:
                assert each.beside or any(node.kind == each.kind for node in nodes), (stem, variant)
