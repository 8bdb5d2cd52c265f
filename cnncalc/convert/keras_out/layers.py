"""Which calls a layer kind is in Keras, channels last: one function per kind or family, in the table `CALLS`.

What Keras cannot say in one layer is said by several: borders by `ZeroPadding2D` before, cut borders by `Cropping2D`
behind, channels-first orders by `Permute`; the rest by functions and layers that are written into the source
(`snippets`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from cnncalc.convert.keras_out.calls import Argument, Expression, Sketch
from cnncalc.diagnostics import Fault
from cnncalc.geometry import GLOBAL, Intervals, Shape, Window, resolve_padding
from cnncalc.graph import Node
from cnncalc.layers.windows import per_axis

A = Argument
E = Expression
INFINITY = float("inf")


def once(values: Sequence[Any]) -> Any:
    """A value per axis, written once where they agree."""
    return values[0] if len(set(values)) == 1 else tuple(values)


def ranked(name: str, node: Node) -> str:
    """The layer's name for the number of spatial axes: ``layers.Conv2D``; raises `Fault` where there are none."""
    rank = len(node.operation.inputs[0]) - 1
    if not rank:
        raise Fault("cannot-export", f"`{node.name}` has no spatial axes, which `{name}` needs in Keras")
    before, _, after = name.partition("#")
    return f"layers.{before}{rank}D{after}"


# -- padding -----------------------------------------------------------------------------------------------------------


def ways(node: Node) -> list[str]:
    """How the padding of a convolution or pool can be said, the shortest first: `valid`, `same` or `explicit`.

    `same` depends on the input's size, so it is meant only where the spec says it, or the stride is 1.
    """
    layer: Any = node.operation.layer
    windows: list[Window] = list(node.operation.reach)  # type: ignore[arg-type]
    widths = node.operation.inputs[0][1:]
    pads = [needed_pads(window, width) for window, width in zip(windows, widths)]
    if layer.border != "zeros":
        return ["explicit"]
    found = [] if any(map(any, pads)) else ["valid"]
    same = [
        resolve_padding("same", axis, width, window.size, window.stride, window.dilation)
        for axis, (window, width) in enumerate(zip(windows, widths))
    ]
    meant = layer.padding == "same" or all(window.stride == 1 for window in windows)
    return [*found, *(["same"] if pads == same and meant else []), "explicit"]


def needed_pads(window: Window, width: int) -> tuple[int, int]:
    """The padding with which the size, rounded down, is the window's: more after the input where it is rounded up."""
    count = window.output(width)
    reach = (count - 1) * window.stride + window.extent
    return window.before, max(window.after, reach - width - window.before)


def zero_padded(s: Sketch, node: Node, x: int, pads: Sequence[tuple[int, int]], part: str = "_pad") -> int:
    """Zeros at the borders, on a line of their own."""
    pair = pads[0] if len(pads) == 1 else once(pads)
    value: Any = tuple(pads) if len(pads) > 1 else pair
    if all(before == after for before, after in pads):
        value = once([before for before, _ in pads])
    return s.layer(ranked("ZeroPadding", node), [x], A(value, role="padding"), part=part)


def cut(s: Sketch, node: Node, x: int, cuts: Sequence[tuple[int, int]], part: str = "") -> int:
    """Positions cut from the borders."""
    value: Any = tuple(cuts) if len(cuts) > 1 else cuts[0]
    if all(before == after for before, after in cuts):
        value = once([before for before, _ in cuts])
    return s.layer(ranked("Cropping", node), [x], A(value, role="cropping"), part=part)


def constant_padded(s: Sketch, x: int, pads: Sequence[tuple[int, int]], value: float, channels: Any = (0, 0)) -> int:
    """A constant at the borders, and channels of it."""
    widths = ((0, 0), *(tuple(pad) for pad in pads), tuple(channels))
    number: Any = E('float("-inf")') if value == -INFINITY else value
    return s.function("ops.pad", [x], A(widths, role="padding"), A(number, "constant_values", 0.0))


def bordered(s: Sketch, x: int, pads: Sequence[tuple[int, int]], mode: str) -> int:
    """Borders that hold values of the input."""
    for axis, (before, after) in enumerate(pads, 1):
        if before or after:
            x = s.function("border", [x], A(axis), A(before), A(after), A(mode))
    return x


# -- convolutions and dense layers -------------------------------------------------------------------------------------


def following(s: Sketch, node: Node) -> Argument:
    """The activation that a convolution or dense layer applies itself: its own, if nothing else takes its result."""
    takers = s.takers[node.number]
    word = None
    alone = len(takers) == 1 and node.number not in s.leaving and node.shares is None and node.place not in s.owners
    if alone and takers[0].name == f"{node.name}.act":
        word = plain_activation(takers[0])
        if word is not None:
            s.applied.add(takers[0].place)
    return A(word, "activation", None)


def plain_activation(node: Node) -> str | None:
    """The word by which Keras calls an activation, if it has one."""
    layer: Any = node.operation.layer
    if node.kind in ("elu", "gelu", "selu", "hard_sigmoid", "softplus") and layer != type(layer)():
        return None
    return WORDS.get(node.kind)


WORDS = {
    "relu": "relu",
    "relu6": "relu6",
    "elu": "elu",
    "selu": "selu",
    "gelu": "gelu",
    "silu": "silu",
    "mish": "mish",
    "sigmoid": "sigmoid",
    "hard_sigmoid": "hard_sigmoid",
    "hard_swish": "hard_swish",
    "tanh": "tanh",
    "softplus": "softplus",
    "softmax": "softmax",
    "log_softmax": "log_softmax",
}


def kernel_value(node: Node, depthwise: bool) -> Argument:
    """The values that the spec fixes for the kernel."""
    layer: Any = node.operation.layer
    keyword = "depthwise_initializer" if depthwise else "kernel_initializer"
    fixed = layer.fixed("weight")
    if not fixed:
        return A(None, keyword, None)
    from cnncalc.convert.keras_out.weights import kernel_last, nested

    shape = node.operation.weights[0].shape
    values, shape = kernel_last(list(fixed), shape, node.operation.inputs[0][0] if depthwise else 0)
    return A(E(f"keras.initializers.Constant({nested(values, shape)})"), keyword, None)


def is_depthwise(node: Node) -> bool:
    """Whether Keras has a depthwise layer for it: on one or two axes, of equal strides."""
    windows: Any = node.operation.reach
    return node.kind == "depthwise_conv" and len(windows) < 3 and len({window.stride for window in windows}) == 1


def conv(s: Sketch, node: Node, x: int) -> int:
    """With stride and dilation, which Keras does not combine, the stride takes positions afterwards."""
    layer: Any = node.operation.layer
    windows: list[Window] = list(node.operation.reach)  # type: ignore[arg-type]
    way = s.choose(node, ways(node))
    pads = [(window.before, window.after) for window in windows]
    strides = [window.stride for window in windows]
    dilations = [window.dilation for window in windows]
    apart = max(strides) > 1 and max(dilations) > 1
    if way == "explicit" or (apart and way == "same"):
        zeros = layer.border == "zeros"
        x = zero_padded(s, node, x, pads) if zeros else bordered(s, x, pads, layer.border)
        way = "valid"
    sizes = A(once([window.size for window in windows]), role="kernel_size")
    depthwise = is_depthwise(node)
    channels, groups = layer.split(node.operation.inputs[0][0])
    if depthwise:
        callee, first = ranked("DepthwiseConv", node), [sizes]
        count = A(layer.multiplier, "depth_multiplier", 1)
    else:
        callee, first = ranked("Conv", node), [A(channels, role="filters"), sizes]
        count = A(groups, "groups", 1)
    x = s.layer(
        callee,
        [x],
        *first,
        A(1 if apart else once(strides), "strides", 1),
        A(way, "padding", "valid"),
        A(once(dilations), "dilation_rate", 1),
        count,
        A(layer.bias, "use_bias", True),
        A(None, "activation", None) if apart else following(s, node),
        kernel_value(node, depthwise),
    )
    return s.function("[]", [x], A(E(every(strides)))) if apart else x


def every(strides: Sequence[int]) -> str:
    """Every so many positions of each axis, as an index."""
    return ", ".join([":", *(f"::{stride}" if stride > 1 else ":" for stride in strides), ":"])


def conv_transpose(s: Sketch, node: Node, x: int) -> int:
    """Without padding, then cut to size; a zero behind the input gives the positions that no window writes."""
    layer: Any = node.operation.layer
    windows: Any = node.operation.reach
    strides, sizes = [window.stride for window in windows], [window.size for window in windows]
    dilations = [window.dilation for window in windows]
    if max(strides) > 1 and max(dilations) > 1:
        raise Fault("cannot-export", f"`{node.name}` has a stride and a dilation, which Keras does not transpose")
    widths = node.operation.inputs[0][1:]
    ends = [window.before + size for window, size in zip(windows, node.operation.output[1:])]

    def lengths(widths: Sequence[int]) -> list[int]:
        return [
            (width - 1) * window.stride + max(window.extent, window.stride if layer.groups == 1 else 0)
            for window, width in zip(windows, widths)
        ]

    short = [max(0, -(-(end - full) // stride)) for end, full, stride in zip(ends, lengths(widths), strides)]
    arguments = [A(layer.channels, role="filters"), A(once(sizes), role="kernel_size")]
    plain = layer.groups == 1 and not any(short) and layer.padding == "same" and not any(w.extra for w in windows)
    if plain and max(dilations) == 1 and all(window.before <= window.after for window in windows):
        return s.layer(
            ranked("Conv#Transpose", node),
            [x],
            *arguments,
            A(once(strides), "strides", 1),
            A("same", "padding", "valid"),
            A(layer.bias, "use_bias", True),
            following(s, node),
        )
    if any(short):
        x = zero_padded(s, node, x, [(0, extra) for extra in short])
        widths = tuple(width + extra for width, extra in zip(widths, short))
    cuts = [(window.before, full - end) for window, full, end in zip(windows, lengths(widths), ends)]
    if layer.groups > 1:
        arguments[1] = A(tuple(sizes), role="kernel_size")
        given = [A(layer.groups, role="groups"), A(tuple(strides), role="strides"), A(tuple(dilations))]
        x = s.layer("GroupedConvTranspose", [x], *arguments, *given, A(layer.bias, "use_bias", True))
        return cut(s, node, x, cuts, "_crop") if any(map(any, cuts)) else x
    cropped = any(map(any, cuts))
    x = s.layer(
        ranked("Conv#Transpose", node),
        [x],
        *arguments,
        A(once(strides), "strides", 1),
        A(once(dilations), "dilation_rate", 1),
        A(layer.bias, "use_bias", True),
        following(s, node),
    )
    return cut(s, node, x, cuts, "_crop") if cropped else x


def linear(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    use_bias = A(layer.bias, "use_bias", True)
    return s.layer("layers.Dense", [x], A(layer.features, role="units"), use_bias, following(s, node))


# -- pools -------------------------------------------------------------------------------------------------------------


def max_pool(s: Sketch, node: Node, x: int) -> int:
    windows: Any = node.operation.reach
    widths = node.operation.inputs[0][1:]
    if any(window.dilation > 1 for window in windows):
        return apart(s, node, x, "maximum")
    way = s.choose(node, ways(node))
    if way == "explicit":
        pads = [needed_pads(window, width) for window, width in zip(windows, widths)]
        if s.positive[node.inputs[0]]:
            x = zero_padded(s, node, x, pads)
        else:
            x = constant_padded(s, x, pads, -INFINITY)
        way = "valid"
    return sliding(s, node, x, "MaxPooling", way)


def sliding(s: Sketch, node: Node, x: int, name: str, way: str) -> int:
    windows: Any = node.operation.reach
    sizes, strides = [window.size for window in windows], [window.stride for window in windows]
    return s.layer(
        ranked(name, node),
        [x],
        A(once(sizes), role="pool_size"),
        A(once(strides), "strides", once(sizes)),
        A(way, "padding", "valid"),
    )


def avg_pool(s: Sketch, node: Node, x: int) -> int:
    """Keras' `same` leaves the padding out of the mean; zeros before the pool count in it."""
    layer: Any = node.operation.layer
    windows: Any = node.operation.reach
    widths = node.operation.inputs[0][1:]
    pads = [(window.before, window.after) for window in windows]
    rounded = any(needed_pads(window, width) != pad for window, width, pad in zip(windows, widths, pads))
    padding = any(map(any, pads))
    if any(window.dilation > 1 for window in windows) or rounded:
        return apart(s, node, x, "average", A(not layer.count_include_pad, "inside", True))
    way = s.choose(node, ways(node))
    if padding and not layer.count_include_pad and way != "same":
        return apart(s, node, x, "average", A(True, "inside", True))
    if padding and layer.count_include_pad:
        x = zero_padded(s, node, x, pads)
        way = "valid"
    return sliding(s, node, x, "AveragePooling", "valid" if way == "explicit" else way)


def lp_pool(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    windows: Any = node.operation.reach
    if all(window._replace(ceil=False) == Window(1) for window in windows):
        return s.function("ops.abs", [x])
    return apart(s, node, x, "lp_pool", A(layer.p))


def apart(s: Sketch, node: Node, x: int, callee: str, *arguments: Argument) -> int:
    """A pool one axis after the other, over windows that are written out."""
    windows: Any = node.operation.reach
    for axis, (window, width) in enumerate(zip(windows, node.operation.inputs[0][1:]), 1):
        if window._replace(ceil=False) == Window(1):
            continue
        count, end = window.output(width), width + window.after
        starts = range(-window.before, -window.before + count * window.stride, window.stride)
        for start in starts:
            if not any(0 <= tap < width for tap in range(start, start + window.extent, window.dilation)):
                raise Fault("cannot-export", f"a window of `{node.name}` reads nothing but padding")
        stop = f"i + {window.extent}" if starts[-1] + window.extent <= end else f"min(i + {window.extent}, {end})"
        step = f", {window.dilation}" if window.dilation > 1 else ""
        every = f", {window.stride}" if window.stride > 1 else ""
        text = f"[range(i, {stop}{step}) for i in range({starts.start}, {starts.stop}{every})]"
        x = s.function(callee, [x], A(axis), A(E(text)), *arguments)
    return x


def global_pool(name: str) -> Callable[[Sketch, Node, int], int]:
    """A pool over all positions; the axes of 1 that are left are not made where they are flattened at once."""

    def calls(s: Sketch, node: Node, x: int) -> int:
        return s.layer(ranked(name, node), [x], A(not flattened(s, node), "keepdims", False))

    return calls


def flattened(s: Sketch, node: Node) -> bool:
    """Whether a flatten alone takes what a global pool leaves."""
    takers = s.takers[node.number]
    pool = node.kind.startswith("global_") or node.operation.reach == GLOBAL
    only = len(takers) == 1 and takers[0].kind == "flatten" and node.number not in s.leaving
    return pool and only and node.kind.endswith("_pool")


def adaptive(pool: str, snippet: str) -> Callable[[Sketch, Node, int], int]:
    """A sliding pool where the size divides the input, else one axis after the other."""

    def calls(s: Sketch, node: Node, x: int) -> int:
        reach: Any = node.operation.reach
        if reach == GLOBAL:
            return global_pool(f"Global{pool}")(s, node, x)
        if all(isinstance(axis, Window) for axis in reach):
            return sliding(s, node, x, pool, "valid")
        sizes = zip(node.operation.inputs[0][1:], node.operation.output[1:])
        for axis, (width, length) in enumerate(sizes, 1):
            if isinstance(reach[axis - 1], Intervals) or reach[axis - 1] != Window(1):
                text = f"[range(i * {width} // {length}, -(-(i + 1) * {width} // {length})) for i in range({length})]"
                x = s.function(snippet, [x], A(axis), A(E(text)))
        return x

    return calls


# -- normalisations and activations ------------------------------------------------------------------------------------


def factors(layer: Any, epsilon: float) -> list[Argument]:
    """The arguments that the normalisations share; `epsilon` is Keras' default."""
    return [A(layer.eps, "epsilon", epsilon), A(layer.scale, "scale", True), A(layer.shift, "center", True)]


def batch_norm(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    if layer.statistics:
        return s.layer("layers.BatchNormalization", [x], *factors(layer, 1e-3))
    if node.kind == "instance_norm":
        return s.layer("layers.GroupNormalization", [x], A(-1, "groups"), *factors(layer, 1e-3))
    return s.layer("BatchStatisticsNormalization", [x], *factors(layer, 1e-5))


def layer_norm(s: Sketch, node: Node, x: int) -> int:
    return s.layer("layers.LayerNormalization", [x], *factors(node.operation.layer, 1e-3))


def group_norm(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    return s.layer("layers.GroupNormalization", [x], A(layer.groups, role="groups"), *factors(layer, 1e-3))


def l2_norm(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    return s.layer("L2Normalization", [x], A(layer.eps, "epsilon", 1e-12), A(layer.scale, "scale", False))


def local_response_norm(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    given = [A(getattr(layer, name), name) for name in ("size", "alpha", "beta", "k")]
    return s.function("local_response_norm", [x], *given)


def activation(s: Sketch, node: Node, x: int) -> int:
    """One that a convolution or dense layer has applied already is nothing; by its word else, or by its formula."""
    layer: Any = node.operation.layer
    if node.place in s.applied:
        return x
    word = plain_activation(node)
    if word is not None:
        return s.layer("layers.Activation", [x], A(word, role="activation"))
    if node.kind == "leaky_relu":
        return s.layer("layers.LeakyReLU", [x], A(layer.negative_slope, "negative_slope", 0.3))
    if node.kind == "elu":
        return s.layer("layers.ELU", [x], A(layer.alpha, "alpha", 1.0))
    if node.kind == "prelu":
        rank = len(node.operation.inputs[0]) - 1
        axes = [*range(1, rank + 1), *([rank + 1] if layer.slopes == 1 else [])]
        return s.layer("layers.PReLU", [x], A(axes, "shared_axes", []))
    return s.function("[]", [x], A(E(FORMULAS[node.kind](layer))))


FORMULAS: dict[str, Callable[[Any], str]] = {
    "gelu": lambda layer: "keras.activations.gelu({x}, approximate=True)",
    "selu": lambda layer: f"{layer.gamma} * keras.activations.elu({{x}}, alpha={layer.alpha})",
    "hard_sigmoid": lambda layer: f"ops.clip({layer.alpha} * {{x}} + {layer.beta}, 0, 1)",
    "softplus": lambda layer: f"ops.softplus({layer.beta} * {{x}}) / {layer.beta}",
}
"""Activations with other constants than Keras'."""


# -- shapes ------------------------------------------------------------------------------------------------------------


def channels_first(s: Sketch, x: int, shape: Shape) -> int:
    """The elements in the order that a flatten or reshape means: needed where both channels and positions are many."""
    if len(shape) == 1 or shape[0] == 1 or all(size == 1 for size in shape[1:]):
        return x
    return s.layer("layers.Permute", [x], A((len(shape), *range(1, len(shape)))), part="_permute")


def flatten(s: Sketch, node: Node, x: int) -> int:
    source = s.graph.node(node.inputs[0])
    if source is not None and flattened(s, source):
        return x
    return s.layer("layers.Flatten", [channels_first(s, x, node.operation.inputs[0])])


def reshape(s: Sketch, node: Node, x: int) -> int:
    x = channels_first(s, x, node.operation.inputs[0])
    channels, *sizes = node.operation.output
    if sizes and channels > 1 and any(size > 1 for size in sizes):
        x = s.layer("layers.Reshape", [x], A((channels, *sizes)), part="_reshape")
        return s.layer("layers.Permute", [x], A((*range(2, len(sizes) + 2), 1)))
    return s.layer("layers.Reshape", [x], A((*sizes, channels)))


def permute(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    rank = len(layer.axes)
    last = [axis or rank for axis in layer.axes]  # where Keras has the axis: the channels are the last
    return s.layer("layers.Permute", [x], A((*last[1:], last[0])))


def channel_shuffle(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    return s.function("channel_shuffle", [x], A(layer.groups, role="groups"))


def slice_channels(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    start, stop = layer.channels
    last = stop == node.operation.inputs[0][0]
    return s.function("[:]", [x], A(start or None, role="start"), A(None if last else stop, role="stop"))


def pad(s: Sketch, node: Node, x: int) -> int:
    """Added channels hold the constant whatever the mode."""
    layer: Any = node.operation.layer
    pads = [(axis.before, axis.after) for axis in node.operation.reach]  # type: ignore[union-attr]
    constant = layer.mode in ("zeros", "constant")
    if constant and (any(layer.channels) or (layer.mode == "constant" and layer.value)):
        return constant_padded(s, x, pads, layer.value if layer.mode == "constant" else 0.0, layer.channels)
    if constant:
        return zero_padded(s, node, x, pads, "") if pads else s.layer("layers.Identity", [x])
    x = bordered(s, x, pads, layer.mode)
    return constant_padded(s, x, [(0, 0)] * len(pads), 0.0, layer.channels) if any(layer.channels) else x


def crop(s: Sketch, node: Node, x: int, like: int = 0) -> int:
    cuts = [(-axis.before, -axis.after) for axis in node.operation.reach]  # type: ignore[union-attr]
    return cut(s, node, x, cuts)


def blocks(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    return s.function(node.kind, [x], A(layer.block, role="block"), A(layer.order, "order", "crd"))


def identity(s: Sketch, node: Node, x: int) -> int:
    return s.layer("layers.Identity", [x])


def upsample(s: Sketch, node: Node, x: int) -> int:
    """`UpSampling2D` where the sizes are multiples; other ratios, and linear ones on one or three axes, per axis."""
    layer: Any = node.operation.layer
    inputs, output = node.operation.inputs[0], node.operation.output
    rank = len(inputs) - 1
    scales = None if layer.scale is None else [Fraction(str(each)) for each in per_axis(layer.scale, rank, "scale")]
    ratios = [1 / scale for scale in scales] if scales else list(map(Fraction, inputs[1:], output[1:]))
    linear = layer.mode == "bilinear"
    if all(ratio.numerator == 1 for ratio in ratios) and (not linear or (rank == 2 and not layer.align_corners)):
        size = once([ratio.denominator for ratio in ratios])
        given = [A(size, role="size")] + ([A("bilinear", "interpolation", "nearest")] if linear else [])
        return s.layer(ranked("UpSampling", node), [x], *given)
    for axis, (width, length, ratio) in enumerate(zip(inputs[1:], output[1:], ratios), 1):
        if ratio == 1:
            continue
        if not linear:
            text = f"[{_times('i', ratio)} for i in range({length})]".replace(" / ", " // ")
            x = s.function("ops.take", [x], A(E(text)), A(axis, "axis"))
            continue
        if layer.align_corners:
            place = _times("i", Fraction(width - 1, max(1, length - 1)))
        else:
            offset = f" - {float((1 - ratio) / 2)}" if ratio < 1 else f" + {float((ratio - 1) / 2)}"
            place = _times("i", ratio) + offset
        x = s.function("interpolate", [x], A(axis), A(E(f"[{place} for i in range({length})]")))
    return x


def _times(name: str, ratio: Fraction) -> str:
    """A variable times a fraction, in Python."""
    above = f"{name} * {ratio.numerator}" if ratio.numerator != 1 else name
    return f"{above} / {ratio.denominator}" if ratio.denominator != 1 else above


# -- joins, and the rest -----------------------------------------------------------------------------------------------


def joined(name: str) -> Callable[..., int]:
    """A layer that takes a list of tensors; of a single one it is that tensor."""

    def calls(s: Sketch, node: Node, *inputs: int) -> int:
        return s.layer(f"layers.{name}" if len(inputs) > 1 else "layers.Identity", inputs)

    return calls


def dropout(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    return s.layer("layers.Dropout", [x], A(layer.rate, role="rate"))


def drop_path(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    shape = (None, *(1 for _ in node.operation.output))
    return s.layer("layers.Dropout", [x], A(layer.rate, role="rate"), A(shape, "noise_shape", None))


def layer_scale(s: Sketch, node: Node, x: int) -> int:
    layer: Any = node.operation.layer
    return s.layer("LayerScale", [x], A(layer.initial, "initial", 1e-6))


CALLS: dict[str, Callable[..., int]] = {
    "conv": conv,
    "depthwise_conv": conv,
    "conv_transpose": conv_transpose,
    "linear": linear,
    "max_pool": max_pool,
    "avg_pool": avg_pool,
    "lp_pool": lp_pool,
    "global_avg_pool": global_pool("GlobalAveragePooling"),
    "global_max_pool": global_pool("GlobalMaxPooling"),
    "adaptive_avg_pool": adaptive("AveragePooling", "average"),
    "adaptive_max_pool": adaptive("MaxPooling", "maximum"),
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "instance_norm": batch_norm,
    "local_response_norm": local_response_norm,
    "l2_norm": l2_norm,
    **dict.fromkeys((*WORDS, "leaky_relu", "prelu"), activation),
    "flatten": flatten,
    "reshape": reshape,
    "permute": permute,
    "channel_shuffle": channel_shuffle,
    "slice": slice_channels,
    "pad": pad,
    "crop": crop,
    "crop_like": crop,
    "space_to_depth": blocks,
    "depth_to_space": blocks,
    "identity": identity,
    "upsample": upsample,
    "concat": joined("Concatenate"),
    "add": joined("Add"),
    "multiply": joined("Multiply"),
    "dropout": dropout,
    "drop_path": drop_path,
    "layer_scale": layer_scale,
}
"""By kind; `opaque` has no place here, and `separable_conv` is two rows of other kinds."""


def padded_ways(s: Sketch) -> dict[int, list[str]]:
    """How every layer with windows could pad, by position: what `Sketch.agree` takes."""
    kinds = ("conv", "depthwise_conv", "max_pool", "avg_pool")
    return {node.place: ways(node) for node in s.graph.nodes if node.kind in kinds}


POSITIVE = ("relu", "relu6", "sigmoid", "hard_sigmoid", "softmax")
KEEPS_POSITIVE = ("max_pool", "avg_pool", "dropout", "drop_path", "concat", "add", "multiply", "identity", "slice")


def positive(s: Sketch) -> list[bool]:
    """For every tensor whether it holds nothing below 0: then padding by zeros changes no maximum."""
    found = [False] * len(s.graph.inputs)
    for node in s.graph.nodes:
        kept = node.kind in KEEPS_POSITIVE and all(found[tensor] for tensor in node.inputs)
        found.append(kept or node.kind in POSITIVE)
    return found
