"""Activations, regularisers and learned factors in PyTorch's terms."""

from __future__ import annotations

from typing import Any

from cnncalc.convert.torch_out.leaf import NEVER, Leaf, Param, Writer, channels, flag, rank
from cnncalc.geometry import Shape
from cnncalc.graph import Node

INPLACE = "inplace"
"""The argument of activations that overwrite their input; whether they may, `source` decides by what else takes it."""

PLAIN = {
    "relu": "nn.ReLU",
    "relu6": "nn.ReLU6",
    "silu": "nn.SiLU",
    "mish": "nn.Mish",
    "hard_swish": "nn.Hardswish",
    "sigmoid": "nn.Sigmoid",
    "tanh": "nn.Tanh",
}
ONE_NUMBER = {
    "leaky_relu": ("nn.LeakyReLU", "negative_slope", 0.01),
    "elu": ("nn.ELU", "alpha", 1.0),
    "softplus": ("nn.Softplus", "beta", 1.0),
}
"""Modules with one argument of this name, and what it is if left out."""
OTHERS = ("softmax", "log_softmax", "hard_sigmoid", "selu", "gelu", "prelu")
"""Activations whose module depends on their arguments."""
OVERWRITES = ("nn.ReLU", "nn.ReLU6", "nn.SiLU", "nn.Mish", "nn.Hardswish", "nn.LeakyReLU", "nn.ELU", "nn.SELU")


def activation(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    kind, params = node.kind, {}
    if kind in PLAIN:
        module = PLAIN[kind]
    elif kind in ("softmax", "log_softmax") and layer.over == "positions" and rank(node) > 1:
        return Leaf("", {}, f"{{0}}.flatten(2).{kind}(dim=2).view_as({{0}})")
    elif kind in ("softmax", "log_softmax"):
        module = "nn.Softmax" if kind == "softmax" else "nn.LogSoftmax"
        params = {"dim": Param(2 if layer.over == "positions" else 1, "word")}
    elif kind == "hard_sigmoid":
        usual = (layer.alpha, layer.beta) == (1 / 6, 0.5)
        module = "nn.Hardsigmoid" if usual else "HardSigmoid"
        params = {} if usual else numbers(layer, alpha=NEVER, beta=NEVER)
    elif kind == "selu":
        usual = (layer.alpha, layer.gamma) == (layer.defaults["alpha"], layer.defaults["gamma"])
        module = "nn.SELU" if usual else "ScaledELU"
        params = {} if usual else numbers(layer, alpha=NEVER, gamma=NEVER)
    elif kind == "gelu":
        module, params = "nn.GELU", {"approximate": Param(layer.approximate, "word", "none")}
    elif kind == "prelu":
        one = layer.slopes == 1
        module = "nn.PReLU"
        params = {"num_parameters": Param(layer.slopes, "word" if one else "channels", 1, False)}
    else:
        module, name, default = ONE_NUMBER[kind]
        params = {name: Param(getattr(layer, name), "number", default, False)}
    if module in OVERWRITES:
        params[INPLACE] = flag(False, False)
    return Leaf(module, params)


def numbers(layer: Any, **defaults: Any) -> dict[str, Param]:
    return {name: Param(getattr(layer, name), "number", default) for name, default in defaults.items()}


def dropout(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    if node.kind == "drop_path":
        return Leaf("DropPath", {"p": Param(layer.rate, "rate", keyword=False)})
    return Leaf("nn.Dropout", {"p": Param(layer.rate, "rate")})


def layer_scale(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    size = channels(node.operation.inputs[0][0])
    return Leaf("LayerScale", {"channels": size, "initial": Param(layer.initial, "number", 1e-6)})


def spread(node: Node, apart: bool) -> Leaf:
    """A learned tensor, or a constant, that is added or multiplied."""
    layer: Any = node.operation.layer
    adds = node.kind == "offset"
    if layer.value is not None:
        return Leaf("", {"value": Param(layer.value, "number")}, f"{{0}} {'+' if adds else '*'} {{value}}")
    return Leaf("Offset" if adds else "Factor", sizes(layer.shape(node.operation.inputs[0])))


def parameter(node: Node, apart: bool) -> Leaf:
    return Leaf("Learned", sizes(node.operation.output), "{self}()")


def sizes(shape: Shape) -> dict[str, Param]:
    """The sizes of a learned tensor, one by one, since its channels may be an argument."""
    return {
        f"size{place}": Param(size, "size" if place or size == 1 else "channels", keyword=False)
        for place, size in enumerate(shape)
    }


def coordinates(node: Node, apart: bool) -> Leaf:
    params = {
        f"size{place}": Param(size, "size", keyword=False) for place, size in enumerate(node.operation.output[1:])
    }
    return Leaf("Coordinates", params, "{self}()")


POINTWISE: dict[str, Writer] = {
    **dict.fromkeys((*PLAIN, *ONE_NUMBER, *OTHERS), activation),
    "dropout": dropout,
    "drop_path": dropout,
    "layer_scale": layer_scale,
    "offset": spread,
    "factor": spread,
    "parameter": parameter,
    "coordinates": coordinates,
}
