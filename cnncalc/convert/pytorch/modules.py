"""Every layer kind in PyTorch's terms: the module that does it, or the expression, and its arguments.

Geometry comes resolved from the node's operation, so that a padding word becomes numbers here.  This station knows one
node at a time; where it stands, and what it is called, it does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from cnncalc.diagnostics import Fault, SpecError
from cnncalc.geometry import Transposed, Window
from cnncalc.graph import Node
from cnncalc.layers.activation import ACTIVATIONS

NEVER: Any = object()
"""The default of an argument that is always written."""


class Param(NamedTuple):
    """One argument of a module or expression."""

    value: Any
    unit: str
    """What kind of number it is; only numbers of one kind are explained by each other."""
    default: Any = NEVER
    """The value that is left out."""
    keyword: bool = True


class Leaf(NamedTuple):
    """One layer as PyTorch says it."""

    module: str
    """``nn.Conv2d``; empty where an expression does it."""
    params: dict[str, Param]
    call: str = "{self}({0})"
    """The expression in `forward`: operands are numbered, arguments of an expression named."""
    major: bool = False
    """Whether it begins a line of its own in `forward`, as convolutions do."""
    after: tuple[str, ...] = ()
    """Statements behind its definition."""
    plain: bool = False
    """Whether its operand has to be a name, because it stands twice in the expression."""

    frozen: bool = False
    """Whether its weights are not learned."""

    @property
    def chains(self) -> bool:
        """Whether it can stand in an `nn.Sequential`."""
        return bool(self.module) and self.call == "{self}({0})" and not self.after


def refuse(node: Node, message: str, help: str = "") -> SpecError:
    """What cannot be said in PyTorch, at the layer's place."""
    return SpecError([Fault("cannot-export", f"`{node.name}`: {message}", None, help).at(node.origin)])


def channels(value: int) -> Param:
    return Param(value, "channels", keyword=False)


def flag(value: bool, default: bool) -> Param:
    return Param(value, "flag", default)


def same(values: list[Any]) -> Any:
    """One number if all axes have it, else one per axis."""
    return values[0] if len(set(values)) == 1 else tuple(values)


def borders(pads: list[tuple[int, int]]) -> tuple[int, ...]:
    """As `F.pad` takes them: the last axis first."""
    return tuple(size for pair in reversed(pads) for size in pair)


def rank(node: Node) -> int:
    """Spatial axes of its input."""
    return len(node.operation.inputs[0]) - 1


def windows(node: Node) -> list[Window]:
    reach = node.operation.reach
    assert isinstance(reach, tuple)
    return [window for window in reach if isinstance(window, Window)]


def uneven(node: Node) -> bool:
    """Whether a window's padding is none that a module can hold, so that it is a step of its own."""
    reach = node.operation.reach
    if node.kind in ("conv", "depthwise_conv"):
        return any(window.before != window.after for window in windows(node))
    if node.kind in ("max_pool", "avg_pool") and isinstance(reach, tuple):
        return any(window.before != window.after or 2 * window.before > window.size for window in windows(node))
    return False


def padded(found: list[Window], apart: bool) -> Any:
    return 0 if apart else same([window.before for window in found])


def pads_of(found: list[Window]) -> Param:
    return Param(borders([(window.before, window.after) for window in found]), "pads")


# -- layers with windows -----------------------------------------------------------------------------------------------


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
        "groups": Param(groups, "channels" if groups == before > 1 else "groups", 1),
        "bias": flag(layer.bias, True),
        "padding_mode": Param("zeros" if apart else layer.padding_mode, "word", "zeros"),
    }
    call = "{self}({0})"
    if apart:
        params["pads"] = pads_of(found)
        mode = "" if layer.padding_mode == "zeros" else f', mode="{layer.padding_mode}"'
        call = f"{{self}}(F.pad({{0}}, {{pads}}{mode}))"
    return Leaf(f"nn.Conv{len(found)}d", params, call, True, fixed(node))


def fixed(node: Node) -> tuple[str, ...]:
    """Statements that give a convolution the kernel that the spec gives it."""
    values = node.operation.layer.__dict__.get("weights") or ()
    if not values:
        return ()
    shape = next(weight.shape for weight in node.operation.tensors if weight.name == "weight")
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


# -- normalisations ----------------------------------------------------------------------------------------------------


def without(layer: Any) -> tuple[str, ...]:
    """Statements that take the factor or the offset away, where only the other is learned."""
    missing = [name for name, kept in (("weight", layer.scale), ("bias", layer.shift)) if not kept]
    return tuple(f'{{self}}.register_parameter("{name}", None)' for name in missing) if len(missing) == 1 else ()


def batch_norm(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    instance = node.kind == "instance_norm"
    if instance and rank(node) == 0:
        raise refuse(node, "an instance norm of a flat tensor has no positions to normalise over")
    params = {
        "num_features": channels(node.operation.inputs[0][0]),
        "eps": Param(layer.eps, "number", 1e-5),
        "affine": flag(layer.scale or layer.shift, not instance),
        "track_running_stats": flag(layer.statistics, not instance),
    }
    return Leaf(f"nn.{'Instance' if instance else 'Batch'}Norm{rank(node) or 1}d", params, after=without(layer))


def layer_norm(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    params = {
        "normalized_shape": channels(node.operation.inputs[0][0]),
        "eps": Param(layer.eps, "number", 1e-5),
        "elementwise_affine": flag(layer.scale or layer.shift, True),
        "bias": flag(layer.shift or not layer.scale, True),
    }
    after = () if layer.scale or not layer.shift else without(layer)
    return Leaf(f"LayerNorm{rank(node)}d" if rank(node) else "nn.LayerNorm", params, after=after)


def group_norm(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    params = {
        "num_groups": Param(layer.groups, "groups", keyword=False),
        "num_channels": channels(node.operation.inputs[0][0]),
        "eps": Param(layer.eps, "number", 1e-5),
        "affine": flag(layer.scale or layer.shift, True),
    }
    return Leaf("nn.GroupNorm", params, after=without(layer))


def response_norm(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    if rank(node) == 0:
        raise refuse(node, "PyTorch's local response norm takes no flat tensor", "reshape it to channels and positions")
    defaults = {"alpha": 1e-4, "beta": 0.75, "k": 1.0}
    params = {"size": Param(layer.size, "size", keyword=False)}
    params |= {name: Param(getattr(layer, name), "number", default) for name, default in defaults.items()}
    return Leaf("nn.LocalResponseNorm", params)


def l2_norm(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    eps = Param(layer.eps, "number", 1e-12)
    if layer.scale:
        return Leaf("L2Norm", {"channels": channels(node.operation.inputs[0][0]), "eps": eps})
    more = "" if layer.eps == eps.default else ", eps={eps}"
    return Leaf("", {"eps": eps}, f"F.normalize({{0}}, dim=1{more})")


# -- activations and other modules -------------------------------------------------------------------------------------

INPLACE = "inplace"
"""The argument of activations that overwrite their input; whether they may, `source` decides by what else takes it."""

PLAIN = {
    "relu": "nn.ReLU",
    "relu6": "nn.ReLU6",
    "silu": "nn.SiLU",
    "mish": "nn.Mish",
    "hard_swish": "nn.Hardswish",
    "sigmoid": "nn.Sigmoid",
    "tanh": "nn.Tanh",
}
OVERWRITES = ("nn.ReLU", "nn.ReLU6", "nn.SiLU", "nn.Mish", "nn.Hardswish", "nn.LeakyReLU", "nn.ELU", "nn.SELU")


def activation(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    kind, params = node.kind, {}
    if kind in PLAIN:
        module = PLAIN[kind]
    elif kind in ("softmax", "log_softmax"):
        module, params = ("nn.Softmax" if kind == "softmax" else "nn.LogSoftmax"), {"dim": Param(1, "word")}
    elif kind == "hard_sigmoid":
        usual = (layer.alpha, layer.beta) == (1 / 6, 0.5)
        module = "nn.Hardsigmoid" if usual else "HardSigmoid"
        params = {} if usual else numbers(layer, alpha=NEVER, beta=NEVER)
    elif kind == "selu":
        usual = (layer.alpha, layer.gamma) == (layer.defaults["alpha"], layer.defaults["gamma"])
        module = "nn.SELU" if usual else "ScaledELU"
        params = {} if usual else numbers(layer, alpha=NEVER, gamma=NEVER)
    elif kind == "gelu":
        module, params = "nn.GELU", {"approximate": Param(layer.approximate, "word", "none")}
    elif kind == "prelu":
        one = layer.slopes == 1
        module = "nn.PReLU"
        params = {"num_parameters": Param(layer.slopes, "word" if one else "channels", 1, False)}
    else:
        module, name, default = {
            "leaky_relu": ("nn.LeakyReLU", "negative_slope", 0.01),
            "elu": ("nn.ELU", "alpha", 1.0),
            "softplus": ("nn.Softplus", "beta", 1.0),
        }[kind]
        params = {name: Param(getattr(layer, name), "number", default, False)}
    if module in OVERWRITES:
        params[INPLACE] = flag(False, False)
    return Leaf(module, params)


def numbers(layer: Any, **defaults: Any) -> dict[str, Param]:
    return {name: Param(getattr(layer, name), "number", default) for name, default in defaults.items()}


def dropout(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    if node.kind == "drop_path":
        return Leaf("DropPath", {"p": Param(layer.rate, "rate", keyword=False)})
    return Leaf("nn.Dropout", {"p": Param(layer.rate, "rate")})


def layer_scale(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    size = channels(node.operation.inputs[0][0])
    return Leaf("LayerScale", {"channels": size, "initial": Param(layer.initial, "number", 1e-6)})


def upsample(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    params: dict[str, Param] = {}
    if layer.size is None:
        scale = layer.scale
        params["scale_factor"] = Param(tuple(map(float, scale)) if isinstance(scale, tuple) else scale, "number")
    else:
        params["size"] = Param(node.operation.output[1:], "size")
    linear = {1: "linear", 2: "bilinear", 3: "trilinear"}[rank(node)]
    params["mode"] = Param(layer.mode if layer.mode == "nearest" else linear, "word", "nearest")
    params["align_corners"] = Param(layer.align_corners and layer.mode != "nearest", "flag", False)
    return Leaf("nn.Upsample", params)


# -- moved data --------------------------------------------------------------------------------------------------------


def flatten(node: Node, apart: bool) -> Leaf:
    return Leaf("", {}, "torch.flatten({0}, 1)")


def identity(node: Node, apart: bool) -> Leaf:
    return Leaf("", {}, "{0}")


def reshape(node: Node, apart: bool) -> Leaf:
    """Sizes that the end of the new shape has in common with the old one are taken from the tensor."""
    old, new = node.operation.inputs[0], node.operation.output
    kept = 0
    while kept < min(len(old) - 1, len(new)) and old[-1 - kept] == new[-1 - kept]:
        kept += 1
    sizes = new[: len(new) - kept]
    params = {f"size{place}": Param(size, "channels") for place, size in enumerate(sizes)}
    listed = "".join(f", {{{name}}}" for name in params)
    if not kept:
        return Leaf("", params, f"{{0}}.reshape(-1{listed})")
    return Leaf("", params, f"{{0}}.reshape(-1{listed}, *{{0}}.shape[{len(old) - kept + 1}:])", plain=True)


def permute(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    return Leaf("", {}, f"{{0}}.permute({', '.join(['0', *(str(axis + 1) for axis in layer.axes)])})")


def channel_shuffle(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    groups = Param(layer.groups, "groups", keyword=False)
    if rank(node) == 0:
        return Leaf("", {"groups": groups}, "{0}.unflatten(1, ({groups}, -1)).transpose(1, 2).flatten(1, 2)")
    return Leaf("nn.ChannelShuffle", {"groups": groups})


def slice_channels(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    start, stop = layer.channels
    params = {}
    if start:
        params["start"] = Param(start, "channels")
    if stop < node.operation.inputs[0][0]:
        params["stop"] = Param(stop, "channels")
    text = f"{'{start}' if start else ''}:{'{stop}' if 'stop' in params else ''}"
    return Leaf("", params, f"{{0}}[:, {text}]")


def pad(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    pads = Param(borders([(window.before, window.after) for window in windows(node)]), "pads")
    before, after = layer.channels
    constant = layer.mode in ("zeros", "constant")
    value = layer.value if layer.mode == "constant" else 0.0
    if constant and (before or after):
        pads = Param((*pads.value, before, after), "pads")
    more = (f", value={float(value)!r}" if value else "") if constant else f', mode="{layer.mode}"'
    call = f"F.pad({{0}}, {{pads}}{more})"
    if not constant and (before or after):
        call = f"F.pad({call}, {(0,) * 2 * rank(node) + (before, after)})"
    return Leaf("", {"pads": pads}, call)


def crop(node: Node, apart: bool) -> Leaf:
    return Leaf("", {}, "{0}" + ends([(-window.before, -window.after) for window in windows(node)]))


def crop_like(node: Node, apart: bool) -> Leaf:
    return Leaf("", {}, "crop_like({0}, {1})")


def space(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    block = Param(layer.block, "size", keyword=False)
    down = node.kind == "space_to_depth"
    if layer.order == "crd" and rank(node) == 2:
        name = "downscale_factor" if down else "upscale_factor"
        return Leaf("nn.PixelUnshuffle" if down else "nn.PixelShuffle", {name: block})
    return Leaf("", {"block": block}, f'{node.kind}({{0}}, {{block}}, "{layer.order}")')


def join(node: Node, apart: bool) -> Leaf:
    return Leaf("", {}, {"concat": "cat", "add": "+", "multiply": "*"}[node.kind], True)


JOINS = ("concat", "add", "multiply")

TABLE: dict[str, Callable[[Node, bool], Leaf]] = {
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
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "instance_norm": batch_norm,
    "local_response_norm": response_norm,
    "l2_norm": l2_norm,
    "flatten": flatten,
    "reshape": reshape,
    "permute": permute,
    "channel_shuffle": channel_shuffle,
    "slice": slice_channels,
    "pad": pad,
    "crop": crop,
    "crop_like": crop_like,
    "space_to_depth": space,
    "depth_to_space": space,
    "identity": identity,
    "upsample": upsample,
    "dropout": dropout,
    "drop_path": dropout,
    "layer_scale": layer_scale,
    **{kind.kind: activation for kind in ACTIVATIONS},
    **dict.fromkeys(JOINS, join),
}


def describe(node: Node, apart: bool = False) -> Leaf:
    """A node in PyTorch's terms, with padding as a step of its own where `apart`; raises `SpecError` for what PyTorch
    cannot say."""
    made = TABLE.get(node.kind)
    if made is None:
        raise refuse(node, f"`{node.kind}` has no counterpart in PyTorch")
    leaf = made(node, apart)
    if node.frozen and leaf.module:
        leaf = leaf._replace(frozen=bool(node.operation.tensors))
    return leaf
