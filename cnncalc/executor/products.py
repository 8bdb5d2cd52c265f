"""Products between tensors, plainly: of queries with their keys, of shares with values, of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, prod
from typing import Any

from cnncalc.executor.algebras import Floats
from cnncalc.executor.sliding import neighbours
from cnncalc.executor.tensors import Tensor
from cnncalc.geometry import Shape, Taps


class Products:
    """The part of the machine that multiplies tensors; a path that is quicker has a `matrix` of its own."""

    algebra: Floats

    def weight(self, name: str, shape: Shape) -> Any:
        """The values of a tensor of weights, flat and row-major."""
        raise AssertionError("the machine must give weights")

    def constant(self, value: float) -> Any:
        """A scalar that no input influences."""
        return self.algebra.call(lambda: value, ())

    def matrix(
        self,
        rows: Sequence[Sequence[Any]],
        table: Sequence[Sequence[Any]],
        hidden: Sequence[Sequence[int]] | None = None,
    ) -> list[Sequence[Any]]:
        """For every row its product with every column of `table`; at the places `hidden` to it a column is 0."""
        columns, product = list(zip(*table)), self.algebra.product
        found: list[Sequence[Any]] = []
        zero = self.constant(0.0)
        for number, row in enumerate(rows):
            without = set(hidden[number]) if hidden is not None else ()
            if without:
                cut = [[zero if at in without else value for at, value in enumerate(column)] for column in columns]
                found.append([product(row, column) for column in cut])
            else:
                found.append([product(row, column) for column in columns])
        return found

    def blank(self, count: int) -> Any:
        """Room for so many scalars."""
        return [None] * count

    def correlate(self, q: Tensor, k: Tensor, heads: int, axes: Sequence[Taps] | None, far: bool) -> Tensor:
        """Products of queries and keys, the keys of a head being channels; masked ones are minus infinity."""
        queries, keys = q.planes(None), Tensor(k.shape, self.algebra.far(k.data) if far else k.data).planes(None)
        many = prod(map(len, (axis[0] for axis in axes))) if axes is not None else prod(k.shape[1:])
        positions, each = prod(q.shape[1:]), q.shape[0] // heads
        data, masked = self.blank(heads * many * positions), self.constant(-inf)
        for near in neighbours(axes, positions, k.shape[1:]):
            for head in range(heads):
                channels = range(head * each, (head + 1) * each)
                columns = [[queries[channel][at] for at in near.queries] for channel in channels]
                table = [[keys[channel][at] for at in near.keys] for channel in channels]
                start = head * many * positions
                for number, made in enumerate(self.matrix(list(zip(*columns)), table)):
                    row = made
                    if near.hidden is not None and near.hidden[number]:
                        row = _with(row, near.hidden[number], masked)
                    data[start + near.queries[number] : start + many * positions : positions] = row
        return Tensor((heads * many, *q.shape[1:]), data)

    def blend(self, shares: Tensor, v: Tensor, heads: int, axes: Sequence[Taps] | None, far: bool) -> Tensor:
        """Values summed by the shares of their keys; a masked one has none."""
        values = Tensor(v.shape, self.algebra.far(v.data) if far else v.data).planes(None)
        many, positions, each = shares.shape[0] // heads, prod(shares.shape[1:]), v.shape[0] // heads
        data, zero = self.blank(v.shape[0] * positions), self.constant(0.0)
        for near in neighbours(axes, positions, v.shape[1:]):
            for head in range(heads):
                start, first = head * many * positions, head * each * positions
                rows: list[Any] = []
                for number, query in enumerate(near.queries):
                    row = shares.data[start + query : start + many * positions : positions]
                    if near.hidden is not None and near.hidden[number]:
                        row = _with(row, near.hidden[number], zero)
                    rows.append(row)
                planes = values[head * each : (head + 1) * each]
                table = [[plane[at] for plane in planes] for at in near.keys]
                for query, row in zip(near.queries, self.matrix(rows, table, near.hidden)):
                    data[first + query : first + each * positions : positions] = row
        return Tensor((v.shape[0], *shares.shape[1:]), data)

    def relate(
        self, q: Tensor, heads: int, name: str, shape: Shape, keys: int, rows: Sequence[Sequence[int]]
    ) -> Tensor:
        """Products of every query with rows of a learned table; 0 where there are none."""
        values, planes, each = self.weight(name, shape), q.planes(None), shape[1]
        table = [values[row * each : (row + 1) * each] for row in range(shape[0])]
        dot, zero = self.algebra.dot, self.constant(0.0)
        data: list[Any] = []
        for head in range(heads):
            queries = list(zip(*(planes[channel][:-1] for channel in range(head * each, (head + 1) * each))))
            for key in range(keys):
                data += [dot(table[chosen[key]], query, 0) if chosen else zero for query, chosen in zip(queries, rows)]
        return Tensor((heads * keys, *q.shape[1:]), data)

    def matmul(self, a: Tensor, b: Tensor, groups: int, over: str, far: tuple[bool, bool]) -> Tensor:
        """The product of matrices of channels by positions, group by group."""
        left, right = (
            [plane[:-1] for plane in Tensor(x.shape, self.algebra.far(x.data) if beyond else x.data).planes(None)]
            for x, beyond in zip((a, b), far)
        )
        data: list[Any] = []
        rows = table = left
        for group in range(groups):
            rows = left[group * len(left) // groups : (group + 1) * len(left) // groups]
            table = right[group * len(right) // groups : (group + 1) * len(right) // groups]
            if over == "positions":
                table = [list(row) for row in zip(*table)]
            elif over == "channels":
                rows = [list(row) for row in zip(*rows)]
            data += [scalar for row in self.matrix(rows, table) for scalar in row]
        return Tensor((groups * len(rows), *((len(table[0]),) if over == "positions" else b.shape[1:])), data)


def _with(row: Sequence[Any], places: Sequence[int], value: Any) -> Any:
    """A row with another value at some places."""
    changed: Any = bytearray(row) if isinstance(row, (bytes, bytearray)) else list(row)
    for place in places:
        changed[place] = value
    return changed
