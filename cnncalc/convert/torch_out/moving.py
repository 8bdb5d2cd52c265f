"""Layers that move data, resample it, or join branches, in PyTorch's terms."""

from __future__ import annotations

from typing import Any

from cnncalc.convert.torch_out.leaf import Leaf, Param, Writer, borders, operands, rank, windows
from cnncalc.convert.torch_out.sliding import check_border, ends
from cnncalc.graph import Node
from cnncalc.layers.windows import per_axis


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


def flatten(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    if layer.over == "positions":
        return Leaf("", {}, "{0}.flatten(2)" if rank(node) > 1 else "{0}")
    return Leaf("", {}, "torch.flatten({0}, 1)")


def identity(node: Node, apart: bool) -> Leaf:
    return Leaf("", {}, "{0}")


def reshape(node: Node, apart: bool) -> Leaf:
    """Sizes that the end of the new shape has in common with the old one are taken from the tensor."""
    layer: Any = node.operation.layer
    old, new = node.operation.inputs[0], node.operation.output
    if layer.over == "positions":
        sizes = {f"size{place}": Param(size, "size") for place, size in enumerate(new[1:])}
        flat = "" if len(old) == 2 else ".flatten(2)"
        if len(new) == 2:
            return Leaf("", {}, f"{{0}}{flat}")
        return Leaf("", sizes, f"{{0}}{flat}.unflatten(2, ({', '.join(f'{{{name}}}' for name in sizes)}))")
    kept = 0
    while kept < min(len(old) - 1, len(new)) and old[-1 - kept] == new[-1 - kept]:
        kept += 1
    params = {f"size{place}": Param(size, "channels") for place, size in enumerate(new[: len(new) - kept])}
    listed = "".join(f", {{{name}}}" for name in params)
    if not kept:
        return Leaf("", params, f"{{0}}.reshape(-1{listed})")
    return Leaf("", params, f"{{0}}.reshape(-1{listed}, *{{0}}.shape[{len(old) - kept + 1}:])")


def permute(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    return Leaf("", {}, f"{{0}}.permute({', '.join(['0', *(str(axis + 1) for axis in layer.axes)])})")


def channel_shuffle(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    groups = Param(layer.groups, "groups", keyword=False)
    if rank(node) == 0:
        return Leaf("", {"groups": groups}, "{0}.unflatten(1, ({groups}, -1)).transpose(1, 2).flatten(1, 2)")
    return Leaf("nn.ChannelShuffle", {"groups": groups})


def slice_(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    axis = 1 if layer.over == "positions" else 0
    size = node.operation.inputs[0][axis]
    start, stop = layer.bounds(size)
    unit = "size" if axis else "channels"
    params = {}
    if start:
        params["start"] = Param(start, unit)
    if stop < size:
        params["stop"] = Param(stop, unit)
    text = f"{'{start}' if start else ''}:{'{stop}' if 'stop' in params else ''}"
    return Leaf("", params, f"{{0}}[:, {':, ' * axis}{text}]")


def pad(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    pads = Param(borders([(window.before, window.after) for window in windows(node)]), "pads")
    before, after = layer.channels
    if not any(pads.value) and not before and not after:
        return Leaf("", {}, "{0}")
    check_border(node, layer.mode, windows(node))
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
    cuts = [(-window.before, -window.after) for window in windows(node)]
    return Leaf("", {}, "{0}" + ends(cuts) if any(map(any, cuts)) else "{0}")


def crop_like(node: Node, apart: bool) -> Leaf:
    return Leaf("", {}, "crop_like({0}, {1})")


def space(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    blocks = per_axis(layer.block, rank(node), "block")
    down = node.kind == "space_to_depth"
    if layer.order == "crd" and rank(node) == 2 and len(set(blocks)) == 1:
        name = "downscale_factor" if down else "upscale_factor"
        module = "nn.PixelUnshuffle" if down else "nn.PixelShuffle"
        return Leaf(module, {name: Param(blocks[0], "size", keyword=False)})
    return Leaf("", {"blocks": Param(blocks, "size")}, f'{node.kind}({{0}}, {{blocks}}, "{layer.order}")')


def join(node: Node, apart: bool) -> Leaf:
    return Leaf("", {}, joins={"add": "+", "subtract": "-", "multiply": "*"}[node.kind])


def add(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    if layer.weights == "none":
        return join(node, apart)
    module = "FastSum" if layer.weights == "fast" else "SoftmaxSum"
    return Leaf(module, {"count": Param(len(node.inputs), "count", keyword=False)}, operands(node))


def concat(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    return Leaf("", {}, joins="cat", axis=2 if layer.over == "positions" else 1)


REDUCTIONS = {"mean": "{0}.mean({1}, keepdim=True)", "max": "{0}.amax({1}, keepdim=True)"}
REDUCTIONS |= {"sum": "{0}.sum({1}, keepdim=True)", "norm": "{0}.norm(dim={1}, keepdim=True)"}


def reduce(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    axes = tuple(range(2, rank(node) + 2)) if layer.over == "positions" else (1,)
    listed = str(axes[0]) if len(axes) == 1 else f"({', '.join(map(str, axes))})"
    return Leaf("", {}, REDUCTIONS[layer.way].format("{0}", listed if layer.way == "norm" else f"dim={listed}"))


MOVING: dict[str, Writer] = {
    "flatten": flatten,
    "reshape": reshape,
    "permute": permute,
    "channel_shuffle": channel_shuffle,
    "slice": slice_,
    "pad": pad,
    "crop": crop,
    "crop_like": crop_like,
    "space_to_depth": space,
    "depth_to_space": space,
    "identity": identity,
    "upsample": upsample,
    "reduce": reduce,
    "concat": concat,
    "add": add,
    "subtract": join,
    "multiply": join,
}
