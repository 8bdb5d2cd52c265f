"""Normalisations."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncalc.convert.building import Translate
from cnncalc.convert.making import Making, unsupported
from cnncalc.convert.operators import Constant, Operator
from cnncalc.convert.shapes import axis_of, reshaped_sizes
from cnncalc.convert.values import Operand, Value
from cnncalc.diagnostics import Fault
from cnncalc.geometry import dims


def eps_of(operator: Operator, name: str = "epsilon", default: float = 1e-5) -> float:
    value = operator.attributes.get(name, default)
    return float(value)


def factors(
    making: Making, operands: list[Operand], channels: int
) -> tuple[dict[str, Any], dict[str, Constant]] | None:
    """The arguments `scale` and `shift` and the weights for them, the second and the third operand.

    None where they are no constants per channel.
    """
    weights: dict[str, Constant] = {}
    arguments: dict[str, Any] = {}
    kinds = ("scale", "weight", 1), ("shift", "bias", 0)
    for (name, weight, neutral), operand in zip(kinds, (*operands[1:], None, None)):
        arguments[name] = False
        if operand is None:
            continue
        if not isinstance(operand, Constant) or operand.size != channels:
            return None
        spread = sum(operand.roots.values()) < operand.size
        if spread and operand.values is not None and all(value == neutral for value in operand.values):
            making.ignored(operand)  # ones and zeros that the file's operators make stand for none
            continue
        arguments[name] = True
        weights[weight] = operand
    return arguments, weights


def batch_norm(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if operator.attributes.get("training_mode") or any(operator.outputs[1:]):
        raise unsupported(
            "it normalises by the statistics of the batch: this is a training graph",
            "export the model for inference, in PyTorch after `model.eval()`",
        )
    if not isinstance(x, Value) or len(x.shape) < 2 or len(operands) < 5 or operator.attributes.get("spatial") == 0:
        return None
    channels = x.shape[1]
    mean, variance = operands[3], operands[4]
    given = factors(making, operands, channels)
    if given is None or not isinstance(mean, Constant) or not isinstance(variance, Constant):
        if all(isinstance(operand, Constant) for operand in operands[1:]):
            sizes = ", ".join(dims(operand.shape) for operand in operands[1:] if isinstance(operand, Constant))
            raise Fault("bad-model", f"factors and statistics of {sizes} do not fit {channels} channels")
        return making.opaque(operator, operands, [x.shape], 0)
    if mean.size != channels or variance.size != channels:
        raise Fault("bad-model", f"statistics of {mean.size} and {variance.size} do not fit {channels} channels")
    arguments, weights = given
    found = making.channels(x, 1, operator)
    if found is None:
        return making.opaque(operator, operands, [x.shape], 0)
    base, order = found
    arguments["eps"] = eps_of(operator)
    weights |= {"running_mean": mean, "running_var": variance}
    row = making.append(operator, "batch_norm", [making.force(base)], arguments, weights)
    return [making.turn(making.made(row.number, base), order, operator)]


def normalised_axes(operator: Operator, rank: int) -> set[int]:
    """The axes that are normalised together: those that are listed, or all from one on."""
    axes = operator.attributes.get("axes")
    if axes is None:
        axes = range(axis_of(operator.attributes.get("axis", -1), rank), rank)
    return {axis_of(axis, rank) for axis in axes}


def layer_norm(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """`layer_norm` where the axis is one, which becomes the channels."""
    x = operands[0]
    if not isinstance(x, Value) or any(operator.outputs[1:]):
        return None
    over = normalised_axes(operator, len(x.shape))
    given = factors(making, operands, prod(x.shape[axis] for axis in over))
    found = making.channels_front(x, next(iter(over)), operator) if len(over) == 1 and given is not None else None
    if given is None or found is None:
        return making.opaque(operator, operands, [x.shape], 0)
    base, seen = found
    arguments, weights = given
    arguments["eps"] = eps_of(operator)
    row = making.append(operator, "layer_norm", [making.force(base)], arguments, weights)
    return [seen(making.made(row.number, base))]


def rms_norm(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """`l2_norm`, a `factor` of sqrt(channels), and a factor per channel, where the axis is one."""
    x, scale = (*operands, None)[:2]
    if not isinstance(x, Value):
        return None
    over = normalised_axes(operator, len(x.shape))
    count = prod(x.shape[axis] for axis in over)
    given = factors(making, [None, scale], count)
    found = making.channels_front(x, next(iter(over)), operator) if len(over) == 1 and given is not None else None
    if given is None or found is None:
        return making.opaque(operator, operands, [x.shape], 0)
    base, seen = found
    making.account.note(
        "normalisations by the root mean square are `l2_norm`, `factor` and `layer_scale`: what is added to the mean "
        "is the least norm here"
    )
    least = (count * eps_of(operator)) ** 0.5
    tensor = making.append(operator, "l2_norm", [making.force(base)], {"eps": least}).number
    tensor = making.append(operator, "factor", [tensor], {"axes": "one", "value": count**0.5}).number
    if given[1]:
        tensor = making.append(operator, "layer_scale", [tensor], {}, given[1]).number
    return [seen(making.made(tensor, base))]


def response_norm(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """`global_response_norm`, where the norms go over all positions."""
    x = operands[0]
    if not isinstance(x, Value):
        return None
    rank = len(x.shape)
    axis, over = axis_of(operator.attributes["axis"], rank), operator.attributes["axes"]
    places = {axis_of(place, rank) for place in over}
    given = factors(making, operands, x.shape[axis])
    found = making.channels_front(x, axis, operator) if given is not None else None
    if given is None or found is None or places != {*range(x.first, rank)} - {axis}:
        return making.opaque(operator, operands, [x.shape], 0)
    base, seen = found
    arguments, weights = given
    arguments["eps"] = eps_of(operator)
    row = making.append(operator, "global_response_norm", [making.force(base)], arguments, weights)
    return [seen(making.made(row.number, base))]


def group_norm(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    groups = operator.attributes.get("num_groups", 0)
    if not isinstance(x, Value) or len(x.shape) < 2 or not isinstance(groups, int) or groups < 1:
        return None
    if operands[3:]:
        target = making.numbers(operator, operands, "shape", 3) or []
        inner = (x.shape[0], groups, prod(x.shape[1:]) // groups)
        if x.shape[1] % groups or reshaped_sizes(inner, target) != x.shape:
            raise unsupported("a normalisation of groups does not come back to its input's shape")
    given = factors(making, operands, x.shape[1])
    if given is None:
        return making.opaque(operator, operands, [x.shape], 0)
    arguments, weights = given
    arguments |= {"groups": groups, "eps": eps_of(operator)}
    row = making.append(operator, "group_norm", [making.force(x)], arguments, weights)
    return [making.made(row.number, x)]


def instance_norm(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value) or len(x.shape) < 3:
        return None
    given = factors(making, operands, x.shape[1])
    if given is None:
        return making.opaque(operator, operands, [x.shape], 0)
    arguments, weights = given
    row = making.append(operator, "instance_norm", [making.force(x)], {**arguments, "eps": eps_of(operator)}, weights)
    return [making.made(row.number, x)]


def local_response_norm(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value) or not x.batch:
        return None
    arguments = {
        "size": operator.attributes.get("size", 0),
        "alpha": eps_of(operator, "alpha", 1e-4),
        "beta": eps_of(operator, "beta", 0.75),
        "k": eps_of(operator, "bias", 1.0),
    }
    return [making.made(making.append(operator, "local_response_norm", [making.force(x)], arguments).number, x)]


def l2_norm(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value):
        return None
    axis = axis_of(operator.attributes.get("axis", -1), len(x.shape))
    found = making.channels_front(x, axis, operator) if operator.attributes.get("p", 2) == 2 else None
    if found is None:
        return making.opaque(operator, operands, [x.shape], 0)
    base, seen = found
    arguments = {"eps": eps_of(operator, default=1e-12)}
    row = making.append(operator, "l2_norm", [making.force(base)], arguments)
    return [seen(making.made(row.number, base))]


NORMALISING: dict[str, Translate] = {
    "BatchNormalization": batch_norm,
    "LayerNormalization": layer_norm,
    "GroupNormalization": group_norm,
    "InstanceNormalization": instance_norm,
    "RMSNormalization": rms_norm,
    "GlobalResponseNormalization": response_norm,
    "LRN": local_response_norm,
    "LpNormalization": l2_norm,
}
