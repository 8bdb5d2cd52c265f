"""Tensors as text: grids of numbers, a plane each, and for large ones what they range over."""

from __future__ import annotations

import json as encoder
from typing import TYPE_CHECKING

from cnncalc.render.cells import written
from cnncalc.values import Sizes

if TYPE_CHECKING:
    from cnncalc.executor.tensors import Tensor

LARGEST = 1_000
"""Numbers up to which a tensor is printed in full."""


def as_json(tensors: dict[str, Tensor]) -> str:
    """``{"outputs": {"name": tensor}}`` with nested lists."""
    from cnncalc.executor.data import nested

    outputs = {name: nested(tensor) for name, tensor in tensors.items()}
    return encoder.dumps({"outputs": outputs}, ensure_ascii=False, allow_nan=False) + "\n"


def as_text(tensors: dict[str, Tensor], width: int | None = None) -> str:
    """Every tensor under its name and shape, in lines of at most `width` where there is one."""
    return "\n".join(
        "\n".join([f"{name}: {written(Sizes(t.shape))}", *_body(t, width)]) + "\n" for name, t in tensors.items()
    )


def _body(tensor: Tensor, widest: int | None) -> list[str]:
    if len(tensor.data) > LARGEST:
        low, high, mean = min(tensor.data), max(tensor.data), sum(tensor.data) / len(tensor.data)
        return [f"{low:.6g} to {high:.6g}, mean {mean:.6g}; `--format json` prints all {len(tensor.data):,} numbers"]
    cells = [f"{number:.6g}" for number in tensor.data]
    width = max(map(len, cells))
    fits = max(1, (widest + 2) // (width + 2)) if widest is not None else len(cells)
    row = tensor.shape[-1] if len(tensor.shape) > 1 else min(8, fits)
    column = tensor.shape[-2] * row if len(tensor.shape) > 2 else 0
    lines = []
    for start in range(0, len(cells), row):
        if column and start and start % column == 0:
            lines.append("")
        for first in range(start, start + row, fits):
            lines.append("  ".join(cell.rjust(width) for cell in cells[first : min(first + fits, start + row)]))
    return lines
