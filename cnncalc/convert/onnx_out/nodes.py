"""What each layer kind is in ONNX: one function per kind or family, in the table `WRITERS`.

A function adds operators to the `Writer`; the last one is the layer's row.  Windows come from the layer's reach, their
padding resolved.  What an operator cannot say is said by others together: borders by `Gather`, means over uneven
windows by a product with a matrix of shares.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from math import pi, prod, sqrt
from typing import TYPE_CHECKING, Any

from cnncalc.geometry import GLOBAL, Intervals, Shape, Window
from cnncalc.graph import Node
from cnncalc.layers.windows import per_axis

if TYPE_CHECKING:
    from fractions import Fraction

    from cnncalc.convert.onnx_out.model import Writer

Rows = Sequence[Sequence[tuple[int, float]]]
"""Along one axis, for every output position the input positions that it sums up, and their shares."""


# -- what several kinds need -------------------------------------------------------------------------------------------


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
    if w.opset < 18:
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
    return min(place % period, period - place % period) if width > 1 else 0


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


# -- convolutions and dense layers -------------------------------------------------------------------------------------


def conv(w: Writer, node: Node, x: str) -> None:
    layer: Any = node.operation.layer
    windows: Any = node.operation.reach
    groups = layer.split(w.shapes[x][0])[1]
    if layer.border != "zeros":
        x = padded(w, x, [(0, 0), *((window.before, window.after) for window in windows)], layer.border)
        windows = [window._replace(before=0, after=0) for window in windows]
    inputs = [x, w.weight("weight"), *([w.weight("bias")] if layer.bias else [])]
    w.op("Conv", inputs, node.operation.output, group=groups, **each_axis(windows))


def conv_transpose(w: Writer, node: Node, x: str) -> None:
    """Positions that no window writes hold the bias alone: where ONNX's limit on output_padding is passed (or padding
    is negative, as `same` with a stride above the kernel), they are padded in before the bias is added."""
    layer: Any = node.operation.layer
    windows: Any = node.operation.reach
    extras = [window.extra for window in windows]
    inside = all(
        window.extra < max(window.stride, window.dilation) and min(window.before, window.after) >= 0
        for window in windows
    )
    if inside:
        inputs = [x, w.weight("weight"), *([w.weight("bias")] if layer.bias else [])]
        attributes = each_axis(windows) | {"output_padding": extras}
        w.op("ConvTranspose", inputs, node.operation.output, group=layer.groups, **attributes)
        return
    cut = [window._replace(after=max(0, window.after - window.extra), extra=0) for window in windows]
    shape = (layer.channels, *(window.output(width) for window, width in zip(cut, w.shapes[x][1:])))
    y = w.op("ConvTranspose", [x, w.weight("weight")], shape, group=layer.groups, **each_axis(cut))
    y = padded(w, y, [(0, 0), *((0, max(0, window.extra - window.after)) for window in windows)], "zeros")
    if layer.bias:
        w.op("Add", [y, per_channel(w, "bias", y)], node.operation.output)


def linear(w: Writer, node: Node, x: str) -> None:
    layer: Any = node.operation.layer
    inputs = [x, w.weight("weight"), *([w.weight("bias")] if layer.bias else [])]
    w.op("Gemm", inputs, node.operation.output, transB=1)


# -- pools -------------------------------------------------------------------------------------------------------------


def pool(w: Writer, node: Node, x: str) -> None:
    """A sliding pool.  Axes whose size `ceil_mode` would round otherwise than PyTorch are pooled apart, before the
    others: a window's maximum, mean or sum is that of its axes one after the other."""
    layer: Any = node.operation.layer
    windows: list[Window] = list(node.operation.reach)  # type: ignore[arg-type]
    widths = w.shapes[x][1:]
    rounded = [axis for axis, window in enumerate(windows) if window.ceil and _rounds_up(window, widths[axis])]
    exact = all(_naive(window, width) == window.output(width) for window, width in zip(windows, widths))
    operator = {"max_pool": max_windows, "avg_pool": mean_windows, "lp_pool": power_windows}[node.kind]
    if not layer.ceil_mode or exact or not rounded:
        operator(w, layer, x, windows, layer.ceil_mode and exact)
        return
    still = Window(1)
    x = operator(w, layer, x, [still if axis in rounded else window for axis, window in enumerate(windows)], False)
    operator(w, layer, x, [window if axis in rounded else still for axis, window in enumerate(windows)], True)


def _naive(window: Window, width: int) -> int:
    """The output size rounded up, whether or not the last window starts in the input."""
    return -(-(width + window.before + window.after - window.extent) // window.stride) + 1


def _rounds_up(window: Window, width: int) -> bool:
    return window.output(width) > window._replace(ceil=False).output(width)


def _sizes(w: Writer, x: str, windows: Sequence[Window], ceil: bool) -> Shape:
    pairs = zip(windows, w.shapes[x][1:])
    return (w.shapes[x][0], *(window._replace(ceil=ceil).output(width) for window, width in pairs))


def max_windows(w: Writer, layer: Any, x: str, windows: Sequence[Window], ceil: bool) -> str:
    return w.op("MaxPool", [x], _sizes(w, x, windows, ceil), ceil_mode=int(ceil), **each_axis(windows))


def mean_windows(w: Writer, layer: Any, x: str, windows: Sequence[Window], ceil: bool) -> str:
    """A window that ends beyond the padding is divided by what is within it, which runtimes disagree on."""
    inside = not layer.count_include_pad
    dilated = any(window.dilation > 1 for window in windows)
    if dilated or (ceil and not inside):
        return _mixed(w, x, windows, ceil, lambda taps, seen: 1 / (len(seen) if inside else len(taps)))
    attributes = {key: value for key, value in each_axis(windows).items() if key != "dilations"}
    shape = _sizes(w, x, windows, ceil)
    return w.op("AveragePool", [x], shape, ceil_mode=int(ceil), count_include_pad=int(not inside), **attributes)


def power_windows(w: Writer, layer: Any, x: str, windows: Sequence[Window], ceil: bool) -> str:
    """An `LpPool` where it can say it: whole powers, and before opset 18 neither dilation nor `ceil_mode`."""
    plain = not ceil and all(window.dilation == 1 for window in windows)
    if layer.p == int(layer.p) and plain:
        attributes = {key: value for key, value in each_axis(windows).items() if key != "dilations"}
        return w.op("LpPool", [x], _sizes(w, x, windows, ceil), p=int(layer.p), **attributes)
    x = scalar(w, "Pow", w.op("Abs", [x], w.shapes[x]), layer.p)
    x = _mixed(w, x, windows, ceil, lambda taps, seen: 1.0)
    return scalar(w, "Pow", x, 1 / layer.p)


def _mixed(w: Writer, x: str, windows: Sequence[Window], ceil: bool, share: Callable[[Any, Any], float]) -> str:
    """A weighted sum over windows, one axis after the other; padding holds zeros."""
    for axis, window in enumerate(windows, 1):
        width = w.shapes[x][axis]
        if window == Window(1):
            continue
        rows = []
        for output in range(window._replace(ceil=ceil).output(width)):
            first = window.stride * output - window.before
            taps = [first + window.dilation * place for place in range(window.size)]
            taps = [tap for tap in taps if tap < width + window.after]
            seen = [tap for tap in taps if 0 <= tap < width]
            rows.append([(tap, share(taps, seen)) for tap in seen])
        x = mix(w, x, axis, rows)
    return x


def global_avg_pool(w: Writer, node: Node, x: str) -> None:
    w.op("GlobalAveragePool", [x], node.operation.output)


def global_max_pool(w: Writer, node: Node, x: str) -> None:
    w.op("GlobalMaxPool", [x], node.operation.output)


def parts(axis: Any, length: int) -> list[range]:
    """The input positions that each output position of an adaptive pool reads."""
    if isinstance(axis, Window):
        return [range(axis.stride * output, axis.stride * output + axis.size) for output in range(length)]
    assert isinstance(axis, Intervals)
    found = []
    for output in range(length):
        turn, place = divmod(output, axis.period)
        span = axis.spans[place]
        assert span is not None, "an adaptive pool reads something everywhere"
        found.append(range(axis.step * turn + span[0], axis.step * turn + span[1] + 1))
    return found


def adaptive_avg_pool(w: Writer, node: Node, x: str) -> None:
    """A sliding pool where the size divides the input, else a matrix of shares per axis."""
    reach: Any = node.operation.reach
    if reach == GLOBAL:
        global_avg_pool(w, node, x)
    elif all(isinstance(axis, Window) for axis in reach):
        attributes = {key: value for key, value in each_axis(reach).items() if key != "dilations"}
        w.op("AveragePool", [x], node.operation.output, **attributes)
    else:
        for place, axis in enumerate(reach, 1):
            if axis != Window(1):
                divided = parts(axis, node.operation.output[place])
                x = mix(w, x, place, [[(tap, 1 / len(part)) for tap in part] for part in divided])


def adaptive_max_pool(w: Writer, node: Node, x: str) -> None:
    """A sliding pool over windows of equal size: uneven ones read their last position again, which keeps a maximum."""
    reach: Any = node.operation.reach
    if reach == GLOBAL:
        global_max_pool(w, node, x)
        return
    windows = []
    for place, axis in enumerate(reach, 1):
        if isinstance(axis, Intervals):
            divided = parts(axis, node.operation.output[place])
            most = max(map(len, divided))
            x = take(w, x, place, [part[min(tap, len(part) - 1)] for part in divided for tap in range(most)])
            windows.append(Window(most, most))
        else:
            windows.append(axis)
    w.op("MaxPool", [x], node.operation.output, **each_axis(windows))


# -- normalisations ----------------------------------------------------------------------------------------------------


def batch_norm(w: Writer, node: Node, x: str) -> None:
    """With running statistics the operator; without, statistics of the batch, or of the sample (`instance_norm`)."""
    layer: Any = node.operation.layer
    axes = list(range(1, len(w.shapes[x])))
    if layer.statistics:
        factors = [w.weight("weight") if layer.scale else constant_factors(w, x, 1.0)]
        factors.append(w.weight("bias") if layer.shift else constant_factors(w, x, 0.0))
        kept = [w.weight("running_mean"), w.weight("running_var")]
        w.op("BatchNormalization", [x, *factors, *kept], node.operation.output, epsilon=float(layer.eps))
    elif node.kind == "instance_norm" and axes:
        factors = [w.weight("weight") if layer.scale else constant_factors(w, x, 1.0)]
        factors.append(w.weight("bias") if layer.shift else constant_factors(w, x, 0.0))
        w.op("InstanceNormalization", [x, *factors], node.operation.output, epsilon=float(layer.eps))
    else:
        scaled(w, layer, standardised(w, x, [-1, *axes] if node.kind == "batch_norm" else axes, layer.eps))


def constant_factors(w: Writer, x: str, value: float) -> str:
    """A value per channel that is not learned."""
    return w.numbers("ones" if value else "zeros", [value] * w.shapes[x][0])


def standardised(w: Writer, x: str, axes: Sequence[int], eps: float) -> str:
    """(x - mean)/sqrt(variance + eps), with the statistics over some axes (-1: the batch)."""
    centred = w.op("Sub", [x, reduced(w, "ReduceMean", x, axes) if axes else x], w.shapes[x])
    squares = w.op("Mul", [centred, centred], w.shapes[x])
    variance = reduced(w, "ReduceMean", squares, axes) if axes else squares
    deviation = w.op("Sqrt", [scalar(w, "Add", variance, eps)], w.shapes[variance])
    return w.op("Div", [centred, deviation], w.shapes[x])


def scaled(w: Writer, layer: Any, x: str) -> str:
    """The learned factor and offset per channel, where there are any."""
    if layer.scale:
        x = w.op("Mul", [x, per_channel(w, "weight", x)], w.shapes[x])
    if layer.shift:
        x = w.op("Add", [x, per_channel(w, "bias", x)], w.shapes[x])
    return x


def layer_norm(w: Writer, node: Node, x: str) -> None:
    """Over the channels: the operator (opset 17) norms the last axes, so they go there and back."""
    layer: Any = node.operation.layer
    if w.opset < 17:
        scaled(w, layer, standardised(w, x, [0], layer.eps))
        return
    rank = len(w.shapes[x])
    x = transposed(w, x, [*range(1, rank), 0])
    factors = [w.weight("weight") if layer.scale else constant_factors_of(w, node, 1.0)]
    if layer.shift:
        factors.append(w.weight("bias"))
    x = w.op("LayerNormalization", [x, *factors], w.shapes[x], axis=-1, epsilon=float(layer.eps))
    transposed(w, x, [rank - 1, *range(rank - 1)])


def constant_factors_of(w: Writer, node: Node, value: float) -> str:
    return w.numbers("ones", [value] * node.operation.output[0])


def group_norm(w: Writer, node: Node, x: str) -> None:
    """An instance norm of the groups: the operator has factors per channel since opset 21 alone, and no shape yet."""
    layer: Any = node.operation.layer
    shape = w.shapes[x]
    x = reshaped(w, x, (layer.groups, prod(shape) // layer.groups))
    factors = [constant_factors(w, x, 1.0), constant_factors(w, x, 0.0)]
    x = w.op("InstanceNormalization", [x, *factors], w.shapes[x], epsilon=float(layer.eps))
    scaled(w, layer, reshaped(w, x, shape))


def l2_norm(w: Writer, node: Node, x: str) -> None:
    layer: Any = node.operation.layer
    norm = reduced(w, "ReduceL2", x, [0])
    norm = w.op("Clip", [norm, w.numbers("least", [layer.eps], ())], w.shapes[norm])
    scaled(w, layer, w.op("Div", [x, norm], w.shapes[x]))


def local_response_norm(w: Writer, node: Node, x: str) -> None:
    """The operator centres its window as PyTorch where the size is odd; an even one is a sum by a banded matrix."""
    layer: Any = node.operation.layer
    shape = w.shapes[x]
    if layer.size % 2 and len(shape) == 3:
        factors: dict[str, Any] = {"alpha": float(layer.alpha), "beta": float(layer.beta), "bias": float(layer.k)}
        w.op("LRN", [x], shape, size=layer.size, **factors)
        return
    before, after = layer.size // 2, (layer.size - 1) // 2
    rows = [
        [(place, layer.alpha / layer.size) for place in range(max(0, own - before), min(shape[0], own + after + 1))]
        for own in range(shape[0])
    ]
    sums = scalar(w, "Add", mix(w, w.op("Mul", [x, x], shape), 0, rows), layer.k)
    w.op("Div", [x, scalar(w, "Pow", sums, layer.beta)], shape)


# -- activations -------------------------------------------------------------------------------------------------------


def elementwise(operator: str, *fields: str, **fixed: Any) -> Callable[[Writer, Node, str], None]:
    """An operator on one input, with some of the layer's fields, which are numbers, as attributes."""

    def write(w: Writer, node: Node, x: str) -> None:
        given: dict[str, Any] = {name: float(getattr(node.operation.layer, name)) for name in fields}
        w.op(operator, [x], node.operation.output, **given, **fixed)

    return write


def relu6(w: Writer, node: Node, x: str) -> None:
    w.op("Clip", [x, w.numbers("least", [0.0], ()), w.numbers("most", [6.0], ())], w.shapes[x])


def leaky_relu(w: Writer, node: Node, x: str) -> None:
    layer: Any = node.operation.layer
    w.op("LeakyRelu", [x], w.shapes[x], alpha=float(layer.negative_slope))


def prelu(w: Writer, node: Node, x: str) -> None:
    layer: Any = node.operation.layer
    slopes = w.weight("weight", (layer.slopes,) + (1,) * (len(w.shapes[x]) - 1))
    w.op("PRelu", [x, slopes], w.shapes[x])


def gelu(w: Writer, node: Node, x: str) -> None:
    """The operator since opset 20, its formula before."""
    layer: Any = node.operation.layer
    shape = w.shapes[x]
    if w.opset >= 20:
        w.op("Gelu", [x], shape, approximate=layer.approximate)
        return
    if layer.approximate == "tanh":
        cubed = scalar(w, "Mul", w.op("Mul", [x, w.op("Mul", [x, x], shape)], shape), 0.044715)
        inner = w.op("Tanh", [scalar(w, "Mul", w.op("Add", [x, cubed], shape), sqrt(2 / pi))], shape)
    else:
        inner = w.op("Erf", [scalar(w, "Div", x, sqrt(2))], shape)
    scalar(w, "Mul", w.op("Mul", [x, scalar(w, "Add", inner, 1.0)], shape), 0.5)


def silu(w: Writer, node: Node, x: str) -> None:
    w.op("Mul", [x, w.op("Sigmoid", [x], w.shapes[x])], w.shapes[x])


def mish(w: Writer, node: Node, x: str) -> None:
    """The operator since opset 18, its formula before."""
    shape = w.shapes[x]
    if w.opset >= 18:
        w.op("Mish", [x], shape)
    else:
        w.op("Mul", [x, w.op("Tanh", [w.op("Softplus", [x], shape)], shape)], shape)


def hard_swish(w: Writer, node: Node, x: str) -> None:
    """The operator since opset 14, its formula before."""
    shape = w.shapes[x]
    if w.opset >= 14:
        w.op("HardSwish", [x], shape)
    else:
        w.op("Mul", [x, w.op("HardSigmoid", [x], shape, alpha=1 / 6, beta=0.5)], shape)


def softplus(w: Writer, node: Node, x: str) -> None:
    layer: Any = node.operation.layer
    if layer.beta == 1:
        w.op("Softplus", [x], w.shapes[x])
    else:
        x = w.op("Softplus", [scalar(w, "Mul", x, layer.beta)], w.shapes[x])
        scalar(w, "Div", x, layer.beta)


# -- shapes ------------------------------------------------------------------------------------------------------------


def reshape(w: Writer, node: Node, x: str) -> None:
    reshaped(w, x, node.operation.output)


def permute(w: Writer, node: Node, x: str) -> None:
    layer: Any = node.operation.layer
    w.op("Transpose", [x], node.operation.output, perm=[0, *(axis + 1 for axis in layer.axes)])


def channel_shuffle(w: Writer, node: Node, x: str) -> None:
    layer: Any = node.operation.layer
    channels, *sizes = w.shapes[x]
    x = reshaped(w, x, (layer.groups, channels // layer.groups, *sizes))
    x = transposed(w, x, [1, 0, *range(2, len(sizes) + 2)])
    reshaped(w, x, (channels, *sizes))


def slice_channels(w: Writer, node: Node, x: str) -> None:
    layer: Any = node.operation.layer
    start, stop = layer.channels
    sliced(w, x, [0], [start], [stop])


def pad(w: Writer, node: Node, x: str) -> None:
    """Added channels hold the constant whatever the mode."""
    layer: Any = node.operation.layer
    pads = [(axis.before, axis.after) for axis in node.operation.reach]  # type: ignore[union-attr]
    value = layer.value if layer.mode == "constant" else 0.0
    if layer.mode in ("zeros", "constant"):
        padded(w, x, [tuple(layer.channels), *pads], layer.mode, value)
    else:
        x = padded(w, x, [(0, 0), *pads], layer.mode)
        padded(w, x, [tuple(layer.channels), *((0, 0) for _ in pads)], "zeros")


def crop(w: Writer, node: Node, x: str, like: str = "") -> None:
    cuts: Any = node.operation.reach
    widths = w.shapes[x][1:]
    stops = [width + cut.after for cut, width in zip(cuts, widths)]
    sliced(w, x, range(1, len(widths) + 1), [-cut.before for cut in cuts], stops)


def space_to_depth(w: Writer, node: Node, x: str) -> None:
    """The operator in two dimensions and order `dcr`; else the blocks get axes of their own, and go to the channels."""
    layer: Any = node.operation.layer
    channels, *sizes = w.shapes[x]
    if layer.order == "dcr" and len(sizes) == 2:
        w.op("SpaceToDepth", [x], node.operation.output, blocksize=layer.block)
        return
    rank = len(sizes)
    x = reshaped(w, x, (channels, *(part for size in sizes for part in (size // layer.block, layer.block))))
    outer, inner = [1 + 2 * axis for axis in range(rank)], [2 + 2 * axis for axis in range(rank)]
    x = transposed(w, x, [*inner, 0, *outer] if layer.order == "dcr" else [0, *inner, *outer])
    reshaped(w, x, node.operation.output)


def depth_to_space(w: Writer, node: Node, x: str) -> None:
    """As `space_to_depth`, the other way; the operator knows both orders."""
    layer: Any = node.operation.layer
    channels, *sizes = w.shapes[x]
    rank = len(sizes)
    if rank == 2:
        w.op("DepthToSpace", [x], node.operation.output, blocksize=layer.block, mode=layer.order.upper())
        return
    blocks, left = [layer.block] * rank, channels // layer.block**rank
    first = [*blocks, left] if layer.order == "dcr" else [left, *blocks]
    x = reshaped(w, x, (*first, *sizes))
    start, kept = (0, rank) if layer.order == "dcr" else (1, 0)
    x = transposed(w, x, [kept, *(entry for axis in range(rank) for entry in (rank + 1 + axis, start + axis))])
    reshaped(w, x, node.operation.output)


def upsample(w: Writer, node: Node, x: str) -> None:
    """`Resize` where 32-bit arithmetic finds the same positions and opset and batch allow it to be said; else the
    positions themselves: `Gather`, or a matrix of shares per axis."""
    layer: Any = node.operation.layer
    inputs, output = node.operation.inputs[0], node.operation.output
    rank = len(inputs) - 1
    scales = None if layer.scale is None else per_axis(layer.scale, rank, "scale")
    whole = scales is not None and all(scale == int(scale) for scale in scales)
    single = array("f", scales or ())
    exact = all(int(width * scale) == length for scale, width, length in zip(single, inputs[1:], output[1:]))
    if layer.mode == "nearest":
        words: dict[str, Any] = {
            "mode": "nearest",
            "coordinate_transformation_mode": "asymmetric",
            "nearest_mode": "floor",
        }
    else:
        words = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    if layer.align_corners and layer.mode == "bilinear":
        words["coordinate_transformation_mode"] = "align_corners"
    if whole or (layer.mode == "bilinear" and scales is not None and exact and not layer.align_corners):
        factors = w.numbers("scales", [1.0, 1.0, *single])
        w.op("Resize", [x, "", factors], output, **words)
    elif layer.mode == "bilinear" and w.opset >= 18:
        sizes = w.integers("sizes", output[1:])
        w.op("Resize", [x, "", "", sizes], output, axes=list(range(2, rank + 2)), **words)
    else:
        for axis in range(1, rank + 1):
            sources = coordinates(layer, axis - 1, inputs[axis], output[axis], rank)
            if layer.mode == "nearest":
                x = take(w, x, axis, list(map(int, sources)))
            else:
                x = mix(w, x, axis, [neighbours(source, inputs[axis]) for source in sources])


def coordinates(layer: Any, axis: int, width: int, length: int, rank: int) -> list[Fraction]:
    """For every output position of an axis, the input coordinate that it stands for."""
    from fractions import Fraction

    if layer.align_corners and layer.mode == "bilinear":
        return [place * Fraction(width - 1, max(1, length - 1)) for place in range(length)]
    if layer.scale is None:
        ratio = Fraction(width, length)
    else:
        ratio = 1 / Fraction(str(per_axis(layer.scale, rank, "scale")[axis]))
    offset = Fraction(0) if layer.mode == "nearest" else (ratio - 1) / 2
    return [place * ratio + offset for place in range(length)]


def neighbours(source: Fraction, width: int) -> list[tuple[int, float]]:
    """The positions around a coordinate, kept within the axis, and the share of each."""
    low = source.numerator // source.denominator
    share = float(source - low)
    pairs = [(low, 1 - share), (low + 1, share)]
    return [(min(max(position, 0), width - 1), part) for position, part in pairs if part]


# -- joins, and the rest -----------------------------------------------------------------------------------------------


def concat(w: Writer, node: Node, *inputs: str) -> None:
    w.op("Concat", inputs, node.operation.output, axis=1)


def add(w: Writer, node: Node, *inputs: str) -> None:
    w.op("Add" if len(inputs) == 2 else "Sum", inputs, node.operation.output)


def multiply(w: Writer, node: Node, *inputs: str) -> None:
    """Two at a time, each broadcast over the other."""
    x = inputs[0]
    for other in inputs[1:]:
        shape = tuple(map(max, w.shapes[x], w.shapes[other]))
        x = w.op("Mul", [x, other], shape)


def dropout(w: Writer, node: Node, x: str) -> None:
    layer: Any = node.operation.layer
    w.op("Dropout", [x, w.numbers("rate", [layer.rate], ())], w.shapes[x])


def layer_scale(w: Writer, node: Node, x: str) -> None:
    w.op("Mul", [x, per_channel(w, "weight", x)], w.shapes[x])


identity = elementwise("Identity")

WRITERS: dict[str, Callable[..., object]] = {
    "conv": conv,
    "depthwise_conv": conv,
    "conv_transpose": conv_transpose,
    "linear": linear,
    "max_pool": pool,
    "avg_pool": pool,
    "lp_pool": pool,
    "global_avg_pool": global_avg_pool,
    "global_max_pool": global_max_pool,
    "adaptive_avg_pool": adaptive_avg_pool,
    "adaptive_max_pool": adaptive_max_pool,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "instance_norm": batch_norm,
    "local_response_norm": local_response_norm,
    "l2_norm": l2_norm,
    "relu": elementwise("Relu"),
    "relu6": relu6,
    "leaky_relu": leaky_relu,
    "prelu": prelu,
    "elu": elementwise("Elu", "alpha"),
    "selu": elementwise("Selu", "alpha", "gamma"),
    "gelu": gelu,
    "silu": silu,
    "mish": mish,
    "sigmoid": elementwise("Sigmoid"),
    "hard_sigmoid": elementwise("HardSigmoid", "alpha", "beta"),
    "hard_swish": hard_swish,
    "tanh": elementwise("Tanh"),
    "softplus": softplus,
    "softmax": elementwise("Softmax", axis=1),
    "log_softmax": elementwise("LogSoftmax", axis=1),
    "flatten": elementwise("Flatten", axis=1),
    "reshape": reshape,
    "permute": permute,
    "channel_shuffle": channel_shuffle,
    "slice": slice_channels,
    "pad": pad,
    "crop": crop,
    "crop_like": crop,
    "space_to_depth": space_to_depth,
    "depth_to_space": depth_to_space,
    "identity": identity,
    "upsample": upsample,
    "concat": concat,
    "add": add,
    "multiply": multiply,
    "dropout": dropout,
    "drop_path": identity,
    "layer_scale": layer_scale,
}
"""By kind; `opaque` has no place here, and `separable_conv` is two rows of other kinds."""
