"""What an operator must have before anything is asked of it: so many operands, and attributes of the right types.

A file that is damaged, or was made to do damage, ends here with a message that names the node.
"""

from __future__ import annotations

from cnncalc.convert.operators import Operator
from cnncalc.diagnostics import Fault

TWO = [
    "Add",
    "And",
    "BitShift",
    "BitwiseAnd",
    "BitwiseOr",
    "BitwiseXor",
    "CastLike",
    "Div",
    "Equal",
    "Expand",
    "Gather",
    "GatherElements",
    "GatherND",
    "Gemm",
    "Greater",
    "GreaterOrEqual",
    "Less",
    "LessOrEqual",
    "MatMul",
    "Mod",
    "Mul",
    "Or",
    "PRelu",
    "Pow",
    "SequenceAt",
    "Sub",
    "Tile",
    "Xor",
    "Conv",
    "ConvTranspose",
]
THREE = ["InstanceNormalization", "Range", "ScatterElements", "ScatterND", "Scatter", "Where"]
OPERANDS = {**dict.fromkeys(TWO, 2), **dict.fromkeys(THREE, 3), "BatchNormalization": 5}
"""The least number of operands, where it is above 1."""

WITHOUT = frozenset(
    ["Constant", "EyeLike", "RandomNormal", "RandomUniform", "SequenceEmpty", "OptionalHasElement", "Optional"]
)
"""Operators that may have none."""

NUMBERS = [
    "axes",
    "dilations",
    "ends",
    "kernel_shape",
    "output_padding",
    "output_shape",
    "pads",
    "perm",
    "shape",
    "split",
    "starts",
    "strides",
]
WHOLE = [
    "allowzero",
    "antialias",
    "axis",
    "batch_dims",
    "blocksize",
    "ceil_mode",
    "count_include_pad",
    "end",
    "flattened",
    "fmod",
    "group",
    "keepdims",
    "new_axis",
    "noop_with_empty_axes",
    "num_groups",
    "num_outputs",
    "spatial",
    "start",
    "to",
    "training_mode",
    "transA",
    "transB",
]
DECIMAL = ["alpha", "beta", "epsilon", "gamma", "max", "min", "ratio"]
TEXT = [
    "approximate",
    "auto_pad",
    "coordinate_transformation_mode",
    "equation",
    "keep_aspect_ratio_policy",
    "mode",
    "nearest_mode",
]

ATTRIBUTES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(NUMBERS, (tuple,)),
    **dict.fromkeys(WHOLE, (int,)),
    **dict.fromkeys(DECIMAL, (int, float)),
    **dict.fromkeys(TEXT, (str,)),
    "p": (int, float),
}
"""The types of attributes by their names, which mean the same in all operators that are read here."""


def check(operator: Operator) -> None:
    """Raise `Fault` unless an operator of ONNX's own has its operands, and its attributes are of their types."""
    if "." in operator.kind:
        return
    least = 0 if operator.kind in WITHOUT else OPERANDS.get(operator.kind, 1)
    held = sum(bool(name) for name in operator.inputs[:least])
    if held < least:
        raise Fault("bad-model", f"`{operator.kind}` needs {least} operand{'' if least == 1 else 's'}, it has {held}")
    if not operator.outputs:
        raise Fault("bad-model", f"`{operator.kind}` gives nothing")
    for name, value in operator.attributes.items():
        allowed = ATTRIBUTES.get(name)
        if allowed is None:
            continue
        wrong = not isinstance(value, allowed)
        if name in NUMBERS and not wrong:
            wrong = not all(isinstance(entry, int) for entry in value)
        if wrong:
            raise Fault("bad-model", f"the attribute `{name}` of `{operator.kind}` has a wrong type")
