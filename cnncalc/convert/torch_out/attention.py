"""Attention and products of matrices in PyTorch's terms."""

from __future__ import annotations

from typing import Any

from cnncalc.convert.torch_out.leaf import Leaf, Param, Writer
from cnncalc.graph import Node
from cnncalc.layers.types import BIAS_WORDS

PLAIN = "attention"
"""The function for what has no weights, no windows and no cosines."""


def attention(node: Node, apart: bool) -> Leaf:
    """A function where nothing is learned and nothing framed, else a class that is called by what it does."""
    layer: Any = node.operation.layer
    named = layer.bias not in BIAS_WORDS
    given = len(node.inputs) - named
    listed = ["*{0}.chunk(3, dim=1)", "{0}, *{1}.chunk(2, dim=1)", "{0}, {1}, {2}"][given - 1]
    params = {"heads": Param(layer.heads, "heads", keyword=False)}
    if layer.mode == "linear":
        return Leaf("", params, f"linear_attention({listed}, heads={{heads}})", major=True)
    if layer.scale is not None:
        params["scale"] = Param(layer.scale, "number")
    bias = "given" if named else layer.bias
    frames = layer.frames(node.operation.inputs)
    if frames is None and bias == "none" and layer.mode == "softmax":
        more = "" if layer.scale is None else ", scale={scale}"
        return Leaf("", params, f"attention({listed}, heads={{heads}}{more})", major=True)
    if frames is not None:
        wide = tuple(frame.keys for frame in frames)
        params["window"] = Param(wide, "size")
        if layer.grid is not None:
            params["grid"] = Param(True, "flag", False)
        params["shift"] = Param(tuple(frame.shift for frame in frames), "shift", (0,) * len(frames))
        table = tuple(frame.table for frame in frames)
        params["table"] = Param(table, "size", wide)
    else:
        maps, key_maps = layer.map_sizes(node.operation.inputs)
        if bias != "none":
            params["sizes"] = Param(maps, "size")
        if bias in ("distance", "decomposed"):
            params["key_sizes"] = Param(key_maps, "size", maps)
        if bias == "decomposed":
            params["channels"] = Param(layer.tensors(node.operation.inputs)[0][0] // layer.heads, "channels")
    call = f"{{self}}({listed}{f', {{{given}}}' if named else ''})"
    where = "Window" if frames is not None else "Token" if layer.maps is not None and bias != "none" else ""
    words = [bias.title() if bias != "none" else "", "Cosine" if layer.mode == "cosine" else "", where, "Attention"]
    return Leaf("".join(words), params, call, major=True)


def matmul(node: Node, apart: bool) -> Leaf:
    """By what both have and is summed over; maps become rows of positions before, and what is left of one after."""
    layer: Any = node.operation.layer
    a, b = node.operation.inputs
    left, right = ("{0}" if len(a) == 2 else "{0}.flatten(2)"), ("{1}" if len(b) == 2 else "{1}.flatten(2)")
    params = {}
    if layer.groups > 1:
        params["groups"] = Param(layer.groups, "groups")
        left, right = (f"{side}.unflatten(1, ({{groups}}, -1))" for side in (left, right))
    if layer.over == "channels":
        left += ".transpose(-1, -2)"
    elif layer.over == "positions":
        right += ".transpose(-1, -2)"
    after = ".flatten(1, 2)" if layer.groups > 1 else ""
    if layer.over != "positions" and len(b) > 2:
        after += f".unflatten(-1, {b[1:]})"
    return Leaf("", params, f"torch.matmul({left}, {right}){after}")


ATTENTION: dict[str, Writer] = {"attention": attention, "matmul": matmul}
