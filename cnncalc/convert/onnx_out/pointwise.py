"""Activations, regularisers and learned factors in ONNX."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import pi, prod, sqrt
from typing import TYPE_CHECKING, Any

from cnncalc.convert.onnx_out.operators import (
    elementwise,
    per_channel,
    reshaped,
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


def softmax(w: Writer, node: Node, x: str) -> None:
    """Over the channels, or over all positions as one axis."""
    layer: Any = node.operation.layer
    operator = {"softmax": "Softmax", "log_softmax": "LogSoftmax"}[node.kind]
    if layer.over == "channels":
        w.op(operator, [x], w.shapes[x], axis=1)
        return
    channels, *sizes = w.shapes[x]
    flat = reshaped(w, x, (channels, prod(sizes))) if len(sizes) > 1 else x
    found = w.op(operator, [flat], w.shapes[flat], axis=2)
    if len(sizes) > 1:
        reshaped(w, found, (channels, *sizes))


def offset(w: Writer, node: Node, x: str) -> None:
    """A learned tensor, or a constant, that is added; `factor` multiplies."""
    layer: Any = node.operation.layer
    operator = {"offset": "Add", "factor": "Mul"}[node.kind]
    if layer.value is not None:
        scalar(w, operator, x, layer.value)
        return
    own = layer.shape(w.shapes[x])
    wide = (*own, *(1,) * (len(w.shapes[x]) - len(own)))
    w.op(operator, [x, w.weight(layer.weight_name, wide)], w.shapes[x])


def parameter(w: Writer, node: Node) -> None:
    """A tensor of weights as it is, for a batch of one."""
    shape = node.operation.output
    w.op("Identity", [w.weight("weight", (1, *shape))], shape, True)


def coordinates(w: Writer, node: Node) -> None:
    """From -1 to 1 along every axis, for a batch of one."""
    shape = node.operation.output
    lines = [[2 * place / (size - 1) - 1 if size > 1 else 0.0 for place in range(size)] for size in shape[1:]]
    values = [place[axis] for axis in range(len(lines)) for place in product(*lines)]
    w.op("Identity", [w.numbers("coordinates", values, (1, *shape))], shape, True)


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
    "softmax": softmax,
    "log_softmax": softmax,
    "dropout": dropout,
    "drop_path": elementwise("Identity"),
    "layer_scale": layer_scale,
    "offset": offset,
    "factor": offset,
    "parameter": parameter,
    "coordinates": coordinates,
}
