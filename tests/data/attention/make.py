"""Makes cases.json: attention and what stands around it, as PyTorch, torchvision and timm compute them.

Run once with PyTorch 2.13, torchvision 0.28 and timm 1.0: ``python make.py > cases.json``.  Each case is a spec, its
input, the weights of its layers in cnncalc's names and layouts, and the output that the framework gives.
"""

import json
import sys

import torch
import torch.nn.functional as F
from torch import nn

_operators = torch.library.Library("torchvision", "DEF")
for _name in ("nms(Tensor a, Tensor b, float c) -> Tensor", "qnms(Tensor a, Tensor b, float c) -> Tensor"):
    _operators.define(_name)

from timm.layers import ScaledStdConv2d, StdConv2d  # noqa: E402
from timm.layers.grn import GlobalResponseNorm  # noqa: E402
from timm.models.efficientvit_mit import LiteMLA  # noqa: E402
from timm.models.levit import Attention as LevitAttention  # noqa: E402
from torchvision.models.maxvit import RelativePositionalMultiHeadAttention, SwapAxes, WindowDepartition, WindowPartition  # noqa: E402
from torchvision.models.swin_transformer import (  # noqa: E402
    PatchMerging,
    ShiftedWindowAttention,
    ShiftedWindowAttentionV2,
)
from torchvision.models.video.mvit import _add_rel_pos  # noqa: E402
from torchvision.models.video.swin_transformer import ShiftedWindowAttention3d  # noqa: E402

torch.manual_seed(0)
torch.set_grad_enabled(False)
cases = []


def nested(tensor):
    return json.loads(json.dumps(tensor.double().tolist()), parse_float=lambda text: round(float(text), 7))


def case(name, spec, inputs, output, weights=None):
    """`inputs` and `output` without the batch, channels first."""
    data = {key: nested(value) for key, value in inputs.items()} if isinstance(inputs, dict) else nested(inputs)
    given = {
        layer: {key: nested(value) for key, value in tensors.items()} for layer, tensors in (weights or {}).items()
    }
    cases.append({"name": name, "spec": spec, "input": data, "weights": given, "output": nested(output)})


def drawn(*shape):
    return torch.randn(shape, dtype=torch.float64)


def randomised(module):
    module.double()
    module.eval()
    for parameter in module.parameters():
        parameter.copy_(torch.randn_like(parameter) * 0.5)
    return module


def per_head(tensor, heads):
    """Channels by positions as heads by positions by channels of a head."""
    return tensor.flatten(1).unflatten(0, (heads, -1)).transpose(1, 2)


def joined(tensor, *sizes):
    """The other way round, on a map of these sizes."""
    return tensor.transpose(1, 2).flatten(0, 1).unflatten(1, sizes)


def linear(layer):
    """A linear layer per position as a convolution with kernel 1 on two axes."""
    found = {"weight": layer.weight[:, :, None, None]}
    return found | ({"bias": layer.bias} if layer.bias is not None else {})


# -- scaled dot products -----------------------------------------------------------------------------------------------

for heads, scale in ((1, None), (2, None), (4, 0.3)):
    x = drawn(24, 3, 4)
    q, k, v = (per_head(part, heads) for part in x.chunk(3))
    out = joined(F.scaled_dot_product_attention(q, k, v, scale=scale), 3, 4)
    extra = f", scale: {scale}" if scale else ""
    case(
        f"thirds of one tensor, {heads} heads{extra}",
        f"input: [24, 3, 4]\nlayers: [{{attention: {heads}{extra}}}]",
        x,
        out,
    )

q, kv = drawn(8, 3, 3), drawn(16, 2, 5)
out = F.scaled_dot_product_attention(*(per_head(part, 2) for part in (q, *kv.chunk(2))))
case(
    "queries, and halves of another map",
    "input: {a: [8, 3, 3], b: [16, 2, 5]}\nlayers: [{attention: 2, from: [a, b]}]",
    {"a": q, "b": kv},
    joined(out, 3, 3),
)
q, k, v = drawn(8, 6), drawn(8, 9), drawn(12, 9)
out = F.scaled_dot_product_attention(*(per_head(part, 4) for part in (q, k, v)))
case(
    "tokens; values of other channels",
    "input: {a: [8, 6], b: [8, 9], c: [12, 9]}\nlayers: [{attention: 4, from: [a, b, c]}]",
    {"a": q, "b": k, "c": v},
    joined(out, 6),
)

# -- windows and grids -------------------------------------------------------------------------------------------------


def table(module, heads, sizes):
    return module.relative_position_bias_table.T.reshape(heads, *(2 * size - 1 for size in sizes))


WINDOWED = """input: [8, {height}, {width}]
layers:
  - {{pad: [[0, -x.height % {w}], [0, -x.width % {w}]]}}
  - {{conv: 24, kernel: 1, name: qkv}}
  - {{attention: 2, window: {w}, shift: {shift}, bias: relative, name: mix}}
  - {{conv: 8, kernel: 1, name: proj}}
  - {{crop: [[0, -input.height % {w}], [0, -input.width % {w}]]}}
"""
for height, width, w, shift in ((6, 6, 3, 0), (6, 9, 3, 1), (5, 7, 3, 1), (6, 6, 3, 2), (3, 6, 3, 1), (8, 8, 4, 2)):
    module = randomised(ShiftedWindowAttention(8, [w, w], [shift, shift], 2))
    x = drawn(8, height, width)
    out = module(x.permute(1, 2, 0)[None])[0].permute(2, 0, 1)
    weights = {
        "qkv": linear(module.qkv),
        "mix": {"bias_table": table(module, 2, (w, w))},
        "proj": linear(module.proj),
    }
    spec = WINDOWED.format(height=height, width=width, w=w, shift=shift)
    case(f"torchvision's shifted windows of {w} by {shift} on {height} x {width}", spec, x, out, weights)

for shift in (0, 2):
    module = randomised(ShiftedWindowAttentionV2(8, [4, 4], [shift, shift], 2))
    x = drawn(8, 8, 8)
    # beyond log(100), where it is clipped; with a shift so small that torchvision's mask of -100 cuts all off
    module.logit_scale.copy_(torch.tensor([0.7, 2.0 if shift else 6.0])[:, None, None])
    grid = torch.linspace(-1, 1, 7, dtype=torch.float64)
    module.relative_coords_table.copy_(torch.stack(torch.meshgrid(grid, grid, indexing="ij"), -1)[None])
    out = module(x.permute(1, 2, 0)[None])[0].permute(2, 0, 1)
    qkv = linear(module.qkv)
    qkv["bias"] = torch.cat([qkv["bias"][:8], torch.zeros(8), qkv["bias"][16:]])  # V2 has no bias of the keys
    first, _, last = module.cpb_mlp
    spec = f"""input: [8, 8, 8]
layers:
  - {{conv: 24, kernel: 1, name: qkv}}
  - {{coordinates: [7, 7]}}
  - {{conv: 512, kernel: 1, act: relu, name: first}}
  - {{conv: 2, kernel: 1, bias: false, act: sigmoid, name: last}}
  - {{factor: one, value: 16, name: offsets}}
  - {{attention: 2, window: 4, shift: {shift}, mode: cosine, bias: offsets, from: qkv, name: mix}}
  - {{conv: 8, kernel: 1, name: proj}}
"""
    weights = {
        "qkv": qkv,
        "first": linear(first),
        "last": linear(last),
        "mix": {"logit_scale": module.logit_scale.flatten()},
        "proj": linear(module.proj),
    }
    case(f"torchvision's V2 with a bias of coordinates, shift {shift}", spec, x, out, weights)

module = randomised(ShiftedWindowAttention3d(4, [2, 3, 3], [1, 1, 1], 2))
x = drawn(4, 4, 6, 6)
out = module(x.permute(1, 2, 3, 0)[None])[0].permute(3, 0, 1, 2)
spec = """input: [4, 4, 6, 6]
layers:
  - {conv: 12, kernel: 1, name: qkv}
  - {attention: 2, window: 2x3x3, shift: 1, bias: relative, name: mix}
  - {conv: 4, kernel: 1, name: proj}
"""
weights = {
    name: {key: value[..., None] if value.dim() > 1 else value for key, value in linear(layer).items()}
    for name, layer in (("qkv", module.qkv), ("proj", module.proj))
}
weights["mix"] = {"bias_table": table(module, 2, (2, 3, 3))}
case("torchvision's windows of three axes", spec, x, out, weights)

for grid in (False, True):
    module = randomised(RelativePositionalMultiHeadAttention(8, 4, 9))
    x, size = drawn(8, 6, 6), 2 if grid else 3
    part, swap = WindowPartition(), SwapAxes(-2, -3) if grid else nn.Identity()
    out = swap(module(swap(part(x[None], size))))
    out = WindowDepartition()(out, size, 6 // size, 6 // size)[0]
    spec = f"""input: [8, 6, 6]
layers:
  - {{conv: 24, kernel: 1, name: qkv}}
  - {{attention: 2, {"grid" if grid else "window"}: 3, scale: 1/sqrt(8), bias: relative, name: mix}}
  - {{conv: 8, kernel: 1, name: proj}}
"""
    weights = {
        "qkv": linear(module.to_qkv),
        "mix": {"bias_table": table(module, 2, (3, 3))},
        "proj": linear(module.merge),
    }
    case(f"torchvision's {'grid' if grid else 'windows'} of MaxViT", spec, x, out, weights)

# -- other modes and biases --------------------------------------------------------------------------------------------

module = LiteMLA(8, 8, heads=2, dim=4, scales=(), eps=1e-15)
x = drawn(24, 3, 4)
q, k, v = (part.flatten(1).unflatten(0, (2, 4)).transpose(1, 2)[None].relu() for part in x.chunk(3))
v = x.chunk(3)[2].flatten(1).unflatten(0, (2, 4)).transpose(1, 2)[None]
out = joined(module._attn(q, k, F.pad(v, (0, 1), value=1.0))[0], 3, 4)
case("timm's linear attention of EfficientViT", "input: [24, 3, 4]\nlayers: [{attention: 2, mode: linear}]", x, out)

module = randomised(LevitAttention(8, 4, 2, attn_ratio=2, resolution=(3, 4)))
biases = module.get_attention_biases(torch.device("cpu"))
x = drawn(8 + 8 + 16, 3, 4)
q, k, v = (per_head(part, 2) for part in x.split([8, 8, 16]))
out = joined(F.scaled_dot_product_attention(q, k, v, attn_mask=biases), 3, 4)
spec = "input: [32, 3, 4]\nlayers:\n  - {split: {q: 8, k: 8, v: rest}}\n  - {attention: 2, from: [q, k, v], bias: distance, name: mix}\n"  # noqa: E501
case("timm's bias by distance of LeViT", spec, x, out, {"mix": {"bias_table": module.attention_biases}})

heads, q_map, k_map = 2, (2, 4, 4), (2, 2, 2)
q, k, v = drawn(8, 1 + 32), drawn(8, 1 + 8), drawn(8, 1 + 8)
height, width, depth = drawn(7, 4), drawn(7, 4), drawn(3, 4)
parts = [per_head(part, heads)[None] for part in (q, k, v)]
attn = _add_rel_pos(parts[0] * 0.5 @ parts[1].transpose(2, 3), parts[0], q_map, k_map, height, width, depth)
out = joined((attn.softmax(-1) @ parts[2])[0], 33)
spec = """input: {a: [8, 33], b: [8, 9], c: [8, 9]}
layers:
  - {attention: 2, from: [a, b, c], bias: decomposed, maps: [2, 4, 4], key_maps: [2, 2, 2], name: mix}
"""
weights = {"mix": {"rel_pos_depth": depth, "rel_pos_height": height, "rel_pos_width": width}}
case("torchvision's decomposed bias of MViTv2", spec, {"a": q, "b": k, "c": v}, out, weights)

module = randomised(PatchMerging(4))
x = drawn(4, 4, 6)
out = module(x.permute(1, 2, 0)[None])[0].permute(2, 0, 1)
# torchvision takes the blocks height-first: the spec's order differs by a permutation of what is learned
order = torch.cat([torch.arange(4) + 4 * place for place in (0, 2, 1, 3)])
spec = """input: [4, 4, 6]
layers:
  - {space_to_depth: 2, order: dcr}
  - {layer_norm, name: norm}
  - {conv: 8, kernel: 1, bias: false, name: reduction}
"""
weights = {
    "norm": {"weight": module.norm.weight[order], "bias": module.norm.bias[order]},
    "reduction": {"weight": module.reduction.weight[:, order][:, :, None, None]},
}
case("torchvision's patch merging", spec, x, out, weights)

# -- products, learned tensors, reductions -----------------------------------------------------------------------------

a, b = drawn(4, 6), drawn(6, 5)
spec = "input: {{a: [{a}], b: [{b}]}}\nlayers: [{{matmul: [a, b]{more}}}]"
case("a*b", spec.format(a="4, 6", b="6, 5", more=""), {"a": a, "b": b}, a @ b)
c = drawn(3, 2, 3)
case("a*b'", spec.format(a="4, 6", b="3, 2, 3", more=", over: positions"), {"a": a, "b": c}, a @ c.flatten(1).T)
c = drawn(4, 2, 3)
out = (a.T @ c.flatten(1)).unflatten(1, (2, 3))
case("a'*b", spec.format(a="4, 6", b="4, 2, 3", more=", over: channels"), {"a": a, "b": c}, out)
b = drawn(12, 5)
out = torch.cat([one @ two for one, two in zip(a.chunk(2), b.chunk(2))])
case("a*b in groups", spec.format(a="4, 6", b="12, 5", more=", groups: 2"), {"a": a, "b": b}, out)

x = drawn(3, 4, 5)
one = "input: [3, 4, 5]\nlayers: [{step}]"
for axes, shape in (
    ("one", (1,)),
    ("channels", (3,)),
    ("positions", (1, 4, 5)),
    ("all", (3, 4, 5)),
    ("[channels, height]", (3, 4)),
):
    learned = drawn(*shape)
    full = learned.reshape(*shape, *(1,) * (3 - len(shape)))
    for kind, name, out in (("offset", "bias", x + full), ("factor", "weight", x * full)):
        step = f"{{{kind}: {axes}, name: own}}"
        case(f"{kind} of {axes}", one.format(step=step), x, out, {"own": {name: learned}})
for way, function in (
    ("mean", torch.mean),
    ("sum", torch.sum),
    ("max", torch.amax),
    ("norm", torch.linalg.vector_norm),
):
    case(f"{way} of channels", one.format(step=f"{{reduce: {way}}}"), x, function(x, dim=0, keepdim=True))
    step = f"{{reduce: {way}, over: positions}}"
    case(f"{way} of positions", one.format(step=step), x, function(x, dim=(1, 2), keepdim=True))
case("softmax over positions", one.format(step="{softmax: positions}"), x, x.flatten(1).softmax(1).reshape(x.shape))
norm = randomised(nn.LayerNorm([3, 4, 5]))
weights = {"own": {"weight": norm.weight, "bias": norm.bias}}
case("layer norm over all", one.format(step="{layer_norm, over: all, name: own}"), x, norm(x[None])[0], weights)
norm = randomised(GlobalResponseNorm(3, channels_last=False))
weights = {"own": {"weight": norm.weight, "bias": norm.bias}}
case("timm's global response norm", one.format(step="{global_response_norm, name: own}"), x, norm(x[None])[0], weights)
for way, made in (
    ("standardize_gain", ScaledStdConv2d(4, 6, 3, padding=1, groups=2, gamma=1.0, eps=1e-6)),
    ("standardize", StdConv2d(4, 6, 3, padding=1, groups=2, bias=True, eps=1e-6)),
    ("gain", torch.nn.utils.weight_norm(nn.Conv2d(4, 6, 3, padding=1, groups=2))),
):
    gain = {"standardize_gain": "gain", "gain": "weight_g"}.get(way)
    module = randomised(made)
    y = drawn(4, 5, 5)
    own = {"weight": module.weight_v if way == "gain" else module.weight, "bias": module.bias}
    if gain:
        own["gain"] = getattr(module, gain).flatten()
    spec = f"input: [4, 5, 5]\nlayers: [{{conv: 6, kernel: 3, padding: 1, groups: 2, weight_norm: {way}, name: own}}]"
    case(f"weight norm: {way}", spec, y, module(y[None])[0], {"own": own})
for size, kernel, stride, padding in ((6, 2, 2, 0), (7, 2, 2, 0), (7, 3, 3, 1), (8, 3, 2, 1)):
    y = drawn(2, size, size)
    pooled, indices = F.max_pool2d(y[None], kernel, stride, padding, return_indices=True)
    out = F.max_unpool2d(pooled, indices, kernel, stride, padding, output_size=(size, size))[0]
    spec = f"""input: [2, {size}, {size}]
layers:
  - {{max_pool: {kernel}, stride: {stride}, padding: {padding}, name: pool}}
  - {{max_unpool: pool}}
"""
    case(f"max_unpool of {size} by {kernel}/{stride}", spec, y, out)
parts, learned = [drawn(2, 3, 3) for _ in range(3)], torch.tensor([1.5, -0.5, 0.7], dtype=torch.float64)
names = "input: {a: [2, 3, 3], b: [2, 3, 3], c: [2, 3, 3]}\nlayers: [{add: [a, b, c], weights: %s, name: own}]"
given = dict(zip("abc", parts))
fast = learned.relu() / (learned.relu().sum() + 1e-4)
case(
    "a weighted sum, fast", names % "fast", given, sum(f * p for f, p in zip(fast, parts)), {"own": {"weight": learned}}
)
soft = learned.softmax(0)
case(
    "a weighted sum, softmax",
    names % "softmax",
    given,
    sum(f * p for f, p in zip(soft, parts)),
    {"own": {"weight": learned}},
)

json.dump(cases, sys.stdout, separators=(",", ":"))
