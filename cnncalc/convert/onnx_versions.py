"""Operators of older opsets -> those of the newest, where more has changed than attributes that became operands."""

from __future__ import annotations

from cnncalc.convert.operators import Operator

OLDEST = 7
"""The oldest opset that is read: before it, shapes were broadcast by attributes."""


def normalise(operator: Operator, version: int) -> None:
    """Let an operator of this opset say what it says in the newest one's words."""
    attributes = operator.attributes
    kind = operator.kind
    if kind in ("Softmax", "LogSoftmax") and version < 13:
        attributes["flattened"] = True
    elif kind == "Upsample" or (kind == "Resize" and version < 11):
        operator.kind = "Resize"
        operator.inputs = [*operator.inputs[:1], "", *operator.inputs[1:]]
        attributes.update(coordinate_transformation_mode="asymmetric", nearest_mode="floor")
