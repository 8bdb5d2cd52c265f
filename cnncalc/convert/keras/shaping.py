"""Keras' layers that only move data, and those that join tensors."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from cnncalc.convert.archive import shown
from cnncalc.convert.keras.site import Site, each, even
from cnncalc.convert.rows import MAX_AXES
from cnncalc.diagnostics import Fault

# -- shapes ------------------------------------------------------------------------------------------------------------

FLATTENED = "features are ordered channels first here, channels last in Keras, whichever its tensors have"


def flatten(site: Site) -> int:
    shape = site.shape(site.x)
    if shape[0] > 1 and prod(shape[1:]) > 1:
        site.rows.account.note(f"{site.node}: {FLATTENED}")
    return site.append("flatten", site.x)


AS_ONNX = "write the model as ONNX, of which more is recognised: `model.export('net.onnx', 'onnx')`"


def reshape(site: Site) -> int:
    target = site.config.get("target_shape")
    if not isinstance(target, list) or not all(type(size) is int and size >= -1 for size in target):
        raise Fault("wrong-type", f"`target_shape` needs a list of sizes, got `{shown(target)}`")
    return reshaped(site, site.x, tuple(target))


def reshaped(site: Site, x: int, target: tuple[int, ...], suffix: str = "") -> int:
    """The elements of `x`, in Keras' order, as `target`, in Keras' order, of which one size may be -1."""
    total = prod(site.shape(x))
    if -1 in target:
        known = prod(size for size in target if size != -1)
        if target.count(-1) > 1 or not known or total % known:
            raise Fault("wrong-shape", f"{total:,} elements do not fit the shape {shown(repr(target))}")
        target = tuple(total // known if size == -1 else size for size in target)
    if not target or prod(target) != total:
        raise Fault("wrong-shape", f"{total:,} elements do not fit the shape {shown(repr(target))}")
    if len(target) > MAX_AXES:
        message = (
            f"a tensor has {len(target)} axes besides the batch, as windows of attention may; rows have {MAX_AXES}"
        )
        raise Fault("unsupported", message, None, AS_ONNX)
    shape = site.keras_shape(x)
    if not site.channels_last or shape[-1] == target[-1] or (_is_in_order(shape) and _is_in_order(target)):
        if len(target) == 1:
            return site.append("flatten", x, suffix)
        return site.append("reshape", x, suffix, shape=site.inward(target))
    if not _is_in_order(shape):
        x = site.append("permute", x, f"{suffix}.front", axes=(*range(1, len(shape)), 0))
    if _is_in_order(target):
        return site.append("reshape", x, suffix, shape=site.inward(target))
    x = site.append("reshape", x, suffix, shape=target)
    return site.append("permute", x, f"{suffix}.back", axes=(len(target) - 1, *range(len(target) - 1)))


def _is_in_order(shape: tuple[int, ...]) -> bool:
    """Whether the elements are in one order with the channels last or first."""
    return shape[-1] == 1 or prod(shape[:-1]) == 1


def permute(site: Site) -> int:
    dims = site.config.get("dims")
    rank = len(site.shape(site.x))
    if not isinstance(dims, list) or not all(type(axis) is int for axis in dims):
        raise Fault("wrong-type", f"`dims` needs a list of axes, got `{shown(dims)}`")
    return permuted(site, site.x, tuple([site.axis(axis, rank, "dims") for axis in dims]))


def permuted(site: Site, x: int, axes: tuple[int, ...]) -> int:
    """Keras' axes, without the batch, in another order."""
    rank = len(site.shape(x))
    if sorted(axes) != list(range(rank)):
        raise Fault("wrong-axes", f"the axes must be each of the {rank} axes once")
    return site.append("permute", x, axes=site.inward(tuple([site.ours(axis, rank) for axis in axes])))


def repeat_vector(site: Site) -> int:
    """(features,) becomes (n, features)."""
    if len(site.shape(site.x)) != 1 or not site.channels_last:
        return site.unknown("RepeatVector")[0]
    x = site.append("reshape", site.x, ".front", shape=(*site.shape(site.x), 1))
    return site.append("upsample", x, size=site.get("n"))


def _amounts(site: Site, key: str) -> Any:
    """Amounts per axis: a number, one per axis, or a pair; a pair alone is that of a single axis."""
    value = site.config.get(key, 1)
    if isinstance(value, list) and len(value) == 2 and len(site.shape(site.x)) == 2:
        value = [value]
    return even(value)


def pad(site: Site) -> int:
    channel = site.channel_axis(len(site.shape(site.x)))
    amount = _amounts(site, "padding")
    return site.back(site.append("pad", site.front(site.x, channel), amount=amount), channel)


def crop(site: Site) -> int:
    channel = site.channel_axis(len(site.shape(site.x)))
    amount = _amounts(site, "cropping")
    return site.back(site.append("crop", site.front(site.x, channel), amount=amount), channel)


def upsample(site: Site) -> int:
    channel = site.channel_axis(len(site.shape(site.x)))
    mode = site.word("interpolation", "nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area")
    x = site.front(site.x, channel)
    if mode not in ("nearest", "bilinear"):
        scales = each(site.get("size", 2), len(site.shape(x)) - 1, "size")
        shape = (site.shape(x)[0], *[size * scale for size, scale in zip(site.shape(x)[1:], scales)])
        return site.back(site.opaque(f"UpSampling ({mode})", (x,), shape, 0), channel)
    extra = {} if mode == "nearest" else {"mode": mode}
    return site.back(site.append("upsample", x, scale=site.get("size", 2), **extra), channel)


def resizing(site: Site) -> int:
    channel = site.channel_axis(len(site.shape(site.x)))
    x = site.front(site.x, channel)
    size = even([site.config.get("height"), site.config.get("width")])
    mode = site.config.get("interpolation", "bilinear")
    if mode not in ("nearest", "bilinear") or site.flag("crop_to_aspect_ratio") or site.flag("antialias"):
        wanted = size if isinstance(size, tuple) else (size, size)
        return site.back(site.opaque("Resizing", (x,), (site.shape(x)[0], *wanted), 0), channel)
    return site.back(site.append("upsample", x, size=size, mode=mode), channel)


def center_crop(site: Site) -> int:
    channel = site.channel_axis(len(site.shape(site.x)))
    x = site.front(site.x, channel)
    wanted = each(even([site.config.get("height"), site.config.get("width")]), 2, "size")
    if len(site.shape(x)) != 3 or any(size < target for size, target in zip(site.shape(x)[1:], wanted)):
        return site.back(site.opaque("CenterCrop", (x,), (site.shape(x)[0], *wanted), 0), channel)
    cuts = [size - target for size, target in zip(site.shape(x)[1:], wanted)]
    x = site.append("crop", x, amount=tuple([(cut // 2, cut - cut // 2) for cut in cuts]))
    return site.back(x, channel)


# -- joins -------------------------------------------------------------------------------------------------------------


def concatenate(site: Site) -> int:
    return concatenated(site, site.tensors, site.config.get("axis", -1))


def concatenated(site: Site, tensors: Any, axis: Any) -> int:
    if not tensors:
        raise Fault("missing-input", "it takes no tensor")
    place = site.axis(axis, len(site.shape(tensors[0])))
    if len({len(site.shape(tensor)) for tensor in tensors}) > 1:
        raise Fault("branch-shapes", "its tensors have different numbers of axes")
    taken = [site.front(tensor, place, f".front{number}") for number, tensor in enumerate(tensors)]
    return site.back(site.append("concat", taken), place)


def joining(kind: str) -> Callable[[Site], int]:
    return lambda site: joined(site, site.tensors, kind)


def joined(site: Site, tensors: Any, kind: str, suffix: str = "") -> int:
    """Sum or product of tensors; sizes of 1 are stretched."""
    if len(tensors) < 2:
        raise Fault("missing-input", f"it takes {len(tensors)} tensors, and joins at least 2")
    shape = site.broadcast(tensors)
    taken = []
    for number, given in enumerate(tensors):
        tensor, own = given, site.shape(given)
        if len(own) < len(shape):
            filled = (1,) * (len(shape) - len(own)) + site.keras_shape(tensor)
            tensor = site.append("reshape", tensor, f".reshape{number}", shape=site.inward(filled))
            own = site.shape(tensor)
        if kind == "add" and own != shape:
            if own[0] != shape[0]:
                return site.elementwise("Add with broadcast channels", tensors, suffix)
            tensor = site.append("upsample", tensor, f".broadcast{number}", size=even(list(shape[1:])))
        taken.append(tensor)
    return site.append(kind, taken, suffix)


def combining(operator: str) -> Callable[[Site], int]:
    def combine(site: Site) -> int:
        if not site.tensors:
            raise Fault("missing-input", "it takes no tensor")
        return site.elementwise(operator, site.tensors)

    return combine


def average(site: Site) -> int:
    total = joined(site, site.tensors, "add", ".sum")
    return site.constant(total, f"the division by {len(site.tensors)}")


def scaled_add(site: Site) -> int:
    """Inception-ResNet's own layer: the first tensor and `scale` times the second."""
    if site.number("scale", 1.0) != 1:
        site.rows.account.note(
            f"{site.node}: the factor {site.number('scale', 1.0):g} is left out; no figure depends on it"
        )
    return joined(site, site.tensors, "add")
