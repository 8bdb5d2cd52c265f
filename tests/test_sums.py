"""`explain` of a block and of a network: sums over rows that add up as they are printed, and names that tables show."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sampling import some

import cnncalc

TORCHVISION = {"layer1": 215_808, "layer2": 1_219_584, "layer3": 7_098_368, "layer4": 14_964_736, "fc": 2_049_000}
"""``sum(p.numel() for p in getattr(torchvision.models.resnet50(), name).parameters())``"""


def topics(name: str, part: str | None = None, **given: Any) -> dict[str, list[str]]:
    return cnncalc.load(name, **given).explain(part).to_dict()


def figure(text: str) -> int:
    return int(text.replace(",", "").removeprefix(">= "))


@pytest.mark.parametrize("name", [name for name in TORCHVISION if name != "fc"])
def test_the_parameters_of_a_block(name: str) -> None:
    *lines, total = topics("resnet50", name)["parameters"]
    assert total.startswith(f"together {TORCHVISION[name]:,} learned")
    assert sum(figure(line.partition(": ")[2]) for line in lines) == TORCHVISION[name]


def test_the_parameters_of_a_network() -> None:
    *lines, total = topics("resnet50")["parameters"]
    told = {line.partition(": ")[0]: figure(line.partition(": ")[2]) for line in lines}
    assert told.items() >= TORCHVISION.items()
    assert sum(told.values()) == 25_557_032  # torchvision's
    assert total == "together 25,557,032 learned, 53,120 state"


@pytest.mark.parametrize("name", ["resnet50", "vgg16", "unet", "googlenet", "mobilenet_v2", "densenet121", "vit_b_16"])
def test_sums_add_up_as_they_are_printed(name: str) -> None:
    """Also where there are too many rows to tell each."""
    totals = cnncalc.load(name).summary().totals
    told = topics(name)
    for title, total in (("parameters", totals.params), ("macs", totals.macs)):
        *lines, last = told[title]
        assert sum(figure(line.rpartition(": ")[2]) for line in lines) == total
        assert last.startswith(f"together {total:,} ")
    assert max(len(lines) for lines in told.values()) <= 13


@pytest.mark.parametrize("name", ["resnet50", "vgg16", "alexnet", "mobilenet_v2", "googlenet"])
def test_the_field_adds_up_along_the_path_that_sees_most(name: str) -> None:
    report = cnncalc.load(name).summary()
    first, added = topics(name)["receptive field"]
    start, *terms = re.findall(r"(\d+) \(", added)
    total = int(added.rpartition(" = ")[2])
    assert int(start) + sum(map(int, terms)) == total == report.total("size")[0]
    assert first.startswith(f"{total} x {total}")


@pytest.mark.parametrize(("rows", "told"), [(12, 12), (13, 11)])
def test_twelve_rows_are_told_one_by_one(rows: int, told: int) -> None:
    """Of more the costliest eleven, and what the others make together; every convolution adds 2 to the field."""
    steps = "\n".join(f"  - {{conv: {1 + number}, kernel: 3, bias: false}}" for number in range(rows))
    found = cnncalc.loads(f"input: [1, 40]\nlayers:\n{steps}\n").explain().to_dict()
    names = [f"conv{number + 1}" for number in range(rows)]
    assert [line.partition(":")[0] for line in found["shapes"]] == [
        *names[:told],
        *["and 2 further shapes"] * (rows > 12),
    ]
    params = {name: 3 * max(1, number) * (number + 1) for number, name in enumerate(names)}
    left = [f"2 further rows: {params['conv1'] + params['conv2']}"] * (rows > 12)
    assert found["parameters"] == [
        *(f"{name}: {params[name]:,}" for name in names[rows - told :]),
        *left,
        f"together {sum(params.values()):,} learned",
    ]
    added = [f"2 ({name})" for name in names[:told]] + ["4 (2 further rows)"] * (rows > 12)
    assert found["receptive field"][1] == f"first axis: 1 (before) + {' + '.join(added)} = {2 * rows + 1}"


def test_the_field_of_the_first_axis_is_told() -> None:
    text = "input: [1, 20, 20]\nlayers: [{conv: 1, kernel: [3, 5]}, {conv: 1, kernel: [5, 1]}]\n"
    lines = cnncalc.loads(text).explain().to_dict()["receptive field"]
    assert lines[1] == "height: 1 (before) + 2 (conv1) + 4 (conv2) = 7"


def test_a_block_begins_where_its_input_ends() -> None:
    told = topics("resnet50", "layer2")
    assert told["input"] == ["layer1.2.relu1: 256 x 56 x 56"]
    assert told["output"] == ["512 x 28 x 28"]
    assert told["receptive field"][1].startswith("height: 35 (before) + ")
    assert told["receptive field"][1].endswith(" = 91")


def test_the_costliest_layers_come_first() -> None:
    lines = topics("alexnet")["costliest"]
    assert lines[0] == "linear1: 37,752,832 parameters (61.8%)"
    shares = [float(re.findall(r"\(([\d.]+)%\)", line)[0]) for line in lines]
    assert shares[:3] == sorted(shares[:3], reverse=True)


@pytest.mark.every
@pytest.mark.parametrize("name", some(["resnet50", "googlenet", "unet", "swin_t", "efficientnet_b0"], each=2))
def test_every_name_that_a_folded_table_shows_is_accepted(name: str) -> None:
    from cnncalc.tables.rows import stretches
    from cnncalc.tables.table import View

    network = cnncalc.load(name)
    report = network.summary()
    for depth in (1, 2, 3):
        for row in stretches(report, View(depth=depth))[0]:
            found = network.graph.find(row.name)
            assert set(row.places) <= set(found.layers) or found.node is not None
            assert network.explain(row.name).topics


def test_a_repeat_of_a_group_without_a_name() -> None:
    """Its turns have no tensor of their own name, but rows of it."""
    text = "input: [3, 8, 8]\nlayers:\n  - {layers: [{conv: 3, kernel: 1}, relu], repeat: 2}\n"
    network = cnncalc.loads(text)
    assert network.explain("group1").topics[0].lines == ["group1: 4 layers"]
    assert network.explain("group1.1").topics[0].lines == ["group1.1: 2 layers"]
    assert network.explain("group1").to_dict()["parameters"] == [
        "group1.0: 12",
        "group1.1: 12",
        "together 24 learned",
    ]
    pooled = cnncalc.loads(text.replace("relu", "{max_pool: 2}"))
    assert pooled.explain("group1").to_dict()["output"] == ["3 x 2 x 2"]


def test_shared_and_unknown_rows() -> None:
    text = (
        "input: [3, 8, 8]\nlayers:\n  - {conv: 3, kernel: 1, name: a}\n  - {conv: 3, kernel: 1, share: a}\n"
        "  - {opaque: [3, 8, 8]}\n"
    )
    told = cnncalc.loads(text).explain().to_dict()
    assert told["parameters"][-1] == ">= 12 learned"
    assert told["macs"] == ["a: 576", "conv1: 576", "together >= 1,152 MACs = 2.30 k FLOPs"]


def test_a_block_that_begins_with_another() -> None:
    text = (
        "input: [1, 8]\nblocks:\n  inner: {layers: [{conv: 2, kernel: 1}, relu]}\n  outer: {layers: [inner, relu]}\n"
        "layers: [{outer, name: o}, {outer, repeat: 4, name: r}]\n"
    )
    network = cnncalc.loads(text)
    assert network.explain("o").topics[0].lines == ["o: block `outer`, 3 layers"]
    assert network.explain("o.inner1").topics[0].lines == ["o.inner1: block `inner`, 2 layers"]
    for turn in range(4):
        assert network.explain(f"r.{turn}").topics[0].lines == [f"r.{turn}: block `outer`, 3 layers"]
    assert network.explain("o").to_dict()["costliest"] == [
        "o.inner1.conv1: 4 parameters (100.0%)",
        "o.inner1.conv1: 16 MACs (100.0%)",
    ]


def test_a_block_is_written_where_its_first_layer_is() -> None:
    blocks = "  one: {layers: [relu]}\n  two:\n    layers:\n      - one\n      - one\n"
    text = f"input: [1, 8]\nblocks:\n{blocks}layers: [{{two, name: t}}]\n"
    written = cnncalc.loads(text).explain("t").to_dict()["written"]
    assert re.findall(r"<string>:(\d+):", str(written)) == ["6", "8"]


def test_a_flat_network_has_no_field() -> None:
    told = cnncalc.loads("input: [4]\nlayers: [{linear: 3}]\n").explain().to_dict()
    assert told["parameters"] == ["15 learned"]
    assert told["receptive field"] == ["none: the input is flat"]
    assert "costliest" not in told  # of a single layer none is


def test_a_block_that_sees_nothing_of_the_first_input_has_no_field(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    path.write_text(
        "input: {left: [1, 32], right: [1, 32]}\nblocks: {b: {layers: [{conv: 1, kernel: 3}, relu]}}\n"
        "layers:\n  - {conv: 1, kernel: 3, from: left, name: a}\n  - {b, from: right, name: r}\n  - {add: [a, r]}\n"
    )
    assert "field" not in run("explain", str(path), "r").out.lower()
    assert "Receptive field  3" in run("explain", str(path), "r", "--of", "right").out


def test_the_command(run: Any) -> None:
    done = run("explain", "resnet50", "layer1", "--format", "json")
    assert (done.code, done.err) == (0, "")
    assert '"together 215,808 learned, 2,816 state"' in done.out
    assert "25,557,032" in run("explain", "resnet50").out
