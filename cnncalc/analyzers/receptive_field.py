"""Receptive fields: which positions of an input influence a unit, per axis, by intervals.

Axis by axis they are `patterns`, carried along the edges of the graph.  Branches are united; paths that see everything
(global pooling, flatten, gates) are kept apart as `is_global`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cnncalc.analyzers.measurement import Measurement
from cnncalc.analyzers.notes import BEYOND, MISALIGNED, PERIODIC, UNEQUAL, Remark
from cnncalc.analyzers.quantities import FIELD
from cnncalc.diagnostics import Fault, SpecError
from cnncalc.geometry import GLOBAL, Reach
from cnncalc.graph import Graph, Node
from cnncalc.layers.base import Operation, once_per_operation
from cnncalc.patterns import IDENTITY, AlongAxis, Alternatives, Pattern, along_axis, read, remembered, united
from cnncalc.records import NamedTuple
from cnncalc.values import AtLeast, PerAxis, ranged, ratio


class Seen:
    """What the units of a tensor see of one input; known by identity, so that `alike` makes them."""

    __slots__ = ("is_global", "local", "min_path", "wanders")

    def __init__(
        self,
        local: tuple[Alternatives, ...] | None,
        min_path: tuple[Pattern, ...] | None,
        is_global: bool = False,
        wanders: bool = False,
    ) -> None:
        self.local = local
        """All paths together, per axis of that input; None where there is no local path."""
        self.min_path = min_path
        """The smallest path, per axis; None where there is no local path."""
        self.is_global = is_global
        """Whether some path sees everything."""
        self.wanders = wanders
        """Whether its centers move against its units, as those of windows that attend within themselves do: they are
        then no sign of branches that do not fit each other."""


alike = remembered(Seen)
"""One object for all that see alike."""

NOTHING = Seen(None, None)
"""Of a tensor that does not depend on the input at all."""

EVERYTHING = Seen(None, None, is_global=True)
"""Of a tensor that depends on all of it, on every path."""


class Misfit(NamedTuple):
    """Two of the tensors that a layer joins, by their places among its inputs, do not fit each other."""

    code: str
    first: int
    other: int
    apart: object
    """By what: their strides, or the pixels between their centers."""

    def remark(self, graph: Graph, node: Node) -> Remark:
        """In words for one layer."""
        first, other = [graph.tensor_name(node.inputs[place]) for place in (self.first, self.other)]
        return Remark(self.code, (first, other, self.apart))


Through = tuple[Seen, tuple[Misfit, ...]]
"""What is seen through a layer, and what does not fit there."""


class Reading:
    """What a layer reads of its inputs; one object for all layers that read alike."""

    __slots__ = ("reaches", "wanders")

    def __init__(self, reaches: tuple[tuple[int, Reach], ...], wanders: bool) -> None:
        self.reaches = reaches
        """What it reads of which of its inputs."""
        self.wanders = wanders


class ReceptiveField:
    """The receptive field of one layer, per axis of the input (see `AlongAxis`).

    Its figures follow from what is seen, and from the input's size where that is everything; they are worked out when
    they are asked for.
    """

    __slots__ = ("_seen", "_whole", "notes")

    def __init__(self, seen: Seen, input_size: tuple[int, ...], notes: tuple[Remark, ...] = ()) -> None:
        self._seen = seen
        self._whole = input_size
        self.notes = notes
        if seen.local is not None and seen.min_path is not None:
            period = max([len(pattern.spans) for patterns in seen.local for pattern in patterns], default=1)
            if period > 1:
                self.notes = (*self.notes, Remark(PERIODIC, (period,)))
            if any(pattern.widest > width for pattern, width in zip(seen.min_path, input_size)):
                self.notes = (*self.notes, Remark(BEYOND, self.min_size))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ReceptiveField) and self.figures == other.figures and self.notes == other.notes

    def __hash__(self) -> int:
        return hash(self.figures)

    @property
    def figures(self) -> tuple[object, ...]:
        """All but the notes."""
        return tuple(self.axes), self.min_size, self.is_global, self.is_local

    @property
    def axes(self) -> list[AlongAxis]:
        """The figures axis by axis."""
        if self._seen.local is None:
            return [AlongAxis((size, size), ((size, 1), (size, 1)), 1, 0, (size - 1) / 2) for size in self._whole]
        return [along_axis(patterns) for patterns in self._seen.local]

    @property
    def size(self) -> tuple[tuple[int, int], ...]:
        return tuple([axis.size for axis in self.axes])

    @property
    def stride(self) -> tuple[tuple[tuple[int, int], tuple[int, int]], ...]:
        return tuple([axis.stride for axis in self.axes])

    @property
    def period(self) -> tuple[int, ...]:
        return tuple([axis.period for axis in self.axes])

    @property
    def start(self) -> tuple[int | None, ...]:
        return tuple([axis.start for axis in self.axes])

    @property
    def center(self) -> tuple[float | None, ...]:
        return tuple([axis.center for axis in self.axes])

    @property
    def min_size(self) -> tuple[int, ...]:
        """The size by the smallest path."""
        paths = self._seen.min_path
        return self._whole if paths is None else tuple([pattern.widest for pattern in paths])

    @property
    def is_global(self) -> bool:
        """Whether some path sees everything."""
        return self._seen.is_global

    @property
    def is_local(self) -> bool:
        """Whether some path sees a part."""
        return self._seen.local is not None


Memo = dict[Any, Any]
"""What is seen through equal layers of what is seen alike; graphs may share one."""

MAX_REMEMBERED = 100_000
"""Entries of a memo above which the next graph begins it anew."""


def receptive_fields(graph: Graph, of: str | None = None, memo: Memo | None = None) -> list[ReceptiveField | None]:
    """The receptive field of every node towards the input `of` (the first if absent).

    None for a node that does not depend on that input.  Raises `Fault` for an unknown input, `SpecError` for a
    pattern whose period is beyond the limit.
    """
    memo = {} if memo is None else memo
    size = graph.inputs[graph.input_number(of)][1][1:]
    results: list[ReceptiveField | None] = []
    for node, seen, misfits in _sights(graph, of, memo):
        if misfits:
            results.append(describe(seen, size, tuple([misfit.remark(graph, node) for misfit in misfits])))
            continue
        field = memo.get((size, seen))
        if field is None:
            field = memo[size, seen] = describe(seen, size)
        results.append(field)
    return results


def network_field(fields: list[ReceptiveField | None]) -> ReceptiveField | None:
    """The network's own: that of the last layer with a local path, else that of the last layer."""
    last = fields[-1] if fields else None
    return next((field for field in reversed(fields) if field is not None and field.is_local), last)


def field_alone(graph: Graph, memo: Memo, of: str | None = None) -> ReceptiveField | None:
    """The same as `network_field` of all `receptive_fields`, but for its notes: only that one is worked out.

    Raises as `receptive_fields`.
    """
    last, local = NOTHING, None
    for _, last, _ in _sights(graph, of, memo):
        if last.local is not None:
            local = last
    return describe(local or last, graph.inputs[graph.input_number(of)][1][1:])


# -- along the edges ---------------------------------------------------------------------------------------------------


def _sights(graph: Graph, of: str | None, memo: Memo) -> Iterator[tuple[Node, Seen, tuple[Misfit, ...]]]:
    """What every node in order sees of the input `of`, and what does not fit there."""
    if len(memo) > MAX_REMEMBERED:
        memo.clear()
    number = graph.input_number(of)
    axes = len(graph.inputs[number][1]) - 1
    tensors = [NOTHING] * len(graph.inputs)
    tensors[number] = alike(((IDENTITY,),) * axes, (IDENTITY,) * axes)
    for node in graph.nodes:
        try:
            reading = reading_of(node.operation)
            taken = tuple([tensors[tensor] for tensor in node.inputs])
            key = (reading, taken)
            through = memo.get(key) or memo.setdefault(key, _through(reading, taken))
        except Fault as fault:
            raise SpecError([fault.at(node.origin)]) from None
        tensors.append(through[0])
        yield node, *through


@once_per_operation
def reading_of(operation: Operation) -> Reading:
    """What a layer reads of its inputs."""
    reaches = operation.layer.reaches(operation.inputs, operation.output)
    types = [type(axis) for _, reach in reaches if isinstance(reach, tuple) for axis in reach]
    return _reading(reaches, tuple(types), operation.layer.wanders)


@remembered
def _reading(reaches: tuple[tuple[int, Reach], ...], types: tuple[type, ...], wanders: bool) -> Reading:
    """The one object for what is read; `types` are those of its axis maps, which may be equal as tuples."""
    return Reading(reaches, wanders)


def _through(reading: Reading, inputs: tuple[Seen, ...]) -> Through:
    """What a layer sees, from what its inputs see."""
    found: list[tuple[Seen, int]] = []
    for number, reach in reading.reaches:
        seen = _reached(inputs[number], reach, reading.wanders)
        if seen is not NOTHING:
            found.append((seen, number))
    return (found[0][0], ()) if len(found) == 1 else _united(found)


def _reached(seen: Seen, reach: Reach, wanders: bool) -> Seen:
    """What a layer sees by reading a tensor, from what the units of that see."""
    if reach is None or seen is NOTHING:
        return seen
    if reach == GLOBAL or seen.local is None or seen.min_path is None:
        return EVERYTHING
    assert isinstance(reach, tuple)
    local = tuple([tuple([read(each, axis) for each in patterns]) for patterns, axis in zip(seen.local, reach)])
    min_path = tuple([read(pattern, axis) for pattern, axis in zip(seen.min_path, reach)])
    return alike(local, min_path, seen.is_global, seen.wanders or wanders)


# -- joins -------------------------------------------------------------------------------------------------------------


def _united(seeing: list[tuple[Seen, int]]) -> Through:
    """The union of what is seen of several inputs, each with its place, and where they do not fit each other."""
    if not seeing:
        return NOTHING, ()
    is_global = any(seen.is_global for seen, _ in seeing)
    locals_ = [(seen, place) for seen, place in seeing if seen.local is not None]
    if not locals_:
        return EVERYTHING, ()
    wanders = any(seen.wanders for seen, _ in locals_)
    local, min_path = [], []
    misfits: dict[Misfit, None] = {}
    for axis in range(len(locals_[0][0].local or ())):
        branches = tuple([seen.local[axis] for seen, _ in locals_ if seen.local is not None])
        paths = tuple([seen.min_path[axis] for seen, _ in locals_ if seen.min_path is not None])
        patterns, smallest, misfit = _joined(branches, paths, wanders)
        local.append(patterns)
        min_path.append(smallest)
        if misfit is not None:
            first, other = [locals_[branch][1] for branch in (misfit.first, misfit.other)]
            misfits[misfit._replace(first=first, other=other)] = None
    return alike(tuple(local), tuple(min_path), is_global, wanders), tuple(misfits)


@remembered
def _joined(
    branches: tuple[Alternatives, ...], paths: tuple[Pattern, ...], wanders: bool
) -> tuple[Alternatives, Pattern, Misfit | None]:
    """What is seen of several branches together on one axis, the smallest of their smallest paths, and which of them
    do not fit each other."""
    smallest = min(paths, key=lambda pattern: pattern.widest)
    return united(branches), smallest, _misfit(branches, wanders)


def _misfit(branches: tuple[Alternatives, ...], wander: bool) -> Misfit | None:
    """Branches of unequal stride, or of equal stride whose centers lie apart (unless they wander).

    A branch that has several strides was noted where it got them.
    """
    if max(map(len, branches)) > 1:
        return None
    first = branches[0][0]
    total, weight = first.drift()
    for number, (pattern,) in enumerate(branches[1:], 1):
        if pattern.ratio != first.ratio:
            return Misfit(UNEQUAL, 0, number, (_fraction(first.ratio), _fraction(pattern.ratio)))
        other_total, other_weight = pattern.drift()
        if not wander and total * other_weight != other_total * weight:
            return Misfit(MISALIGNED, 0, number, abs(total / weight - other_total / other_weight) / 2)
    return None


def _fraction(ratio: tuple[int, int]) -> str:
    return str(ratio[0]) if ratio[1] == 1 else f"{ratio[0]}/{ratio[1]}"


# -- quantities --------------------------------------------------------------------------------------------------------


def fields(measured: Measurement) -> list[ReceptiveField | None]:
    """The receptive field of every node; raises `Fault`."""
    return receptive_fields(measured.graph, measured.of, measured.shared)


def own_field(measured: Measurement) -> ReceptiveField | None:
    """The network's own field."""
    return network_field(measured.once(fields))


def alone(measured: Measurement) -> ReceptiveField | None:
    """The network's own field without its notes: that of no other layer is worked out."""
    return field_alone(measured.graph, measured.shared, measured.of)


def field_size(measured: Measurement) -> Any:
    """The size on the axis where it is smallest, at the position that sees least; None without such an axis."""
    field = measured.once(alone)
    size = min((least for least, _ in field.size), default=None) if field is not None else None
    return AtLeast(size) if size is not None and FIELD in measured.lower_bound else size


def size_of(field: ReceptiveField) -> PerAxis:
    """Least and greatest size per axis."""
    return PerAxis(ranged(low, high) for low, high in field.size)


def stride_of(field: ReceptiveField) -> PerAxis:
    """Least and greatest stride per axis."""
    return PerAxis(ranged(ratio(*low), ratio(*high)) for low, high in field.stride)


def start_of(field: ReceptiveField) -> PerAxis:
    """The first pixel per axis."""
    return PerAxis(field.start)


def center_of(field: ReceptiveField) -> PerAxis:
    """The middle per axis; halves are not rounded."""
    return PerAxis(int(center) if center is not None and center == int(center) else center for center in field.center)


def min_size_of(field: ReceptiveField) -> PerAxis:
    """The size of the smallest path per axis."""
    return PerAxis(field.min_size)


def global_of(field: ReceptiveField) -> bool:
    """Whether some path sees everything."""
    return field.is_global


# -- in figures --------------------------------------------------------------------------------------------------------


def describe(seen: Seen, input_size: tuple[int, ...], notes: tuple[Remark, ...] = ()) -> ReceptiveField | None:
    """What is seen, in figures, with `notes` on it; None for a tensor that sees nothing of the input."""
    return None if seen is NOTHING else ReceptiveField(seen, input_size, notes)
