"""A layer's fields as one would write them: what its kind's defaults give is left out, padding is a word."""

from __future__ import annotations

from typing import Any

from cnncalc.convert.lift.normal import PER_AXIS, half, padding, pairs, per_axis, rank_of
from cnncalc.graph import Node
from cnncalc.layers.types import AMOUNT, PADDING


def spelled(layer: Any, rank: int, loose: frozenset[str]) -> dict[str, Any]:
    """The arguments of a layer that its kind's defaults do not give, as one would write them."""
    if layer.inverts:  # what it undoes says the rest
        return {}
    written = {}
    named = dict(layer.named())
    for name, field in layer.fields.items():
        value = getattr(layer, name)
        if name in layer.following or name in named:
            continue
        if field.type is PADDING:
            value = spelled_padding(layer, rank, loose)
        elif name == "stride" and value is not None and name in layer.defaults and layer.defaults[name] is None:
            same = per_axis(value, rank) == per_axis(layer.kernel, rank)
            value = None if same else single(per_axis(value, rank))
        elif field.type is AMOUNT:
            value = simple_pairs(pairs(value, rank))
        elif field.type in PER_AXIS and isinstance(value, tuple) and len(value) == rank and layer.takes[1]:
            value = single(value)
        if name not in layer.defaults or value != layer.defaults[name]:
            written[name] = value
    return written


def single(values: tuple[Any, ...]) -> Any:
    """The value that all are, or the values."""
    return values[0] if values and all(value == values[0] for value in values) else values


def simple_pairs(amounts: tuple[tuple[int, int], ...]) -> Any:
    """Pairs as one number, one per axis, or as they are."""
    if any(before != after for before, after in amounts):
        return amounts
    return single(tuple([before for before, _ in amounts]))


def spelled_padding(layer: Any, rank: int, loose: frozenset[str]) -> Any:
    """Padding as a word where one says it: `half` for convolutions, which people write `k//2`; numbers for pools."""
    amounts = padding(layer, rank)
    if isinstance(amounts, str):
        return amounts
    nothing = all(pair == (0, 0) for pair in amounts)
    words = layer.padding == "half" or bool(layer.following)
    if words and amounts == half(layer, rank) and not (nothing and layer.kind in loose):
        return "half"
    return "valid" if nothing else simple_pairs(amounts)


def loose_padding(nodes: list[Node]) -> frozenset[str]:
    """The kinds for whose 1x1 kernels `valid` is the better word: no wider one of them is padded by half."""
    padded = set()
    kinds = set()
    for node in nodes:
        layer: Any = node.operation.layer
        field = layer.fields.get("padding")
        if field is not None and field.type is PADDING:
            rank = rank_of(node.operation)
            kinds.add(layer.kind)
            amounts = padding(layer, rank)
            if any(pair != (0, 0) for pair in amounts if not isinstance(amounts, str)) and amounts == half(layer, rank):
                padded.add(layer.kind)
    return frozenset(kinds - padded)
