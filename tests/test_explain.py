"""`explain` of a layer: the formulas of the notes with the layer's own numbers put in."""

from __future__ import annotations

from typing import Any

import pytest
from sampling import together

import cnncalc


def told(text: str, layer: str, **given: Any) -> dict[str, list[str]]:
    return cnncalc.loads(text, **given).explain(layer).to_dict()


@together(
    "step, sizes, lines",
    [
        (
            "{conv: 1, kernel: 3, dilation: 2, padding: [[1, 0], [0, 1]]}",
            "6, 6",
            [
                "height: (W + P - K)/S + 1 = (6 + 1 - 5 [= 2*(3 - 1) + 1])/1 + 1 = 3 (padding 1 before, 0 after)",
                "width: (W + P - K)/S + 1 = (6 + 1 - 5 [= 2*(3 - 1) + 1])/1 + 1 = 3 (padding 0 before, 1 after)",
            ],
        ),
        (
            "{max_pool: [2, 3], stride: 2, ceil_mode: true}",
            "3, 3",
            [
                "height: (W + P - K)/S + 1 = (3 + 0 - 2)/2 + 1 = 2, rounded up (padding 0 before, 0 after)",
                "width: (W + P - K)/S + 1 = (3 + 0 - 3)/2 + 1 = 1 (padding 0 before, 0 after)",
            ],
        ),
        (
            "{max_pool: 2, stride: 2}",
            "9, 9",
            ["height and width: (W + P - K)/S + 1 = (9 + 0 - 2)/2 + 1 = 4, rounded down (padding 0 before, 0 after)"],
        ),
        (
            "{conv_transpose: 1, kernel: 3, stride: 2, padding: [[1, 0], [1, 1]], output_padding: [1, 0], dilation: 2}",
            "4, 5",
            [
                "height: (W - 1)*S - P + K = (4 - 1)*2 - 1 + 5 + 1 = 11",
                "width: (W - 1)*S - P + K = (5 - 1)*2 - 2 + 5 = 11",
            ],
        ),
        (
            "{upsample, size: [14, 9]}",
            "6, 4",
            [
                "height: 6 -> 14, a pattern of 7 positions for every 3 of the input",
                "width: 4 -> 9, a pattern of 9 positions for every 4 of the input",
            ],
        ),
        ("global_avg_pool", "5, 5", ["one value sees every position"]),
        ("global_avg_pool", "5", ["one value sees every position"]),
        ("relu", "5, 5", []),
        ("{linear: 3}", "", []),
    ],
)
def test_how_an_output_is_computed(step: str, sizes: str, lines: list[str]) -> None:
    graph = cnncalc.loads(f"input: [1, {sizes}]\nlayers: [{step}]\n").graph
    found = told(f"input: [1, {sizes}]\nlayers: [{step}]\n", graph.nodes[0].name)["output"]
    assert found[1:] == lines


TWO = """
input: {a: [1, 40, 40], b: [1, 40, 40]}
layers:
  - {conv: 2, kernel: 3, stride: 2, from: a, name: left}
  - {max_pool: [2, 3], stride: [2, 1], name: pool}
  - {upsample: [1, 2], name: up}
  - {conv: 2, kernel: 3, dilation: 2, name: after}
  - {conv: 2, kernel: 1, from: b, name: right}
outputs: [after, right]
"""


@pytest.mark.parametrize(
    ("layer", "lines"),
    [
        (
            "left",
            [
                "3 x 3, stride 2 x 2, start 0 x 0",
                "height and width: size + (K - 1)*stride = 1 + (3 - 1)*1 = 3, stride 1*2 = 2",
            ],
        ),
        (
            "pool",
            [
                "5 x 7, stride 4 x 2, start 0 x 0",
                "height: size + (K - 1)*stride = 3 + (2 - 1)*2 = 5, stride 2*2 = 4",
                "width: size + (K - 1)*stride = 3 + (3 - 1)*2 = 7, stride 2*1 = 2",
            ],
        ),
        ("up", ["5 x 7, stride 4 x 1, start 0 x 0"]),
        # on the height alone: by how much the width grows depends on the position
        (
            "after",
            [
                "21 x 11, stride 4 x 1, start 0 x 0",
                "height: size + (K - 1)*stride = 5 + (5 - 1)*4 = 21, stride 4*1 = 4",
                "width: size + (K - 1)*stride = 7 + (5 - 1)*1 = 11, stride 1*1 = 1",
            ],
        ),
        ("right", ["sees nothing of this input"]),
    ],
)
def test_how_a_field_grows(layer: str, lines: list[str]) -> None:
    assert told(TWO, layer)["receptive field"] == lines


def test_what_is_learned_and_what_is_kept() -> None:
    text = "input: [2, 8, 8]\nlayers:\n  - {conv: 4, kernel: [3, 1], name: a}\n  - {batch_norm, name: b}\n"
    text += "  - {conv: 4, kernel: 1, learned: false, name: c}\n  - {conv: 4, kernel: 1, share: c, name: d}\n"
    text += "  - {opaque: [4, 6, 8], name: e}\n  - {relu, name: f}\n"
    assert told(text, "a")["parameters"] == [
        "weight: 4 x 2 x 3 x 1 = 24",
        "bias: 4",
        "28 learned",
        "depthwise separable instead: 18 (64.3%)",  # 3*2 + 2*4 + 4
    ]
    assert told(text, "b")["parameters"] == [
        "weight: 4",
        "bias: 4",
        "running_mean: 4 (state)",
        "running_var: 4 (state)",
        "8 learned, 8 state",
    ]
    assert told(text, "c")["parameters"] == [
        "weight: 4 x 4 x 1 x 1 = 16 (state)",
        "bias: 4 (state)",
        "0 learned, 20 state",
    ]
    assert told(text, "d")["parameters"][-1] == "the weights of c, counted there"
    assert told(text, "e")["parameters"] == told(text, "e")["macs"] == ["not known"]
    assert told(text, "f").keys().isdisjoint({"parameters", "macs"})


def test_four_tensors_of_a_buffer_are_named() -> None:
    text = "input: [1, 8, 8]\nlayers: [{conv: 2, kernel: 3}, relu, relu, relu, relu, relu]\n"
    assert told(text, "relu3")["alive"][1].startswith("conv1, relu1, relu2, relu3: ")
    assert told(text, "relu4")["alive"][1].startswith("conv1, …, relu3, relu4: ")
    assert told(text, "relu5")["alive"][1].startswith("conv1, …, relu4, relu5: ")


def test_a_block_of_one_layer_is_that_layer() -> None:
    """Of two it is their sums."""
    text = (
        "input: [4, 8, 8]\nblocks:\n  one: {layers: [{conv: 4, kernel: 1}]}\n"
        "  two: {layers: [{conv: 4, kernel: 1}, relu]}\nlayers: [{one, name: a}, {two, name: b}]\n"
    )
    assert told(text, "a")["layer"] == ["a.conv1 (conv)", "also called a"]
    assert told(text, "b")["block"] == ["b: block `two`, 2 layers"]
    assert told(text, "b.relu1")["layer"][0] == "b.relu1 (relu)"


@pytest.mark.parametrize(("shape", "lines"), [("[4]", 1), ("[4, 1]", 2), ("[4, 8, 8]", 2)])
def test_of_a_flat_input_there_are_no_positions(shape: str, lines: int) -> None:
    output = told(f"input: {shape}\nlayers: [{{opaque: [5]}}]\n", "opaque1")["output"]
    assert output == ["5", "one value sees every position"][:lines]
