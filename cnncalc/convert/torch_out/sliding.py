"""Layers with windows in PyTorch's terms: convolutions and pools."""

from __future__ import annotations

from typing import Any

from cnncalc.convert.torch_out.leaf import (
    NEVER,
    Leaf,
    Param,
    Writer,
    borders,
    channels,
    flag,
    rank,
    refuse,
    same,
    windows,
)
from cnncalc.geometry import Transposed, Window, dims
from cnncalc.graph import Node
from cnncalc.layers.base import make
from cnncalc.layers.pooling import MaxPool


def uneven(node: Node) -> bool:
    """Whether a window's padding is none that a module can hold, so that it is a step of its own."""
    if node.kind in ("conv", "depthwise_conv"):
        return any(window.before != window.after for window in windows(node))
    if node.kind in ("max_pool", "avg_pool"):
        return any(window.before != window.after or 2 * window.before > window.size for window in windows(node))
    return False


def padded(found: list[Window], apart: bool) -> Any:
    return 0 if apart else same([window.before for window in found])


def pads_of(found: list[Window]) -> Param:
    return Param(borders([(window.before, window.after) for window in found]), "pads")


def check_border(node: Node, mode: str, found: list[Window]) -> None:
    """Raise `SpecError` where more is padded than PyTorch finds in the input."""
    for window, width in zip(found, node.operation.inputs[0][1:]):
        most = {"reflect": width - 1, "circular": width}.get(mode)
        if most is not None and max(window.before, window.after) > most:
            raise refuse(node, f"PyTorch pads {width} positions by at most {most} with `{mode}`")


def conv(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    found = windows(node)
    before = node.operation.inputs[0][0]
    after, groups = layer.split(before)
    params = {
        "in_channels": channels(before),
        "out_channels": channels(after),
        "kernel_size": Param(same([window.size for window in found]), "kernel"),
        "stride": Param(same([window.stride for window in found]), "stride", 1),
        "padding": Param(padded(found, apart), "padding", 0),
        "dilation": Param(same([window.dilation for window in found]), "dilation", 1),
        "groups": Param(groups, "channels" if groups == before else "groups", 1),
        "bias": flag(layer.bias, True),
        "padding_mode": Param("zeros" if apart else layer.padding_mode, "word", "zeros"),
    }
    call = "{self}({0})"
    check_border(node, layer.padding_mode, found)
    if apart:
        params["pads"] = pads_of(found)
        mode = "" if layer.padding_mode == "zeros" else f', mode="{layer.padding_mode}"'
        call = f"{{self}}(F.pad({{0}}, {{pads}}{mode}))"
    module = NORMED[layer.weight_norm]
    return Leaf(f"{module}{len(found)}d", params, call, True, fixed(node))


NORMED = {
    "none": "nn.Conv",
    "standardize": "StandardizedConv",
    "standardize_gain": "ScaledConv",
    "gain": "NormedConv",
}
"""Convolutions by what becomes of their kernels before they are used."""


def fixed(node: Node) -> tuple[str, ...]:
    """Statements that give a convolution the kernel that the spec gives it."""
    values = node.operation.layer.__dict__.get("weights") or ()
    if not values:
        return ()
    shape = next(weight.shape for weight in node.operation.weights if weight.name == "weight")
    whole = all(value == place for place, value in enumerate(values))
    numbers = f"torch.arange({len(values)}.0)" if whole else f"torch.tensor({[float(value) for value in values]})"
    return (f"{{self}}.weight.data = {numbers}.reshape({', '.join(map(str, shape))})",)


def conv_transpose(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    reach = node.operation.reach
    assert isinstance(reach, tuple)
    found = [window for window in reach if isinstance(window, Transposed)]
    cut = [max(0, window.before) for window in found]
    extra = [window.extra + before - window.after for window, before in zip(found, cut)]
    for window, more in zip(found, extra):
        if more >= max(window.stride, window.dilation):
            raise refuse(node, f"PyTorch adds at most {max(window.stride, window.dilation) - 1} positions, not {more}")
    params = {
        "in_channels": channels(node.operation.inputs[0][0]),
        "out_channels": channels(layer.channels),
        "kernel_size": Param(same([window.size for window in found]), "kernel"),
        "stride": Param(same([window.stride for window in found]), "stride", 1),
        "padding": Param(same(cut), "padding", 0),
        "output_padding": Param(same([max(0, more) for more in extra]), "padding", 0),
        "dilation": Param(same([window.dilation for window in found]), "dilation", 1),
        "groups": Param(layer.groups, "groups", 1),
        "bias": flag(layer.bias, True),
    }
    call = "{self}({0})"
    if min(extra) < 0:  # more is cut after the output than before it
        call = "{self}({0})" + ends([(0, max(0, -more)) for more in extra])
    return Leaf(f"nn.ConvTranspose{len(found)}d", params, call, True)


def ends(cuts: list[tuple[int, int]]) -> str:
    """A slice that cuts positions before and after each spatial axis."""
    parts = [f"{before or ''}:{-after or ''}" for before, after in cuts]
    return f"[:, :, {', '.join(parts)}]"


def pool(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    found = windows(node)
    if node.kind == "avg_pool" and len(found) == 3 and not layer.ceil_mode:
        # PyTorch's mean over three axes takes no window larger than its input, however much is padded
        apart = apart or any(window.size > width for window, width in zip(found, node.operation.inputs[0][1:]))
    kernel = same([window.size for window in found])
    params = {
        "kernel_size": Param(kernel, "kernel"),
        "stride": Param(same([window.stride for window in found]), "stride", kernel),
        "padding": Param(padded(found, apart), "padding", 0),
        "dilation": Param(same([window.dilation for window in found]), "dilation", 1),
        "ceil_mode": flag(layer.ceil_mode, False),
    }
    call = "{self}({0})"
    if node.kind == "max_pool":
        if apart:
            params["pads"], call = pads_of(found), '{self}(F.pad({0}, {pads}, value=float("-inf")))'
        return Leaf(f"nn.MaxPool{len(found)}d", params, call)
    if params.pop("dilation").value != 1:
        raise refuse(node, "PyTorch has no dilated average pool")
    if apart and not layer.count_include_pad:
        params["stride"] = params["stride"]._replace(default=NEVER)
        params["padding"] = pads_of(found)
        return Leaf(f"InsideAvgPool{len(found)}d", params)
    params["count_include_pad"] = flag(layer.count_include_pad or not any(pads_of(found).value), True)
    if apart:
        params["pads"], call = pads_of(found), "{self}(F.pad({0}, {pads}))"
    return Leaf(f"nn.AvgPool{len(found)}d", params, call)


def lp_pool(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    found = windows(node)
    kernel = same([window.size for window in found])
    plain = all(window[2:] == (1, 0, 0, False) for window in found) and layer.p % 2 == 0
    params = {
        "norm_type": Param(layer.p, "number"),
        "kernel_size": Param(kernel, "kernel"),
        "stride": Param(same([window.stride for window in found]), "stride", kernel if plain else 1),
    }
    if plain:
        return Leaf(f"nn.LPPool{len(found)}d", params)
    wide = [(window.before, window.after) for window in found]
    if layer.ceil_mode:  # as much more as its last window reaches beyond the padding
        lengths = zip(found, node.operation.inputs[0][1:], node.operation.output[1:])
        needed = [(o - 1) * window.stride + window.extent - w - window.before for window, w, o in lengths]
        wide = [(before, max(after, more)) for (before, after), more in zip(wide, needed)]
    params["padding"] = Param(borders(wide), "pads")
    params["dilation"] = Param(same([window.dilation for window in found]), "dilation", 1)
    return Leaf(f"PowerPool{len(found)}d", params)


def adaptive(node: Node, apart: bool) -> Leaf:
    name = "AdaptiveAvgPool" if "avg" in node.kind else "AdaptiveMaxPool"
    size = same(list(node.operation.output[1:]))
    return Leaf(f"nn.{name}{rank(node)}d", {"output_size": Param(size, "size", keyword=False)})


def linear(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    params = {
        "in_features": channels(node.operation.inputs[0][0]),
        "out_features": channels(layer.features),
        "bias": flag(layer.bias, True),
    }
    return Leaf("nn.Linear", params, major=True)


def max_unpool(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    x, like = node.operation.inputs
    found = layer.slides(like[1:])
    if any(slide.before != slide.after or 2 * slide.before > slide.size or slide.dilation > 1 for slide in found):
        raise refuse(node, "PyTorch undoes no pool whose padding is uneven, wide or dilated")
    own = {"kernel": layer.kernel, "stride": layer.stride, "padding": layer.padding}
    pooled = [make(MaxPool, {**own, "ceil_mode": up}).out_shape((like,)) for up in (False, True)]
    if x not in pooled:
        raise refuse(node, f"PyTorch puts {dims(pooled[0])} back where the maxima were, and no {dims(x)}")
    params = {"kernel_size": Param(same([slide.size for slide in found]), "kernel")}
    params["stride"] = Param(same([slide.stride for slide in found]), "stride")
    params["padding"] = Param(same([slide.before for slide in found]), "padding")
    more = ", padding={padding}" if params["padding"].value else ""
    more += "" if x == pooled[0] else ", ceil_mode=True"
    return Leaf("", params, f"max_unpool{len(found)}d({{0}}, {{1}}, {{kernel_size}}, stride={{stride}}{more})")


SLIDING: dict[str, Writer] = {
    "conv": conv,
    "depthwise_conv": conv,
    "conv_transpose": conv_transpose,
    "max_pool": pool,
    "avg_pool": pool,
    "lp_pool": lp_pool,
    "global_avg_pool": adaptive,
    "global_max_pool": adaptive,
    "adaptive_avg_pool": adaptive,
    "adaptive_max_pool": adaptive,
    "linear": linear,
    "max_unpool": max_unpool,
}
