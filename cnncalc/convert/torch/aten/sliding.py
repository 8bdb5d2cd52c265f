"""ATen's convolutions, pools and resampling, and normalisations, in the vocabulary of `operators`."""

from __future__ import annotations

from cnncalc.convert.torch.lowering import Given, Lower, Lowering, per_axis, x_of


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
            "strides": per_axis(given.get("stride") or kernel, rank, 1),
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


POSITIONS = {False: "half_pixel", True: "align_corners"}


def upsample(mode: str) -> Lower:
    """To the size that the program states; of nearest neighbours torch takes floor(o*old/new)."""

    def lower(low: Lowering, given: Given) -> None:
        where = "asymmetric" if mode == "nearest" else POSITIONS[bool(given.get("align_corners", False))]
        inputs = [low.operand(x_of(given)), "", "", low.ints(low.fixed(low.output))]
        low.emit("Resize", inputs, None, mode=mode, coordinate_transformation_mode=where, nearest_mode="floor")

    return lower


# -- normalisations ----------------------------------------------------------------------------------------------------


def batch_norm(low: Lowering, given: Given) -> None:
    mean, variance = given.get("running_mean"), given.get("running_var")
    plain = mean is None and variance is None and given.get("bias") is None and given.get("eps", 1e-5) <= 1e-5
    if given.get("training") and plain:  # of a kernel: timm's convolutions with standardised weights
        low.emit("torch.Normed", [low.operand(x_of(given)), low.operand(given.get("weight"))], None, norm="standardize")
        return None
    if mean is None or variance is None:
        return low.unknown()
    inputs = [low.operand(value) for value in (x_of(given), given.get("weight"), given.get("bias"), mean, variance)]
    training = {"training_mode": 1} if given.get("training") else {}
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
    if not given.get("use_input_stats", True) and given.get("running_mean") is not None:
        return batch_norm(low, given)
    inputs = [low.operand(value) for value in (x_of(given), given.get("weight"), given.get("bias"))]
    low.emit("torch.InstanceNorm", inputs, None, epsilon=float(given.get("eps", 1e-5)))
    return None
