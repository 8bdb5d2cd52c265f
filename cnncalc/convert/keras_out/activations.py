"""Activations in Keras: layers of their own, or what a convolution or dense layer applies itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnncalc.convert.keras_out.calls import Argument, Sketch
from cnncalc.convert.keras_out.padding import (
    A,
    E,
)
from cnncalc.diagnostics import Fault
from cnncalc.graph import Node


def following(s: Sketch, node: Node) -> Argument:
    """The activation that a convolution or dense layer applies itself: its own, if nothing else takes its result."""
    takers = s.takers[node.number]
    word = None
    alone = len(takers) == 1 and node.number not in s.leaving and node.shares is None and node.place not in s.owners
    if alone and takers[0].name == f"{node.name}.act":
        word = plain_activation(takers[0])
        if word is not None:
            s.applied.add(takers[0].place)
    return A(word, "activation", None)


def plain_activation(node: Node) -> str | None:
    """The word by which Keras calls an activation, if it has one."""
    layer: Any = node.operation.layer
    own = ("elu", "gelu", "selu", "hard_sigmoid", "softplus", "softmax", "log_softmax")
    if node.kind in own and layer != type(layer)():
        return None
    return WORDS.get(node.kind)


WORDS = {
    "relu": "relu",
    "relu6": "relu6",
    "elu": "elu",
    "selu": "selu",
    "gelu": "gelu",
    "silu": "silu",
    "mish": "mish",
    "sigmoid": "sigmoid",
    "hard_sigmoid": "hard_sigmoid",
    "hard_swish": "hard_swish",
    "tanh": "tanh",
    "softplus": "softplus",
    "softmax": "softmax",
    "log_softmax": "log_softmax",
}


def activation(s: Sketch, node: Node, x: int) -> int:
    """One that a convolution or dense layer has applied already is nothing; by its word else, or by its formula."""
    layer: Any = node.operation.layer
    if node.place in s.applied:
        return x
    if node.kind in ("softmax", "log_softmax") and layer.over == "positions":
        axes = list(range(1, len(node.operation.inputs[0])))
        if node.kind == "softmax":
            return s.layer("layers.Softmax", [x], A(axes[0] if len(axes) == 1 else axes, "axis"))
        if len(axes) > 1:
            raise Fault("cannot-export", f"`{node.name}` is over several axes, which Keras has no logarithm of")
        return s.function("ops.log_softmax", [x], A(1, "axis"))
    word = plain_activation(node)
    if word is not None:
        return s.layer("layers.Activation", [x], A(word, role="activation"))
    if node.kind == "leaky_relu":
        return s.layer("layers.LeakyReLU", [x], A(layer.negative_slope, "negative_slope", 0.3))
    if node.kind == "elu":
        return s.layer("layers.ELU", [x], A(layer.alpha, "alpha", 1.0))
    if node.kind == "prelu":
        rank = len(node.operation.inputs[0]) - 1
        axes = [*range(1, rank + 1), *([rank + 1] if layer.slopes == 1 else [])]
        return s.layer("layers.PReLU", [x], A(axes, "shared_axes", []))
    return s.function("[]", [x], A(E(FORMULAS[node.kind](layer))))


FORMULAS: dict[str, Callable[[Any], str]] = {
    "gelu": lambda layer: "keras.activations.gelu({x}, approximate=True)",
    "selu": lambda layer: f"{layer.gamma} * keras.activations.elu({{x}}, alpha={layer.alpha})",
    "hard_sigmoid": lambda layer: f"ops.clip({layer.alpha} * {{x}} + {layer.beta}, 0, 1)",
    "softplus": lambda layer: f"ops.softplus({layer.beta} * {{x}}) / {layer.beta}",
}
"""Activations with other constants than Keras'."""
