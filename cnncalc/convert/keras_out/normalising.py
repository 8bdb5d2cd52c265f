"""Normalisations in Keras."""

from __future__ import annotations

from typing import Any

from cnncalc.convert.keras_out.calls import Argument, Sketch
from cnncalc.convert.keras_out.padding import (
    A,
)
from cnncalc.graph import Node


def factors(layer: Any, epsilon: float) -> list[Argument]:
    """The arguments that the normalisations share; `epsilon` is Keras' default."""
    return [A(layer.eps, "epsilon", epsilon), A(layer.scale, "scale", True), A(layer.shift, "center", True)]


def batch_norm(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    if layer.statistics:
        return s.layer("layers.BatchNormalization", [x], *factors(layer, 1e-3))
    if node.kind == "instance_norm":
        return s.layer("layers.GroupNormalization", [x], A(-1, "groups"), *factors(layer, 1e-3))
    return s.layer("BatchStatisticsNormalization", [x], *factors(layer, 1e-5))


def layer_norm(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    axes = list(range(1, len(node.operation.inputs[0]) + 1))
    axis = A(axes if layer.over == "all" and len(axes) > 1 else -1, "axis", -1)
    return s.layer("layers.LayerNormalization", [x], axis, *factors(layer, 1e-3))


def group_norm(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    return s.layer("layers.GroupNormalization", [x], A(layer.groups, role="groups"), *factors(layer, 1e-3))


def l2_norm(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    return s.layer("L2Normalization", [x], A(layer.eps, "epsilon", 1e-12), A(layer.scale, "scale", False))


def local_response_norm(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    given = [A(getattr(layer, name), name) for name in ("size", "alpha", "beta", "k")]
    return s.function("local_response_norm", [x], *given)
