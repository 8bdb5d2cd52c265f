"""Attention and products of matrices in ONNX: products, a softmax, and what is added before it by position."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod, sqrt
from typing import TYPE_CHECKING, Any

from cnncalc.convert.onnx_out.operators import reduced, reshaped, scalar, sliced, transposed
from cnncalc.diagnostics import Fault
from cnncalc.geometry import Shape
from cnncalc.graph import Node
from cnncalc.layers.attention import LARGEST_SCALE, Frame

if TYPE_CHECKING:
    from cnncalc.convert.onnx_out.model import Writer


def attention(w: Writer, node: Node, *inputs: str) -> None:
    """Queries by keys, scaled, with a bias by position; shares of the values.  Heads and windows are axes of their own:
    windows, heads, positions, channels of a head."""
    layer: Any = node.operation.layer
    shapes = node.operation.inputs
    named = len(layer.named())
    given = [w.batched(x, inputs) for x in inputs[: len(inputs) - named]]
    q, k, v = projected(w, given)
    if layer.mode == "linear":
        summed_first(w, node, q, k, v)
        return
    frames = layer.frames(shapes)
    channels, *sizes = w.shapes[q]
    q, k, v = (by_head(w, layer.heads, x, frames) for x in (q, k, v))
    if layer.mode == "cosine":
        q, k = unit(w, q), unit(w, k)
    rank = len(w.shapes[q])
    scores = product(w, q, transposed(w, k, [*range(rank - 2), rank - 1, rank - 2]))
    scores = scaled(w, layer, scores, channels)
    bias = biases(w, layer, shapes, q, inputs[-1] if named else "")
    for added in bias:
        scores = w.op("Add", [scores, added], w.shapes[scores])
    if frames is not None and any(frame.shift for frame in frames):
        scores = w.op("Add", [scores, mask(w, frames)], w.shapes[scores])
    shares = w.op("Softmax", [scores], w.shapes[scores], axis=-1)
    joined(w, product(w, shares, v), sizes, frames)


def projected(w: Writer, given: Sequence[str]) -> Sequence[str]:
    """q, k and v of one, two or three tensors."""
    *first, last = given
    count = 3 - len(first)
    if count == 1:
        return given
    each = w.shapes[last][0] // count
    return [*first, *(sliced(w, last, [0], [part * each], [(part + 1) * each]) for part in range(count))]


def product(w: Writer, a: str, b: str) -> str:
    """The product of matrices, which the last two axes are."""
    left, right = w.shapes[a], w.shapes[b]
    return w.op("MatMul", [a, b], (*left[:-1], right[-1]))


def by_head(w: Writer, heads: int, x: str, frames: Sequence[Frame] | None) -> str:
    """A map as heads, positions and channels of a head; with windows before them where there are any."""
    channels, *sizes = w.shapes[x]
    if frames is None:
        x = reshaped(w, x, (heads, channels // heads, prod(sizes)))
        return transposed(w, x, [0, 2, 1])
    x = rolled(w, x, [frame.shift for frame in frames])
    x = reshaped(w, x, (heads, channels // heads, *(part for frame in frames for part in split(frame))))
    outer, inner = places(frames, 2)
    x = transposed(w, x, [*outer, 0, *inner, 1])
    counts = prod(frame.size // frame.keys for frame in frames)
    return reshaped(w, x, (counts, heads, prod(frame.keys for frame in frames), channels // heads))


def joined(w: Writer, x: str, sizes: Sequence[int], frames: Sequence[Frame] | None) -> str:
    """The map again: the inverse of `by_head`."""
    if frames is None:
        heads, _, each = w.shapes[x]
        x = transposed(w, x, [0, 2, 1])
        return reshaped(w, x, (heads * each, *sizes))
    _, heads, _, each = w.shapes[x]
    counts = [frame.size // frame.keys for frame in frames]
    x = reshaped(w, x, (*counts, heads, *(frame.keys for frame in frames), each))
    rank = len(frames)
    pairs = [(axis, rank + 1 + axis) for axis in range(rank)]
    if any(frame.grid for frame in frames):
        pairs = [(inner, outer) for outer, inner in pairs]
    x = transposed(w, x, [rank, 2 * rank + 1, *(axis for pair in pairs for axis in pair)])
    return rolled(w, reshaped(w, x, (heads * each, *sizes)), [frame.size - frame.shift for frame in frames])


def split(frame: Frame) -> tuple[int, int]:
    """An axis as windows and positions in them; those of a grid lie evenly over it."""
    count = frame.size // frame.keys
    return (frame.keys, count) if frame.grid else (count, frame.keys)


def places(frames: Sequence[Frame], first: int) -> tuple[list[int], list[int]]:
    """Of split axes those of the windows, and those of the positions in them."""
    outer = [first + 2 * axis + bool(frame.grid) for axis, frame in enumerate(frames)]
    inner = [first + 2 * axis + (not frame.grid) for axis, frame in enumerate(frames)]
    return outer, inner


def rolled(w: Writer, x: str, cuts: Sequence[int]) -> str:
    """Every axis from a cut on, and behind it what was before the cut."""
    for axis, cut in enumerate(cuts, 1):
        size = w.shapes[x][axis]
        if cut % size:
            parts = [sliced(w, x, [axis], [cut], [size]), sliced(w, x, [axis], [0], [cut])]
            x = w.op("Concat", parts, w.shapes[x], axis=axis + 1)
    return x


def mask(w: Writer, frames: Sequence[Frame]) -> str:
    """What hides from every position of a window those that a shift has moved there from the other end of the map.

    A number that a softmax makes 0, since runtimes make no number of minus infinity less itself.
    """
    windows: list[list[tuple[bool, ...]]] = [[()]]
    for frame in frames:
        order = [(place + frame.shift) % frame.size < frame.shift for place in range(frame.size)]
        rows = [order[start : start + frame.keys] for start in range(0, frame.size, frame.keys)]
        windows = [[(*place, side) for place in window for side in row] for window in windows for row in rows]
    count = prod(frame.keys for frame in frames)
    values = [0.0 if q == k else -1e9 for window in windows for q in window for k in window]
    return w.numbers("mask", values, (1, len(windows), 1, count, count))


def unit(w: Writer, x: str) -> str:
    """The channels of every head, which the last axis is, divided by their norm."""
    norm = reduced(w, "ReduceL2", x, [len(w.shapes[x]) - 1])
    norm = w.op("Clip", [norm, w.numbers("least", [1e-12], ())], w.shapes[norm])
    return w.op("Div", [x, norm], w.shapes[x])


def scaled(w: Writer, layer: Any, scores: str, channels: int) -> str:
    """The products times their factor: learned per head for cosines."""
    if layer.mode != "cosine":
        return scalar(w, "Mul", scores, 1 / sqrt(channels // layer.heads) if layer.scale is None else layer.scale)
    learned = w.op("Identity", [w.weight("logit_scale", (1, layer.heads, 1, 1))], (layer.heads, 1, 1), True)
    clipped = w.op("Clip", [learned, "", w.numbers("most", [LARGEST_SCALE], ())], w.shapes[learned])
    factor = w.op("Exp", [clipped], w.shapes[learned])
    return w.op("Mul", [scores, factor], w.shapes[scores])


# -- what is added by position -----------------------------------------------------------------------------------------


def biases(w: Writer, layer: Any, shapes: tuple[Shape, ...], q: str, named: str) -> list[str]:
    """What is added to the products, each broadcast over the windows."""
    if layer.bias == "none":
        return []
    if layer.bias == "decomposed":
        return decomposed(w, layer, shapes, q)
    frames = layer.frames(shapes)
    if named:
        heads, *sizes = w.shapes[named]
        table = reshaped(w, named, (heads, prod(sizes)))
    else:
        heads, *sizes = layer.table(shapes)
        table = w.op("Identity", [w.weight("bias_table", (1, heads, prod(sizes)))], (heads, prod(sizes)), True)
    rows = relative(layer, shapes, frames)
    flat = [place for row in rows for place in row]
    if -1 in flat:  # tokens have no bias: a column of 0 after the table
        if named:
            raise Fault("cannot-export", f"a table `{layer.bias}` beside tokens is not written")
        zeros = w.numbers("none", [0.0] * heads, (1, heads, 1))
        table = w.op("Concat", [table, zeros], (heads, prod(sizes) + 1), axis=2)
        flat = [prod(sizes) if place < 0 else place for place in flat]
    found = w.op("Gather", [table, w.integers("places", flat)], (heads, len(flat)), axis=2)
    return [reshaped(w, found, (*((1,) if frames is not None else ()), heads, len(rows), len(rows[0])))]


def relative(layer: Any, shapes: tuple[Shape, ...], frames: Sequence[Frame] | None) -> list[list[int]]:
    """For every query of a window (or of the map, behind its tokens) the places of all keys in a head's table."""
    q, k, _ = layer.tensors(shapes)
    if frames is None:
        every = layer.places(shapes)
        queries, keys = prod(q[1:]), prod(k[1:])
        return [[every[key * queries + query] for key in range(keys)] for query in range(queries)]
    rows = [[0]]
    for frame in frames:
        own, wide = range(frame.keys), 2 * frame.table - 1
        axis = [[place - key + frame.table - 1 for key in own] for place in own]
        rows = [[have * wide + more for have in row for more in further] for row in rows for further in axis]
    return rows


def decomposed(w: Writer, layer: Any, shapes: tuple[Shape, ...], q: str) -> list[str]:
    """Per axis the products of every query with the table's rows for all keys, 0 for tokens."""
    q_map, k_map = layer.map_sizes(shapes)
    _, k, _ = layer.tensors(shapes)
    heads, positions, each = w.shapes[q]
    tokens, key_tokens = positions - prod(q_map), prod(k[1:]) - prod(k_map)
    maps = reshaped(w, sliced(w, q, [1], [tokens], [positions]), (heads, *q_map, each))
    rank = len(q_map)
    total = ""
    for axis, ((name, shape), queries, keys) in enumerate(zip(layer.axis_tables(shapes), q_map, k_map)):
        wide, near = max(keys // queries, 1), max(queries // keys, 1)
        rows = [at * wide + (keys - 1 - key) * near for at in range(queries) for key in range(keys)]
        table = w.op("Identity", [w.weight(name, (1, *shape))], shape, True)
        table = w.op("Gather", [table, w.integers("rows", rows)], (len(rows), each), axis=1)
        table = transposed(w, reshaped(w, table, (queries, keys, each)), [0, 2, 1])
        order = [0, 1 + axis, *(1 + other for other in range(rank) if other != axis), 1 + rank]
        turned = transposed(w, maps, order)  # heads, the axis, the others, channels
        others = prod(q_map) // queries
        turned = reshaped(w, turned, (heads, queries, others, each))
        related = product(w, turned, table)
        related = reshaped(w, related, (*(w.shapes[turned][0:1]), *(w.shapes[maps][at] for at in order[1:-1]), keys))
        related = transposed(w, related, [order.index(at) for at in range(rank + 2)])
        spread = tuple(keys if other == axis else 1 for other in range(rank))
        related = reshaped(w, related, (heads, prod(q_map), *spread))
        if total:
            related = w.op("Add", [total, related], tuple(map(max, w.shapes[total], w.shapes[related])))
        total = related
    total = reshaped(w, total, (heads, prod(q_map), prod(k_map)))
    pads = [0, 0, tokens, key_tokens, 0, 0, 0, 0]
    if any(pads):
        wide_shape = (heads, positions, prod(k[1:]))
        total = w.op("Pad", [total, w.integers("pads", pads)], wide_shape)
    return [total]


def summed_first(w: Writer, node: Node, q: str, k: str, v: str) -> None:
    """relu(q) relu(k)' v over relu(q) relu(k)' 1: the keys are summed first."""
    layer: Any = node.operation.layer
    sizes = w.shapes[q][1:]
    q, k = (w.op("Relu", [x], w.shapes[x]) for x in (q, k))
    q, k, v = (by_head(w, layer.heads, x, None) for x in (q, k, v))
    heads, _, each = w.shapes[v]
    values = product(w, transposed(w, k, [0, 2, 1]), v)
    sums = transposed(w, reduced(w, "ReduceSum", k, [1]), [0, 2, 1])
    total = scalar(w, "Add", product(w, q, sums), 1e-15)
    found = w.op("Div", [product(w, q, values), total], (heads, w.shapes[q][1], each))
    joined(w, found, sizes, None)


def matmul(w: Writer, node: Node, *inputs: str) -> None:
    """Group by group, of channels by positions."""
    layer: Any = node.operation.layer
    sides = []
    for x in inputs:
        channels, *sizes = w.shapes[x]
        sides.append(reshaped(w, x, (layer.groups, channels // layer.groups, prod(sizes))))
    a, b = sides
    if layer.over == "channels":
        a = transposed(w, a, [0, 2, 1])
    elif layer.over == "positions":
        b = transposed(w, b, [0, 2, 1])
    reshaped(w, product(w, a, b), node.operation.output)


ATTENTION: dict[str, Callable[..., object]] = {"attention": attention, "matmul": matmul}
