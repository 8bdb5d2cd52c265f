"""Receptive fields: which positions of an input influence a unit, per axis, by intervals.

A field says that output position ``period*q + r`` sees inputs from ``step*q + low[r]`` to ``step*q + high[r]``.
Windows have period 1: size, stride and start follow (Araujo, Norris and Sim, "Computing receptive fields of
convolutional neural networks", Distill 2019); upsampling and transposed convolutions make it periodic.
Branches are united; paths that see everything (global pooling, flatten, gates) are kept apart as `is_global`.
"""

from __future__ import annotations

from math import gcd, lcm
from typing import NamedTuple

from cnncalc.analyzers.measurement import Measurement
from cnncalc.analyzers.notes import BEYOND, MISALIGNED, PERIODIC, UNEQUAL, Remark
from cnncalc.diagnostics import Fault, SpecError
from cnncalc.geometry import GLOBAL, AxisMap, Intervals, Transposed, Window, check_period
from cnncalc.graph import Graph, Node, fold
from cnncalc.values import PerAxis, ranged, ratio

Spans = tuple[tuple[int, int] | None, ...]


class Field(NamedTuple):
    """What the units of one axis see; a span of None sees nothing."""

    step: int
    spans: Spans

    def at(self, position: int) -> tuple[int, int] | None:
        """The interval that a unit sees."""
        quotient, phase = divmod(position, len(self.spans))
        span = self.spans[phase]
        return None if span is None else (span[0] + quotient * self.step, span[1] + quotient * self.step)

    @property
    def ratio(self) -> tuple[int, int]:
        """The effective stride as numerator and denominator."""
        common = gcd(self.step, len(self.spans)) or 1
        return self.step // common, len(self.spans) // common

    @property
    def sizes(self) -> list[int]:
        return [0 if span is None else span[1] - span[0] + 1 for span in self.spans]

    def drift(self) -> tuple[int, int]:
        """Where the centers lie apart from the stride: twice their sum over a period, and the number summed."""
        period = len(self.spans)
        total = seen = 0
        for phase, span in enumerate(self.spans):
            if span is not None:
                total += (span[0] + span[1]) * period - 2 * phase * self.step
                seen += 1
        return total, seen * period


IDENTITY = Field(1, ((0, 0),))

Alternatives = tuple[Field, ...]
"""Fields of one axis that differ in stride; one of them, but for badly joined branches."""


class Sight(NamedTuple):
    """What the units of a tensor see of one input.

    `local` and `smallest` hold one entry per axis of that input, and are None where there is no local path.
    """

    local: tuple[Alternatives, ...] | None
    smallest: tuple[Field, ...] | None
    is_global: bool = False
    notes: tuple[Remark, ...] = ()


NOTHING = Sight(None, None)
"""The sight of a tensor that does not depend on the input at all."""


class ReceptiveField(NamedTuple):
    """The receptive field of one layer, per axis of the input.

    `size` and `stride` are least and greatest values, equal but for upsampling and branches of unequal stride;
    a stride is a numerator and a denominator.  `start` is the first pixel that unit 0 sees, `center` the middle.
    """

    size: tuple[tuple[int, int], ...]
    stride: tuple[tuple[tuple[int, int], tuple[int, int]], ...]
    start: tuple[int | None, ...]
    center: tuple[float | None, ...]
    min_size: tuple[int, ...]
    is_global: bool
    is_local: bool
    notes: tuple[Remark, ...] = ()


def receptive_fields(graph: Graph, of: str | None = None) -> list[ReceptiveField | None]:
    """The receptive field of every node towards the input `of` (the first if absent).

    None for a node that does not depend on that input.  Raises `Fault` for an unknown input, `SpecError` for a
    pattern whose period is beyond the limit.
    """
    number = graph.input_number(of)
    shape = graph.inputs[number][1]
    axes = len(shape) - 1
    start = Sight(((IDENTITY,),) * axes, (IDENTITY,) * axes)
    sights: list[Sight] = [start if index == number else NOTHING for index in range(len(graph.inputs))]
    memo: dict[object, Sight] = {}

    def step(node: Node, inputs: list[Sight]) -> Sight:
        key = (id(node.operation), *map(id, inputs))
        found = memo.get(key)
        if found is None:
            try:
                found = memo[key] = _through(graph, node, inputs)
            except Fault as fault:
                raise SpecError([fault.at(node.origin)]) from None
        return found

    described: dict[int, ReceptiveField | None] = {}
    results = []
    for sight in fold(graph, sights, step):
        if id(sight) not in described:
            described[id(sight)] = describe(sight, shape[1:])
        results.append(described[id(sight)])
    return results


def network_field(fields: list[ReceptiveField | None]) -> ReceptiveField | None:
    """The network's own: that of the last layer with a local path, else that of the last layer."""
    for field in reversed(fields):
        if field is not None and field.is_local:
            return field
    return fields[-1] if fields else None


# -- along the edges ---------------------------------------------------------------------------------------------------


def _through(graph: Graph, node: Node, inputs: list[Sight]) -> Sight:
    """What a node sees, from what its inputs see."""
    operation = node.operation
    if operation.layer.joins:
        shapes = operation.inputs
        inputs = [
            Sight(None, None, True) if shape[1:] != operation.output[1:] and sight != NOTHING else sight
            for sight, shape in zip(inputs, shapes)
        ]  # a broadcast branch is the same for every unit
        return _united(graph, node, inputs)
    sight = inputs[0]
    reach = operation.reach
    if reach is None or sight is NOTHING:
        return sight if not sight.notes else sight._replace(notes=())
    if reach == GLOBAL:
        return Sight(None, None, True)
    assert isinstance(reach, tuple)
    if sight.local is None or sight.smallest is None:
        return Sight(None, None, True)
    local = tuple(tuple(_read(field, axis) for field in fields) for fields, axis in zip(sight.local, reach))
    smallest = tuple(_read(field, axis) for field, axis in zip(sight.smallest, reach))
    return Sight(local, smallest, sight.is_global)


def _read(field: Field, axis: AxisMap) -> Field:
    """The field of the units that read `field` through an axis map."""
    if isinstance(axis, Window):
        return _windowed(field, axis)
    if isinstance(axis, Transposed):
        return _scattered(field, axis)
    return _resampled(field, axis)


def _windowed(field: Field, axis: Window) -> Field:
    period = len(field.spans)
    if period == 1:
        span = field.spans[0]
        if span is None:
            return Field(field.step * axis.stride, (None,))
        low = span[0] - field.step * axis.before
        return Field(field.step * axis.stride, ((low, span[1] + field.step * (axis.extent - 1 - axis.before)),))
    common = gcd(period, axis.stride)
    units = period // common
    check_work(units, axis.size, period)
    firsts = [unit * axis.stride - axis.before for unit in range(units)]
    spans = tuple([_over(field, first, axis.dilation, axis.size) for first in firsts])
    return _reduced(Field(field.step * (axis.stride // common), spans))


def _scattered(field: Field, axis: Transposed) -> Field:
    """The taps that meet unit u read sources (u + before - dilation*tap)/stride, where that is whole."""
    period = len(field.spans) * axis.stride
    common = gcd(axis.stride, axis.dilation)
    every, apart = axis.stride // common, axis.dilation // common
    check_work(period, -(-axis.size // every), len(field.spans))
    inverse = pow(apart, -1, every)
    spans: list[tuple[int, int] | None] = []
    for unit in range(period):
        position = unit + axis.before
        tap = position // common * inverse % every
        count = 0 if position % common else -(-(axis.size - tap) // every)
        source = (position - axis.dilation * tap) // axis.stride
        spans.append(_over(field, source, -apart, count))
    return _reduced(Field(field.step, tuple(spans)))


def _resampled(field: Field, axis: Intervals) -> Field:
    common = gcd(len(field.spans), axis.step) or 1
    turns = len(field.spans) // common
    widest = max((span[1] - span[0] + 1 for span in axis.spans if span), default=0)
    check_work(turns * axis.period, widest, len(field.spans))
    spans: list[tuple[int, int] | None] = []
    for turn in range(turns):
        base = turn * axis.step
        for span in axis.spans:
            spans.append(_over(field, base + span[0], 1, span[1] - span[0] + 1) if span else None)
    return _reduced(Field(field.step * (axis.step // common), tuple(spans)))


def _over(field: Field, first: int, step: int, count: int) -> tuple[int, int] | None:
    """What `count` positions from `first` on see together.

    Positions a period apart see the same, further on: those within a period of either end decide.
    """
    period = len(field.spans)
    indices = range(count) if count <= 2 * period else (*range(period), *range(count - period, count))
    return _union([field.at(first + step * index) for index in indices])


MAX_WORK = 1_000_000
"""Most positions that are looked at for one layer."""


def check_work(units: int, count: int, period: int) -> None:
    """Refuse a pattern that is too long to be worked out: `count` positions for each of `units`; raises `Fault`."""
    check_period(units)
    if units * min(count, 2 * period) > MAX_WORK:
        message = f"the receptive field's pattern of {units:,} positions is too long to be worked out"
        raise Fault("too-large", message)


def _union(spans: list[tuple[int, int] | None]) -> tuple[int, int] | None:
    seen = [span for span in spans if span is not None]
    return (min(span[0] for span in seen), max(span[1] for span in seen)) if seen else None


def _reduced(field: Field) -> Field:
    """The same field with the shortest period."""
    period = len(field.spans)
    for short in range(1, period // 2 + 1):
        if period % short or field.step * short % period:
            continue
        step = field.step * short // period
        if all(_moved(field.spans[index], step) == field.spans[index + short] for index in range(period - short)):
            return Field(step, field.spans[:short])
    return field


def _moved(span: tuple[int, int] | None, by: int) -> tuple[int, int] | None:
    return None if span is None else (span[0] + by, span[1] + by)


# -- joins -------------------------------------------------------------------------------------------------------------


def _united(graph: Graph, node: Node, inputs: list[Sight]) -> Sight:
    """The union of branches, with notes where they do not fit each other."""
    seeing = [(sight, number) for sight, number in zip(inputs, node.inputs) if sight is not NOTHING]
    if not seeing:
        return NOTHING
    is_global = any(sight.is_global for sight, _ in seeing)
    locals_ = [(sight, number) for sight, number in seeing if sight.local is not None]
    if not locals_:
        return Sight(None, None, is_global)
    names = [graph.tensor_name(number) for _, number in locals_]
    axes = len(locals_[0][0].local or ())
    local, smallest = [], []
    notes: list[Remark] = []
    for axis in range(axes):
        branches = [sight.local[axis] for sight, _ in locals_ if sight.local is not None]
        local.append(_alternatives(branches))
        smallest.append(
            min((sight.smallest[axis] for sight, _ in locals_ if sight.smallest), key=lambda f: max(f.sizes))
        )
        notes += [note for note in _misfits(branches, names) if note not in notes]
    return Sight(tuple(local), tuple(smallest), is_global, tuple(notes))


def _alternatives(branches: list[Alternatives]) -> Alternatives:
    """Fields of equal stride united, the others side by side."""
    by_ratio: dict[tuple[int, int], Field] = {}
    for fields in branches:
        for field in fields:
            ratio = field.ratio
            by_ratio[ratio] = _both(by_ratio[ratio], field) if ratio in by_ratio else field
    return tuple(by_ratio.values())


def _both(a: Field, b: Field) -> Field:
    """The union of two fields of equal stride."""
    if a == b:
        return a
    period = lcm(len(a.spans), len(b.spans))
    check_work(period, 1, 1)
    spans = tuple(_union([a.at(unit), b.at(unit)]) for unit in range(period))
    return _reduced(Field(a.step * (period // len(a.spans)), spans))


def _misfits(branches: list[Alternatives], names: list[str]) -> list[Remark]:
    """Notes on branches of unequal stride, or of equal stride whose centers lie apart."""
    first, first_name = branches[0][0], names[0]
    total, weight = first.drift()
    for fields, name in zip(branches[1:], names[1:]):
        field = fields[0]
        if field.ratio != first.ratio:
            return [Remark(UNEQUAL, (first_name, name, (_fraction(first.ratio), _fraction(field.ratio))))]
        other_total, other_weight = field.drift()
        if total * other_weight != other_total * weight:
            apart = abs(total / weight - other_total / other_weight) / 2 if weight and other_weight else 0
            return [Remark(MISALIGNED, (first_name, name, apart))]
    return []


def _fraction(ratio: tuple[int, int]) -> str:
    return str(ratio[0]) if ratio[1] == 1 else f"{ratio[0]}/{ratio[1]}"


# -- quantities --------------------------------------------------------------------------------------------------------


def fields(measured: Measurement) -> list[ReceptiveField | None]:
    """The receptive field of every node; raises `Fault`."""
    return receptive_fields(measured.graph, measured.of)


def own_field(measured: Measurement) -> ReceptiveField | None:
    """The network's own field."""
    found: ReceptiveField | None = network_field(measured.once(fields))
    return found


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


def _period(sight: Sight) -> int:
    """After how many units the pattern of positions repeats."""
    return max((len(field.spans) for fields in sight.local or () for field in fields), default=1)


def describe(sight: Sight, input_size: tuple[int, ...]) -> ReceptiveField | None:
    """A sight in figures; None for a tensor that sees nothing of the input."""
    if sight is NOTHING:
        return None
    if sight.local is None or sight.smallest is None:
        whole = tuple((size, size) for size in input_size)
        stride = tuple(((size, 1), (size, 1)) for size in input_size)
        center = tuple((size - 1) / 2 for size in input_size)
        return ReceptiveField(whole, stride, (0,) * len(input_size), center, input_size, True, False)
    sizes, strides, starts, centers = [], [], [], []
    for fields in sight.local:
        every = [size for field in fields for size in field.sizes]
        sizes.append((min(every), max(every)))
        ratios = sorted((field.ratio for field in fields), key=lambda ratio: ratio[0] / ratio[1])
        strides.append((ratios[0], ratios[-1]))
        first = _union([field.at(0) for field in fields])
        starts.append(first[0] if first else None)
        centers.append((first[0] + first[1]) / 2 if first else None)
    least = tuple(max(field.sizes) for field in sight.smallest)
    notes = list(sight.notes)
    if _period(sight) > 1:
        notes.append(Remark(PERIODIC, (_period(sight),)))
    if any(size > width for size, width in zip(least, input_size)):
        notes.append(Remark(BEYOND, least))
    return ReceptiveField(
        tuple(sizes), tuple(strides), tuple(starts), tuple(centers), least, sight.is_global, True, tuple(notes)
    )
