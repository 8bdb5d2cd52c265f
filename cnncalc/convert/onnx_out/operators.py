"""What several kinds need in ONNX: operators that move, pad and mix, and the writers of single operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cnncalc.geometry import Shape
from cnncalc.graph import Node

if TYPE_CHECKING:
    from cnncalc.convert.onnx_out.model import Writer


Rows = Sequence[Sequence[tuple[int, float]]]
"""Along one axis, for every output position the input positions that it sums up, and their shares."""


def take(w: Writer, x: str, axis: int, positions: Sequence[int]) -> str:
    """Positions along an axis (0: the channels), in this order."""
    shape = w.shapes[x]
    if list(positions) == list(range(shape[axis])):
        return x
    indices = w.integers("indices", positions)
    return w.op("Gather", [x, indices], _with(shape, axis, len(positions)), axis=axis + 1)


def _with(shape: Shape, axis: int, size: int) -> Shape:
    return (*shape[:axis], size, *shape[axis + 1 :])


def mix(w: Writer, x: str, axis: int, rows: Rows) -> str:
    """Along an axis every output position as a sum of input positions by their shares: a product with a matrix."""
    shape = w.shapes[x]
    matrix = [[0.0] * len(rows) for _ in range(shape[axis])]
    for output, row in enumerate(rows):
        for position, share in row:
            matrix[position][output] += share
    shares = w.numbers("shares", [share for row in matrix for share in row], (shape[axis], len(rows)))
    last = len(shape) - 1
    swapped = [*range(len(shape))]
    swapped[axis], swapped[last] = last, axis
    x = transposed(w, x, swapped)
    x = w.op("MatMul", [x, shares], _with(w.shapes[x], last, len(rows)))
    return transposed(w, x, swapped)


def transposed(w: Writer, x: str, axes: Sequence[int]) -> str:
    """The axes (0: the channels) in another order."""
    if list(axes) == list(range(len(axes))):
        return x
    shape = tuple(w.shapes[x][axis] for axis in axes)
    return w.op("Transpose", [x], shape, perm=[0, *(axis + 1 for axis in axes)])


def reshaped(w: Writer, x: str, shape: Shape) -> str:
    """The same elements in another shape."""
    return w.op("Reshape", [x, w.integers("shape", [0, *shape])], shape)


def reduced(w: Writer, operator: str, x: str, axes: Sequence[int]) -> str:
    """A reduction over axes that are kept, with one position; -1 is the batch.  Axes are an input since opset 18."""
    shape = tuple(1 if axis in axes else size for axis, size in enumerate(w.shapes[x]))
    over = [axis + 1 for axis in axes]
    single = -1 in axes
    if w.opset < 18 and operator != "ReduceSum":  # whose axes are an input since opset 13
        return w.op(operator, [x], shape, single, axes=over, keepdims=1)
    return w.op(operator, [x, w.integers("axes", over)], shape, single, keepdims=1)


def padded(w: Writer, x: str, pads: Sequence[tuple[int, int]], mode: str, value: float = 0.0) -> str:
    """Positions added before and after every axis, the channels first."""
    shape = w.shapes[x]
    if not any(map(any, pads)):
        return x
    wide = tuple(size + sum(pad) for size, pad in zip(shape, pads))
    word = {"zeros": "constant", "constant": "constant", "replicate": "edge", "reflect": "reflect"}.get(mode)
    if word is None or (mode == "reflect" and any(max(pad) >= size for size, pad in zip(shape, pads))):
        for axis, (before, after) in enumerate(pads):
            places = range(-before, shape[axis] + after)
            x = take(w, x, axis, [around(place, shape[axis], mode) for place in places])
        return x
    amounts = w.integers("pads", [0, *(before for before, _ in pads), 0, *(after for _, after in pads)])
    inputs = [x, amounts] if word != "constant" else [x, amounts, w.numbers("value", [value], ())]
    return w.op("Pad", inputs, wide, mode=word)


def around(place: int, width: int, mode: str) -> int:
    """The position that stands at a place beyond the border, where it is no constant."""
    if mode == "circular":
        return place % width
    period = max(1, 2 * (width - 1))
    return min(place % period, period - place % period)


def sliced(w: Writer, x: str, axes: Sequence[int], starts: Sequence[int], stops: Sequence[int]) -> str:
    """Positions from start up to stop of some axes."""
    shape = list(w.shapes[x])
    for axis, start, stop in zip(axes, starts, stops):
        shape[axis] = stop - start
    names = ("starts", starts), ("ends", stops), ("axes", [axis + 1 for axis in axes])
    return w.op("Slice", [x, *(w.integers(name, values) for name, values in names)], tuple(shape))


def scalar(w: Writer, operator: str, x: str, value: float) -> str:
    """A binary operator with a number."""
    return w.op(operator, [x, w.numbers("value", [value], ())], w.shapes[x])


def per_channel(w: Writer, weight: str, x: str) -> str:
    """A tensor of weights with a value per channel, which broadcasts over the spatial axes."""
    return w.weight(weight, (w.shapes[x][0],) + (1,) * (len(w.shapes[x]) - 1))


def each_axis(pads: Sequence[Any]) -> dict[str, Any]:
    """Windows as the attributes of a sliding operator."""
    return {
        "kernel_shape": [window.size for window in pads],
        "strides": [window.stride for window in pads],
        "dilations": [window.dilation for window in pads],
        "pads": [*(window.before for window in pads), *(window.after for window in pads)],
    }


def elementwise(operator: str, *fields: str, **fixed: Any) -> Callable[[Writer, Node, str], None]:
    """An operator on one input, with some of the layer's fields, which are numbers, as attributes."""

    def write(w: Writer, node: Node, x: str) -> None:
        given: dict[str, Any] = {name: float(getattr(node.operation.layer, name)) for name in fields}
        w.op(operator, [x], node.operation.output, **given, **fixed)

    return write
