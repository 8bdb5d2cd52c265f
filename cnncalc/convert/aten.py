"""PyTorch's operators -> the operator graph: what each ATen operator is in the vocabulary of `operators`.

A program comes as `Call`s, from a module that torch exports or from a file; it knows neither torch nor a layer kind.
Arguments have the names of ATen's schemas; what a file leaves out has the schema's default.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

from cnncalc.convert.operators import Constant, Input, Operator, Program, Sizes
from cnncalc.diagnostics import Fault


class Tensor(str):
    """The name of a tensor, among arguments."""


class Call(NamedTuple):
    """One operator of a program."""

    target: str
    """``aten.conv2d.default``."""
    given: dict[str, Any]
    """Its arguments by name: tensors as `Tensor`, numbers, words, lists of them, None."""
    outputs: list[str]
    """The names of the tensors that it gives."""
    name: str
    """As messages call it."""
    stack: tuple[tuple[str, str], ...]
    """Path and class of the modules around it, the outermost first."""


class Exported(NamedTuple):
    """A program as torch exports it."""

    calls: list[Call]
    shapes: dict[str, tuple[int | None, ...]]
    """Of every tensor, with the batch; None for a size that is open."""
    types: dict[str, str]
    """``float``, ``int``, ``bool``: of every tensor."""
    weights: dict[str, str]
    """Parameters, buffers and constants: the path of each tensor's name."""
    buffers: set[str]
    """The paths of those that are not learned."""
    values: dict[str, Callable[[], Sequence[Any] | None]]
    """What reads the elements of such a tensor."""
    inputs: list[str]
    outputs: list[str]


class InPlace(Exception):
    """A tensor is changed while others that look at the same memory are still read."""


def lower(exported: Exported, source: str, name: str) -> Program:
    """The operator graph of an exported program; raises `Fault`, `InPlace`."""
    return Lowering(exported, source, name).run()


class Lowering:
    """The program that grows, call by call."""

    def __init__(self, exported: Exported, source: str, name: str) -> None:
        self.exported = exported
        self.program = Program(source, name)
        self.names: dict[str, str] = {}
        """What a tensor is called now: a weight by its path, one that was changed in place by its new name."""
        self.call = Call("", {}, [], "", ())
        self.made = 0
        self.roots: dict[str, str] = {}
        """Of every tensor that looks at another's memory, that other."""
        self.parents = {path.rpartition(".")[0] for call in exported.calls for path, _ in call.stack if path}

    def run(self) -> Program:
        exported, program = self.exported, self.program
        for tensor, path in exported.weights.items():
            shape = self.fixed(tensor)
            self.names[tensor] = path
            kind = exported.types.get(tensor, "float")
            read = exported.values.get(tensor)
            program.constants[path] = Constant(shape, kind, None, {path: prod(shape)}, read)
        program.buffers = exported.buffers
        for tensor in exported.inputs:
            program.inputs.append(Input(tensor, exported.shapes.get(tensor)))
        last = self.last_uses()
        for place, call in enumerate(exported.calls):
            self.call = call
            self.lower_call(call)
            self.replace_changed(call, place, last)
        for tensor, sizes in exported.shapes.items():
            if tensor not in exported.weights and tensor not in exported.inputs:
                program.stated[tensor] = sizes
        program.outputs = [self.names.get(tensor, tensor) for tensor in exported.outputs]
        return program

    def lower_call(self, call: Call) -> None:
        base = call.target.removeprefix("aten.").partition(".")[0]
        plain = base.removesuffix("_") if not base.endswith("__") else base
        if plain in CHECKS:
            return
        operation = OPERATIONS.get(plain) if call.target.startswith("aten.") else None
        if plain in VIEWS:
            source = next((value for value in call.given.values() if isinstance(value, Tensor)), None)
            for output in call.outputs if source is not None else ():
                self.roots[output] = self.root(source or "")
        if operation is not None:
            operation(self, call.given)
        else:
            self.unknown()

    def unknown(self) -> None:
        """An operator that becomes an opaque row, or a constant where nothing that it takes is none."""
        inputs = self.tensors(list(self.call.given.values()))
        if not inputs:
            for output in self.call.outputs:
                shape = self.fixed(output)
                self.program.constants[output] = Constant(shape, self.exported.types.get(output, "float"))
            return
        self.emit(self.call.target, inputs, self.call.outputs)

    # -- names and shapes

    def tensors(self, value: Any) -> list[str]:
        """The tensors within an argument."""
        if isinstance(value, Tensor):
            return [self.names.get(value, value)]
        if isinstance(value, (list, tuple)):
            return [name for entry in value for name in self.tensors(entry)]
        return []

    def operand(self, value: Any) -> str:
        """The name of a tensor, of a constant made from a number, or of nothing."""
        if value is None:
            return ""
        if isinstance(value, Tensor):
            return self.names.get(value, value)
        if isinstance(value, (bool, int, float)):
            return self.constant((), "float" if isinstance(value, float) else "int", (value,))
        raise Fault("unsupported", f"cnncalc does not know what `{self.call.target}` takes")

    def constant(self, shape: Sizes, kind: str, values: Sequence[Any]) -> str:
        self.made += 1
        name = f"{self.call.name}:{self.made}"
        self.program.constants[name] = Constant(shape, kind, values)
        return name

    def ints(self, values: Sequence[int]) -> str:
        """The name of a constant list."""
        return self.constant((len(values),), "int", tuple(values))

    def fixed(self, tensor: str) -> Sizes:
        """The shape of a tensor; raises `Fault` where it is not known."""
        shape = self.exported.shapes.get(tensor)
        if shape is None or any(size is None for size in shape):
            raise Fault("dynamic-shape", f"the program leaves the sizes of `{tensor}` open", None, FIXED)
        return tuple([size or 0 for size in shape])

    def shape(self, value: Any) -> Sizes:
        return self.fixed(value) if isinstance(value, Tensor) else ()

    @property
    def output(self) -> str:
        if not self.call.outputs:
            raise Fault("unsupported", f"`{self.call.target}` gives no tensor")
        return self.call.outputs[0]

    # -- operators

    @property
    def title(self) -> str:
        """The path of the module that does it; with the operator's name where the module does more."""
        path = self.call.stack[-1][0] if self.call.stack else ""
        if path and path not in self.parents:
            return path
        word = self.call.target.removeprefix("aten.").partition(".")[0].strip("_")
        return f"{path}.{word}" if path else word

    def emit(self, kind: str, inputs: Sequence[str], outputs: Sequence[str] | None = None, /, **attributes: Any) -> str:
        """The first result of an operator."""
        results = list(self.call.outputs[:1] if outputs is None else outputs)
        operator = Operator(kind, inputs, results, attributes, self.call.name)
        operator.title = self.title
        self.program.operators.append(operator)
        return results[0]

    def inner(self) -> str:
        """A name for a tensor between two operators of one call."""
        self.made += 1
        return f"{self.call.name}#{self.made}"

    # -- changes in place

    def root(self, tensor: str) -> str:
        return self.roots.get(tensor, tensor)

    def last_uses(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for place, call in enumerate(self.exported.calls):
            pending: list[Any] = list(call.given.values())
            while pending:
                value = pending.pop()
                if isinstance(value, Tensor):
                    found[value] = place
                elif isinstance(value, (list, tuple)):
                    pending += value
        return found | dict.fromkeys(self.exported.outputs, len(self.exported.calls))

    def replace_changed(self, call: Call, place: int, last: dict[str, int]) -> None:
        """Let a tensor that a call has changed in place mean its result from here on."""
        base = call.target.removeprefix("aten.").partition(".")[0]
        changed = call.given.get("self", call.given.get("input"))
        if not base.endswith("_") or base.endswith("__") or not isinstance(changed, Tensor) or not call.outputs:
            return
        root = self.root(changed)
        family = [tensor for tensor in (root, *self.roots) if self.root(tensor) == root and tensor != changed]
        if any(last.get(tensor, -1) > place for tensor in family if tensor not in call.outputs):
            raise InPlace
        self.names[changed] = self.names.get(call.outputs[0], call.outputs[0])
        self.roots[call.outputs[0]] = root


FIXED = "export the model with fixed sizes"

CHECKS = frozenset({"_assert_tensor_metadata", "_assert_async", "_assert_scalar", "sym_constrain_range_for_size"})
"""Operators that only check something."""

VIEWS = frozenset(
    (
        "view",
        "reshape",
        "flatten",
        "unflatten",
        "squeeze",
        "unsqueeze",
        "permute",
        "transpose",
        "t",
        "slice",
        "select",
        "narrow",
        "chunk",
        "split",
        "split_with_sizes",
        "unbind",
        "expand",
        "expand_as",
        "movedim",
        "alias",
        "detach",
        "view_as",
        "swapaxes",
        "_unsafe_view",
        "contiguous",
        "to",
    )
)
"""Operators whose results look at what they take."""

Given = dict[str, Any]
Lower = Callable[[Lowering, Given], None]


def x_of(given: Given) -> Any:
    return given.get("self", given.get("input"))


def per_axis(value: Any, rank: int, default: int) -> tuple[int, ...]:
    """One entry per axis of a list that may have one entry for all, or none."""
    if value is None or value == []:
        return (default,) * rank
    entries = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    return entries * rank if len(entries) == 1 else entries


# -- convolutions and pools --------------------------------------------------------------------------------------------


def convolution(low: Lowering, given: Given) -> None:
    x, weight = x_of(given), given["weight"]
    kernel = low.shape(weight)[2:]
    rank = len(kernel)
    dilations, padding = per_axis(given.get("dilation"), rank, 1), given.get("padding")
    if padding == "same":
        totals = [dilation * (size - 1) for dilation, size in zip(dilations, kernel)]
        pads = (*[total // 2 for total in totals], *[total - total // 2 for total in totals])
    else:
        pads = per_axis(None if padding == "valid" else padding, rank, 0) * 2
    attributes = {
        "kernel_shape": kernel,
        "strides": per_axis(given.get("stride"), rank, 1),
        "pads": pads,
        "dilations": dilations,
        "group": given.get("groups", 1),
    }
    inputs = [low.operand(x), low.operand(weight), low.operand(given.get("bias"))]
    if given.get("transposed") or "conv_transpose" in low.call.target:
        extra = per_axis(given.get("output_padding"), rank, 0)
        low.emit("ConvTranspose", inputs, None, **attributes, output_padding=extra)
    else:
        low.emit("Conv", inputs, None, **attributes)


def _pool(kind: str, rank: int) -> Lower:
    def lower(low: Lowering, given: Given) -> None:
        if given.get("divisor_override") is not None:
            return low.unknown()
        kernel = per_axis(given["kernel_size"], rank, 1)
        attributes = {
            "kernel_shape": kernel,
            "strides": per_axis(given.get("stride"), rank, 0) if given.get("stride") else kernel,
            "pads": per_axis(given.get("padding"), rank, 0) * 2,
            "ceil_mode": int(given.get("ceil_mode", False)),
        }
        if kind == "MaxPool":
            attributes["dilations"] = per_axis(given.get("dilation"), rank, 1)
        else:
            attributes["count_include_pad"] = int(given.get("count_include_pad", True))
        low.emit(kind, [low.operand(x_of(given))], None, **attributes)
        return None

    return lower


def _adaptive(kind: str, rank: int) -> Lower:
    def lower(low: Lowering, given: Given) -> None:
        size = per_axis(given["output_size"], rank, 1)
        whole = low.shape(x_of(given))[-rank:]
        wanted = tuple([own if size is None else size for own, size in zip(whole, size)])
        low.emit(f"torch.Adaptive{kind}Pool", [low.operand(x_of(given))], None, size=wanted)

    return lower


def upsample(mode: str) -> Lower:
    def lower(low: Lowering, given: Given) -> None:
        corners = int(bool(given.get("align_corners", False)))
        low.emit(
            "torch.Upsample", [low.operand(x_of(given))], None, size=low.fixed(low.output), mode=mode, corners=corners
        )

    return lower


# -- normalisations ----------------------------------------------------------------------------------------------------


def batch_norm(low: Lowering, given: Given) -> None:
    mean, variance = given.get("running_mean"), given.get("running_var")
    if given.get("training") or mean is None or variance is None:
        return low.unknown()
    inputs = [low.operand(value) for value in (x_of(given), given.get("weight"), given.get("bias"), mean, variance)]
    low.emit("torch.BatchNorm", inputs, None, epsilon=float(given.get("eps", 1e-5)))
    return None


def layer_norm(low: Lowering, given: Given) -> None:
    inputs = [low.operand(value) for value in (x_of(given), given.get("weight"), given.get("bias"))]
    axis = -len(given["normalized_shape"])
    low.emit("LayerNormalization", inputs, None, axis=axis, epsilon=float(given.get("eps", 1e-5)))


def group_norm(low: Lowering, given: Given) -> None:
    inputs = [low.operand(value) for value in (x_of(given), given.get("weight"), given.get("bias"))]
    groups = given["num_groups"]
    low.emit("GroupNormalization", inputs, None, num_groups=groups, epsilon=float(given.get("eps", 1e-5)))


def instance_norm(low: Lowering, given: Given) -> None:
    if given.get("running_mean") is not None and not given.get("use_input_stats", True):
        return batch_norm(low, given)
    inputs = [low.operand(value) for value in (x_of(given), given.get("weight"), given.get("bias"))]
    low.emit("torch.InstanceNorm", inputs, None, epsilon=float(given.get("eps", 1e-5)))
    return None


# -- products ----------------------------------------------------------------------------------------------------------


def linear(low: Lowering, given: Given) -> None:
    weight = low.operand(given["weight"])
    constant = low.program.constants.get(weight)
    if constant is None or len(constant.shape) != 2:
        return low.unknown()
    turned = f"{weight}.T"
    if turned not in low.program.constants:
        low.program.constants[turned] = Constant(constant.shape[::-1], constant.dtype, None, constant.roots)
    bias = given.get("bias")
    low.emit("MatMul", [low.operand(x_of(given)), turned, *([low.operand(bias)] if bias is not None else [])])
    return None


def matmul(low: Lowering, given: Given) -> None:
    low.emit("MatMul", [low.operand(x_of(given)), low.operand(given.get("other", given.get("mat2")))])


def einsum(low: Lowering, given: Given) -> None:
    low.emit("Einsum", low.tensors(given["tensors"]), None, equation=str(given["equation"]))


def attention(low: Lowering, given: Given) -> None:
    inputs = [low.operand(given[name]) for name in ("query", "key", "value")]
    low.emit("torch.attention", inputs, None)


# -- pointwise ---------------------------------------------------------------------------------------------------------


def simple(kind: str, **names: tuple[str, float]) -> Lower:
    """An operator of one tensor; `names` give for each attribute ATen's argument and its default."""

    def lower(low: Lowering, given: Given) -> None:
        attributes = {name: float(given.get(argument, default)) for name, (argument, default) in names.items()}
        low.emit(kind, [low.operand(x_of(given))], None, **attributes)

    return lower


def fixed(kind: str, **attributes: Any) -> Lower:
    def lower(low: Lowering, given: Given) -> None:
        low.emit(kind, [low.operand(x_of(given))], None, **attributes)

    return lower


def clip(least: str, most: str, *defaults: float | None) -> Lower:
    def lower(low: Lowering, given: Given) -> None:
        bounds = dict(zip(("min", "max"), (given.get(least, defaults[0]), given.get(most, defaults[1]))))
        if any(isinstance(bound, Tensor) for bound in bounds.values()):
            return low.unknown()
        known = {name: float(bound) for name, bound in bounds.items() if bound is not None}
        low.emit("Clip", [low.operand(x_of(given))], None, **known)
        return None

    return lower


def gelu(low: Lowering, given: Given) -> None:
    low.emit("Gelu", [low.operand(x_of(given))], None, approximate=str(given.get("approximate", "none")))


def softmax(kind: str) -> Lower:
    def lower(low: Lowering, given: Given) -> None:
        low.emit(kind, [low.operand(x_of(given))], None, axis=given["dim"])

    return lower


def prelu(low: Lowering, given: Given) -> None:
    """A slope per channel is spread over the positions."""
    x, weight = x_of(given), low.operand(given["weight"])
    constant, rank = low.program.constants.get(weight), len(low.shape(x))
    if constant is not None and constant.size > 1 and rank > 2:
        spread = f"{weight}.spread"
        shape = (constant.size, *(1,) * (rank - 2))
        low.program.constants[spread] = Constant(shape, constant.dtype, None, constant.roots)
        weight = spread
    low.emit("PRelu", [low.operand(x), weight])


def arithmetic(kind: str) -> Lower:
    def lower(low: Lowering, given: Given) -> None:
        other = low.operand(given["other"])
        if given.get("alpha", 1) != 1:
            other = low.emit("Mul", [other, low.operand(given["alpha"])], [low.inner()])
        low.emit(kind, [low.operand(x_of(given)), other])

    return lower


def reversed_sub(low: Lowering, given: Given) -> None:
    low.emit("Sub", [low.operand(given["other"]), low.operand(x_of(given))])


def power(low: Lowering, given: Given) -> None:
    low.emit("Pow", [low.operand(x_of(given)), low.operand(given["exponent"])])


def reduction(kind: str, key: str = "dim") -> Lower:
    def lower(low: Lowering, given: Given) -> None:
        axes = given.get(key)
        axes = axes if isinstance(axes, (list, tuple)) else [axes] if axes is not None else []
        axes = axes or list(range(len(low.shape(x_of(given)))))
        keep = int(bool(given.get("keepdim", False)))
        low.emit(kind, [low.operand(x_of(given))], None, axes=tuple(axes), keepdims=keep)

    return lower


# -- moving ------------------------------------------------------------------------------------------------------------


def identity(low: Lowering, given: Given) -> None:
    low.emit("Identity", [low.operand(x_of(given))])


def dropout(low: Lowering, given: Given) -> None:
    if given.get("train"):
        return low.unknown()
    low.emit("Dropout", [low.operand(x_of(given))], None, ratio=float(given.get("p", 0.5)))
    return None


def reshape(low: Lowering, given: Given) -> None:
    low.emit("Reshape", [low.operand(x_of(given)), low.ints(low.fixed(low.output))])


def expand(low: Lowering, given: Given) -> None:
    low.emit("Expand", [low.operand(x_of(given)), low.ints(low.fixed(low.output))])


def transposed(low: Lowering, x: Any, order: Sequence[int]) -> None:
    rank = len(low.shape(x))
    low.emit("Transpose", [low.operand(x)], None, perm=tuple([axis % rank for axis in order]))


def permute(low: Lowering, given: Given) -> None:
    transposed(low, x_of(given), given["dims"])


def exchange(first: str, second: str) -> Lower:
    def lower(low: Lowering, given: Given) -> None:
        rank = len(low.shape(x_of(given)))
        order = list(range(rank))
        a, b = given[first] % rank, given[second] % rank
        order[a], order[b] = b, a
        transposed(low, x_of(given), order)

    return lower


def turned(low: Lowering, given: Given) -> None:
    rank = len(low.shape(x_of(given)))
    transposed(low, x_of(given), list(range(rank))[::-1])


def concat(low: Lowering, given: Given) -> None:
    low.emit("Concat", low.tensors(given["tensors"]), None, axis=given.get("dim", 0))


def stack(low: Lowering, given: Given) -> None:
    """Each with an axis of one position more, and then one after the other."""
    rank = len(low.fixed(low.output))
    axis = given.get("dim", 0) % rank
    parts = [low.emit("Unsqueeze", [name, low.ints([axis])], [low.inner()]) for name in low.tensors(given["tensors"])]
    low.emit("Concat", parts, None, axis=axis)


def split(low: Lowering, given: Given) -> None:
    axis = given.get("dim", 0) % len(low.shape(x_of(given)))
    sizes = [low.fixed(output)[axis] for output in low.call.outputs]
    low.emit("Split", [low.operand(x_of(given)), low.ints(sizes)], low.call.outputs, axis=axis)


def unbind(low: Lowering, given: Given) -> None:
    """Single positions of an axis, which vanishes."""
    axis = given.get("dim", 0) % len(low.shape(x_of(given)))
    for place, output in enumerate(low.call.outputs):
        low.emit("Gather", [low.operand(x_of(given)), low.operand(place)], [output], axis=axis)


def slices(low: Lowering, given: Given) -> None:
    start, end = given.get("start"), given.get("end")
    bounds = [
        0 if start is None else start,
        2**63 - 1 if end is None else end,
        given.get("dim", 0),
        given.get("step", 1),
    ]
    if not all(type(bound) is int for bound in bounds):
        raise Fault("dynamic-shape", "it takes a part whose size is open", None, FIXED)
    low.emit("Slice", [low.operand(x_of(given)), *[low.ints([bound]) for bound in bounds]])


def narrow(low: Lowering, given: Given) -> None:
    start, length = given["start"], given["length"]
    slices(low, {**given, "end": start + length})


def select(low: Lowering, given: Given) -> None:
    axis = given["dim"] % len(low.shape(x_of(given)))
    low.emit("Gather", [low.operand(x_of(given)), low.operand(given["index"])], None, axis=axis)


MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad(low: Lowering, given: Given) -> None:
    """ATen lists the last axis first."""
    pads, rank = list(given["pad"]), len(low.shape(x_of(given)))
    mode = MODES.get(given.get("mode", "constant"))
    if mode is None or len(pads) % 2 or len(pads) > 2 * rank:
        return low.unknown()
    pads += [0] * (2 * rank - len(pads))
    ordered = [*pads[::-1][1::2], *pads[::-1][0::2]]
    value = float(given.get("value") or 0.0)
    low.emit("Pad", [low.operand(x_of(given)), low.ints(ordered), low.operand(value)], None, mode=mode)
    return None


def pixels(low: Lowering, given: Given) -> None:
    low.emit("DepthToSpace", [low.operand(x_of(given))], None, blocksize=given["upscale_factor"], mode="CRD")


def unpixels(low: Lowering, given: Given) -> None:
    low.emit("torch.PixelUnshuffle", [low.operand(x_of(given))], None, block=given["downscale_factor"])


def shuffle(low: Lowering, given: Given) -> None:
    low.emit("torch.ChannelShuffle", [low.operand(x_of(given))], None, groups=given["groups"])


OPERATIONS: dict[str, Lower] = {
    **{f"{word}{rank}d": convolution for word in ("conv", "conv_transpose") for rank in (1, 2, 3)},
    "convolution": convolution,
    **{f"max_pool{rank}d": _pool("MaxPool", rank) for rank in (1, 2, 3)},
    **{f"max_pool{rank}d_with_indices": _pool("MaxPool", rank) for rank in (2, 3)},
    **{f"avg_pool{rank}d": _pool("AveragePool", rank) for rank in (1, 2, 3)},
    **{f"adaptive_avg_pool{rank}d": _adaptive("Avg", rank) for rank in (1, 2, 3)},
    **{f"_adaptive_avg_pool{rank}d": _adaptive("Avg", rank) for rank in (2, 3)},
    **{f"adaptive_max_pool{rank}d": _adaptive("Max", rank) for rank in (1, 2, 3)},
    **{f"upsample_nearest{rank}d": upsample("nearest") for rank in (1, 2, 3)},
    **dict.fromkeys(("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d"), upsample("bilinear")),
    "batch_norm": batch_norm,
    "_native_batch_norm_legit_no_training": batch_norm,
    "layer_norm": layer_norm,
    "native_layer_norm": layer_norm,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "linear": linear,
    "matmul": matmul,
    "bmm": matmul,
    "mm": matmul,
    "einsum": einsum,
    "scaled_dot_product_attention": attention,
    "relu": simple("Relu"),
    "leaky_relu": simple("LeakyRelu", alpha=("negative_slope", 0.01)),
    "elu": simple("Elu", alpha=("alpha", 1.0)),
    "selu": simple("Selu"),
    "gelu": gelu,
    "silu": simple("Silu"),
    "mish": simple("Mish"),
    "sigmoid": simple("Sigmoid"),
    "hardsigmoid": fixed("HardSigmoid", alpha=1 / 6, beta=0.5),
    "hardswish": simple("HardSwish"),
    "hardtanh": clip("min_val", "max_val", -1.0, 1.0),
    "relu6": fixed("Clip", min=0.0, max=6.0),
    "clamp": clip("min", "max", None, None),
    "clamp_min": clip("min", "none", None, None),
    "tanh": simple("Tanh"),
    "softplus": simple("Softplus"),
    "softmax": softmax("Softmax"),
    "_softmax": softmax("Softmax"),
    "log_softmax": softmax("LogSoftmax"),
    "prelu": prelu,
    "add": arithmetic("Add"),
    "sub": arithmetic("Sub"),
    "rsub": reversed_sub,
    "mul": arithmetic("Mul"),
    "multiply": arithmetic("Mul"),
    "div": arithmetic("Div"),
    "maximum": arithmetic("Max"),
    "minimum": arithmetic("Min"),
    "pow": power,
    **{
        word: simple(kind)
        for word, kind in (
            ("exp", "Exp"),
            ("log", "Log"),
            ("sqrt", "Sqrt"),
            ("neg", "Neg"),
            ("abs", "Abs"),
            ("erf", "Erf"),
        )
    },
    "mean": reduction("ReduceMean"),
    "sum": reduction("ReduceSum"),
    "amax": reduction("ReduceMax"),
    "amin": reduction("ReduceMin"),
    **dict.fromkeys(("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout"), dropout),
    **dict.fromkeys(
        ("contiguous", "clone", "alias", "detach", "to", "_to_copy", "lift_fresh_copy", "type_as"), identity
    ),
    **dict.fromkeys(
        ("view", "_unsafe_view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "view_as"), reshape
    ),
    "expand": expand,
    "expand_as": expand,
    "permute": permute,
    "transpose": exchange("dim0", "dim1"),
    "swapaxes": exchange("axis0", "axis1"),
    "t": turned,
    "cat": concat,
    "concat": concat,
    "stack": stack,
    **dict.fromkeys(("split", "split_with_sizes", "chunk", "tensor_split"), split),
    "unbind": unbind,
    "slice": slices,
    "narrow": narrow,
    "select": select,
    "pad": pad,
    "constant_pad_nd": pad,
    "pixel_shuffle": pixels,
    "pixel_unshuffle": unpixels,
    "channel_shuffle": shuffle,
}
"""ATen's operators by their name, without overload and without the underline of those that work in place."""
