"""Tensors as text stay within the width that is asked for, and use all of it."""

from __future__ import annotations

import pytest

from cnncalc.executor.tensors import Tensor
from cnncalc.render.tensors import as_text


@pytest.mark.parametrize(("width", "columns"), [(8, 2), (12, 2), (13, 3), (17, 3), (18, 4), (2, 1), (None, 12)])
def test_rows_fill_the_width_and_no_more(width: int | None, columns: int) -> None:
    """Columns of three characters, two spaces apart: n of them take 5*n - 2."""
    title, *lines = as_text({"x": Tensor((1, 12), [0.5] * 12)}, width).splitlines()
    assert title == "x: 1 x 12"
    assert {len(line.split()) for line in lines[:-1]} | {len(lines[0].split())} == {columns}
    assert " ".join(lines).split() == ["0.5"] * 12


def test_planes_stand_apart() -> None:
    planes = as_text({"x": Tensor((2, 2, 3), [*range(12)]), "y": Tensor((2, 2), [1, 2, 3, 40])})
    assert planes == "x: 2 x 2 x 3\n 0   1   2\n 3   4   5\n\n 6   7   8\n 9  10  11\n\ny: 2 x 2\n 1   2\n 3  40\n"
    features = as_text({"x": Tensor((10,), [*range(10)])})
    assert features == "x: 10\n0  1  2  3  4  5  6  7\n8  9\n"


@pytest.mark.parametrize(("count", "lines"), [(1_000, 125), (1_001, 1)])
def test_many_numbers_are_summed_up(count: int, lines: int) -> None:
    _, *body = as_text({"x": Tensor((count,), [2.0, *[1.0] * (count - 2), 0.0])}).splitlines()
    assert len(body) == lines
    assert (body == ["0 to 2, mean 1; `--format json` prints all 1,001 numbers"]) is (count == 1_001)
