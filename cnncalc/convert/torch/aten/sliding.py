"""ATen's convolutions, pools and resampling, and normalisations, in the vocabulary of `operators`."""

from __future__ import annotations

from cnncalc.convert.torch.lowering import Given, Lower, Lowering, per_axis, spread, x_of


def convolution(low: Lowering, given: Given) -> None:
    x, weight = x_of(given), given["weight"]
    kernel = low.shape(weight)[2:]
    rank = len(kernel)
    dilations, padding = per_axis(given.get("dilation"), (1,) * rank), given.get("padding")
    if padding == "same":
        totals = [dilation * (size - 1) for dilation, size in zip(dilations, kernel)]
        pads = (*[total // 2 for total in totals], *[total - total // 2 for total in totals])
    else:
        pads = per_axis(None if padding == "valid" else padding, (0,) * rank) * 2
    attributes = {
        "kernel_shape": kernel,
        "strides": per_axis(given.get("stride"), (1,) * rank),
        "pads": pads,
        "dilations": dilations,
        "group": given.get("groups", 1),
    }
    inputs = [low.operand(x), low.operand(weight), low.operand(given.get("bias"))]
    if given.get("transposed") or "conv_transpose" in low.call.target:
        extra = per_axis(given.get("output_padding"), (0,) * rank)
        low.emit("ConvTranspose", inputs, None, **attributes, output_padding=extra)
    else:
        low.emit("Conv", inputs, None, **attributes)


def _pool(kind: str, rank: int) -> Lower:
    def lower(low: Lowering, given: Given) -> None:
        if given.get("divisor_override") is not None:
            return low.unknown()
        kernel = spread(given["kernel_size"], rank)
        attributes = {
            "kernel_shape": kernel,
            "strides": per_axis(given.get("stride"), kernel),
            "pads": per_axis(given.get("padding"), (0,) * rank) * 2,
            "ceil_mode": int(given.get("ceil_mode", False)),
        }
        if kind == "MaxPool":
            attributes["dilations"] = per_axis(given.get("dilation"), (1,) * rank)
        else:
            attributes["count_include_pad"] = int(given.get("count_include_pad", True))
        low.emit(kind, [low.operand(x_of(given))], None, **attributes)
        return None

    return lower


def _adaptive(kind: str, rank: int) -> Lower:
    def lower(low: Lowering, given: Given) -> None:
        size = spread(given["output_size"], rank)
        low.emit(f"torch.Adaptive{kind}Pool", [low.operand(x_of(given))], None, size=size)

    return lower


def upsample(mode: str) -> Lower:
    """To the size that the program states; of nearest neighbours torch takes floor(o*old/new)."""

    def lower(low: Lowering, given: Given) -> None:
        where = "align_corners" if given.get("align_corners") else "half_pixel"
        where = "asymmetric" if mode == "nearest" else where
        inputs = [low.operand(x_of(given)), "", "", low.ints(low.fixed(low.output))]
        low.emit("Resize", inputs, None, mode=mode, coordinate_transformation_mode=where, nearest_mode="floor")

    return lower


# -- normalisations ----------------------------------------------------------------------------------------------------


def batch_norm(low: Lowering, given: Given) -> None:
    names = ("weight", "bias", "running_mean", "running_var")
    weight, bias, mean, variance = (low.operand(given.get(name)) for name in names)
    inputs = [low.operand(x_of(given)), weight, bias, mean, variance]
    training = {"training_mode": 1} if given.get("training") else {}
    if not mean:
        if bias or given.get("eps", 1e-5) > 1e-5:
            return low.unknown()
        # of a kernel: timm's convolutions with standardised weights
        low.emit("torch.Normed", [inputs[0], weight], None, norm="standardize")
        return None
    low.emit("torch.BatchNorm", inputs, None, **training, epsilon=float(given.get("eps", 1e-5)))
    return None


def weight_norm(low: Lowering, given: Given) -> None:
    """A kernel of norm 1 times a gain, per output channel."""
    if given.get("dim", 0) != 0:
        return low.unknown()
    low.emit("torch.Normed", [low.operand(given["v"]), low.operand(given["g"])], None, norm="gain")
    return None


def layer_norm(low: Lowering, given: Given) -> None:
    inputs = [low.operand(value) for value in (x_of(given), given.get("weight"), given.get("bias"))]
    axis = -len(given["normalized_shape"])
    low.emit("LayerNormalization", inputs, None, axis=axis, epsilon=float(given.get("eps", 1e-5)))


SMALLEST = 2.0**-23
"""What torch adds where nothing is said: the step of floats of 32 bits."""


def rms_norm(low: Lowering, given: Given) -> None:
    inputs = [low.operand(x_of(given)), low.operand(given.get("weight"))]
    eps = given.get("eps")
    axis = -len(given["normalized_shape"])
    low.emit("RMSNormalization", inputs, None, axis=axis, epsilon=SMALLEST if eps is None else float(eps))


def group_norm(low: Lowering, given: Given) -> None:
    inputs = [low.operand(value) for value in (x_of(given), given.get("weight"), given.get("bias"))]
    groups = given["num_groups"]
    low.emit("GroupNormalization", inputs, None, num_groups=groups, epsilon=float(given.get("eps", 1e-5)))


def instance_norm(low: Lowering, given: Given) -> None:
    if not given.get("use_input_stats"):
        return batch_norm(low, given)
    inputs = [low.operand(value) for value in (x_of(given), given.get("weight"), given.get("bias"))]
    low.emit("torch.InstanceNorm", inputs, None, epsilon=float(given.get("eps", 1e-5)))
    return None
