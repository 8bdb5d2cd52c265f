"""What PyTorch lacks: small classes and functions that stand in an export where a layer needs them.

A name that ends in ``{rank}d`` is made for one, two or three spatial axes.
"""

from __future__ import annotations

import re

from cnncalc.convert.torch_out.attending import ATTENDING, CLASS, attention_class

HELPERS: dict[str, str] = {
    "LayerNorm": '''
class LayerNorm{rank}d(nn.LayerNorm):
    """Layer normalisation over the channels of every position."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.movedim(1, -1)).movedim(-1, 1)
''',
    "StandardizedConv": '''
class StandardizedConv{rank}d(nn.Conv{rank}d):
    """Convolution whose kernels have mean 0 and variance 1."""

    def forward(self, input: Tensor) -> Tensor:
        variance, mean = torch.var_mean(self.weight.flatten(1), dim=1, correction=0)
        shape = (-1, *[1] * (self.weight.dim() - 1))
        weight = (self.weight - mean.view(shape)) * (variance + 1e-6).rsqrt().view(shape)
        return self._conv_forward(input, weight, self.bias)
''',
    "ScaledConv": '''
class ScaledConv{rank}d(nn.Conv{rank}d):
    """Convolution whose kernels have mean 0 and variance 1/fan-in, times a learned gain per output channel."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gain = nn.Parameter(torch.ones(self.out_channels))

    def forward(self, input: Tensor) -> Tensor:
        variance, mean = torch.var_mean(self.weight.flatten(1), dim=1, correction=0)
        shape = (-1, *[1] * (self.weight.dim() - 1))
        scale = self.gain * (self.weight[0].numel() * (variance + 1e-6)).rsqrt()
        return self._conv_forward(input, (self.weight - mean.view(shape)) * scale.view(shape), self.bias)
''',
    "NormedConv": '''
class NormedConv{rank}d(nn.Conv{rank}d):
    """Convolution whose kernels have a learned gain per output channel as their norm."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gain = nn.Parameter(self.weight.detach().flatten(1).norm(dim=1))

    def forward(self, input: Tensor) -> Tensor:
        scale = self.gain / self.weight.flatten(1).norm(dim=1)
        return self._conv_forward(input, self.weight * scale.view(-1, *[1] * (self.weight.dim() - 1)), self.bias)
''',
    "InsideAvgPool": '''
class InsideAvgPool{rank}d(nn.AvgPool{rank}d):
    """Average over the positions inside the input, with other padding before than after."""

    def __init__(
        self,
        kernel_size: {size},
        stride: {size},
        padding: tuple[int, ...],
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(kernel_size, stride, ceil_mode=ceil_mode)
        self.pads = padding

    def forward(self, input: Tensor) -> Tensor:
        inside = torch.ones_like(input[:1, :1])
        return super().forward(F.pad(input, self.pads)) / super().forward(F.pad(inside, self.pads))
''',
    "PowerPool": '''
class PowerPool{rank}d(nn.Module):
    """The p-th root of the sum of p-th powers over a window."""

    def __init__(
        self,
        norm_type: float,
        kernel_size: {size},
        stride: {size} = 1,
        padding: tuple[int, ...] = (),
        dilation: {size} = 1,
    ) -> None:
        super().__init__()
        self.norm_type, self.stride, self.padding, self.dilation = norm_type, stride, padding, dilation
        size = (kernel_size,) * {rank} if isinstance(kernel_size, int) else kernel_size
        self.window: Tensor
        self.register_buffer("window", torch.ones(1, 1, *size), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        powers = F.pad(x.abs().pow(self.norm_type), self.padding)
        window = self.window.expand(x.shape[1], *self.window.shape[1:])
        sums = F.conv{rank}d(powers, window, stride=self.stride, dilation=self.dilation, groups=x.shape[1])
        return sums.pow(1 / self.norm_type)
''',
    "L2Norm": '''
class L2Norm(nn.Module):
    """Division by the norm over the channels of every position, with a learned factor per channel."""

    def __init__(self, channels: int, eps: float = 1e-12) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(x, dim=1, eps=self.eps) * self.weight.view(-1, *[1] * (x.dim() - 2))
''',
    "GlobalResponseNorm": '''
class GlobalResponseNorm(nn.Module):
    """Channels by how strong they respond over the whole map (ConvNeXt V2), with the input added."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        shape = (-1, *[1] * (x.dim() - 2))
        norm = x.reshape(*x.shape[:2], -1).norm(dim=2).view(len(x), *shape)
        response = x * norm / (norm.mean(dim=1, keepdim=True) + self.eps)
        return x + self.weight.view(shape) * response + self.bias.view(shape)
''',
    "Offset": '''
class Offset(nn.Module):
    """A learned tensor that is added; it is the same along the last axes, where it has none of its own."""

    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(0.02 * torch.randn(sizes))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias.view(*self.bias.shape, *[1] * (x.dim() - 1 - self.bias.dim()))
''',
    "Factor": '''
class Factor(nn.Module):
    """A learned factor; it is the same along the last axes, where it has none of its own."""

    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(sizes))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight.view(*self.weight.shape, *[1] * (x.dim() - 1 - self.weight.dim()))
''',
    "Learned": '''
class Learned(nn.Module):
    """A learned tensor of its own, for a batch of one."""

    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.02 * torch.randn(sizes))

    def forward(self) -> Tensor:
        return self.weight[None]
''',
    "Coordinates": '''
class Coordinates(nn.Module):
    """A constant map with a channel per axis, from -1 at its first position to 1 at its last; for a batch of one."""

    def __init__(self, *sizes: int) -> None:
        super().__init__()
        lines = [torch.linspace(-1, 1, size) if size > 1 else torch.zeros(1) for size in sizes]
        self.grid: Tensor
        self.register_buffer("grid", torch.stack(torch.meshgrid(*lines, indexing="ij"))[None], persistent=False)

    def forward(self) -> Tensor:
        return self.grid
''',
    "FastSum": '''
class FastSum(nn.Module):
    """Sum by learned shares: of what is above 0 of each weight (BiFPN)."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(count))

    def forward(self, *branches: Tensor) -> Tensor:
        shares = self.weight.relu()
        wide = torch.broadcast_tensors(*branches)
        total = torch.stack([share * branch for share, branch in zip(shares, wide)]).sum(dim=0)
        return total / (shares.sum() + 1e-4)
''',
    "SoftmaxSum": '''
class SoftmaxSum(nn.Module):
    """Sum by learned shares, which a softmax makes add up to 1."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(count))

    def forward(self, *branches: Tensor) -> Tensor:
        shares = self.weight.softmax(dim=0)
        wide = torch.broadcast_tensors(*branches)
        return torch.stack([share * branch for share, branch in zip(shares, wide)]).sum(dim=0)
''',
    "LayerScale": '''
class LayerScale(nn.Module):
    """A learned factor per channel."""

    def __init__(self, channels: int, initial: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), initial))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight.view(-1, *[1] * (x.dim() - 2))
''',
    "DropPath": '''
class DropPath(nn.Module):
    """Stochastic depth: in training, the whole branch of a sample is dropped with probability p."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        keep = 1 - self.p
        return x * x.new_empty(x.shape[0], *[1] * (x.dim() - 1)).bernoulli_(keep).div_(max(keep, 1e-12))
''',
    "HardSigmoid": '''
class HardSigmoid(nn.Module):
    """alpha*x + beta, clipped to 0..1."""

    def __init__(self, alpha: float, beta: float) -> None:
        super().__init__()
        self.alpha, self.beta = alpha, beta

    def forward(self, x: Tensor) -> Tensor:
        return (self.alpha * x + self.beta).clamp(0, 1)
''',
    "ScaledELU": '''
class ScaledELU(nn.Module):
    """gamma*elu(x, alpha)."""

    def __init__(self, alpha: float, gamma: float) -> None:
        super().__init__()
        self.alpha, self.gamma = alpha, gamma

    def forward(self, x: Tensor) -> Tensor:
        return self.gamma * F.elu(x, self.alpha)
''',
    "crop_like": '''
def crop_like(x: Tensor, like: Tensor) -> Tensor:
    """Cut the borders of x to the size of like."""
    for axis in range(2, x.dim()):
        x = x.narrow(axis, (x.shape[axis] - like.shape[axis]) // 2, like.shape[axis])
    return x
''',
    "space_to_depth": '''
def space_to_depth(x: Tensor, blocks: tuple[int, ...], order: str) -> Tensor:
    """Blocks of positions become channels; of a channel first (crd), or of a position in the block (dcr)."""
    rank = len(blocks)
    for axis, block in enumerate(blocks):
        x = x.unflatten(2 + 2 * axis, (-1, block))
    outer, inner = range(2, 2 + 2 * rank, 2), range(3, 3 + 2 * rank, 2)
    channels = [1, *inner] if order == "crd" else [*inner, 1]
    return x.permute(0, *channels, *outer).flatten(1, 1 + rank)
''',
    "depth_to_space": '''
def depth_to_space(x: Tensor, blocks: tuple[int, ...], order: str) -> Tensor:
    """Channels become blocks of positions: the inverse of space_to_depth."""
    rank = len(blocks)
    x = x.unflatten(1, (-1, *blocks) if order == "crd" else (*blocks, -1))
    inner, channel = (range(2, 2 + rank), 1) if order == "crd" else (range(1, 1 + rank), 1 + rank)
    axes = [axis for place, block in enumerate(inner) for axis in (2 + rank + place, block)]
    x = x.permute(0, channel, *axes)
    for axis in range(rank):
        x = x.flatten(2 + axis, 3 + axis)
    return x
''',
    "max_unpool": '''
def max_unpool{rank}d(
    x: Tensor,
    like: Tensor,
    kernel_size: {size},
    stride: {size},
    padding: {size} = 0,
    ceil_mode: bool = False,
) -> Tensor:
    """Every value goes where the maximum of its window of `like` is; all else is 0."""
    _, places = F.max_pool{rank}d(like, kernel_size, stride, padding, ceil_mode=ceil_mode, return_indices=True)
    return nn.MaxUnpool{rank}d(kernel_size, stride, padding)(x, places, output_size=list(like.shape))
''',
}
"""Sources by name, in the order in which they stand in an export."""


ALL = [f"{name}{rank}" for name in HELPERS for rank in ("", "1d", "2d", "3d")]
NAMES = {"Any", "F", "Tensor", "nn", "torch", *ALL, *ATTENDING}
"""What nothing of an export's own may be called."""

LOCAL = {*NAMES, "float", "module", "range", "self", "super"}
"""What no argument or tensor may be called, since the code that it stands in says these itself."""

WORD = re.compile(r"(?<![\w.])\w+")


def helper_sources(code: str, modules: set[str]) -> list[str]:
    """The sources of what code uses, and of what that uses in turn, in the order of their tables.

    `modules` are what its layers are: a class of its own may be called as one of ours would be.
    """
    order = [*ATTENDING, *ALL, *sorted(filter(CLASS.fullmatch, modules))]
    found: dict[str, str] = {}
    pending = [code]
    while pending:
        words = set(WORD.findall(pending.pop()))
        for name in order:
            if name in words and name not in found:
                found[name] = source(name)
                pending.append(found[name])
    return [found[name] for name in order if name in found]


def source(name: str) -> str:
    """The source of a helper by the name that the export uses."""
    known = HELPERS.get(name) or ATTENDING.get(name)
    if known is not None:
        return known.strip("\n").replace("{rank}", "")
    if name not in ALL:
        return attention_class(name)
    rank = name[-2]
    size = "int" if rank == "1" else f"int | tuple[{', '.join(['int'] * int(rank))}]"
    return HELPERS[name[:-2]].strip("\n").replace("{rank}", rank).replace("{size}", size)
