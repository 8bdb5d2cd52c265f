"""Networks go out to a framework and come in again: the same rows."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import cnncalc
from cnncalc.geometry import GLOBAL, Reach, Shape
from cnncalc.graph import Graph, Node

os.environ.setdefault("KERAS_BACKEND", "torch")

NAMES = ("lenet5", "mobilenet_v3_small", "shufflenet_v2_x0_5", "inception_module", "resnet18", "squeezenet1_1")
IN_KERAS = ("lenet5", "inception_module", "ds_cnn_s", "densenet_bc100_k12")
"""Networks whose padding Keras has a word for: any other is a layer of its own there."""

ATTENDING = ("swin_t", "swin_v2_t")
"""Shifted windows, with a table of biases that is learned, and one that is worked out from coordinates."""

NOTHING = ("dropout", "drop_path", "identity", "flatten")
"""What moves no number to another place in inference, and may be said in other words."""


def rows(graph: Graph) -> Counter[Any]:
    """What a network computes, whatever its layers are called."""
    return Counter(
        (
            node.kind,
            node.operation.inputs,
            node.operation.output,
            reach(node),
            node.operation.macs,
            tuple((weight.shape, weight.learned) for weight in node.operation.weights),
        )
        for node in graph.nodes
        if node.kind not in NOTHING and not is_nothing(node)
    )


def reach(node: Node) -> Reach:
    """What a row sees; a window that is the whole map is none."""
    is_whole = node.kind == "attention" and node.operation.layer.window == compact(node.operation.output[1:])
    return GLOBAL if is_whole else node.operation.reach


def compact(sizes: Shape) -> int | Shape:
    """As a spec may write sizes: equal ones once."""
    return sizes[0] if len(set(sizes)) == 1 else sizes


def is_nothing(node: Node) -> bool:
    """Whether a layer pads or cuts off nothing, as those up to whole windows do where there are some."""
    return node.kind in ("pad", "crop") and node.operation.inputs == (node.operation.output,)


def agree(network: cnncalc.Network, back: cnncalc.Network) -> None:
    assert rows(back.graph) == rows(network.graph)
    assert back.params().totals.params == network.params().totals.params


@pytest.mark.parametrize("name", [*NAMES, *ATTENDING])
def test_through_pytorch(name: str) -> None:
    pytest.importorskip("torch")
    network = cnncalc.load(name)
    agree(network, cnncalc.from_torch(network.to_torch().eval(), network.graph.inputs[0][1]))


@pytest.mark.parametrize("name", [*NAMES, *ATTENDING])
def test_through_onnx(name: str, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    network = cnncalc.load(name)
    network.to_onnx(tmp_path / "network.onnx")
    agree(network, cnncalc.from_onnx(tmp_path / "network.onnx"))


@pytest.mark.parametrize("name", IN_KERAS)
def test_through_keras(name: str) -> None:
    pytest.importorskip("keras")
    network = cnncalc.load(name)
    agree(network, cnncalc.from_keras(network.to_keras()))
