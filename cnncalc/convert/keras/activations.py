"""Keras' activations: functions by name, and layers that are activations and may stand in another's config."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from cnncalc.convert.archive import shown
from cnncalc.convert.keras.site import Site, even
from cnncalc.diagnostics import Fault

FUNCTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("relu", {}),
    "relu6": ("relu6", {}),
    "leaky_relu": ("leaky_relu", {"negative_slope": 0.2}),
    "elu": ("elu", {}),
    "selu": ("selu", {}),
    "gelu": ("gelu", {}),
    "silu": ("silu", {}),
    "swish": ("silu", {}),
    "mish": ("mish", {}),
    "sigmoid": ("sigmoid", {}),
    "hard_sigmoid": ("hard_sigmoid", {}),
    "hard_silu": ("hard_swish", {}),
    "hard_swish": ("hard_swish", {}),
    "tanh": ("tanh", {}),
    "softplus": ("softplus", {}),
    "softmax": ("softmax", {}),
    "log_softmax": ("log_softmax", {}),
}
"""Keras' activation functions, and the kinds and arguments that they are."""

POINTWISE = frozenset(
    {
        "exponential",
        "softsign",
        "celu",
        "hard_tanh",
        "hard_shrink",
        "soft_shrink",
        "tanh_shrink",
        "squareplus",
        "threshold",
        "log_sigmoid",
        "sparse_plus",
        "sparse_sigmoid",
        "sparsemax",
    }
)
"""Activation functions without a kind: they keep the shape, and hold nothing."""


def activated(site: Site, x: int, value: Any, suffix: str = ".act") -> int:
    """`x` after an activation, as a config has it: None, a name, or a layer of its own."""
    if isinstance(value, dict):
        kind, inner = value.get("class_name"), value.get("config")
        if isinstance(inner, str):  # a function, by its name
            return activated(site, x, inner, suffix)
        if isinstance(kind, str) and isinstance(inner, dict) and kind in LAYER_ACTIVATIONS:
            return LAYER_ACTIVATIONS[kind](_inner(site, x, inner), suffix)
        raise Fault("unknown-activation", f"cnncalc does not know the activation `{shown(kind)}`")
    if value is None or value == "linear":
        return x
    if not isinstance(value, str):
        raise Fault("wrong-type", f"`activation` needs a name, got `{shown(value)}`")
    name = value.rpartition(">")[2]
    if name == "hard_sigmoid" and site.is_legacy:
        return site.append("hard_sigmoid", x, suffix, alpha=0.2)
    if name in FUNCTIONS:
        kind, arguments = FUNCTIONS[name]
        if kind in ("softmax", "log_softmax"):
            return site.along(x, len(site.shape(x)) - 1, kind, suffix)
        return site.append(kind, x, suffix, **arguments)
    if name in POINTWISE:
        return site.elementwise(name, x, suffix)
    raise Fault("unknown-activation", f"cnncalc does not know the activation `{shown(value)}`")


def _inner(site: Site, x: int, config: dict[str, Any]) -> Site:
    """The site of a layer that stands within another's config."""
    return Site(
        site.rows, site.name, site.node, config, site.call, (x,), site.is_legacy, site.channels_last, (), site.built
    )


def relu(site: Site, suffix: str = "") -> int:
    slope = site.number("negative_slope", 0.0)
    most, threshold = site.number("max_value", float("inf")), site.number("threshold", 0.0)
    if threshold or (slope and most != float("inf")) or most not in (6, float("inf")):
        return site.elementwise("ReLU with other bounds", site.x, suffix)
    if slope:
        return site.append("leaky_relu", site.x, suffix, negative_slope=slope)
    return site.append("relu6" if most == 6 else "relu", site.x, suffix)


def leaky_relu(site: Site, suffix: str = "") -> int:
    key = "alpha" if "alpha" in site.config else "negative_slope"
    return site.append("leaky_relu", site.x, suffix, negative_slope=site.number(key, 0.3))


def prelu(site: Site, suffix: str = "") -> int:
    """Slopes: one for each element, less the axes that share them."""
    shape = site.keras_shape(site.x)
    shared = even(site.config.get("shared_axes")) or ()
    sharing = {
        site.axis(axis, len(shape), "shared_axes") for axis in (shared if isinstance(shared, tuple) else (shared,))
    }
    slopes = prod(size for axis, size in enumerate(shape) if axis not in sharing)
    channel = site.channel_axis(len(shape))
    others = [size for axis, size in enumerate(shape) if axis != channel and axis not in sharing]
    if prod(others) == 1 and site.ours(channel, len(shape)) == 0:
        return site.append("prelu", site.x, suffix, slopes=slopes)
    return site.opaque("PReLU with a slope per element", (site.x,), site.shape(site.x), slopes, suffix)


def elu(site: Site, suffix: str = "") -> int:
    return site.append("elu", site.x, suffix, alpha=site.number("alpha", 1.0))


def softmax(site: Site, suffix: str = "") -> int:
    rank = len(site.shape(site.x))
    axis = site.get("axis", -1)
    if isinstance(axis, tuple):
        return site.elementwise("Softmax over several axes", site.x, suffix)
    return site.along(site.x, site.axis(axis, rank), "softmax", suffix)


LAYER_ACTIVATIONS: dict[str, Callable[..., int]] = {
    "ReLU": relu,
    "LeakyReLU": leaky_relu,
    "PReLU": prelu,
    "ELU": elu,
    "Softmax": softmax,
}
"""Layers that are activations, and may stand in the `activation` of another."""


def activation(site: Site) -> int:
    result = activated(site, site.x, site.config.get("activation"), "")
    return site.append("identity", result) if result == site.x else result
