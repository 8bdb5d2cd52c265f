"""What Darknet's sections become: a table from a section's word to the rows that it is.

The rules are those of Darknet's own parser (``src/parser.c``): a padding of pools is a total, ``pad=1`` half the
kernel, an activation that is not given is logistic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cnncalc.convert.darknet_file import Section
from cnncalc.convert.rows import Rows
from cnncalc.diagnostics import Fault, Origin, SpecError, suggestion
from cnncalc.geometry import Shape, dims, elements
from cnncalc.graph import Node

FIELDS = {
    "channels": "filters",
    "features": "output",
    "kernel": "size",
    "groups": "groups",
    "stride": "stride",
    "padding": "padding",
    "rate": "probability",
    "size": "size",
    "scale": "stride",
    "block": "stride",
    "amount": "crop_width",
}
"""The option at fault, by the argument that a layer names."""

ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "logistic": ("sigmoid", {}),
    "sigmoid": ("sigmoid", {}),
    "relu": ("relu", {}),
    "relu6": ("relu6", {}),
    "leaky": ("leaky_relu", {"negative_slope": 0.1}),
    "relie": ("leaky_relu", {"negative_slope": 0.01}),
    "elu": ("elu", {}),
    "selu": ("selu", {}),
    "tanh": ("tanh", {}),
    "mish": ("mish", {}),
    "swish": ("silu", {}),
    "gelu": ("gelu", {"approximate": "tanh"}),
}

POINTWISE = ("ramp", "loggy", "plse", "hardtan", "lhtan", "stair", "hard_mish", "revleaky")
"""Activations that have no kind."""

HEADS = ("yolo", "gaussian_yolo", "region", "detection")
"""What reads boxes off its input: it holds no weights, and its input leaves the network."""

LOSSES = ("cost", "iseg", "logxent", "contrastive")


class Build:
    """The network that grows, section by section."""

    def __init__(self, rows: Rows, section: Section) -> None:
        self.rows = rows
        self.account = rows.account
        self.tensors: list[int] = []
        """The result of every section so far, as `route` counts them."""
        self.made: list[list[Node]] = []
        """The rows of every section."""
        self.section = section
        self.x = 0
        """The current tensor."""

    @property
    def name(self) -> str:
        """``conv_0``: the word, and the place that Darknet prints."""
        return f"{SHORT.get(self.section.word, self.section.word)}_{len(self.tensors)}"

    @property
    def shape(self) -> Shape:
        return self.rows.graph.shapes[self.x]

    def append(self, kind: str, inputs: int | Sequence[int], suffix: str = "", **arguments: Any) -> int:
        """The result of a row of `kind`; raises `SpecError` at the option at fault."""
        taken = (inputs,) if isinstance(inputs, int) else inputs
        graph = self.rows.graph
        name = self.rows.free_name(self.name + suffix, kind)
        try:
            return graph.append(self.rows.layer(kind, arguments), taken, name, Origin(self.section.span, None)).number
        except Fault as fault:
            option = self.section.options.get(FIELDS.get(fault.field or "", ""))
            raise SpecError([fault.at(option.span if option else self.section.span)]) from None

    def opaque(self, operator: str, x: int | Sequence[int], output: Shape, params: int, macs: int) -> int:
        """An opaque row whose counts are known."""
        number = self.append("opaque", x, output=output, params=params, macs=macs)
        row = self.rows.graph.node(number)
        assert row is not None
        self.account.unknown(operator, row)
        return number

    def image(self) -> Shape:
        """The current shape, which must have positions."""
        if len(self.shape) != 3:
            word = self.section.word
            message = f"`[{word}]` needs an image, but its input is {dims(self.shape)}"
            help = "give `[net]` its `height`, `width` and `channels`, and write it before any `[connected]`"
            raise self.section.fail("no-spatial-axes", message, "", help)
        return self.shape

    def flat(self) -> int:
        """The current tensor without positions."""
        return self.append("flatten", self.x, ".flatten") if len(self.shape) > 1 else self.x

    def section_at(self, index: int, key: str) -> int:
        """A place among the sections, negative from here; raises `SpecError` where there is none before this one."""
        place = index + len(self.tensors) if index < 0 else index
        if not 0 <= place < len(self.tensors):
            last = f"0 to {len(self.tensors) - 1}" if self.tensors else "none"
            message = f"there is no layer {index} before this one, which is layer {len(self.tensors)}"
            raise self.section.fail("unknown-layer", message, key, f"layers before it are {last}")
        return place

    def finished(self, x: int, default: str = "logistic", normalised: bool = False, suffix: str = ".act") -> int:
        """`x` after the section's batch normalisation and activation."""
        if normalised:
            x = self.append("batch_norm", x, ".norm", eps=1e-6)
        word = self.section.text("activation", default)
        if word == "linear":
            return x
        if word in ACTIVATIONS:
            kind, arguments = ACTIVATIONS[word]
            return self.append(kind, x, suffix, **arguments)
        if word in POINTWISE:
            number = self.append("opaque", x, suffix, output=self.rows.graph.shapes[x], params=0, macs=0)
            self.account.unknown(word, self.rows.graph.nodes[-1])
            return number
        help = (
            suggestion(word, [*ACTIVATIONS, *POINTWISE]) or f"it knows {', '.join(sorted((*ACTIVATIONS, *POINTWISE)))}"
        )
        raise self.section.fail(
            "unknown-activation", f"cnncalc does not know the activation `{word[:40]}`", "activation", help
        )


def convolutional(build: Build) -> int:
    section = build.section
    build.image()
    size, normalised = section.number("size", 1, 1), bool(section.number("batch_normalize", 0))
    padding = size // 2 if section.number("pad", 0) else section.number("padding", 0)
    stride: Any = section.number("stride", 1, 1)
    if "stride_x" in section.options or "stride_y" in section.options:
        stride = (section.number("stride_y", stride, 1), section.number("stride_x", stride, 1))
    extra: dict[str, Any] = {key: value for key in ("groups", "dilation") if (value := section.number(key, 1, 1)) != 1}
    arguments: dict[str, Any] = {
        "channels": section.number("filters", 1, 1),
        "kernel": size,
        "stride": stride,
        "padding": padding,
    }
    x = build.append("conv", build.x, **arguments, **extra, bias=not normalised)
    first = len(build.rows.graph.nodes) - 1
    x = build.finished(x, normalised=normalised)
    if "share_index" in section.options:
        owner = build.section_at(section.numbers("share_index")[0], "share_index")
        _share(build, build.rows.graph.nodes[first:], build.made[owner])
    return x


def _share(build: Build, made: Sequence[Node], owners: Sequence[Node]) -> None:
    """Let rows use the weights of an earlier section."""
    mine, theirs = ([node for node in nodes if node.operation.weights] for nodes in (made, owners))
    if [node.operation.weights for node in mine] != [node.operation.weights for node in theirs]:
        help = "name a layer of the same kind, sizes and input channels"
        raise build.section.fail("share", "that layer has weights of other shapes", "share_index", help)
    for node, owner in zip(mine, theirs):
        node.shares = owner.shares or owner


def deconvolutional(build: Build) -> int:
    section = build.section
    build.image()
    size, normalised = section.number("size", 1, 1), bool(section.number("batch_normalize", 0))
    padding = size // 2 if section.number("pad", 0) else section.number("padding", 0)
    arguments: dict[str, Any] = {
        "channels": section.number("filters", 1, 1),
        "kernel": size,
        "stride": section.number("stride", 1, 1),
    }
    x = build.append("conv_transpose", build.x, **arguments, padding=padding, bias=not normalised)
    return build.finished(x, normalised=normalised)


def connected(build: Build) -> int:
    normalised = bool(build.section.number("batch_normalize", 0))
    x = build.append("linear", build.flat(), features=build.section.number("output", 1, 1), bias=not normalised)
    return build.finished(x, normalised=normalised)


def local(build: Build) -> int:
    """A convolution with weights of its own at every position (``src/local_layer.c``)."""
    section = build.section
    channels, height, width = build.image()
    filters, size, stride = (section.number(key, 1, 1) for key in ("filters", "size", "stride"))
    cut = 1 if section.number("pad", 0) else size
    rows, columns = ((length - cut) // stride + 1 for length in (height, width))
    if rows < 1 or columns < 1:
        raise section.fail(
            "window-too-large", f"kernel {size} does not fit {height} x {width}", "size", "write a smaller `size`"
        )
    products = rows * columns * filters * size * size * channels
    output = (filters, rows, columns)
    return build.finished(build.opaque("local", build.x, output, products + elements(output), products))


def maxpool(build: Build) -> int:
    """The padding is a total, and of an odd one more stands after (``src/maxpool_layer.c``)."""
    section = build.section
    build.image()
    stride = section.number("stride", 1, 1)
    size = section.number("size", stride, 1)
    total = section.number("padding", size - 1)
    before = total // 2
    padding: Any = before if total % 2 == 0 else ((before, total - before),) * 2
    return build.append("max_pool", build.x, kernel=size, stride=stride, padding=padding)


def avgpool(build: Build) -> int:
    build.image()
    return build.append("global_avg_pool", build.x)


def dropout(build: Build) -> int:
    return build.append("dropout", build.x, rate=build.section.real("probability", 0.5))


def softmax(build: Build) -> int:
    """Over everything, but for `spatial`: over the channels of a position."""
    if build.section.number("spatial", 0) or elements(build.shape[1:]) == 1:
        return build.append("softmax", build.x)
    return build.append("softmax", build.flat())


def route(build: Build) -> int:
    """Earlier results one after the other; with groups, a part of each one's channels.  A single one needs no row."""
    section = build.section
    taken = [build.tensors[build.section_at(index, "layers")] for index in section.numbers("layers")]
    groups = section.number("groups", 1, 1)
    if groups > 1:
        taken = [_part(build, x, groups, number) for number, x in enumerate(taken)]
    return taken[0] if len(taken) == 1 else build.append("concat", taken)


def _part(build: Build, x: int, groups: int, number: int) -> int:
    """One of so many equal parts of a tensor's channels."""
    section = build.section
    channels, group = build.rows.graph.shapes[x][0], section.number("group_id", 0)
    if channels % groups or group >= groups:
        message = f"{channels} channels have no part {group} of {groups}"
        if channels % groups:
            raise section.fail("groups", message, "groups", f"`groups` divides the {channels} channels")
        raise section.fail("groups", message, "group_id", f"`group_id` goes from 0 to {groups - 1}")
    size = channels // groups
    return build.append("slice", x, f".{number}", channels=(group * size, group * size + size))


def shortcut(build: Build) -> int:
    """A sum in the current shape."""
    taken = [build.tensors[build.section_at(index, "from")] for index in build.section.numbers("from")]
    fitted = [_fitted(build, x, build.shape, f".from{number}") for number, x in enumerate(taken)]
    return build.finished(build.append("add", [build.x, *fitted]), "linear")


def _fitted(build: Build, x: int, wanted: Shape, suffix: str) -> int:
    """What a shortcut adds of a tensor of another shape: every so many positions of the channels that both have.

    Channels that it lacks are zeros (``shortcut_cpu`` in ``src/blas.c``).
    """
    own = build.rows.graph.shapes[x]
    if own == wanted:
        return x
    steps = {size // target for size, target in zip(own[1:], wanted[1:])}
    whole = all(size % target == 0 for size, target in zip(own[1:], wanted[1:]))
    if len(own) != len(wanted) or not whole or len(steps) > 1:
        message = f"`[shortcut]` cannot add {dims(own)} to {dims(wanted)}"
        help = "what is added has the same height and width, or a multiple of them, and `from` counts layers back"
        raise build.section.fail("branch-shapes", message, "from", help)
    if steps and (step := steps.pop()) > 1:
        x = build.append("max_pool", x, f"{suffix}.stride", kernel=1, stride=step)
    if own[0] > wanted[0]:
        return build.append("slice", x, f"{suffix}.slice", channels=(0, wanted[0]))
    if own[0] < wanted[0]:
        return build.append("pad", x, f"{suffix}.pad", amount=0, channels=(0, wanted[0] - own[0]))
    return x


def scale_channels(build: Build) -> int:
    """A squeeze-and-excitation gate: a factor per channel for an earlier result."""
    x = build.tensors[build.section_at(build.section.numbers("from")[0], "from")]
    return build.finished(build.append("multiply", [x, build.x]), "linear")


def upsample(build: Build) -> int:
    build.image()
    return build.append("upsample", build.x, scale=build.section.number("stride", 2, 1))


def reorg(build: Build) -> int:
    build.image()
    stride = build.section.number("stride", 1, 1)
    build.account.note(f"{build.name}: Darknet has the channels in an order of its own")
    if build.section.number("reverse", 0):
        return build.append("depth_to_space", build.x, block=stride, order="dcr")
    return build.append("space_to_depth", build.x, block=stride, order="dcr")


def crop(build: Build) -> int:
    """The centre, as when a network is used; in training it is random."""
    section = build.section
    _, height, width = build.image()
    cuts = []
    for key, length in (("crop_height", height), ("crop_width", width)):
        wanted = section.number(key, 1, 1)
        if wanted > length:
            message = f"{wanted} positions are more than the {length} there are"
            raise section.fail("empty-output", message, key, f"write `{key}={length}`, or less")
        cuts.append(((length - wanted) // 2, length - wanted - (length - wanted) // 2))
    return build.append("crop", build.x, amount=tuple(cuts))


def normalization(build: Build) -> int:
    """Its alpha is not divided by the number of channels."""
    section = build.section
    size = section.number("size", 5, 1)
    return build.append(
        "local_response_norm",
        build.x,
        size=size,
        alpha=section.real("alpha", 0.0001) * size,
        beta=section.real("beta", 0.75),
        k=section.real("kappa", 1.0),
    )


def batchnorm(build: Build) -> int:
    return build.append("batch_norm", build.x, eps=1e-6)


def activation(build: Build) -> int:
    return build.finished(build.x, "linear", suffix="")


def l2norm(build: Build) -> int:
    return build.append("l2_norm", build.x)


def logistic(build: Build) -> int:
    return build.append("sigmoid", build.x)


def head(build: Build) -> int:
    return build.x


def loss(build: Build) -> int:
    build.account.note(f"{build.name}: a loss is no part of the network")
    return build.x


SHORT = {"convolutional": "conv", "deconvolutional": "deconv", "connected": "connected"}
"""What rows are called after, where it is not the section's word."""

LAYERS: dict[str, Callable[[Build], int]] = {
    "convolutional": convolutional,
    "conv": convolutional,
    "deconvolutional": deconvolutional,
    "deconv": deconvolutional,
    "connected": connected,
    "conn": connected,
    "local": local,
    "maxpool": maxpool,
    "max": maxpool,
    "avgpool": avgpool,
    "avg": avgpool,
    "dropout": dropout,
    "softmax": softmax,
    "soft": softmax,
    "route": route,
    "shortcut": shortcut,
    "scale_channels": scale_channels,
    "upsample": upsample,
    "reorg": reorg,
    "crop": crop,
    "normalization": normalization,
    "lrn": normalization,
    "batchnorm": batchnorm,
    "activation": activation,
    "l2norm": l2norm,
    "logistic": logistic,
    **dict.fromkeys(HEADS, head),
    **dict.fromkeys(LOSSES, loss),
}
"""Sections, by their word."""
