"""What each Keras layer class becomes: a table from its class to the rows that it is.

Classes that differ by their number of axes alone (``Conv1D``, ``Conv2D``) are one.  Operations, which are no layers,
stand in `operations`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from cnncalc.convert.keras.activations import LAYER_ACTIVATIONS, activated, activation
from cnncalc.convert.keras.config import Entry
from cnncalc.convert.keras.shaping import (
    average,
    center_crop,
    combining,
    concatenate,
    crop,
    flatten,
    joining,
    pad,
    permute,
    repeat_vector,
    reshape,
    resizing,
    scaled_add,
    upsample,
)
from cnncalc.convert.keras.site import Site, each, even
from cnncalc.diagnostics import Fault
from cnncalc.layers.convolution import SEPARATED

Results = int | list[int]
Maker = Callable[[Site], Results]

RANKS = ("1D", "2D", "3D")
"""What a class's name says of its number of spatial axes."""


def make(site: Site, entry: Entry) -> Results:
    """The results of a layer of this class on the site's tensors; opaque where the class is not known."""
    kind = next((entry.kind.replace(rank, "") for rank in RANKS if rank in entry.kind), entry.kind)
    found = LAYERS.get(kind)
    if found is None or (entry.module and entry.module.partition(".")[0] not in HOMES):
        return site.unknown(entry.kind, "a config that Keras 3 writes states more shapes")
    return found(site)


HOMES = frozenset({"keras", "tf_keras", "tensorflow"})
"""Packages whose classes these are: another's of the same name may be anything."""


# -- convolutions and dense layers -------------------------------------------------------------------------------------


def _window(site: Site, size: str = "kernel_size") -> dict[str, Any]:
    """Kernel, stride, padding and dilation, as arguments."""
    kernel = site.get(size)
    padding: Any = site.word("padding", "valid", "same", "causal")
    dilation = site.get("dilation_rate", 1)
    if padding == "causal":
        if not isinstance(kernel, int) or not isinstance(dilation, int):
            raise Fault("wrong-type", "causal padding needs one kernel size and one dilation rate")
        padding = ((dilation * (kernel - 1), 0),)
    found = {"kernel": kernel, "stride": site.get("strides", 1), "padding": padding}
    return found if dilation == 1 else found | {"dilation": dilation}


def _convolved(site: Site, kind: str, **arguments: Any) -> int:
    """A row of a convolution on the layer's channels, and the activation after it."""
    channel = site.channel_axis(len(site.shape(site.x)))
    x = site.append(kind, site.front(site.x, channel), **arguments)
    return activated(site, site.back(x, channel), site.config.get("activation"))


def convolution(site: Site) -> int:
    groups = site.get("groups", 1)
    extra = {} if groups == 1 else {"groups": groups}
    return _convolved(
        site, "conv", channels=site.get("filters"), **_window(site), **extra, bias=site.flag("use_bias", True)
    )


def depthwise(site: Site) -> int:
    multiplier = site.get("depth_multiplier", 1)
    return _convolved(site, "depthwise_conv", **_window(site), multiplier=multiplier, bias=site.flag("use_bias", True))


def separable(site: Site) -> int:
    """Two rows, with the bias on the second, as `separable_conv` has them."""
    channel = site.channel_axis(len(site.shape(site.x)))
    x = site.append(
        "depthwise_conv",
        site.front(site.x, channel),
        SEPARATED[0],
        **_window(site),
        multiplier=site.get("depth_multiplier", 1),
        bias=False,
    )
    x = site.append("conv", x, SEPARATED[1], channels=site.get("filters"), kernel=1, bias=site.flag("use_bias", True))
    return activated(site, site.back(x, channel), site.config.get("activation"))


def transposed(site: Site) -> int:
    """Keras' `valid` never cuts what a stride larger than the kernel leaves between windows."""
    arguments = _window(site)
    rank = len(site.shape(site.x)) - 1
    if rank < 1:
        raise Fault("no-spatial-axes", "a transposed convolution needs spatial axes")
    kernels, strides, dilations = (each(arguments.get(key, 1), rank, key) for key in ("kernel", "stride", "dilation"))
    extents = [dilation * (kernel - 1) + 1 for kernel, dilation in zip(kernels, dilations)]
    extra = site.get("output_padding")
    same = arguments["padding"] == "same"
    if extra is not None:
        arguments["output_padding"] = extra
        if same:
            arguments["padding"] = even([extent // 2 for extent in extents])
    elif not same:
        beyond = [max(0, stride - extent) for stride, extent in zip(strides, extents)]
        if any(beyond):
            arguments["output_padding"] = even(beyond)
    return _convolved(
        site, "conv_transpose", channels=site.get("filters"), **arguments, bias=site.flag("use_bias", True)
    )


def dense(site: Site) -> int:
    """On positions it is a convolution with kernel 1: it works on Keras' last axis."""
    return dense_on(site, site.get("units"), site.flag("use_bias", True), site.config.get("activation"))


def dense_on(site: Site, units: Any, bias: bool, act: Any) -> int:
    rank = len(site.shape(site.x))
    if rank == 1:
        x = site.append("linear", site.x, features=units, bias=bias)
    else:
        x = site.along(site.x, rank - 1, "conv", channels=units, kernel=1, bias=bias)
    return activated(site, x, act)


# -- pools -------------------------------------------------------------------------------------------------------------


def _pooled(kind: str) -> Maker:
    def pool(site: Site) -> int:
        channel = site.channel_axis(len(site.shape(site.x)))
        size = site.get("pool_size", 2)
        padding = site.word("padding", "valid", "same")
        arguments = {"kernel": size, "stride": site.get("strides", size), "padding": padding}
        if kind == "avg_pool" and padding == "same":
            arguments["count_include_pad"] = False
        x = site.append(kind, site.front(site.x, channel), **arguments)
        return site.back(x, channel)

    return pool


def _global(kind: str) -> Maker:
    def pool(site: Site) -> int:
        channel = site.channel_axis(len(site.shape(site.x)))
        x = site.append(kind, site.front(site.x, channel))
        if site.flag("keepdims"):
            return site.back(x, channel)
        return site.append("flatten", x, ".flatten")

    return pool


def _adaptive(kind: str) -> Maker:
    def pool(site: Site) -> int:
        channel = site.channel_axis(len(site.shape(site.x)))
        x = site.append(kind, site.front(site.x, channel), size=site.get("output_size"))
        return site.back(x, channel)

    return pool


# -- normalisations ----------------------------------------------------------------------------------------------------


def _one_axis(site: Site, default: int = -1) -> int | None:
    """Keras' axis that a normalisation works along; None where it is several."""
    rank = len(site.shape(site.x))
    value = site.config.get("axis", default)
    axes = value if isinstance(value, list) else [value]
    found = {site.axis(axis, rank) for axis in axes if axis is not None}
    wide = {axis for axis in found if site.keras_shape(site.x)[axis] > 1}
    if len(wide) > 1 or not found:
        return None
    return wide.pop() if wide else max(found)


def batch_norm(site: Site) -> int:
    axis = _one_axis(site)
    if axis is None:
        return site.opaque("BatchNormalization over several axes", (site.x,), site.shape(site.x), None)
    return site.along(site.x, axis, "batch_norm", **_scaled(site))


def _scaled(site: Site) -> dict[str, Any]:
    return {
        "scale": site.flag("scale", True),
        "shift": site.flag("center", True),
        "eps": site.number("epsilon", 1e-3),
    }


def layer_norm(site: Site) -> int:
    shape = site.keras_shape(site.x)
    axis = _one_axis(site)
    if axis is None:
        axes = {site.axis(value, len(shape)) for value in site.config.get("axis") or ()}
        tensors = site.flag("scale", True) + site.flag("center", True)
        return site.opaque(
            "LayerNormalization over several axes",
            (site.x,),
            site.shape(site.x),
            tensors * prod(shape[axis] for axis in axes),
        )
    if site.flag("rms_scaling"):
        return site.opaque("RMS normalization", (site.x,), site.shape(site.x), shape[axis])
    return site.along(site.x, axis, "layer_norm", **_scaled(site))


def rms_norm(site: Site) -> int:
    axis = _one_axis(site)
    size = None if axis is None else site.keras_shape(site.x)[axis]
    return site.opaque("RMS normalization", (site.x,), site.shape(site.x), size)


def group_norm(site: Site) -> int:
    """-1 groups, or as many as channels, are instance normalisation."""
    axis = _one_axis(site)
    if axis is None:
        raise Fault("wrong-axes", "`axis` needs one axis")
    groups = site.get("groups", 32)
    if groups == -1:
        groups = site.keras_shape(site.x)[axis]
    return site.along(site.x, axis, "group_norm", groups=groups, **_scaled(site))


def unit_norm(site: Site) -> int:
    axis = _one_axis(site)
    if axis is None:
        return site.elementwise("UnitNormalization over several axes", site.x)
    return site.along(site.x, axis, "l2_norm")


def normalization(site: Site) -> int:
    """Mean and variance that `adapt` learns are state; such as the config gives are constants."""
    if site.config.get("mean") is not None or site.flag("invert"):
        return site.constant(site.x, "its constant mean and variance")
    axis = _one_axis(site)
    if axis is None:
        return site.opaque("Normalization over several axes", (site.x,), site.shape(site.x), None)
    site.rows.account.note(f"{site.node}: its `count` (1 element) is no weight")
    return site.along(site.x, axis, "batch_norm", scale=False, shift=False, eps=0.0)


def layer_scale(site: Site) -> int:
    """ConvNeXt's own layer."""
    return site.append("layer_scale", site.x, initial=site.number("init_values", 1e-6))


# -- others ------------------------------------------------------------------------------------------------------------


def identity(site: Site) -> int:
    return site.append("identity", site.x)


def dropout(site: Site) -> int:
    return site.append("dropout", site.x, rate=site.number("rate", 0.5))


def drop_path(site: Site) -> int:
    """ConvNeXt's own layer."""
    return site.append("drop_path", site.x, rate=site.number("drop_path_rate", 0.5))


def rescaling(site: Site) -> int:
    return site.constant(site.x, "its scale and offset")


def unknown_function(site: Site) -> list[int]:
    """Python code, which is not run."""
    return site.unknown("Lambda", "a Lambda layer is Python code; use a layer that Keras knows", params=0)


LAYERS: dict[str, Maker] = {
    "Conv": convolution,
    "Convolution": convolution,
    "DepthwiseConv": depthwise,
    "SeparableConv": separable,
    "ConvTranspose": transposed,
    "Dense": dense,
    "MaxPooling": _pooled("max_pool"),
    "AveragePooling": _pooled("avg_pool"),
    "GlobalAveragePooling": _global("global_avg_pool"),
    "GlobalMaxPooling": _global("global_max_pool"),
    "AdaptiveAveragePooling": _adaptive("adaptive_avg_pool"),
    "AdaptiveMaxPooling": _adaptive("adaptive_max_pool"),
    "BatchNormalization": batch_norm,
    "SyncBatchNormalization": batch_norm,
    "LayerNormalization": layer_norm,
    "RMSNormalization": rms_norm,
    "GroupNormalization": group_norm,
    "UnitNormalization": unit_norm,
    "Normalization": normalization,
    "LayerScale": layer_scale,
    "Activation": activation,
    **LAYER_ACTIVATIONS,
    "ThresholdedReLU": combining("ThresholdedReLU"),
    "Flatten": flatten,
    "Reshape": reshape,
    "Permute": permute,
    "RepeatVector": repeat_vector,
    "ZeroPadding": pad,
    "Cropping": crop,
    "UpSampling": upsample,
    "Resizing": resizing,
    "CenterCrop": center_crop,
    "Concatenate": concatenate,
    "Add": joining("add"),
    "Multiply": joining("multiply"),
    "Subtract": combining("Subtract"),
    "Average": average,
    "Maximum": combining("Maximum"),
    "Minimum": combining("Minimum"),
    "CustomScaleLayer": scaled_add,
    "Rescaling": rescaling,
    "StochasticDepth": drop_path,
    "Lambda": unknown_function,
    **dict.fromkeys(("Dropout", "SpatialDropout", "AlphaDropout", "GaussianDropout"), dropout),
    **dict.fromkeys(
        (
            "Identity",
            "ActivityRegularization",
            "GaussianNoise",
            "Masking",
            "RandomBrightness",
            "RandomContrast",
            "RandomFlip",
            "RandomRotation",
            "RandomTranslation",
            "RandomZoom",
        ),
        identity,
    ),
}
"""Layer classes, without what they say of their number of axes."""
