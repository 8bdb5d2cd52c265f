"""Norms and activations that follow a layer: words, and calls with arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import cnncalc
from cnncalc.layers.base import Layer

HEAD = "input: [8, 16, 16]\n"


def layers(text: str) -> dict[str, Layer]:
    """Every row's layer by its name."""
    return {node.name: node.operation.layer for node in cnncalc.loads(HEAD + text).graph.nodes}


@pytest.mark.parametrize(
    ("act", "slope"),
    [
        ("leaky_relu", 0.01),
        ("{leaky_relu: 0.1}", 0.1),
        ("{leaky_relu: , negative_slope: 0.2}", 0.2),
        ("{leaky_relu, negative_slope: 0.2}", 0.2),
        ("{leaky_relu: s/2}", 0.25),
        ("given", 0.125),
    ],
)
def test_an_activation_with_its_argument(act: str, slope: float) -> None:
    made = layers(f"args: {{s: 0.5, given: {{leaky_relu: s/4}}}}\nlayers:\n  - {{conv: 4, kernel: 1, act: {act}}}\n")
    assert list(made) == ["conv1", "conv1.act"]
    assert made["conv1.act"].negative_slope == slope  # type: ignore[attr-defined]


def test_a_norm_with_its_arguments_over_those_of_its_kind() -> None:
    text = "defaults: {group_norm: {eps: 0.5, scale: false}, conv: {kernel: 1, norm: {group_norm: 2}}}\n"
    made = layers(text + "layers: [{conv: 4}, {conv: 4, norm: {group_norm: 4, eps: 0.25}}, {conv: 4, norm: batch}]\n")
    first, second, third = made["conv1.norm"], made["conv2.norm"], made["conv3.norm"]
    assert [(norm.kind, norm.groups, norm.eps, norm.scale) for norm in (first, second)] == [  # type: ignore[attr-defined]
        ("group_norm", 2, 0.5, False),
        ("group_norm", 4, 0.25, False),
    ]
    assert third.kind == "batch_norm"


def test_short_words_and_several_arguments() -> None:
    made = layers("layers: [{conv: 4, kernel: 1, norm: {batch, eps: 0.001, scale: false}}]\n")
    norm = made["conv1.norm"]
    assert (norm.kind, norm.eps, norm.scale) == ("batch_norm", 0.001, False)  # type: ignore[attr-defined]


def test_a_call_passes_through_blocks_and_follows_every_part() -> None:
    blocks = "blocks: {b: {args: {act: relu}, layers: [{separable_conv: 4, kernel: 3, act: act}]}}\n"
    made = layers(blocks + "layers: [{b: {elu: 2}}, b]\n")
    assert [(name, layer.kind) for name, layer in made.items() if name.endswith(".act")] == [
        ("b1.separable_conv1.depthwise.act", "elu"),
        ("b1.separable_conv1.pointwise.act", "elu"),
        ("b2.separable_conv1.depthwise.act", "relu"),
        ("b2.separable_conv1.pointwise.act", "relu"),
    ]
    assert made["b1.separable_conv1.pointwise.act"].alpha == 2  # type: ignore[attr-defined]


def test_a_word_of_the_call_that_a_name_hides() -> None:
    text = "blocks: {b: {args: {channels: 4}, layers: [{conv: channels, kernel: 1, act: {softmax: channels}}]}}\n"
    assert layers(text + "layers: [b]\n")["b1.conv1.act"].over == "channels"  # type: ignore[attr-defined]


def test_the_flat_spec_says_the_same() -> None:
    text = "layers: [{conv: 4, kernel: 1, norm: {group_norm: 2, eps: 0.5}, act: {leaky_relu: 0.1}}]\n"
    net = cnncalc.loads(HEAD + text)
    flat = cnncalc.loads(net.expand())
    assert [node.operation.layer for node in flat.graph.nodes[1:]] == [
        node.operation.layer for node in net.graph.nodes[1:]
    ]
    assert "{group_norm: 2, eps: 0.5, name: conv1.norm}" in net.expand()
    assert "{leaky_relu: 0.1, name: conv1.act}" in net.expand()


def test_explain_tells_where_the_argument_was_written() -> None:
    net = cnncalc.loads(HEAD + "args: {s: 0.5}\nlayers:\n  - {conv: 4, kernel: 1, act: {leaky_relu: s}}\n")
    assert "negative_slope: 0.5, written at <string>:4:44; `s` was given at <string>:2:11" in str(
        net.explain("conv1.act")
    )
    assert "act: {leaky_relu, negative_slope: 0.5}, written at <string>:4:31" in str(net.explain("conv1"))


def test_an_argument_that_only_a_call_asks_for_is_used(run: Any, tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text(HEAD + "args: {s: 0.5}\nlayers: [{conv: 4, kernel: 1, act: {leaky_relu: s}}]\n")
    assert "unused-argument" not in run("check", str(spec)).out


def test_a_diff_tells_the_call(run: Any, tmp_path: Path) -> None:
    for name, act in (("old", "relu"), ("new", "{leaky_relu: 0.1}")):
        (tmp_path / f"{name}.yaml").write_text(HEAD + f"layers: [{{conv: 4, kernel: 1, act: {act}}}]\n")
    done = run("diff", str(tmp_path / "old.yaml"), str(tmp_path / "new.yaml"), "--format", "json")
    assert (done.code, done.err) == (0, "")
    assert "leaky_relu" in done.out


def test_equal_values_from_two_places_are_told_apart() -> None:
    text = """input: [3, 8, 8]
layers:
  - for: k
    in:
      - 4
      - 4
    layers: [{conv: k, kernel: 3}]
"""
    network = cnncalc.loads(text)
    assert "`k` was given at <string>:5:9" in str(network.explain("conv1"))
    assert "`k` was given at <string>:6:9" in str(network.explain("conv2"))
