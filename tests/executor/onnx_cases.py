"""ONNX's single-operator cases as cnncalc layers: `RUNS` by operator, and why a case has none.

Every function gives the layer kind, its arguments, its weights and its samples.  The axis that ONNX names is moved to
the channels, and leading axes become samples, which changes nothing about the operator.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any, NamedTuple

from cnncalc.executor.algebras import Floats
from cnncalc.executor.machine import Machine
from cnncalc.executor.tensors import Tensor
from cnncalc.geometry import Shape
from cnncalc.graph import Node
from cnncalc.layers import KINDS
from cnncalc.layers.base import Operation, make


class Run(NamedTuple):
    """A layer on one or more samples, each a list of input tensors; `axis` is where its channels go back to."""

    kind: str
    args: dict[str, Any]
    samples: list[list[Tensor]]
    weights: dict[str, list[float]] | None = None
    restore: tuple[int, Shape] | None = None


def execute(kind: str, args: dict[str, Any], inputs: list[Tensor], weights: dict[str, list[float]]) -> Tensor:
    """The layer's result; the shape that the analyzers infer must be the one that came out."""
    layer = make(KINDS[kind], args)
    node = Node("layer", Operation(layer, tuple(tensor.shape for tensor in inputs)), tuple(range(len(inputs))), 0, 0)

    def given(owner: Node, name: str, shape: Shape) -> list[float]:
        assert len(weights[name]) == prod(shape)
        return weights[name]

    result = Machine(Floats(), given).execute(node, inputs)
    assert len(result.data) == prod(result.shape)
    assert result.shape == node.operation.output
    return result


def outcome(run: Run) -> list[float]:
    """The numbers of all samples, in ONNX's order."""
    results = [execute(run.kind, run.args, inputs, run.weights or {}) for inputs in run.samples]
    if run.restore is None:
        return [number for result in results for number in result.data]
    axis, shape = run.restore
    return list(moved(results[0].data, (shape[axis], *shape[:axis], *shape[axis + 1 :]), 0, axis).data)


def moved(data: Any, shape: Shape, source: int, target: int) -> Tensor:
    """A tensor with one axis moved to another place."""
    order = [axis for axis in range(len(shape)) if axis != source]
    order.insert(target, source)
    steps = [prod(shape[axis + 1 :]) for axis in range(len(shape))]
    sizes = tuple(shape[axis] for axis in order)
    places = product(*(range(size) for size in sizes))
    return Tensor(sizes, [data[sum(p * steps[axis] for p, axis in zip(place, order))] for place in places])


def operands(case: dict[str, Any]) -> list[tuple[Shape, list[float]]]:
    return [(tuple(value["shape"]), value["data"]) for value in case["inputs"].values()]


def named(case: dict[str, Any], name: str, default: Any = None) -> Any:
    """An attribute, as the case or the operator's definition gives it."""
    return case["attributes"].get(name, case["defaults"].get(name, default))


def listed(case: dict[str, Any], name: str) -> Any:
    """The data of an optional input, or else an attribute."""
    return case["inputs"][name]["data"] if name in case["inputs"] else named(case, name)


def samples(shape: Shape, data: list[float], leading: int = 1) -> list[list[Tensor]]:
    """One sample for every place on the leading axes."""
    size = prod(shape[leading:])
    return [[Tensor(shape[leading:], data[start : start + size])] for start in range(0, len(data), size)]


def flat(case: dict[str, Any], kind: str, **args: Any) -> Run:
    """An elementwise layer on all numbers at once."""
    _, data = operands(case)[0]
    return Run(kind, args, [[Tensor((len(data),), data)]])


def along(
    case: dict[str, Any], kind: str, axis: int, weights: dict[str, list[float]] | None = None, **args: Any
) -> Run:
    """A layer over channels, on the axis that ONNX names."""
    shape, data = operands(case)[0]
    axis %= len(shape)
    tensor = moved(data, shape, axis, 0)
    joined = Tensor((shape[axis], prod(shape) // shape[axis]), tensor.data)
    return Run(kind, args, [[joined]], weights, (axis, shape))


def padding(case: dict[str, Any], rank: int) -> Any:
    """The padding in cnncalc's words, or as a pair for every axis."""
    word = {"VALID": "valid", "SAME_UPPER": "same", "SAME_LOWER": "same_lower"}.get(named(case, "auto_pad", "NOTSET"))
    pads = named(case, "pads") or [0] * (2 * rank)
    return word or tuple(zip(pads[:rank], pads[rank:]))


def sizes(case: dict[str, Any], name: str, rank: int) -> tuple[int, ...]:
    return tuple(named(case, name) or [1] * rank)


def window(case: dict[str, Any], kernel: Any) -> dict[str, Any]:
    rank = len(kernel)
    strides, dilations = sizes(case, "strides", rank), sizes(case, "dilations", rank)
    return {"kernel": tuple(kernel), "stride": strides, "dilation": dilations, "padding": padding(case, rank)}


def conv(case: dict[str, Any]) -> Run:
    (shape, data), (kernel, weight), *bias = operands(case)
    args = {**window(case, kernel[2:]), "channels": kernel[0], "groups": named(case, "group"), "bias": bool(bias)}
    weights = {"weight": weight, "bias": bias[0][1] if bias else []}
    return Run("conv", args, samples(shape, data), weights)


def conv_transpose(case: dict[str, Any]) -> Run:
    (shape, data), (kernel, weight), *bias = operands(case)
    groups, rank = named(case, "group"), len(kernel) - 2
    args = {**window(case, kernel[2:]), "channels": kernel[1] * groups, "groups": groups, "bias": bool(bias)}
    args["output_padding"] = tuple(named(case, "output_padding") or [0] * rank)
    wanted = named(case, "output_shape")
    if wanted:  # the paddings follow from it, as the definition says
        pads, extras = [], []
        for axis in range(rank):
            extent = args["dilation"][axis] * (kernel[2 + axis] - 1) + 1
            total = args["stride"][axis] * (shape[2 + axis] - 1) + extent - wanted[axis]
            begin = total // 2 if named(case, "auto_pad") == "SAME_UPPER" else total - total // 2
            pads.append((begin, max(0, total - begin)))
            extras.append(max(0, begin - total))
        args |= {"padding": tuple(pads), "output_padding": tuple(extras)}
    weights = {"weight": weight, "bias": bias[0][1] if bias else []}
    return Run("conv_transpose", args, samples(shape, data), weights)


def pool(case: dict[str, Any], kind: str, **args: Any) -> Run:
    (shape, data) = operands(case)[0]
    args |= window(case, named(case, "kernel_shape")) | {"ceil_mode": bool(named(case, "ceil_mode"))}
    return Run(kind, args, samples(shape, data))


def whole(case: dict[str, Any], kind: str) -> Run:
    return Run(kind, {}, samples(*operands(case)[0]))


def linear(case: dict[str, Any]) -> Run:
    """A @ B + C with A's rows as samples; transposes and factors are applied to the weights beforehand."""
    (a_shape, a), (b_shape, b), *bias = operands(case)
    if named(case, "transA"):
        a_shape, a = moved(a, a_shape, 1, 0)
    if len(b_shape) == 1:
        b_shape = (b_shape[0], 1)
    weight = b if named(case, "transB") else moved(b, b_shape, 1, 0).data
    features = len(weight) // a_shape[-1]
    alpha, beta = named(case, "alpha", 1.0), named(case, "beta", 1.0)
    offsets = [beta * bias[0][1][place % len(bias[0][1])] for place in range(features)] if bias else []
    weights = {"weight": [alpha * number for number in weight], "bias": offsets}
    return Run("linear", {"features": features, "bias": bool(bias)}, samples(a_shape, a, len(a_shape) - 1), weights)


def batch_norm(case: dict[str, Any]) -> Run:
    (shape, data), scale, shift, mean, variance = operands(case)
    weights = {"weight": scale[1], "bias": shift[1], "running_mean": mean[1], "running_var": variance[1]}
    return Run("batch_norm", {"eps": named(case, "epsilon")}, samples(shape, data), weights)


def grouped_norm(case: dict[str, Any], kind: str, **args: Any) -> Run:
    (shape, data), scale, shift = operands(case)
    args |= {"eps": named(case, "epsilon"), "scale": True, "shift": True}
    return Run(kind, args, samples(shape, data), {"weight": scale[1], "bias": shift[1]})


def layer_norm(case: dict[str, Any]) -> Run:
    (shape, data), scale, shift = operands(case)
    axis = named(case, "axis") % len(shape)
    channels = prod(shape[axis:])
    rows = samples((prod(shape[:axis]), channels), data)
    return Run("layer_norm", {"eps": named(case, "epsilon")}, rows, {"weight": scale[1], "bias": shift[1]})


def response_norm(case: dict[str, Any]) -> Run:
    args = {
        "size": named(case, "size"),
        "alpha": named(case, "alpha"),
        "beta": named(case, "beta"),
        "k": named(case, "bias"),
    }
    return Run("local_response_norm", args, samples(*operands(case)[0]))


def softmax(case: dict[str, Any], kind: str) -> Run:
    shape, data = operands(case)[0]
    axis = named(case, "axis", 1) % len(shape)
    if case["opset"] >= 13:
        return along(case, kind, axis)
    return Run(kind, {}, samples((prod(shape[:axis]), prod(shape[axis:])), data))


def prelu(case: dict[str, Any]) -> Run:
    (shape, _), (_, slopes) = operands(case)
    axis = 1 if case["opset"] < 7 else len(shape) - 1
    return along(case, "prelu", axis, {"weight": slopes}, slopes=len(slopes))


def join(case: dict[str, Any], kind: str) -> Run:
    return Run(kind, {}, [[Tensor(shape, data) for shape, data in operands(case)]])


def concat(case: dict[str, Any]) -> Run:
    out = tuple(next(iter(case["outputs"].values()))["shape"])
    axis = named(case, "axis") % len(out)
    return Run("concat", {}, [[moved(data, shape, axis, 0) for shape, data in operands(case)]], None, (axis, out))


def split(case: dict[str, Any]) -> Run:
    """Every part is a slice of the same tensor: all of them run, as further samples of the first one's kind."""
    shape, data = operands(case)[0]
    axis = named(case, "axis", 0) % len(shape)
    return Run("slice", {}, [[moved(data, shape, axis, 0)]], None, (axis, shape))


def sliced(case: dict[str, Any]) -> Run:
    shape, data = operands(case)[0]
    out = tuple(next(iter(case["outputs"].values()))["shape"])
    starts, axes = listed(case, "starts"), listed(case, "axes")
    (axis,) = [axis % len(shape) for axis in axes if out[axis] != shape[axis]]
    start = starts[[entry % len(shape) for entry in axes].index(axis)]
    return Run("slice", {"channels": (start, start + out[axis])}, [[moved(data, shape, axis, 0)]], None, (axis, out))


def reshape(case: dict[str, Any]) -> Run:
    shape, data = operands(case)[0]
    out = next(iter(case["outputs"].values()))["shape"]
    asked = case["inputs"].get("shape", {"data": out})["data"]
    target = tuple(shape[place] if size == 0 else size for place, size in enumerate(asked))
    return Run("reshape", {"shape": target}, [[Tensor(shape, data)]])


def flatten(case: dict[str, Any]) -> Run:
    shape, data = operands(case)[0]
    return Run("flatten", {}, samples(shape, data, named(case, "axis") % len(shape)))


def transpose(case: dict[str, Any]) -> Run:
    return Run("permute", {"axes": tuple(named(case, "perm"))}, [[Tensor(*operands(case)[0])]])


def blocks(case: dict[str, Any], kind: str) -> Run:
    args = {"block": named(case, "blocksize"), "order": named(case, "mode").lower()}
    return Run(kind, args, samples(*operands(case)[0]))


def pad(case: dict[str, Any]) -> Run:
    shape, data = operands(case)[0]
    pads = listed(case, "pads")
    axes = [axis % len(shape) for axis in listed(case, "axes") or range(len(shape))]
    pairs = dict(zip(axes, zip(pads[: len(axes)], pads[len(axes) :])))
    amounts = [pairs.get(axis, (0, 0)) for axis in range(1, len(shape))]
    mode = {"constant": "constant", "edge": "replicate", "reflect": "reflect", "wrap": "circular"}[named(case, "mode")]
    value = (listed(case, "constant_value") or [0.0])[0] if case["opset"] > 6 else named(case, "value")
    args = {"amount": tuple(amounts[1:]), "channels": amounts[0], "mode": mode, "value": value}
    return Run("pad", args, samples(shape, data))


def resize(case: dict[str, Any]) -> Run:
    shape, data = operands(case)[0]
    axes = listed(case, "axes") or range(len(shape))
    target = case["inputs"]["sizes" if "sizes" in case["inputs"] else "scales"]["data"]
    amounts = dict(zip(axes, target))
    given = tuple(amounts[axis] for axis in range(2, len(shape)))
    args: dict[str, Any] = {"size" if "sizes" in case["inputs"] else "scale": given}
    if named(case, "mode") == "linear":
        args |= {"mode": "bilinear", "align_corners": named(case, "coordinate_transformation_mode") == "align_corners"}
    return Run("upsample", args, samples(shape, data))


def mean(case: dict[str, Any]) -> Run:
    """A mean over some axes: those moved last, and the others made channels."""
    shape, data = operands(case)[0]
    axes = sorted(axis % len(shape) for axis in listed(case, "axes") or range(len(shape)))
    for place, axis in enumerate(axes):
        shape, data = moved(data, shape, axis - place, len(shape) - 1)
    positions = prod(shape[len(shape) - len(axes) :])
    return Run("global_avg_pool", {}, [[Tensor((len(data) // positions, positions), data)]])


RUNS: dict[str, Any] = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "MaxPool": lambda case: pool(case, "max_pool"),
    "AveragePool": lambda case: pool(case, "avg_pool", count_include_pad=bool(named(case, "count_include_pad"))),
    "LpPool": lambda case: pool(case, "lp_pool", p=named(case, "p", 2)),
    "GlobalAveragePool": lambda case: whole(case, "global_avg_pool"),
    "GlobalMaxPool": lambda case: whole(case, "global_max_pool"),
    "Gemm": linear,
    "MatMul": linear,
    "BatchNormalization": batch_norm,
    "InstanceNormalization": lambda case: grouped_norm(case, "instance_norm"),
    "GroupNormalization": lambda case: grouped_norm(case, "group_norm", groups=named(case, "num_groups")),
    "LayerNormalization": layer_norm,
    "LRN": response_norm,
    "LpNormalization": lambda case: along(case, "l2_norm", named(case, "axis")),
    "Relu": lambda case: flat(case, "relu"),
    "LeakyRelu": lambda case: flat(case, "leaky_relu", negative_slope=named(case, "alpha")),
    "PRelu": prelu,
    "Elu": lambda case: flat(case, "elu", alpha=named(case, "alpha")),
    "Selu": lambda case: flat(case, "selu", alpha=named(case, "alpha"), gamma=named(case, "gamma")),
    "Sigmoid": lambda case: flat(case, "sigmoid"),
    "HardSigmoid": lambda case: flat(case, "hard_sigmoid", alpha=named(case, "alpha"), beta=named(case, "beta")),
    "HardSwish": lambda case: flat(case, "hard_swish"),
    "Gelu": lambda case: flat(case, "gelu", approximate=named(case, "approximate", "none")),
    "Mish": lambda case: flat(case, "mish"),
    "Softplus": lambda case: flat(case, "softplus"),
    "Tanh": lambda case: flat(case, "tanh"),
    "Softmax": lambda case: softmax(case, "softmax"),
    "LogSoftmax": lambda case: softmax(case, "log_softmax"),
    "Add": lambda case: join(case, "add"),
    "Sum": lambda case: join(case, "add"),
    "Mul": lambda case: join(case, "multiply"),
    "Dropout": lambda case: flat(case, "dropout"),
    "Identity": lambda case: flat(case, "identity"),
    "Concat": concat,
    "Split": split,
    "Slice": sliced,
    "Flatten": flatten,
    "Reshape": reshape,
    "Squeeze": reshape,
    "Unsqueeze": reshape,
    "Transpose": transpose,
    "DepthToSpace": lambda case: blocks(case, "depth_to_space"),
    "SpaceToDepth": lambda case: blocks(case, "space_to_depth"),
    "Pad": pad,
    "Resize": resize,
    "Upsample": resize,
    "ReduceMean": mean,
}

NO_KIND = {
    "Celu": "no such layer kind",
    "Clip": "no such layer kind (relu6 has fixed bounds)",
    "Softsign": "no such layer kind",
    "ThresholdedRelu": "no such layer kind",
    "RMSNormalization": "no such layer kind",
    "MeanVarianceNormalization": "no such layer kind (statistics over the batch)",
    "Div": "no such layer kind",
    "Max": "no such layer kind",
    "Mean": "no such layer kind",
}
NEAREST = "rounds nearest coordinates otherwise than `upsample`, which takes floor(o*ratio)"


def left_out(case: dict[str, Any]) -> str:
    """Why a case is not run, or an empty text."""
    op = case["op"]
    if op in NO_KIND:
        return NO_KIND[op]
    operand_shapes = [tuple(value["shape"]) for value in case["inputs"].values()]
    shapes = operand_shapes + [tuple(value["shape"]) for value in case["outputs"].values()]
    if any(0 in shape for shape in shapes[:1] + shapes[len(operand_shapes) :]):
        return "an empty tensor, which no network has"
    if op == "Add" and len(set(operand_shapes)) > 1:
        return "`add` demands equal shapes, and does not broadcast"
    if op == "MatMul" and len(shapes[1]) > 2:
        return "both operands are batches: a product of activations, not a linear layer"
    if op == "LpNormalization" and named(case, "p") != 2:
        return "`l2_norm` has p = 2"
    if op == "Slice" and min(listed(case, "steps") or [1]) < 0:
        return "`slice` takes channels in order"
    if op in ("Transpose", "Reshape", "Unsqueeze") and max(map(len, shapes[:1] + shapes[-1:])) > 4:
        return "more than three spatial axes"
    return resize_left_out(case) if op == "Resize" else ""


def resize_left_out(case: dict[str, Any]) -> str:
    """As `left_out`, for a resize: which coordinate transformations are those of `upsample`."""
    transformation, scales = named(case, "coordinate_transformation_mode"), listed(case, "scales") or [0.5]
    if named(case, "antialias"):
        return "antialiased"
    if named(case, "keep_aspect_ratio_policy", "stretch") != "stretch":
        return "a size that depends on the aspect ratio"
    if transformation not in ("half_pixel", "align_corners", "asymmetric"):
        return f"coordinates by {transformation}"
    if transformation == "align_corners" and any(scale % 1 for scale in scales):
        return "ONNX's align_corners takes the length before rounding"
    if named(case, "mode") == "linear":
        return "" if transformation != "asymmetric" else "linear with asymmetric coordinates"
    if transformation == "asymmetric" and named(case, "nearest_mode") == "floor":
        return ""
    whole_scales = all(scale >= 1 and scale % 1 == 0 for scale in scales)
    prefers = named(case, "nearest_mode") in ("round_prefer_floor", "round_prefer_ceil")
    return "" if transformation == "half_pixel" and whole_scales and prefers and "scales" in case["inputs"] else NEAREST
