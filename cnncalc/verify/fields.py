"""Receptive fields: the executor's dependency sets against those that are reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import lcm

from cnncalc.analyzers.receptive_field import ReceptiveField, receptive_fields
from cnncalc.executor.machine import run
from cnncalc.executor.sights import PADDED, Sight, Sights, no_positions, own_positions, span
from cnncalc.geometry import Shape, dims
from cnncalc.graph import Graph, Node

Progress = Callable[[int, int, str], None]
"""Called after every layer: products made, or layers done, so far and in all, and the layer's name."""

LONGEST = 32_768
"""Positions to which an axis is lengthened at most."""
MOST = 30_000_000
"""Positions of an axis, for all layers together, to which it is lengthened at most."""

EQUAL = "equal at all interior positions"
GLOBAL = "global"
FLAT = "without spatial axes"
UNSEEN = "not seeing the input"
NO_INTERIOR = "without enough interior positions"
UNEQUAL = "joining unequal strides, not compared"
NOT_RUN = "not run"
BEHIND = "behind a layer that is not run"

Result = tuple[str, list[str]]
"""How a receptive field was compared, and the differences found."""


class Fields:
    """The dependency sets of one input against the reported receptive fields."""

    def __init__(self, graph: Graph, number: int, progress: Progress | None = None) -> None:
        self.graph, self.number, self.progress = graph, number, progress
        name, shape = graph.inputs[number]
        self.sizes = shape[1:]
        self.reported = receptive_fields(graph, name)
        self.zeros = not any(_reads_around(node) for node in graph.nodes)

    def compare(self) -> tuple[list[Result], Shape]:
        """A result per layer, and the sizes at which the last of them were found.

        A layer without interior positions is looked at again on axes lengthened by multiples of the total stride,
        which keeps every padding.  Where a size is declared, that makes another network of what comes after it.
        """
        results, before = list[Result](), []
        for node, sight in self.sights(self.sizes):
            before.append(sight._replace(axes=sight.axes and ()))  # what it sees is not held
            result = self.result(node, sight, len(results))
            if sight.shape != node.operation.output and not node.operation.layer.unknown:
                result[1].append(f"dependency sets: for {dims(sight.shape)}, reported {dims(node.operation.output)}")
            results.append(result)
        pending = [place for place, (field, _) in enumerate(results) if field == NO_INTERIOR]
        sizes = self.lengthened() if pending else self.sizes
        if sizes == self.sizes:
            return results, sizes
        count = len(self.graph.inputs)
        same = [True] * count  # by tensor: whether it is what it was, only longer
        for place, (node, sight) in enumerate(self.sights(sizes)):
            local = [tensor for tensor in node.inputs if tensor < count or before[tensor - count].axes is not None]
            same.append(_grown(before[place], sight) and all(same[tensor] for tensor in local))
            if results[place][0] == NO_INTERIOR and same[-1]:
                field, differences = self.result(node, sight, place)
                results[place] = field, results[place][1] + differences
            if place == pending[-1]:
                break
        return results, sizes

    def sights(self, sizes: Shape) -> Iterator[tuple[Node, Sight]]:
        """Every node with its dependency sets, on axes of these sizes."""
        inputs = []
        for number, (_, shape) in enumerate(self.graph.inputs):
            inputs.append(own_positions((shape[0], *sizes)) if number == self.number else no_positions(shape))
        for place, (node, sight) in enumerate(run(self.graph, Sights(), inputs), 1):
            if self.progress is not None:
                self.progress(place, len(self.graph.nodes), f"{node.name}, {dims(sizes)}")
            yield node, sight

    def lengthened(self) -> Shape:
        """Sizes on which layers with a local field have interior positions; those of the input where that would be
        too long."""
        local = [field for field in self.reported if field is not None and field.is_local]
        sizes = []
        for axis, size in enumerate(self.sizes):
            step = lcm(*filter(None, [_step(field, axis) for field in local]))
            widest = max(field.size[axis][1] for field in local)
            longer = size + step * (widest // step + 4)
            sizes.append(longer if longer <= LONGEST and longer * len(self.graph.nodes) <= MOST else size)
        return tuple(sizes)

    def result(self, node: Node, sight: Sight, place: int) -> Result:
        """One layer's dependency sets against its receptive field."""
        field = self.reported[place]
        if node.operation.layer.unknown:
            return NOT_RUN, []
        if sight.is_unknown:
            return BEHIND, []
        seeing = sight.axes is not None or sight.is_global
        if field is None or not seeing:
            same = field is None and not seeing
            return UNSEEN, [] if same else ["receptive field: only one of execution and report sees the input"]
        if (field.is_local, field.is_global) != (sight.axes is not None, sight.is_global):
            return GLOBAL, ["receptive field: local and global paths differ from those that were executed"]
        if sight.axes is None:
            return GLOBAL, []
        if not sight.axes:
            return FLAT, []
        if any(low != high for low, high in field.stride):
            return UNEQUAL, []
        found: list[tuple[bool, list[str]]] = []
        figures = list(zip(field.size, field.stride, field.period, field.start))
        for axis, sets in enumerate(sight.axes):
            if axis and sets is sight.axes[axis - 1] and figures[axis] == figures[axis - 1] and not found[-1][1]:
                continue  # as on the axis before
            found.append(self.on_axis(sets, field, axis))
        told = EQUAL if all(complete for complete, _ in found) else NO_INTERIOR
        return told, [text for _, differences in found for text in differences]

    def on_axis(self, sets: list[int], field: ReceptiveField, axis: int) -> tuple[bool, list[str]]:
        """Whether there were interior positions to tell size, start and stride; and the first difference.

        Units a period apart see the same, so many strides further on: exactly so in the interior, and at the borders
        no more than that.
        """
        period, step, start, (least, most) = field.period[axis], _step(field, axis), field.start[axis], field.size[axis]
        spans = [span(positions) for positions in sets]
        inner = {unit: spans[unit] for unit, positions in enumerate(sets) if not positions & PADDED}
        pattern = {0: None if start is None else (start, start + most - 1)} if period == 1 else {}
        for unit, found in inner.items():
            pattern.setdefault(unit % period, _moved(found, -(unit // period * step)))
        told = "reported" if period == 1 else f"by the reported period of {period} expected"
        for unit, found in enumerate(spans):
            if unit % period not in pattern:
                continue
            expected = _moved(pattern[unit % period], unit // period * step)
            if unit in inner and found != expected:
                return True, [f"receptive field: unit {unit} of axis {axis} sees {found}, {told} {expected}"]
            if self.zeros and not _contains(expected, found):
                return True, [f"receptive field: unit {unit} of axis {axis} sees {found}, beyond {expected}"]
        first = pattern.get(0)
        seen_first = None if first is None else first[0]
        if 0 in pattern and start != seen_first:
            return True, [f"receptive field: axis {axis} starts at {seen_first}, reported {start}"]
        complete = len({unit % period for unit in inner if unit + period in inner}) == period
        sizes = [0 if found is None else found[1] - found[0] + 1 for found in inner.values()] or [least]
        if (complete and (min(sizes), max(sizes)) != (least, most)) or not least <= min(sizes) <= max(sizes) <= most:
            found_sizes = f"{min(sizes)} to {max(sizes)}"
            return True, [f"receptive field: units of axis {axis} see {found_sizes}, reported {least} to {most}"]
        return complete, []


Span = tuple[int, int] | None
"""First and last position seen; None where nothing is."""


def _step(field: ReceptiveField, axis: int) -> int:
    """Positions of the input from one period of units to the next."""
    numerator, denominator = field.stride[axis][0]
    return field.period[axis] * numerator // denominator


def _moved(seen: Span, by: int) -> Span:
    return None if seen is None else (seen[0] + by, seen[1] + by)


def _contains(outer: Span, inner: Span) -> bool:
    return inner is None or (outer is not None and outer[0] <= inner[0] and inner[1] <= outer[1])


def _grown(before: Sight, after: Sight) -> bool:
    """Whether a tensor has grown on every axis, as one of a declared size does not, and sees by the same paths."""
    same = (before.axes is None, before.is_global) == (after.axes is None, after.is_global)
    return same and all(new > old for old, new in zip(before.shape[1:], after.shape[1:]))


def _reads_around(node: Node) -> bool:
    """Whether a layer's padding holds values of the input, from wherever."""
    return node.operation.layer.border in ("replicate", "reflect", "circular")
