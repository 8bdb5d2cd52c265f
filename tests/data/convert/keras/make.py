"""Writes the configs beside this file, and what Keras says of each, into ``facts.json``.

KERAS_BACKEND=torch python make.py        # Keras 3.15.1
"""

from __future__ import annotations

import json
import os
from math import prod
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
from keras import layers as L
from keras import ops

HERE = Path(__file__).parent


def every_layer() -> keras.Model:
    """Two-dimensional layers of every kind."""
    a = keras.Input((32, 30, 3), name="image")
    x = L.Rescaling(1 / 255, name="rescaling")(a)
    x = L.ZeroPadding2D(((1, 2), (3, 4)), name="zero_padding")(x)
    x = L.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="conv_same")(x)
    x = L.Conv2D(8, (3, 1), dilation_rate=2, groups=2, use_bias=False, name="conv_dilated")(x)
    x = L.BatchNormalization(scale=False, name="batch_norm")(x)
    x = L.ReLU(max_value=6, name="relu6")(x)
    x = L.DepthwiseConv2D(3, depth_multiplier=2, padding="same", activation="silu", name="depthwise")(x)
    x = L.SeparableConv2D(12, 3, depth_multiplier=2, activation="gelu", name="separable")(x)
    y = L.Conv2DTranspose(6, 3, strides=2, padding="same", name="transposed_same")(x)
    z = L.Conv2DTranspose(6, 2, strides=3, name="transposed_valid")(x)
    w = L.Conv2DTranspose(6, 3, strides=2, padding="same", output_padding=0, name="transposed_output")(x)
    z = L.Cropping2D(((1, 0), (0, 2)), name="cropping")(z)
    z = L.MaxPooling2D(2, padding="same", name="max_pooling")(z)
    y = L.AveragePooling2D((2, 2), strides=1, padding="same", name="average_pooling")(y)
    y = L.LayerNormalization(name="layer_norm")(y)
    y = L.GroupNormalization(3, name="group_norm")(y)
    y = L.UnitNormalization(name="unit_norm")(y)
    y = L.LeakyReLU(name="leaky")(y)
    y = L.PReLU(shared_axes=[1, 2], name="prelu")(y)
    y = L.ELU(name="elu")(y)
    z = L.UpSampling2D(2, interpolation="bilinear", name="upsampling")(z)
    z = L.SpatialDropout2D(0.2, name="spatial_dropout")(z)
    w = L.Dense(6, activation="tanh", name="dense_on_positions")(w)
    w = L.Permute((2, 1, 3), name="permute")(w)
    w = L.GlobalMaxPooling2D(keepdims=True, name="global_max")(w)
    y = L.Multiply(name="multiply")([y, w])
    p = L.GlobalAveragePooling2D(name="global_average")(y)
    q = L.Flatten(name="flatten")(z)
    q = L.Dense(6, name="dense")(q)
    s = L.Add(name="add")([p, q])
    t = L.Concatenate(name="concatenate")([s, p])
    t = L.Reshape((2, 2, 3), name="reshape")(t)
    u = L.Average(name="average")([t, t])
    u = L.Softmax(name="softmax")(u)
    return keras.Model(a, [u, L.Activation("softmax", name="out")(q)], name="every_layer")


def nested() -> keras.Model:
    """Models within models, two of them called twice; several inputs by name, and several outputs."""
    left, right = keras.Input((16, 16, 3), name="left"), keras.Input((16, 16, 3), name="right")
    tower = keras.Sequential([L.Conv2D(4, 3, name="conv"), L.BatchNormalization(name="norm"), L.ReLU()], name="tower")
    inner = keras.Input((14, 14, 4), name="inner")
    head = keras.Model(inner, [L.Conv2D(2, 1, name="map")(inner), L.GlobalAveragePooling2D()(inner)], name="head")
    shared = L.Dense(5, name="shared")
    maps, means = head(tower(left))
    others, other_means = head(tower(right))
    joined = L.Concatenate(name="joined")([shared(means), shared(other_means)])
    return keras.Model({"left": left, "right": right}, [maps, others, joined], name="nested")


def firsts() -> keras.Model:
    """The first results of models that are called twice: a functional one counts its calls from 1 where they leave."""
    a, inner = keras.Input((6, 5, 3), name="a"), keras.Input((6, 5, 3), name="inner")
    functional = keras.Model(inner, L.Conv2D(3, 1, name="left")(inner), name="functional")
    chain = keras.Sequential([L.Conv2D(3, 1, name="right")], name="chain")
    left, right = functional(a), chain(a)
    total = L.Add(name="total")([functional(left), chain(right)])
    return keras.Model(a, [left, right, total], name="firsts")


def operations() -> keras.Model:
    """Functions between layers."""
    a = keras.Input((8, 8, 6), name="a")
    b, c = ops.split(a, 2, axis=-1)
    d = ops.concatenate([b * 0.5 + 3, ops.relu(c)], axis=-1)
    gate = ops.mean(d, axis=(1, 2), keepdims=True)
    gate = L.ReLU(max_value=6, name="clipped")(gate + 3.0) * (1 / 6)
    e = d * gate
    f = e[:, 1:, :, 2:5]
    g = ops.transpose(f, (0, 2, 1, 3))
    h = ops.reshape(g, (-1, 7 * 8, 3))
    return keras.Model(a, [h, ops.max(e, axis=(1, 2)), ops.expand_dims(gate, 1)], name="operations")


def arguments() -> keras.Model:
    """Functions with their arguments by name, counted from the end, or left out."""
    a = keras.Input((6, 9, 8), name="a")
    b = ops.concatenate(xs=[ops.gelu(a), ops.elu(ops.leaky_relu(a), 0.5)], axis=-1)
    b = ops.add(ops.gelu(b, approximate=False), ops.leaky_relu(b, negative_slope=0.3))
    b = ops.multiply(ops.gelu(b, False), ops.leaky_relu(ops.elu(b, alpha=2.0), 0.1))
    c, d, e = ops.split(b, [4, 10], axis=3)
    f, g, h = ops.split(ops.concatenate([c, d, e, c], axis=-1), indices_or_sections=[3, 7], axis=-2)
    i, j = ops.split(ops.softmax(f, -1), 2, axis=1)
    k = ops.concatenate([i[..., 2:-3], j[:, :, :, 2:17]], axis=1)[:, -4:-1, 1:]
    means, greatest = ops.mean(g, [-2, -3]), ops.max(h, (2, 1), True)
    m = ops.pad(k, [[0, 0], [1, 2], [0, 3], [4, 0]], constant_values=0.5) * 2
    m = ops.pad(m, pad_width=((0, 0), (1, 0), (0, 2), (0, 0)), mode="reflect")
    n = ops.transpose(ops.squeeze(greatest, axis=1), axes=[0, 2, 1])
    o = ops.max(ops.expand_dims(ops.softmax(means, axis=1), axis=1), axis=1)
    return keras.Model(a, [m, n, o, ops.squeeze(greatest), ops.log_softmax(means)], name="arguments")


def first() -> keras.Model:
    """Channels first, and one-dimensional and three-dimensional layers."""
    a = keras.Input((3, 16, 20), name="a")
    x = L.Conv2D(8, 3, padding="same", data_format="channels_first", name="conv")(a)
    x = L.BatchNormalization(axis=1, name="norm")(x)
    x = L.MaxPooling2D(2, data_format="channels_first", name="pool")(x)
    x = L.Concatenate(axis=1, name="concat")([x, x])
    y = ops.max(x, axis=(-1, -2))
    x = L.GlobalAveragePooling2D(data_format="channels_first", name="mean")(x)
    return keras.Model(a, [L.Dense(4, name="dense")(x), y], name="first")


def line() -> keras.Model:
    """One axis: a causal convolution, and a frozen layer."""
    model = keras.Sequential(name="line")
    model.add(keras.Input((40, 2), name="signal"))
    model.add(L.Conv1D(4, 3, padding="causal", dilation_rate=2, name="causal"))
    model.add(L.ZeroPadding1D((2, 3), name="padding"))
    model.add(L.SeparableConv1D(5, 3, padding="same", name="separable"))
    model.add(L.Conv1DTranspose(3, 4, strides=2, padding="same", name="transposed"))
    model.add(L.UpSampling1D(2, name="upsampling"))
    model.add(L.AveragePooling1D(3, name="pooling"))
    model.add(L.Cropping1D((1, 2), name="cropping"))
    model.add(L.Dense(7, name="frozen", trainable=False))
    model.add(L.GlobalAveragePooling1D(name="mean"))
    model.add(L.RepeatVector(3, name="repeat"))
    return model


def volume() -> keras.Model:
    """Three axes."""
    return keras.Sequential(
        [
            keras.Input((8, 10, 12, 1), name="voxels"),
            L.Conv3D(4, 3, activation=L.LeakyReLU(negative_slope=0.1), name="conv"),
            L.MaxPooling3D((1, 2, 2), name="pool"),
            L.ZeroPadding3D(1, name="padding"),
            L.UpSampling3D((2, 1, 1), name="upsampling"),
            L.Conv3DTranspose(2, 2, strides=2, name="transposed"),
            L.Flatten(name="flatten"),
        ],
        name="volume",
    )


def macs(layer: keras.Layer) -> int:
    """From Keras' shapes: positions of the output (transposed: of the input) by the elements of the kernels."""
    kernels = [weight for weight in layer.weights if "kernel" in weight.name]
    shape = layer.input.shape if "Transpose" in type(layer).__name__ else layer.output.shape
    channel = 1 if getattr(layer, "data_format", "") == "channels_first" else len(shape) - 1
    positions = prod(size for axis, size in enumerate(shape) if axis not in (0, channel))
    return positions * sum(prod(kernel.shape) for kernel in kernels)


def calls(layer: keras.Layer, model: keras.Model) -> int:
    """How often a layer of these models is called."""
    return 2 if model.name in ("nested", "firsts") and layer.name in ("conv", "map", "shared", "left", "right") else 1


def facts(model: keras.Model) -> dict[str, object]:
    every = model._flatten_layers(include_self=False)
    found = [layer for layer in every if not hasattr(layer, "layers") and layer._inbound_nodes]
    return {
        "params": sum(prod(weight.shape) for weight in model.trainable_weights),
        "state": sum(prod(weight.shape) for weight in model.non_trainable_weights),
        "macs": sum(calls(layer, model) * macs(layer) for layer in found),
        "layers": {layer.name: list(layer.output.shape[1:]) for layer in found if not isinstance(layer, L.InputLayer)},
        "outputs": [list(output.shape[1:]) for output in model.outputs],
    }


if __name__ == "__main__":
    said = {}
    for build in (every_layer, nested, firsts, operations, arguments, first, line, volume):
        model = build()
        (HERE / f"{build.__name__}.json").write_text(json.dumps(json.loads(model.to_json()), indent=1) + "\n")
        said[build.__name__] = facts(model)
    (HERE / "facts.json").write_text(json.dumps(said, indent=1) + "\n")
