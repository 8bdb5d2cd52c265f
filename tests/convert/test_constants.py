"""Operators on constants, worked out as by ONNX's reference evaluator, which tests/data/convert/constants.py asks."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from convert.encoding import message, varint
from sampling import together

from cnncalc.convert.constants import EVALUATED, evaluator
from cnncalc.convert.constants.evaluator import Evaluator, result_sizes
from cnncalc.convert.onnx_tensors import read_tensor
from cnncalc.convert.operators import Constant, Operator
from cnncalc.convert.wire import Wire
from cnncalc.diagnostics import Fault

CASES = json.loads((Path(__file__).parents[1] / "data" / "convert" / "constants.json").read_text(encoding="utf-8"))


@together("place", range(len(CASES)), lambda place: f"{place}, {CASES[place]['kind']}")
def test_results(place: int) -> None:
    case: dict[str, Any] = CASES[place]
    outputs = [f"out{number}" for number in range(len(case["outputs"]))]
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in case["attributes"].items()}
    operands = [Constant(tuple(each["shape"]), each["dtype"], each["values"]) for each in case["inputs"]]
    operator = Operator(case["kind"], [f"in{number}" for number in range(len(operands))], outputs, given, case["kind"])
    found = Evaluator(EVALUATED).run(operator, operands)
    assert found is not None
    if case["attributes"].get("batch_dims"):  # whose shape alone is followed
        assert [constant.shape for constant in found] == [tuple(each["shape"]) for each in case["outputs"]]
        return
    for constant, expected in zip(found, case["outputs"], strict=True):
        assert constant.shape == tuple(expected["shape"])
        assert constant.dtype.replace("double", "float") == expected["dtype"]
        assert constant.values is not None
        assert list(constant.values) == pytest.approx(expected["values"], rel=1e-6, nan_ok=True)
        kinds = {"int": {int}, "bool": {bool}}.get(constant.dtype, {float})
        assert {type(value) for value in constant.values} <= kinds


@together(
    "kind, attributes, shapes, expected",
    [
        ("MatMul", {}, [(3, 4), (4, 5)], (3, 5)),
        ("MatMul", {}, [(2, 1, 3, 4), (6, 4, 5)], (2, 6, 3, 5)),
        ("Gemm", {}, [(3, 4), (4, 5)], (3, 5)),
        ("Gemm", {"transA": 1}, [(4, 3), (4, 5), (5,)], (3, 5)),
        ("Gemm", {"transB": 1}, [(3, 4), (5, 4)], (3, 5)),
        ("Gemm", {"transA": 1, "transB": 1}, [(4, 3), (5, 4)], (3, 5)),
        ("Gemm", {}, [(3, 4)], None),
        ("Gemm", {}, [(2, 3, 4), (4, 5)], None),
        ("Add", {}, [(3, 1), (4,)], (3, 4)),
        ("Gemm", {}, [(3, 4), (4, 5, 6)], None),
        ("MatMul", {}, [(3, 4)], None),
        ("MatMul", {}, [(4,), (4, 5)], (5,)),
        ("MatMul", {}, [(3, 4), (4,)], (3,)),
        ("MatMul", {}, [(4,), (4,)], ()),
        ("MatMul", {}, [(2, 3, 4), (4,), (9,)], (2, 3)),
        ("Conv", {}, [(1, 3, 4, 4), (2, 3, 1, 1)], (1, 2, 4, 4)),
        ("Conv", {"strides": (1, 1), "pads": (0, 0, 0, 0), "group": 1}, [(5, 3, 4, 6), (2, 3, 1, 1)], (5, 2, 4, 6)),
        ("Conv", {"strides": (1, 2)}, [(1, 3, 4, 4), (2, 3, 1, 1)], None),
        ("Conv", {"pads": (0, 0, 0, 1)}, [(1, 3, 4, 4), (2, 3, 1, 1)], None),
        ("Conv", {"group": 3}, [(1, 3, 4, 4), (3, 1, 1, 1)], None),
        ("Conv", {}, [(1, 3, 4, 4), (2, 3, 1, 2)], None),
        ("Conv", {}, [(1, 3), (2, 3)], None),
        ("Conv", {}, [(1, 3, 4, 4)], None),
        ("Softmax", {}, [(1, 3, 4, 4)], None),
    ],
    label=str,
)
def test_sizes_of_what_is_not_worked_out(
    kind: str, attributes: dict[str, Any], shapes: list[tuple[int, ...]], expected: tuple[int, ...] | None
) -> None:
    """As in linear algebra: m x k by k x n is m x n."""
    operator = Operator(kind, [f"in{number}" for number in range(len(shapes))], ["out"], attributes, kind)
    assert result_sizes(operator, [Constant(shape, "float") for shape in shapes]) == expected


Given = tuple[int, ...] | tuple[tuple[int, ...], Any, str] | None


def operand(given: Given) -> Constant | None:
    """Whole numbers in a row; or a shape, its values and their type; None for what is left out."""
    if given is None:
        return None
    shape, values, dtype = given if isinstance(given[0], tuple) else ((len(given),), given, "int")
    return Constant(shape, dtype, values)  # type: ignore[arg-type]


def worked(kind: str, attributes: dict[str, Any], operands: list[Given], outputs: int = 1) -> list[Constant]:
    names = [[f"{side}{place}" for place in range(count)] for side, count in (("in", len(operands)), ("out", outputs))]
    found = Evaluator(EVALUATED).run(Operator(kind, *names, attributes, kind), [operand(each) for each in operands])
    assert found is not None
    return found


SIX = tuple(range(6))
MATRIX = ((2, 3), SIX, "int")
WEIGHT = ((2, 3), None, "float")
TEXT = ((1,), None, "text")
MOST = 2**64 - 1


@together(
    "kind, attributes, operands, expected",
    [
        # older opsets' attributes, and what is left out
        ("Clip", {"min": 1, "max": 4}, [MATRIX], [1, 1, 2, 3, 4, 4]),
        ("Clip", {"max": 4}, [MATRIX], [0, 1, 2, 3, 4, 4]),
        ("Clip", {}, [MATRIX, None, (2,)], [0, 1, 2, 2, 2, 2]),
        ("Clip", {}, [MATRIX, ((), None, "int")], (2, 3)),
        ("Squeeze", {"axes": (0,)}, [((1, 1), (7,), "int")], [7]),
        ("Slice", {"starts": (1,), "ends": (9,)}, [SIX], [1, 2, 3, 4, 5]),
        ("Split", {"split": (2, 4)}, [SIX], [0, 1]),
        ("ReduceMax", {"axes": (1,)}, [MATRIX], [2, 5]),
        ("Constant", {"value_float": 0.5}, [], [0.5]),
        ("Constant", {"value_floats": (1, 0.5)}, [], [1.0, 0.5]),
        ("Constant", {"value_int": 3}, [], [3]),
        ("Constant", {"value_ints": (3, 4)}, [], [3, 4]),
        ("Constant", {"value_string": "a"}, [], ()),
        ("Constant", {"value": Constant((2,), "int", (3, 4))}, [], [3, 4]),
        ("ConstantOfShape", {"value": Constant((1,), "int", (7,))}, [(2, 1)], [7, 7]),
        ("ConstantOfShape", {"value": Constant((1,), "float")}, [(2, 1)], (2, 1)),
        ("ConstantOfShape", {}, [(2**63 - 1,)], (2**63 - 1,)),
        # cut towards zero, as in C; a power below zero of whole numbers, too
        ("Div", {}, [(7, -7, 7, -7, 6, -6, 1, -1), (2, 2, -2, -2, 3, 3, 2, 2)], [3, -3, -3, 3, 2, -2, 0, 0]),
        ("Pow", {}, [(2, 1, -1, 3, 1), (-1, -1, -3, 0, 65)], [0, 1, -1, 1, 1]),
        # decimals that are whole, of shapes
        ("Expand", {}, [(1,), ((1,), (2.0,), "float")], [1, 1]),
        # PyTorch's `roll` and `slice_scatter`, as its documentation says
        ("Roll", {"axes": (0, 1), "shifts": (1, -1)}, [MATRIX], [4, 5, 3, 1, 2, 0]),
        ("torch.SliceScatter", {}, [MATRIX, ((2, 1), (8, 9), "int"), (0,), (9,), (1,), (2,)], [8, 1, 8, 9, 4, 9]),
        ("torch.SliceScatter", {}, [SIX, (9,), (-1,), (6,), (0,), (1,)], [0, 1, 2, 3, 4, 9]),
        # numbers of 64 bits, and no more
        ("Add", {}, [(MOST, -MOST), (0,)], [MOST, -MOST]),
        ("Pow", {}, [(2,), (63,)], [2**63]),
        ("Split", {}, [SIX], [0, 1, 2]),
        # of what is not worked out, the shape
        ("ScatterND", {"reduction": "add"}, [SIX, ((1, 1), (0,), "int"), (5,)], (6,)),
        ("CumSum", {}, [MATRIX, ((), (0,), "int")], (2, 3)),
        ("Gather", {"axis": 1}, [MATRIX, ((4, 5), None, "int")], (2, 4, 5)),
        ("Add", {}, [WEIGHT, ((), (1.0,), "float")], (2, 3)),
        ("DequantizeLinear", {}, [((2, 3), None, "int"), ((), (0.5,), "float")], (2, 3)),
    ],
)
def test_what_is_worked_out_or_not(
    kind: str, attributes: dict[str, Any], operands: list[Given], expected: list[Any] | tuple[int, ...]
) -> None:
    found = worked(kind, attributes, operands, 2 if kind == "Split" else 1)[0]
    assert (found.shape if found.values is None else list(found.values)) == expected


@together(
    "kind, attributes, operands, message",
    [
        ("Mod", {}, [(7,), (0,)], "a number is divided by 0"),
        ("Div", {}, [(7,), (0,)], "a whole number is divided by 0"),
        ("Pow", {}, [(1, 0), (-1, -1)], "a whole number is divided by 0"),
        ("ConstantOfShape", {"value": Constant((0,), "int", ())}, [(3,)], "filled with one number, not with 0"),
        ("ConstantOfShape", {"value": Constant((2,), "int", (1, 2))}, [(3,)], "filled with one number, not with 2"),
        ("Pow", {}, [(2,), (64,)], "a whole number is beyond 64 bits"),
        ("Pow", {}, [(2,), (65,)], r"2\*\*65 is beyond 64 bits"),
        *(("Pow", {}, [(a,), (b,)], "beyond 64 bits") for a, b in ((2, 64), (2, 2**62), (-2, 65), (3, 2**62 + 1))),
        ("Add", {}, [(MOST,), (1,)], "beyond 64 bits"),
        ("Sub", {}, [(-MOST,), (1,)], "beyond 64 bits"),
        ("ReduceSum", {}, [(MOST, 1)], "beyond 64 bits"),
        ("Add", {}, [(1, 2), (1, 2, 3)], "2 and 3 do not go together"),
        ("Add", {}, [MATRIX, (1, 2), ((), (1,), "int")], "2 x 3 and 2 and a scalar do not go together"),
        ("Cast", {"to": 1}, [TEXT], "a text is made from numbers, or numbers from a text"),
        ("Cast", {"to": 8}, [(1,)], "a text is made from numbers, or numbers from a text"),
        ("Neg", {}, [None], "`Neg` cannot take these operands"),
        ("Cast", {}, [(1,)], "`Cast` cannot take these operands"),
        ("Clip", {}, [], "operand 1 is missing"),
        ("Gather", {}, [SIX], "operand 2 is missing"),
        ("Reshape", {}, [SIX, (4,)], r"the 6 elements of 6 do not fit the new shape \[4\]"),
        ("Reshape", {}, [SIX, (4, -1)], r"the 6 elements of 6 do not fit the new shape \[4, -1\]"),
        ("Reshape", {"allowzero": 1}, [SIX, (0, -1)], r"the 6 elements of 6 do not fit the new shape \[0, -1\]"),
        ("Reshape", {}, [SIX, (1, 0)], r"the new shape \[1, 0\] keeps axis 1 of 6"),
        ("Reshape", {}, [SIX, ((1,), (1.5,), "float")], "`shape` must be whole numbers"),
        ("Reshape", {}, [SIX, ((1,), ("6",), "text")], "`shape` must be whole numbers"),
        ("Reshape", {}, [SIX, ((1,), None, "int")], "the values of `shape` are not in the file"),
        ("Squeeze", {}, [MATRIX, (0,)], "an axis of 2 x 3 that is dropped is not of size 1"),
        ("Unsqueeze", {}, [SIX, (0, -3)], r"the axes \[0, -3\] are inserted twice"),
        ("Unsqueeze", {}, [SIX, (2,)], "there is no axis 2 among 2"),
        ("Flatten", {"axis": 3}, [MATRIX], "there is no axis 3 among 2"),
        ("Flatten", {"axis": -3}, [MATRIX], "there is no axis -3 among 2"),
        ("Transpose", {"perm": (0, 0)}, [MATRIX], r"the axes \[0, 0\] are no order of 2 axes"),
        ("Slice", {"starts": (0,)}, [SIX], "a slice needs `starts` and `ends`"),
        ("Slice", {"ends": (0,)}, [SIX], "a slice needs `starts` and `ends`"),
        *(
            ("Slice", {}, [MATRIX, *bounds], "`starts`, `ends`, `axes` and `steps` have different lengths")
            for bounds in ([(0, 1), (1,)], [(0,), (1,), (0, 1)], [(0,), (1,), (0,), (1, 1)])
        ),
        ("Slice", {}, [MATRIX, (0,), (1,), (0,), (0,)], "a slice has the step 0"),
        ("Slice", {}, [MATRIX, (0,), (1,), (2,)], "there is no axis 2 among 2"),
        ("Split", {}, [SIX, (2, 3)], r"an axis of size 6 is split into \[2, 3\]"),
        ("Split", {}, [SIX, (7, -1)], r"an axis of size 6 is split into \[7, -1\]"),
        ("Split", {}, [SIX, (6,)], r"an axis of size 6 is split into \[6\]"),
        ("Gather", {}, [SIX, (6,)], "there is no axis 6 among 6"),
        ("GatherND", {}, [MATRIX, ((1, 0), (), "int")], "places of 1 x 0 are none in 2 x 3"),
        ("GatherND", {}, [MATRIX, ((1, 3), (0, 0, 0), "int")], "places of 1 x 3 are none in 2 x 3"),
        *(
            ("ScatterND", {}, [MATRIX, (shape, (0,) * 3, "int"), (1, 2)], "2 elements do not fit the places")
            for shape in ((1, 0), (1, 1), (1, 3), (2, 1))
        ),
        ("torch.SliceScatter", {}, [MATRIX, MATRIX, (0,), (1,), (0,), (1,)], "2 x 3 does not fit a part of 1 x 3"),
        ("Concat", {}, [MATRIX, SIX], "tensors of different ranks are joined"),
        ("Concat", {"axis": 1}, [MATRIX, ((3, 2), SIX, "int")], "the tensors that are joined differ off the axis"),
        ("Concat", {"axis": 0}, [MATRIX, ((2, 2), (0,) * 4, "int")], "the tensors that are joined differ off the axis"),
        ("Tile", {}, [MATRIX, (2,)], r"a tensor of 2 x 3 is repeated \[2\] times"),
        ("Tile", {}, [MATRIX, (1, -1)], r"a tensor of 2 x 3 is repeated \[1, -1\] times"),
        ("ConstantOfShape", {}, [(2, -1)], "a tensor would have the shape 2 x -1"),
        ("ConstantOfShape", {}, [(2**32, 2**31)], r"of 4294967296 x 2147483648 has more than 2\*\*63 elements"),
        ("Range", {}, [((), (0,), "int"), ((), (4,), "int"), ((), (0,), "int")], "a range has the step 0"),
        ("Range", {}, [((), (0,), "int"), ((), None, "int"), ((), (1,), "int")], "the ends of a range are not in the"),
        ("NonZero", {}, [WEIGHT], "how many elements are not 0 is not known without the weights"),
        ("Constant", {}, [], "the constant has no value that cnncalc reads"),
    ],
)  # fmt: skip
def test_operands_that_an_operator_cannot_have(
    kind: str, attributes: dict[str, Any], operands: list[Given], message: str
) -> None:
    with pytest.raises(Fault, match=message):
        worked(kind, attributes, operands, 2 if kind == "Split" else 1)


def test_as_much_is_worked_out_and_no_more() -> None:
    """65,536 elements; four times as many where they only move, which is as much work; 5,000,000 for one source."""
    for kind, operands, most in (
        ("ConstantOfShape", lambda size: [Constant((1,), "int", (size,))], 65_536),
        ("Unsqueeze", lambda size: [Constant((size,), "int", range(size)), Constant((1,), "int", (0,))], 262_144),
    ):
        for size in (most, most + 1):
            works = Evaluator(EVALUATED)
            found = works.run(Operator(kind, ["a", "b"], ["out"], {}, kind), operands(size))
            assert found is not None
            assert (found[0].values is not None, works.work) == ((True, 65_536) if size == most else (False, 0))
    works = Evaluator(EVALUATED)
    works.spend(5_000_000)
    with pytest.raises(Fault, match="more than 5,000,000 constants would have to be worked out"):
        works.spend(1)


EIGHT: Given = tuple(range(8))
MOVED: list[tuple[str, dict[str, Any], list[Given]]] = [
    ("Neg", {}, [EIGHT]),
    ("Slice", {}, [EIGHT, (0,), (8,)]),
    ("Transpose", {}, [EIGHT]),
    ("Reshape", {}, [EIGHT, (2, 4)]),
    ("Tile", {}, [(0, 1), (4,)]),
]
MADE: list[tuple[str, dict[str, Any], list[Given]]] = [
    ("Cast", {"to": 7}, [(0, 1, 2, 3, 4)]),
    ("Clip", {}, [(0, 1, 2, 3, 4)]),
    ("Concat", {}, [(0, 1, 2), (3, 4)]),
    ("Expand", {}, [(1,), (5,)]),
    ("Range", {}, [((), (0,), "int"), ((), (5,), "int"), ((), (1,), "int")]),
    ("ConstantOfShape", {}, [(5,)]),
]


def test_more_is_moved_than_made(monkeypatch: pytest.MonkeyPatch) -> None:
    for moving, making, known in ((8, 5, (True, True)), (7, 5, (False, True)), (8, 4, (True, False))):
        monkeypatch.setattr(evaluator, "MAX_SIMPLE", moving)
        monkeypatch.setattr(evaluator, "MAX_VALUES", making)
        for cases, expected in zip((MOVED, MADE), known):
            for kind, attributes, operands in cases:
                assert (worked(kind, attributes, operands)[0].values is not None) == expected, kind


def test_what_tensors_are_made_from() -> None:
    """The source's, with how many elements of each: of one, no more than there are."""

    def weight(name: str, *shape: int) -> Constant:
        found = Constant(shape, "float")
        found.roots = {name: found.size}
        return found

    w, v, two = weight("w", 2, 3), weight("v", 2, 3), Constant((1,), "int", (1,))
    for kind, attributes, operands, roots in (
        ("Concat", {}, [w, v, w], {"w": 12, "v": 6}),
        ("Add", {}, [w, v], {"w": 6, "v": 6}),
        ("ReduceSum", {"axes": (1,)}, [w], {"w": 2}),
        ("ConstantOfShape", {}, [Constant((2,), "int", (2, 2))], {"out": 4}),
        ("ConstantOfShape", {}, [Constant((0,), "int", ())], {}),
        ("ConstantOfShape", {"value": two}, [Constant((2,), "int", (2, 2))], {}),
        (
            "torch.SliceScatter",
            {},
            [w, weight("v", 2, 1), *[Constant((1,), "int", (n,)) for n in (0, 1, 1, 1)]],
            {"w": 6, "v": 2},
        ),
    ):
        (found,) = Evaluator(EVALUATED).run(
            Operator(kind, ["in"] * len(operands), ["out"], attributes, kind), operands
        ) or [None]
        assert found is not None
        assert found.roots == roots, kind


def moved(x: Constant | None, times: int) -> list[Any] | None:
    """The elements of a tensor that is not read until it matters, reversed so many times."""
    bounds = [Constant((1,), "int", (value,)) for value in (-1, -(2**62), 0, -1)]
    for _ in range(times):
        assert x is not None
        (x,) = Evaluator(EVALUATED).run(Operator("Slice", ["x"], ["y"], {}, "turn"), [x, *bounds]) or [None]
    assert x is not None
    assert x.values is None
    values = x.held.read() if x.held is not None else None
    return None if values is None else list(values)


def test_large_tensors_may_be_moved_sixteen_times() -> None:
    numbers = [float(place) for place in range(1_025)]
    x = tensor(11, [1_025], 9, struct.pack("<1025d", *numbers))
    assert moved(x, 15) == moved(x, 1) == numbers[::-1]
    assert moved(x, 16) == numbers
    assert moved(x, 17) is None
    for size in (65_536, 65_537):
        large = moved(tensor(11, [size], 9, struct.pack("<d", 0.5) + bytes(8 * size - 8)), 1)
        assert (None if large is None else large[-1]) == (0.5 if size == 65_536 else None)


# -- tensors of a file -------------------------------------------------------------------------------------------------


def packed(*values: int) -> bytes:
    return b"".join(map(varint, values))


TENSORS: list[tuple[int, int, bytes, list[Any] | None]] = [
    (1, 9, struct.pack("<2f", 0.5, -3), [0.5, -3]),
    (1, 4, struct.pack("<2f", 0.5, -3), [0.5, -3]),
    (11, 9, struct.pack("<2d", 0.1, -3), [0.1, -3]),
    (11, 10, struct.pack("<2d", 0.1, -3), [0.1, -3]),
    (10, 9, struct.pack("<2e", 0.5, -2), [0.5, -2]),
    (10, 5, packed(0x3800, 0xC000), [0.5, -2]),
    (9, 9, b"\1\0", [True, False]),
    (9, 5, packed(1, 0), [True, False]),
    (2, 9, b"\xff\2", [255, 2]),
    (3, 9, b"\xff\2", [-1, 2]),
    (4, 9, b"\xff\xff\2\0", [65535, 2]),
    (5, 9, b"\xff\xff\2\0", [-1, 2]),
    (6, 9, struct.pack("<2i", -7, 2**31 - 1), [-7, 2**31 - 1]),
    (6, 5, packed(-7, 5), [-7, 5]),
    (7, 9, struct.pack("<2q", -7, 2**62), [-7, 2**62]),
    (7, 7, packed(-7, 2**62), [-7, 2**62]),
    (12, 9, struct.pack("<2I", 7, 2**32 - 1), [7, 2**32 - 1]),
    (12, 11, packed(7, 2**32 - 1), [7, 2**32 - 1]),
    (13, 9, struct.pack("<2Q", 7, 2**64 - 1), [7, 2**64 - 1]),
    (13, 11, packed(7, 2**64 - 1), [7, 2**64 - 1]),
    (16, 9, bytes(4), None),
    (16, 5, packed(1, 2), None),
    (22, 9, bytes(1), None),
]
"""A type, the field that holds two elements, their bytes, and the elements: onnx.proto3's TensorProto."""


def tensor(kind: int, sizes: list[int], field: int, content: bytes) -> Constant:
    data = message(*[(1, size) for size in sizes], (2, kind), (8, "t"), (field, content))
    name, found = read_tensor(Wire(memoryview(data)), 0, len(data))
    assert name == "t"
    assert found.shape == tuple(sizes)
    return found


@together("kind, field, content, expected", TENSORS)
def test_elements(kind: int, field: int, content: bytes, expected: list[Any] | None) -> None:
    found = tensor(kind, [1, 2], field, content)
    values = None if found.values is None else list(found.values)
    assert values == expected
    assert [type(value) for value in values or ()] == [type(value) for value in expected or ()] or kind in (1, 10, 11)


@pytest.mark.parametrize(
    ("kind", "width", "most", "held"),
    [(7, 8, 65_536, 262_144), (9, 1, 65_536, 262_144), (1, 4, 1_024, 262_144), (11, 8, 1_024, 262_144)],
)
def test_large_tensors_are_not_read(kind: int, width: int, most: int, held: int) -> None:
    """Up to a bound, and to a larger one only where someone asks for it."""
    for size in (most, most + 1, held, held + 1):
        found = tensor(kind, [size], 9, bytes(size * width))
        assert (found.values is not None) == (size <= most)
        assert (found.held is not None) == (size <= held)


@pytest.mark.parametrize(("kind", "size", "length"), [(1, 3, 8), (1, 3, 16), (22, 3, 1), (22, 4, 3), (9, 3, 2)])
def test_bytes_that_do_not_fit(kind: int, size: int, length: int) -> None:
    with pytest.raises(Fault, match="bytes for its"):
        tensor(kind, [size], 9, bytes(length))


BITS = {1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 14: 64, 15: 128, 16: 16}
BITS |= {17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4, 24: 8, 25: 2, 26: 2}
"""Of an element, as onnx.proto's DataType says it; texts (8) have none."""


@together("kind, bits", BITS.items())
def test_each_type_has_its_width(kind: int, bits: int) -> None:
    for size in (3, 8):  # a byte is filled up
        length = -(-size * bits // 8)
        assert tensor(kind, [size], 9, bytes(length)).shape == (size,)
        told = f"tensor t needs {length} bytes for its {size} elements, the file holds {length + 1}"
        with pytest.raises(Fault, match=told):
            tensor(kind, [size], 9, bytes(length + 1))


def test_parts_of_a_tensor_that_say_nothing_of_it() -> None:
    """Its documentation, where its data are by default, and a single number that is not packed."""
    data = message((1, 2), (2, 7), (7, 4), (7, 5), (8, "t"), (12, "two numbers"), (14, 0))
    assert read_tensor(Wire(memoryview(data)), 0, len(data))[1].values == [4, 5]
    data = message((1, 1), (2, 11), (8, "t")) + b"\x51" + struct.pack("<d", 0.1)
    assert read_tensor(Wire(memoryview(data)), 0, len(data))[1].values == [0.1]
    data = message((1, 0), (2, 7))
    assert read_tensor(Wire(memoryview(data)), 0, len(data))[1].values == []
    data = message((2, 7), (9, bytes(8)))
    assert read_tensor(Wire(memoryview(data)), 0, len(data))[1].values == [0]


def test_tables_up_to_a_bound_are_known_where_they_are_looked_up() -> None:
    for size in (65_536, 65_537):
        table, places = Constant((size,), "float", None, {"table": size}), Constant((2,), "int", (3, size - 1))
        (found,) = Evaluator(EVALUATED).run(Operator("Gather", ["t", "p"], ["y"], {}, "y"), [table, places]) or [None]
        assert found is not None
        assert (found.gathered is not None) == (size == 65_536)
        assert found.gathered is None or list(found.gathered.places.values or ()) == [3, size - 1]


@together(
    "norm, has_gain, expected",
    [
        ("standardize", False, "standardize"),
        ("standardize", True, "standardize_gain"),
        ("gain", True, "gain"),
        ("spectral", False, "spectral"),
    ],
)
def test_how_a_kernel_was_normalised(norm: str, has_gain: bool, expected: str) -> None:
    """In the words of the field `weight_norm`: only what is standardized is called otherwise with a gain."""
    operands: list[Given] = [WEIGHT, ((2, 1), None, "float")] if has_gain else [WEIGHT]
    assert worked("torch.Normed", {"norm": norm}, operands)[0].norm == expected


def test_fewer_elements_than_there_should_be_are_not_known() -> None:
    for kind, field, content in ((11, 10, struct.pack("<d", 0.1)), (7, 7, packed(1)), (1, 4, struct.pack("<f", 1))):
        assert tensor(kind, [2], field, content).values is None


def beside(folder: Path, kind: int, size: int) -> Constant:
    """A tensor of so many elements in the file ``data`` of a folder."""
    data = message((1, size), (2, kind), (8, "t"), (13, message((1, "location"), (2, "data"))), (14, 1))
    return read_tensor(Wire(memoryview(data), str(folder)), 0, len(data))[1]


def test_elements_in_a_file_beside(tmp_path: Path) -> None:
    for kind, form, values in ((1, "<2f", [0.1, -3.0]), (11, "<2d", [0.1, -3.0]), (7, "<2q", [5, -3])):
        (tmp_path / "data").write_bytes(struct.pack(form, *values))
        assert beside(tmp_path, kind, 2).values == values
    assert moved(beside(tmp_path, 1, 2_000), 1) is None  # it is too short
    for size in (262_144, 262_145):
        assert (beside(tmp_path, 7, size).held is not None) == (size == 262_144)


def test_a_tensor_has_a_type_and_32_axes_at_most() -> None:
    data = message((1, 1), (8, "t"), (9, bytes(4)))
    with pytest.raises(Fault, match="tensor t has the element type 0, which cnncalc does not know"):
        read_tensor(Wire(memoryview(data)), 0, len(data))
    assert tensor(7, [1] * 32, 9, bytes(8)).values == [0]
    with pytest.raises(Fault, match="a tensor has more than 32 axes"):
        tensor(7, [1] * 33, 9, bytes(8))
    with pytest.raises(Fault, match=r"tensor t of 4294967296 x 2147483648 has more than 2\*\*63 elements"):
        tensor(1, [2**32, 2**31], 9, b"")
    assert tensor(1, [2**63 - 1], 4, b"").values is None


def test_types_that_onnx_has_not() -> None:
    for kind in (0, 27):
        with pytest.raises(Fault, match=f"has the element type {kind}, which cnncalc does not know"):
            tensor(kind, [1], 9, bytes(4))
