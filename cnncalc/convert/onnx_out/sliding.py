"""Convolutions, dense layers and pools in ONNX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, prod
from typing import TYPE_CHECKING, Any

from cnncalc.convert.onnx_out.operators import (
    each_axis,
    mix,
    padded,
    per_channel,
    scalar,
    sliced,
    take,
)
from cnncalc.diagnostics import Fault
from cnncalc.geometry import GLOBAL, Intervals, Shape, Window, dims
from cnncalc.graph import Node

if TYPE_CHECKING:
    from cnncalc.convert.onnx_out.model import Writer


def conv(w: Writer, node: Node, x: str) -> None:
    layer: Any = node.operation.layer
    windows: Any = node.operation.reach
    groups = layer.split(w.shapes[x][0])[1]
    if layer.border != "zeros":
        x = padded(w, x, [(0, 0), *((window.before, window.after) for window in windows)], layer.border)
        windows = [window._replace(before=0, after=0) for window in windows]
    kernel = w.weight("weight") if layer.weight_norm == "none" else normed(w, node)
    inputs = [x, kernel, *([w.weight("bias")] if layer.bias else [])]
    w.op("Conv", inputs, node.operation.output, group=groups, **each_axis(windows))


def normed(w: Writer, node: Node) -> str:
    """The kernels as they are used: what they are made of is known, and is not learned in ONNX."""
    layer: Any = node.operation.layer
    shape = layer.kernel_shape(node.operation.inputs)
    values, window = w.values_of("weight"), prod(shape[1:])
    gains = w.values_of("gain") if layer.weight_norm.endswith("gain") else ()
    kernels = [layer.normed(gains, at, values[at * window : (at + 1) * window]) for at in range(shape[0])]
    return w.folded("weight", shape, [value for kernel in kernels for value in kernel])


def conv_transpose(w: Writer, node: Node, x: str) -> None:
    """Positions that no window writes hold the bias alone: where ONNX's limit on output_padding is passed (or padding
    is negative, as `same` with a stride above the kernel), they are padded in before the bias is added."""
    layer: Any = node.operation.layer
    windows: Any = node.operation.reach
    extras = [window.extra for window in windows]
    inside = all(window.extra < window.stride and min(window.before, window.after) >= 0 for window in windows)
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


def max_unpool(w: Writer, node: Node, x: str, like: str) -> None:
    """The maxima's places of the same pool, found again: `MaxPool` gives them beside the values.

    Where its last windows end beyond the input, that is made longer, and what comes out is cut.
    """
    layer: Any = node.operation.layer
    sizes = w.shapes[like][1:]
    slides = layer.slides(sizes)
    windows = [Window(slide.size, slide.stride, slide.dilation, slide.before, slide.after) for slide in slides]
    gives = [_sizes(w, like, [window._replace(ceil=up) for window in windows], up) for up in (False, True)]
    if w.shapes[x] not in gives:
        message = f"ONNX puts back the {dims(gives[0])} of a pool, and no {dims(w.shapes[x])}"
        raise Fault("cannot-export", f"`{node.name}`: {message}")
    ends = [
        (width - 1) * each.stride + each.extent - each.before - each.after
        for each, width in zip(windows, w.shapes[x][1:])
    ]
    longer = [max(0, end - size) for end, size in zip(ends, sizes)]
    like = padded(w, like, [(0, 0), *((0, more) for more in longer)], "constant", -inf)
    found = w.unpool(x, like, w.shapes[like], each_axis(windows))
    if any(longer):
        sliced(w, found, range(1, len(sizes) + 1), [0] * len(sizes), sizes)


SLIDING: dict[str, Callable[..., object]] = {
    "conv": conv,
    "depthwise_conv": conv,
    "conv_transpose": conv_transpose,
    "linear": linear,
    "max_unpool": max_unpool,
    "max_pool": pool,
    "avg_pool": pool,
    "lp_pool": pool,
    "global_avg_pool": global_avg_pool,
    "global_max_pool": global_max_pool,
    "adaptive_avg_pool": adaptive_avg_pool,
    "adaptive_max_pool": adaptive_max_pool,
}
