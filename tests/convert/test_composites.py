"""Operators that are one layer together, as exporters write them; and each of them changed, which is none.

The formulas are those of the layers' papers and of PyTorch's documentation.
"""

from __future__ import annotations

import re

from convert.executing import rows
from convert.written import NODE, written
from sampling import together

from cnncalc.convert.onnx import read_bytes
from cnncalc.diagnostics import SpecError

NUMBERS = {
    "zero": 0.0,
    "one": 1.0,
    "two": 2.0,
    "three": 3.0,
    "six": 6.0,
    "half": 0.5,
    "eps": 1e-05,
    "root": 2**0.5,
    "sixth": 1 / 6,
    "cube": 0.044715,
    "slope": (2 / 3.141592653589793) ** 0.5,
}
CONSTANTS = [
    *(f"{name}: [] {value}" for name, value in NUMBERS.items()),
    *("scale: [4, 1, 1] ", "shift: [4, 1, 1] ", "parts: [3] 1 2 -1"),
    *("whole: [4] 1 4 5 6", "ones: [2] 1.0", "zeros: [2] 0.0"),
]
MEAN = "ReduceMean({}) axes=[-1]"
SQUARES = [f"v = {MEAN.format('q')}", "e = Add(v, eps)", "r = Sqrt(e)"]
CLIPPED = ["a = Add(x, three)", "c = Clip(a, zero, six)"]
NORMS = ["n = ReduceL2(x) axes=[2, 3]", "m = ReduceMean(n) axes=[1]", "e = Add(m, eps)", "s = Div(n, e)"]

COMPOSITES = {
    "silu": ["s = Sigmoid(x)", "y = Mul(x, s)"],
    "mish": ["p = Softplus(x)", "t = Tanh(p)", "y = Mul(x, t)"],
    "hard_sigmoid": [*CLIPPED, "y = Div(c, six)"],
    "hard_swish": [*CLIPPED, "m = Mul(x, c)", "y = Div(m, six)"],
    "hard_swish by parts": [*CLIPPED, "g = Mul(c, sixth)", "y = Mul(g, x)"],
    "gelu": ["d = Div(x, root)", "e = Erf(d)", "a = Add(e, one)", "m = Mul(x, a)", "y = Mul(m, half)"],
    "gelu by tanh": [
        *("p = Pow(x, three)", "k = Mul(p, cube)", "a = Add(x, k)", "b = Mul(a, slope)", "t = Tanh(b)"),
        *("o = Add(t, one)", "h = Mul(x, half)", "y = Mul(h, o)"),
    ],
    "gelu by a square": [
        *("p = Mul(x, x)", "k = Mul(p, cube)", "a = Add(k, one)", "f = Mul(x, a)", "b = Mul(f, slope)", "t = Tanh(b)"),
        *("o = Add(t, one)", "h = Mul(x, o)", "y = Mul(h, half)"),
    ],
    "relu6": ["m = Max(x, zero)", "y = Min(m, six)"],
    "relu6 by relu": ["m = Relu(x)", "y = Min(m, six)"],
    "layer_norm": [f"m = {MEAN.format('x')}", "d = Sub(x, m)", "q = Pow(d, two)", *SQUARES, "y = Div(d, r)"],
    "layer_norm by a product": [f"m = {MEAN.format('x')}", "d = Sub(x, m)", "q = Mul(d, d)", *SQUARES, "y = Div(d, r)"],
    "layer_norm by two differences": [
        *(f"m = {MEAN.format('x')}", "d = Sub(x, m)", "o = Sub(x, m)", "q = Pow(o, two)", *SQUARES, "y = Div(d, r)"),
    ],
    "layer_norm by two means": [
        *(f"m = {MEAN.format('x')}", "d = Sub(x, m)", f"n = {MEAN.format('x')}", "o = Sub(x, n)"),
        *("q = Mul(o, o)", *SQUARES, "y = Div(d, r)"),
    ],
    "l2_norm of means": ["q = Pow(x, two)", *SQUARES, "y = Div(x, r)"],
    "l2_norm of means by a reciprocal": ["q = Mul(x, x)", *SQUARES, "i = Reciprocal(r)", "y = Mul(x, i)"],
    "global_response_norm": [*NORMS, "p = Mul(x, s)", "w = Mul(p, scale)", "b = Add(w, shift)", "y = Add(x, b)"],
    "l2_norm": ["n = ReduceL2(x) axes=[1]", "c = Clip(n, eps)", "y = Div(x, c)"],
    "group_norm": ["g = Reshape(x, parts)", "i = InstanceNormalization(g, ones, zeros)", "y = Reshape(i, whole)"],
}
"""The lines, by the kind that they are."""

OTHERS = {
    "Add": "Sub",
    "Sub": "Add",
    "Mul": "Add",
    "Div": "Add",
    "Sqrt": "Exp",
    "Erf": "Tanh",
    "Tanh": "Sigmoid",
    "Sigmoid": "Tanh",
    "Softplus": "Relu",
    "Pow": "Add",
    "ReduceMean": "ReduceMax",
    "ReduceL2": "ReduceL1",
    "Max": "Min",
    "Min": "Max",
    "Reciprocal": "Exp",
    "Relu": "Tanh",
}
"""Another operator in place of one."""


def kinds(lines: list[str], also: str = "") -> list[str]:
    """What the rows of a model are; none where it is no model."""
    used = set(re.findall(r"\w+", " ".join(lines)))
    constants = [line for line in CONSTANTS if line.partition(":")[0] in used]
    try:
        content = written([*constants, *lines], [1, 4, 5, 6], also=[also] if also else [])
        return [row.split()[0] for row in rows(read_bytes(memoryview(content), "net.onnx"))]
    except SpecError:
        return []


def parts(line: str) -> tuple[str, str, list[str], str]:
    found = NODE.fullmatch(line)
    assert found is not None
    result, operator, operands, rest = found.groups()
    return result, operator, operands.split(", "), rest


def named(name: str) -> str:
    return name.partition(" ")[0]


@together("name", COMPOSITES)
def test_operators_that_are_a_layer(name: str) -> None:
    """In either order of what is added or multiplied."""
    lines = COMPOSITES[name]
    assert named(name) in kinds(lines)
    for place, line in enumerate(lines):
        result, operator, operands, rest = parts(line)
        if operator in ("Add", "Mul", "Max", "Min"):
            turned = f"{result} = {operator}({', '.join(operands[::-1])}){rest}"
            assert kinds([*lines[:place], turned, *lines[place + 1 :]]) == kinds(lines), turned


@together("name", COMPOSITES)
def test_what_is_taken_elsewhere_is_no_part_of_a_layer(name: str) -> None:
    lines = COMPOSITES[name]
    for line in lines[:-1]:
        found = kinds(lines, also=line.split()[0])
        assert found, line
        assert named(name) not in found, line


@together("name", COMPOSITES)
def test_another_operator_is_another_network(name: str) -> None:
    lines = COMPOSITES[name]
    for place, line in enumerate(lines):
        result, operator, operands, rest = parts(line)
        changed = (
            [f"{result} = {OTHERS.get(operator, operator)}({', '.join(operands)}){rest}"] if operator in OTHERS else []
        )
        if "axes" in rest:
            changed += [line.replace("axes=[", "axes=[0, "), f"{line} keepdims=0"]
        for one in changed:
            assert named(name) not in kinds([*lines[:place], one, *lines[place + 1 :]]), one
