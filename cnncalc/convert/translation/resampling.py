"""Resize -> `upsample`, where its positions are those that cnncalc means."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, isclose, isfinite
from typing import Any

from cnncalc.convert.building import Translate
from cnncalc.convert.making import Making
from cnncalc.convert.operators import Operator
from cnncalc.convert.shapes import axis_of
from cnncalc.convert.translation.moving import compact
from cnncalc.convert.values import Operand, Value
from cnncalc.diagnostics import Fault

CENTRED = ("half_pixel", "pytorch_half_pixel", "half_pixel_symmetric")
"""ONNX's words for positions that stand for their middle; they differ only where an axis of one position results."""


def resize(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value):
        return None
    rank = len(x.shape)
    scales = making.decimals(operator, operands, "scales", 2) or None
    sizes = making.numbers(operator, operands, "sizes", 3) or None
    if len(operands) > 1:
        making.ignored(operands[1])
    axes = operator.attributes.get("axes") or tuple(range(rank))
    if (scales is None) == (sizes is None) or len(scales or sizes or ()) != len(axes):
        raise Fault("bad-model", "a Resize needs scales or sizes, one per axis")
    if operator.attributes.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        return making.opaque(operator, operands[:1], None, 0)
    shape = list(x.shape)
    factors = [1.0] * rank
    for place, axis in enumerate(axes):
        at = axis_of(axis, rank)
        shape[at] = sizes[place] if sizes is not None else _length(x.shape[at], (scales or [])[place])
        factors[at] = scales[place] if scales is not None else shape[at] / max(1, x.shape[at])
    whole = tuple(shape)
    if whole == x.shape:
        return [x]
    base, order = x.turned()
    moved = [place for place in range(rank) if whole[place] != x.shape[place]]
    if len(base.sample) > 4 or any(order[place] <= base.first for place in moved):
        return making.opaque(operator, operands[:1], [whole], 0)
    by_axis = {order[place]: (whole[place], factors[place]) for place in range(rank)}
    spatial = [by_axis[axis] for axis in range(base.first + 1, rank)]
    arguments = _sizes(spatial, base.sample[1:])
    mode = _mode(operator, "scale" in arguments)
    if mode is None:
        return making.opaque(operator, operands[:1], [whole], 0)
    row = making.append(operator, "upsample", [making.force(base)], {**arguments, **mode})
    return [making.turn(making.made(row.number, base), order, operator)]


def _length(width: int, scale: float) -> int:
    """floor(W*scale), without what is lost in writing the scale with 32 bits; raises `Fault`."""
    if not isfinite(scale) or scale <= 0:
        raise Fault("bad-model", f"a Resize has the scale {scale}")
    exact = width * scale
    near = round(exact)
    return near if isclose(exact, near, rel_tol=1e-7) else floor(exact)


def _sizes(spatial: Sequence[tuple[int, float]], before: Sequence[int]) -> dict[str, Any]:
    """`scale` where all are whole numbers, else `size`."""
    ratios = [new // max(1, old) for (new, _), old in zip(spatial, before)]
    exact = all(isclose(ratio, factor) for ratio, (_, factor) in zip(ratios, spatial))
    return {"scale": compact(ratios)} if exact else {"size": compact([new for new, _ in spatial])}


def _mode(operator: Operator, whole: bool) -> dict[str, Any] | None:
    """The interpolation, at scales that are whole numbers or not; None where none of ours reads the same positions."""
    mode = operator.attributes.get("mode", "nearest")
    where = operator.attributes.get("coordinate_transformation_mode", "half_pixel")
    if operator.attributes.get("antialias"):
        return None
    if mode == "nearest":
        rounding = operator.attributes.get("nearest_mode", "round_prefer_floor")
        if where == "asymmetric" and rounding == "floor":
            return {"mode": "nearest"}
        # (o + 1/2)/s - 1/2 is never half-way between two positions at a whole scale s, and rounds to floor(o/s)
        return {"mode": "nearest"} if whole and where in CENTRED and str(rounding).startswith("round_prefer") else None
    if mode in ("linear", "bilinear"):
        if where in CENTRED:
            return {"mode": "bilinear"}
        return {"mode": "bilinear", "align_corners": True} if where == "align_corners" else None
    return None


RESAMPLING: dict[str, Translate] = {"Resize": resize}
