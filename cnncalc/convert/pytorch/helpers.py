"""What PyTorch lacks: small classes and functions that stand in an export where a layer needs them.

A name that ends in ``{rank}d`` is made for one, two or three spatial axes.
"""

from __future__ import annotations

HELPERS: dict[str, str] = {
    "LayerNorm": '''
class LayerNorm{rank}d(nn.LayerNorm):
    """Layer normalisation over the channels of every position."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.movedim(1, -1)).movedim(-1, 1)
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
def space_to_depth(x: Tensor, block: int, order: str) -> Tensor:
    """Blocks of positions become channels; of a channel first (crd), or of a position in the block (dcr)."""
    rank = x.dim() - 2
    for axis in range(rank):
        x = x.unflatten(2 + 2 * axis, (-1, block))
    places, blocks = [2 + 2 * axis for axis in range(rank)], [3 + 2 * axis for axis in range(rank)]
    channels = [1, *blocks] if order == "crd" else [*blocks, 1]
    return x.permute(0, *channels, *places).flatten(1, 1 + rank)
''',
    "depth_to_space": '''
def depth_to_space(x: Tensor, block: int, order: str) -> Tensor:
    """Channels become blocks of positions: the inverse of space_to_depth."""
    rank = x.dim() - 2
    sizes = (-1, *[block] * rank) if order == "crd" else (*[block] * rank, -1)
    x = x.unflatten(1, sizes)
    blocks, channel = (range(2, 2 + rank), 1) if order == "crd" else (range(1, 1 + rank), 1 + rank)
    axes = [axis for place, block_axis in enumerate(blocks) for axis in (2 + rank + place, block_axis)]
    x = x.permute(0, channel, *axes)
    for axis in range(rank):
        x = x.flatten(2 + axis, 3 + axis)
    return x
''',
}
"""Sources by name, in the order in which they stand in an export."""


def helper_source(name: str) -> str:
    """The source of a helper by the name that the export uses."""
    if name in HELPERS:
        return HELPERS[name].strip("\n").replace("{rank}", "")
    rank = name[-2]
    size = "int" if rank == "1" else f"int | tuple[{', '.join(['int'] * int(rank))}]"
    return HELPERS[name[:-2]].strip("\n").replace("{rank}", rank).replace("{size}", size)
