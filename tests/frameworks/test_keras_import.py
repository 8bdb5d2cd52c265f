"""Keras' own applications against their imported configs: trainable parameters, state, MACs and every output shape.

The MACs come from Keras: positions of a layer's output times the elements of its kernel.
"""

from __future__ import annotations

import os
from math import prod

import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
pytest.importorskip("torch")

from cnncalc.convert.keras import from_keras  # noqa: E402

APPLICATIONS = sorted(name for name in dir(keras.applications) if name[0].isupper() and name != "NASNetMobile")
"""All but the one that does not build with this backend."""

INPUTS = {"MobileNetV3Small": (3, 224, 224), "MobileNetV3Large": (3, 224, 224)}
"""Channels first, where the application leaves its input's size open."""


def kernels(layer: object) -> int:
    """Multiply-accumulates of a Keras layer, from its output's shape and its kernels."""
    name = type(layer).__name__
    positions = prod(layer.output.shape[1:-1])
    if name == "Dense" or name in ("Conv1D", "Conv2D", "Conv3D", "DepthwiseConv2D"):
        return positions * prod(layer.kernel.shape)
    if name in ("SeparableConv1D", "SeparableConv2D"):
        return positions * (prod(layer.depthwise_kernel.shape) + prod(layer.pointwise_kernel.shape))
    if name in ("Conv1DTranspose", "Conv2DTranspose"):
        return prod(layer.input.shape[1:-1]) * prod(layer.kernel.shape)
    return 0


def leaves(model: object) -> list[object]:
    return [layer for layer in model._flatten_layers(include_self=False) if not hasattr(layer, "layers")]


@pytest.mark.parametrize("name", APPLICATIONS)
def test_an_application_comes_in_whole(name: str) -> None:
    given = INPUTS.get(name)
    shape = {"input_shape": (*given[1:], given[0])} if given else {}
    with keras.device("meta"):
        model = getattr(keras.applications, name)(weights=None, **shape)
    graph, account = from_keras(model.to_json())
    assert account.opaque == {}
    assert account.parameters == sum(prod(weight.shape) for weight in model.trainable_weights)
    counters = sum(weight.name == "count" for weight in model.non_trainable_weights)
    assert account.state + counters == sum(prod(weight.shape) for weight in model.non_trainable_weights)
    assert sum(node.operation.macs or 0 for node in graph.nodes) == sum(map(kernels, leaves(model)))
    assert account.compared > len(graph.nodes) // 2
    for layer in leaves(model):
        if type(layer).__name__ == "InputLayer":
            continue
        found = graph.find(next(row for place, row in account.names.items() if f".{place}".endswith(f".{layer.name}")))
        *positions, channels = layer.output.shape[1:]
        assert graph.shapes[graph.nodes[found.layers[-1]].number] == (channels, *positions), layer.name
