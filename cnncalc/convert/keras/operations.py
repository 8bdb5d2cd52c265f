"""What Keras' operations become: functions that a model calls on tensors, with constants among their arguments.

Keras 3 has a class for each (``keras.ops.mean``), Keras 2 wraps TensorFlow's (``tf.math.reduce_mean``).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import Any

from cnncalc.convert.archive import shown
from cnncalc.convert.keras.activations import FUNCTIONS, POINTWISE, activated
from cnncalc.convert.keras.config import Entry, Reference
from cnncalc.convert.keras.layers import Results
from cnncalc.convert.keras.shaping import concatenated, joined, permuted, reshaped
from cnncalc.convert.keras.site import Site, even
from cnncalc.diagnostics import Fault
from cnncalc.records import NamedTuple

MODULE = "keras.src.ops."
"""Where Keras 3 has the classes of its operations."""

WRAPPERS = ("TFOpLambda", "SlicingOpLambda")
"""Layers in which Keras 2 wraps a function of TensorFlow."""


class Arguments(NamedTuple):
    """What an operation is called with: numbers of tensors stand in for references."""

    positional: list[Any]
    named: dict[str, Any]

    def at(self, position: int, *names: str) -> Any:
        """What it works on, by its place or by any of its names."""
        return self.positional[position] if position < len(self.positional) else self.get(*names)

    def get(self, *names: str, default: Any = None) -> Any:
        """How it works, by any of its names: Keras writes everything else with its name."""
        return next((self.named[name] for name in names if name in self.named), default)


class Tensor(int):
    """The number of a tensor, among arguments that are numbers."""


Operation = Callable[[Site, Arguments], Results]


def is_operation(entry: Entry) -> bool:
    return entry.module.startswith(MODULE) or entry.kind in WRAPPERS


def operate(site: Site, entry: Entry) -> Results:
    """The results of an operation; opaque where it is not known."""
    name = entry.kind
    if name in WRAPPERS:
        function = entry.config.get("function")
        name = function if isinstance(function, str) else shown(function)
    found = OPERATIONS.get(_plain(name))
    if found is None:
        return site.unknown(name, "a config that Keras 3 writes states more shapes", params=0)
    numbers = iter(site.tensors)
    named = {key: value for key, value in entry.config.items() if key not in ("name", "dtype", "function", "trainable")}
    positional = [_filled(value, numbers) for value in site.call.args]
    named |= {key: _filled(value, numbers) for key, value in site.call.kwargs.items() if key != "mask"}
    return found(site, Arguments(positional, named))


def _unknown(site: Site, what: str) -> Results:
    """Opaque rows for what is done in another way than a kind can say: it has no weights."""
    return site.unknown(what, params=0)


def _plain(name: str) -> str:
    """``math.reduce_mean``, ``__operators__.add`` and ``GetItem`` as ``mean``, ``add``, ``getitem``."""
    last = name.rpartition(".")[2].replace("_", "").lower()
    return last.removeprefix("reduce") or last


def _filled(value: Any, numbers: Any) -> Any:
    """An argument with the numbers of the graph's tensors in place of its references, in order."""
    if isinstance(value, Reference):
        return Tensor(next(numbers))
    if isinstance(value, list):
        return [_filled(entry, numbers) for entry in value]
    if isinstance(value, dict):
        return {name: _filled(entry, numbers) for name, entry in value.items()}
    return value


def _tensors(value: Any) -> list[int]:
    if isinstance(value, Tensor):
        return [value]
    return [entry for entry in value if isinstance(entry, Tensor)] if isinstance(value, list) else []


# -- arithmetic --------------------------------------------------------------------------------------------------------


def _arithmetic(kind: str, what: str) -> Operation:
    """A join of two tensors; with a constant, what changes no figure."""

    def operation(site: Site, given: Arguments) -> Results:
        operands = [given.at(0, "x1", "x"), given.at(1, "x2", "y")]
        if all(isinstance(operand, Tensor) for operand in operands):
            if kind in ("add", "multiply"):
                return joined(site, operands, kind)
            return site.elementwise(what, operands)
        if not site.tensors:
            raise Fault("missing-input", "it takes no tensor")
        constant = next((operand for operand in operands if not isinstance(operand, Tensor)), None)
        if isinstance(constant, (int, float)):
            return site.constant(site.x, f"{what} of {shown(constant)}")
        shape = site.broadcast((site.x,))
        if _length(constant) in (1, shape[0]):
            return site.constant(site.x, f"{what} of constants")
        return _unknown(site, what)

    return operation


def _length(value: Any) -> int:
    """Along the last axis, of nested lists whose other axes are 1."""
    while isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    return len(value) if isinstance(value, list) else 0


def _pointwise(name: str) -> Operation:
    return lambda site, given: site.elementwise(name, site.tensors or (site.x,))


def _activation(name: str) -> Operation:
    def operation(site: Site, given: Arguments) -> Results:
        if name in ("softmax", "log_softmax") and given.get("axis", default=-1) not in (-1, len(site.shape(site.x))):
            return site.elementwise(f"{name} along another axis", site.x)
        if name == "gelu" and given.get("approximate", default=not site.is_legacy):
            return site.append("gelu", site.x, approximate="tanh")
        if name == "leaky_relu":
            slope = given.get("negative_slope", "alpha", default=0.2)
            return site.append("leaky_relu", site.x, negative_slope=slope)
        if name == "elu":
            return site.append("elu", site.x, alpha=given.get("alpha", default=1.0))
        return activated(site, site.x, name, "")

    return operation


# -- over axes ---------------------------------------------------------------------------------------------------------


def _reduced(kind: str, what: str) -> Operation:
    """A mean or maximum over all spatial axes is a global pool."""

    def operation(site: Site, given: Arguments) -> Results:
        shape = site.keras_shape(site.x)
        axis = given.get("axis")
        values = axis if isinstance(axis, list) else [axis]
        axes = set(range(len(shape))) if axis is None else {site.axis(value, len(shape)) for value in values}
        keeps = bool(given.get("keepdims", "keep_dims", default=False))
        channel = len(shape) - 1 if site.channels_last else 0
        if axes and axes == set(range(len(shape))) - {channel}:
            x = site.append(kind, site.x)
            return x if keeps else site.append("flatten", x, ".flatten")
        left = tuple([1 if place in axes else size for place, size in enumerate(shape) if keeps or place not in axes])
        return site.opaque(what, (site.x,), site.inward(left or (1,)), 0)

    return operation


def concatenate(site: Site, given: Arguments) -> Results:
    return concatenated(site, _tensors(given.at(0, "xs", "values")), given.get("axis"))


def split(site: Site, given: Arguments) -> Results:
    """Parts along an axis, each a slice."""
    parts = given.get("indices_or_sections", "num_or_size_splits")
    shape = site.keras_shape(site.x)
    place = site.axis(given.get("axis"), len(shape))
    size = shape[place]
    if type(parts) is int and parts > 0 and size % parts == 0:
        bounds = list(range(0, size + 1, size // parts))
    elif isinstance(parts, list) and all(type(part) is int for part in parts):
        bounds = _bounds(parts, size, site.is_legacy)
    else:
        raise Fault("wrong-type", f"it cannot be split into {shown(parts)} parts of {size}")
    x = site.front(site.x, place)
    cut = [
        site.append("slice", x, f".{number}", channels=(start, stop))
        for number, (start, stop) in enumerate(pairwise(bounds))
    ]
    return [site.back(part, place, f".{number}.back") for number, part in enumerate(cut)]


def _bounds(parts: list[int], size: int, is_legacy: bool) -> list[int]:
    """Where parts begin and end: TensorFlow lists their sizes, Keras where they are cut."""
    if not is_legacy:
        return [0, *parts, size]
    rest = size - sum(part for part in parts if part != -1)
    return [0, *accumulate(rest if part == -1 else part for part in parts)]


def get_item(site: Site, given: Arguments) -> Results:
    """``x[:, 1:, :, ::2]``: channels become a slice, positions a crop; steps and single elements are opaque."""
    keys = given.at(1, "key", "slice_spec")
    keys = keys if isinstance(keys, list) else [keys]
    keys = [_slice(key) for key in keys]
    shape = site.keras_shape(site.x)
    if Ellipsis in keys:
        at = keys.index(Ellipsis)
        keys = [*keys[:at], *[slice(None)] * (len(shape) + 2 - len(keys)), *keys[at + 1 :]]
    keys += [slice(None)] * (len(shape) + 1 - len(keys))
    if len(keys) != len(shape) + 1 or not all(isinstance(key, slice) and key.step in (None, 1) for key in keys):
        return _unknown(site, "GetItem")
    try:
        ends = [key.indices(size)[:2] for key, size in zip(keys[1:], shape)]
    except TypeError:
        raise Fault("wrong-type", "its bounds are no whole numbers") from None
    bounds = site.inward(tuple(ends))
    own = site.shape(site.x)
    x = site.x
    if bounds[0] != (0, own[0]):
        x = site.append("slice", x, channels=bounds[0])
    cuts = tuple([(start, size - stop) for (start, stop), size in zip(bounds[1:], own[1:])])
    if any(cut != (0, 0) for cut in cuts):
        x = site.append("crop", x, "" if x == site.x else ".crop", amount=cuts)
    return site.append("identity", x) if x == site.x else x


def _slice(key: Any) -> Any:
    """A slice as Keras 2 wrote it, or as it is."""
    if isinstance(key, dict) and key.keys() >= {"start", "stop", "step"}:
        return slice(key["start"], key["stop"], key["step"])
    return key


# -- shapes ------------------------------------------------------------------------------------------------------------


def reshape(site: Site, given: Arguments) -> Results:
    """The new shape counts the batch, which stays."""
    target = given.get("newshape", "shape")
    sizes = target[1:] if isinstance(target, list) else []
    if not sizes or not all(type(size) is int for size in sizes):
        return _unknown(site, "Reshape")
    return reshaped(site, site.x, tuple(sizes))


def transpose(site: Site, given: Arguments) -> Results:
    axes = given.get("axes", "perm")
    if not isinstance(axes, list) or axes[:1] != [0] or not all(type(axis) is int for axis in axes):
        raise Fault("unsupported", "the batch is no longer the first axis")
    return permuted(site, site.x, tuple([axis - 1 for axis in axes[1:]]))


def squeeze(site: Site, given: Arguments) -> Results:
    """Axes of one position vanish."""
    shape = site.keras_shape(site.x)
    axis = given.get("axis")
    values = axis if isinstance(axis, list) else [axis]
    gone = {site.axis(value, len(shape)) for value in values if value is not None}
    left = tuple([size for place, size in enumerate(shape) if place not in gone and (gone or size != 1)])
    return reshaped(site, site.x, left or (1,))


def expand(site: Site, given: Arguments) -> Results:
    """An axis of one position."""
    shape = list(site.keras_shape(site.x))
    place = site.axis(given.get("axis"), len(shape) + 1)
    return reshaped(site, site.x, (*shape[:place], 1, *shape[place:]))


def pad(site: Site, given: Arguments) -> Results:
    """Amounts before and after each axis, the batch's first."""
    amounts = given.get("pad_width", "paddings")
    rank = len(site.shape(site.x))
    if not isinstance(amounts, list) or len(amounts) != rank + 1 or amounts[0] not in (0, [0, 0]):
        return _unknown(site, "Pad")
    inward = site.inward(tuple([tuple(pair) if isinstance(pair, list) else (pair, pair) for pair in amounts[1:]]))
    mode = str(given.get("mode", default="constant")).lower()
    words = {"constant": "zeros", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}
    value = given.get("constant_values")
    if mode not in words or isinstance(value, list):
        return _unknown(site, f"Pad ({mode})")
    around = {"mode": "constant", "value": value} if value else {"mode": words[mode]}
    return site.append("pad", site.x, amount=inward[1:], channels=inward[0], **around)


def resize(site: Site, given: Arguments) -> Results:
    size = given.get("size")
    mode = given.get("interpolation", "method", default="bilinear")
    if mode not in ("nearest", "bilinear") or not isinstance(size, list) or not site.channels_last:
        return _unknown(site, "Resize")
    return site.append("upsample", site.x, size=even(size), mode=mode)


def identity(site: Site, given: Arguments) -> Results:
    return site.append("identity", site.x)


OPERATIONS: dict[str, Operation] = {
    "add": _arithmetic("add", "the addition"),
    "addv2": _arithmetic("add", "the addition"),
    "subtract": _arithmetic("subtract", "Subtract"),
    "sub": _arithmetic("subtract", "Subtract"),
    "multiply": _arithmetic("multiply", "the multiplication"),
    "mul": _arithmetic("multiply", "the multiplication"),
    "divide": _arithmetic("divide", "Divide"),
    "truediv": _arithmetic("divide", "Divide"),
    "truedivide": _arithmetic("divide", "Divide"),
    **{name.replace("_", ""): _activation(name) for name in FUNCTIONS},
    **{name.replace("_", ""): _pointwise(name) for name in POINTWISE},
    **{name: _pointwise(name) for name in ("exp", "log", "sqrt", "rsqrt", "square", "abs", "absolute", "negative")},
    **{name: _pointwise(name) for name in ("pow", "power", "maximum", "minimum", "clip", "clipbyvalue", "sign")},
    "mean": _reduced("global_avg_pool", "Mean"),
    "max": _reduced("global_max_pool", "Max"),
    "concatenate": concatenate,
    "concat": concatenate,
    "split": split,
    "getitem": get_item,
    "reshape": reshape,
    "transpose": transpose,
    "squeeze": squeeze,
    "expanddims": expand,
    "pad": pad,
    "resize": resize,
    "identity": identity,
    "cast": identity,
    "stopgradient": identity,
}
"""Operations by their name without underlines; what TensorFlow calls ``reduce_mean`` is ``mean``."""
