"""Attention: `attention` where it is just that, else opaque and counted.

Heads and windows are found in the layout of q, k and v: the axes before the last two are the outer part of the
channels, and the outer (windows) or the inner (a grid) parts of the positions.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from itertools import chain
from math import isclose, prod
from typing import Any

from cnncalc.convert.attended import still
from cnncalc.convert.building import Translate
from cnncalc.convert.constants.evaluator import whole_list
from cnncalc.convert.layout import Layout, layout
from cnncalc.convert.making import Making
from cnncalc.convert.operators import FLOATS, Constant, Operator, Sizes
from cnncalc.convert.rows import MAX_AXES
from cnncalc.convert.shapes import broadcast, reshaped_sizes, strides
from cnncalc.convert.translation.learned import number
from cnncalc.convert.translation.moving import compact
from cnncalc.convert.translation.tables import Table, is_moved, rows_of, worked_out
from cnncalc.convert.values import PART, Operand, Value
from cnncalc.diagnostics import Fault
from cnncalc.geometry import dims
from cnncalc.records import NamedTuple

# -- attention ---------------------------------------------------------------------------------------------------------


class Reading(NamedTuple):
    """What the layout of q, k or v says."""

    found: Layout
    heads: int
    each: int
    """Channels of a head."""
    frame: str
    """`window` or `grid`, where not all positions attend to each other."""
    sizes: Sizes
    """Of the window or the grid; of the whole map, where there is neither."""
    shifts: Sizes
    """By how many places each axis is rolled before."""
    whole: Sizes
    """The sizes of the map."""


def reading(making: Making, operator: Operator, value: Value) -> Reading | None:
    """The heads and windows of a value whose last two axes are positions and the channels of a head."""
    found = layout(value)
    if found is None or not 2 <= len(found.base.sample) <= MAX_AXES:
        return None
    making.upright(found, len(found.axes) - 1, operator)
    first, channels = found.base.first, found.channels
    before = [factor for axis in found.axes[:-2] for factor in axis]
    heads = [factor for factor in before if found.owners[factor] == first]
    if heads != channels[: len(heads)] or found.axes[-1] != channels[len(heads) :]:
        return None
    apart = [factor for factor in before if found.owners[factor] > first]
    axes = [found.of(axis) for axis in range(first + 1, len(found.base.shape))]
    rows = found.axes[-2]
    counts = found.size(heads), found.size(found.axes[-1])
    whole, shifts = found.base.shape[first + 1 :], found.base.unrolled()[1][first + 1 :]
    if not apart:
        return Reading(found, *counts, "", whole, shifts, whole) if rows == list(chain(*axes)) else None
    for frame, outer in (("window", apart), ("grid", rows)):
        inner = rows if frame == "window" else apart
        cuts = [[factor for factor in axis if factor in outer] for axis in axes]
        rest = [[factor for factor in axis if factor not in outer] for axis in axes]
        ordered = all(axis == [*a, *b] for axis, a, b in zip(axes, cuts, rest))
        if ordered and [outer, inner] == [list(chain(*cuts)), list(chain(*rest))]:
            sizes = [found.size(part) for part in (rest if frame == "window" else cuts)]
            return Reading(found, *counts, frame, tuple(sizes), shifts, whole)
    return None


def attention(making: Making, operator: Operator, operands: list[Operand]) -> list[Operand] | None:
    """Operands are q, k, v, what is added to the products, and numbers by which they are multiplied."""
    q, k, v = operands[:3]
    if not isinstance(q, Value) or not isinstance(k, Value) or not isinstance(v, Value) or any(operator.outputs[1:]):
        return None
    attributes = operator.attributes
    samples, count = q.shape[:1], q.shape[1:2]
    by_heads = len(q.shape) == 3 and "q_num_heads" in attributes
    if by_heads:
        q = headed(making, operator, q, attributes["q_num_heads"])
        k, v = (headed(making, operator, x, attributes.get("kv_num_heads")) for x in (k, v))
    if attributes.get("transposed"):
        k = making.turn(k, (*range(len(k.shape) - 2), len(k.shape) - 1, len(k.shape) - 2), operator)
    if any(len(x.shape) < 2 for x in (q, k, v)) or q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise Fault("bad-model", f"q, k and v of {dims(q.shape)}, {dims(k.shape)} and {dims(v.shape)} do not fit")
    found = exact(making, operator, q, k, v, list(operands[3:]))
    if found is not None and not by_heads:
        return [found]
    if found is not None:
        turned = making.turn(found, (0, 2, 1, 3), operator)
        joined = making.shape(turned, (*samples, *count, turned.shape[2] * turned.shape[3]), operator)
        return [making.straightened(joined, operator)]
    first = last = (*q.shape[:-1], k.shape[-2])
    if "transposed" in attributes:  # written out, sizes of 1 are repeated; the operator itself says more of heads
        first = (*broadcast([q.shape[:-2], k.shape[:-2]]), q.shape[-2], k.shape[-2])
        last = weighted_by(first, attributes["steps"], operands[3:])
        last = (*broadcast([last[:-2], v.shape[:-2]]), *last[-2:])
    if last[-1] != v.shape[-2]:
        raise Fault("bad-model", f"products of {dims(last)} cannot be multiplied by {dims(v.shape)}")
    macs = (prod(first) * q.shape[-1] + prod(last) * v.shape[-1]) // (making.batch if q.batch else 1)
    whole = (*samples, *count, q.shape[1] * v.shape[-1]) if by_heads else (*last[:-1], v.shape[-1])
    rest = [operand for operand in operands[3:] if not hides(making, operand, first)]
    return making.opaque(operator, [q, k, v, *rest], [whole], macs)


def weighted_by(products: Sizes, steps: Sequence[str], operands: list[Operand]) -> Sizes:
    """The shape of products of this shape after what is done to them; raises `Fault` where it does not fit."""
    for step, operand in reversed(list(zip(steps, operands))):
        if step == "Reshape" and isinstance(operand, Constant):
            products = reshaped_sizes(products, whole_list(operand, "the shape"))
        elif isinstance(operand, (Value, Constant)):
            products = broadcast([products, operand.shape])
    return products


def hides(making: Making, operand: Operand, products: Sizes) -> bool:
    """Whether an operand is a constant that says which products do not count: nobody learns it.

    Where its values are not in the file, it is one that is equal for all of several heads.
    """
    if not isinstance(operand, Constant) or operand.dtype not in FLOATS:
        return False
    if operand.roots.keys() & making.program.learned:
        return False
    values = elements(operand)
    if values is None:
        shared = operand.shape[-3:-2] in ((), (1,)) and products[-3:-2] not in ((), (1,))
        is_mask = shared and operand.shape[-2:] == products[-2:]
    else:
        others = {value for value in values if value != 0}
        is_mask = bool(others) and all(value <= MASKED for value in others)
    if is_mask:
        making.ignored(operand)
    return is_mask


def headed(making: Making, operator: Operator, x: Value, heads: Any) -> Value:
    """A tensor of samples, positions and channels with its heads before the positions; raises `Fault`."""
    if len(x.shape) != 3 or not isinstance(heads, int) or heads < 1 or x.shape[2] % heads:
        raise Fault("bad-model", f"{heads} heads do not divide the channels of {dims(x.shape)}")
    samples, count, width = x.shape
    split = making.shape(x, (samples, count, heads, width // heads), operator)
    return making.turn(split, (0, 2, 1, 3), operator)


PLAIN = frozenset(
    ("divided", "is_causal", "kv_num_heads", "q_num_heads", "scale", "softcap", "softmax_precision", "transposed",
     "steps", "by_head", "qk_matmul_output_mode")  # the last is of an output that must not be asked for
)  # fmt: skip
"""What an operator may say and still be plain attention; of the causal and capped ones only that they are not."""


def exact(making: Making, operator: Operator, q: Value, k: Value, v: Value, others: list[Operand]) -> Value | None:
    """The row of attention with a softmax; None where it is something else."""
    readings = [reading(making, operator, x) for x in (q, k, v)]
    asked = [each for each in readings if each is not None]
    steps = operator.attributes.get("steps", ("Add",))
    by_head = operator.attributes.get("by_head", 0)
    factors = others[len(steps) : len(others) - by_head]
    scale = total_scale(making, operator, factors)
    is_other = operator.attributes.keys() - PLAIN or (factors and "transposed" not in operator.attributes)
    if len(asked) < 3 or scale is None or is_other:
        return None
    if operator.attributes.get("is_causal") or operator.attributes.get("softcap"):
        return None
    first, keys, values = asked
    if len({(each.heads, each.found.base.batch) for each in asked}) > 1 or keys.whole != values.whole:
        return None
    same = len({(each.frame, each.sizes, each.shifts, each.whole) for each in asked}) == 1
    if not same and any(each.frame for each in asked):
        return None
    terms = added(making, (*q.shape[:-1], k.shape[-2]), steps, others)
    found = None if terms is None else biased(making, operator, first, terms, same)
    if found is None:
        return None
    arguments: dict[str, Any] = {"heads": first.heads, **found.arguments}
    wanted = operator.attributes.get("scale", first.each**-0.5) * scale
    weights = found.weights
    if by_head:
        scales = others[-1]
        if not isclose(wanted, 1, rel_tol=1e-4) or not isinstance(scales, Constant) or scales.size != first.heads:
            return None
        if still(scales).derivation is None:
            if scales.roots.keys() & making.program.learned:
                return None
            making.account.note("the file holds the scales of cosines, of which the layers hold the logarithms")
        arguments["mode"] = "cosine"
        weights = {"logit_scale": scales, **weights}
    elif not isclose(wanted, first.each**-0.5, rel_tol=1e-4):
        arguments["scale"] = wanted
    for other in others:
        if not isinstance(other, Constant) or other not in (*weights.values(), found.gathered):
            making.ignored(other)
    made = first.found
    bases = [each.found.base for each in asked]
    _, rolled = made.base.unrolled()
    if "shift" in arguments:
        bases = [inner for inner, _ in (base.unrolled() for base in bases)]
    taken = tensors(making, bases)
    if found.table is not None:
        table = rows_of(making, operator, found.table)
        taken.append(table)
        arguments["bias"] = making.rows.graph.tensor_name(table)
    row = making.append(operator, "attention", taken, arguments, weights)
    result = making.made(row.number, made.base)
    made.base = making.roll(result, rolled, operator) if "shift" in arguments else result
    made.replace(len(made.axes) - 1, values.each)
    return making.arranged(made, operator)


# -- what is added to the products -------------------------------------------------------------------------------------


def added(
    making: Making, products: Sizes, steps: tuple[str, ...], operands: list[Operand]
) -> list[tuple[Constant, Sizes]] | None:
    """The constants that are added to products of this shape, and as what: windows, heads, queries and keys.

    None where something else is done to them.
    """
    shape, found = products, []
    for step, operand in reversed(list(zip(steps, operands))):
        if operand is None:
            continue
        if not isinstance(operand, Constant):
            return None
        if step == "Reshape":
            shape = reshaped_sizes(shape, whole_list(operand, "the shape"))
            continue
        if broadcast([shape, operand.shape]) != shape or shape[-3:] != products[-3:]:
            return None
        for term in terms_of(operand):
            own = (1, 1, 1, *term.shape)
            found.append((term, (prod(own[:-3]), *own[-3:])))
    return found if shape == products else None


HIDDEN = float("-inf")
"""What is added to a product that a truth value hides."""


def terms_of(constant: Constant) -> list[Constant]:
    """What a constant that is added is a sum of: something, and a mask of which it has been filled."""
    if constant.dtype == "bool":
        keeps = constant.values
        if keeps is None:
            return [constant]
        return [Constant(constant.shape, "float", [0.0 if keep else HIDDEN for keep in keeps])]
    derivation = constant.derivation
    if derivation is None or derivation.operator.kind != "Where" or None in derivation.operands:
        return [constant]
    chosen, first, second = derivation.operands
    assert chosen is not None
    assert first is not None
    assert second is not None
    for hides, filled, rest in ((True, first, second), (False, second, first)):
        if filled.size != 1 or filled.values is None or filled.values[0] > MASKED:
            continue
        mask = None
        if chosen.values is not None:
            mask = [filled.values[0] if bool(value) == hides else 0.0 for value in chosen.values]
        return [rest, Constant(chosen.shape, "float", mask)]
    return [constant]


class Added(NamedTuple):
    """Fields and weights of an attention with windows, a shift, and a bias."""

    arguments: dict[str, Any]
    weights: dict[str, Constant]
    table: Table | None = None
    """What a bias is gathered from that is worked out."""
    gathered: Constant | None = None
    """That bias."""


def biased(
    making: Making, operator: Operator, read: Reading, terms: list[tuple[Constant, Sizes]], same: bool
) -> Added | None:
    """What the constants that are added to the products say; None where one of them is no field of attention.

    `same`: queries and keys are positions of one map.
    """
    found = Added({}, {})
    if read.frame:
        found.arguments[read.frame] = compact(read.sizes)
    for constant, shape in terms:
        if nothing(making, constant):
            continue
        if not same:
            return None
        table = None if constant.gathered is not None else spread_table(making, operator, constant, read, shape)
        if table is not None and not found.weights:
            found.arguments["bias"] = "relative"
            found.weights["bias_table"] = table
        elif constant.gathered is not None:
            table = constant.gathered.table
            if is_moved(table):
                worked, heads_first = None, [False, True]
            else:
                wide = tuple([2 * size - 1 for size in read.sizes])
                worked = worked_out(making, table, wide, False) or worked_out(making, table, wide, True)
                if worked is None:
                    return None
                heads_first = [worked.channels_first]
            if found.weights or found.table or not is_relative(making, operator, constant, read, shape, heads_first):
                return None
            if worked is None:
                found.arguments["bias"] = "relative"
                found.weights["bias_table"] = table
                continue
            found = found._replace(table=worked, gathered=constant)
        elif "shift" in found.arguments or not is_mask(making, operator, constant, read, shape):
            return None
        else:
            found.arguments["shift"] = compact([-shift % size for shift, size in zip(read.shifts, read.whole)])
    return found


def is_relative(
    making: Making, operator: Operator, constant: Constant, read: Reading, shape: Sizes, heads_first: Sequence[bool]
) -> bool:
    """Whether a constant is, for each head, a table of the offsets between the positions of a window, or of a grid.

    `heads_first`: whether the heads are the first axis of the table, and not the last; what each may be.
    """
    assert constant.gathered is not None
    table, places = constant.gathered
    count, wide = prod(read.sizes), [2 * size - 1 for size in read.sizes]
    if shape != (1, read.heads, count, count) or table.size != read.heads * prod(wide):
        return False
    chosen = places.values
    if chosen is None:
        making.account.note(
            f"the file does not say which offset each element of the bias of {operator.name} belongs to: it is taken "
            "as one by relative position, whose sizes it has"
        )
        return True
    offsets = offsets_of(read.sizes)
    heads = range(read.heads)
    ways = {
        False: [offset * read.heads + head for head in heads for offset in offsets],
        True: [head * prod(wide) + offset for head in heads for offset in offsets],
    }
    return list(chosen) in [ways[is_first] for is_first in heads_first]


def offsets_of(sizes: Sizes) -> list[int]:
    """For every query and key of a window, the place of their offset in a table of 2*w - 1 per axis."""
    positions = list(itertools.product(*(range(size) for size in sizes)))
    steps = strides(tuple([2 * size - 1 for size in sizes]))
    return [
        sum((a - b + size - 1) * step for a, b, size, step in zip(query, key, sizes, steps))
        for query in positions
        for key in positions
    ]


def spread_table(
    making: Making, operator: Operator, constant: Constant, read: Reading, shape: Sizes
) -> Constant | None:
    """The table behind a constant that has an element for every two positions, equal where their offsets are.

    None where it is something else, a mask among them, or where the file does not hold its values.
    """
    count, wide = prod(read.sizes), prod(2 * size - 1 for size in read.sizes)
    if shape != (1, read.heads, count, count) or len(constant.roots) != 1:
        return None
    values = elements(constant)
    if values is None or min(values) <= MASKED:
        return None
    offsets, rows = offsets_of(read.sizes), iter(values)
    for _ in range(read.heads):
        found: dict[int, Any] = {}
        if any(found.setdefault(offset, value) != value for offset, value in zip(offsets, rows)):
            return None
    (root,) = constant.roots
    size = read.heads * wide
    making.account.repeat(root, constant.size - size)
    making.account.note(
        "a bias by relative position is in the file for every two positions: its elements count once for an offset"
    )
    return Constant((size,), constant.dtype, None, {root: size})


def elements(constant: Constant) -> Sequence[Any] | None:
    """The elements of a constant, also where there are many."""
    return constant.values if constant.values is not None or constant.held is None else constant.held.read()


MASKED = -50.0
"""What is added to products that do not count is at most this: -100 in the papers' code, or infinite."""


def is_mask(making: Making, operator: Operator, constant: Constant, read: Reading, shape: Sizes) -> bool:
    """Whether a constant keeps the parts of a rolled map that were not neighbours from attending to each other."""
    counts = [size // wide for size, wide in zip(read.whole, read.sizes)]
    each = prod(read.sizes)
    if not any(read.shifts) or read.frame == "grid" or shape != (prod(counts), 1, each, each):
        return False
    if constant.roots.keys() & making.program.learned:
        return False
    values = elements(constant)
    if values is None:
        making.account.note(
            f"the file does not hold the mask of {operator.name}: it is taken as that of shifted windows, whose sizes "
            "it has"
        )
        return True
    axes = []
    for size, shift in zip(read.whole, read.shifts):
        back = -shift % size
        axes.append([place >= size - back for place in range(size)])
    rows = iter(values)
    inner = list(itertools.product(*(range(wide) for wide in read.sizes)))
    for window in itertools.product(*(range(count) for count in counts)):
        parts = [
            tuple([axis[at * wide + place] for axis, at, wide, place in zip(axes, window, read.sizes, inside)])
            for inside in inner
        ]
        for a in parts:
            for b in parts:
                value = next(rows)
                if value != 0 if a == b else value > MASKED:
                    return False
    return True


# -- numbers and tensors -----------------------------------------------------------------------------------------------


def total_scale(making: Making, operator: Operator, factors: list[Operand]) -> float | None:
    """The product of the numbers by which queries, keys or their products are multiplied; None where one is none."""
    total = 1.0
    for place, factor in enumerate(factors):
        value = number(making, factor) if isinstance(factor, Constant) else None
        divides = place in operator.attributes.get("divided", ())
        if value is None or (divides and value == 0):
            return None
        total = total / value if divides else total * value
    return total


def nothing(making: Making, constant: Constant) -> bool:
    """Whether what is added to the products is zeros."""
    values = None if constant.roots.keys() & making.program.learned else constant.values
    return values is not None and not any(values)


def tensors(making: Making, bases: list[Value]) -> list[int]:
    """The graph tensors of q, k and v: one where they are its thirds, two where k and v are halves of the second."""
    views = [base.view if base.tensor is None else None for base in bases]
    for count in (3, 2):
        parts = [view for view in views[3 - count :] if view is not None and view.kind == PART]
        wholes = {id(part.of): part.of for part in parts}
        if len(parts) < count or len(wholes) > 1:
            continue
        (whole,) = wholes.values()
        width = whole.sample[0]
        bounds = [range(width * place // count, width * (place + 1) // count) for place in range(count)]
        if width % count == 0 and [part.argument for part in parts] == bounds:
            return [making.force(base) for base in (*bases[: 3 - count], whole)]
    return [making.force(base) for base in bases]


ATTENTION: dict[str, Translate] = {"Attention": attention}
