"""Normalisations in PyTorch's terms."""

from __future__ import annotations

from typing import Any

from cnncalc.convert.torch_out.leaf import Leaf, Param, Writer, channels, flag, rank, refuse
from cnncalc.geometry import elements
from cnncalc.graph import Node

RESHAPE = "reshape it to channels and positions"


def without(layer: Any) -> tuple[str, ...]:
    """Statements that take the factor or the offset away, where only the other is learned."""
    missing = [name for name, kept in (("weight", layer.scale), ("bias", layer.shift)) if not kept]
    return tuple(f'{{self}}.register_parameter("{name}", None)' for name in missing) if len(missing) == 1 else ()


def batch_norm(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    instance = node.kind == "instance_norm"
    if instance and not layer.statistics and elements(node.operation.inputs[0][1:]) == 1:
        raise refuse(node, "PyTorch normalises no instance of a single position")
    if instance and rank(node) == 0:
        raise refuse(node, "PyTorch's instance norm takes no flat tensor", RESHAPE)
    params = {
        "num_features": channels(node.operation.inputs[0][0]),
        "eps": Param(layer.eps, "number", 1e-5),
        "affine": flag(layer.scale or layer.shift, not instance),
        "track_running_stats": flag(layer.statistics, not instance),
    }
    return Leaf(f"nn.{'Instance' if instance else 'Batch'}Norm{rank(node) or 1}d", params, after=without(layer))


def layer_norm(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    whole = layer.over == "all" and rank(node) > 0
    shape = node.operation.inputs[0]
    params = {
        "normalized_shape": Param(shape, "size", keyword=False) if whole else channels(shape[0]),
        "eps": Param(layer.eps, "number", 1e-5),
        "elementwise_affine": flag(layer.scale or layer.shift, True),
        "bias": flag(layer.shift or not layer.scale, True),
    }
    after = () if layer.scale or not layer.shift else without(layer)
    return Leaf(f"LayerNorm{rank(node)}d" if rank(node) and not whole else "nn.LayerNorm", params, after=after)


def group_norm(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    if elements(node.operation.inputs[0]) == layer.groups:
        raise refuse(node, "PyTorch normalises no group of a single value")
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
        raise refuse(node, "PyTorch's local response norm takes no flat tensor", RESHAPE)
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


def global_response_norm(node: Node, apart: bool) -> Leaf:
    layer: Any = node.operation.layer
    if not layer.scale or not layer.shift:
        raise refuse(node, "a global response norm without a learned factor and offset is not written")
    params = {"channels": channels(node.operation.inputs[0][0]), "eps": Param(layer.eps, "number", 1e-6)}
    return Leaf("GlobalResponseNorm", params)


NORMALISING: dict[str, Writer] = {
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "instance_norm": batch_norm,
    "local_response_norm": response_norm,
    "l2_norm": l2_norm,
    "global_response_norm": global_response_norm,
}
