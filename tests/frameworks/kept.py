"""What PyTorch's autograd keeps of single layers, in bytes; the truth of the tests.

Run by hand where torch is installed; it writes tests/data/memory/kinds.json:

    python tests/frameworks/kept.py

Before each layer stands a convolution with kernel 1 and no bias, so that its input needs a gradient: what that one
keeps, the input of the network, is in the figure.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

CHANNELS = 8
BATCH = 3


def flat_norm(x: torch.Tensor) -> torch.Tensor:
    """Layer normalisation over the channels of a position."""
    axes = (0, *range(2, x.dim()), 1)
    return F.layer_norm(x.permute(axes), (CHANNELS,)).permute(0, x.dim() - 1, *range(1, x.dim() - 1))


class Factor(nn.Module):
    """A learned factor per channel, after another function."""

    def __init__(self, before: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.before = before
        self.weight = nn.Parameter(torch.ones(CHANNELS, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.before(x) * self.weight


class Beside(nn.Module):
    """A learned tensor, combined with the input."""

    def __init__(self, shape: tuple[int, ...], combine: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape))
        self.combine = combine

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.combine(x, self.weight)


class ResponseNorm(nn.Module):
    """As in timm's and Meta's ConvNeXt V2, channels first."""

    def __init__(self, rank: int) -> None:
        super().__init__()
        shape = (1, CHANNELS, *[1] * rank)
        self.weight, self.bias = nn.Parameter(torch.ones(shape)), nn.Parameter(torch.ones(shape))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        norm = x.norm(p=2, dim=tuple(range(2, x.dim())), keepdim=True)
        share = norm / (norm.mean(dim=1, keepdim=True) + 1e-6)
        return x + torch.addcmul(self.bias, self.weight, x * share)


def attended(*tensors: torch.Tensor) -> torch.Tensor:
    """Two heads of attention as networks of tokens have it, channels last; of one tensor q, k and v are thirds."""
    rows = [tensor.flatten(2).transpose(1, 2).contiguous() for tensor in dict.fromkeys(tensors)]
    q, k, v = rows[0].chunk(3, 2) if len(tensors) == 1 else [rows[0]] * 3
    heads = [part.unflatten(2, (2, -1)).transpose(1, 2) for part in (q, k, v)]
    found = F.scaled_dot_product_attention(*heads)
    return found.transpose(1, 2).flatten(2)


class SelfAttention(nn.Module):
    """Attention between its projections."""

    def __init__(self, rank: int) -> None:
        super().__init__()
        self.before = getattr(nn, f"Conv{rank}d")(CHANNELS, 3 * CHANNELS, 1)
        self.after = nn.Linear(CHANNELS, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.after(attended(self.before(x)))  # type: ignore[no-any-return]


class Unpooled(nn.Module):
    """SegNet's pair of a pool and its inverse."""

    def __init__(self, rank: int) -> None:
        super().__init__()
        self.pool = getattr(nn, f"MaxPool{rank}d")(2, return_indices=True)
        self.unpool = getattr(nn, f"MaxUnpool{rank}d")(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.unpool(*self.pool(x))  # type: ignore[no-any-return]


def fixed(module: nn.Module) -> nn.Module:
    """The module with weights that need no gradient."""
    return module.requires_grad_(False)


def cases(rank: int) -> dict[str, Any]:
    """Steps and modules on `rank` spatial axes."""

    def of(name: str) -> Any:
        return getattr(nn, f"{name}{rank}d")

    # average pools have no dilation, and Lp pools no third axis, in PyTorch
    found = {
        "{conv: 4, kernel: 3}": of("Conv")(CHANNELS, 4, 3),
        "{conv: 4, kernel: 3, padding: 1, groups: 2}": of("Conv")(CHANNELS, 4, 3, padding=1, groups=2),
        "{conv: 4, kernel: 2, padding: same}": of("Conv")(CHANNELS, 4, 2, padding="same"),
        "{conv: 4, kernel: 4, padding: same}": of("Conv")(CHANNELS, 4, 4, padding="same"),
        "{conv: 4, kernel: 3, padding: same}": of("Conv")(CHANNELS, 4, 3, padding="same"),
        "{conv: 4, kernel: 3, padding: 1, padding_mode: replicate}": of("Conv")(
            CHANNELS, 4, 3, padding=1, padding_mode="replicate"
        ),
        "{conv: 4, kernel: 3, padding: 1, padding_mode: circular}": of("Conv")(
            CHANNELS, 4, 3, padding=1, padding_mode="circular"
        ),
        "{depthwise_conv: 3, stride: 2}": of("Conv")(CHANNELS, CHANNELS, 3, 2, groups=CHANNELS),
        "{conv_transpose: 4, kernel: 2, stride: 2}": of("ConvTranspose")(CHANNELS, 4, 2, 2),
        "{conv: 4, kernel: 3, learned: false}": fixed(of("Conv")(CHANNELS, 4, 3)),
        "{max_pool: 2}": of("MaxPool")(2),
        "{max_pool: 3, stride: 2, padding: 1, ceil_mode: true}": of("MaxPool")(3, 2, 1, ceil_mode=True),
        "{avg_pool: 2}": of("AvgPool")(2),
        "global_avg_pool": of("AdaptiveAvgPool")(1),
        "global_max_pool": of("AdaptiveMaxPool")(1),
        "{adaptive_avg_pool: 4}": of("AdaptiveAvgPool")(4),
        "{adaptive_avg_pool: 1}": of("AdaptiveAvgPool")(1),
        "{adaptive_max_pool: 4}": of("AdaptiveMaxPool")(4),
        "batch_norm": of("BatchNorm")(CHANNELS),
        "{batch_norm, statistics: false}": of("BatchNorm")(CHANNELS, track_running_stats=False),
        "layer_norm": flat_norm,
        "{group_norm: 4}": nn.GroupNorm(4, CHANNELS),
        "instance_norm": of("InstanceNorm")(CHANNELS),
        "{instance_norm, scale: true, shift: true}": of("InstanceNorm")(CHANNELS, affine=True),
        "{instance_norm, scale: true, shift: true, statistics: true}": of("InstanceNorm")(
            CHANNELS, affine=True, track_running_stats=True
        ),
        "{local_response_norm: 5}": nn.LocalResponseNorm(5),
        "{local_response_norm: 4}": nn.LocalResponseNorm(4),
        "l2_norm": lambda x: F.normalize(x, dim=1),
        "relu": nn.ReLU(),
        "relu6": nn.ReLU6(),
        "leaky_relu": nn.LeakyReLU(),
        "{prelu: 8}": nn.PReLU(CHANNELS),
        "elu": nn.ELU(),
        "selu": nn.SELU(),
        "gelu": nn.GELU(),
        "silu": nn.SiLU(),
        "mish": nn.Mish(),
        "sigmoid": nn.Sigmoid(),
        "hard_sigmoid": nn.Hardsigmoid(),
        "hard_swish": nn.Hardswish(),
        "tanh": nn.Tanh(),
        "softplus": nn.Softplus(),
        "softmax": nn.Softmax(1),
        "log_softmax": nn.LogSoftmax(1),
        "flatten": nn.Flatten(),
        "identity": nn.Identity(),
        "{slice: [0, 4]}": lambda x: x[:, :4],
        "{channel_shuffle: 2}": nn.ChannelShuffle(2),
        "{pad: 1}": of("ConstantPad")(1, 0.0),
        "{pad: 1, mode: replicate}": of("ReplicationPad")(1),
        "{pad: 1, mode: circular}": of("CircularPad")(1),
        "{pad: 1, mode: reflect}": of("ReflectionPad")(1),
        "{upsample: 2}": nn.Upsample(scale_factor=2),
        "{dropout: 0.3}": nn.Dropout(0.3),
        "{dropout: 0}": nn.Dropout(0.0),
        "{drop_path: 0.3}": lambda x: x * torch.ones(x.shape[0], *[1] * (x.dim() - 1)),
        "{add: [x, x]}": lambda x: x + x,
        "{multiply: [x, [sigmoid]]}": lambda x: x * x.sigmoid(),
        "{multiply: [x, input]}": None,
        "{concat: [x, [relu]]}": lambda x: torch.cat([x, x.relu()], 1),
    }
    # one after another: what two of them keep counts once
    found |= {
        "{layers: [relu, {conv: 4, kernel: 1}]}": nn.Sequential(nn.ReLU(), of("Conv")(CHANNELS, 4, 1)),
        "{layers: [batch_norm, relu, {max_pool: 2}]}": nn.Sequential(
            of("BatchNorm")(CHANNELS), nn.ReLU(), of("MaxPool")(2)
        ),
        "{layers: [{slice: [0, 4]}, silu]}": lambda x: F.silu(x[:, :4]),
        "{layers: [flatten, {linear: 5}]}": lambda x: F.linear(x.flatten(1), weight(x)),
        "{layers: [flatten, {linear: 5, learned: false}]}": lambda x: F.linear(x.flatten(1), weight(x).detach()),
    }
    axes = tuple(range(2, 2 + rank))
    found |= {
        "{offset: channels}": Beside((CHANNELS, *[1] * rank), torch.add),
        "{offset: one, value: 2}": lambda x: x + 2,
        "{factor: channels}": Beside((CHANNELS, *[1] * rank), torch.mul),
        "{factor: one}": Beside((1,), torch.mul),
        "{factor: channels, learned: false}": fixed(Beside((CHANNELS, *[1] * rank), torch.mul)),
        "{factor: one, value: 2}": lambda x: x * 2,
        "{subtract: [x, [sigmoid]]}": lambda x: x - x.sigmoid(),
        "{reduce: mean, over: channels}": lambda x: x.mean(1, keepdim=True),
        "{reduce: sum, over: positions}": lambda x: x.sum(axes, keepdim=True),
        "{reduce: max, over: channels}": lambda x: x.max(1, keepdim=True).values,
        "{reduce: max, over: positions}": lambda x: x.flatten(2).max(2).values,
        "{reduce: norm, over: positions}": lambda x: x.norm(2, axes, keepdim=True),
        "{reduce: norm, over: channels}": lambda x: x.norm(2, 1, keepdim=True),
        "global_response_norm": ResponseNorm(rank),
        "{matmul: [x, x], over: positions}": lambda x: x.flatten(2) @ x.flatten(2).transpose(1, 2),
        "{matmul: [x, x], over: channels, groups: 2}": lambda x: (
            x.flatten(2).unflatten(1, (2, -1)).transpose(2, 3) @ x.flatten(2).unflatten(1, (2, -1))
        ),
        "{layers: [{max_pool: 2, name: p}, {max_unpool: p}]}": Unpooled(rank),
        "{attention: 2, from: [x, x, x]}": lambda x: attended(x, x, x),
        "{layers: [{conv: 24, kernel: 1}, {attention: 2}, {conv: 4, kernel: 1}]}": SelfAttention(rank),
        "{layers: [{split: {a: 2, b: rest}}, {silu, from: b}]}": lambda x: F.silu(x[:, 2:]),
    }
    if rank == 1:
        tokens = Beside((1, CHANNELS, 1), lambda x, own: torch.cat([own.expand(BATCH, -1, -1), x], 2))
        found |= {
            "{concat: [[{parameter: [8, 1]}], x], over: positions}": tokens,
            "{concat: [x, [{coordinates: [6]}]]}": lambda x: torch.cat([x, torch.ones(BATCH, 1, 6)], 1),
        }
    if rank == 2:
        found |= {
            "{conv: 4, kernel: 3, padding: 1, padding_mode: reflect}": nn.Conv2d(
                CHANNELS, 4, 3, padding=1, padding_mode="reflect"
            ),
            "{layer_scale}": Factor(lambda x: x),
            "{layer_scale, learned: false}": fixed(Factor(lambda x: x)),
            "{l2_norm, scale: true}": Factor(lambda x: F.normalize(x, dim=1)),
            "{depth_to_space: 2}": nn.PixelShuffle(2),
            "{space_to_depth: 2}": nn.PixelUnshuffle(2),
            "{upsample: 2, mode: bilinear}": nn.Upsample(scale_factor=2, mode="bilinear"),
        }
    if rank < 3:
        found |= {"{lp_pool: 2}": of("LPPool")(2, 2), "{lp_pool: 3, stride: 2, p: 3}": of("LPPool")(3, 3, 2)}
    return found


WEIGHTS: dict[int, nn.Parameter] = {}


def weight(x: torch.Tensor) -> nn.Parameter:
    """A weight for the features of a flattened tensor."""
    features = x[0].numel()
    return WEIGHTS.setdefault(features, nn.Parameter(torch.ones(5, features)))


def kept(module: Any, shape: tuple[int, ...]) -> int:
    """Bytes of all storages that are saved for the backward pass, but for those of weights."""
    first = getattr(nn, f"Conv{len(shape) - 1}d")(CHANNELS, CHANNELS, 1, bias=False)
    weight(torch.empty(1, *shape))
    own = [first, *([module] if isinstance(module, nn.Module) else [])]
    held = [tensor for each in own for tensor in (*each.parameters(), *each.buffers())] + [*WEIGHTS.values()]
    places = {tensor.untyped_storage().data_ptr() for tensor in held}
    found: dict[int, Any] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in places:
            found[storage.data_ptr()] = storage
        return tensor

    x = torch.rand(BATCH, *shape)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = first(x) * x if module is None else module(first(x))
    del result
    return sum(storage.nbytes() for storage in found.values())


def main() -> None:
    torch.manual_seed(0)
    found = []
    for rank in (1, 2, 3):
        shape = (CHANNELS, *(6, 8, 6)[:rank])
        for step, module in cases(rank).items():
            if rank == 3 and "reflect" in step and "conv" in step:
                continue
            found.append({"step": step, "input": list(shape), "batch": BATCH, "kept": kept(module, shape)})
    text = ",\n".join(json.dumps(case) for case in found)
    target = Path(__file__).parents[1] / "data" / "memory" / "kinds.json"
    target.write_text(f'{{"torch": "{torch.__version__}", "cases": [\n{text}\n]}}\n', encoding="utf-8")
    print(len(found), "cases")


if __name__ == "__main__":
    main()
