"""How values are written: for people, for programs and as data; every unit at its edges."""

from __future__ import annotations

from typing import Any

import pytest
from sampling import together

from cnncalc.render.cells import brief, data, raw, short, size_in_bytes, written
from cnncalc.values import (
    AtLeast,
    Bar,
    Bytes,
    Change,
    Compact,
    Described,
    Factor,
    Names,
    PerAxis,
    Range,
    Ratio,
    Shapes,
    Share,
    Short,
    Sizes,
    Subtotal,
)

WRITTEN: list[tuple[Any, str, str]] = [
    (None, "-", ""),
    (True, "yes", "yes"),
    (False, "", ""),
    (0, "0", "0"),
    (1_000, "1,000", "1000"),
    (2.50, "2.5", "2.5"),
    ("a name", "a name", "a name"),
    (AtLeast(1_000), ">= 1,000", "1000"),
    (AtLeast(1), ">= 1", "1"),
    (AtLeast(0), "?", "?"),
    (Bytes(1_024), "1.00 KiB", "1024"),
    (Change(1, None), "1 -> -", "1 -> "),
    (Change(1_000, Sizes((3, 4))), "1,000 -> 3 x 4", "1000 -> 3x4"),
    (Compact((64, 7, 7)), "64x7x7", "64x7x7"),
    (Factor(2.18643), "x 2.19", "2.18643"),
    (Names(("b.x", "a")), "b.x, a", "b.x a"),
    (PerAxis((5,)), "5", "5"),
    (PerAxis((4_096, 4_096)), "4096", "4096x4096"),
    (PerAxis((3, 5)), "3 x 5", "3x5"),
    (PerAxis((3, 3, 5)), "3 x 3 x 5", "3x3x5"),
    (Range(3, 1_000), "3..1000", "3..1000"),
    (Ratio(1, 2), "1/2", "1/2"),
    (Shapes((Sizes((4_096, 1)),)), "4096 x 1", "4096x1"),
    (Shapes((Sizes((3, 4)), Sizes((5,)))), "3x4, 5", "3x4 5"),
    (Share(0), "0.0", "0.0"),
    (Share(9), "0.9", "0.9"),
    (Share(1_000), "100.0", "100.0"),
    (Sizes((4_096, 1, 1)), "4096 x 1 x 1", "4096x1x1"),
    (Sizes((3, Range(188, 204))), "3 x 188 to 3 x 204", "3x188..204"),
    (Sizes(()), "-", ""),
    (Subtotal(1_000), "[1,000]", "[1,000]"),
]


@together("value, people, programs", WRITTEN)
def test_a_value(value: Any, people: str, programs: str) -> None:
    assert written(value) == people
    assert raw(value) == programs


@together(
    "value, expected",
    [
        (None, None),
        (7, 7),
        (0.5, 0.5),
        ("word", "word"),
        (AtLeast(0), None),
        (AtLeast(1), 1),
        (Range(1, Ratio(7, 2)), {"min": 1, "max": [7, 2]}),
        (Sizes((3, Range(1, 2))), [3, {"min": 1, "max": 2}]),
    ],
)
def test_a_value_as_data(value: Any, expected: Any) -> None:
    assert data(value) == expected


def test_inputs_beyond_twelve_are_counted() -> None:
    names = tuple(f"block.x{number}" for number in range(14))
    assert written(Names(names[:12])) == ", ".join(names[:12])
    assert written(Names(names[:13])) == ", ".join(names[:12]) + ", and 1 more"
    assert written(Names(("a", "bc", "b.c"))) == "a, bc, b.c"
    inside = Names(("b.c", "bc.d", "b.e.f"))
    inside.block = "b"
    assert written(inside) == ".c, bc.d, .e.f"


def test_fields_in_a_row() -> None:
    cell = Described((("size", PerAxis((3, 3))), ("stride", 2), ("", 7), ("", "global")))
    assert written(cell) == "size 3, stride 2, 7 (global)"
    assert written(Described((("size", 3), ("", "")))) == "size 3"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (999, "999"),
        (1_000, "1.00 k"),
        (999_999, "1000.00 k"),
        (10**6, "1.00 M"),
        (25_557_032, "25.56 M"),
        (10**9, "1.00 G"),
        (10**12, "1.00 T"),
    ],
)
def test_counts_in_short(value: int, expected: str) -> None:
    assert short(value) == expected
    assert brief(value, "") == ("" if value < 1_000 else expected)
    assert brief(AtLeast(value), "") == ("" if value < 1_000 else f"at least {expected}")


@together(
    "value, expected",
    [
        (0, "0.00 KiB"),
        (1, "0.00 KiB"),
        (512, "0.50 KiB"),
        (1_024, "1.00 KiB"),
        (2**20 - 1, "1,024.00 KiB"),
        (2**20, "1.00 MiB"),
        (2**30, "1.00 GiB"),
        (5_000 * 2**30, "5,000.00 GiB"),
    ],
)
def test_bytes(value: int, expected: str) -> None:
    assert size_in_bytes(value) == brief(value, "bytes") == expected
    assert brief(AtLeast(value), "bytes") == f"at least {expected}"


def test_what_is_no_count_has_no_short_form() -> None:
    assert [brief(value, "") for value in (None, True, "10", Sizes((1_000,)))] == [""] * 4


def test_units_of_what_is_pasted() -> None:
    """`4.09 GMACs`, as papers write it, and `999 MACs`; other units stand apart."""
    found = [written(Short(value, unit)) for value in (999, 4_089_184_256) for unit in ("MACs", "FLOPs", "params")]
    assert found == ["999 MACs", "999 FLOPs", "999 params", "4.09 GMACs", "4.09 GFLOPs", "4.09 G params"]
    assert written(Short(AtLeast(1_000), "MACs")) == "at least 1.00 kMACs"


def test_bars_are_of_the_length_of_their_value() -> None:
    assert written(Bar(10, 10, "peak")) == "#" * 24 + " peak"
    assert written(Bar(5, 10, "")) == "#" * 12
    assert (written(Bar(0, 0, "")), raw(Bar(1, 2, "peak"))) == ("", "peak")
