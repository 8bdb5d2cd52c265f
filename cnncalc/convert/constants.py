"""Arithmetic on what is known without running the network: shapes, indices, scalars, and where weights come from.

An operator whose operands are all known is evaluated away.  Of large tensors (weights) only the shape is followed, and
which of the source's tensors they are made from.  It knows no layer kind and no graph.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any

from cnncalc.convert.operators import FLOATS, Constant, Operator, Sizes
from cnncalc.diagnostics import Fault
from cnncalc.geometry import LIMIT, dims

MAX_VALUES = 65_536
"""Elements of a tensor whose values are worked out."""

MAX_WORK = 20_000_000
"""Elements that are worked out for one source."""

Operands = Sequence[Constant | None]
Made = list[Constant]
Evaluate = Callable[["Evaluator", Operator, Operands], Made]


def bad(message: str) -> Fault:
    return Fault("bad-model", message)


def whole_list(constant: Constant, what: str) -> list[int]:
    """The values of a shape, of axes or indices; raises `Fault` where they are not there."""
    values = constant.values
    if values is None:
        raise bad(f"the values of {what} are not in the file")
    if constant.dtype == "text" or any(isinstance(value, float) and not value.is_integer() for value in values):
        raise bad(f"{what} must be whole numbers")
    return [int(value) for value in values]


class Evaluator:
    """Evaluates operators, within a bound on the work for one source."""

    def __init__(self) -> None:
        self.work = 0

    def run(self, operator: Operator, operands: Operands) -> Made | None:
        """The results of an operator with known operands; None where it is none that is known here.

        Raises `Fault` where the operator cannot have these operands.
        """
        evaluate = EVALUATED.get(operator.kind)
        if evaluate is None:
            return None
        try:
            return evaluate(self, operator, operands)
        except (IndexError, TypeError, ValueError, AttributeError, OverflowError, ZeroDivisionError) as error:
            # operands that are missing, of another rank or of another type, in a file that is wrong
            raise bad(f"`{operator.kind}` cannot take these operands ({error})") from None

    def make(
        self,
        shape: Iterable[int],
        dtype: str,
        operands: Operands,
        compute: Callable[[], Sequence[Any]],
        roots: dict[str, int] | None = None,
    ) -> Constant:
        """A tensor of this shape, with values where those of all operands are known and it is small enough."""
        sizes = tuple(shape)
        size = 1
        for length in sizes:
            if length < 0:
                raise bad(f"a tensor would have the shape {dims(sizes)}")
            size *= length
        if size > LIMIT:
            raise Fault("too-large", f"a tensor of {dims(sizes)} has more than 2**63 elements")
        made = Constant(sizes, dtype, roots=merged(operands, size) if roots is None else roots)
        if size <= MAX_VALUES and all(operand is None or operand.values is not None for operand in operands):
            self.work += size
            if self.work > MAX_WORK:
                raise Fault("too-large", f"more than {MAX_WORK:,} constants would have to be worked out")
            values = compute()
            if dtype == "int" and any(abs(value) > 2 * LIMIT + 1 for value in values):
                raise Fault("too-large", "a whole number is beyond 64 bits")
            made = Constant(sizes, dtype, values, made.roots)
        return made


def merged(operands: Operands, most: int) -> dict[str, int]:
    """The tensors that operands are made from, and of each at most so many elements."""
    found: dict[str, int] = {}
    for operand in operands:
        if operand is not None:
            for name, count in operand.roots.items():
                found[name] = min(count, most) if len(operand.roots) == 1 else count
    return found


def given(operands: Operands, place: int) -> Constant | None:
    return operands[place] if place < len(operands) else None


def needed(operands: Operands, place: int) -> Constant:
    operand = given(operands, place)
    if operand is None:
        raise bad(f"operand {place + 1} is missing")
    return operand


def attribute_or_operand(operator: Operator, operands: Operands, name: str, place: int) -> list[int] | None:
    """Whole numbers that older opsets have as an attribute and newer ones as an operand."""
    value = operator.attributes.get(name)
    if value is not None:
        return [int(entry) for entry in (value if isinstance(value, tuple) else (value,))]
    operand = given(operands, place)
    return None if operand is None else whole_list(operand, f"`{name}`")


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the front; raises `Fault` where there is none."""
    if not -rank <= axis < rank:
        raise bad(f"there is no axis {axis} among {rank}")
    return axis % rank if rank else 0


# -- pointwise ---------------------------------------------------------------------------------------------------------


def broadcast(shapes: Sequence[Sizes]) -> Sizes:
    """The shape of a pointwise result, by NumPy's rule; raises `Fault`."""
    rank = max(map(len, shapes), default=0)
    found = []
    for place in range(rank):
        sizes = {shape[place - rank + len(shape)] for shape in shapes if place - rank + len(shape) >= 0}
        wide = sizes - {1}
        if len(wide) > 1:
            listed = " and ".join(dims(shape) or "a scalar" for shape in shapes)
            raise bad(f"{listed} do not go together")
        found.append(wide.pop() if wide else 1)
    return tuple(found)


def spread(constant: Constant, shape: Sizes) -> list[Any]:
    """The values of a tensor, broadcast to `shape`."""
    values = list(constant.values or ())
    if constant.shape == shape:
        return values
    if len(values) == 1:
        return values * math.prod(shape)
    own = (1,) * (len(shape) - len(constant.shape)) + constant.shape
    steps = strides(own)
    axes = [[place * step if size > 1 else 0 for place in range(long)] for size, step, long in zip(own, steps, shape)]
    return [values[sum(place)] for place in product(*axes)]


def strides(shape: Sizes) -> list[int]:
    """Elements between neighbours along each axis."""
    found = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        found[axis] = found[axis + 1] * shape[axis + 1]
    return found


def fitted(value: Any, dtype: str) -> Any:
    """A result in the precision of its type."""
    if dtype == "float":
        try:
            return struct.unpack("<f", struct.pack("<f", value))[0]
        except OverflowError:
            return math.copysign(math.inf, value)
    return value


def pointwise(function: Callable[..., Any], dtype: str | None = None) -> Evaluate:
    """The evaluation of an operator that works element by element; `dtype` is the result's, else the operands'."""

    def evaluate(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
        tensors = [operand for operand in operands if operand is not None]
        shape = broadcast([tensor.shape for tensor in tensors])
        own = tensors[-1].dtype if operator.kind == "Where" else tensors[0].dtype
        result = dtype or own

        def compute() -> list[Any]:
            return [fitted(function(*row), result) for row in zip(*(spread(tensor, shape) for tensor in tensors))]

        return [evaluator.make(shape, result, tensors, compute)]

    return evaluate


def divide(a: Any, b: Any) -> Any:
    """Whole numbers are cut towards zero, as in C."""
    if isinstance(a, int) and isinstance(b, int):
        if b == 0:
            raise bad("a whole number is divided by 0")
        quotient = abs(a) // abs(b)
        return quotient if (a < 0) == (b < 0) else -quotient
    if b == 0:
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1, b)
    return a / b


def power(a: Any, b: Any) -> Any:
    if isinstance(a, int) and isinstance(b, int) and b >= 0:
        if abs(a) > 1 and b > 64:
            raise Fault("too-large", f"{a}**{b} is beyond 64 bits")
        return a**b
    return real(lambda: float(a) ** float(b))


def real(function: Callable[[], Any]) -> float:
    """A decimal result; not a number where there is no real one, infinite where it is too large (IEEE 754)."""
    try:
        value = function()
    except (ValueError, ZeroDivisionError):
        return math.nan
    except OverflowError:
        return math.inf
    return math.nan if isinstance(value, complex) else value


def decimal(function: Callable[[float], float]) -> Evaluate:
    return pointwise(lambda a: real(lambda: function(a)))


def half_even(a: float) -> float:
    return float(round(a)) if math.isfinite(a) else a


def modulo(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    fmod = operator.attributes.get("fmod", 0)

    def function(a: Any, b: Any) -> Any:
        if b == 0:
            raise bad("a number is divided by 0")
        if fmod:
            found = math.fmod(a, b)
            return int(found) if isinstance(a, int) else found
        return a % b

    return pointwise(function)(evaluator, operator, operands)


def clip(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x = needed(operands, 0)
    bounds: list[float] = []
    for place, (name, default) in enumerate((("min", -math.inf), ("max", math.inf)), 1):
        bound = given(operands, place)
        if bound is not None and bound.values is None:
            return [Constant(x.shape, x.dtype, roots=x.roots)]
        bounds.append(bound.values[0] if bound is not None and bound.values else operator.attributes.get(name, default))
    low, high = bounds
    return [evaluator.make(x.shape, x.dtype, [x], lambda: [min(max(value, low), high) for value in x.values or ()])]


DTYPES = {1: "float", 10: "float", 16: "float", 11: "double", 9: "bool", 8: "text"}


def cast(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x = needed(operands, 0)
    like = given(operands, 1)
    dtype = like.dtype if like is not None else DTYPES.get(operator.attributes.get("to", 1), "int")
    if dtype == "text" or x.dtype == "text":
        raise Fault("unsupported", "a text is made from numbers, or numbers from a text")

    def compute() -> list[Any]:
        if dtype == "bool":
            return [bool(value) for value in x.values or ()]
        if dtype == "int":
            return [int(value) for value in x.values or ()]
        return [fitted(float(value), dtype) for value in x.values or ()]

    return [evaluator.make(x.shape, dtype, [x], compute, roots=x.roots)]


def dequantize(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    """Whole numbers that stand for weights: their tensor is the weight, scale and zero point are constants."""
    x = needed(operands, 0)
    return [Constant(x.shape, "float", roots=x.roots)]


# -- rearranging -------------------------------------------------------------------------------------------------------


def taken(evaluator: Evaluator, x: Constant, axes: Sequence[Sequence[int]], shape: Iterable[int] | None = None) -> Made:
    """The tensor with the given places of every axis, in another shape if one is given."""
    sizes = tuple(len(places) for places in axes)
    steps = strides(x.shape)

    def compute() -> list[Any]:
        values = x.values or ()
        rows = [[place * step for place in places] for places, step in zip(axes, steps)]
        return [values[sum(place)] for place in product(*rows)]

    return [evaluator.make(sizes if shape is None else shape, x.dtype, [x], compute)]


def places(size: int) -> range:
    return range(size)


def reshaped_sizes(source: Sizes, target: Sequence[int], allow_zero: bool = False) -> Sizes:
    """The shape that Reshape gives: 0 keeps a size, -1 is inferred; raises `Fault` where it does not fit."""
    total = math.prod(source)
    sizes = []
    for axis, size in enumerate(target):
        kept = size == 0 and not allow_zero
        if kept and axis >= len(source):
            raise bad(f"the new shape {list(target)} keeps axis {axis} of {dims(source)}")
        sizes.append(source[axis] if kept else size)
    if sizes.count(-1) > 1 or any(size < -1 for size in sizes):
        raise bad(f"the new shape {list(target)} is none")
    if -1 in sizes:
        known = -math.prod(sizes)
        if known == 0 or total % known:
            raise bad(f"the {total:,} elements of {dims(source)} do not fit the new shape {list(target)}")
        sizes[sizes.index(-1)] = total // known
    if math.prod(sizes) != total:
        raise bad(f"the {total:,} elements of {dims(source)} do not fit the new shape {list(target)}")
    return tuple(sizes)


def same_values(evaluator: Evaluator, x: Constant, shape: Iterable[int]) -> Made:
    return [evaluator.make(shape, x.dtype, [x], lambda: x.values or (), roots=x.roots)]


def identity(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    return [needed(operands, 0)]


def reshape(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x = needed(operands, 0)
    target = attribute_or_operand(operator, operands, "shape", 1) or []
    return same_values(evaluator, x, reshaped_sizes(x.shape, target, bool(operator.attributes.get("allowzero"))))


def flatten(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x = needed(operands, 0)
    axis = operator.attributes.get("axis", 1)
    axis = axis if axis == len(x.shape) else axis_of(axis, len(x.shape))
    return same_values(evaluator, x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))


def squeezed_sizes(shape: Sizes, axes: Sequence[int] | None) -> Sizes:
    """The shape without the given axes of size 1, or without all of them."""
    if axes is None:
        return tuple(size for size in shape if size != 1)
    gone = {axis_of(axis, len(shape)) for axis in axes}
    if any(shape[axis] != 1 for axis in gone):
        raise bad(f"an axis of {dims(shape)} that is dropped is not of size 1")
    return tuple(size for axis, size in enumerate(shape) if axis not in gone)


def unsqueezed_sizes(shape: Sizes, axes: Sequence[int]) -> Sizes:
    """The shape with axes of size 1 at the given places of the result."""
    rank = len(shape) + len(axes)
    new = {axis_of(axis, rank) for axis in axes}
    rest = iter(shape)
    if len(new) != len(axes):
        raise bad(f"the axes {list(axes)} are inserted twice")
    return tuple(1 if axis in new else next(rest) for axis in range(rank))


def squeeze(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x = needed(operands, 0)
    return same_values(evaluator, x, squeezed_sizes(x.shape, attribute_or_operand(operator, operands, "axes", 1)))


def unsqueeze(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x = needed(operands, 0)
    axes = attribute_or_operand(operator, operands, "axes", 1) or []
    return same_values(evaluator, x, unsqueezed_sizes(x.shape, axes))


def transpose(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x = needed(operands, 0)
    axes = permutation(operator, len(x.shape))
    steps = strides(x.shape)

    def compute() -> list[Any]:
        values = x.values or ()
        return [values[sum(at)] for at in product(*([p * steps[a] for p in range(x.shape[a])] for a in axes))]

    return [evaluator.make([x.shape[axis] for axis in axes], x.dtype, [x], compute, roots=x.roots)]


def permutation(operator: Operator, rank: int) -> tuple[int, ...]:
    """The axes of a Transpose: reversed where none are given; raises `Fault` where they are no permutation."""
    axes = operator.attributes.get("perm") or tuple(range(rank))[::-1]
    if sorted(axes) != list(range(rank)):
        raise bad(f"the axes {list(axes)} are no order of {rank} axes")
    return tuple(axes)


def gather(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x, indices = needed(operands, 0), needed(operands, 1)
    axis = axis_of(operator.attributes.get("axis", 0), len(x.shape))
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    if indices.values is None:
        return [Constant(shape, x.dtype, roots=merged([x], math.prod(shape)))]
    chosen = [axis_of(int(index), x.shape[axis]) for index in indices.values]
    axes = [places(size) for size in x.shape]
    return taken(evaluator, x, [*axes[:axis], chosen, *axes[axis + 1 :]], shape)


def gather_places(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    """GatherND: only the shape is followed."""
    x, indices = needed(operands, 0), needed(operands, 1)
    batch, depth = operator.attributes.get("batch_dims", 0), indices.shape[-1]
    if not 0 < batch + depth <= len(x.shape):
        raise bad(f"places of {dims(indices.shape)} are none in {dims(x.shape)}")
    return [Constant((*indices.shape[:-1], *x.shape[batch + depth :]), x.dtype, roots=x.roots)]


def rewritten(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    """What keeps the shape of its first operand: ScatterND, Trilu, CumSum; the values are not worked out."""
    x = needed(operands, 0)
    return [Constant(x.shape, x.dtype, roots=merged(operands, x.size))]


def slice_axes(operator: Operator, operands: Operands, shape: Sizes) -> list[range]:
    """The places of every axis that a Slice keeps; raises `Fault`."""
    starts = attribute_or_operand(operator, operands, "starts", 1)
    ends = attribute_or_operand(operator, operands, "ends", 2)
    if starts is None or ends is None:
        raise bad("a slice needs `starts` and `ends`")
    axes = attribute_or_operand(operator, operands, "axes", 3)
    steps = attribute_or_operand(operator, operands, "steps", 4)
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise bad("`starts`, `ends`, `axes` and `steps` have different lengths")
    found = [range(size) for size in shape]
    for start, end, axis, step in zip(starts, ends, axes, steps):
        if step == 0:
            raise bad("a slice has the step 0")
        place = axis_of(axis, len(shape))
        found[place] = range(shape[place])[start:end:step]
    return found


def slice_(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x = needed(operands, 0)
    return taken(evaluator, x, slice_axes(operator, operands, x.shape))


def concat(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    tensors = [needed(operands, place) for place in range(len(operands))]
    rank = len(tensors[0].shape)
    axis = axis_of(operator.attributes.get("axis", 0), rank)
    if any(len(tensor.shape) != rank for tensor in tensors):
        raise bad("tensors of different ranks are joined")
    others = {(*tensor.shape[:axis], *tensor.shape[axis + 1 :]) for tensor in tensors}
    if len(others) > 1:
        raise bad("the tensors that are joined differ off the axis")
    shape = (*tensors[0].shape[:axis], sum(tensor.shape[axis] for tensor in tensors), *tensors[0].shape[axis + 1 :])

    def compute() -> list[Any]:
        found: list[Any] = []
        before = math.prod(shape[:axis])
        for place in range(before):
            for tensor in tensors:
                each = len(tensor.values or ()) // before
                found += (tensor.values or ())[place * each : (place + 1) * each]
        return found

    roots: dict[str, int] = {}
    for tensor in tensors:
        for name, count in tensor.roots.items():
            roots[name] = roots.get(name, 0) + count
    return [evaluator.make(shape, tensors[0].dtype, tensors, compute, roots)]


def split_sizes(operator: Operator, operands: Operands, size: int) -> list[int]:
    """The sizes of the parts that a Split makes of an axis; raises `Fault`."""
    sizes = attribute_or_operand(operator, operands, "split", 1)
    if sizes is None:
        count = operator.attributes.get("num_outputs") or len(operator.outputs)
        each = -(-size // count)
        sizes = [max(0, min(each, size - place * each)) for place in range(count)]
    if sum(sizes) != size or any(part < 0 for part in sizes) or len(sizes) < len(operator.outputs):
        raise bad(f"an axis of size {size} is split into {sizes[:20]}")
    return sizes


def split(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x = needed(operands, 0)
    axis = axis_of(operator.attributes.get("axis", 0), len(x.shape))
    found: Made = []
    start = 0
    for size in split_sizes(operator, operands, x.shape[axis]):
        axes: list[Sequence[int]] = [places(length) for length in x.shape]
        axes[axis] = range(start, start + size)
        found += taken(evaluator, x, axes)
        start += size
    return found


def expand(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x = needed(operands, 0)
    target = whole_list(needed(operands, 1), "`shape`")
    shape = broadcast([x.shape, tuple(target)])
    return [evaluator.make(shape, x.dtype, [x], lambda: spread(x, shape))]


def tile(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x, repeats = needed(operands, 0), whole_list(needed(operands, 1), "`repeats`")
    if len(repeats) != len(x.shape) or any(count < 0 for count in repeats):
        raise bad(f"a tensor of {dims(x.shape)} is repeated {repeats} times")
    shape = [size * count for size, count in zip(x.shape, repeats)]
    if math.prod(shape) > MAX_VALUES:
        return [Constant(tuple(shape), x.dtype, roots=x.roots)]
    return taken(evaluator, x, [list(range(size)) * count for size, count in zip(x.shape, repeats)])


def reduce(function: Callable[[list[Any]], Any]) -> Evaluate:
    """The evaluation of a reduction over axes."""

    def evaluate(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
        x = needed(operands, 0)
        axes = attribute_or_operand(operator, operands, "axes", 1)
        rank = len(x.shape)
        over = set(range(rank)) if not axes else {axis_of(axis, rank) for axis in axes}
        keep = operator.attributes.get("keepdims", 1)
        inner = [1 if axis in over else size for axis, size in enumerate(x.shape)]
        shape = [size for axis, size in enumerate(inner) if keep or axis not in over]
        steps = strides(x.shape)

        def compute() -> list[Any]:
            values = x.values or ()
            offsets = [sum(at) for at in product(*([p * steps[a] for p in range(x.shape[a])] for a in sorted(over)))]
            starts = [sum(at) for at in product(*([p * steps[a] for p in range(inner[a])] for a in range(rank)))]
            return [fitted(function([values[s + o] for o in offsets]), x.dtype) for s in starts]

        return [evaluator.make(shape, x.dtype, [x], compute)]

    return evaluate


def constant_of_shape(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    """A tensor of equal numbers; of decimals it may be weights, so it counts as one that the source holds."""
    shape = whole_list(needed(operands, 0), "the shape")
    value = operator.attributes.get("value")
    dtype = value.dtype if isinstance(value, Constant) else "float"
    entry = (value.values or (0,))[0] if isinstance(value, Constant) else 0.0
    roots = {operator.outputs[0]: math.prod(shape)} if dtype in FLOATS and shape else {}
    size = math.prod(shape)
    return [evaluator.make(shape, dtype, [], lambda: [entry] * size, roots)]


def range_(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    ends = [needed(operands, place) for place in range(3)]
    if any(end.values is None for end in ends):
        raise bad("the ends of a range are not in the file")
    start, limit, step = [(end.values or (0,))[0] for end in ends]
    if step == 0:
        raise bad("a range has the step 0")
    count = max(0, math.ceil((limit - start) / step))
    return [evaluator.make((count,), ends[0].dtype, ends, lambda: [start + place * step for place in range(count)])]


def nonzero(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    x = needed(operands, 0)
    if x.values is None:
        raise Fault("unsupported", "how many elements are not 0 is not known without the weights")
    found = [place for place, value in enumerate(x.values) if value]
    steps = strides(x.shape)
    rows = [[place // step % size for place in found] for step, size in zip(steps, x.shape)]
    shape = (len(x.shape), len(found))
    return [evaluator.make(shape, "int", [x], lambda: [place for row in rows for place in row])]


def constant(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    """The value of a Constant node, in any of its attributes."""
    name = operator.outputs[0]
    for key, value in operator.attributes.items():
        if isinstance(value, Constant):
            value.roots = {name: value.size}
            return [value]
        entries = list(value) if isinstance(value, tuple) else [value]
        shape = (len(entries),) if isinstance(value, tuple) else ()
        if key.startswith("value_float"):
            return [Constant(shape, "float", [float(entry) for entry in entries], {name: len(entries)})]
        if key.startswith("value_int"):
            return [Constant(shape, "int", entries, {name: len(entries)})]
        if key.startswith("value_string"):
            return [Constant(shape, "text", None, {})]
    raise Fault("unsupported", "the constant has no value that cnncalc reads")


def shape_of(operator: Operator, shape: Sizes) -> Constant:
    """The result of Shape on a tensor of this shape."""
    start, end = operator.attributes.get("start", 0), operator.attributes.get("end")
    values = shape[start:end]
    return Constant((len(values),), "int", values)


def shape(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    return [shape_of(operator, needed(operands, 0).shape)]


def size(evaluator: Evaluator, operator: Operator, operands: Operands) -> Made:
    return [Constant((), "int", (math.prod(needed(operands, 0).shape),))]


def _sign(value: Any) -> Any:
    return type(value)((value > 0) - (value < 0))


EVALUATED: dict[str, Evaluate] = {
    "Constant": constant,
    "ConstantOfShape": constant_of_shape,
    "Range": range_,
    "Shape": shape,
    "Size": size,
    "Identity": identity,
    "Dropout": identity,
    "Cast": cast,
    "CastLike": cast,
    "DequantizeLinear": dequantize,
    "Reshape": reshape,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Transpose": transpose,
    "Gather": gather,
    "GatherND": gather_places,
    **dict.fromkeys(("ScatterND", "ScatterElements", "Scatter", "Trilu", "CumSum"), rewritten),
    "Slice": slice_,
    "Concat": concat,
    "Split": split,
    "Expand": expand,
    "Tile": tile,
    "NonZero": nonzero,
    "Clip": clip,
    "Mod": modulo,
    "Add": pointwise(lambda a, b: a + b),
    "Sub": pointwise(lambda a, b: a - b),
    "Mul": pointwise(lambda a, b: a * b),
    "Div": pointwise(divide),
    "Pow": pointwise(power),
    "Min": pointwise(lambda *row: min(row)),
    "Max": pointwise(lambda *row: max(row)),
    "Sum": pointwise(lambda *row: sum(row)),
    "Neg": pointwise(lambda a: -a),
    "Abs": pointwise(abs),
    "Sign": pointwise(_sign),
    "Sqrt": decimal(math.sqrt),
    "Exp": decimal(math.exp),
    "Log": decimal(math.log),
    "Reciprocal": pointwise(lambda a: divide(1.0, a)),
    "Floor": pointwise(lambda a: float(math.floor(a)) if math.isfinite(a) else a),
    "Ceil": pointwise(lambda a: float(math.ceil(a)) if math.isfinite(a) else a),
    "Round": pointwise(half_even),
    "Equal": pointwise(lambda a, b: a == b, "bool"),
    "Less": pointwise(lambda a, b: a < b, "bool"),
    "LessOrEqual": pointwise(lambda a, b: a <= b, "bool"),
    "Greater": pointwise(lambda a, b: a > b, "bool"),
    "GreaterOrEqual": pointwise(lambda a, b: a >= b, "bool"),
    "And": pointwise(lambda a, b: bool(a and b), "bool"),
    "Or": pointwise(lambda a, b: bool(a or b), "bool"),
    "Not": pointwise(lambda a: not a, "bool"),
    "Where": pointwise(lambda chosen, a, b: a if chosen else b),
    "ReduceSum": reduce(sum),
    "ReduceProd": reduce(math.prod),
    "ReduceMax": reduce(max),
    "ReduceMin": reduce(min),
    "ReduceMean": reduce(lambda row: sum(row) / len(row)),
}
"""By operator, how it is evaluated."""
