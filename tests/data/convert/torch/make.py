"""Makes small ``.pt2`` files, and measures in PyTorch what comes out of them; run by hand, never by the tests.

    python tests/data/convert/torch/make.py        (torch 2.13)

It writes a file per case beside itself, without the weights, and expected.json: input and output of the first sample,
the weights by their paths, and what torch.utils.flop_counter counts, halved.  The seed is fixed.
"""

from __future__ import annotations

import json
import math
import tempfile
import zipfile
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils import parametrizations
from torch.utils.flop_counter import FlopCounterMode

HERE = Path(__file__).parent


class Does(nn.Module):
    """Parts by name, and what is done with them."""

    def __init__(self, does, **parts):
        super().__init__()
        self.does = does
        for name, part in parts.items():
            if isinstance(part, nn.Parameter):
                self.register_parameter(name, part)
            elif isinstance(part, torch.Tensor):
                self.register_buffer(name, part)
            else:
                self.add_module(name, part)

    def forward(self, *x):
        return self.does(self, *x)


def conv(inner: int, outer: int, kernel: int = 3, **more) -> nn.Conv2d:
    return nn.Conv2d(inner, outer, kernel, **more)


class Attends(nn.Module):
    """timm's attention: all three from one projection, and taken apart along an axis of three."""

    def __init__(self, width: int, heads: int, fused: bool):
        super().__init__()
        self.heads, self.fused = heads, fused
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        batch, count, width = x.shape
        q, k, v = self.qkv(x).reshape(batch, count, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        if self.fused:
            x = F.scaled_dot_product_attention(q, k, v)
        else:
            x = (q * (width // self.heads) ** -0.5 @ k.transpose(-2, -1)).softmax(-1) @ v
        return self.proj(x.transpose(1, 2).reshape(batch, count, width))


def shuffled(x, groups):
    batch, channels, height, width = x.shape
    x = x.view(batch, groups, channels // groups, height, width)
    return x.transpose(1, 2).contiguous().view(batch, channels, height, width)


def halves(self, x):
    a, b = x.chunk(2, dim=1)
    return torch.cat([a, self.conv(b)], 1)


def gate(self, x):
    y = x.mean((2, 3), keepdim=True)
    return x * self.expand(F.relu(self.reduce(y))).sigmoid()


def changed(self, x):
    y = self.conv(x)
    y += x
    return F.relu_(y)


def assigned(self, x):
    """A part is changed in place, while the whole is read later."""
    y = self.conv(x)
    y[:, :2] += 1.0
    return y


def assigned_turned(self, x):
    """As `assigned`, by way of other axes."""
    y = self.conv(x)
    y.transpose(1, 2).add_(1.0)
    return y


class Windows(nn.Module):
    """Attention in windows, as Liu et al. 2021 write it out, with a learned bias by relative position and a mask."""

    def __init__(self, width: int, heads: int, window: int, shift: int = 0):
        super().__init__()
        self.heads, self.window, self.shift = heads, window, shift
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        self.register_buffer("index", offsets(window))

    def forward(self, x):
        (batch, height, width, channels), window, shift = x.shape, self.window, self.shift
        x = F.pad(x, (0, 0, 0, -width % window, 0, -height % window))
        rows, columns = x.shape[1] // window, x.shape[2] // window
        if shift:
            x = torch.roll(x, (-shift, -shift), (1, 2))
        x = x.view(batch, rows, window, columns, window, channels).permute(0, 1, 3, 2, 4, 5)
        x = x.reshape(batch * rows * columns, window * window, channels)
        qkv = self.qkv(x).reshape(len(x), window * window, 3, self.heads, channels // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        products = self.products(q, k) + self.bias()
        if shift:
            mask = self.mask(x, rows * window, columns * window)
            products = products.view(batch, rows * columns, self.heads, window**2, window**2)
            products = (products + mask.unsqueeze(1).unsqueeze(0)).view(-1, self.heads, window**2, window**2)
        x = (products.softmax(dim=-1) @ v).transpose(1, 2).reshape(len(x), window * window, channels)
        x = F.dropout(self.proj(x), 0.0, self.training)
        x = x.view(batch, rows, columns, window, window, channels).permute(0, 1, 3, 2, 4, 5)
        x = x.reshape(batch, rows * window, columns * window, channels)
        if shift:
            x = torch.roll(x, (shift, shift), (1, 2))
        return x[:, :height, :width, :]

    def products(self, q, k):
        return (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)

    def bias(self):
        table = self.table[self.index.view(-1)].view(self.window**2, self.window**2, self.heads)
        return table.permute(2, 0, 1).unsqueeze(0)

    def mask(self, x, height, width):
        window, found, count = self.window, x.new_zeros((height, width)), 0
        cuts = ((0, -window), (-window, -self.shift), (-self.shift, None))
        for first, last in cuts:
            for left, right in cuts:
                found[first:last, left:right] = count
                count += 1
        found = found.view(height // window, window, width // window, window).permute(0, 2, 1, 3)
        found = found.reshape(-1, window * window)
        found = found.unsqueeze(1) - found.unsqueeze(2)
        return found.masked_fill(found != 0, -100.0).masked_fill(found == 0, 0.0)


class Bounded(Windows):
    """The same with a bias between 0 and 16."""

    def bias(self):
        return 16 * torch.sigmoid(super().bias())


class Cosines(Bounded):
    """The same with cosines, and a table that layers work out from coordinates (Liu et al. 2022)."""

    def __init__(self, width: int, heads: int, window: int, shift: int = 0):
        super().__init__(width, heads, window, shift)
        del self.table
        line = torch.linspace(-1, 1, 2 * window - 1)
        self.register_buffer("coordinates", torch.stack(torch.meshgrid(line, line, indexing="ij"), -1).unsqueeze(0))
        self.scale = nn.Parameter(torch.zeros(heads, 1, 1))
        self.mlp = nn.Sequential(nn.Linear(2, 5), nn.ReLU(), nn.Linear(5, heads, bias=False))

    @property
    def table(self):
        return self.mlp(self.coordinates).view(-1, self.heads)

    def products(self, q, k):
        cosines = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)
        return cosines * torch.clamp(self.scale, max=math.log(100)).exp()


class Unbounded(Cosines):
    """The same with a scale that has no bound, which is no layer of its own."""

    def products(self, q, k):
        return F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1) * self.scale.exp()


class Grid(nn.Module):
    """Attention of a grid with a bias, as torchvision writes it: with sums over named indices."""

    def __init__(self, width: int, heads: int, grid: int):
        super().__init__()
        self.heads, self.grid = heads, grid
        self.qkv = nn.Linear(width, 3 * width)
        self.table = nn.Parameter(torch.zeros((2 * grid - 1) ** 2, heads))
        self.register_buffer("index", offsets(grid))

    def forward(self, x):
        (batch, channels, height, width), grid = x.shape, self.grid
        x = x.reshape(batch, channels, grid, height // grid, grid, width // grid).permute(0, 3, 5, 2, 4, 1)
        x = x.reshape(batch, -1, grid * grid, channels)
        own = (batch, x.shape[1], grid * grid, self.heads, channels // self.heads)
        q, k, v = (part.reshape(own).permute(0, 1, 3, 2, 4) for part in self.qkv(x).chunk(3, dim=-1))
        products = torch.einsum("B G H I D, B G H J D -> B G H I J", q, k * channels**-0.5)
        table = self.table[self.index.view(-1)].view(grid**2, grid**2, self.heads)
        weights = F.softmax(products + table.permute(2, 0, 1).unsqueeze(0), dim=-1)
        y = torch.einsum("B G H I J, B G H J D -> B G H I D", weights, v)
        x = F.relu(x + y.permute(0, 1, 3, 2, 4).reshape(batch, -1, grid * grid, channels))
        x = x.reshape(batch, height // grid, width // grid, grid, grid, channels).permute(0, 5, 3, 1, 4, 2)
        return x.reshape(batch, channels, height, width)


def offsets(window: int) -> torch.Tensor:
    """For every two positions of a window, the place of their offset in a table."""
    places = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
    apart = places[:, :, None] - places[:, None, :] + window - 1
    return apart[0] * (2 * window - 1) + apart[1]


def tiled(self, x):
    x = x.view(1, 2, 2, 3, 2, 2).permute(0, 4, 2, 1, 5, 3)
    return self.conv(x.reshape(1, 4, 4, 3))


class Responds(nn.Module):
    """timm's normalisation of ConvNeXt V2, for channels first and last."""

    def __init__(self, width: int, last: bool):
        super().__init__()
        self.spatial, self.channel = ((1, 2), -1) if last else ((2, 3), 1)
        self.shape = (1, 1, 1, -1) if last else (1, -1, 1, 1)
        self.weight, self.bias = nn.Parameter(torch.zeros(width)), nn.Parameter(torch.zeros(width))

    def forward(self, x):
        norms = x.norm(p=2, dim=self.spatial, keepdim=True)
        shares = norms / (norms.mean(dim=self.channel, keepdim=True) + 1e-6)
        return x + torch.addcmul(self.bias.view(self.shape), self.weight.view(self.shape), x * shares)


def root_mean(self, x):
    """Written out, as timm does for old versions of torch, and as torch has it."""
    y = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.scale
    return self.norm(y)


def merged(self, x):
    """Neighbours become channels, as in timm's Swin: columns outside of rows."""
    batch, height, width, channels = (x := self.conv(x).permute(0, 2, 3, 1)).shape
    x = x.reshape(batch, height // 2, 2, width // 2, 2, channels).permute(0, 1, 3, 4, 2, 5).flatten(3)
    return self.reduction(x)


def of_one_sample(self, x):
    """A sample without a batch: the axes that are first where nothing is said are its channels."""
    y = self.conv(x).squeeze(0)
    first, second = y.split(2)
    third, fourth = y.chunk(2)
    y = torch.cat([second, third]) - torch.cat([fourth, first]) * 2
    y = y + y.reshape(2, 2, 2, 3).permute(1, 2, 0, 3).reshape(4, 2, 3)
    parts = y.unbind()
    return torch.cat([parts[1] * 2, parts[3]])[None]


def turned(self, x):
    rows = self.fc(x.squeeze(0).t()).t()
    return (rows * rows.select(-1, -1)[:, None])[None]


def left_out(self, x):
    """Operators without the arguments that have a default."""
    aten = torch.ops.aten
    y = aten.conv2d(x, self.weight)
    y = aten.group_norm(aten.avg_pool2d(y, [2, 2]), 2) + aten.max_pool2d(y, [2, 2])
    y = aten.layer_norm(aten.leaky_relu(y), [5]) - aten.elu(y) * aten.gelu(y)
    y = aten.instance_norm(y, None, None, None, None, True, 0.1, 1e-5, False) + aten.softplus(y)
    y = aten.conv_transpose2d(y, self.back, None, [2, 2]) + aten.conv_transpose2d(y, self.other, self.bias, [2])
    return aten.rms_norm(aten.constant_pad_nd(y, [0, 1]), [10], None)


def norms_of_parts(self, x):
    """Norms and sums over axes that are counted from the end, over one, and over all."""
    y = self.conv(x)
    y = y * torch.linalg.vector_norm(y, dim=-3, keepdim=True)
    y = torch.add(torch.clamp(y, 0, 6), torch.clamp_min(y, 0), alpha=2)
    y = torch.addcmul(y, y, self.scale) + torch.addcmul(y, y, y, value=0.5)
    y = torch.rsub(y, F.softplus(y, 2.0), alpha=0.5) + y * F.softplus(y, 0.5).tanh()
    y = y + y * F.relu6(y + 2) / 6 + F.relu6(y + 2) / 6  # no hard swish and no hard sigmoid, which have 3
    return y * y.mean(dim=(-2, -1), keepdim=True) + y.amax(dim=(2, 3), keepdim=True)


def other_forms(self, x):
    """What no row computes: activations with scales or thresholds, rounded quotients, a divisor of its own."""
    aten = torch.ops.aten
    y = torch.div(aten.elu(self.conv(x), 1.0, 2.0), 0.5, rounding_mode="floor")
    y = F.softplus(y, 1, 3) + aten.elu(x.std((2, 3), keepdim=True), 1.0, 1.0, 2.0)
    return torch.maximum(y + F.avg_pool2d(x, 3, 1, 1, divisor_override=2), self.least)


def cuts(self, x):
    """Parts by places that are counted from the end, and put together along such axes."""
    y = self.conv(x)
    first, *_, last = y.unbind(-1)
    y = y[:, :, ..., 1::3] + torch.stack([first, last], -3).movedim(-3, -1)
    wide, narrow = y.split([4, 2], -2)
    y = torch.cat([wide.narrow(-2, 1, 2), narrow, y.chunk(3, -2)[1]], -3)
    y = y[:, 1:9] * y.select(-1, -2)[:, :8, :, None]
    y = y.movedim(-1, 1).swapaxes(-3, -1).movedim((0, 1), (0, -1)).movedim([3, 1], [2, 3])
    return torch.roll(y, (1, 1), (2, -1))


def sizes(self, x):
    """Windows, paddings and strides that differ from axis to axis, and kernels of even sizes."""
    y = F.conv2d(self.same(x), self.weight, stride=(2, 1), padding="valid", groups=2)
    y = F.avg_pool2d(F.pad(y, (1, 0, 2, 1)), (2, 3), (1, 2), (1, 0), True)
    y = F.max_pool2d(y, (2, 1), (2, 1), (1, 0)) + F.max_pool2d(y, [2, 1], [], [1, 0])
    y = F.interpolate(F.pad(y, (0, 1, 1, 0), mode="circular"), size=(5, 6), mode="bilinear", align_corners=True)
    y = F.adaptive_avg_pool2d(y, (None, 3)) + F.adaptive_max_pool2d(y, (5, 3))
    return F.instance_norm(y, self.mean, self.variance, use_input_stats=False, eps=0.01).flatten(2).transpose(1, 2)


def scattered(self, x):
    """Parts put in place of others: of every second row, of everything, of all samples, and of constants."""
    y = self.conv(x)
    y = torch.slice_scatter(y, x[:, :, :2], 2, 0, 4, 2)
    y = torch.slice_scatter(y, y + 1.0, 1, 0, 9)
    y = torch.slice_scatter(y, y[:, 1:], 1, -3, -1)
    y = torch.slice_scatter(y, self.conv(y), 0, 0, 1)
    y = torch.slice_scatter(torch.zeros(1, 3, 4, 2), y, 3, 1)
    return torch.slice_scatter(y, torch.zeros(1, 3, 1, 2), 2, 1, 2)


def rolls(self, x):
    """Rolls of rows in windows, by all places, of one place, and of channels; products that see what was before."""
    y = self.conv(x)
    y = torch.roll(y.view(1, 4, 2, 3, 6), (2, 1), (2, 3)).view(1, 4, 6, 6)
    y = torch.roll(y.view(1, 4, 2, 3, 6), (3, -1), (3, 2)).view(1, 4, 6, 6)
    y = torch.roll(y.view(1, 4, 2, 3, 6), 3, 3).view(1, 4, 6, 6)
    y = torch.roll(y, (1, 2, -1), (0, 1, 3)) + torch.roll(y, 5)
    y = y + torch.roll(self.conv(x).view(1, 9, 16), 2, 1).view(1, 4, 6, 6)
    rows = y.flatten(2)[:, :, :5]
    return F.scaled_dot_product_attention(rows[:, :3], rows, rows, is_causal=True)


def worked_out(self, x):
    """Constants: in steps, of other types, and quotients of whole numbers; rolls that add up."""
    y = self.conv(x)[:, (torch.arange(2, 8, 2) / 2).to(torch.int64)]
    y = y + torch.full((1,), 2.75).to(torch.int64) + torch.full((1,), 2.75).to(torch.bool).to(torch.float32)
    y = y[:, torch.arange(1, 3)] * (torch.arange(3, 4) / 2) - torch.arange(1, 3, 2)
    return torch.roll(y, (1, 2, -1), (2, -2, 3))


def standardised(self, x):
    """timm's convolution of NFNets: kernels of mean 0 and variance 1, times a gain over the root of the fan-in."""
    gain, kernel = self.gain * 8**-0.5, self.weight.view(1, 4, -1)
    kernel = F.batch_norm(kernel, None, None, gain, training=True, momentum=0.0, eps=1e-6)
    return F.conv2d(x, kernel.reshape_as(self.weight))


def lines(self, x):
    """Layers with windows on one axis."""
    aten = torch.ops.aten
    y = F.avg_pool1d(F.max_pool1d(self.back(x), 3, 1), 2, 1)
    y = F.interpolate(F.interpolate(y, size=9), size=13, mode="linear")
    return F.adaptive_avg_pool1d(y, 6) + F.adaptive_max_pool1d(y, 6) + aten.avg_pool1d(y, [3], [2])


def rooms(self, x):
    """Layers with windows on three axes, also by the names that decompositions have."""
    aten = torch.ops.aten
    y = F.avg_pool3d(F.max_pool3d(self.back(x), 2, 1), (1, 2, 2), 1)
    y = y + aten.max_pool3d_with_indices(aten.constant_pad_nd(y, [1, 1, 1, 1, 1, 1]), [3, 3, 3], [1, 1, 1])[0]
    y = F.interpolate(F.interpolate(y, size=(3, 4, 5)), size=(4, 4, 6), mode="trilinear")
    y = aten._adaptive_avg_pool3d(y, [2, 2, 3]) + F.adaptive_max_pool3d(y, (2, 2, 3)) + F.adaptive_avg_pool3d(y, 1)
    y = y.flatten(2, 3)
    return aten._adaptive_avg_pool2d(y, [1, 3]) + aten.max_pool2d_with_indices(y, [2, 1])[0]


CASES = {
    "block": (
        Does(
            lambda s, x: s.fc(torch.flatten(s.pool(F.relu(s.bn(s.conv(x)))), 1)),
            conv=conv(2, 4, stride=2, padding=1, bias=False), bn=nn.BatchNorm2d(4), pool=nn.AdaptiveAvgPool2d(1),
            fc=nn.Linear(4, 3),
        ),
        [(2, 7, 8)],
    ),
    "depthwise": (Does(lambda s, x: s.conv(x), conv=conv(3, 6, groups=3, padding="same", dilation=2)), [(3, 6, 6)]),
    "conv_1d": (Does(lambda s, x: s.conv(x), conv=nn.Conv1d(3, 4, 3, padding=2, bias=False)), [(3, 9)]),
    "conv_3d": (Does(lambda s, x: s.conv(x), conv=nn.Conv3d(2, 3, (1, 2, 3), stride=(1, 2, 1))), [(2, 3, 5, 5)]),
    "conv_transpose": (
        Does(
            lambda s, x: s.conv(x),
            conv=nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2),
        ),
        [(4, 3, 4)],
    ),
    "max_pool": (Does(lambda s, x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True)), [(2, 6, 7)]),
    "max_pool_dilated": (Does(lambda s, x: F.max_pool2d(x, 2, 1, dilation=2)), [(2, 6, 7)]),
    "avg_pool": (Does(lambda s, x: F.avg_pool2d(x, (3, 2), padding=(1, 0), count_include_pad=False)), [(2, 6, 7)]),
    "avg_pool_padded": (Does(lambda s, x: F.avg_pool2d(x, 3, 2, 1)), [(2, 6, 7)]),
    "adaptive_avg_pool": (Does(lambda s, x: F.adaptive_avg_pool2d(x, (3, 2))), [(2, 7, 6)]),
    "adaptive_max_pool": (Does(lambda s, x: F.adaptive_max_pool2d(x, (None, 2))), [(2, 4, 6)]),
    "mean": (Does(lambda s, x: x.mean([2, 3])), [(3, 4, 5)]),
    "shuffle": (Does(lambda s, x: shuffled(x, 3)), [(6, 2, 3)]),
    "shuffle_module": (Does(lambda s, x: s.shuffle(x), shuffle=nn.ChannelShuffle(2)), [(6, 2, 3)]),
    "pixel_shuffle": (Does(lambda s, x: F.pixel_shuffle(x, 2)), [(8, 2, 3)]),
    "pixel_unshuffle": (Does(lambda s, x: F.pixel_unshuffle(x, 2)), [(2, 4, 6)]),
    "halves": (Does(halves, conv=conv(2, 2, 1)), [(4, 3, 3)]),
    "gate": (Does(gate, reduce=conv(4, 2, 1), expand=conv(2, 4, 1)), [(4, 3, 3)]),
    "gate_expanded": (Does(lambda s, x: x * x.mean((2, 3), keepdim=True).sigmoid().expand_as(x)), [(4, 3, 3)]),
    "in_place": (Does(changed, conv=conv(2, 2, padding=1)), [(2, 4, 4)]),
    "slices": (Does(lambda s, x: torch.cat([x[:, 1:3], x[:, :2]], 1)[:, :, ::2, 1:]), [(4, 5, 6)]),
    "pad": (Does(lambda s, x: s.conv(F.pad(x, (0, 1, 0, 1))), conv=conv(2, 3, stride=2)), [(2, 5, 6)]),
    "pad_reflect": (Does(lambda s, x: F.pad(x, (1, 2, 2, 1), mode="reflect")), [(2, 5, 6)]),
    "nearest": (Does(lambda s, x: F.interpolate(x, scale_factor=2)), [(2, 3, 4)]),
    "nearest_to_size": (Does(lambda s, x: F.interpolate(x, (5, 7))), [(2, 3, 4)]),
    "bilinear": (Does(lambda s, x: F.interpolate(x, (5, 7), mode="bilinear")), [(2, 3, 4)]),
    "align_corners": (Does(lambda s, x: F.interpolate(x, (5, 7), mode="bilinear", align_corners=True)), [(2, 3, 4)]),
    "activations": (
        Does(
            lambda s, x: F.hardswish(F.gelu(F.silu(F.elu(F.leaky_relu(x, 0.2), 0.5)), approximate="tanh"))
            + F.hardsigmoid(F.softplus(F.mish(F.selu(x)))) * F.relu6(x) - 0.0
        ),
        [(2, 3, 3)],
    ),
    "prelu": (Does(lambda s, x: s.act(x), act=nn.PReLU(2, 0.3)), [(2, 3, 3)]),
    "layer_norm": (
        Does(
            lambda s, x: s.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2) * s.scale,
            norm=nn.LayerNorm(4), scale=nn.Parameter(torch.full((4, 1, 1), 0.5)),
        ),
        [(4, 3, 3)],
    ),
    "norms": (
        Does(
            lambda s, x: s.last(s.inner(s.group(x))),
            group=nn.GroupNorm(2, 4), inner=nn.InstanceNorm2d(4, affine=True), last=nn.BatchNorm2d(4, affine=False),
        ),
        [(4, 3, 3)],
    ),
    "tokens": (Does(lambda s, x: s.fc(x.flatten(2).transpose(1, 2)), fc=nn.Linear(4, 6)), [(4, 2, 3)]),
    "shared": (Does(lambda s, x: s.conv(s.conv(x)), conv=conv(2, 2, padding=1)), [(2, 4, 4)]),
    "two_inputs": (Does(lambda s, x, y: s.conv(x) + y, conv=conv(2, 3, padding=1)), [(2, 4, 4), (3, 4, 4)]),
    "dropout": (Does(lambda s, x: s.drop(F.relu(x)), drop=nn.Dropout(0.3)), [(2, 3, 3)]),
    "attention": (Does(lambda s, x: s.attn(x), attn=Attends(8, 2, True)), [(5, 8)]),
    "attention_written_out": (Does(lambda s, x: s.attn(x), attn=Attends(8, 2, False)), [(5, 8)]),
    "multi_head_attention": (
        Does(lambda s, x: s.attn(x, x, x, need_weights=False)[0], attn=nn.MultiheadAttention(8, 2, batch_first=True)),
        [(5, 8)],
    ),
    "multi_head_attention_with_shares": (  # the means of its shares, which it gives too, reach no output
        Does(lambda s, x: s.attn(x, x, x)[0], attn=nn.MultiheadAttention(8, 2, batch_first=True)), [(5, 8)],
    ),
    "assigned": (Does(assigned, conv=conv(2, 4)), [(2, 4, 4)]),
    "assigned_turned": (Does(assigned_turned, conv=conv(2, 4)), [(2, 4, 4)]),
    "response_norm": (
        Does(
            lambda s, x: s.last(s.first(s.conv(x)).permute(0, 2, 3, 1)),
            conv=conv(2, 3), first=Responds(3, False), last=Responds(3, True),
        ),
        [(2, 5, 6)],
    ),
    "mean_of_one": (Does(lambda s, x: s.conv(x).mean(dim=(2, 3)), conv=conv(2, 3, 4)), [(2, 4, 4)]),
    "rms_norm": (Does(root_mean, scale=nn.Parameter(torch.ones(6)), norm=nn.RMSNorm(6, 1e-6)), [(4, 6)]),
    "windows": (Windows(4, 2, 2), [(3, 4, 4)]),
    "windows_shifted": (Windows(4, 2, 3, 1), [(6, 8, 4)]),
    "windows_bounded": (Bounded(4, 2, 2), [(4, 4, 4)]),
    "cosines": (Cosines(4, 2, 2), [(3, 4, 4)]),
    "cosines_shifted": (Cosines(6, 3, 3, 1), [(6, 8, 6)]),
    "cosines_of_one_head": (Cosines(4, 1, 3), [(3, 2, 4)]),
    "cosines_unbounded": (Unbounded(4, 2, 2), [(4, 4, 4)]),
    "normed": (
        Does(lambda s, x: s.conv(x).square(), conv=parametrizations.weight_norm(conv(2, 3))), [(2, 4, 5)],
    ),
    "normed_by_inputs": (
        Does(lambda s, x: s.conv(x), conv=parametrizations.weight_norm(conv(2, 3), dim=1)), [(2, 4, 5)],
    ),
    "grid": (Grid(8, 2, 2), [(8, 4, 6)]),
    "merged": (Does(merged, conv=conv(2, 3), reduction=nn.Linear(12, 5, bias=False)), [(2, 6, 8)]),
    "rolled": (Does(lambda s, x: torch.roll(s.conv(x), (1, -2), (3, 2)) + 1.0, conv=conv(2, 3)), [(2, 6, 7)]),
    "moved": (
        Does(
            lambda s, x: s.norm(s.conv(x).movedim(1, -1)).movedim((3, 0), (1, 0)),
            conv=conv(2, 3), norm=nn.LayerNorm(3),
        ),
        [(2, 4, 5)],
    ),
    "of_one_sample": (Does(of_one_sample, conv=conv(2, 4)), [(2, 4, 5)]),
    "turned": (Does(turned, fc=nn.Linear(3, 2)), [(3, 4)]),
    "left_out": (
        Does(
            left_out,
            weight=nn.Parameter(torch.ones(4, 2, 3, 3)), back=nn.Parameter(torch.ones(4, 3, 1, 1)),
            other=nn.Parameter(torch.ones(4, 3, 1, 1)), bias=nn.Parameter(torch.ones(3)),
        ),
        [(2, 6, 12)],
    ),
    "norms_of_parts": (
        Does(norms_of_parts, conv=conv(2, 3), scale=nn.Parameter(torch.ones(3, 1, 1))), [(2, 5, 4)],
    ),
    "cuts": (Does(cuts, conv=conv(3, 4, 1)), [(3, 6, 5)]),
    "sizes": (
        Does(
            sizes, same=conv(2, 4, (4, 3), padding="same", dilation=(1, 2)),
            weight=nn.Parameter(torch.zeros(4, 2, 2, 2)), mean=torch.zeros(4), variance=torch.zeros(4),
        ),
        [(2, 7, 8)],
    ),
    "rolls": (Does(rolls, conv=conv(2, 4, 1)), [(2, 6, 6)]),
    "scattered": (Does(scattered, conv=conv(3, 3, 1)), [(3, 4, 1)]),
    "tiles": (Does(tiled, conv=conv(4, 3)), [(2, 6, 4)]),
    "worked_out": (Does(worked_out, conv=conv(2, 4, 1)), [(2, 3, 4)]),
    "standardised": (
        Does(standardised, weight=nn.Parameter(torch.ones(4, 2, 2, 2)), gain=nn.Parameter(torch.ones(4))),
        [(2, 4, 5)],
    ),
    "lines": (Does(lines, back=nn.ConvTranspose1d(2, 3, 3, stride=2)), [(2, 4)]),
    "rooms": (Does(rooms, back=nn.ConvTranspose3d(2, 2, 2)), [(2, 2, 3, 4)]),
    "distances": (
        Does(
            lambda s, x: torch.cdist(x, s.points * s.scales),
            points=nn.Parameter(torch.zeros(4, 3)), scales=torch.zeros(4, 3),
        ),
        [(5, 3)],
    ),
    "unknown": (Does(lambda s, x: torch.cumsum(s.conv(x), 2), conv=conv(2, 3)), [(2, 4, 4)]),
    "other_forms": (Does(other_forms, conv=conv(2, 2, 1), least=torch.zeros(2, 1, 1)), [(2, 3, 3)]),
    "unused": (Does(lambda s, x: s.conv(x), conv=conv(2, 3), left=nn.Linear(3, 4)), [(2, 4, 4)]),
}  # fmt: skip


def whole(module: nn.Module, shapes: list, **more) -> torch.export.ExportedProgram:
    return torch.export.export(module, tuple(torch.zeros(2 if more else 1, *shape) for shape in shapes), **more)


def save(name: str, program: torch.export.ExportedProgram) -> None:
    """The file as torch writes it, without what it stores besides the program."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.pt2"
        torch.export.save(program, path)
        with zipfile.ZipFile(path) as full, zipfile.ZipFile(HERE / path.name, "w", zipfile.ZIP_DEFLATED) as cut:
            entry = zipfile.ZipInfo(f"{name}/models/model.json")
            entry.compress_type = zipfile.ZIP_DEFLATED
            model = json.loads(full.read(entry.filename))
            for node in model["graph_module"]["graph"]["nodes"]:
                node["metadata"].pop("stack_trace", None)  # paths of this machine
            cut.writestr(entry, json.dumps(model, separators=(",", ":")))


def nested(tensor: torch.Tensor) -> object:
    return [nested(part) for part in tensor] if tensor.dim() else round(float(tensor), 6)


def main() -> None:
    expected = {}
    for name, (module, shapes) in CASES.items():
        torch.manual_seed(5)
        module.eval()
        with torch.no_grad():
            for key, tensor in module.state_dict().items():
                if tensor.is_floating_point() and key != "coordinates":
                    tensor.copy_((torch.rand_like(tensor) * 0.75 + 0.25).round(decimals=3))
            data = [(torch.rand(1, *shape) * 4 - 2).round(decimals=2) for shape in shapes]
            torch.backends.mha.set_fastpath_enabled(False)
            counter = FlopCounterMode(display=False)
            with counter, sdpa_kernel(SDPBackend.MATH):  # others' products are not counted
                result = module(*data)
        save(name, whole(module, shapes))
        state = {key: nested(value) for key, value in module.state_dict().items() if value.is_floating_point()}
        expected[name] = {
            "data": [nested(x[0]) for x in data], "output": nested(result[0]), "weights": state,
            "parameters": sum(tensor.numel() for tensor in module.parameters()),
            "macs": counter.get_total_flops() // 2,
        }  # fmt: skip
    module, shapes = CASES["block"]
    save("open_batch", whole(module, shapes, dynamic_shapes=(({0: torch.export.Dim("batch")},),)))
    module, shapes = CASES["conv_1d"]
    save("open_size", whole(module, shapes, dynamic_shapes=(({2: torch.export.Dim("length", min=3)},),)))
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in expected.items()]
    (HERE / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
