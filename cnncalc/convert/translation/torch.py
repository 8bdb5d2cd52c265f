"""What PyTorch has and ONNX has not, or has otherwise: adaptive pools, its resampling, norms without factors."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from cnncalc.convert.building import Builder, Translate
from cnncalc.convert.operators import Operator
from cnncalc.convert.translation.normalising import batch_norm, instance_norm
from cnncalc.convert.values import Operand, Value


def single(value: Sequence[int]) -> Any:
    """One number where all are equal."""
    return value[0] if len(set(value)) == 1 else tuple(value)


def on_channels(
    builder: Builder, operator: Operator, x: Operand, kind: str, arguments: dict[str, Any]
) -> list[Operand] | None:
    """A row on a tensor whose channels are its axis 1; None where it has too many axes."""
    if not isinstance(x, Value):
        return None
    found = builder.channels(x, x.first, operator)
    if found is None:
        return None
    base, order = found
    row = builder.append(operator, kind, [builder.force(base)], arguments)
    return [builder.turn(builder.made(row.number, base), order, operator)]


def adaptive(word: str) -> Translate:
    """To one position it is a global pool."""

    def translate(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
        size = operator.attributes["size"]
        if set(size) == {1}:
            return on_channels(builder, operator, operands[0], f"global_{word}_pool", {})
        return on_channels(builder, operator, operands[0], f"adaptive_{word}_pool", {"size": single(size)})

    return translate


def upsample(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """By a scale where it is a whole number, else to a size."""
    x = operands[0]
    if not isinstance(x, Value):
        return None
    wanted = operator.attributes["size"][2:]
    own = x.shape[2:]
    scales = [size // mine for size, mine in zip(wanted, own)]
    exact = all(mine * scale == size for mine, scale, size in zip(own, scales, wanted))
    arguments: dict[str, Any] = {"scale": single(scales)} if exact else {"size": single(wanted)}
    arguments["mode"] = operator.attributes["mode"]
    if operator.attributes["corners"]:
        arguments["align_corners"] = True
    return on_channels(builder, operator, x, "upsample", arguments)


def attention(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """Opaque, with both products counted: of queries and keys, and of what they give and the values."""
    query, key, value = operands[:3]
    if not isinstance(query, Value) or not isinstance(key, Value) or not isinstance(value, Value):
        return None
    whole = (*query.shape[:-1], value.shape[-1])
    batch = builder.batch if query.batch else 1
    macs = prod(query.shape[:-1]) // batch * key.shape[-2] * (query.shape[-1] + value.shape[-1])
    return builder.opaque(operator, [query, key, value], [whole], macs)


def unshuffled(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    return on_channels(builder, operator, operands[0], "space_to_depth", {"block": operator.attributes["block"]})


def shuffled(builder: Builder, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    return on_channels(builder, operator, operands[0], "channel_shuffle", {"groups": operator.attributes["groups"]})


TORCH: dict[str, Translate] = {
    "torch.AdaptiveAvgPool": adaptive("avg"),
    "torch.AdaptiveMaxPool": adaptive("max"),
    "torch.Upsample": upsample,
    "torch.BatchNorm": batch_norm,
    "torch.InstanceNorm": instance_norm,
    "torch.attention": attention,
    "torch.PixelUnshuffle": unshuffled,
    "torch.ChannelShuffle": shuffled,
}
"""Operators of `aten` that are none of ONNX's."""
