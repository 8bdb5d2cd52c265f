"""What slides over the spatial axes: convolutions, transposed ones, pools and reductions over positions."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from cnncalc.convert.building import Translate
from cnncalc.convert.making import Making, unsupported
from cnncalc.convert.operators import Constant, Operator, Sizes
from cnncalc.convert.rows import MAX_AXES
from cnncalc.convert.shapes import reduced
from cnncalc.convert.translation.moving import Padding, compact
from cnncalc.convert.values import PADDED, Operand, Value
from cnncalc.diagnostics import Fault
from cnncalc.geometry import Pads, dims

AUTO = {"SAME_UPPER": "same", "SAME_LOWER": "same_lower", "VALID": "valid"}
"""ONNX's words for padding."""


def spatial(operator: Operator, value: Value) -> int:
    """The number of spatial axes; raises `Fault` where the operand cannot have any."""
    rank = len(value.shape) - 2
    if not value.batch:
        raise unsupported(f"`{operator.kind}` has another first axis than the batch in {dims(value.shape)}")
    if rank < 1:
        raise Fault("bad-model", f"`{operator.kind}` slides over spatial axes, its input is {dims(value.shape)}")
    if rank > 3:
        raise unsupported(f"`{operator.kind}` has {rank} spatial axes; cnncalc knows up to three")
    return rank


def per_axis(operator: Operator, name: str, rank: int, default: int) -> tuple[int, ...]:
    """A list attribute with one entry per spatial axis; raises `Fault`."""
    value = operator.attributes.get(name) or (default,) * rank
    if not isinstance(value, tuple) or len(value) != rank or not all(isinstance(entry, int) for entry in value):
        raise Fault("bad-model", f"`{name}` of `{operator.kind}` needs {rank} whole numbers")
    return value


def pads_of(operator: Operator, rank: int) -> list[Pads]:
    """Explicit padding, before and after each axis."""
    value = per_axis(operator, "pads", 2 * rank, 0)
    return list(zip(value[:rank], value[rank:]))


def padding(pads: Sequence[Pads]) -> Any:
    """Padding as a field takes it: a number per side, or a pair per axis where the sides differ."""
    if any(before < 0 or after < 0 for before, after in pads):
        raise unsupported("negative padding crops the input")
    sides = [before if before == after else (before, after) for before, after in pads]
    if len(set(sides)) == 1 and isinstance(sides[0], int):
        return sides[0] or "valid"
    return tuple(sides)


def merged(making: Making, value: Value, rank: int, pads: Sequence[Pads]) -> tuple[Value, list[Pads], str]:
    """A convolution's input without the padding of its own, all the padding, and what it holds.

    Zeros around the input add to the convolution's own; anything else only where it has none.
    """
    view = value.view
    if view is None or view.kind != PADDED or value.tensor is not None:
        return value, list(pads), "zeros"
    held: Padding = view.argument
    own = any(before or after for before, after in pads)
    mode = held.mode if held.mode != "constant" else "zeros" if held.value == 0 else ""
    if not mode or held.channels != (0, 0) or (own and mode != "zeros") or len(held.pads) != rank:
        return value, list(pads), "zeros"
    both = [(a + c, b + d) for (a, b), (c, d) in zip(held.pads, pads)]
    return view.of, both, mode


def conv(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x, weight, bias = (*operands, None, None)[:3]
    if isinstance(x, Value) and isinstance(weight, Value):
        return computed(making, operator, operands, x, weight)
    if not isinstance(x, Value) or not isinstance(weight, Constant) or isinstance(bias, Value):
        return None
    rank = spatial(operator, x)
    channels, groups = x.shape[1], operator.attributes.get("group", 1)
    if len(weight.shape) != rank + 2:
        raise Fault("bad-model", f"its kernel is {dims(weight.shape)} for an input of {dims(x.shape)}")
    kernel = per_axis(operator, "kernel_shape", rank, 0) if "kernel_shape" in operator.attributes else weight.shape[2:]
    if kernel != weight.shape[2:] or not isinstance(groups, int) or weight.shape[1] * groups != channels:
        raise Fault(
            "bad-model",
            f"a kernel of {dims(weight.shape)} in {groups} group{'' if groups == 1 else 's'} does not fit the "
            f"{channels} input channels and the kernel size {dims(kernel)}",
        )
    arguments: dict[str, Any] = {"kernel": compact(kernel)}
    strides, dilations = per_axis(operator, "strides", rank, 1), per_axis(operator, "dilations", rank, 1)
    auto = operator.attributes.get("auto_pad") or "NOTSET"
    if auto in ("NOTSET", "VALID"):
        x, pads, mode = merged(making, x, rank, pads_of(operator, rank) if auto == "NOTSET" else [(0, 0)] * rank)
        rule = padding(pads)
        if mode != "zeros":
            arguments["padding_mode"] = mode
    else:
        rule = automatic(auto)
    arguments |= {"stride": compact(strides), "padding": rule, "dilation": compact(dilations)}
    biases = biased(making, bias, weight.shape[0])
    arguments["bias"] = bool(biases)
    if groups > 1 and groups == channels and weight.shape[0] % channels == 0:
        kind = "depthwise_conv"
        arguments["multiplier"] = weight.shape[0] // channels
    else:
        kind = "conv"
        arguments |= {"channels": weight.shape[0], "groups": groups}
    kernels = {"weight": weight}
    if weight.norm:
        arguments["weight_norm"], kernels = weight.norm, with_gain(weight)
    row = making.append(operator, kind, [making.force(x)], arguments, {**kernels, **biases})
    return [making.made(row.number, x)]


def computed(
    making: Making, operator: Operator, operands: list[Operand], x: Value, weight: Value
) -> list[Operand] | None:
    """A convolution whose kernel depends on the input: opaque, with its products counted."""
    whole = making.stated(operator.outputs[0], operator)
    macs = prod(whole) // (making.batch if x.batch else 1) * prod(weight.shape[1:])
    return making.opaque(operator, operands, [whole], macs)


def with_gain(weight: Constant) -> dict[str, Constant]:
    """The kernel and the gains that a normalised kernel is made from; raises `Fault` where it is made from others."""
    kernel = {root: count for root, count in weight.roots.items() if count == weight.size}
    gain = {root: count for root, count in weight.roots.items() if root not in kernel}
    wanted = weight.shape[0] if weight.norm.endswith("gain") else 0
    if len(kernel) != 1 or sum(gain.values()) != wanted or len(gain) > 1:
        raise unsupported("the kernel is normalised in a way that no layer has")
    found = {"weight": Constant(weight.shape, weight.dtype, None, kernel)}
    return found | ({"gain": Constant((wanted,), weight.dtype, None, gain)} if gain else {})


def automatic(auto: str) -> str:
    """The padding rule of a word of ONNX's; raises `Fault` for another."""
    if auto not in AUTO:
        raise Fault("bad-model", f"there is no `auto_pad` called `{auto}`")
    return AUTO[auto]


def biased(making: Making, bias: Operand, channels: int) -> dict[str, Constant]:
    """The weights that a bias makes; none where it is left out, or zeros that the file's operators spread out."""
    if not isinstance(bias, Constant):
        return {}
    if bias.size != channels:
        raise Fault("bad-model", f"a bias of {dims(bias.shape) or 'one number'} does not fit {channels} channels")
    spread = sum(bias.roots.values()) < bias.size
    if spread and bias.values is not None and not any(bias.values):
        making.ignored(bias)
        return {}
    return {"bias": bias}


def conv_transpose(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x, weight, bias = (*operands, None, None)[:3]
    if not isinstance(x, Value) or not isinstance(weight, Constant) or isinstance(bias, Value):
        return None
    rank = spatial(operator, x)
    groups = operator.attributes.get("group", 1)
    if len(weight.shape) != rank + 2 or weight.shape[0] != x.shape[1] or not isinstance(groups, int) or groups < 1:
        raise Fault("bad-model", f"a kernel of {dims(weight.shape)} does not fit an input of {dims(x.shape)}")
    kernel = weight.shape[2:]
    strides, dilations = per_axis(operator, "strides", rank, 1), per_axis(operator, "dilations", rank, 1)
    extra = per_axis(operator, "output_padding", rank, 0)
    auto = operator.attributes.get("auto_pad") or "NOTSET"
    size = operator.attributes.get("output_shape")
    rule: Any = "valid"
    if size:
        rule, extra = fitted(x.shape[2:], size[-rank:], kernel, strides, dilations, extra, auto == "SAME_UPPER")
    elif auto == "NOTSET":
        rule = padding(pads_of(operator, rank))
    else:
        rule = automatic(auto)
    channels = weight.shape[1] * groups
    biases = biased(making, bias, channels)
    arguments = {
        "channels": channels,
        "kernel": compact(kernel),
        "stride": compact(strides),
        "padding": rule,
        "output_padding": compact(extra),
        "dilation": compact(dilations),
        "groups": groups,
        "bias": bool(biases),
    }
    row = making.append(operator, "conv_transpose", [making.force(x)], arguments, {"weight": weight, **biases})
    return [making.made(row.number, x)]


def fitted(
    sizes: Sizes,
    wanted: Sizes,
    kernel: Sizes,
    strides: Sizes,
    dilations: Sizes,
    extra: Sizes,
    upper: bool,
) -> tuple[Any, Sizes]:
    """The padding and output padding with which a transposed convolution gives an output of the wanted size."""
    if len(wanted) != len(sizes):
        raise Fault("bad-model", f"`output_shape` {list(wanted)} does not fit {len(sizes)} spatial axes")
    pads: list[Pads] = []
    more = []
    for size, target, k, stride, dilation, add in zip(sizes, wanted, kernel, strides, dilations, extra):
        total = stride * (size - 1) + add + (k - 1) * dilation + 1 - target
        more.append(add + max(0, -total))
        rest = max(0, total)
        small = rest // 2
        pads.append((small, rest - small) if upper else (rest - small, small))
    return padding(pads), tuple(more)


# -- pools -------------------------------------------------------------------------------------------------------------


def pool(kind: str) -> Translate:
    """The translation of a sliding pool."""

    def translate(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
        x = operands[0]
        if not isinstance(x, Value) or any(operator.outputs[1:]):
            return None
        rank = spatial(operator, x)
        kernel, strides = per_axis(operator, "kernel_shape", rank, 0), per_axis(operator, "strides", rank, 1)
        auto = operator.attributes.get("auto_pad") or "NOTSET"
        pads = pads_of(operator, rank) if auto == "NOTSET" else [(0, 0)] * rank
        counted = bool(operator.attributes.get("count_include_pad", 0))
        if auto in ("NOTSET", "VALID") and not any(map(any, pads)):
            x, pads = taken_in(kind, x, kernel, pads)
            counted = True
        if kind == "avg_pool" and set(kernel) == set(strides) == {1} and not any(map(any, pads)):
            # an average over single positions: what exporters make of an adaptive pool that has nothing to do
            size = compact(x.shape[2:])
            row = making.append(operator, "adaptive_avg_pool", [making.force(x)], {"size": size})
            return [making.made(row.number, x)]
        arguments: dict[str, Any] = {
            "kernel": compact(kernel),
            "stride": compact(strides),
            "padding": padding(pads) if auto in ("NOTSET", "VALID") else automatic(auto),
            "dilation": compact(per_axis(operator, "dilations", rank, 1)),
            "ceil_mode": bool(operator.attributes.get("ceil_mode", 0)),
        }
        if kind == "avg_pool":
            arguments["count_include_pad"] = counted
        elif kind == "lp_pool":
            arguments["p"] = operator.attributes.get("p", 2)
        row = making.append(operator, kind, [making.force(x)], arguments)
        return [making.made(row.number, x)]

    return translate


def taken_in(kind: str, x: Value, kernel: Sequence[int], pads: list[Pads]) -> tuple[Value, list[Pads]]:
    """A pool's input without padding that the pool itself can do: zeros for a mean, what never wins for a maximum.

    A pool has no window that is wholly in its padding.
    """
    view = x.view
    if view is None or view.kind != PADDED or x.tensor is not None:
        return x, pads
    held: Padding = view.argument
    wanted = held.value == 0 if kind == "avg_pool" else held.value < -3e38 and kind == "max_pool"
    fits = held.mode == "constant" and held.channels == (0, 0) and len(held.pads) == len(kernel)
    fits = fits and all(max(sides) < size for sides, size in zip(held.pads, kernel))
    return (view.of, list(held.pads)) if wanted and fits else (x, pads)


def global_pool(kind: str) -> Translate:
    """The translation of a pool over all positions that keeps the axes."""

    def translate(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
        x = operands[0]
        if not isinstance(x, Value):
            return None
        spatial(operator, x)
        row = making.append(operator, kind, [making.force(x)])
        return [making.made(row.number, x)]

    return translate


WAYS = {"ReduceMean": "mean", "ReduceMax": "max", "ReduceSum": "sum", "ReduceL2": "norm"}
"""ONNX's operators as `reduce` calls them."""

POOLS = {"mean": "global_avg_pool", "max": "global_max_pool"}
"""Over positions these are layers of their own."""


def reduction(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """`reduce` over the channels or all positions, or both, one after the other."""
    x = operands[0]
    if not isinstance(x, Value):
        return None
    axes = making.numbers(operator, operands, "axes", 1)
    if not axes and operator.attributes.get("noop_with_empty_axes"):
        return [x]
    keeps = operator.attributes.get("keepdims") != 0
    over, shape = reduced(x.shape, axes, keeps)
    way = WAYS.get(operator.kind, "")
    if way in ("mean", "max", "sum") and all(x.shape[axis] == 1 for axis in over):
        return [making.shape(x, shape, operator)]
    base, order = x.turned()
    rank, first = len(base.shape), base.first
    places = {order[axis] for axis in over if x.shape[axis] != 1}
    positions = {axis for axis in range(first + 1, rank) if base.shape[axis] != 1}
    asked = [("channels", {first}), ("positions", positions)]
    parts = [(word, own) for word, own in asked if own & places]
    if not way or not parts or set().union(*(own for _, own in parts)) != places or rank - first > MAX_AXES:
        return making.opaque(operator, operands, [shape], 0)
    tensor = making.force(base)
    for word, _ in reversed(parts):
        pool = POOLS.get(way) if word == "positions" else None
        arguments = {} if pool is not None else {"way": way, "over": word}
        tensor = making.append(operator, pool or "reduce", [tensor], arguments).number
    pooled = making.turn(making.made(tensor, base), order, operator)
    return [pooled if keeps else making.shape(pooled, shape, operator)]


SLIDING: dict[str, Translate] = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "MaxPool": pool("max_pool"),
    "AveragePool": pool("avg_pool"),
    "LpPool": pool("lp_pool"),
    "GlobalAveragePool": global_pool("global_avg_pool"),
    "GlobalMaxPool": global_pool("global_max_pool"),
    "ReduceMean": reduction,
    "ReduceMax": reduction,
    "ReduceSum": reduction,
    "ReduceMin": reduction,
    "ReduceProd": reduction,
    "ReduceL1": reduction,
    "ReduceL2": reduction,
    "ReduceLogSum": reduction,
    "ReduceLogSumExp": reduction,
    "ReduceSumSquare": reduction,
}
