"""Measures on PyTorch and ONNX Runtime what the tests compare with; run by hand, never by the tests.

    python tests/data/frameworks/make.py

It writes layers.json, same.json and receptive_fields.json beside itself.  The seeds are fixed.
"""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

HERE = Path(__file__).parent


def write(name: str, cases: list) -> None:
    lines = ",\n".join(json.dumps(case) for case in cases)
    (HERE / name).write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(name, len(cases))


# -- layers: shapes, parameters and multiply-accumulates ---------------------------------------------------------------


def spelled(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{', '.join(map(spelled, value))}]" if isinstance(value, (list, tuple)) else str(value)


def step(kind: str, main: object, **arguments: object) -> str:
    head = kind if main is None else f"{kind}: {spelled(main)}"
    return "{" + ", ".join([head, *(f"{name}: {spelled(value)}" for name, value in arguments.items())]) + "}"


def each(chance: random.Random, rank: int, low: int, high: int) -> object:
    """One number for all axes, or one per axis."""
    return chance.randint(low, high) if chance.random() < 0.5 else [chance.randint(low, high) for _ in range(rank)]


def listed(value: object, rank: int) -> list[int]:
    return list(value) if isinstance(value, list) else [value] * rank


def module(name: str, rank: int) -> type[nn.Module]:
    return getattr(nn, f"{name}{rank}d")


def layer(chance: random.Random, kind: str, rank: int, channels: int) -> tuple[str, nn.Module]:  # noqa: PLR0915
    """A random layer as a step and as a module."""
    kernel, stride = each(chance, rank, 1, 5), each(chance, rank, 1, 4)
    dilation = each(chance, rank, 1, 3) if chance.random() < 0.4 else 1
    padding = each(chance, rank, 0, 3)
    bias = chance.random() < 0.7
    groups = chance.choice([g for g in (1, 1, 2, 3, 4, 6) if channels % g == 0])
    out = groups * chance.randint(1, 4)
    window = {"stride": stride, "padding": padding, "dilation": dilation}
    if kind == "conv":
        made = module("Conv", rank)(channels, out, kernel, stride, padding, dilation, groups, bias)
        return step("conv", out, kernel=kernel, **window, groups=groups, bias=bias), made
    if kind == "depthwise_conv":
        times = chance.randint(1, 3)
        made = module("Conv", rank)(channels, times * channels, kernel, stride, padding, dilation, channels, bias)
        return step("depthwise_conv", kernel, **window, multiplier=times, bias=bias), made
    if kind == "separable_conv":
        halves = (
            module("Conv", rank)(channels, channels, kernel, stride, padding, dilation, channels, False),
            module("Conv", rank)(channels, out, 1, bias=bias),
        )
        return step("separable_conv", out, kernel=kernel, **window, bias=bias), nn.Sequential(*halves)
    if kind == "conv_transpose":
        room = [max(s, d) for s, d in zip(listed(stride, rank), listed(dilation, rank))]
        extra = [chance.randint(0, most - 1) for most in room]
        made = module("ConvTranspose", rank)(channels, out, kernel, stride, padding, extra, groups, bias, dilation)
        arguments = {**window, "output_padding": extra, "groups": groups, "bias": bias}
        return step("conv_transpose", out, kernel=kernel, **arguments), made
    if kind in ("max_pool", "avg_pool", "lp_pool"):
        ceil = chance.random() < 0.5
        own = chance.random() < 0.3
        given = {} if own else {"stride": stride}
        half = [chance.randint(0, size // 2) for size in listed(kernel, rank)]
        strides = None if own else stride
        if kind == "max_pool":
            made = module("MaxPool", rank)(kernel, strides, half, dilation, ceil_mode=ceil)
            return step(kind, kernel, **given, padding=half, dilation=dilation, ceil_mode=ceil), made
        if kind == "avg_pool":
            made = module("AvgPool", rank)(kernel, strides, half, ceil)
            return step(kind, kernel, **given, padding=half, ceil_mode=ceil), made
        made = module("LPPool", rank)(2, kernel, strides, ceil)
        return step(kind, kernel, **given, ceil_mode=ceil), made
    size = each(chance, rank, 1, 9)
    if kind == "adaptive_avg_pool":
        return step(kind, size), module("AdaptiveAvgPool", rank)(size)
    if kind == "adaptive_max_pool":
        return step(kind, size), module("AdaptiveMaxPool", rank)(size)
    if kind == "upsample":
        linear = {1: "linear", 2: "bilinear", 3: "trilinear"}[rank]
        mode = chance.choice(["nearest", linear])
        named = {"mode": "nearest" if mode == "nearest" else "bilinear"}
        if chance.random() < 0.4:
            return step("upsample", None, size=size, **named), nn.Upsample(tuple(listed(size, rank)), mode=mode)
        scales = [chance.choice([2, 3, 1.5, 2.5, 0.5, 1.25]) for _ in range(rank)]
        return step("upsample", scales, **named), nn.Upsample(scale_factor=tuple(scales), mode=mode)
    if kind == "pad":
        pairs = [[chance.randint(0, 3), chance.randint(0, 3)] for _ in range(rank)]
        return step("pad", pairs), module("ConstantPad", rank)([n for pair in reversed(pairs) for n in pair], 0)
    if kind == "depth_to_space":
        return step(kind, 2), nn.PixelShuffle(2)
    if kind == "space_to_depth":
        return step(kind, 2), nn.PixelUnshuffle(2)
    if kind == "batch_norm":
        affine, track = chance.random() < 0.7, chance.random() < 0.7
        made = module("BatchNorm", rank)(channels, affine=affine, track_running_stats=track)
        return step(kind, None, scale=affine, shift=affine, statistics=track), made
    if kind == "instance_norm":
        affine, track = chance.random() < 0.5, chance.random() < 0.5
        made = module("InstanceNorm", rank)(channels, affine=affine, track_running_stats=track)
        return step(kind, None, scale=affine, shift=affine, statistics=track), made
    if kind == "group_norm":
        affine = chance.random() < 0.7
        return step(kind, groups, scale=affine, shift=affine), nn.GroupNorm(groups, channels, affine=affine)
    if kind == "prelu":
        slopes = chance.choice([1, channels])
        return step(kind, slopes), nn.PReLU(slopes)
    if kind == "local_response_norm":
        return step(kind, None), nn.LocalResponseNorm(5)
    if kind == "channel_shuffle":
        return step(kind, groups), nn.ChannelShuffle(groups)
    assert kind == "flatten"
    return step(kind, None), nn.Flatten()


COUNTS = {
    "conv": 60,
    "depthwise_conv": 25,
    "separable_conv": 15,
    "conv_transpose": 60,
    "max_pool": 60,
    "avg_pool": 40,
    "lp_pool": 15,
    "adaptive_avg_pool": 15,
    "adaptive_max_pool": 8,
    "upsample": 40,
    "pad": 10,
    "depth_to_space": 3,
    "space_to_depth": 3,
    "batch_norm": 6,
    "instance_norm": 6,
    "group_norm": 4,
    "prelu": 4,
    "local_response_norm": 1,
    "channel_shuffle": 3,
    "flatten": 2,
}
TOO_SMALL = ("too small", "can't be greater than actual input size", "out of bounds", "Calculated padded input size")


def measured(chance: random.Random, kind: str, rank: int) -> dict | None:
    """One case, or None where PyTorch refuses it for a reason of its own."""
    channels = chance.choice([4, 6, 12])
    sizes = [chance.randint(1 if chance.random() < 0.4 else 7, 15) for _ in range(rank)]
    if kind in ("depth_to_space", "space_to_depth"):
        channels, sizes = 12, [2 * chance.randint(2, 6) for _ in range(rank)]
    try:
        written, made = layer(chance, kind, rank, channels)
        made = made.double().eval()
        case = {"step": written, "input": [channels, *sizes]}
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            output = made(torch.ones(1, channels, *sizes, dtype=torch.double))
    except (RuntimeError, ValueError, TypeError) as error:
        if kind not in ("conv", "depthwise_conv", "max_pool", "avg_pool") or not any(
            t in str(error) for t in TOO_SMALL
        ):
            return None
        return {**case, "output": None}
    if 0 in output.shape:
        return None
    state = sum(value.numel() for name, value in made.named_buffers() if "num_batches" not in name)
    counts = {"params": sum(value.numel() for value in made.parameters()), "state": state}
    return {**case, "output": list(output.shape[1:]), **counts, "macs": counter.get_total_flops() // 2}


def layers() -> list[dict]:
    chance = random.Random(2)
    cases = []
    for kind, count in COUNTS.items():
        for rank in (1, 2, 3):
            if kind in ("depth_to_space", "space_to_depth") and rank != 2:
                continue
            found = 0
            while found < count:
                case = measured(chance, kind, rank)
                if case is not None and (case["output"] is not None or chance.random() < 0.9):
                    cases.append(case)
                    found += 1
    for features, out, bias in [(10, 3, True), (1, 1, False), (4096, 1000, True), (17, 5, False)]:
        made = nn.Linear(features, out, bias)
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            made(torch.ones(1, features))
        params = sum(value.numel() for value in made.parameters())
        counts = {"params": params, "state": 0, "macs": counter.get_total_flops() // 2}
        cases.append({"step": step("linear", out, bias=bias), "input": [features], "output": [out], **counts})
    return cases


# -- `same`: how many taps of each window are inside the input ---------------------------------------------------------


def taps_inside(op: str, rule: str, width: int, kernel: int, stride: int, dilation: int) -> list[int] | None:
    """A kernel of ones over an input of ones, by ONNX Runtime."""
    attributes = {"kernel_shape": [kernel], "strides": [stride], "dilations": [dilation], "auto_pad": rule}
    node = helper.make_node(op, ["x", "w"], ["y"], **attributes)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, width])
    w = helper.make_tensor_value_info("w", TensorProto.FLOAT, [1, 1, kernel])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, "length"])
    model = helper.make_model(helper.make_graph([node], "g", [x, w], [y]), opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    ones = {"x": np.ones((1, 1, width), np.float32), "w": np.ones((1, 1, kernel), np.float32)}
    return [int(value) for value in session.run(None, ones)[0][0, 0]]


def same() -> list[dict]:
    onnxruntime.set_default_logger_severity(4)
    cases = []
    for op in ("Conv", "ConvTranspose"):
        for rule in ("SAME_UPPER", "SAME_LOWER"):
            for width in (1, 2, 5, 8, 13):
                for kernel in (1, 2, 3, 4, 5, 7):
                    for stride in (1, 2, 3, 4):
                        for dilation in (1, 2) if op == "Conv" else (1,):
                            case = [op, rule, width, kernel, stride, dilation]
                            try:
                                cases.append([*case, taps_inside(*case)])
                            except Exception as error:  # what the runtime does not take is no case
                                print("not taken:", case, str(error)[:100])
    return cases


# -- receptive fields: the span of nonzero gradients of a net of positive weights --------------------------------------


class Net:
    """A random net as steps of a spec and as a list of functions over PyTorch tensors."""

    def __init__(self, chance: random.Random, rank: int, sizes: list[int]) -> None:
        self.chance = chance
        self.rank = rank
        self.lines: list[str] = []
        self.values: dict[str, torch.Tensor] = {}
        self.local = True
        self.x = torch.ones(1, 1, *sizes, dtype=torch.double, requires_grad=True)

    def kernel_of_ones(self, sizes: list[int]) -> torch.Tensor:
        return torch.full((1, 1, *sizes), 1 / np.prod(sizes), dtype=torch.double)

    def numbers(self, low: int, high: int) -> list[int]:
        return [self.chance.randint(low, high) for _ in range(self.rank)]

    def pad(self, value: torch.Tensor, pairs: list[list[int]]) -> torch.Tensor:
        return nn.functional.pad(value, [n for pair in reversed(pairs) for n in pair])

    def window(self, value: torch.Tensor, keep: bool, pool: bool = False) -> tuple[str, torch.Tensor]:
        """A convolution or mean; with `keep` of stride 1 and equal size."""
        kernel = [2 * n + 1 for n in self.numbers(0, 2)] if keep else self.numbers(1, 5)
        stride = [1] * self.rank if keep else self.numbers(1, 3)
        dilation = [1] * self.rank if pool else self.numbers(1, 2)
        if keep:
            total = [d * (k - 1) for k, d in zip(kernel, dilation)]
            before = [self.chance.choice([t // 2, t // 2, self.chance.randint(0, t)]) for t in total]
            pads = [[b, t - b] for b, t in zip(before, total)]
        else:
            pads = [[self.chance.randint(0, k // 2), self.chance.randint(0, k // 2)] for k in kernel]
        function = getattr(nn.functional, f"conv{self.rank}d")
        result = function(self.pad(value, pads), self.kernel_of_ones(kernel), stride=stride, dilation=dilation)
        if pool:
            return step("avg_pool", kernel, stride=stride, padding=pads), result
        return step("conv", 1, kernel=kernel, stride=stride, padding=pads, dilation=dilation), result

    def transposed(self, value: torch.Tensor) -> tuple[str, torch.Tensor]:
        kernel, stride = self.numbers(1, 4), self.numbers(1, 3)
        extra = [self.chance.randint(0, s - 1) for s in stride]
        padding = [self.chance.randint(0, (k - 1) // 2) for k in kernel]
        function = getattr(nn.functional, f"conv_transpose{self.rank}d")
        result = function(value, self.kernel_of_ones(kernel), stride=stride, padding=padding, output_padding=extra)
        return step("conv_transpose", 1, kernel=kernel, stride=stride, padding=padding, output_padding=extra), result

    def resampled(self, value: torch.Tensor) -> tuple[str, torch.Tensor]:
        linear = self.chance.random() < 0.5
        mode = ({1: "linear", 2: "bilinear"}[self.rank]) if linear else "nearest"
        scale = [self.chance.choice([2, 2, 3, 4]) for _ in range(self.rank)]
        result = nn.functional.interpolate(value, scale_factor=tuple(map(float, scale)), mode=mode)
        return step("upsample", scale, mode="bilinear" if linear else "nearest"), result

    def adaptive(self, value: torch.Tensor) -> tuple[str, torch.Tensor]:
        if any(size % 3 for size in value.shape[2:]):
            raise ValueError("the pattern of positions would be long")
        sizes = [size * 2 // 3 for size in value.shape[2:]]
        function = getattr(nn.functional, f"adaptive_avg_pool{self.rank}d")
        return step("adaptive_avg_pool", sizes), function(value, sizes)

    def cropped(self, value: torch.Tensor) -> tuple[str, torch.Tensor]:
        pairs = [[self.chance.randint(0, 3), self.chance.randint(0, 3)] for _ in range(self.rank)]
        return step("crop", pairs), self.pad(value, [[-a, -b] for a, b in pairs])

    def moved(self, value: torch.Tensor) -> tuple[str, torch.Tensor]:
        pairs = [[self.chance.randint(0, 3), self.chance.randint(0, 3)] for _ in range(self.rank)]
        return step("pad", pairs), self.pad(value, pairs)

    def branches(self, value: torch.Tensor) -> tuple[str, torch.Tensor]:
        """Two or three branches of equal size: chains that keep it, strides that are undone, gates, the identity."""
        written, ends = [], []
        for _ in range(self.chance.randint(2, 3)):
            kind = self.chance.random()
            if kind < 0.2:
                written.append("x")
                ends.append(value)
                continue
            if kind < 0.3 and ends:
                written.append("[global_avg_pool, " + step("upsample", None, size=list(value.shape[2:])) + "]")
                mean = value.mean(dim=tuple(range(2, value.dim())), keepdim=True).expand_as(value)
                ends.append(mean.detach() if self.local else mean)
                continue
            if kind < 0.5 and all(size % 2 == 0 for size in value.shape[2:]):
                half = getattr(nn.functional, f"conv{self.rank}d")(
                    value, self.kernel_of_ones([2] * self.rank), stride=2
                )
                back = nn.functional.interpolate(half, scale_factor=2.0, mode="nearest")
                written.append("[" + step("conv", 1, kernel=2, stride=2) + ", {upsample: 2}]")
                ends.append(back)
                continue
            end, steps = value, []
            for _ in range(self.chance.randint(1, 3)):
                text, end = self.window(end, True)
                steps.append(text)
            written.append(f"[{', '.join(steps)}]")
            ends.append(end)
        return f"{{add: [{', '.join(written)}]}}", sum(ends)

    def gated(self, value: torch.Tensor) -> tuple[str, torch.Tensor]:
        """A squeeze-and-excitation gate."""
        mean = value.mean(dim=tuple(range(2, value.dim())), keepdim=True)
        return "{multiply: [x, [global_avg_pool]]}", value * (mean.detach() if self.local else mean)

    def grow(self, count: int) -> torch.Tensor:
        value = self.x
        kinds = ["window"] * 4 + ["pool"] * 2 + ["branches"] * 4
        kinds += ["transposed", "transposed", "resampled", "resampled", "cropped", "moved", "gated", "adaptive"]
        for number in range(count):
            kind = self.chance.choice(kinds)
            if kind in ("window", "pool"):
                text, value = self.window(value, False, kind == "pool")
            else:
                text, value = getattr(self, kind)(value)
            self.lines.append(f"  - {text[:-1]}, name: layer{number}}}")
            self.values[f"layer{number}"] = value
        return value


def spans(net: Net, value: torch.Tensor, axis: int, positions: range) -> list[tuple[int, int] | None]:
    """For output positions along one axis, in the middle of the others, the first and last input that matters."""
    found: list[tuple[int, int] | None] = []
    for position in positions:
        index = [0, 0, *(size // 2 for size in value.shape[2:])]
        index[2 + axis] = position
        total = value[tuple(index)]
        if net.rank == 2:  # a unit whose place in the other axis sees nothing would say nothing of this one
            index[3 - axis] = slice(None)
            total = value[tuple(index)].sum()
        (grad,) = torch.autograd.grad(total, net.x, retain_graph=True, allow_unused=True)
        others = tuple(other for other in range(grad.dim()) if other != 2 + axis)
        seen = torch.nonzero(grad.abs().amax(dim=others) > 1e-13 * float(grad.abs().max()) + 1e-300)
        found.append((int(seen[0]), int(seen[-1])) if len(seen) and float(grad.abs().max()) > 0 else None)
    return found


def field(net: Net, value: torch.Tensor, axis: int, period: int) -> dict | None:
    """Size, stride and place of the units of one axis; None where the borders are too near, or the pattern too long."""
    size, width = value.shape[2 + axis], net.x.shape[2 + axis]
    first = size // 2 // period * period
    window = range(first, first + 2 * period + 1)
    if window.stop > size or first < period:
        return None
    found = spans(net, value, axis, window)
    seen = [span for span in found if span is not None]
    if not seen or min(span[0] for span in seen) < 3 or max(span[1] for span in seen) > width - 4:
        return None
    moves = {(b[0] - a[0], b[1] - a[1]) for a, b in zip(found, found[period:]) if a is not None and b is not None}
    if len(moves) != 1 or any((a is None) != (b is None) for a, b in zip(found, found[period:])):
        return None
    ((step, other),) = moves
    if step != other:
        return None
    sizes = [0 if span is None else span[1] - span[0] + 1 for span in found[:period]]
    back = first // period * step
    unit = None if found[0] is None else [found[0][0] - back, found[0][1] - back]
    return {"size": [min(sizes), max(sizes)], "step": [step, period], "unit": unit}


def receptive_fields() -> list[dict]:
    cases = []
    for rank, wanted, sizes, period in [(1, 150, [240], 24), (2, 40, [72, 84], 6)]:
        seed = 0
        found = 0
        while found < wanted:
            seed += 1
            chance = random.Random(1000 * rank + seed)
            count = chance.randint(2, 7 if rank == 1 else 4)
            try:
                net = Net(random.Random(seed), rank, sizes)
                net.grow(count)
                whole = Net(random.Random(seed), rank, sizes)
                whole.local = False
                whole.grow(count)
            except (RuntimeError, ValueError):
                continue
            if any(0 in value.shape or max(value.shape) > 2000 for value in net.values.values()):
                continue
            rows = {}
            for name in list(net.values)[-2:]:
                axes = [field(net, net.values[name], axis, period) for axis in range(rank)]
                middle = whole.values[name]
                (grad,) = torch.autograd.grad(middle.sum(), whole.x, retain_graph=True)
                units = itertools.product(*(range(size // 2, size // 2 + 3) for size in middle.shape[2:]))
                seen = [torch.autograd.grad(middle[(0, 0, *unit)], whole.x, retain_graph=True)[0] for unit in units]
                most = max(int((one != 0).sum()) for one in seen)  # a unit of value 0 lets no gate through
                if all(axes):
                    rows[name] = {"axes": axes, "global": most == int((grad != 0).sum())}
            if rows:
                text = f"input: [1, {', '.join(map(str, sizes))}]\nlayers:\n" + "\n".join(net.lines) + "\n"
                cases.append({"spec": text, "fields": rows})
                found += 1
        print("rank", rank, "nets tried", seed)
    return cases


if __name__ == "__main__":
    torch.set_num_threads(1)
    write("layers.json", layers())
    write("same.json", same())
    write("receptive_fields.json", receptive_fields())
