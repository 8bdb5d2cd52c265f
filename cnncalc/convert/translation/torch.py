"""What PyTorch has and ONNX has not, or has otherwise: adaptive pools, norms without factors."""

from __future__ import annotations

from cnncalc.convert.building import Translate
from cnncalc.convert.making import Making
from cnncalc.convert.operators import Operator
from cnncalc.convert.translation.moving import compact
from cnncalc.convert.translation.normalising import batch_norm, instance_norm
from cnncalc.convert.translation.sliding import spatial
from cnncalc.convert.values import Operand, Value


def adaptive(word: str) -> Translate:
    """To one position it is a global pool."""

    def translate(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
        x, size = operands[0], operator.attributes["size"]
        if not isinstance(x, Value):
            return None
        spatial(operator, x)
        kind, arguments = f"adaptive_{word}_pool", {"size": compact(size)}
        if set(size) == {1}:
            kind, arguments = f"global_{word}_pool", {}
        found = making.channels(x, x.first, operator)
        if found is None:
            return None
        base, order = found
        row = making.append(operator, kind, [making.force(base)], arguments)
        return [making.turn(making.made(row.number, base), order, operator)]

    return translate


TORCH: dict[str, Translate] = {
    "torch.AdaptiveAvgPool": adaptive("avg"),
    "torch.AdaptiveMaxPool": adaptive("max"),
    "torch.BatchNorm": batch_norm,
    "torch.InstanceNorm": instance_norm,
}
"""Operators of the program of a module that are none of ONNX's."""
