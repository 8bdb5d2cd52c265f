"""Operators on constants, worked out as by ONNX's reference evaluator, which tests/data/convert/constants.py asks."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from convert.encoding import message, varint
from sampling import together

from cnncalc.convert.constants import EVALUATED
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
        assert list(constant.values) == pytest.approx(expected["values"], rel=1e-6)


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
        ("Conv", {}, [(1, 3, 4, 4), (2, 3, 1, 1)], (1, 2, 4, 4)),
    ],
    label=str,
)
def test_sizes_of_what_is_not_worked_out(
    kind: str, attributes: dict[str, Any], shapes: list[tuple[int, ...]], expected: tuple[int, ...] | None
) -> None:
    """As in linear algebra: m x k by k x n is m x n."""
    operator = Operator(kind, [f"in{number}" for number in range(len(shapes))], ["out"], attributes, kind)
    assert result_sizes(operator, [Constant(shape, "float") for shape in shapes]) == expected


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


def test_types_that_onnx_has_not() -> None:
    for kind in (0, 27):
        with pytest.raises(Fault, match=f"has the element type {kind}, which cnncalc does not know"):
            tensor(kind, [1], 9, bytes(4))
