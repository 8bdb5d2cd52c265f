"""Parts of tensors, and joins of them: slices of channels, positions cropped or strided, concatenations."""

from __future__ import annotations

from cnncalc.convert.building import Translate
from cnncalc.convert.constants.evaluator import whole_list
from cnncalc.convert.layout import Layout, layout
from cnncalc.convert.making import Making
from cnncalc.convert.operators import Constant, Operator
from cnncalc.convert.rows import MAX_AXES
from cnncalc.convert.shapes import axis_of, sliced, split_sizes
from cnncalc.convert.translation.learned import parameter
from cnncalc.convert.translation.moving import compact
from cnncalc.convert.translation.pointwise import together
from cnncalc.convert.values import SHAPED, Operand, Parts, Value
from cnncalc.diagnostics import Fault
from cnncalc.geometry import dims


def concat(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """`concat`, where the axis is the channels of all."""
    values = [operand for operand in operands if isinstance(operand, Value)]
    rank = len(values[0].shape)
    axis = axis_of(operator.attributes.get("axis", 0), rank)
    shapes = [operand.shape for operand in operands if isinstance(operand, (Value, Constant))]
    if any(len(shape) != rank for shape in shapes) or len({(*s[:axis], *s[axis + 1 :]) for s in shapes}) > 1:
        raise Fault("bad-model", f"{' and '.join(map(dims, shapes[:4]))} cannot be joined on axis {axis}")
    size = sum(shape[axis] for shape in shapes)
    whole = (*shapes[0][:axis], size, *shapes[0][axis + 1 :])
    bases, order = together(values)
    over = {} if order[axis] == bases[0].first else {"over": "positions"}
    is_batch = axis == 0 and values[0].batch
    if is_batch or len({value.batch for value in values}) > 1 or len(bases[0].sample) > (2 if over else MAX_AXES):
        return making.opaque(operator, operands, [whole], 0)
    values = placed(making, operator, operands, values)
    if len(values) < len(operands):
        return making.opaque(operator, operands, [whole], 0)
    if len(values) == 1:
        return [values[0]]
    bases, order = together(values)
    row = making.append(operator, "concat", [making.force(base) for base in bases], over)
    return [making.turn(making.made(row.number, bases[0]), order, operator)]


def placed(making: Making, operator: Operator, operands: list[Operand], values: list[Value]) -> list[Value]:
    """The operands with a row for every constant among them: class tokens before others; else the values alone."""
    if len(values) == len(operands):
        return values
    found = []
    for operand in operands:
        made = parameter(making, operator, operand, values[0]) if isinstance(operand, Constant) else operand
        if not isinstance(made, Value):
            return values
        found.append(made)
    return found


def split(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value):
        return None
    axis = axis_of(operator.attributes.get("axis", 0), len(x.shape))
    sizes = split_sizes(operator, making.numbers(operator, operands, "split", 1), x.shape[axis])
    found: list[Operand] = []
    start = 0
    for name, size in zip(operator.outputs, sizes):
        found.append(part(making, operator, x, axis, range(start, start + size)) if name else None)
        start += size
    return found


def slices(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    x = operands[0]
    if not isinstance(x, Value):
        return None
    arguments = [
        making.numbers(operator, operands, name, place)
        for place, name in enumerate(("starts", "ends", "axes", "steps"), 1)
    ]
    value = x
    for axis, places in enumerate(sliced(x.shape, *arguments)):
        value = part(making, operator, value, axis, places)
    return [value]


def part(making: Making, operator: Operator, x: Value, axis: int, places: range) -> Value:
    """The given places of one axis: a slice of the channels, or positions that are cropped or strided."""
    if places == range(x.shape[axis]):
        return x
    whole = (*x.shape[:axis], len(places), *x.shape[axis + 1 :])
    if len(places) == 0:
        raise Fault("empty-output", f"nothing is left of axis {axis} of {dims(x.shape)}")
    base, order = x.turned()
    at = order[axis]
    if base.tensor is None and base.view is not None and base.view.kind == SHAPED and places.step == 1:
        behind = part_behind(making, operator, x, axis, places)
        if behind is not None:
            return behind
    if places.step < 1 or at < base.first or len(base.sample) > MAX_AXES or (at == base.first and places.step > 1):
        found = making.opaque(operator, [x], [whole], 0)[0]
        assert isinstance(found, Value)
        return found
    if at == base.first:
        return making.turn(making.part(base, places, operator), order, operator)
    rank, place = len(base.sample) - 1, at - base.first - 1
    tensor = making.force(base)
    if rank == 1 and places.step == 1:
        arguments = {"channels": (places.start, places[-1] + 1), "over": "positions"}
        row = making.append(operator, "slice", [tensor], arguments)
        return making.turn(making.made(row.number, base), order, operator)
    left = x.shape[axis] - 1 - places[-1]  # fewer than the stride are left out by it
    cut = (places.start, left if left >= places.step else 0)
    if any(cut):
        amount = tuple([cut if other == place else 0 for other in range(rank)])
        tensor = making.append(operator, "crop", [tensor], {"amount": amount}).number
    if places.step > 1:
        # a window of one position is that position; its stride leaves out the others
        stride = compact([places.step if other == place else 1 for other in range(rank)])
        tensor = making.append(operator, "max_pool", [tensor], {"kernel": 1, "stride": stride}).number
    return making.turn(making.made(tensor, base), order, operator)


def part_behind(making: Making, operator: Operator, x: Value, axis: int, places: range) -> Value | None:
    """The given places of an axis of a view as a part of the tensor behind it; None where they are not one there."""
    found = layout(x)
    if found is None:
        return None
    factors, start, count = list(found.axes[axis]), places.start, len(places)
    while factors:
        factor, inner = factors[0], found.size(factors[1:])
        if start % inner == 0 and count % inner == 0:
            return cut(making, operator, found, factor, range(start // inner, (start + count) // inner))
        if start // inner != (start + count - 1) // inner:
            return None
        outer = start // inner
        made = cut(making, operator, found, factor, range(outer, outer + 1))
        if made is None:
            return None
        return part_behind(making, operator, made, axis, range(start % inner, start % inner + count))
    return None


def cut(making: Making, operator: Operator, found: Layout, factor: int, places: range) -> Value | None:
    """A view with only some places of a factor, the outermost of its axis in the tensor behind it."""
    base, owner = found.base, found.owners[factor]
    if found.of(owner)[0] != factor or owner < base.first or len(base.sample) > MAX_AXES:
        return None
    rest = found.size(found.of(owner)[1:])
    wanted = range(places.start * rest, places.stop * rest)
    if owner == base.first:
        found.base = making.part(base, wanted, operator)
    else:
        found.base = part(making, operator, base, owner, wanted)
    found.sizes[factor] = len(places)
    if len(places) == 1:
        found.order.remove(factor)
        found.axes = [[each for each in axis if each != factor] for axis in found.axes]
    return making.arranged(found, operator)


def replaced(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """A tensor with another in place of a part of it: what is before, the other, and what is behind, joined."""
    x, other = operands[:2]
    bounds = [making.numbers(operator, operands, "", place) for place in range(2, 6)]
    if not isinstance(x, (Value, Constant)):
        return None
    axes = sliced(x.shape, *bounds)
    cuts = [axis for axis, places in enumerate(axes) if places != range(x.shape[axis])]
    sizes = tuple([len(places) for places in axes])
    if not cuts and isinstance(other, Value) and other.shape == sizes:
        return [other]
    if not isinstance(x, Value) or not isinstance(other, Value) or other.shape != sizes or len(cuts) != 1:
        return making.opaque(operator, operands, [x.shape], 0)
    (axis,) = cuts
    places = axes[axis]
    if places.step != 1 or not len(places) or (x.batch and axis == 0):
        return making.opaque(operator, operands, [x.shape], 0)
    around = [range(places.start), range(places.stop, x.shape[axis])]
    before, after = ([part(making, operator, x, axis, side)] if len(side) else [] for side in around)
    join = Operator("Concat", [], operator.outputs, {"axis": axis}, operator.name)
    join.title = operator.title
    return concat(making, join, [*before, other, *after])


def gather(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """One place of an axis, which is dropped, or neighbouring ones."""
    x, indices = operands[0], operands[1]
    if not isinstance(x, Value) or not isinstance(indices, Constant):
        return None
    axis = axis_of(operator.attributes.get("axis", 0), len(x.shape))
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    places = [] if indices.values is None else whole_list(indices, "the indices")
    chosen = [axis_of(place, x.shape[axis]) for place in places]
    if not chosen or (x.batch and axis == 0) or chosen != list(range(chosen[0], chosen[0] + len(chosen))):
        return making.opaque(operator, [x], [shape], 0)
    taken = part(making, operator, x, axis, range(chosen[0], chosen[-1] + 1))
    return [making.shape(taken, shape, operator)]


def sequence(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """SplitToSequence: parts of equal size, of 1 where none is given, or of given ones; those of 1 without the axis."""
    x = operands[0]
    if not isinstance(x, Value):
        return None
    axis = axis_of(operator.attributes.get("axis", 0), len(x.shape))
    size = x.shape[axis]
    given = making.numbers(operator, operands, "split", 1)
    drops = False
    if given is None or all(isinstance(operand, Constant) and operand.shape == () for operand in operands[1:]):
        (each,) = given or [1]
        drops = operator.attributes.get("keepdims") == 0
        if each < 1:
            raise Fault("bad-model", f"parts of size {each}")
        if drops and each > 1:
            return None
        given = [min(each, size - start) for start in range(0, size, each)]
    if sum(given) != size or min(given) < 1:
        raise Fault("bad-model", f"an axis of size {size} is split into {given[:20]}")
    starts = [sum(given[:place]) for place in range(len(given))]
    parts = [part(making, operator, x, axis, range(s, s + n)) for s, n in zip(starts, given)]
    rest = (*x.shape[:axis], *x.shape[axis + 1 :])
    return [Parts([making.shape(each, rest, operator) for each in parts] if drops else parts)]


def element(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """SequenceAt."""
    parts, place = operands[0], making.numbers(operator, operands, "position", 1) or []
    if not isinstance(parts, Parts):
        return None
    if len(place) != 1:
        raise Fault("bad-model", f"the position of a part is one number, not {len(place)}")
    return [parts.values[axis_of(place[0], len(parts.values))]]


def joined(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """ConcatFromSequence."""
    parts = operands[0]
    if not isinstance(parts, Parts) or operator.attributes.get("new_axis"):
        return None
    return concat(making, operator, list(parts.values))


PARTS: dict[str, Translate] = {
    "Concat": concat,
    "Split": split,
    "Slice": slices,
    "torch.SliceScatter": replaced,
    "Gather": gather,
    "SplitToSequence": sequence,
    "SequenceAt": element,
    "ConcatFromSequence": joined,
}
