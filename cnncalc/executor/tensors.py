"""What the plain machine computes on."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from cnncalc.geometry import Shape
from cnncalc.records import NamedTuple


class Tensor(NamedTuple):
    """Scalars of an algebra in row-major order, channels first, without the batch."""

    shape: Shape
    data: Sequence[Any]

    @property
    def size(self) -> int:
        """How many scalars it has."""
        return prod(self.shape)

    def planes(self, pad: Any) -> list[list[Any]]:
        """The positions of every channel, each followed by `pad`, which an offset of -1 then reads."""
        size = prod(self.shape[1:])
        return [[*self.data[start : start + size], pad] for start in range(0, len(self.data), size)]
