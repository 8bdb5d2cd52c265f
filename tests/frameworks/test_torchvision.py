"""torchvision's weights, copied in order into the exported code of the same network, give torchvision's output.

The weights are drawn, batch norms' statistics too: nothing is downloaded.  Inputs are small where a network allows it.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import cnncalc
from cnncalc.convert.torch_out import to_torch

LIBRARY = torch.library.Library("torchvision", "DEF")
"""torchvision registers more about these two when it is imported, and its extension may be missing."""
for schema in ("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor", "qnms(Tensor a) -> Tensor"):
    if not hasattr(torch.ops.torchvision, schema.partition("(")[0]):
        LIBRARY.define(schema)

from torchvision import models  # noqa: E402

TOTALS = Path(__file__).parents[1] / "data" / "torchvision" / "totals.csv"
with open(TOTALS, newline="", encoding="utf-8") as file:
    NAMES = [row["name"] for row in csv.DictReader(file)]

ONE_SIZE = ("alexnet", "vgg", "s3d", "inception_v3_aux")
"""Networks that take their own input size alone."""
LARGE = 60_000_000
"""Parameters above which single precision has to do."""
TOLERANCE = 1e-4


def input_shape(name: str, own: tuple[int, ...]) -> tuple[int, ...]:
    """A smaller input of the same kind, where the network takes one."""
    if name.startswith(ONE_SIZE):
        return own
    if len(own) == 4:
        return (own[0], 8, 32, 32)
    return (own[0], 97, 97)


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
    with torch.device("meta"):
        return models.get_model(plain, **options)


def drawn(name: str, shape: torch.Size, dtype: torch.dtype) -> Tensor:
    """Values that keep activations in bounds: variances and factors around 1, kernels by their inputs."""
    made = torch.empty(shape, dtype=dtype)
    if len(shape) > 1 and "layer_scale" not in name:
        return made.normal_(0, (2 / shape[1:].numel()) ** 0.5)
    if name.endswith(("weight", "running_var", "layer_scale")):
        return made.uniform_(0.5, 1.5)
    return made.normal_(0, 0.1)


def in_order(state: dict[str, Tensor]) -> list[Tensor]:
    """The tensors of torchvision's state dict as the layers use them; a block's own factor comes before them there."""
    found: list[Tensor] = []
    factor: tuple[str, Tensor] | None = None
    for key, value in state.items():
        if factor is not None and not key.startswith(factor[0]):
            found.append(factor[1].flatten())
            factor = None
        if key.endswith(".layer_scale"):  # of convnext
            factor = key.removesuffix("layer_scale"), value
        elif not key.endswith("num_batches_tracked"):
            found.append(value)
    return found


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


@pytest.mark.parametrize("name", NAMES)
def test_torchvision_weights_in_order(name: str) -> None:
    torch.manual_seed(0)
    theirs = build(name).eval()
    graph = cnncalc.load(name).graph
    shape = input_shape(name, graph.inputs[0][1])
    graph = cnncalc.load(name, inputs=shape).graph
    size = sum(parameter.numel() for parameter in theirs.parameters())
    dtype = torch.float64 if size < LARGE else torch.float32
    state = {
        key: torch.tensor(0) if key.endswith("num_batches_tracked") else drawn(key, value.shape, dtype)
        for key, value in theirs.state_dict().items()
    }
    theirs.load_state_dict(state, assign=True)
    with torch.device("meta"):
        ours = to_torch(graph).eval()
    mine = [key for key in ours.state_dict() if not key.endswith("num_batches_tracked")]
    values = in_order(state)
    assert len(mine) == len(values)
    assert [tuple(ours.state_dict()[key].shape) for key in mine] == [tuple(value.shape) for value in values]
    copied = dict(zip(mine, values))
    copied |= {key: torch.tensor(0) for key in ours.state_dict() if key.endswith("num_batches_tracked")}
    ours.load_state_dict(copied, assign=True)
    x = torch.rand(1, *shape, dtype=dtype)
    with torch.no_grad():
        expected = outputs(theirs, x, "googlenet_aux" in name or "inception_v3_aux" in name)
        found = ours(x)
    for left, right in zip([found] if isinstance(found, Tensor) else found, expected, strict=True):
        wanted = right.softmax(dim=1) if graph.nodes[-1].kind == "softmax" else right
        assert left.shape == wanted.shape
        assert float((left - wanted).abs().max() / wanted.abs().max()) < TOLERANCE
