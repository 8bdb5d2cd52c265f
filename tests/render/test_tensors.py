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
