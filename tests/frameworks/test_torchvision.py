"""torchvision's weights, copied in order into the exported code of the same network, give torchvision's output.

The weights are drawn, batch norms' statistics too: nothing is downloaded.  Inputs are small where a network allows it.
"""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from frameworks.export_cases import sampled
from torch import Tensor, nn

import cnncalc
from cnncalc.convert.torch_out import to_torch

models = torchvision.models
DATA = Path(__file__).parents[1] / "data" / "torchvision"


def listed(file: str) -> list[str]:
    """The names in a table of torchvision's networks."""
    lines = (DATA / file).read_text(encoding="utf-8").splitlines()
    return [row["name"] for row in csv.DictReader(line for line in lines if not line.startswith("#"))]


NAMES = listed("totals.csv")
TRANSFORMERS = listed("transformers.csv")

SHAPES = {
    **dict.fromkeys(("alexnet", "vgg", "s3d", "inception_v3_aux", "vit", "maxvit", "mvit"), None),
    "swin3d": (3, 16, 224, 224),
    "swin": (3, 96, 96),
    **dict.fromkeys(("r3d", "mc3", "r2plus1d"), (3, 8, 32, 32)),
}
"""Inputs of families; None is their own, where they take no other.  All else takes 97 x 97."""

LARGE = 60_000_000
"""Parameters above which single precision has to do."""
TOLERANCE = 1e-4


def input_shape(name: str) -> tuple[int, ...] | None:
    """A smaller input, where the network takes one."""
    return next((shape for family, shape in SHAPES.items() if name.startswith(family)), (3, 97, 97))


def build(name: str) -> nn.Module:
    """torchvision's model without weights."""
    plain = name.removesuffix("_aux")
    options: dict[str, Any] = {"weights": None}
    if plain in ("googlenet", "inception_v3"):
        options |= {"aux_logits": plain != name, "init_weights": False}
    if plain.startswith(("fcn", "deeplabv3", "lraspp")):
        options["weights_backbone"] = None
    if plain.startswith(("fcn", "deeplabv3")):
        options["aux_loss"] = plain != name
    return models.get_model(plain, **options)


def drawn(name: str, shape: torch.Size, dtype: torch.dtype) -> Tensor:
    """Values that keep activations in bounds: variances and factors around 1, kernels by their inputs."""
    made = torch.empty(shape, dtype=dtype)
    if len(shape) > 1 and "layer_scale" not in name:
        return made.normal_(0, (2 / shape[1:].numel()) ** 0.5)
    if name.endswith(("weight", "running_var", "layer_scale")):
        return made.uniform_(0.5, 1.5)
    return made.normal_(0, 0.1)


ATTENDED = ("attn.qkv", "attn.relative_position_bias_table", "attn.proj")
COSINE = ("attn.qkv", "attn.cpb_mlp", "attn.logit_scale", "attn.proj")
POOLED = ("norm1", "attn.qkv", "attn.pool_k", "attn.pool_v", "attn.pool_q")
POOLED += ("attn.rel_pos_t", "attn.rel_pos_h", "attn.rel_pos_w", "attn.project")
ORDERS = {
    "lraspp": tuple(f"classifier.{part}" for part in ("cbr", "scale", "high_classifier", "low_classifier")),
    "convnext": ("block", "layer_scale"),
    "vit": ("conv_proj", "class_token", "encoder"),
    "swin_v2": (*COSINE, "norm1", "mlp", "norm2"),
    "swin": ("norm1", *ATTENDED, "norm2", "mlp", "norm", "reduction"),
    "maxvit": (
        "attn_layer.0",
        *(f"attn_layer.1.{part}" for part in ("to_qkv", "relative_position_bias_table", "merge")),
    ),
    "mvit_v1_b": (*POOLED, "norm2", "mlp", "project"),
    "mvit_v2_s": (*POOLED, "project", "norm2", "mlp"),
}
"""Where torchvision's modules define their parts in another order than they use them: that in which they are used."""

FIRST = ("conv_proj", "pos_encoding.spatial_pos", "pos_encoding.temporal_pos")
FIRST += ("pos_encoding.class_token", "pos_encoding.class_pos")
"""The same of the beginning of MViT."""

IGNORED = ("num_batches_tracked", "relative_position_index", "relative_coords_table")
"""Buffers that are no state."""


MERGED = re.compile(r"features\.\d+\.norm\.(weight|bias)")


def order_of(name: str) -> tuple[str, ...]:
    """In which order a network's parts are used, where torchvision defines them in another."""
    order = next((order for family, order in ORDERS.items() if name.startswith(family)), ())
    return (*FIRST, *order) if name.startswith("mvit") else order


def in_order(name: str, state: dict[str, Tensor]) -> list[tuple[str, Tensor]]:
    """torchvision's tensors as its layers use them."""
    order = order_of(name)
    groups: dict[str, list[tuple[int, str]]] = {}
    for key in sorted(state, key=lambda key: key.startswith(("aux1", "aux2", "AuxLogits"))):
        if not key.endswith(IGNORED):
            found = [(f".{key}.".find(f".{part}."), place) for place, part in enumerate(order)]
            at, place = min((each for each in found if each[0] >= 0), default=(len(key), 0))
            groups.setdefault(key[:at], []).append((place, key))
    return [(key, state[key]) for group in groups.values() for _, key in sorted(group, key=lambda each: each[0])]


def as_ours(order: tuple[str, ...], key: str, value: Tensor, shape: torch.Size) -> Tensor:
    """A tensor of torchvision's in the layout of ours.

    Tables by position have their channels, or heads, last there.  Swin's patch merging takes the four neighbours column
    by column, where a `space_to_depth` takes them row by row.
    """
    if key.endswith(("pos_embedding", "relative_position_bias_table", "spatial_pos", "temporal_pos")):
        value = value.reshape(-1, value.shape[-1]).T
    if key.endswith("reduction.weight") or (MERGED.fullmatch(key) and "reduction" in order):
        value = value.unflatten(-1, (4, -1))[..., [0, 2, 1, 3], :].flatten(-2)
    assert value.numel() == shape.numel(), f"{key} {tuple(value.shape)} for {tuple(shape)}"
    return value.reshape(shape).contiguous()


def outputs(model: nn.Module, x: Tensor, aux: bool) -> list[Tensor]:
    """What a torchvision model gives, its auxiliary heads last."""
    if aux:
        model.training = True  # of the model alone: its heads run, its dropout does not
    found = model(x)
    if isinstance(found, Tensor):
        return [found]
    if isinstance(found, dict):
        return list(found.values())
    values = {
        "logits": found.logits,
        "aux1": getattr(found, "aux_logits1", None),
        "aux2": getattr(found, "aux_logits2", None),
    }
    values["aux"] = getattr(found, "aux_logits", None)
    return [value for value in values.values() if value is not None]


def settled(theirs: nn.Module, state: dict[str, Tensor]) -> None:
    """Give a Swin Transformer V2 the offsets and biases that our spec says.

    torchvision takes logarithms of the offsets in a window, which the spec language cannot say, and has no bias of the
    keys, whatever the state holds.
    """
    for name, module in theirs.named_modules():
        if hasattr(module, "relative_coords_table"):
            sizes = [2 * size - 1 for size in module.window_size]
            table = state[f"{name}.relative_coords_table"]
            lines = [torch.linspace(-1, 1, size, dtype=table.dtype) for size in sizes]
            state[f"{name}.relative_coords_table"] = torch.stack(torch.meshgrid(*lines, indexing="ij"), -1)[None]
            bias = state[f"{name}.qkv.bias"]
            bias[len(bias) // 3 : 2 * len(bias) // 3] = 0


HEAVY = ("mvit", "swin3d")
"""Networks that take minutes even so."""


def chosen() -> list[str]:
    """Those of the sample that take seconds; all where the environment sets ``EVERY_NETWORK``."""
    sample = sampled()
    every = bool(os.environ.get("EVERY_NETWORK"))
    return [name for name in (*NAMES, *TRANSFORMERS) if name in sample and (every or not name.startswith(HEAVY))]


@pytest.mark.parametrize("name", chosen())
def test_torchvision_weights_in_order(name: str) -> None:
    torch.manual_seed(0)
    theirs = build(name).eval()
    graph = cnncalc.load(name, inputs=input_shape(name)).graph
    size = sum(parameter.numel() for parameter in theirs.parameters())
    dtype = torch.float64 if size < LARGE else torch.float32
    state = theirs.state_dict()
    for key, value in state.items():
        if not key.endswith(IGNORED):
            state[key] = drawn(key, value.shape, dtype)
        elif value.is_floating_point():
            state[key] = value.to(dtype)
    settled(theirs, state)
    torch.set_default_dtype(dtype)
    try:
        ours = to_torch(graph).eval()
    finally:
        torch.set_default_dtype(torch.float32)
    mine = {key: value.shape for key, value in ours.state_dict().items() if not key.endswith(IGNORED)}
    values = in_order(name, state)
    assert len(mine) == len(values)
    copied = {key: as_ours(order_of(name), *each, shape) for (key, shape), each in zip(mine.items(), values)}
    copied |= {key: torch.tensor(0) for key in ours.state_dict() if key.endswith(IGNORED)}
    ours.load_state_dict(copied, assign=True)
    theirs.load_state_dict(state, assign=True)
    x = torch.rand(1, *graph.inputs[0][1], dtype=dtype)
    with torch.no_grad():
        expected = outputs(theirs, x, "googlenet_aux" in name or "inception_v3_aux" in name)
        found = ours(x)
    for left, right in zip([found] if isinstance(found, Tensor) else found, expected, strict=True):
        wanted = right.softmax(dim=1) if graph.nodes[-1].kind == "softmax" else right
        assert left.shape == wanted.shape
        error = float((left - wanted).abs().max() / wanted.abs().max())
        assert error < TOLERANCE, error
