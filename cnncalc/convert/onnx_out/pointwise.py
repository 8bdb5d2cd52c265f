"""Activations, regularisers and learned factors in ONNX."""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt
from typing import TYPE_CHECKING, Any

from cnncalc.convert.onnx_out.operators import (
    elementwise,
    per_channel,
    scalar,
)
from cnncalc.graph import Node

if TYPE_CHECKING:
    from cnncalc.convert.onnx_out.model import Writer


def relu6(w: Writer, node: Node, x: str) -> None:
    w.op("Clip", [x, w.numbers("least", [0.0], ()), w.numbers("most", [6.0], ())], w.shapes[x])


def leaky_relu(w: Writer, node: Node, x: str) -> None:
    layer: Any = node.operation.layer
    w.op("LeakyRelu", [x], w.shapes[x], alpha=float(layer.negative_slope))


def prelu(w: Writer, node: Node, x: str) -> None:
    layer: Any = node.operation.layer
    slopes = w.weight("weight", (layer.slopes,) + (1,) * (len(w.shapes[x]) - 1))
    w.op("PRelu", [x, slopes], w.shapes[x])


def gelu(w: Writer, node: Node, x: str) -> None:
    """The operator since opset 20, its formula before."""
    layer: Any = node.operation.layer
    shape = w.shapes[x]
    if w.opset >= 20:
        w.op("Gelu", [x], shape, approximate=layer.approximate)
        return
    if layer.approximate == "tanh":
        cubed = scalar(w, "Mul", w.op("Mul", [x, w.op("Mul", [x, x], shape)], shape), 0.044715)
        inner = w.op("Tanh", [scalar(w, "Mul", w.op("Add", [x, cubed], shape), sqrt(2 / pi))], shape)
    else:
        inner = w.op("Erf", [scalar(w, "Div", x, sqrt(2))], shape)
    scalar(w, "Mul", w.op("Mul", [x, scalar(w, "Add", inner, 1.0)], shape), 0.5)


def silu(w: Writer, node: Node, x: str) -> None:
    w.op("Mul", [x, w.op("Sigmoid", [x], w.shapes[x])], w.shapes[x])


def mish(w: Writer, node: Node, x: str) -> None:
    """The operator since opset 18, its formula before."""
    shape = w.shapes[x]
    if w.opset >= 18:
        w.op("Mish", [x], shape)
    else:
        w.op("Mul", [x, w.op("Tanh", [w.op("Softplus", [x], shape)], shape)], shape)


def hard_swish(w: Writer, node: Node, x: str) -> None:
    """The operator since opset 14, its formula before."""
    shape = w.shapes[x]
    if w.opset >= 14:
        w.op("HardSwish", [x], shape)
    else:
        w.op("Mul", [x, w.op("HardSigmoid", [x], shape, alpha=1 / 6, beta=0.5)], shape)


def softplus(w: Writer, node: Node, x: str) -> None:
    layer: Any = node.operation.layer
    if layer.beta == 1:
        w.op("Softplus", [x], w.shapes[x])
    else:
        x = w.op("Softplus", [scalar(w, "Mul", x, layer.beta)], w.shapes[x])
        scalar(w, "Div", x, layer.beta)


def dropout(w: Writer, node: Node, x: str) -> None:
    layer: Any = node.operation.layer
    w.op("Dropout", [x, w.numbers("rate", [layer.rate], ())], w.shapes[x])


def layer_scale(w: Writer, node: Node, x: str) -> None:
    w.op("Mul", [x, per_channel(w, "weight", x)], w.shapes[x])


POINTWISE: dict[str, Callable[..., object]] = {
    "relu": elementwise("Relu"),
    "relu6": relu6,
    "leaky_relu": leaky_relu,
    "prelu": prelu,
    "elu": elementwise("Elu", "alpha"),
    "selu": elementwise("Selu", "alpha", "gamma"),
    "gelu": gelu,
    "silu": silu,
    "mish": mish,
    "sigmoid": elementwise("Sigmoid"),
    "hard_sigmoid": elementwise("HardSigmoid", "alpha", "beta"),
    "hard_swish": hard_swish,
    "tanh": elementwise("Tanh"),
    "softplus": softplus,
    "softmax": elementwise("Softmax", axis=1),
    "log_softmax": elementwise("LogSoftmax", axis=1),
    "dropout": dropout,
    "drop_path": elementwise("Identity"),
    "layer_scale": layer_scale,
}
