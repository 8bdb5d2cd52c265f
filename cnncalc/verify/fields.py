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
        which keeps every padding; where a layer does not grow with them, it stays without any.
        """
        results, before = list[Result](), []
        for node, sight in self.sights(self.sizes):
            before.append(sight._replace(axes=sight.axes and ()))  # what it sees is not held
            result = self.result(node, sight, len(results))
            if sight.shape != node.operation.output and not node.operation.layer.unknown:
                result[1].append(f"dependency sets: for {dims(sight.shape)}, reported {dims(node.operation.output)}")
            results.append(result)
        pending = [place for place, (field, _) in enumerate(results) if field == NO_INTERIOR]
        sizes = self.lengthened()
        if not pending or sizes == self.sizes:
            return results, self.sizes
        for place, (node, sight) in enumerate(self.sights(sizes)):
            if results[place][0] == NO_INTERIOR and _grown(before[place], sight):
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
        """Sizes on which layers have interior positions; those of the input where that would be too long."""
        local = [field for field in self.reported if field is not None and field.is_local]
        sizes = []
        for axis, size in enumerate(self.sizes):
            step = lcm(*(stride[0] for field in local for stride in field.stride[axis]))
            widest = max((field.size[axis][1] for field in local), default=0)
            longer = size + step * (widest // step + 4)
            sizes.append(longer if longer <= min(LONGEST, MOST // max(1, len(self.graph.nodes))) else size)
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
        for axis, sets in enumerate(sight.axes):
            figures = [(field.size[at], field.stride[at], field.start[at]) for at in (max(0, axis - 1), axis)]
            if axis and sets is sight.axes[axis - 1] and figures[0] == figures[1] and not found[-1][1]:
                continue  # as on the axis before
            found.append(self.on_axis(sets, field, axis, sight.is_uneven))
        told = EQUAL if all(complete for complete, _ in found) else NO_INTERIOR
        return told, [text for _, differences in found for text in differences]

    def on_axis(self, sets: list[int], field: ReceptiveField, axis: int, uneven: bool) -> tuple[bool, list[str]]:
        """Whether there were interior positions to tell size, start and stride; and the differences."""
        (least, most), start = field.size[axis], field.start[axis]
        spans = {unit: span(positions) for unit, positions in enumerate(sets)}
        inner = {unit: found for unit, found in spans.items() if found and not sets[unit] & PADDED}
        step, period = field.stride[axis][0]
        if not uneven and period == 1 and start is not None:
            return regular(spans, inner, step, start, most, axis, self.zeros)
        return periodic(inner, (step, period), start, (least, most), axis)


def _grown(before: Sight, after: Sight) -> bool:
    """Whether a tensor has grown on every axis, as one of a declared size does not, nor its joins with others."""
    same = (before.axes is None, before.is_global) == (after.axes is None, after.is_global)
    return same and all(new > old for old, new in zip(before.shape[1:], after.shape[1:]))


def _reads_around(node: Node) -> bool:
    """Whether a layer's padding holds values of the input, from wherever."""
    return node.operation.layer.border in ("replicate", "reflect", "circular")


# -- against figures ---------------------------------------------------------------------------------------------------

Spans = dict[int, tuple[int, int]]


def regular(
    spans: dict[int, tuple[int, int] | None], inner: Spans, step: int, start: int, size: int, axis: int, zeros: bool
) -> tuple[bool, list[str]]:
    """Units that all see `size` positions, `step` further on each: equal inside, contained at the borders."""
    for unit, found in spans.items():
        first = start + step * unit
        if unit in inner and found != (first, first + size - 1):
            return True, [
                f"receptive field: unit {unit} of axis {axis} sees {found}, reported {first, first + size - 1}"
            ]
        if zeros and found is not None and not first <= found[0] <= found[1] < first + size:
            return True, [f"receptive field: unit {unit} of axis {axis} sees {found}, beyond {first, first + size - 1}"]
    return len(inner) > 1, []


def periodic(
    inner: Spans, stride: tuple[int, int], start: int | None, sizes: tuple[int, int], axis: int
) -> tuple[bool, list[str]]:
    """Units whose view repeats every few of them: sizes from least to greatest, and the stride on average."""
    step, period = stride
    found = [last - first + 1 for first, last in inner.values()]
    if not all(sizes[0] <= size <= sizes[1] for size in found):
        return True, [f"receptive field: units of axis {axis} see {min(found)} to {max(found)}, reported {sizes}"]
    for turns in range(1, len(inner) // (2 * period) + 1):
        ahead, further = period * turns, step * turns
        pairs = [(unit, unit + ahead) for unit in inner if unit + ahead in inner]
        if len(pairs) >= ahead and all(inner[b] == (inner[a][0] + further, inner[a][1] + further) for a, b in pairs):
            return True, _one_period(inner, ahead, further, start, sizes, axis)
    if len(inner) > 1:
        first, last = min(inner), max(inner)
        drift = inner[last][0] - inner[first][0] - (last - first) * step / period
        if abs(drift) > 2 * (sizes[1] + step):
            return True, [f"receptive field: axis {axis} drifts {drift:g} from the reported stride {step}/{period}"]
    return False, []


def _one_period(
    inner: Spans, ahead: int, further: int, start: int | None, sizes: tuple[int, int], axis: int
) -> list[str]:
    """Differences of start and sizes, where the view repeats `ahead` units and `further` positions on."""
    starts = {inner[unit][0] - unit // ahead * further for unit in inner if unit % ahead == 0}
    if start is not None and starts and starts != {start}:
        return [f"receptive field: axis {axis} starts at {sorted(starts)}, reported {start}"]
    found = [last - first + 1 for first, last in inner.values()]
    if sizes[0] > 0 and (min(found), max(found)) != sizes:
        return [f"receptive field: units of axis {axis} see {min(found)} to {max(found)}, reported {sizes}"]
    return []
